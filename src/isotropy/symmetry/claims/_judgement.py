"""A claim that can still be asked about other bases of what it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from . import bars
from ._case import Case
from ._claim import Claim, Grade, require_evaluated
from ._resamples import Interval, interval, resample
from ._span import effects_of, responds
from ._verdict import arithmetic_floors


@dataclass(frozen=True)
class Members:
    """The numbers of the rows of a basis, and of the worst member of their span.

    Attributes
    ----------
    errors, effects : tuple of Interval
        One for every row; the error is zero where the map does not respond.
    grades : tuple of str
        "exact" or "approximate", for every row.
    span : Interval
        Defect of the worst member.
    floor : float
        Defect up to which rounding hides a break; 0 where the map cannot be evaluated, so that nothing is exact.
    """

    errors: tuple[Interval, ...]
    effects: tuple[Interval, ...]
    grades: tuple[Grade, ...]
    span: Interval
    floor: float = 0.0

    def __post_init__(self) -> None:
        """Nothing is exact without arithmetic that could show it."""
        require_evaluated(self.grades, self.floor)

    def without_limits(self) -> Members:
        """The numbers alone, as where what the limits need does not hold."""
        return Members(
            tuple(one.without_limits() for one in self.errors),
            tuple(one.without_limits() for one in self.effects),
            ("approximate",) * len(self.grades),
            self.span.without_limits(),
        )


class Judgement(Protocol):
    """A claim, and what the same samples say of other bases.

    Attributes
    ----------
    claim : Claim
        What is claimed of all candidates.
    motion : Tensor
        `(rows, dim)` factor of how far each candidate moves the samples, in their standard deviations.
    sine : float
        Of the largest angle by which different samples turn the span, in that metric.
    """

    @property
    def claim(self) -> Claim:
        """What is claimed of all candidates."""
        ...

    @property
    def motion(self) -> Tensor:
        """Factor of how far candidates move the samples."""
        ...

    @property
    def sine(self) -> float:
        """Of the angle by which different samples turn the span."""
        ...

    def members(self, directions: Tensor) -> Members:
        """The numbers of directions `(k, dim)` within what is claimed."""
        ...

    def upper(self, directions: Tensor) -> float:
        """Upper limit of the worst member of the span of any directions `(k, dim)`, such as rounded ones."""
        ...


@dataclass(frozen=True)
class Judged:
    """The judgement of a map that can be evaluated.

    Attributes
    ----------
    claim : Claim
        What is claimed of all candidates.
    case : Case
        The samples behind it.
    within : int
        Number of leading directions that span what is claimed.
    """

    claim: Claim
    case: Case
    within: int

    @property
    def motion(self) -> Tensor:
        """Factor of how far candidates move the samples, in their standard deviations."""
        return self.case.crossed.whole.motion

    @property
    def sine(self) -> float:
        """Of the largest angle between what the two halves chose; 0 for what is exact at every sample."""
        if self.within <= self.case.exact:
            return 0.0
        first, second = (torch.linalg.qr(self.motion @ half[: self.within].T)[0] for half in self.case.crossed.chosen)
        cosine = float(torch.linalg.svdvals(first.T @ second)[-1])
        return max(1 - min(cosine, 1.0) ** 2, 0.0) ** 0.5

    def members(self, directions: Tensor) -> Members:
        """The numbers of directions `(k, dim)` within what is claimed, ignored ones included."""
        whole = self.case.crossed.whole.along(directions)
        known = responds(whole, self.case.crossed.outputs, self.case.rows.rounding)
        nothing, floor = Interval(0.0, 0.0, 0.0), self.claim.floor
        errors, effects = [nothing] * len(directions), list(effects_of(whole, self.case.crossed.outputs))
        grades: list[Grade] = ["exact" if effect.upper <= bars.COARSEST_EXACT else "approximate" for effect in effects]
        if not known.any():
            return Members(tuple(errors), tuple(effects), tuple(grades), nothing, floor)
        answered = directions[known]
        found = self.case.members(answered, self.within)
        exact = self._exact(answered)
        for place, error, effect, sure in zip(torch.nonzero(known)[:, 0].tolist(), *found, exact, strict=True):
            errors[place], effects[place], grades[place] = error, effect, "exact" if sure else "approximate"
        span = self.case.worst(_independent(whole.chance[:, known], answered), self.within)
        return Members(tuple(errors), tuple(effects), tuple(grades), span, floor)

    def upper(self, directions: Tensor) -> float:
        """Upper limit of the worst member of the span of any directions `(k, dim)`, from all samples."""
        whole = self.case.crossed.whole.along(directions)
        known = responds(whole, self.case.crossed.outputs, self.case.rows.rounding)
        if not known.any():
            return 0.0
        basis = _independent(whole.chance[:, known], directions[known])
        drawn = resample(self.case.forms, basis, torch.Generator().manual_seed(self.case.crossed.seed))
        return interval(drawn.spans(torch.eye(len(basis), dtype=torch.float64)), self.case.crossed.tail).upper

    def _exact(self, directions: Tensor) -> list[bool]:
        """Whether each direction `(k, dim)` is broken by no more than rounding on either half."""
        if self.within <= self.case.exact:
            return [True] * len(directions)  # members of a span are broken no more than its worst
        seen = [half.along(directions) for half in self.case.crossed.halves]
        ratios = torch.stack([part.lie.norm(dim=0) / part.chance.norm(dim=0) for part in seen]).amax(0)
        size = self.case.crossed.whole.along(directions).chance.norm(dim=0)
        floors = [arithmetic_floors(self.case.forms, row[None], self.case.rows.rounding) for row in directions]
        return (ratios <= torch.cat(floors) / size).tolist()


def surely_ignored(judgement: Judgement) -> Tensor:
    """Of the directions that are ignored, those `(k, dim)` along which the map does nothing up to arithmetic.

    A defect compares what a map does with what chance would give, so that it is 0/0 where neither is seen. One meaning
    of that on every road: motions that are ignored up to arithmetic are exact invariances and may stand in a span;
    motions of which only a small effect is known are counted, with its limit, and stand in none, as their defect may be
    as large as chance. The arithmetic of a map that can be evaluated may be coarse, as in float32; what samples tell
    has none to blame.
    """
    ignored, floor = judgement.claim.ignored, judgement.claim.floor
    if not len(ignored):
        return ignored
    most = bars.COARSEST_EXACT if floor else bars.IGNORED
    return ignored[[effect.upper <= most for effect in judgement.members(ignored).effects]]


def _independent(chance: Tensor, directions: Tensor) -> Tensor:
    """A basis of what the map responds to in the span of directions `(k, dim)`, with ``chance`` `(rows, k)` along them.

    Directions that the map ignores may stand in several rows, which then respond alike.
    """
    scale = chance.norm(dim=0)
    _, sizes, axes = torch.linalg.svd(chance / scale, full_matrices=False)
    return axes[sizes > bars.TRIVIAL * sizes[0]] / scale @ directions
