"""Samples and trajectories: what a table becomes before a symmetry is looked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from isotropy.datasets.files._table import Table, require_varying
from isotropy.errors import DataError

SHORTEST = 5


@dataclass(frozen=True)
class Samples:
    """Points `x`, with the values `y` of a map where there is one.

    Parameters
    ----------
    x : Tensor
        Float64, `(samples, n)`.
    y : Tensor or None
        Float64, `(samples, m)`.
    x_names, y_names : tuple of str
        One name for each column.
    """

    x: torch.Tensor
    y: torch.Tensor | None
    x_names: tuple[str, ...]
    y_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trajectories:
    """States of a dynamical system along one or more trajectories.

    Parameters
    ----------
    states : tuple of Tensor
        Float64, one `(samples, n)` for each trajectory.
    times : tuple of Tensor
        Float64, one strictly increasing `(samples,)` for each trajectory.
    names : tuple of str
        One name for each state column.
    labels : tuple of str
        One label for each trajectory.
    """

    states: tuple[torch.Tensor, ...]
    times: tuple[torch.Tensor, ...]
    names: tuple[str, ...]
    labels: tuple[str, ...]


def points(table: Table, x: str | Sequence[str]) -> Samples:
    """Return the named columns as points without values.

    Raises
    ------
    DataError
        A column is missing or not made of finite numbers.

    Examples
    --------
    >>> points(Table({"x": np.ones((2, 3))}, "example"), "x").x.shape
    torch.Size([2, 3])
    """
    return Samples(torch.from_numpy(table.select(x)), None, table.expand(x))


def supervised(table: Table, x: str | Sequence[str], y: str | Sequence[str]) -> Samples:
    """Return inputs and outputs of a map, row by row.

    Raises
    ------
    DataError
        A column is missing, constant, not made of finite numbers, on both sides, or `x` and `y` differ in
        length.
    """
    x_names, y_names = table.expand(x), table.expand(y)
    shared = [name for name in x_names if name in y_names]
    if shared:
        raise DataError(
            f"{table.source}: expected inputs and outputs apart, received {shared[0]!r} in both; drop it from one."
        )
    inputs, outputs = table.select(x), table.select(y)
    if len(inputs) != len(outputs):
        raise DataError(
            f"{table.source}: expected as many outputs as inputs, received {len(inputs)} rows of x and "
            f"{len(outputs)} of y; select columns that belong together."
        )
    require_varying(inputs, x_names, table.source)
    require_varying(outputs, y_names, table.source)
    return Samples(torch.from_numpy(inputs), torch.from_numpy(outputs), x_names, y_names)


def trajectories(table: Table, time: str, state: str | Sequence[str], trajectory: str | None = None) -> Trajectories:
    """Return the states cut into trajectories.

    Rows of one trajectory need not stand together, but their times must increase. The state may also be one
    array `(trajectories, samples, n)`, with times `(samples,)` or `(trajectories, samples)`.

    Parameters
    ----------
    table : Table
        Where the columns are.
    time, state, trajectory : str
        Names of the time column, the state columns and the label column; without labels the table is one
        trajectory.

    Raises
    ------
    DataError
        A column is missing, constant, or not made of finite numbers; lengths differ; times repeat or fall; a
        trajectory has fewer than five samples.
    """
    names = table.expand(state)
    if isinstance(state, str) and state in table.columns and table.column(state).ndim == 3:
        return _stacked(table, time, state, trajectory)
    clock, states = _clock(table, time), table.select(state)
    labels = np.zeros(len(clock), dtype=int) if trajectory is None else table.group(trajectory)
    for name, length in ((time, len(clock)), (trajectory, len(labels))):
        if length != len(states):
            raise DataError(
                f"{table.source}: expected one {name!r} for each of the {len(states)} states, "
                f"received {length}; select columns that belong together."
            )
    require_varying(states, names, table.source)
    rows = {label: np.flatnonzero(labels == label) for label in dict.fromkeys(labels.tolist())}
    for label, chosen in rows.items():
        _require_increasing(clock[chosen], chosen, str(label), table.source, trajectory)
    return Trajectories(
        tuple(torch.from_numpy(states[chosen]) for chosen in rows.values()),
        tuple(torch.from_numpy(clock[chosen]) for chosen in rows.values()),
        names,
        tuple(str(label) for label in rows),
    )


def _clock(table: Table, time: str) -> np.ndarray:
    """Return the times as one column of numbers."""
    clock = table.select(time)
    if clock.shape[1] != 1:
        raise DataError(
            f"{table.source}: expected one column of times, received {clock.shape[1]} from {time!r}; name one."
        )
    return clock[:, 0]


def _stacked(table: Table, time: str, state: str, trajectory: str | None) -> Trajectories:
    """Trajectories that stand beside one another in an array of three axes."""
    states, clock = table.numbers(state), table.numbers(time)
    if clock.shape not in (states.shape[1:2], states.shape[:2]):
        raise DataError(
            f"{table.source}: expected times of shape {states.shape[1:2]} or {states.shape[:2]} for states "
            f"of shape {states.shape}, received {clock.shape}; match the axes (trajectory, time, state)."
        )
    labels = np.arange(len(states)) if trajectory is None else table.group(trajectory)
    if len(labels) != len(states) or len(set(labels.tolist())) != len(labels):
        raise DataError(
            f"{table.source}: expected {len(states)} different labels, one for each trajectory, received "
            f"{len(set(labels.tolist()))} in {trajectory!r}; give each trajectory its own."
        )
    names = tuple(f"{state}{number}" for number in range(states.shape[2]))
    require_varying(states.reshape(-1, states.shape[2]), names, table.source)
    clocks = np.broadcast_to(clock, states.shape[:2])
    for label, ticks in zip(labels.tolist(), clocks, strict=True):
        _require_increasing(ticks, np.arange(len(ticks)), str(label), table.source, "")
    return Trajectories(
        tuple(torch.from_numpy(block) for block in states),
        tuple(torch.from_numpy(ticks) for ticks in clocks.copy()),
        names,
        tuple(str(label) for label in labels.tolist()),
    )


def _require_increasing(clock: np.ndarray, rows: np.ndarray, label: str, source: str, trajectory: str | None) -> None:
    """Refuse a short trajectory and times that repeat or fall."""
    if len(clock) < SHORTEST:
        raise DataError(
            f"{source}: expected at least {SHORTEST} samples in every trajectory, received {len(clock)} in "
            f"trajectory {label!r}; drop it or add samples."
        )
    bad = np.flatnonzero(np.diff(clock) <= 0)
    if len(bad):
        before, after = clock[bad[0]], clock[bad[0] + 1]
        cure = (
            "sort or repair the rows" if trajectory is not None else "name the trajectory column if there are several"
        )
        raise DataError(
            f"{source}: expected times that increase, received {after:g} after {before:g} in data row "
            f"{rows[bad[0] + 1] + 1} of trajectory {label!r}; {cure}."
        )
