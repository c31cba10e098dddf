"""How a map that is known by samples asks for a claim: as a polynomial, or as a smooth process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from ...action._action import Action
from ...errors import DataError, RepresentationMismatchError
from ...symmetry.claims import Judgement, Rows, undecided, without_limits
from ...symmetry.learnt import LearntJudgement, judge_samples, worse
from ...symmetry.smooth import SmoothJudgement, affordable, judge_smooth
from .. import bars
from ._agreement import disagreement
from ._cross_fit import CrossFit

_KINDS = "of the kinds of surrogate that were asked for, none knows its error; allow polynomials or kernels"
_LARGE = "inputs and outputs are too many to draw errors of the gradient"
_SMOOTH = (
    "the limits hold if the map is as smooth as the samples suggest: no polynomial could be claimed, so they are those "
    "of a Gaussian process whose length and noise were learnt; breaks finer than that are not seen"
)
_CLASS = (
    "the limits hold if the map is a polynomial of degree {degree}, or of the next degrees, and the noise is normal"
)


@dataclass(frozen=True)
class Answered:
    """A judgement that was made before the question was put together.

    Attributes
    ----------
    judgement : Judgement
        The claim.
    tolerance, level : float
        As given.
    """

    judgement: Judgement
    tolerance: float
    level: float

    def judge(self, size: int | float | None = None) -> Judgement:
        """The judgement, which was made for the size already."""
        return self.judgement

    @property
    def assumed(self) -> tuple[str, ...]:
        """What the limits need to hold, where there are any."""
        found = self.judgement
        if not found.claim.span.known:
            return ()
        if isinstance(found, SmoothJudgement):
            return (_SMOOTH,)
        return (_CLASS.format(degree=found.claim.chosen.degree),) if isinstance(found, LearntJudgement) else ()


@dataclass(frozen=True)
class LearntInquiry:
    """Asks about a map behind samples.

    The level is shared evenly by the two ways to ask, so that the better answer may be taken.

    Attributes
    ----------
    cross : CrossFit
        The contest, whose best kind neither may fall behind.
    x, y : Tensor
        `(N, *event)` and `(N, m)`.
    rho_in, rho_out : Action
        Of the candidates.
    kinds : sequence of str, optional
        Those that were asked for.
    tolerance, level : float
        Defect that is accepted, and the risk to be wrong.
    seed : int
        Of draws.
    """

    cross: CrossFit
    x: Tensor
    y: Tensor
    rho_in: Action
    rho_out: Action
    kinds: Sequence[str] | None
    tolerance: float
    level: float
    seed: int

    def answer(self, rank: str | int | float) -> Answered:
        """The judgement for a rank, as a question takes it."""
        found = self.judge(None if isinstance(rank, str) else rank)
        return Answered(found, self.tolerance, self.level)

    def judge(self, size: int | float | None = None) -> Judgement:
        """The claim of polynomials where they are good enough and decide, else that of a smooth process."""
        try:
            first, second = self._polynomial(size), None
            if first is None or first.claim.status != "certified":
                second = self._smooth(size)
        except DataError as error:  # a flat cloud, or too few samples
            return self._nothing(str(error))
        if first is None or second is None:
            return first or second or self._nothing(_LARGE if self._allowed("kernel") else _KINDS)
        return self._better(first, second)

    def _better(self, first: LearntJudgement, second: SmoothJudgement) -> Judgement:
        """Of two claims, the first of which certifies nothing, the one to give.

        Polynomials that fit worse exclude what they cannot describe. None is the answer only where the process, too,
        sees no candidate within the tolerance. A process that the samples speak against says nothing.
        """
        if first.claim.status != "none":
            return first if first.claim.span.known and not second.claim.span.known else second
        if second.claim.status != "certified":
            least = float(second.claim.spectrum[-1]) if len(second.claim.spectrum) else 0.0
            return first if least > self.tolerance else second
        assert second.residuals is not None and second.place is not None
        if worse(first.question.left_out[second.place], second.residuals) < 0.5:
            return second
        why = "polynomials, which fit better, exclude every candidate, but a smooth process does not"
        return _doubted(second, why)

    def _polynomial(self, size: int | float | None) -> LearntJudgement | None:
        """The claim of polynomials; None where they were not asked for, or cannot take these outputs."""
        if not self._allowed("polynomial"):
            return None
        share = self.level / 2 if self._allowed("kernel") else self.level
        try:
            found = judge_samples(
                self.x.flatten(1),
                self.y,
                self.rho_in,
                self.rho_out,
                tolerance=self.tolerance,
                level=share,
                size=size,
                rivals=self._rivals(),
                seed=self.seed,
            )
        except RepresentationMismatchError:
            return None  # outputs that do not move linearly
        certified = found.claim.status == "certified"
        apart = disagreement(found, self.cross, self.x.flatten(1), self.y) if certified else 0.0
        if apart > bars.MOST_DISAGREEMENT:
            why = f"the gradient of polynomials differs from that of another kind of map {apart:.2g} times as much as"
            return _doubted(found, f"{why} both errors explain")
        return found

    def _smooth(self, size: int | float | None) -> SmoothJudgement | None:
        """The claim of a smooth process; None where kernels were not asked for, or cost too much."""
        if not self._allowed("kernel") or not affordable(self.rho_in.size, self.rho_out.size):
            return None
        return judge_smooth(
            self.x.flatten(1),
            self.y,
            self.rho_in,
            self.rho_out,
            tolerance=self.tolerance,
            level=self.level / 2 if self._allowed("polynomial") else self.level,
            size=size,
            rivals=self._rivals(),
            seed=self.seed,
        )

    def _rivals(self) -> Tensor:
        """Residuals, out of sample, of the kind that fits best."""
        return self.cross.residuals(self.x.flatten(1), self.y, self.cross.best_fitting)

    def _allowed(self, family: str) -> bool:
        return self.kinds is None or any(kind.startswith(family) for kind in self.kinds)

    def _nothing(self, why: str) -> Judgement:
        """No claim, with the reason."""
        count, size, outputs, dim = len(self.x), self.rho_in.size, self.rho_out.size, self.rho_in.algebra.dim
        blank = torch.zeros(count, outputs, dtype=torch.float64)
        rows = Rows(
            lie=blank[:, :, None].expand(-1, -1, dim),
            jacobian=blank[:, :, None].expand(-1, -1, size),
            moved=torch.zeros(count, dim, size, dtype=torch.float64),
            turned=torch.zeros(count, dim, outputs, dtype=torch.float64),
            values=blank,
            points=self.x.flatten(1),
            blocks=(),
            brackets=None,
            rounding=0.0,
        )
        return undecided(rows, self.tolerance, self.level, why)


Found = TypeVar("Found", LearntJudgement, SmoothJudgement)


def _doubted(found: Found, why: str) -> Found:
    """The same, undecided for a reason, without limits: what speaks against the map speaks against these."""
    return replace(found, claim=replace(without_limits(found.claim), why=f"Undecided: {why}."))
