"""A table of named arrays, and the checks that stand between a column and a number.

Rows are counted from 1 in every message: data row 1 is the first row after the header.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isotropy.errors import DataError

SHOWN = 12


@dataclass(frozen=True)
class Table:
    """Named arrays read from one source; the first axis of an array counts its rows.

    A name asks for a whole array (``x``), for one column of a two-dimensional array (``x0``), or for a range
    of numbered ones, both ends included (``x0:x5``).

    Parameters
    ----------
    columns : dict of str to ndarray
        Arrays `(rows,)` or `(rows, ...)`, untouched as they were read.
    source : str
        Where they came from; every message begins with it.
    first : int
        Number of the first row in messages, for a part of a longer table.

    Examples
    --------
    >>> table = Table({"t": np.arange(2), "x": np.eye(2)}, "example")
    >>> table.select("x1,t")
    array([[0., 0.],
           [1., 1.]])
    """

    columns: dict[str, np.ndarray]
    source: str
    first: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays, in the order of the file."""
        return tuple(self.columns)

    def expand(self, names: str | Sequence[str]) -> tuple[str, ...]:
        """Return one name for each number in a row of ``select(names)``."""
        found: list[str] = []
        for name in self._split(names):
            width = self.column(name)[:1].size
            found += [name] if self.column(name).ndim == 1 else [f"{name}{i}" for i in range(width)]
        return tuple(found)

    def select(self, names: str | Sequence[str]) -> np.ndarray:
        """Return the named columns side by side, float64 `(rows, total)`.

        Parameters
        ----------
        names : str or sequence of str
            ``"u,v,w"``, ``"x0:x5"``, an array's name, or a sequence of these. Axes after the second are
            flattened.

        Raises
        ------
        DataError
            A name is missing or repeated, lengths differ, or a value is not a finite number.
        """
        chosen = self._split(names)
        self.require_level(chosen)
        return np.hstack([self.numbers(name).reshape(len(self.column(name)), -1) for name in chosen])

    def require_level(self, chosen: Sequence[str]) -> int:
        """Return the number of rows that all these columns have.

        Raises
        ------
        DataError
            A column is missing, or lengths differ.
        """
        lengths = [len(self.column(name)) for name in chosen]
        for name, length in zip(chosen, lengths, strict=True):
            if length != lengths[0]:
                raise DataError(
                    f"{self.source}: expected columns of one length, received {chosen[0]!r} with "
                    f"{lengths[0]} rows and {name!r} with {length}; select columns that belong together."
                )
        return lengths[0]

    def group(self, name: str) -> np.ndarray:
        """Return the labels in a column, integers or strings `(rows,)`.

        Raises
        ------
        DataError
            The column is missing, has more than one axis, or holds fractions or empty cells.
        """
        labels = self.column(name)
        if labels.ndim != 1:
            raise DataError(
                f"{self.source}: expected one label a row in {name!r}, received shape {labels.shape}; "
                f"name one of its columns, such as '{name}0'."
            )
        if labels.dtype.kind in "iub":
            return labels.astype(np.int64)
        if labels.dtype.kind == "f":
            return self._whole(name, labels)
        return self._words(name, labels)

    def column(self, name: str) -> np.ndarray:
        """Return one array, or one column of a two-dimensional array, as it was read.

        Raises
        ------
        DataError
            No such name, or the array has no rows.
        """
        found = self.columns.get(name)
        if found is None:
            found = self._element(name)
        if found is None:
            raise DataError(self._missing(name))
        if found.ndim == 0 or not found.size:
            raise DataError(
                f"{self.source}: expected rows in {name!r}, received shape {found.shape}; select an array with data."
            )
        return found

    def numbers(self, name: str) -> np.ndarray:
        """Return one array as finite float64, `(rows, ...)`.

        Raises
        ------
        DataError
            The column holds text, dates, complex numbers, or a value that is not finite.
        """
        values = self.column(name)
        if values.dtype.kind == "c":
            raise DataError(
                f"{self.source}: expected real numbers in {name!r}, received {values.dtype}; "
                "store the real and imaginary parts as two columns."
            )
        if values.dtype.kind in "OUS":
            values = self._parsed(name, values)
        if values.dtype.kind not in "biuf":
            raise DataError(
                f"{self.source}: expected numbers in {name!r}, received {values.dtype}; convert it before saving."
            )
        with np.errstate(over="ignore"):
            result = values.astype(np.float64)
        bad = np.argwhere(~np.isfinite(result))
        if len(bad):
            value = float(result[tuple(bad[0])])
            raise DataError(
                f"{self.source}: expected finite numbers in {name!r}, received {value} "
                f"in data row {bad[0][0] + self.first}; remove or repair that row."
            )
        return result

    def _split(self, names: str | Sequence[str]) -> list[str]:
        """Split at commas and expand ranges."""
        asked = names.split(",") if isinstance(names, str) else list(names)
        chosen = [single for name in asked for single in self._range(name.strip())]
        repeated = next((name for name in chosen if chosen.count(name) > 1), None)
        if not chosen or "" in chosen:
            raise DataError(
                f"{self.source}: expected column names, received {names!r}; the columns are {self._available()}."
            )
        if repeated is not None:
            raise DataError(f"{self.source}: expected each column once, received {repeated!r} twice; drop one.")
        return chosen

    def _range(self, name: str) -> list[str]:
        """Expand `x0:x5` to six names; any other name stands for itself."""
        if ":" not in name or name in self.columns or self._element(name) is not None:
            return [name]
        ends = re.fullmatch(r"(.*?)(\d+):(.*?)(\d+)", name)
        if ends is None or ends[1] != ends[3] or int(ends[2]) > int(ends[4]):
            raise DataError(
                f"{self.source}: expected a range such as x0:x5, received {name!r}; "
                "give one name with a rising number at both ends."
            )
        return [f"{ends[1]}{number}" for number in range(int(ends[2]), int(ends[4]) + 1)]

    def _element(self, name: str) -> np.ndarray | None:
        """Column k of a two-dimensional array `x` for the name `xk`."""
        for end in range(len(name.rstrip("0123456789")), len(name)):  # a name may itself end in digits
            array, number = self.columns.get(name[:end]), name[end:]
            plain = number == "0" or not number.startswith("0")
            if array is not None and array.ndim == 2 and plain and int(number) < array.shape[1]:
                return array[:, int(number)]
        return None

    def _missing(self, name: str) -> str:
        """Message for a name that is not there."""
        close = difflib.get_close_matches(name, self.names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "choose one of these."
        return f"{self.source}: no column {name!r}; the columns are {self._available()}: {hint}"

    def _available(self) -> str:
        """First names of the table, with the width of its arrays."""
        shown = [
            name if array.ndim < 2 else f"{name} {array.shape}" for name, array in list(self.columns.items())[:SHOWN]
        ]
        more = len(self.columns) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "")

    def _parsed(self, name: str, values: np.ndarray) -> np.ndarray:
        """Numbers of a text or object column, or the first cell that is not one."""
        for place, cell in zip(np.ndindex(values.shape), values.flat, strict=True):
            if not _is_number(cell):
                raise DataError(
                    f"{self.source}: expected numbers in {name!r}, received {cell!r} "
                    f"in data row {place[0] + self.first}; select another column or repair that cell."
                )
        return values.astype(np.float64)

    def _whole(self, name: str, labels: np.ndarray) -> np.ndarray:
        """Labels stored as floating numbers, which must be whole."""
        bad = np.flatnonzero(~(np.isfinite(labels) & (labels == np.round(labels))))
        if len(bad):
            raise DataError(
                f"{self.source}: expected whole numbers or words as labels in {name!r}, received "
                f"{labels[bad[0]]} in data row {bad[0] + self.first}; use an integer or text column."
            )
        return labels.astype(np.int64)

    def _words(self, name: str, labels: np.ndarray) -> np.ndarray:
        """Labels stored as text, none of them empty."""
        words = np.array(["" if label is None else str(label) for label in labels])
        empty = np.flatnonzero(words == "")
        if len(empty):
            raise DataError(
                f"{self.source}: expected a label in every row of {name!r}, received an empty cell in "
                f"data row {empty[0] + self.first}; fill it in."
            )
        return words


def _is_number(cell: Any) -> bool:
    """Tell whether a cell of a text or object column reads as a number; Python alone takes 1_0 for one."""
    if isinstance(cell, str) and "_" in cell:
        return False
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return True


def require_varying(values: np.ndarray, names: Sequence[str], source: str) -> None:
    """Refuse a column that holds one value only.

    Parameters
    ----------
    values : ndarray
        Numbers, `(rows, columns)`.
    names : sequence of str
        One name for each column.
    source : str
        Where they came from, for the message.

    Raises
    ------
    DataError
        A column is constant.
    """
    for name, column in zip(names, values.T, strict=True):
        if (column == column[0]).all():
            raise DataError(
                f"{source}: expected a varying column {name!r}, received the constant {column[0]:g} in all "
                f"{len(column)} rows; nothing can be learned along it, leave it out."
            )
