"""Symmetries of the distribution of points: no labels, no pairs, no surface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...actions import LogDensity
from ...actions._log_density import log_stretch
from ...algebra._lie_algebra import LieAlgebra
from ...core._checks import as_points, require_fraction
from ...core._linalg import EPSILON
from ...derivative._finite_flow import finite_error
from ...errors import RepresentationMismatchError
from ...symmetry import bars
from ...symmetry._domain import Seen
from ...symmetry.claims import Rows
from ..evidence._claimed import Inquiry
from ..evidence._conclude import conclude
from ..evidence._evidence import Evidence
from ..evidence._kernel import relative_kernel
from ..evidence._question import Question
from ..evidence._result import Discovery
from ..evidence._sample import Sample
from ..surrogate._densities import fit_log_densities
from ..surrogate._sampled import require_enough, sampled_question
from ._block_sums import BlockSums, MeanInquiry
from ._from_model import FOLDS

ORDER = 4  # of the moments that judge a density known by points: skewness and shoulders
_KEPT = 256
_GAUSSIAN = (
    "a Gaussian describes the points best, and every Gaussian has the rotations of its covariance; nothing beyond "
    "second moments speaks for them"
)
_FINER = (
    f"limits are those of what moments to order {ORDER} tell of the density, confirmed by two further orders; it is "
    "taken to be as smooth as these"
)
_TOO_MANY = "moments and candidates are too many to hold their sums, so the error was not bounded"


class FromDensity(Discovery):
    """Motions that leave a density as it is: kernel of ``theta -> theta . score + div theta``.

    The score ``grad log p`` is known, or learnt from points by score matching: a Gaussian, a polynomial, bumps and
    kernel densities compete by their held-out loss. Where ``log p`` itself is known, ``FromModel(action,
    actions.LogDensity(action))`` asks the same question of it.

    A defect of 1 is what would be if the score at one sample had nothing to do with the motion at another. A learnt
    score has errors that nobody can bound; from points, therefore, limits come from means of monomials to order 4, as
    those of ``FromMoments`` do, with a normal law of the same covariance for chance. They hold as far as the density is
    as smooth as these, and need ten thousand points or more; with fewer the answer is mostly undecided.

    Parameters
    ----------
    action : Action
        Candidate action on points `(batch, n)`.
    rank : "gap", int or float
        How many generators to judge: the most that are within the tolerance, a number, or those below a defect.
    tolerance : float
        Defect that is accepted: 0 is exact, 1 is chance.
    level : float
        Probability with which a certified generator may have a true defect above the tolerance.
    kinds : list of str, optional
        Kinds of density that compete; all if left out.
    folds : int
        Number of folds.
    seed : int
        Of folds, finite flows and resamples.

    Attributes
    ----------
    surrogate_ : CrossFit
        The winning density, after ``fit``.

    Raises
    ------
    DataError
        If values are not finite, points are too few for the candidates, or a number is not between 0 and 1.
    RepresentationMismatchError
        If points, or the vectors of a score, do not fit the action.

    References
    ----------
    otto2023unified

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> x = torch.randn(100, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> found = FromDensity(iso.actions.Affine(iso.aff(2))).fit_score(lambda x: -x, x)
    >>> found.status_, found.vector_fields()
    ('certified', ['x d/dy - y d/dx'])
    """

    def __init__(
        self,
        action: Action,
        *,
        rank: str | int | float = "gap",
        tolerance: float = 0.05,
        level: float = 0.05,
        kinds: list[str] | None = None,
        folds: int = 4,
        seed: int = 0,
    ) -> None:
        self.action = action
        self.rank = rank
        self.tolerance = tolerance
        self.level = level
        self.kinds = kinds
        self.folds = folds
        self.seed = seed

    def fit(self, x: Any) -> FromDensity:
        """Discover from points `(S, n)` drawn from the density."""
        self._check_fractions()
        points = as_points(x, "x", self.action.event).detach().to("cpu", torch.float64)
        require_enough(len(points), self.action.algebra.dim, 1)
        cross = fit_log_densities(points, self.folds, self.kinds, self.seed)
        self.surrogate_ = cross
        question = sampled_question(
            type(self).__name__, cross, points, self.action, LogDensity(self.action), self.rank, self.seed
        )
        inquiry = self._inquiry(points, question)
        said = (*((_GAUSSIAN,) if cross.kind == "polynomial-2" else ()), _FINER if inquiry else _TOO_MANY)
        found = conclude(replace(question, limits=(*question.limits, *said), inquiry=inquiry))
        self.symmetry_ = found if inquiry else replace(found, status="undecided")
        return self

    def _inquiry(self, points: Tensor, question: Question) -> MeanInquiry | None:
        """Means of monomials, whose noise is known; the learnt score says what is possible where they are undecided."""
        order = max((k for k in range(2, ORDER + 1) if BlockSums.fits(self.action, k)), default=0)
        if not order:
            return None
        centre = points.mean(0)
        _, sizes, axes = torch.linalg.svd((points - centre) / len(points) ** 0.5, full_matrices=False)
        sums = BlockSums(self.action, order, centre, axes.T / sizes).update(points)
        kernel = relative_kernel(question.evidence.factors(), **question.rules)
        return MeanInquiry(sums, kernel.null.flip(0), self.tolerance, self.level, self.seed)

    def fit_score(self, score: Callable[[Tensor], Tensor], x: Any) -> FromDensity:
        """Discover from a known score, `(batch, n)` to `(batch, n)`, at points `(S, n)`."""
        self._check_fractions()
        points = as_points(x, "x", self.action.event).detach().to("cpu", torch.float64)
        value = score(points).detach()
        if value.shape != points.shape:
            raise RepresentationMismatchError(
                f"score: expected one vector per point, shape {tuple(points.shape)}, received {tuple(value.shape)}; "
                "return the gradient of log p"
            )
        self.symmetry_ = conclude(self._score_question(score, value.to(torch.float64), points))
        return self

    def _check_fractions(self) -> None:
        require_fraction(self.tolerance, "tolerance")
        require_fraction(self.level, "level")

    def _score_question(self, score: Callable[[Tensor], Tensor], value: Tensor, points: Tensor) -> Question:
        evidence = Evidence(self.action, LogDensity(self.action), FOLDS)
        along = torch.einsum("bkn,bn->bk", self.action.fields(points), value)
        rows = (along + self.action.divergence(points))[:, None]  # (S, 1, dim)
        evidence.add(points, rows, value.norm(dim=1), torch.zeros(len(points), 1, dtype=torch.float64))

        def check(xi: Tensor, x: Tensor) -> Tensor:
            return torch.tensor(finite_error(_pulled_back(score, self.action, xi, x), score(x)))

        return Question(
            road=type(self).__name__,
            action=self.action,
            evidence=evidence,
            points=points[::FOLDS][:_KEPT],
            domain=Seen.of(points).domain(),
            check=check,
            rank=self.rank,
            seed=self.seed,
            floor=bars.ROUNDINGS * EPSILON,
            method="known score",
            inquiry=Inquiry(lambda: score_rows(score, self.action, points), self.tolerance, self.level, self.seed),
        )


def score_rows(score: Callable[[Tensor], Tensor], action: Action, x: Tensor) -> Rows:
    """Rows ``score . xi + div xi`` of a density at some of the points `(S, n)`."""
    points = Sample(action.event).update(x).points
    value, fields = score(points).detach().to(torch.float64), action.fields(points)
    turned = -action.divergence(points)[:, :, None]  # (S, dim, 1)
    along = torch.einsum("bn,bkn->bk", value, fields)
    algebra = action.algebra
    return Rows(
        lie=along[:, None] - turned.transpose(1, 2),
        jacobian=value[:, None],
        moved=fields,
        turned=turned,
        values=torch.zeros(len(points), 1, dtype=torch.float64),
        points=points,
        blocks=(),
        brackets=algebra.structure_constants if isinstance(algebra, LieAlgebra) else None,
        rounding=bars.ROUNDINGS * EPSILON,
    )


def _pulled_back(score: Callable[[Tensor], Tensor], action: Action, xi: Tensor, x: Tensor) -> Tensor:
    """Score of the density moved back by the flow g: ``Dg^T score(g x) + grad log |det Dg|``."""
    outer = score(action.flow(xi, x)).detach()
    return torch.func.grad(lambda z: (action.flow(xi, z) * outer).sum() + log_stretch(action, xi, z).sum())(x)
