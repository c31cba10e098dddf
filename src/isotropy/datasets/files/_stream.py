"""Tables larger than memory, read as chunks of rows."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from isotropy.datasets.files._stored import Stored, open_stored
from isotropy.datasets.files._table import Table
from isotropy.errors import DataError

Names = str | Sequence[str]


def stream(
    path: str | Path,
    x: Names,
    *,
    y: Names | None = None,
    rows: int = 65536,
    part: int = 0,
    parts: int = 1,
    skip: int = 0,
) -> "Stream":
    """Chunks of rows of a file that need not fit in memory; its suffix says how to read it.

    ``.h5``/``.hdf5`` and ``.zarr`` are cut anywhere; ``.parquet`` is read forward and decodes the row groups that hold
    a wanted row, so row groups of about ``rows`` rows are best. At most a few chunks, and one row group, are in memory
    at once.

    Parameters
    ----------
    path : str or Path
        The file, or the folder of a Zarr store.
    x, y : str or sequence of str
        Columns as in ``Table.select``: ``"u,v,w"``, ``"x0:x5"``, or the name of an array. With `y`, chunks are pairs.
    rows : int
        Height of a chunk; the last may be lower.
    part, parts : int
        Which of several processes this is: chunk i belongs to part ``i % parts``.
    skip : int
        Number of chunks of this part to leave out, unread, at the start.

    Returns
    -------
    Stream
        Can be iterated again and again and has a length. Chunks are `(rows, n)`, float32 where the file holds float32
        only, else float64.

    Raises
    ------
    DataError
        The file or its columns cannot be read, here or when the chunk with the bad row comes.
    MissingExtraError
        The formats need ``pip install 'isotropy[files]'``.
    """
    _require_counts(rows, part, parts, skip)
    file = Path(path)
    stored = open_stored(file)
    table = Table(stored.shapes(), str(file))
    asked = [x] if y is None else [x, y]
    chosen = tuple(name for names in asked for name in table.expand(names))
    found = Stream(
        stored=stored,
        columns=_holding(table, chosen),
        asked=tuple(asked),
        source=str(file),
        length=table.require_level(chosen),
        rows=rows,
        part=part,
        parts=parts,
        skip=skip,
    )
    next(found.read([(0, 1)]))  # bad columns show before the work begins
    return found


@dataclass(frozen=True)
class Stream:
    """Chunks of the rows of a file, made by ``stream``; ``len`` counts them and iterating reads them.

    Attributes
    ----------
    columns : dict of str to ndarray
        Shapes and types of the stored arrays that are read; they hold no data.
    length : int
        Number of rows in the file.
    """

    stored: Stored
    columns: dict[str, np.ndarray]
    asked: tuple[Names, ...]
    source: str
    length: int
    rows: int
    part: int
    parts: int
    skip: int

    def __len__(self) -> int:
        return len(self._ranges())

    def __iter__(self) -> Iterator[Tensor | tuple[Tensor, ...]]:
        return self.read(self._ranges())

    def after(self, chunks: int) -> "Stream":
        """The same without its first chunks, which are not read."""
        return replace(self, skip=self.skip + chunks)

    def read(self, ranges: Sequence[tuple[int, int]]) -> Iterator[Tensor | tuple[Tensor, ...]]:
        """Tensors `(stop - start, n)`, or pairs of them, for rising ranges of rows."""
        single = all(array.dtype == np.float32 for array in self.columns.values())
        dtype = torch.float32 if single else torch.float64
        pieces = self.stored.read(list(self.columns), ranges, self.rows)
        for (start, _), arrays in zip(ranges, pieces, strict=True):
            table = Table(arrays, self.source, first=start + 1)
            self._require_widths(table)
            sides = [torch.from_numpy(table.select(names)).to(dtype) for names in self.asked]
            yield tuple(sides) if len(sides) > 1 else sides[0]

    def _ranges(self) -> list[tuple[int, int]]:
        """First row and end of each chunk of this part."""
        starts = range(self.part * self.rows, self.length, self.parts * self.rows)[self.skip :]
        return [(start, min(start + self.rows, self.length)) for start in starts]

    def _require_widths(self, table: Table) -> None:
        """Refuse a chunk whose lists have another length than those of the first row."""
        for name, array in table.columns.items():
            if array.shape[1:] != self.columns[name].shape[1:]:
                raise DataError(
                    f"{self.source}: expected rows of shape {self.columns[name].shape[1:]} in {name!r}, received "
                    f"{array.shape[1:]} from data row {table.first} on; pad or drop those rows."
                )


def _holding(table: Table, chosen: Sequence[str]) -> dict[str, np.ndarray]:
    """The stored arrays that hold the chosen columns, by name or by name and number."""
    return {
        name: array
        for name, array in table.columns.items()
        if any(re.fullmatch(re.escape(name) + r"\d*", column) for column in chosen)
    }


def _require_counts(rows: int, part: int, parts: int, skip: int) -> None:
    """Refuse a division into chunks that makes no sense."""
    if rows < 1:
        raise DataError(f"rows: expected at least 1 row in a chunk, received {rows}; 65536 is usual")
    if not 0 <= part < parts:
        raise DataError(f"part: expected 0 <= part < parts, received part {part} of {parts}; count parts from 0")
    if skip < 0:
        raise DataError(f"skip: expected a number of chunks from 0 on, received {skip}; pass 0 to read all")
