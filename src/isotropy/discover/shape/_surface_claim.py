"""What may be claimed of motions along a set, from its normals at some of its points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ...action._action import Action
from ...algebra._lie_algebra import LieAlgebra
from ...core._linalg import EPSILON
from ...symmetry import bars as verdicts
from ...symmetry.claims import Claim, Interval, Judgement, Rows, judge
from ...symmetry.claims import bars as limits
from ...symmetry.claims._forms import forms_of
from ...symmetry.claims._span import factors_of, least_broken_first
from .. import bars
from ..evidence._adjusted import Adjusted


@dataclass(frozen=True)
class NormalError:
    """How far normals that were estimated from neighbours may be off, in radians.

    Attributes
    ----------
    scatter : float
        Root mean square by noise: it makes whatever is kept look broken.
    bias : float
        By the size of the neighbourhoods, within which finer bends are lost: it may hide what is broken.
    balls : float
        How many neighbourhoods without common points the points hold: anchors that share theirs share their errors.
    """

    scatter: float
    bias: float
    balls: float


@dataclass(frozen=True)
class SurfaceInquiry:
    """Asks how far motions lead off a set: rows ``N xi(x)`` of normal frames N.

    Attributes
    ----------
    action : Action
        Candidate action on points.
    anchors, normals, weights : Tensor
        `(a, n)`, `(a, n, n)` and `(a,)`: points of the set, normal projectors, and how sure they are.
    error : NormalError or None
        Of estimated normals; None if they are exact.
    tolerance, level : float
        Defect that is accepted, and the risk to be wrong.
    seed : int
        Of halves and resamples.
    """

    action: Action
    anchors: Tensor
    normals: Tensor
    weights: Tensor
    error: NormalError | None
    tolerance: float
    level: float
    seed: int

    def judge(self, size: int | float | None = None) -> Judgement:
        """Judge all candidates at the anchors, and widen the limits by the error of the normals."""
        if self.error is None:
            inner = judge(self._rows, self.tolerance, self.level, seed=self.seed, size=size)
            return Adjusted(inner, self.tolerance, lambda seen: seen, "")
        # What the neighbourhoods may hide is part of the tolerance; a span that leaves no room for it is not tried.
        room = max(self.tolerance - self._hidden(self.error.bias), bars.LEAST_ROOM * self.tolerance)
        inner = judge(self._rows, room, self.level, seed=self.seed, size=size)
        reach = self._reach(inner.claim)
        if inner.claim.status == "none" and _widened(inner.claim.span, self.error, reach).lower <= self.tolerance:
            # Broken as far as these normals go, but no more than their noise would: the least broken is possible.
            inner = judge(self._rows, room, self.level, seed=self.seed, size=1)
        doubt = f"normals from neighbours are known to {self.error.scatter + self.error.bias:.2g} only"
        error = self.error
        return Adjusted(inner, self.tolerance, lambda seen: _widened(seen, error, reach), doubt, estimated=True)

    @cached_property
    def _rows(self) -> Rows:
        frames = _frames(self.normals)
        if self.error is None:
            return self._assembled(*_whitened(self.anchors, frames, self.action.fields(self.anchors)))
        size = (self.anchors - self.anchors.mean(0)).square().sum(1).mean().sqrt()
        fields = self.action.fields(self.anchors).to(torch.float64)
        return self._assembled(self.anchors / size, frames, fields / size)

    def _assembled(self, points: Tensor, frames: Tensor, fields: Tensor) -> Rows:
        slopes = frames * self.weights[:, None, None]
        lie = slopes @ fields.transpose(1, 2)
        algebra = self.action.algebra
        return Rows(
            lie=lie,
            jacobian=slopes,
            moved=fields,
            turned=torch.zeros(len(points), fields.shape[1], lie.shape[1], dtype=torch.float64),
            values=torch.zeros(len(points), lie.shape[1], dtype=torch.float64),
            points=points,
            blocks=(),
            brackets=algebra.structure_constants if isinstance(algebra, LieAlgebra) else None,
            rounding=verdicts.ROUNDINGS * EPSILON,
        )

    def _hidden(self, bias: float) -> float:
        return bias * self._reach(None)

    def _reach(self, claim: Claim | None) -> float:
        """Largest motion, relative to what chance makes of it, among what is claimed or the least broken direction.

        An error of the normals in radians is one of the defect by that.
        """
        forms = forms_of(self._rows)
        factors = factors_of(forms)
        directions = claim.directions if claim is not None else self._rows.lie.new_zeros(0, self._rows.lie.shape[2])
        if not len(directions):
            seen = torch.eye(self._rows.lie.shape[2], dtype=torch.float64)
            directions = least_broken_first(factors, seen)[:1]
        moved = torch.einsum("kd,sdn->skn", directions, self._rows.moved).square().sum(2).mean(0).sqrt()
        return float((moved / (factors.chance @ directions.T).norm(dim=0).clamp_min(1e-300)).amax())


def _widened(seen: Interval, error: NormalError, reach: float) -> Interval:
    """An interval that covers the error of the normals, too."""
    # The mean square of so many normal errors as there are separate balls is off by this share of itself.
    share = bars.BALL_DEVIATIONS * (2 / max(error.balls, 1.0)) ** 0.5
    upper = max(seen.upper, seen.value * (1 + share) ** 0.5) + error.bias * reach
    lower = min(seen.lower, seen.value * max(1 - share, 0.0) ** 0.5)
    noise = bars.NORMAL_NOISES * (error.scatter + error.bias) * reach
    return Interval(seen.value, max(lower**2 - noise**2, 0.0) ** 0.5, upper)


def _frames(normals: Tensor) -> Tensor:
    """Orthonormal rows `(a, m, n)` of the normal spaces of projectors `(a, n, n)`; zero where there are fewer."""
    values, axes = torch.linalg.eigh(normals)
    most = max(1, int((values > 0.5).sum(1).max()))
    frames = axes[:, :, -most:] * (values[:, None, -most:] > 0.5)
    return frames.transpose(1, 2)


def _whitened(points: Tensor, frames: Tensor, fields: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Points, normal frames and motions in coordinates of unit covariance, where no unit enters.

    Motions go with the points; normals with the inverse, and are made orthonormal again. Components narrower than a
    thousandth count as that wide: beside a plane there is no unit of length.
    """
    centred = points - points.mean(0)
    scale = centred.square().mean(0).sqrt()
    scale = torch.where(scale > limits.TRIVIAL * points.square().mean(0).sqrt(), scale, scale.amax())
    _, spread, axes = torch.linalg.svd(centred / scale / len(points) ** 0.5, full_matrices=True)
    wide = torch.zeros(points.shape[1], dtype=torch.float64)
    wide[: len(spread)] = spread
    flat = wide <= limits.TRIVIAL * wide[0]
    wide = wide.clamp_min(limits.LEAST_COMPONENT * float(spread[0]))
    change = axes / wide[:, None] / scale  # w = change @ x
    back = torch.linalg.inv(change)
    filled = frames.square().sum(2) > 0
    turned, _ = torch.linalg.qr((frames @ back).transpose(1, 2))
    places = torch.where(flat, 0.0, centred @ change.T)  # rounding is no spread
    return places, turned.transpose(1, 2) * filled[:, :, None], fields.to(torch.float64) @ change.T
