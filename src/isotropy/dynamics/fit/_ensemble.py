"""How sure each term is: fits of resampled data."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...core._checks import require_fraction
from ...errors import DataError
from ._governing import Governing
from ._systems import System, settled, solve, without
from ._trajectories import checked_trajectories

_ENOUGH = 8  # trajectories from which on whole trajectories are drawn, else rows of the linear system


class Ensemble(Governing):
    """A model fitted to many resamplings of the data.

    Whole trajectories are drawn with replacement if there are at least eight, else rows of the linear system: test
    functions of a weak form, samples otherwise. Terms that are in a share ``keep`` of the fits stay, and those are
    fitted to all data, in the space that the symmetry allows.

    Parameters
    ----------
    model : Governing
        ``SINDy`` or ``WeakSINDy``; it is copied, not fitted.
    n_models : int
        Number of resamplings.
    keep : float
        Inclusion probability from which a term stays.
    seed : int
        Of the resamplings.

    Attributes
    ----------
    inclusion_probabilities_ : Tensor
        `(n, terms)` share of the fits in which a term is.
    samples_ : Tensor
        `(n_models, n, terms)` coefficients of all fits.

    Raises
    ------
    DataError
        If there is no model to fit, ``keep`` is not a share, or resampled data do not determine the equations.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> t = torch.linspace(0, 10, 100, dtype=torch.float64)
    >>> x = torch.exp(-t / 10)[:, None] * torch.stack([t.cos(), t.sin()], dim=1)
    >>> model = Ensemble(iso.dynamics.SINDy(iso.dictionary.polynomials(2, 1), iso.so(2), threshold=0.05), n_models=20)
    >>> model.fit([x], [t]).inclusion_probabilities_.tolist()
    [[0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    """

    inclusion_probabilities_: Tensor
    samples_: Tensor

    def __init__(self, model: Governing, *, n_models: int = 100, keep: float = 0.5, seed: int = 0) -> None:
        self.model = model
        self.n_models = n_models
        self.keep = keep
        self.seed = seed

    def __getattr__(self, name: str) -> Any:
        """Hyperparameters of the model that is resampled, where the ensemble has none of that name."""
        if name in ("dictionary", "symmetry", "threshold", "select", "constraint", "weight", "uncertainty", "rank"):
            return getattr(self.model, name)
        return super().__getattr__(name)

    def systems(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> list[System]:
        """Those of the model."""
        return self._copy().systems(pairs)

    def fit(self, states: Sequence[Any], times: Sequence[Any]) -> Ensemble:
        """Fit trajectories: lists of states `(T_i, n)` and of times `(T_i,)`."""
        if self.n_models < 1:
            raise DataError(f"n_models: expected at least 1, received {self.n_models}; choose e.g. 100")
        require_fraction(self.keep, "keep")
        whole = self._copy().fit(states, times)
        self.symmetry_ = whole.symmetry_
        pairs = checked_trajectories(states, times, whole.size, whole._fewest)
        systems = whole.systems(pairs)
        generator = torch.Generator().manual_seed(self.seed)
        fits = [whole.selected(_drawn(systems, generator)).coef for _ in range(self.n_models)]
        self.samples_ = torch.stack(fits)
        self.inclusion_probabilities_ = (self.samples_ != 0).to(torch.float64).mean(0)
        space = settled(without(whole.space(), self.inclusion_probabilities_ < self.keep))
        self._accept(solve(System.joined(systems), space))
        return self

    def _copy(self) -> Governing:
        """The model with its hyperparameters and what an earlier fit of the ensemble left."""
        model = copy.copy(self.model)
        if "symmetry_" in vars(self):
            model.symmetry_ = self.symmetry_
        return model


def _drawn(systems: list[System], generator: torch.Generator) -> System:
    """A sample of the same size, with replacement."""
    if len(systems) >= _ENOUGH:
        numbers = torch.randint(len(systems), (len(systems),), generator=generator)
        return System.joined([systems[k] for k in numbers.tolist()])
    whole = System.joined(systems)
    count = whole.target.shape[1]
    return whole.drawn(torch.randint(count, (count,), generator=generator))
