"""From DATA and column names to the samples that a road needs."""

from __future__ import annotations

from dataclasses import dataclass

from .. import datasets
from ..datasets import Samples, Table, Trajectories
from ..errors import DataError

PREFIX = "example:"


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


@dataclass(frozen=True)
class Columns:
    """Names of columns as given on the command line."""

    x: str | None = None
    y: str | None = None
    time: str | None = None
    state: str | None = None
    trajectory: str | None = None
    noether: bool = False

    @property
    def kind(self) -> str:
        """Which road the given columns ask for."""
        if self.state or self.time or self.trajectory:
            return "mechanics" if self.noether else "dynamics"
        return "supervised" if self.y else "points"


def read_source(data: str, columns: Columns, key: str | None) -> Source:
    """Read DATA, a file or ``example:NAME``.

    Raises
    ------
    DataError
        If the file or a column cannot be used, or options contradict one another.
    """
    if data.startswith(PREFIX):
        problem = datasets.load(data.removeprefix(PREFIX))
        return Source(problem.kind, problem.data, problem.expected.candidates)
    _require_consistent(columns)
    table = datasets.read_table(data, key)
    return Source(columns.kind, _samples(table, columns))


def _samples(table: Table, columns: Columns) -> Samples | Trajectories:
    if columns.kind in ("dynamics", "mechanics"):
        return datasets.trajectories(table, str(columns.time), str(columns.state), columns.trajectory)
    x = columns.x or _all_but(table, columns.y)
    if columns.y:
        return datasets.supervised(table, x, columns.y)
    return datasets.points(table, x)


def _all_but(table: Table, y: str | None) -> str:
    """Every column that is not an output."""
    outputs = set(table.expand(y)) if y else set()
    return ",".join(name for name in table.expand(",".join(table.names)) if name not in outputs)


def _require_consistent(columns: Columns) -> None:
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
        raise DataError("--noether: expected --time and --state, received neither; it needs trajectories")
