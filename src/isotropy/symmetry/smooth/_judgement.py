"""A claim about a smooth map that can still be asked about other bases."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import torch
from torch import Tensor

from ..claims import Claim, Interval, Members
from ..learnt._debiased import orthonormal
from . import bars
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
    rest : Tensor
        `(r, dim)` the others to which the map responds.
    limits : SpanLimits or None
        What that span breaks; None where it is empty.
    residuals, place : Tensor, optional
        `(N, m)` residuals of samples left out, in the outputs of the process, and `(N,)` which samples these are.
    """

    claim: Claim
    known: Knowledge
    order: Tensor
    rest: Tensor
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
        members = Members(tuple(e for e, _ in found), tuple(e for _, e in found), ("approximate",) * len(found), span)
        return members if self.claim.span.known else members.without_limits()

    def upper(self, directions: Tensor) -> float:
        """Upper limit of the worst member of the span of any directions `(k, dim)`, such as rounded ones."""
        answered = [row for row in directions if self._answers(row)]
        if not answered:
            return 0.0
        rows = orthonormal(torch.stack(answered), self.known.chance)
        found = span_limits(self.known, torch.cat([rows, self.rest]), len(rows), self.claim.tolerance)
        return worst_of(self.known, rows, found, self.claim.level).upper

    def _answers(self, row: Tensor) -> bool:
        """Whether the map responds to a direction `(dim,)`, most of which then is in the span."""
        inside = row @ self.known.chance @ self.order.T
        return float(inside.square().sum()) > 0.5 * float(row @ self.known.chance @ row)

    def _member(self, row: Tensor) -> tuple[Interval, Interval]:
        """Defect and effect of one direction `(dim,)`; without a defect where the map does not respond."""
        known = self.known
        scale = 1 / float((row @ known.motion @ row).clamp_min(1e-300).sqrt()) / max(known.spread, 1e-300)
        if self.limits is None or not self._answers(row):
            rows = torch.cat([row[None] * scale, self.order, self.rest])
            found = span_limits(known, rows, 1, self.claim.tolerance)
            told = interval(found, (found.worst(), found.surely_worst()), self._broken(row) * scale, self.claim.level)
            return Interval(0.0, 0.0, 0.0), told
        size = float(row @ known.chance @ row)
        part = row @ known.chance @ self.order.T  # in the basis of the span
        every, sure = self.limits.defects(part[None], torch.tensor([size], dtype=torch.float64))
        drawn = every[:, 0], sure[:, 0]
        error = interval(self.limits, drawn, self._broken(row) / size**0.5, self.claim.level, known.scatter(row))
        change = size**0.5 * scale
        return error, Interval(error.value * change, error.lower * change, error.upper * change)

    def _broken(self, row: Tensor) -> float:
        """What the most likely map does along one direction."""
        return float((self.known.lie @ row).norm()) / self.known.points**0.5


def interval(
    found: SpanLimits, drawn: tuple[Tensor, Tensor], value: float, level: float, scatter: float = 0.0
) -> Interval:
    """Limits about a value, each leaving out the level; from zero where nothing excludes that.

    The upper one is of draws `(J,)`, the lower one of what is sure of them. Both are wider by what other points of the
    domain would give, relative to them.
    """
    wider = NormalDist().inv_cdf(1 - level) * scatter
    lower, upper = float(drawn[1].quantile(level)) * max(1 - wider, 0.0), float(drawn[0].quantile(1 - level))
    upper = upper * (1 + wider)
    return Interval(min(max(value, lower), upper), 0.0 if found.allows_exact(level) else min(lower, upper), upper)


def worst_of(known: Knowledge, span: Tensor, found: SpanLimits, level: float) -> Interval:
    """Defect of the worst member of a span `(k, dim)`, orthonormal in what it is compared with."""
    least = torch.linalg.eigvalsh(span @ known.chances @ span.T)[:, 0]
    below = float(least.quantile(bars.DENOMINATOR_TAIL).clamp(1e-12, 1.0))  # 1 is that of the most likely map
    rows = torch.einsum("pmk,ek->epm", known.lie, span).flatten(1)
    axes, sizes, _ = torch.linalg.svd(rows, full_matrices=False)
    value, drawn = float(sizes[0]) / known.points**0.5, (found.worst() / below**0.5, found.surely_worst())
    return interval(found, drawn, value, level, known.scatter(axes[:, 0] @ span))
