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
from ...core._checks import as_points
from ...core._linalg import EPSILON
from ...derivative._finite_flow import finite_error
from ...errors import RepresentationMismatchError
from ...symmetry import bars
from ...symmetry._domain import Seen
from ..evidence._conclude import conclude
from ..evidence._evidence import Evidence
from ..evidence._question import Question
from ..evidence._result import Discovery
from ..surrogate._densities import fit_log_densities
from ..surrogate._sampled import require_enough, sampled_question
from ._from_model import FOLDS

_KEPT = 256
_GAUSSIAN = (
    "a Gaussian describes the points best, and every Gaussian has the rotations of its covariance; nothing beyond "
    "second moments speaks for them"
)


class FromDensity(Discovery):
    """Motions that leave a density as it is: kernel of ``theta -> theta . score + div theta``.

    The score ``grad log p`` is known, or learnt from points by score matching: a Gaussian, a polynomial, bumps and
    kernel densities compete by their held-out loss. Where ``log p`` itself is known, ``FromModel(action,
    actions.LogDensity(action))`` asks the same question of it.

    Parameters
    ----------
    action : Action
        Candidate action on points `(batch, n)`.
    rank : "gap", int or float
        How to cut the spectrum.
    kinds : list of str, optional
        Kinds of density that compete; all if left out.
    folds : int
        Number of folds.
    seed : int
        Of folds and finite flows.

    Attributes
    ----------
    surrogate_ : CrossFit
        The winning density, after ``fit``.

    Raises
    ------
    DataError
        If values are not finite, or points are too few for the candidates.
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
        kinds: list[str] | None = None,
        folds: int = 4,
        seed: int = 0,
    ) -> None:
        self.action = action
        self.rank = rank
        self.kinds = kinds
        self.folds = folds
        self.seed = seed

    def fit(self, x: Any) -> FromDensity:
        """Discover from points `(S, n)` drawn from the density."""
        points = as_points(x, "x", self.action.event).detach().to("cpu", torch.float64)
        require_enough(len(points), self.action.algebra.dim, 1)
        cross = fit_log_densities(points, self.folds, self.kinds, self.seed)
        self.surrogate_ = cross
        question = sampled_question(
            type(self).__name__, cross, points, self.action, LogDensity(self.action), self.rank, self.seed
        )
        if cross.kind == "polynomial-2":
            question = replace(question, limits=(*question.limits, _GAUSSIAN))
        self.symmetry_ = conclude(question)
        return self

    def fit_score(self, score: Callable[[Tensor], Tensor], x: Any) -> FromDensity:
        """Discover from a known score, `(batch, n)` to `(batch, n)`, at points `(S, n)`."""
        points = as_points(x, "x", self.action.event).detach().to("cpu", torch.float64)
        value = score(points).detach()
        if value.shape != points.shape:
            raise RepresentationMismatchError(
                f"score: expected one vector per point, shape {tuple(points.shape)}, received {tuple(value.shape)}; "
                "return the gradient of log p"
            )
        self.symmetry_ = conclude(self._score_question(score, value.to(torch.float64), points))
        return self

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
        )


def _pulled_back(score: Callable[[Tensor], Tensor], action: Action, xi: Tensor, x: Tensor) -> Tensor:
    """Score of the density moved back by the flow g: ``Dg^T score(g x) + grad log |det Dg|``."""
    outer = score(action.flow(xi, x)).detach()
    return torch.func.grad(lambda z: (action.flow(xi, z) * outer).sum() + log_stretch(action, xi, z).sum())(x)
