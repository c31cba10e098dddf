"""A claim about a learnt map that can still be asked about other bases."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..claims import Interval, Members
from ._claim import LearntClaim
from ._debiased import factor_of, orthonormal
from ._question import Question


@dataclass(frozen=True)
class LearntJudgement:
    """What is claimed of a learnt map, and what the same samples say of other bases.

    Attributes
    ----------
    claim : LearntClaim
        What is claimed of all candidates.
    question : Question
        The class with its fit.
    metric : Tensor, optional
        `(m, m)` with ``y @ metric`` the outputs of the fit; those given, if left out.
    """

    claim: LearntClaim
    question: Question
    metric: Tensor | None = None

    def gradients(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Slopes `(batch, m, n)` of the fit, in whitened coordinates and the outputs of the fit; their squared error.

        The error is that of all of them together.
        """
        question, outputs = self.question, self.question.forms.outputs
        slopes = question.family.slopes(question.family.whiten(x))[:, : question.phi.shape[1]]
        found = torch.einsum("pqn,qo->pon", slopes, question.fit.beta.unflatten(0, (-1, outputs)))
        root = question.fit.root.unflatten(0, (-1, outputs))
        gram = torch.einsum("pqn,prn->qr", slopes, slopes)
        return found, torch.einsum("qr,qok,rok->", gram, root, root)

    def carried(self, jacobians: Tensor) -> Tensor:
        """Jacobians `(batch, m, n)` in the coordinates of the user, seen as those of ``gradients``."""
        inside = jacobians @ self.question.family.root.T
        return inside if self.metric is None else self.metric.T @ inside

    @property
    def motion(self) -> Tensor:
        """Factor of how far candidates move the domain, in its standard deviations."""
        return factor_of(self.question.forms.motion)

    @property
    def sine(self) -> float:
        """Of the angle by which noise typically turns the span, against candidates that chance would break by one."""
        kept = len(self.claim.directions)
        return min(self.question.turned(kept), 1.0) if kept else 0.0

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
        rows = orthonormal(torch.stack(answered), self.question.directions.chance)
        return self.question.upper(rows, len(self.claim.directions))

    def _answers(self, row: Tensor) -> bool:
        """Whether the map responds to a direction `(dim,)`, most of which then is in the span."""
        chance = self.question.directions.chance
        inside = row @ chance @ self.question.directions.order[: len(self.claim.directions)].T
        # Noise is taken off the form, so that it may be negative where the map does not respond.
        return 0 < float(row @ chance @ row) < 2 * float(inside.square().sum())

    def _member(self, row: Tensor) -> tuple[Interval, Interval]:
        """Defect and effect of one direction `(dim,)`; without a defect where the map does not respond."""
        question, kept = self.question, len(self.claim.directions)
        if not self._answers(row):
            return Interval(0.0, 0.0, 0.0), question.effect(row, kept)
        size = float(row @ question.directions.chance @ row)
        error = question.defect(row / size**0.5, kept)
        top = min(error.upper, self.claim.span.upper)
        error = Interval(min(error.value, top), min(error.lower, top), top)
        return error, question.per_motion(row / size**0.5, error)
