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
from ..core._checks import as_points, require_fraction
from ..errors import DataError, RepresentationMismatchError
from ._report import SymmetryReport
from ._summary import Noise, root_mean, summarise

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
    confidence: float = 0.95,
    seed: int = 0,
) -> SymmetryReport:
    """Difference of ``f(g x)`` and ``g f(x)`` for random and for given group elements.

    The error of an element is ``|a - b| / (|a - c| + |b - c|)`` in root mean square over samples, with
    ``a = f(g x)``, ``b = g f(x)`` and c the mean of both: in [0, 1], 0 exactly for an equivariant map.

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
    confidence : float
        Of the bootstrap intervals.
    seed : int
        Of the elements and the bootstrap.

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
    >>> [round(float(error), 2) for error in report.per_generator]
    [0.0, 0.89]
    """
    require_fraction(confidence, "confidence")
    points = as_points(x, "x", rho_in.event).detach()
    named = [*_random_motions(rho_in, n_samples, size, seed), *_given_motions(elements)]
    if not named:
        raise DataError(f"expected something to test, received n_samples={n_samples} and no elements; ask for some")
    with evaluating(f), torch.no_grad():
        value = _evaluated(f, points)
        columns = [_gap_squares(f, points, value, motion, rho_in, rho_out) for _, motion in named]
    squares = torch.stack(columns, dim=2)
    squares = torch.cat([squares, squares.sum(2, keepdim=True)], dim=2)
    return summarise(
        squares,
        [name for name, _ in named],
        noise=_rounding(squares, value),
        method="finite",
        dtype=points.dtype,
        confidence=confidence,
        seed=seed,
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


def _gap_squares(f: Map, x: Tensor, value: Tensor, motion: Motion, rho_in: Action, rho_out: Action) -> Tensor:
    """Squares `(3, batch)` of ``a - b``, ``a - c`` and ``b - c``."""
    if value[0].numel() != rho_out.size:
        raise RepresentationMismatchError(
            f"rho_out: expected an action on {value[0].numel()} outputs (what f returns), received one on "
            f"{rho_out.size}; use scalar() for an invariant, actions.Trivial for several"
        )
    moved = _evaluated(f, motion(rho_in, x, x)).flatten(1).to(torch.float64)
    turned = motion(rho_out, value.reshape(-1, *rho_out.event), x).flatten(1).to(torch.float64)
    centre = 0.5 * (moved.mean(0) + turned.mean(0))
    return torch.stack([part.square().sum(1) for part in (moved - turned, moved - centre, turned - centre)]).cpu()


def _evaluated(f: Map, x: Tensor) -> Tensor:
    """Values `(batch, out)`, a bounded number of samples at a time."""
    return torch.cat([value_of(f, part).reshape(len(part), -1) for part in x.split(_ROWS)])


def _rounding(squares: Tensor, value: Tensor) -> Noise:
    """Each value carries a unit in the last place."""
    eps = torch.finfo(value.dtype).eps
    size = root_mean(value.to("cpu", torch.float64).square().sum(1))
    scale = root_mean(squares[1:, :, :-1].mean(2).sum(0))
    return Noise(8 * eps * max(1.0, size / scale if scale else 1.0), 8 * eps * size)
