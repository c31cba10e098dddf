"""Read a user's file into a table; every file that cannot be read gives one clear line."""

import contextlib
import csv
import gzip
import math
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from isotropy.datasets.files._table import Table
from isotropy.errors import DataError, MissingExtraError

Columns = dict[str, np.ndarray]
DAMAGE = (
    ValueError,
    OSError,
    EOFError,
    KeyError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
)


def read_table(path: str | Path, key: str | None = None) -> Table:
    """Read a file of numbers and labels; its suffix says how.

    ``.csv`` and ``.tsv`` (also with ``.gz``) need a header, or a first row of numbers only, which names the
    columns ``x0``, ``x1``, ...; lines above it that begin with ``#`` are comments. ``.npy`` gives ``x0``,
    ``x1``, ... (``x`` for three or more axes). ``.npz`` and ``.h5``/``.hdf5`` give one entry for each array,
    ``.parquet`` one for each column. Pickled objects are never loaded.

    Parameters
    ----------
    path : str or Path
        The file.
    key : str, optional
        The only array to read from an NPZ file, or the only group or data set from an HDF5 file.

    Returns
    -------
    Table
        Arrays as stored: numbers are not yet checked, so a bad column that is never selected does no harm.

    Raises
    ------
    DataError
        The file is missing, empty, damaged, of an unknown kind, or has no rows.
    MissingExtraError
        Parquet and HDF5 need ``pip install 'isotropy[files]'``.
    """
    file = Path(path)
    require_file(file)
    suffix = _suffix(file)
    if key is not None and suffix not in KEYED:
        raise DataError(
            f"{file}: expected no key for a {suffix} file, received {key!r}; "
            f"keys name arrays inside {', '.join(KEYED)} files."
        )
    try:
        columns = READERS[suffix](file, key)
    except (DataError, MissingExtraError):
        raise
    except DAMAGE as error:
        raise DataError(refusal(file, suffix, error)) from error
    if all(array.size == 0 for array in columns.values()):
        raise DataError(f"{file}: expected rows of data, received none; check how the file was written.")
    return Table(columns, str(file))


def require_file(file: Path) -> None:
    """Refuse what is not a file with content."""
    try:
        folder, there = file.is_dir(), file.is_file()
        empty = there and file.stat().st_size == 0
    except OSError as error:
        raise DataError(
            f"{file}: expected an existing file, received a path that cannot be looked up ({error.strerror}); check it."
        ) from error
    if folder:
        raise DataError(f"{file}: expected a file, received a directory; name one file inside it.")
    if not there:
        raise DataError(f"{file}: expected an existing file, received none; check the path.")
    if empty:
        raise DataError(f"{file}: expected data, received an empty file (0 bytes); write it again.")


def _suffix(file: Path) -> str:
    """Return the known suffix of a file name, such as `.csv.gz`."""
    name = file.name.lower()
    known = [suffix for suffix in READERS if name.endswith(suffix)]
    if not known:
        raise DataError(
            f"{file}: expected one of the suffixes {', '.join(READERS)}, received {file.suffix!r}; "
            "convert or rename the file."
        )
    return max(known, key=len)


def refusal(file: Path, suffix: str, error: Exception) -> str:
    """Message for what a reader could not take, its reason in one line."""
    reason = " ".join(str(error).split()) or type(error).__name__
    if "allow_pickle" in reason:
        return (
            f"{file}: expected arrays of numbers or text, received pickled objects, which are never loaded; "
            "save plain arrays."
        )
    if "unable to lock file" in reason:
        return f"{file}: expected a closed file, received one that a program still writes; close it there first."
    if isinstance(error, PermissionError):
        return f"{file}: expected a file that may be read, received one that is forbidden; change its rights."
    return (
        f"{file}: expected a readable {suffix} file, received one that is damaged or of another kind "
        f"({reason}); write it again."
    )


def require_unique(names: list[str], file: Path) -> None:
    """Refuse two columns of one name."""
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise DataError(f"{file}: expected different column names, received {repeated!r} twice; rename one.")


