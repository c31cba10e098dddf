"""Symmetries of an unknown map from supervised samples."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...core._checks import as_points, require_fraction
from ...errors import DataError
from ...symmetry import Certificate
from ..evidence._conclude import conclude
from ..evidence._result import Discovery
from ..surrogate._contest import Progress, fit_surrogates
from ..surrogate._cross_fit import CrossFit
from ..surrogate._learnt_inquiry import LearntInquiry
from ..surrogate._sampled import fit_outputs, require_enough, sampled_question

_LABELS = "labels show no gradient, so the error of a generator cannot be bounded"


class FromData(Discovery):
    """Symmetries of the map behind samples ``(x, y)``, with a bound on what noise hides.

    Surrogates compete, cross-fitted. Polynomials of up to the fifth degree then claim what the noise of their
    coefficients allows, if no wider class and no other kind of surrogate fits better, and wider classes confirm it: at
    a level of 0.2 where any map of the class has a symmetry, else of 0.4 and 0.8. Where they do not suffice, a Gaussian
    process does, under the assumption that the map is as smooth as the samples suggest; ``limits_`` says so. Where the
    samples speak against the class or the process there are no limits: ``lower_`` and ``upper_`` are NaN. A defect of 1
    is what gradients shuffled among the samples would give. Of labels no error can be bounded, so that their answer is
    at most "undecided".

    Parameters
    ----------
    rho_in, rho_out : Action
        Candidate actions of one algebra on inputs and outputs; ``scalar()`` for labels and invariants.
    rank : "gap", int or float
        How to cut the spectrum.
    kinds : sequence of str, optional
        Kinds of surrogate that compete; all that suit the data if left out.
    folds : int
        Number of folds.
    tolerance : float
        Defect that is accepted: 0 is exact, 1 is chance.
    level : float
        Probability with which a certified generator may have a true defect above the tolerance.
    seed : int
        Of folds, surrogates, draws and finite flows.

    Raises
    ------
    DataError
        If values are not finite, rows do not pair up, or samples are too few for the candidates.
    RepresentationMismatchError
        If shapes do not fit the actions, or the actions do not have one algebra.

    References
    ----------
    otto2023unified

    Attributes
    ----------
    surrogate_ : CrossFit
        The winning surrogate and the scores of all.
    """

    def __init__(
        self,
        rho_in: Action,
        rho_out: Action,
        *,
        rank: str | int | float = "gap",
        kinds: list[str] | None = None,
        folds: int = 4,
        tolerance: float = 0.05,
        level: float = 0.05,
        seed: int = 0,
    ) -> None:
        self.rho_in = rho_in
        self.rho_out = rho_out
        self.rank = rank
        self.kinds = kinds
        self.folds = folds
        self.tolerance = tolerance
        self.level = level
        self.seed = seed

    def fit(self, x: Any, y: Any, progress: Progress | None = None) -> FromData:
        """Discover from inputs `(S, n)` and outputs `(S, m)` or `(S,)`, or class labels `(S,)`."""
        require_fraction(self.tolerance, "tolerance")
        require_fraction(self.level, "level")
        points = as_points(x, "x", self.rho_in.event).detach().to("cpu", torch.float64)
        if len(points) != len(y):
            raise DataError(f"y: expected {len(points)} rows as in x, received {len(y)}; pair every input")
        require_enough(len(points), self.rho_in.algebra.dim, self.rho_out.size)
        targets = y.detach().to("cpu", torch.float64) if isinstance(y, Tensor) else y
        cross = fit_surrogates(
            points.flatten(1), targets, folds=self.folds, kinds=self.kinds, seed=self.seed, progress=progress
        )
        self.surrogate_ = cross
        outputs = fit_outputs(cross, points, self.rho_out)
        answer = None if cross.classes else self._inquiry(cross, points, targets, outputs).answer(self.rank)
        question = sampled_question(
            type(self).__name__, cross, points, self.rho_in, outputs, self.rank, self.seed, answer, self._unbounded()
        )
        self.symmetry_ = conclude(question)
        return self

    def _inquiry(self, cross: CrossFit, x: Tensor, y: Any, outputs: Action) -> LearntInquiry:
        return LearntInquiry(
            cross=cross,
            x=x,
            y=torch.as_tensor(y, dtype=torch.float64).reshape(len(x), -1),
            rho_in=self.rho_in,
            rho_out=outputs,
            kinds=self.kinds,
            tolerance=self.tolerance,
            level=self.level,
            seed=self.seed,
        )

    def _unbounded(self) -> dict[str, Certificate]:
        """What stands in the way of a claim where there is no inquiry."""
        return {"tolerance": Certificate(1.0, self.tolerance, False, _LABELS)}  # nothing better than chance is known
