"""From the words of ``isotropy equations`` to trajectories, a model to fit, and a symmetry to hold it to."""

from __future__ import annotations

from ... import dictionary
from ...datasets import Trajectories
from ...dynamics import Governing, SecondOrder, SINDy, WeakSINDy, central
from ...errors import DataError
from ..input._sources import Columns, Source, read_source

_LONG = 60  # samples of the shortest trajectory from which on the weak form has rows enough
_MOST_TERMS = 1000  # of all equations together


def read_trajectories(data: str, columns: Columns, key: str | None) -> tuple[Source, Trajectories]:
    """Read DATA and insist on trajectories.

    Raises
    ------
    DataError
        If DATA cannot be read, or holds no trajectories.
    """
    source = read_source(data, columns, key)
    if not isinstance(source.data, Trajectories):
        raise DataError(f"{data}: expected trajectories, received {source.kind}; give --time and --state")
    return source, source.data


def model_for(
    runs: Trajectories, motion: bool, degree: int | None, weak: bool | None, threshold: float | None
) -> Governing:
    """The terms and the way to fit them that suit the data.

    Raises
    ------
    DataError
        If options contradict one another, or there are too many terms.
    """
    size = runs.states[0].shape[1]
    if motion:
        if weak:
            raise DataError("--weak: expected --derivative with equations of motion, received --weak; leave it out")
        terms = central(size // 2) if degree is None else dictionary.polynomials(size // 2, degree)
        _require_few(len(terms) * size // 2)
        return SecondOrder(terms) if threshold is None else SecondOrder(terms, threshold=threshold)
    terms = dictionary.polynomials(size, 2 if degree is None else degree)
    _require_few(len(terms) * size)
    if weak or (weak is None and min(map(len, runs.states)) >= _LONG):
        return WeakSINDy(terms, threshold=threshold or 0.0)
    if threshold is None:
        return SINDy(terms, threshold=0.0, select="evidence")
    return SINDy(terms, threshold=threshold)


def _require_few(count: int) -> None:
    if count > _MOST_TERMS:
        raise DataError(
            f"--degree: expected at most {_MOST_TERMS} coefficients in all, received {count}; lower it or "
            "name fewer columns"
        )
