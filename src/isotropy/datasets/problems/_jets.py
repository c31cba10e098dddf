"""Jets in the layout of the public top-tagging reference set (zenodo 2603256)."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from isotropy.datasets.files._samples import Samples
from isotropy.datasets.problems._problem import Expected, Problem
from isotropy.errors import DataError, MissingExtraError

MOST = 200  # constituents that the layout has room for


def top_tagging(path: str | Path, constituents: int = 2, limit: int | None = None, start: int = 0) -> Problem:
    """Read jets and whether each is a top quark's.

    The file is HDF5 with a pandas table of columns ``E_0, PX_0, PY_0, PZ_0, E_1, ...`` of 200 constituents in falling
    transverse momentum, the true momentum, ``ttv`` and ``is_signal_new``; or with plain arrays ``constituents``
    `(jets, k, 4)` and ``labels`` `(jets,)`. Only the rows asked for are read.

    Parameters
    ----------
    path : str or Path
        The file.
    constituents : int
        Leading constituents that are kept; missing ones are zero.
    limit, start : int
        Jets that are read, from ``start`` on; all if left out.

    Raises
    ------
    DataError
        If the file is missing or has neither layout, or has fewer constituents or jets.
    MissingExtraError
        Without h5py.
    """
    file = Path(path)
    if not file.is_file():
        raise DataError(f"path: expected an HDF5 file of jets, received {str(file)!r}; check the name")
    if not 1 <= constituents <= MOST:
        raise DataError(f"constituents: expected 1 to {MOST}, received {constituents}; choose fewer")
    momenta, labels = _read(file, slice(start, None if limit is None else start + limit), constituents)
    if not len(momenta):
        raise DataError(f"{file.name}: expected jets from {start} on, received none; start earlier")
    x = torch.from_numpy(np.ascontiguousarray(momenta, dtype=np.float64)).reshape(len(momenta), -1)
    y = torch.from_numpy(np.ascontiguousarray(labels, dtype=np.float64))[:, None]
    names = tuple(f"{kind}{i}" for i in range(constituents) for kind in ("E", "px", "py", "pz"))
    answer = Expected("Lorentz transformations of all momenta, so(1, 3), roughly", 6, "gl(4)")
    data = Samples(x, y, names, ("top",))
    return Problem("top tagging", "jets of top quarks and of light ones", "supervised", data, answer)


def _read(file: Path, rows: slice, constituents: int) -> tuple[np.ndarray, np.ndarray]:
    """Momenta `(jets, constituents, 4)` and labels `(jets,)`."""
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("top_tagging: expected h5py, found none; run pip install 'isotropy[files]'") from error
    try:
        with h5py.File(file, "r") as stream:
            return _arrays(stream, rows, constituents, file.name)
    except OSError as error:
        raise DataError(f"{file.name}: expected an HDF5 file, received something else ({error})") from error


def _arrays(stream: Any, rows: slice, constituents: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Either layout, with the rows asked for and no others read."""
    if "constituents" in stream and "labels" in stream:
        momenta, labels = stream["constituents"], stream["labels"]
        if momenta.ndim != 3 or momenta.shape[2] != 4 or momenta.shape[1] < constituents:
            raise DataError(
                f"{name}: expected momenta of shape (jets, at least {constituents}, 4), received {momenta.shape}; "
                "ask for fewer constituents"
            )
        return momenta[rows, :constituents], labels[rows]
    fields = getattr(stream.get("table/table"), "dtype", np.dtype([])).fields or {}
    if not _is_reference(fields):
        raise DataError(
            f"{name}: expected the top-tagging reference layout, or arrays constituents and labels, received "
            f"{sorted(stream)[:6]}; convert the file"
        )
    table = stream["table/table"][rows]
    momenta = table["values_block_0"][:, : 4 * constituents].reshape(-1, constituents, 4)
    return momenta, table["values_block_1"][:, -1]


def _is_reference(fields: Any) -> bool:
    """Whether a pandas table has 200 momenta and the true one in one block, and the label last in the other."""
    shapes = [fields[f"values_block_{i}"][0].shape if f"values_block_{i}" in fields else () for i in (0, 1)]
    return shapes[0] == (4 * MOST + 4,) and len(shapes[1]) == 1
