"""A claim about a field that is seen along noisy trajectories."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

from torch import Tensor

from ...action._action import Action
from ...algebra._lie_algebra import LieAlgebra
from ...symmetry.claims import Claim, Interval, Members
from ...symmetry.claims._claim import LADDER
from ...symmetry.claims._closure import closure_of
from ...symmetry.claims._sentence import sentence
from ...symmetry.claims._span import Factors
from ...symmetry.claims._verdict import Status
from ...symmetry.learnt._debiased import factor_of
from ._field import WeakField
from ._question import WeakQuestion, leaving, weak_forms


@dataclass(frozen=True)
class WeakInquiry:
    """Asks which candidates are symmetries of a field that was learnt from trajectories.

    Attributes
    ----------
    field : WeakField
        The field, with the domain over which defects are taken.
    action : Action
        Candidates on states.
    tolerance, level : float
        Defect that is accepted, and the risk to be wrong.
    wider_level : float
        The same in the next two classes.
    seed : int
        Of the draws of the noise.
    doubt : str
        Why nothing is claimed, or nothing.
    """

    field: WeakField
    action: Action
    tolerance: float
    level: float
    wider_level: float
    seed: int
    doubt: str = ""

    def judge(self, size: int | float | None = None) -> WeakJudgement:
        """Judge all candidates over the domain of the field."""
        forms = weak_forms(self.field.family, self.action)
        question = WeakQuestion(self.field, forms, self.level, self.wider_level, self.seed)
        errors = question.errors(max(self.tolerance, *LADDER) if size is None else math.inf)
        return WeakJudgement(self, question, tuple(errors), size)


@dataclass(frozen=True)
class WeakJudgement:
    """What trajectories say of all candidates, and of any basis of what is claimed.

    Attributes
    ----------
    asked : WeakInquiry
        What was asked.
    question : WeakQuestion
        Directions, least broken first, and the classes of fields that judge them.
    errors : tuple of Interval
        Defects of the first directions; the upper limits are those of the spans up to them.
    size : int, float or None
        How many directions to judge, or up to which defect; None for as many as are within the tolerance.
    """

    asked: WeakInquiry
    question: WeakQuestion
    errors: tuple[Interval, ...]
    size: int | float | None

    @property
    def claim(self) -> Claim:
        """What is claimed of all candidates."""
        asked, directions = self.asked, self.question.directions
        status, doubt, size = self._verdict
        shown = directions.order[:size]
        result = Claim(
            status=status,
            directions=shown,
            grades=("approximate",) * size,
            errors=self.errors[:size],
            effects=tuple(self.question.effects(list(self.errors[:size]))),
            span=self.errors[max(size, 1) - 1] if self.errors else Interval(0.0, 0.0, 0.0),
            spectrum=directions.squares.clamp_min(0).sqrt().flip(0),
            ladder={0.0: 0} | {t: 0 if asked.doubt else self._within(t) for t in sorted({*LADDER, asked.tolerance})},
            # A response below the noise is none that one can build on, so that nothing is ignored for sure.
            ignored=shown[:0],
            ignored_effect=0.0,
            trivial=directions.trivial,
            samples=asked.field.samples,
            effective=float(asked.field.samples),
            closure=self._closure(shown),
            floor=0.0,
            tolerance=asked.tolerance,
            level=asked.level,
            seed=asked.seed,
            why="",
        )
        return replace(result, why=sentence(result, doubt))

    @property
    def motion(self) -> Tensor:
        """Factor of how far candidates move the domain, in its standard deviations."""
        return factor_of(self.question.forms.motion)

    @property
    def sine(self) -> float:
        """Of the angle by which the noise may turn the span: what is open of its defect, by the next one up."""
        claim = self.claim
        if claim.status == "none" or not 0 < len(claim.directions) < len(claim.spectrum):
            return 0.0
        beyond = float(claim.spectrum[-len(claim.directions) - 1])
        return min(claim.span.upper / max(beyond, 1e-300), 1.0)

    def members(self, directions: Tensor) -> Members:
        """The numbers of directions `(k, dim)` within what is claimed."""
        if not len(directions):
            return Members((), (), (), Interval(0.0, 0.0, 0.0))
        span = self.claim.span
        found = [self.question.member(row, span.upper) for row in directions]
        return Members(
            tuple(error for error, _ in found),
            tuple(effect for _, effect in found),
            ("approximate",) * len(found),
            span,
        )

    def upper(self, directions: Tensor) -> float:
        """Upper limit of the worst member of the span of any directions `(k, dim)`, such as rounded ones."""
        span = self.claim.span
        return self.question.beside(directions, len(self.claim.directions), span.upper)

    def _within(self, tolerance: float) -> int:
        """How many leading directions have their limit within a tolerance; limits only grow."""
        return sum(error.upper <= tolerance for error in self.errors)

    @cached_property
    def _verdict(self) -> tuple[Status, str, int]:
        """The status, what speaks against more, and how many directions it is about."""
        asked, within = self.asked, self._within(self.asked.tolerance)
        wanted = self._wanted
        size = within if wanted is None else wanted
        # Those that the intervals leave possible, where nothing is claimed.
        possible = sum(error.lower <= asked.tolerance for error in self.errors) if wanted is None else wanted
        if asked.doubt:
            return "undecided", asked.doubt, possible
        if size > within:
            return "undecided", f"the worst of {size} directions may be broken by more than the tolerance", size
        if size:
            return "certified", "", size
        if not self.errors or len(self.question.directions.quiet):
            words = "the response of the field to some candidates does not stand out of the noise"
            return "undecided", words, possible
        if self.errors[0].lower > asked.tolerance and leaving(asked.field.family, asked.action):
            return "undecided", "some candidates move states off the set on which they were seen", 0
        if self.errors[0].lower > asked.tolerance:
            return "none", "", 0
        return "undecided", "the interval holds the tolerance", possible

    @property
    def _wanted(self) -> int | None:
        """How many directions to judge; None for as many as are within the tolerance."""
        if self.size is None or isinstance(self.size, int):
            return None if self.size is None else min(self.size, len(self.errors))
        return sum(error.value <= self.size for error in self.errors)

    def _closure(self, directions: Tensor) -> float:
        algebra = self.asked.action.algebra
        if not isinstance(algebra, LieAlgebra):
            return 0.0
        forms, beta = self.question.forms, self.question.fit.beta
        factors = Factors((forms.lie @ beta).T, (forms.chance @ beta).T, self.motion)
        return closure_of(algebra.structure_constants, factors, self.question.directions.order, directions)
