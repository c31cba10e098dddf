"""From singular values to an algebra: the directions that a promoted function keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..action._action import Action
from ..algebra._lie_algebra import LieAlgebra
from ..core._linalg import EPSILON, Cut, cut_spectrum
from ..errors import DataError
from ..symmetry import bars
from ..symmetry._sparse_span import sparse_span
from ..symmetry.claims import Claim, Rows, judge, surely_ignored
from ..symmetry.claims import bars as limits


@dataclass(frozen=True)
class Readout:
    """What is kept of a candidate algebra.

    Attributes
    ----------
    spectrum : Tensor
        `(dim,)` descending singular values of ``xi -> L_xi f`` over unit generators.
    relative : Tensor
        `(dim,)` the same in [0, 1], divided by what they could be without cancellation.
    coefficients : Tensor
        `(k, dim)` kept directions in the candidates' generators.
    algebra : LieAlgebra
        Their span, in a sparse basis.
    cut : Cut
        Where the spectrum was cut.
    status : str
        ``"certified"``, ``"undecided"`` or ``"none"``: what the claim says, or, where none was asked for, a clear gap
        above a small residual, and a span that closes.
    claim : Claim, optional
        Defects with their limits, grades and the ladder, where the function was evaluated.
    """

    spectrum: Tensor
    relative: Tensor
    coefficients: Tensor
    algebra: LieAlgebra
    cut: Cut
    status: str
    claim: Claim | None = None


def unit_generators(action: Action, metric: str) -> Tensor:
    """Rows `(dim, dim)`: generators orthonormal in ``tr(A^T B)``, or the given ones declared orthonormal."""
    if metric not in ("trace", "basis"):
        raise DataError(f"metric: expected 'trace' or 'basis', received {metric!r}; use 'trace' if unsure")
    dim = action.algebra.dim
    if metric == "basis":
        return torch.eye(dim, dtype=torch.float64)
    flat = action.algebra.basis.flatten(1)
    unit = torch.eye(dim, dtype=torch.float64)
    return torch.linalg.solve_triangular(torch.linalg.cholesky(flat @ flat.T), unit, upper=False)


def read_kernel(
    action: Action,
    factor: Tensor,
    units: Tensor,
    scale: float,
    *,
    floor: float,
    rank: str | int | float,
    tolerance: float | None = None,
) -> Readout:
    """Cut the spectrum of ``factor`` `(rows, dim)`, whose columns belong to the generators ``units``.

    ``scale`` is the size that the derivative of a unit generator could have, ``floor`` the relative size of noise,
    and relative values above ``tolerance`` (``LARGEST_ZERO`` if left out) are never counted as zero.
    """
    _, sizes, axes = torch.linalg.svd(factor, full_matrices=True)
    spectrum = torch.cat([sizes, sizes.new_zeros(len(axes) - len(sizes))])
    relative = (spectrum / scale if scale > 0 else spectrum).clamp(0.0, 1.0)
    cut = cut_spectrum(relative, rank=rank, floor=max(floor, EPSILON), tolerance=tolerance)
    kept = axes[len(axes) - cut.dim :] @ units
    algebra, coefficients = _sparse_span(action, kept)
    return Readout(spectrum, relative, coefficients, algebra, cut, _status(cut, algebra, scale))


def read_claim(
    action: Action, rows: Rows, kernel: Readout, tolerance: float, level: float, size: float | None
) -> Readout:
    """What a function keeps by its values at samples, instead of by a gap in its spectrum.

    A constant function and too few points settle nothing; then what the spectrum shows is left undecided.
    """
    constant = not bool(rows.jacobian.any() or rows.turned.any())
    if constant or len(torch.unique(rows.points, dim=0)) < limits.LEAST_POINTS:
        return replace(kernel, status="undecided")
    judgement = judge(rows, tolerance, level, size=size)
    claim = judgement.claim
    deaf = surely_ignored(judgement)
    kept = torch.cat([claim.directions, deaf])
    if claim.status == "undecided" and len(deaf):
        kept = deaf  # what the function ignores needs no doubt about the rest
    # Entries are compared by the motion that they cause, as the readable basis may not depend on units.
    algebra, coefficients = sparse_span(action, kept, judgement.motion)
    known = claim.status == "certified" or len(deaf) > 0
    status = "certified" if known else claim.status
    return replace(kernel, coefficients=coefficients, algebra=algebra, status=status, claim=claim)


def _sparse_span(action: Action, directions: Tensor) -> tuple[LieAlgebra, Tensor]:
    whole = action.algebra
    if not isinstance(whole, LieAlgebra):
        raise TypeError(f"expected the action of a LieAlgebra, received one of {type(whole).__name__}")
    if not len(directions):
        return whole.span(directions), directions
    sparse = whole.span(directions).sparsified()
    return sparse, sparse.basis.flatten(1) @ torch.linalg.pinv(whole.basis.flatten(1))


def _status(cut: Cut, algebra: LieAlgebra, scale: float) -> str:
    if scale <= 0:
        return "undecided"  # nothing varies, so everything is a symmetry of it
    if not cut.dim:
        return "none"
    clear = cut.clear and not math.isnan(cut.gap) and cut.residual <= bars.MOST_RESIDUAL
    return "certified" if clear and algebra.closure_defect() <= bars.MOST_CLOSURE_DEFECT else "undecided"
