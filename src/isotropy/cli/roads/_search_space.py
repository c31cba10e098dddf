"""What a discovery searches in: the candidates that suit the data."""

from __future__ import annotations

from ... import dictionary
from ...action._action import Action
from ...actions import PolynomialFields, TimeScaled
from ...datasets import Trajectories
from ...discover import ConservedQuantities
from ...errors import DataError
from ..input._sources import Source
from ..input._symmetry import action_for


def search_space(source: Source, candidates: str | None, time_scaling: bool) -> tuple[str, Action]:
    """Name and action of the candidates, those that suit the data if none are given.

    Raises
    ------
    DataError
        If there are no such candidates, or they do not go with the data.
    """
    chosen = (source.candidates or _default(source)) if candidates is None else candidates
    action = action_for(chosen, source.coordinates, "--candidates")
    if len(action.event) > 1 and source.kind != "supervised":
        raise DataError(f"--candidates {chosen}: expected a map of pictures, received {source.kind}; name --y")
    return chosen, _paced(action, source) if time_scaling else action


def conserved_polynomials(source: Source, degree: int) -> list[str]:
    """Polynomials up to a degree that are conserved along the trajectories, as text with their status.

    Raises
    ------
    DataError
        If the data are no trajectories.
    """
    data = source.data
    if not isinstance(data, Trajectories):
        raise DataError(f"--conserved: expected trajectories, received {source.kind}; give --time and --state")
    library = dictionary.polynomials(data.states[0].shape[1], degree)
    found = ConservedQuantities(library).fit(data.states)
    return [f"{text}  ({found.status_})" for text in found.equations(data.names)]


def _default(source: Source) -> str:
    width = len(source.coordinates)
    return f"aff({width})" if source.kind == "points" else f"gl({width})"


def _paced(action: Action, source: Source) -> Action:
    if source.kind != "dynamics":
        raise DataError(f"--time-scaling: expected trajectories, received {source.kind}; give --time and --state")
    if isinstance(action, PolynomialFields):
        raise DataError("--time-scaling: expected linear or affine --candidates, received polynomial ones; change them")
    return TimeScaled(action)
