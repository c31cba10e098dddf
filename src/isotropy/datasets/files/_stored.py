"""Columns that stay on the disk: what a large file holds, and ranges of its rows."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from isotropy.datasets.files._reading import (
    DAMAGE,
    Columns,
    import_extra,
    join_cells,
    refusal,
    require_file,
    require_stored,
    require_unique,
)
from isotropy.errors import DataError, MissingExtraError

Range = tuple[int, int]


class Stored(Protocol):
    """A file whose columns are read by ranges of rows."""

    def shapes(self) -> Columns:
        """Arrays with the shapes and types of all columns, which take no memory and hold no data."""
        ...

    def read(self, names: Sequence[str], ranges: Sequence[Range], rows: int) -> Iterator[Columns]:
        """The named columns in each of the rising ranges, none of them longer than ``rows``."""
        ...


def open_stored(file: Path) -> Stored:
    """The large file at this path.

    Raises
    ------
    DataError
        The file is missing, empty, or of a kind that cannot be read in parts.
    """
    suffix = file.suffix.lower()
    if suffix not in KINDS:
        raise DataError(
            f"{file}: expected one of the suffixes {', '.join(KINDS)}, received {file.suffix!r}; convert the file, or "
            "read it whole with read_table."
        )
    if suffix != ".zarr":
        require_file(file)
    elif not file.exists():
        raise DataError(f"{file}: expected an existing Zarr folder, received none; check the path.")
    return KINDS[suffix](file)


@dataclass(frozen=True)
class Column:
    """One stored array and how to read a range of its rows."""

    shape: tuple[int, ...]
    dtype: np.dtype
    read: Callable[[int, int], np.ndarray]


class Arrays:
    """A file of arrays, each of which can be cut anywhere: HDF5, Zarr."""

    def __init__(self, file: Path, opened: Callable[[Path], AbstractContextManager[dict[str, Column]]]) -> None:
        self.file = file
        self.opened = opened

    def shapes(self) -> Columns:
        """Arrays with the shapes and types of all columns."""
        with _readable(self.file), self.opened(self.file) as columns:
            return {name: _without_data(column.dtype, column.shape) for name, column in columns.items()}

    def read(self, names: Sequence[str], ranges: Sequence[Range], rows: int) -> Iterator[Columns]:
        """The named columns in each range."""
        with _readable(self.file), self.opened(self.file) as columns:
            for start, stop in ranges:
                yield {name: columns[name].read(start, stop) for name in names}


class Parquet:
    """A Parquet file, read forward; only the row groups that hold a wanted row are decoded."""

    def __init__(self, file: Path) -> None:
        import_extra("pyarrow")
        self.file = file

    def shapes(self) -> Columns:
        """Arrays with the shapes and types of all columns."""
        with _readable(self.file), self._opened() as opened:
            total = opened.metadata.num_rows
            names = list(opened.schema_arrow.names)
        require_unique(names, self.file)
        first = next(self.read(names, [(0, 1)], 1)) if total else {name: np.empty(0) for name in names}
        return {name: _without_data(array.dtype, (total, *array.shape[1:])) for name, array in first.items()}

    def read(self, names: Sequence[str], ranges: Sequence[Range], rows: int) -> Iterator[Columns]:
        """The named columns in each range."""
        with _readable(self.file), self._opened() as opened:
            sizes = [opened.metadata.row_group(group).num_rows for group in range(opened.num_row_groups)]
            groups, shifted = _needed_groups(sizes, ranges)
            # One group at a time: a reader of several keeps each group it has decoded until the end.
            batches = (
                batch
                for group in groups
                for batch in opened.iter_batches(batch_size=rows, row_groups=[group], columns=list(names))
            )
            for (start, _), pieces in zip(ranges, _cut(batches, shifted), strict=True):
                yield {name: self._column(pieces, name, start) for name in names}

    def _opened(self) -> Any:
        """The open file; buffered, so that no whole row group is loaded."""
        import pyarrow.parquet

        return pyarrow.parquet.ParquetFile(self.file, buffer_size=2**20)

    def _column(self, pieces: list[Any], name: str, start: int) -> np.ndarray:
        """One column of record batches; lists of equal length become two axes."""
        import pyarrow

        column = pyarrow.chunked_array([piece.column(name) for piece in pieces])
        return join_cells(column.to_numpy(), name, self.file, start + 1)


def _needed_groups(sizes: Sequence[int], ranges: Sequence[Range]) -> tuple[list[int], list[Range]]:
    """Row groups that meet a range, and the ranges counted in the rows of these groups alone."""
    ends = np.cumsum(sizes)
    begins = ends - sizes
    lows, highs = np.array(ranges).reshape(-1, 2).T
    # A group is needed if the first range that ends after its begin starts before its end.
    places = np.searchsorted(highs, begins, side="right")
    needed = np.array([place < len(lows) and lows[place] < end for place, end in zip(places, ends, strict=True)], bool)
    left_out = np.cumsum(np.where(needed, 0, sizes))
    shifts = [int(left_out[np.searchsorted(ends, start, side="right")]) for start, _ in ranges]
    shifted = [(start - shift, stop - shift) for (start, stop), shift in zip(ranges, shifts, strict=True)]
    return [int(group) for group in np.flatnonzero(needed)], shifted


def _cut(batches: Iterable[Any], ranges: Sequence[Range]) -> Iterator[list[Any]]:
    """Pieces of the batches that make up each of the rising ranges."""
    flow = iter(batches)
    batch: Any = ()
    begin = 0
    for start, stop in ranges:
        pieces: list[Any] = []
        while True:
            low, high = max(start - begin, 0), min(stop - begin, len(batch))
            if low < high:
                pieces.append(batch.slice(low, high - low))
            if stop <= begin + len(batch):
                break
            begin += len(batch)
            batch = next(flow)
        yield pieces


@contextlib.contextmanager
def _opened_hdf5(file: Path) -> Iterator[dict[str, Column]]:
    """Data sets of an HDF5 file by their path, with the fields of compound ones apart."""
    h5py = import_extra("h5py")
    with h5py.File(file, "r") as root:
        columns: dict[str, Column] = {}

        def collect(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                columns.update(_hdf5_columns(h5py, name, item))

        root.visititems(collect)
        yield columns


def _hdf5_columns(h5py: Any, name: str, item: Any) -> dict[str, Column]:
    """One column, or one for each field of a compound data set."""
    require_stored(item, name)
    if item.shape is None:
        return {name: Column((0,), np.dtype(float), lambda start, stop: np.empty(0))}
    if h5py.check_string_dtype(item.dtype) is not None:
        return {name: Column(item.shape, np.dtype(object), lambda start, stop: item.asstr()[start:stop])}
    if item.dtype.names:
        return {
            f"{name}/{field}": Column(item.shape, item.dtype[field], lambda a, b, field=field: item[field, a:b])
            for field in item.dtype.names
        }
    return {name: _sliced(item)}


@contextlib.contextmanager
def _opened_zarr(file: Path) -> Iterator[dict[str, Column]]:
    """Arrays of a Zarr folder by their path; an array that is not in a group is called ``x``."""
    zarr = import_extra("zarr")
    node = zarr.open(str(file), mode="r")
    yield {"x": _sliced(node)} if hasattr(node, "shape") else _zarr_columns(node, "")


def _zarr_columns(group: Any, prefix: str) -> dict[str, Column]:
    """Arrays of a group and of the groups in it."""
    columns = {prefix + name: _sliced(array) for name, array in sorted(group.arrays())}
    for name, inner in sorted(group.groups()):
        columns.update(_zarr_columns(inner, f"{prefix}{name}/"))
    return columns


def _sliced(array: Any) -> Column:
    return Column(array.shape, np.dtype(array.dtype), lambda start, stop: np.asarray(array[start:stop]))


def _without_data(dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.zeros((), dtype), shape)


@contextlib.contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Turn what a damaged file raises into one line."""
    try:
        yield
    except (DataError, MissingExtraError):
        raise
    except DAMAGE as error:
        raise DataError(refusal(file, file.suffix, error)) from error


KINDS: dict[str, Callable[[Path], Stored]] = {
    ".h5": lambda file: Arrays(file, _opened_hdf5),
    ".hdf5": lambda file: Arrays(file, _opened_hdf5),
    ".parquet": Parquet,
    ".zarr": lambda file: Arrays(file, _opened_zarr),
}
