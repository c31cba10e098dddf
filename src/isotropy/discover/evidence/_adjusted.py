"""A judgement of samples that are themselves estimates: its intervals are widened by what their error may hide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from ...symmetry.claims import Claim, Interval, Judgement, Members
from ...symmetry.claims._claim import Grade
from ...symmetry.claims._sentence import sentence


@dataclass(frozen=True)
class Adjusted:
    """A judgement with wider intervals, and the status that they leave.

    Attributes
    ----------
    inner : Judgement
        Of the samples as if they were exact.
    tolerance : float
        Defect that is accepted.
    widen : callable
        From an interval of the defect to the one that also covers the error of the samples.
    doubt : str
        What keeps an answer from being certified, told where the wider interval does.
    unit : float
        In which the rows were given; effects are divided by it.
    estimated : bool
        Whether the samples are estimates, so that nothing can be called exact.
    """

    inner: Judgement
    tolerance: float
    widen: Callable[[Interval], Interval]
    doubt: str
    unit: float = 1.0
    estimated: bool = False

    @property
    def claim(self) -> Claim:
        """What the wider intervals still claim of all candidates."""
        inner = self.inner.claim
        span, errors = self.widen(inner.span), tuple(self.widen(error) for error in inner.errors)
        changed = replace(
            inner,
            span=span,
            errors=errors,
            effects=tuple(self._in_units(effect) for effect in inner.effects),
            grades=self._grades(inner.grades, errors),
            ladder={**inner.ladder, 0.0: 0} if self.estimated else inner.ladder,
            tolerance=self.tolerance,
        )
        certified = inner.status == "certified" and span.upper <= max(self.tolerance, inner.floor)
        refuted = inner.status == "none" and span.lower > self.tolerance
        if certified or refuted:
            return replace(changed, why=sentence(changed, ""))
        if inner.status == "undecided":
            return replace(changed, why=inner.why)
        return replace(changed, status="undecided", why=sentence(replace(changed, status="undecided"), self.doubt))

    @property
    def motion(self) -> Tensor:
        """Factor of how far candidates move the samples."""
        return self.inner.motion

    @property
    def sine(self) -> float:
        """Of the angle by which different samples turn the span; 0 where nothing is claimed but what is ignored."""
        return self.inner.sine if len(self.inner.claim.directions) else 0.0

    def members(self, directions: Tensor) -> Members:
        """The numbers of directions `(k, dim)` within what is claimed, with the wider intervals."""
        inner = self.inner.members(directions)
        errors = tuple(self.widen(error) for error in inner.errors)
        grades = self._grades(inner.grades, errors)
        effects = tuple(self._in_units(effect) for effect in inner.effects)
        return replace(inner, errors=errors, effects=effects, grades=grades, span=self.widen(inner.span))

    def upper(self, directions: Tensor) -> float:
        """Upper limit of the worst member of the span of any directions `(k, dim)`, with the wider interval."""
        return self.widen(Interval(0.0, 0.0, self.inner.upper(directions))).upper

    def _grades(self, grades: tuple[Grade, ...], errors: tuple[Interval, ...]) -> tuple[Grade, ...]:
        """What stays exact, by wider intervals."""
        pairs = zip(grades, errors, strict=True)
        most = self.inner.claim.floor
        return tuple("approximate" if self.estimated or error.upper > most else grade for grade, error in pairs)

    def _in_units(self, effect: Interval) -> Interval:
        return Interval(effect.value / self.unit, effect.lower / self.unit, effect.upper / self.unit)
