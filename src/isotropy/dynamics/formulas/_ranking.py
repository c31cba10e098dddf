"""Systems of formulas ranked by their error on held-out samples and by how far they break a symmetry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...measure._terms import frames, term_squares

_SYSTEMS = 2000  # combinations of one formula per coordinate that are compared
_BLOCKS = 10  # runs of rows that are held out together, because smoothed neighbours share their noise
_HELD = 3  # blocks held out


@dataclass(frozen=True)
class Candidate:
    """A system of formulas and what speaks for it.

    Attributes
    ----------
    expressions : list of sympy.Expr
        Right-hand sides.
    length : int
        Of all formulas together.
    error : float
        On held-out samples: root mean over the coordinates of the squared error relative to the squared velocity.
    symmetry_error : float
        ``|Dh v - Dv h| / (|Dh| |v| + |Dv h|)`` over all samples and generators ``v``, in [0, 1].
    loss : float
        ``error + weight * symmetry_error``.
    """

    expressions: list[Any]
    length: int
    error: float
    symmetry_error: float
    loss: float


@dataclass(frozen=True)
class _Entry:
    """A formula with values `(S,)` and slopes `(S, n)` at the samples and its relative squared held-out error."""

    expression: Any
    length: int
    value: Tensor
    slope: Tensor
    square: float


def held_out(count: int, seed: int) -> Tensor:
    """Which of so many rows to hold out `(count,)`, in consecutive blocks."""
    drawn = torch.randperm(_BLOCKS, generator=torch.Generator().manual_seed(seed))[:_HELD]
    return torch.isin(torch.arange(count) * _BLOCKS // count, drawn)


def rank_systems(
    fronts: Sequence[Sequence[tuple[int, float, Any]]],
    symbols: Sequence[Any],
    action: Action,
    x: Tensor,
    v: Tensor,
    held: Tensor,
    weight: float,
) -> list[Candidate]:
    """Candidates of least loss first, one formula per coordinate drawn from its front of length, error and formula.

    Where there are too many combinations, formulas go that are beaten on held-out samples by others of their length.
    """
    count = int(_SYSTEMS ** (1 / len(fronts)) + 1e-9)
    pools = [_pool(front, symbols, x, speed, held)[:count] for front, speed in zip(fronts, v.T, strict=True)]
    ranked: list[Candidate] = []
    for system in product(*pools):
        error = (sum(e.square for e in system) / len(system)) ** 0.5
        values = torch.stack([e.value for e in system], dim=1)
        broken = bracket_error(values, torch.stack([e.slope for e in system], dim=1), action, x)
        length = sum(e.length for e in system)
        ranked.append(Candidate([e.expression for e in system], length, error, broken, error + weight * broken))
    return sorted(ranked, key=lambda c: (c.loss, c.length))


def bracket_error(values: Tensor, jacobian: Tensor, action: Action, x: Tensor) -> float:
    """``|Dh v - Dv h| / (|Dh| |v| + |Dv h|)`` of a field with values `(S, n)` and Jacobians `(S, n, n)`."""
    turned = action.tangent().fields(values, at=x).flatten(2)
    moved, frame = action.contract(jacobian, x), frames(action.algebra)
    squares = term_squares(action.fields(x).flatten(2), jacobian.flatten(1).norm(dim=1), moved, turned, frame)
    broken, first, second = squares[:, :, -1].mean(1).sqrt().tolist()
    # Both sizes vanish only where nothing moves: a constant field under shifts, or no field at all.
    return min(1.0, broken / max(first + second, torch.finfo(x.dtype).tiny))


def _pool(
    front: Sequence[tuple[int, float, Any]], symbols: Sequence[Any], x: Tensor, speed: Tensor, held: Tensor
) -> list[_Entry]:
    """Different formulas without poles at the samples, the best of every length first, then the second best."""
    size = float(speed[held].square().mean()) + torch.finfo(x.dtype).tiny
    entries: list[_Entry] = []
    for expression, length in {expression: length for length, _, expression in front}.items():
        value, slope = _sampled(expression, symbols, x)
        if bool(torch.isfinite(value).all() and torch.isfinite(slope).all()):
            square = float((value - speed)[held].square().mean()) / size
            entries.append(_Entry(expression, length, value, slope, square))
    better: Counter[int] = Counter()
    placed: list[tuple[int, _Entry]] = []
    for entry in sorted(entries, key=lambda e: e.square):
        placed.append((better[entry.length], entry))
        better[entry.length] += 1
    return [entry for _, entry in sorted(placed, key=lambda p: p[0])]


def _sampled(expression: Any, symbols: Sequence[Any], x: Tensor) -> tuple[Tensor, Tensor]:
    """Values `(S,)` and slopes `(S, n)` of a formula."""
    import numpy
    import sympy

    function = sympy.lambdify(list(symbols), [expression, *(expression.diff(s) for s in symbols)], "numpy")
    with numpy.errstate(all="ignore"):
        columns = [torch.as_tensor(c, dtype=torch.float64).expand(len(x)) for c in function(*x.T.numpy())]
    return columns[0], torch.stack(columns[1:], dim=1)
