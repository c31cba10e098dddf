"""A claim about a smooth map that can still be asked about other bases."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..claims import Claim, Interval, Members
from ._knowledge import Knowledge
from ._span_limits import SpanLimits, span_limits


@dataclass(frozen=True)
class SmoothJudgement:
    """What is claimed of a smooth map.

    Attributes
    ----------
    claim : Claim
        What is claimed of all candidates.
    known : Knowledge
        The map at points of the domain.
    order : Tensor
        `(k, dim)` directions that span what is claimed or possible, orthonormal in what they are compared with.
    limits : SpanLimits or None
        What that span breaks; None where it is empty.
    residuals, place : Tensor, optional
        `(N, m)` residuals of samples left out, in the outputs of the process, and `(N,)` which samples these are.
    """

    claim: Claim
    known: Knowledge
    order: Tensor
    limits: SpanLimits | None
    residuals: Tensor | None = None
    place: Tensor | None = None

    @property
    def motion(self) -> Tensor:
        """Factor of how far candidates move the samples, in their standard deviations."""
        return torch.linalg.qr(self.known.moves.transpose(1, 2).flatten(0, 1), mode="r").R / self.known.points**0.5

    @property
    def sine(self) -> float:
        """Of the angle by which errors typically turn the span, against candidates that chance would break by one."""
        return min(float(self.limits.worst().median()), 1.0) if self.limits is not None else 0.0

    def members(self, directions: Tensor) -> Members:
        """The numbers of directions `(k, dim)` within what is claimed, ignored ones included."""
        found = [self._member(row) for row in directions]
        span = self.claim.span if any(error.upper for error, _ in found) else Interval(0.0, 0.0, 0.0)
        return Members(tuple(e for e, _ in found), tuple(e for _, e in found), ("approximate",) * len(found), span)

    def _member(self, row: Tensor) -> tuple[Interval, Interval]:
        """Defect and effect of one direction `(dim,)`; without a defect where the map does not respond."""
        known = self.known
        scale = 1 / float((row @ known.motion @ row).clamp_min(1e-300).sqrt()) / max(known.spread, 1e-300)
        part = row @ known.chance @ self.order.T  # in the basis of the span
        outside = row - part @ self.order
        size = float((row @ known.chance @ row).clamp_min(1e-300))
        ignored = float(outside @ known.chance @ outside) > 0.5 * size
        if self.limits is None or ignored:
            rows = torch.cat([row[None] * scale, self.order])
            drawn = span_limits(known, rows, 1, self.claim.tolerance).worst()
            return Interval(0.0, 0.0, 0.0), interval(drawn, self._broken(row) * scale, self.claim.level)
        chance = torch.tensor([size], dtype=torch.float64)
        drawn = self.limits.defects(part[None], chance)[:, 0]
        error = interval(drawn, self._broken(row) / size**0.5, self.claim.level)
        change = size**0.5 * scale
        return error, Interval(error.value * change, error.lower * change, error.upper * change)

    def _broken(self, row: Tensor) -> float:
        """What the most likely map does along one direction."""
        return float((self.known.lie @ row).norm()) / self.known.points**0.5


def interval(drawn: Tensor, value: float, level: float) -> Interval:
    """Limits of draws `(J,)`, each of which leaves out the level, about a value."""
    lower, upper = float(drawn.quantile(level)), float(drawn.quantile(1 - level))
    return Interval(min(max(value, lower), upper), lower, upper)