def _read_text(delimiter: str) -> Callable[[Path, str | None], Columns]:
    """Return the reader of text tables with this delimiter."""

    def read(file: Path, key: str | None) -> Columns:
        rows = list(_text_rows(file, delimiter))
        if not rows:
            raise DataError(f"{file}: expected a header and rows, received none; write it again.")
        first = rows[0][1]
        if all(_is_number(cell) for cell in first):
            header = [f"x{number}" for number in range(len(first))]
        else:
            header = [cell.strip() or f"unnamed{number}" for number, cell in enumerate(first)]
            rows = rows[1:]
        _require_header(header, delimiter, file)
        _require_rectangle(rows, len(header), file)
        cells = zip(*(row for _, row in rows), strict=True) if rows else [()] * len(header)
        return {name: _typed(column) for name, column in zip(header, cells, strict=True)}

    return read


def _text_rows(file: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the cells of each row; blank lines and leading comments are left out."""
    started = False
    opener = gzip.open if file.name.lower().endswith(".gz") else open
    with opener(file, "rt", encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        try:
            for row in reader:
                started = started or bool(row and not row[0].startswith("#"))
                if started and row:
                    yield reader.line_num, row
        except csv.Error as error:
            raise DataError(
                f"{file}: expected text cells, received a malformed line {reader.line_num} ({error}); repair it."
            ) from error


def _require_header(header: list[str], delimiter: str, file: Path) -> None:
    """Refuse repeated names, and a header written with another separator."""
    require_unique(header, file)
    other = next((mark for mark in ";\t," if mark != delimiter and mark in header[0]), None)
    if len(header) == 1 and other is not None:
        raise DataError(
            f"{file}: expected cells separated by {delimiter!r}, received a header separated by {other!r}; "
            "save with commas as .csv or with tabs as .tsv."
        )


def _require_rectangle(rows: list[tuple[int, list[str]]], width: int, file: Path) -> None:
    """Refuse a row with more or fewer cells than the header."""
    for number, (line, row) in enumerate(rows, start=1):
        if len(row) != width:
            raise DataError(
                f"{file}: expected {width} cells in every row, received {len(row)} in data row {number} "
                f"(line {line}); repair that row."
            )


def _is_number(cell: str) -> bool:
    """Tell whether a cell reads as a number."""
    return _typed((cell,)).dtype.kind in "if"


def _typed(cells: tuple[str, ...]) -> np.ndarray:
    """Integers where all cells are, else floating numbers, else text."""
    text = np.array(cells, dtype=object)
    if any("_" in cell for cell in cells):
        return text
    for kind in (np.int64, np.float64):
        with contextlib.suppress(ValueError, OverflowError):
            return text.astype(kind)
    return text


def _read_npy(file: Path, key: str | None) -> Columns:
    """Read one unnamed array."""
    with file.open("rb") as stream:
        _require_numbers(stream, file.stat().st_size)
        array = np.lib.format.read_array(stream, allow_pickle=False)
    if not array.ndim:
        raise DataError(f"{file}: expected an array with rows, received a single number; save one row per sample.")
    if array.dtype.names:
        return {name: array[name] for name in array.dtype.names}
    if array.ndim > 2:
        return {"x": array}
    matrix = array.reshape(len(array), -1) if array.size else np.empty((0, 1))
    return {f"x{number}": column for number, column in enumerate(matrix.T)}


def _require_numbers(stream: Any, size: int) -> None:
    """Refuse a header that promises more numbers than the file holds, before room is made for them."""
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(stream)
    if version in read:
        shape, _, dtype = read[version](stream)
        if not dtype.hasobject and math.prod(shape) * dtype.itemsize > size:
            raise ValueError(f"its header promises {math.prod(shape) * dtype.itemsize} bytes, it has {size}")
    stream.seek(0)


def _read_npz(file: Path, key: str | None) -> Columns:
    """Read the arrays of an archive."""
    if not zipfile.is_zipfile(file):
        raise zipfile.BadZipFile("not a zip archive")
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        names = archive.files if key is None else [key]
        if key is not None and key not in archive.files:
            raise DataError(
                f"{file}: expected one of the keys {', '.join(archive.files)}, received {key!r}; choose one of these."
            )
        found = {name: archive[name] for name in names}
    strange = next((name for name, array in found.items() if not isinstance(array, np.ndarray)), None)
    if strange is not None:
        raise DataError(f"{file}: expected arrays, received {strange!r}, which is none; name one by its key.")
    return found


def _read_hdf5(file: Path, key: str | None) -> Columns:
    """Read the data sets of a file or of one group, named by their path."""
    h5py = import_extra("h5py")
    with h5py.File(file, "r") as root:
        if key is not None and key not in root:
            raise DataError(
                f"{file}: expected one of the keys {', '.join(root)}, received {key!r}; choose one of these."
            )
        if key is not None:
            require_inside(h5py, root, key, file)
        node = root if key is None else root[key]
        if isinstance(node, h5py.Dataset):
            return _hdf5_columns(h5py, str(key).rsplit("/", 1)[-1], node)
        columns: Columns = {}

        def collect(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                columns.update(_hdf5_columns(h5py, name, item))

        node.visititems(collect)
        return columns


def require_inside(h5py: Any, root: Any, key: str, file: Path) -> None:
    """Refuse a path that leads into another HDF5 file."""
    path = ""
    for part in filter(None, key.split("/")):
        path = f"{path}/{part}"
        link = root.get(path, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise DataError(
                f"{file}: expected data inside the file, received {path!r}, a link to {link.filename!r}; read that file"
            )


def require_stored(item: Any, name: str) -> None:
    """Refuse a data set whose numbers stand elsewhere, or nowhere: HDF5 reads zeros in place of what is missing."""
    file = Path(item.file.filename)
    if item.external:
        raise DataError(f"{file}: expected data inside the file, received {name!r}, raw bytes of another file; copy it")
    sources = {source.file_name for source in item.virtual_sources()} if item.is_virtual else set()
    missing = sorted(source for source in sources if source != "." and not _source_exists(file.parent, source))
    if missing:
        raise DataError(
            f"{file}: expected the file {missing[0]!r} that holds a part of {name!r}, received none, in place of which "
            "zeros would be read; put it back beside this file"
        )


def _source_exists(folder: Path, source: str) -> bool:
    """Whether the source of a virtual data set is there; ``%b`` in its name stands for the number of a block."""
    path = Path(source)
    if "%b" not in source:
        return (folder / path).is_file()
    return any((folder / path).parent.glob(path.name.replace("%b", "*")))


def _hdf5_columns(h5py: Any, name: str, item: Any) -> Columns:
    """One array, or one for each field of a compound data set."""
    require_stored(item, name)
    if item.shape is None:
        return {name: np.empty(0)}
    if h5py.check_string_dtype(item.dtype) is not None:
        return {name: np.asarray(item.asstr()[()], dtype=object)}
    array = np.asarray(item[()])
    if array.dtype.names:
        return {f"{name}/{field}": array[field] for field in array.dtype.names}
    return {name: array}


def _read_parquet(file: Path, key: str | None) -> Columns:
    """Read the columns of a Parquet file; lists of equal length become arrays of two axes."""
    import_extra("pyarrow")
    import pyarrow.parquet

    table = pyarrow.parquet.ParquetFile(file).read()
    require_unique(table.column_names, file)
    return {name: join_cells(table[name].to_numpy(), name, file) for name in table.column_names}


def join_cells(column: np.ndarray, name: str, file: Path, first: int = 1) -> np.ndarray:
    """Join cells that are arrays; any other column stays as it is. ``first`` is the data row of the first cell."""
    if column.dtype != object or not any(isinstance(cell, np.ndarray) for cell in column):
        return column
    lengths = [np.size(cell) if isinstance(cell, np.ndarray) else 0 for cell in column]
    odd = next((row for row, length in enumerate(lengths) if length != lengths[0]), None)
    if odd is not None:
        raise DataError(
            f"{file}: expected lists of one length in {name!r}, received {lengths[odd]} values in data row "
            f"{odd + first} and {lengths[0]} in data row {first}; pad or drop that row."
        )
    return np.stack(list(column))


def import_extra(module: str) -> Any:
    """Import a package of the extra `files`, or name the extra."""
    try:
        return __import__(module)
    except ImportError as error:
        raise MissingExtraError(
            f"Expected the package {module}, which is not installed; run pip install 'isotropy[files]'."
        ) from error


READERS: dict[str, Callable[[Path, str | None], Columns]] = {
    ".csv": _read_text(","),
    ".tsv": _read_text("\t"),
    ".csv.gz": _read_text(","),
    ".tsv.gz": _read_text("\t"),
    ".parquet": _read_parquet,
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".h5": _read_hdf5,
    ".hdf5": _read_hdf5,
}
KEYED = (".npz", ".h5", ".hdf5")
