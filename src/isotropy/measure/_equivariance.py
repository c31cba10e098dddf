"""How far a map is from commuting with infinitesimal motions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..action._action import Action
from ..core._autodiff import Map, evaluating
from ..core._checks import as_points
from ..derivative._lie_derivative import LieDerivative
from ..symmetry.claims._rows import rows_at
from ._evidence import Whole
from ._floor import few_of, seen_rounding
from ._gathered import Gathered
from ._metric import Spreads
from ._report import SymmetryReport
from ._shuffles import SHUFFLES
from ._summary import level_of, require_sizes
from ._terms import frames, generator_names, term_squares
from ._walk import Layer, walk

_MOST_ENTRIES = 2**24  # of all Jacobians together
_MOST_COLUMNS = 512  # of a Jacobian, as their covariance is factored


def equivariance(
    f: Map,
    x: Any,
    rho_in: Action,
    rho_out: Action,
    *,
    method: str = "auto",
    level: float = 0.05,
    seed: int = 0,
    confidence: float | None = None,
) -> SymmetryReport:
    """How far a map is from commuting with motions: two numbers for each generator and for the worst combination.

    The *defect* is ``|L_xi f|`` against what it would be if the gradient at one sample had nothing to do with the
    motion at another, ``(E |Df(x') xi_in(x)|^2 + E |xi_out f(x)|^2)^(1/2)``, in root mean square: 0 for a symmetric
    map, 1 for chance, whatever the number and the units of inputs and outputs. The *effect* is what one standard
    deviation of motion changes, in spreads of the map.

    Where the Jacobians of all samples fit into memory every gradient is paired with every motion, else with those of
    eight other samples; the intervals hold the uncertainty of that.

    Parameters
    ----------
    f : callable
        `(batch, *event)` to `(batch, *out)`, samples independent of one another. A module is evaluated in eval
        mode and left as it was found.
    x : array_like
        `(batch, *event)` points at which to measure.
    rho_in, rho_out : Action
        Actions of one algebra on inputs and on outputs.
    method : str
        Rung of the derivative ladder, or ``"auto"``.
    level : float
        Of the bootstrap intervals: what they leave out.
    seed : int
        Of the bootstrap and of the pairs.
    confidence : float, optional
        Former word for ``1 - level``; it will go.

    Raises
    ------
    DataError
        If points or values are not finite, or the algebra has no generator.
    RepresentationMismatchError
        If shapes or algebras do not fit one another.
    DerivativeUnavailableError
        If no method can differentiate the map.

    References
    ----------
    gruver2022lie

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> G = iso.so(3)
    >>> x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    >>> report = equivariance(lambda x: x * x.norm(dim=1, keepdim=True), x, G.vector(), G.vector())
    >>> report.at_floor
    True
    >>> weights = torch.tensor([3.0, -1.0, 2.0])
    >>> chance = equivariance(lambda x: x @ weights, x, G.vector(), G.scalar())
    >>> [round(float(defect), 3) for defect in chance.per_generator]
    [1.0, 1.0, 1.0]
    """
    level = level_of(level, confidence)
    points = as_points(x, "x", rho_in.event).detach()
    frames(rho_in.algebra)  # refuses an algebra without generators before anything is evaluated
    derivative = LieDerivative(f, rho_in, rho_out, method)
    require_sizes(derivative(few_of(points)))  # which settles on a rung, too
    seen = (_from_jacobians if _fit(rho_in, rho_out, len(points)) else _from_shuffles)(derivative, points, seed)
    names, noise = generator_names(rho_in), seen_rounding(derivative, points)
    return seen.report(names, derivative.method, points.dtype, level, noise)


def _fit(rho_in: Action, rho_out: Action, samples: int) -> bool:
    """Whether whole Jacobians fit, and cost no more passes than shuffles."""
    small, large = sorted((rho_in.size, rho_out.size))
    passes = rho_in.algebra.dim * (SHUFFLES + 1)
    return large <= _MOST_COLUMNS and small <= max(passes, 16) and samples * small * large <= _MOST_ENTRIES


def _from_jacobians(derivative: LieDerivative, points: Tensor, seed: int) -> Gathered:
    rows = rows_at(derivative, points)
    require_sizes(rows.values)
    require_sizes(rows.jacobian)
    slope, moved = rows.jacobian.flatten(1).norm(dim=1), rows.lie.transpose(1, 2) + rows.turned
    squares = term_squares(rows.moved, slope, moved, rows.turned, frames(derivative.rho_in.algebra)).mean(1)
    outputs = Spreads(rows.blocks, rows.samples).update(rows.values).metric()
    slopes, motions = few_of(rows.jacobian), few_of(rows.moved)
    products = torch.einsum("bnm,bdn->bnmd", outputs(slopes.transpose(1, 2)), motions) / len(slopes) ** 0.5
    return Gathered(Whole(rows, seed), outputs, squares, rows.values.square().mean(0), products.flatten(0, 2))


def _from_shuffles(derivative: LieDerivative, points: Tensor, seed: int) -> Gathered:
    whole = Layer("", slice(0, derivative.rho_out.size), derivative.rho_out)
    with evaluating(derivative.f):
        (seen,) = walk(derivative.f, points, derivative.rho_in, [whole], derivative.method, seed)
    return seen
