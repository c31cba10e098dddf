"""How outputs move, and the lengths in which they are measured."""

from __future__ import annotations

import torch
from torch import Tensor

from ...action._action import Action
from ...errors import RepresentationMismatchError
from ..claims._rows import output_blocks
from . import bars
from ._forms import matrices_of
from ._polynomial_class import PolynomialClass


def turns_of(rho_out: Action, points: Tensor) -> Tensor | None:
    """Matrices `(points, dim, m, m)` of the outputs; None where outputs stay.

    Raises
    ------
    RepresentationMismatchError
        If the outputs do not move linearly.
    """
    still = torch.zeros(len(points), rho_out.size, dtype=torch.float64)
    if bool((rho_out.fields(still, at=points) != 0).any()):
        raise RepresentationMismatchError(
            "rho_out: expected outputs that move linearly (a zero output stays zero), received an action that does "
            "not; use a Representation, Trivial or rho_in.tangent()"
        )
    turns = matrices_of(rho_out, points)
    return turns if bool(turns.any()) else None


def output_metric(y: Tensor, family: PolynomialClass, rho_out: Action, moving: bool) -> Tensor:
    """``y @ metric`` `(m, m)` has outputs without units: velocities in lengths of the points, others in their spreads.

    The covariance of a velocity would blow up a component that is all noise. Of a sum of representations each summand
    has its own covariance.
    """
    if moving and y.shape[1] == family.size:
        return torch.linalg.inv(family.root)
    return torch.block_diag(*[_whitening(part) for part in y.split(output_blocks(rho_out), dim=1)])


def _whitening(y: Tensor) -> Tensor:
    centred = y - y.mean(0)
    spread = centred.square().mean(0).sqrt()
    spread = torch.where(spread > 0, spread, torch.ones_like(spread))
    values, axes = torch.linalg.eigh((centred / spread).T @ (centred / spread) / len(y))
    kept = values.clamp_min(bars.ROUNDING * float(values.amax()))
    return (axes * kept.rsqrt()) @ axes.T / spread[:, None]
