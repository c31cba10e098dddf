"""The roads to governing equations: no symmetry, a given one, or the one that the data choose."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...datasets import Trajectories
from ...dynamics import Ensemble, Governing, SymmetryChoice, choose_symmetry, discover_and_fit
from ...errors import DataError, FlowError
from ...symmetry import Symmetry

ROADS = ("auto", "none")
_MODELS = 30  # of the ensemble
_MOST_PATHS = 12  # trajectories that are simulated


@dataclass(frozen=True)
class Found:
    """Equations and what speaks for them.

    Attributes
    ----------
    model : Governing
        Fitted.
    choice : SymmetryChoice or None
        What was compared; None where the data do not determine equations without symmetry.
    road : list of str
        What was done, in sentences.
    inclusion : Tensor
        `(n, terms)` share of resampled fits in which a term is.
    paths : list of Tensor or None
        Simulations from the first state of the first trajectories; None where one runs away.
    problems : list of str
        What stands against the answer.
    """

    model: Governing
    choice: SymmetryChoice | None
    road: list[str]
    inclusion: Tensor
    paths: list[Tensor | None]
    problems: list[str]


def take_road(
    model: Governing, data: Trajectories, name: str, given: Action | Symmetry | str, seed: int, progress: Any
) -> Found:
    """Fit, compare, resample and simulate."""
    progress(0, 3, "fitting equations")
    fitted, choice, road, problems = _fitted(model, data, name, given, seed)
    progress(1, 3, "resampling")
    inclusion = _inclusion(fitted, data, seed)
    progress(2, 3, "simulating")
    paths = [_path(fitted, x, t) for x, t in list(zip(data.states, data.times, strict=True))[:_MOST_PATHS]]
    return Found(fitted, choice, road, inclusion, paths, problems)


def _fitted(
    model: Governing, data: Trajectories, name: str, given: Action | Symmetry | str, seed: int
) -> tuple[Governing, SymmetryChoice | None, list[str], list[str]]:
    states, times = list(data.states), list(data.times)
    if name == "none":
        choice = choose_symmetry(model, states, times, {})
        return choice.model, choice, ["No symmetry was asked for."], []
    if name == "auto":
        found = discover_and_fit(model, states, times, coordinates=list(data.names), seed=seed)
        return found.choice.model, found.choice, found.words, []
    return _imposed(model, states, times, name, given)


def _imposed(
    model: Governing, states: list[Tensor], times: list[Tensor], name: str, given: Any
) -> tuple[Governing, SymmetryChoice | None, list[str], list[str]]:
    """Impose what the user asks for, and say what the data think of it."""
    own = copy.copy(model)
    own.symmetry = given
    own.fit(states, times)
    try:
        choice = choose_symmetry(model, states, times, {name: given})
    except DataError:
        return own, None, [f"Imposed {name}. Without it the data do not determine the equations."], []
    trial = choice.trials[1]
    if trial.accepted:
        return own, choice, choice.reasons, []
    return own, choice, [f"Imposed {name}, as asked."], [f"the data speak against {name} ({trial.reason})"]


def _inclusion(fitted: Governing, data: Trajectories, seed: int) -> Tensor:
    """Shares of resampled fits in which each term is."""
    again = copy.copy(fitted)
    if fitted.symmetry_ is not None and fitted.constraint == "hard":
        again.symmetry = fitted.symmetry_
    ensemble = Ensemble(again, n_models=_MODELS, seed=seed)
    try:
        return ensemble.fit(list(data.states), list(data.times)).inclusion_probabilities_
    except DataError:  # a resampling that determines less than the data do
        return torch.full_like(fitted.coef_, float("nan"))


def _path(fitted: Governing, x: Tensor, t: Tensor) -> Tensor | None:
    try:
        return fitted.simulate(x[0], t)
    except FlowError:
        return None
