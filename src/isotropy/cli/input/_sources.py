"""From DATA and column names to the samples that a road needs."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ... import datasets
from ...datasets import Problem, Samples, Table, Trajectories
from ...errors import DataError

PREFIX = "example:"
SMALLEST = 1e-40  # of the largest number; beyond it squares of its powers are lost


@dataclass(frozen=True)
class Source:
    """Data with the road that suits them.

    Attributes
    ----------
    kind : str
        ``"points"``, ``"supervised"``, ``"dynamics"`` or ``"mechanics"``.
    data : Samples or Trajectories
        The samples.
    candidates : str or None
        Candidates that go with a bundled example.
    """

    kind: str
    data: Samples | Trajectories
    candidates: str | None = None

    @property
    def coordinates(self) -> list[str]:
        """Names of the coordinates that move; in mechanics the velocities follow the positions."""
        names = list(self.data.x_names if isinstance(self.data, Samples) else self.data.names)
        return names[: len(names) // 2] if self.kind == "mechanics" else names


@dataclass(frozen=True)
class Columns:
    """Names of columns as given on the command line."""

    x: str | None = None
    y: str | None = None
    time: str | None = None
    state: str | None = None
    trajectory: str | None = None
    noether: bool = False
    halves: str = "--noether"  # the option by which the state became positions and velocities

    @property
    def kind(self) -> str:
        """Which road the given columns ask for."""
        if any(value is not None for value in (self.state, self.time, self.trajectory)):
            return "mechanics" if self.noether else "dynamics"
        return "points" if self.y is None else "supervised"

    def named(self) -> dict[str, str | None]:
        """The names by option."""
        return {"x": self.x, "y": self.y, "time": self.time, "state": self.state, "trajectory": self.trajectory}


def read_source(data: str, columns: Columns, key: str | None) -> Source:
    """Read DATA, a file or ``example:NAME``, for a discovery.

    Raises
    ------
    DataError
        If the file or a column cannot be used, or options contradict one another.
    """
    if data.startswith(PREFIX):
        given = [f"--{name}" for name, value in columns.named().items() if value is not None]
        given += [columns.halves] if columns.noether else []
        problem = _example(data, [*given, *(["--key"] if key else [])])
        return Source(problem.kind, problem.data, problem.expected.candidates)
    _require_consistent(columns)
    found = _samples(datasets.read_table(data, key), columns)
    for part in (found.x, found.y) if isinstance(found, Samples) else (*found.states, *found.times):
        _require_scale(part, data)
    return Source(columns.kind, found)


def read_points(data: str, x: str | None, key: str | None) -> Samples:
    """Read DATA as points to measure at; states of trajectories are points, too.

    Raises
    ------
    DataError
        If the file or a column cannot be used.
    """
    if not data.startswith(PREFIX):
        table = datasets.read_table(data, key)
        return datasets.points(table, _all_but(table, None) if x is None else x)
    found = _example(data, [option for option, value in (("--x", x), ("--key", key)) if value]).data
    return found if isinstance(found, Samples) else Samples(torch.cat(found.states), None, found.names)


def _example(data: str, given: list[str]) -> Problem:
    """A bundled example, which comes with its own columns."""
    if given:
        raise DataError(
            f"{data}: expected no {' and no '.join(given)}, as examples come with their columns, received it; "
            "leave it out"
        )
    return datasets.load(data.removeprefix(PREFIX))


def _samples(table: Table, columns: Columns) -> Samples | Trajectories:
    if columns.kind in ("dynamics", "mechanics"):
        found = datasets.trajectories(table, str(columns.time), str(columns.state), columns.trajectory)
        if columns.noether and len(found.names) % 2:
            raise DataError(
                f"{columns.halves}: expected positions then velocities in --state, as many of both, received "
                f"{len(found.names)} columns; name both"
            )
        return found
    x = _all_but(table, columns.y) if columns.x is None else columns.x
    if columns.y is not None:
        return datasets.supervised(table, x, columns.y)
    return datasets.points(table, x)


def _all_but(table: Table, y: str | None) -> list[str]:
    """Every column that is not an output."""
    outputs = set(table.expand(y)) if y else set()
    names: list[str] = []
    for name in table.names:  # whole arrays where they can be, as a column's name may also be that of an array
        columns = table.expand([name])
        inputs = [column for column in columns if column not in outputs]
        names += [name] if len(inputs) == len(columns) else inputs
    if not names:
        raise DataError(f"--y: expected columns left over as inputs, received all of {y}; name fewer")
    return names


def _require_scale(values: torch.Tensor | None, source: str) -> None:
    """Refuse numbers whose powers would overflow or vanish."""
    if values is None:
        return
    largest = float(values.abs().max())
    if not SMALLEST < largest < 1 / SMALLEST:
        raise DataError(
            f"{source}: expected numbers of a size between {SMALLEST:g} and {1 / SMALLEST:g}, received {largest:g} as "
            "the largest; choose other units"
        )


def _require_consistent(columns: Columns) -> None:
    empty = next((name for name, value in columns.named().items() if value == ""), None)
    if empty is not None:
        raise DataError(f"--{empty}: expected column names, received an empty text; leave the option out or name some")
    if columns.kind in ("dynamics", "mechanics"):
        if not columns.time or not columns.state:
            raise DataError(
                "--time and --state: expected both for trajectories, received one; name the time column and the "
                "columns of the state"
            )
        if columns.x or columns.y:
            raise DataError(
                "--x/--y: expected none beside --time/--state, received some; choose samples or trajectories"
            )
    elif columns.noether:
        raise DataError(
            f"{columns.halves}: expected --time and --state, received neither; name the columns of the trajectories"
        )
