"""Symmetries of an unknown map from supervised samples."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...core._checks import as_points
from ...errors import DataError
from ..evidence._conclude import conclude
from ..evidence._result import Discovery
from ..surrogate._contest import Progress, fit_surrogates
from ..surrogate._sampled import fit_outputs, require_enough, sampled_question


class FromData(Discovery):
    """Symmetries of the map behind samples ``(x, y)``: surrogates, cross-fitted, then the kernel.

    Surrogates compete by the error of their gradient, which is what a Lie derivative sees. Each fold is judged by
    a surrogate that never saw it, and the disagreement of the surrogates sets the noise floor of the spectrum.

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
    seed : int
        Of folds, surrogates and finite flows.

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
        seed: int = 0,
    ) -> None:
        self.rho_in = rho_in
        self.rho_out = rho_out
        self.rank = rank
        self.kinds = kinds
        self.folds = folds
        self.seed = seed

    def fit(self, x: Any, y: Any, progress: Progress | None = None) -> FromData:
        """Discover from inputs `(S, n)` and outputs `(S, m)` or `(S,)`, or class labels `(S,)`."""
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
        question = sampled_question(type(self).__name__, cross, points, self.rho_in, outputs, self.rank, self.seed)
        self.symmetry_ = conclude(question)
        return self
