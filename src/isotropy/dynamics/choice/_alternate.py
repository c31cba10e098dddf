"""Nothing known: common symmetries are tried, others discovered on the fitted equations, and the equations refitted."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...actions import Affine
from ...algebra._catalogue import aff
from ...discover import FromDynamics
from ...errors import DataError
from .. import bars
from ..fit._governing import Governing
from ..fit._second_order import SecondOrder
from ._candidates import symmetry_candidates
from ._held_out import NONE, SymmetryChoice, Trial, choose_symmetry

_SAMPLES = 400


@dataclass(frozen=True)
class Alternation:
    """Equations with a symmetry that was found on the way.

    Attributes
    ----------
    choice : SymmetryChoice
        The last one that was kept; its ``model`` is the answer.
    discovered : FromDynamics or None
        What was discovered on the fitted equations last.
    words : list of str
        What happened, in order.
    """

    choice: SymmetryChoice
    discovered: FromDynamics | None
    words: list[str]


def discover_and_fit(
    model: Governing,
    states: Sequence[Any],
    times: Sequence[Any],
    *,
    candidates: Action | None = None,
    coordinates: Sequence[str] | None = None,
    rounds: int = 3,
    seed: int = 0,
) -> Alternation:
    """Alternate between equations and symmetries until neither changes.

    First ``symmetry_candidates`` are compared. Then symmetries of the fitted equations are discovered among
    ``candidates``, generously, as noise breaks them; each is imposed and judged on held-out data as any other, and the
    better equations are searched again.

    Parameters
    ----------
    model : Governing
        ``SINDy``, ``WeakSINDy`` or ``SecondOrder``; it is not changed.
    states, times : sequence
        Trajectories and their times.
    candidates : Action, optional
        Where to search; affine fields if left out.
    coordinates : sequence of str, optional
        Names for the words.
    rounds, seed : int
        Most rounds of discovery; of everything random.

    Raises
    ------
    DataError
        If ``rounds`` is negative, or the data do not determine the equations.
    """
    if rounds < 0:
        raise DataError(f"rounds: expected at least 0, received {rounds}; use 3")
    size = model.dictionary.size
    names = list(coordinates or [])[:size] or None
    action = Affine(aff(size)) if candidates is None else candidates
    choice = choose_symmetry(model, states, times, symmetry_candidates(size, names))
    words, found = list(choice.reasons[:2]) if choice.chosen.name != NONE else list(choice.reasons[:1]), None
    for _ in range(rounds):
        found = _discovered(choice.model, states, action, seed)
        if found is None:
            words.append("Discovery on these equations finds nothing that they obey to a tenth.")
            break
        label = f"discovered {found.identify().name or 'fields'}"
        tried = choose_symmetry(_doubting(model, found), states, times, {label: found})
        told = f"{label} ({'; '.join(found.vector_fields(names))}{_trivial(choice.model, states, found)})"
        kept = tried.chosen.name != NONE and is_better(choice.chosen, tried.chosen.error)
        verdict = f"{'imposed' if kept else 'left out'}{_against(choice.chosen, tried)}"
        words.append(f"Equations fitted, then {told}: {tried.trials[1].reason}; {verdict}.")
        if not kept:
            break
        choice = tried
    return Alternation(choice, found, words)


def is_better(standing: Trial, error: float) -> bool:
    """Whether a discovery with this held-out error may replace what stands."""
    return standing.name == NONE or error < bars.LEAST_GAIN * standing.error


def _against(standing: Trial, tried: SymmetryChoice) -> str:
    """The comparison with the symmetry that stands, if both are there."""
    if NONE in (standing.name, tried.chosen.name):
        return ""
    ratio = tried.chosen.error / max(standing.error, torch.finfo(torch.float64).tiny)
    return f" with {ratio:.3g} times the error of {standing.name} (below {bars.LEAST_GAIN:g})"


def _discovered(model: Governing, states: Sequence[Any], action: Action, seed: int) -> FromDynamics | None:
    """Symmetries of fitted equations, those that hold only nearly included."""
    field, x = _field(model), _points(model, states, seed)
    if not bool((model.coef_ != 0).any()):
        return None
    first = FromDynamics(action, seed=seed).fit_field(field, x)
    slight = int((first.spectrum_ < bars.MOST_NOISY_ERROR).sum())
    if slight <= first.algebra_.dim:
        return first if first.algebra_.dim else None
    return FromDynamics(action, rank=slight, seed=seed).fit_field(field, x)


def _field(model: Governing) -> Any:
    return model.accelerations if isinstance(model, SecondOrder) else model.predict


def _points(model: Governing, states: Sequence[Any], seed: int) -> Tensor:
    every = torch.cat([model.places(torch.as_tensor(x, dtype=torch.float64)) for x in states])
    order = torch.randperm(len(every), generator=torch.Generator().manual_seed(seed))
    return every[order[:_SAMPLES]]


def _doubting(model: Governing, found: FromDynamics) -> Governing:
    """The model, told how far the discovered directions are from exact."""
    own = copy.copy(model)
    kept = found.spectrum_[len(found.spectrum_) - found.cut_ :]
    own.uncertainty = float(kept.max()) if len(kept) else 0.0
    return own


def _trivial(model: Governing, states: Sequence[Any], found: FromDynamics) -> str:
    """Whether the dynamics themselves are among the generators: time translation, which every system has."""
    x = _points(model, states, 0)
    h = _field(model)(x).flatten()
    fields = found.action_.fields(x).movedim(1, -1).flatten(0, -2)
    left = h - fields @ torch.linalg.lstsq(fields, h[:, None]).solution[:, 0]
    small = float(left.norm()) < bars.TIME_TRANSLATION * float(h.norm())
    return ", the dynamics themselves among them" if small else ""
