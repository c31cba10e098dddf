"""How far a map is from commuting with finite motions, the discrete ones included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ..action._action import Action
from ..action._representation import Representation
from ..actions import Trivial
from ..algebra._matrix_group import MatrixGroup
from ..core._autodiff import Map, evaluating, value_of
from ..core._checks import as_points
from ..errors import DataError, RepresentationMismatchError
from ..symmetry import bars
from ..symmetry.claims._rows import output_blocks
from ._gaps import Gaps, found_gaps, gaps_of
from ._metric import Metric, Spreads
from ._report import SymmetryReport
from ._summary import level_of, plain_sizes, require_sizes, summarise

_ROWS = 1024  # samples given to the map at once
Motion = Callable[[Action, Tensor, Tensor], Tensor]  # of points, at base points


def finite(
    f: Map,
    x: Any,
    rho_in: Action,
    rho_out: Action,
    *,
    n_samples: int = 32,
    elements: MatrixGroup | Any = None,
    size: float = 1.0,
    level: float = 0.05,
    seed: int = 0,
    confidence: float | None = None,
) -> SymmetryReport:
    """Difference of ``f(g x)`` and ``g f(x)`` for random and for given group elements.

    The *defect* of an element is ``|f(g x) - g f(x)|`` by ``|f(g x) - g f(x')|``, for values paired at random, in root
    mean square over samples: 0 exactly for an equivariant map, 1 for chance. The *effect* is the numerator in spreads
    of the map. Outputs are measured in their covariance, so that units do not matter.

    Parameters
    ----------
    f : callable
        `(batch, *event)` to `(batch, *out)`. A module is evaluated in eval mode and left as it was found.
    x : array_like
        `(batch, *event)` points.
    rho_in, rho_out : Action
        Actions of one algebra on inputs and on outputs.
    n_samples : int
        Number of random elements ``exp(xi)`` of the identity component, in random directions.
    elements : MatrixGroup or array_like, optional
        Further elements `(k, n, n)`, such as candidates for a discrete symmetry; of a group, its components.
        They need representations that know finite elements.
    size : float
        Largest random motion, as the largest singular value of the generator: an angle, rapidity or distance.
    level : float
        Of the bootstrap intervals: what they leave out.
    seed : int
        Of the elements and the bootstrap.
    confidence : float, optional
        Former word for ``1 - level``; it will go.

    Returns
    -------
    SymmetryReport
        With one entry per element, random ones first.

    Raises
    ------
    DataError
        If nothing is asked for, or points or values are not finite.
    RepresentationMismatchError
        If shapes do not fit, or an action does not know the finite elements.
    FlowError
        If a motion runs to infinity; ask for a smaller size.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> G = iso.so(2)
    >>> x = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> mirrors = torch.diag_embed(torch.tensor([[1.0, 1.0], [1.0, -1.0]]))
    >>> report = finite(torch.abs, x, G.vector(), G.vector(), n_samples=0, elements=mirrors)
    >>> [round(float(defect), 2) for defect in report.per_generator]
    [0.0, 1.0]
    """
    level = level_of(level, confidence)
    points = as_points(x, "x", rho_in.event).detach()
    named = [*_random_motions(rho_in, n_samples, size, seed), *_given_motions(elements)]
    if not named:
        raise DataError(f"expected something to test, received n_samples={n_samples} and no elements; ask for some")
    with evaluating(f), torch.no_grad():
        value = _evaluated(f, points)
        _require_outputs(value, rho_out)
        outputs = Spreads(output_blocks(rho_out), len(points)).update(value).metric()
        seen = [_compared(f, points, value, motion, rho_in, rho_out, outputs) for _, motion in named]
    squares = torch.stack([raw for raw, _ in seen], dim=1)
    require_sizes(squares)
    gaps = Gaps(*[torch.stack(part, dim=1) for part in zip(*[gap for _, gap in seen], strict=True)])
    spread = outputs(value.to("cpu", torch.float64) - outputs.mean).square().sum(1)
    rounding = _rounding(outputs, value.dtype)
    defects, effects, effective = found_gaps(gaps, spread, rounding, level, seed)
    return summarise(
        defects,
        effects,
        [name for name, _ in named],
        plain_sizes(torch.cat([squares, squares.sum(1, keepdim=True)], dim=1)),
        floor=_floor(gaps, rounding),
        method="finite",
        dtype=points.dtype,
        samples=len(points),
        effective=effective,
        level=level,
    )


def _random_motions(rho_in: Action, count: int, size: float, seed: int) -> Iterator[tuple[str, Motion]]:
    """Flows along random directions, of random length up to ``size``."""
    if count and not (rho_in.algebra.dim and size > 0):
        raise DataError(
            f"expected generators and a positive size, received dimension {rho_in.algebra.dim} and size={size}; "
            "pass n_samples=0 to test given elements alone"
        )
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        xi = torch.randn(rho_in.algebra.dim, generator=generator, dtype=torch.float64)
        element = torch.einsum("k,kij->ij", xi, rho_in.algebra.basis)
        length = size * float(torch.rand((), generator=generator, dtype=torch.float64))
        xi = xi * (length / torch.linalg.matrix_norm(element, 2))
        yield f"exp({rho_in.describe(xi)})", _flow_along(xi)


def _flow_along(xi: Tensor) -> Motion:
    return lambda rho, y, at: rho.flow(xi, y, at=at)


def _given_motions(elements: MatrixGroup | Any) -> Iterator[tuple[str, Motion]]:
    """Finite elements through the representations."""
    if elements is None:
        return
    matrices = elements.components if isinstance(elements, MatrixGroup) else torch.as_tensor(elements)
    if matrices.ndim != 3:
        raise RepresentationMismatchError(
            f"elements: expected matrices (k, n, n), received shape {tuple(matrices.shape)}; stack group elements"
        )
    for index, matrix in enumerate(matrices.to(torch.float64)):
        yield f"element {index}", _element(matrix)


def _element(matrix: Tensor) -> Motion:
    def move(rho: Action, y: Tensor, at: Tensor) -> Tensor:
        if isinstance(rho, Trivial):
            return y
        if not isinstance(rho, Representation):
            raise RepresentationMismatchError(
                f"elements: expected representations, received {type(rho).__name__}, which only knows flows; "
                "leave the elements out"
            )
        return y @ rho.rho(matrix).to(y).T

    return move


def _compared(
    f: Map, x: Tensor, value: Tensor, motion: Motion, rho_in: Action, rho_out: Action, outputs: Metric
) -> tuple[Tensor, Gaps]:
    """Mean squares `(3,)` of ``a - b``, ``a - c`` and ``b - c`` with c the mean of both, and the gaps `(batch,)`."""
    moved = _evaluated(f, motion(rho_in, x, x)).flatten(1).to("cpu", torch.float64)
    turned = motion(rho_out, value.reshape(-1, *rho_out.event), x).flatten(1).to("cpu", torch.float64)
    centre = 0.5 * (moved.mean(0) + turned.mean(0))
    parts = (moved - turned, moved - centre, turned - centre)
    return torch.stack([part.square().sum(1).mean() for part in parts]), gaps_of(outputs(moved), outputs(turned))


def _require_outputs(value: Tensor, rho_out: Action) -> None:
    if value[0].numel() != rho_out.size:
        raise RepresentationMismatchError(
            f"rho_out: expected an action on {value[0].numel()} outputs (what f returns), received one on "
            f"{rho_out.size}; use scalar() for an invariant, actions.Trivial for several"
        )


def _evaluated(f: Map, x: Tensor) -> Tensor:
    """Values `(batch, out)`, a bounded number of samples at a time."""
    return torch.cat([value_of(f, part).reshape(len(part), -1) for part in x.split(_ROWS)])


def _rounding(outputs: Metric, dtype: torch.dtype) -> float:
    """What a unit in the last place of each value, its mean included, may do, in the scales of the outputs."""
    size = (len(outputs.mean) + float(outputs(outputs.mean).square().sum())) ** 0.5
    return bars.ROUNDINGS * torch.finfo(dtype).eps * size


def _floor(gaps: Gaps, rounding: float) -> float:
    """Largest defect that rounding may give an element."""
    chance = gaps.chance.mean(0).sqrt()
    moving = chance[chance > rounding]
    return rounding / float(moving.amin()) if len(moving) else 0.0
