"""What a discovery says, checked once so that the page can rely on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import DataError

FORMATS = (1, 2)
STATUSES = ("certified", "undecided", "none")
_NEEDED = ("status", "dimension", "candidates", "basis", "vector_fields", "spectrum", "cut", "certificates")
_SHIFTING = re.compile(r"aff|se\(|similarity|translation|galilei")


def check_answer(answer: Mapping[str, Any]) -> None:
    """Raise DataError unless an answer follows ``symmetry.json`` as far as the page reads it."""
    missing = [key for key in _NEEDED if key not in answer]
    if missing:
        raise DataError(f"expected an answer with {', '.join(missing)}, got none; pass the whole symmetry.json")
    if answer.get("format", FORMATS[-1]) not in FORMATS:
        known = " or ".join(map(str, FORMATS))
        raise DataError(f"expected format {known}, got {answer['format']!r}; write it again with this version")
    if answer["status"] not in STATUSES:
        raise DataError(f"expected a status among {', '.join(STATUSES)}, got {answer['status']!r}; correct it")
    _check_basis(answer)
    if not 0 <= answer["cut"] <= len(answer["spectrum"]):
        count = len(answer["spectrum"])
        raise DataError(f"expected a cut between 0 and {count} values, got {answer['cut']}; correct it")


def _check_basis(answer: Mapping[str, Any]) -> None:
    """Raise DataError unless there are one finite matrix, square but for polynomials, and one field per dimension."""
    basis, count = np.asarray(answer["basis"], dtype=np.float64), answer["dimension"]
    whole = basis.ndim == 3 and bool(np.isfinite(basis).all())
    fits = whole and (basis.shape[1] == basis.shape[2] or answer.get("polynomials") is not None)
    if len(basis) != count or (count and not fits):
        raise DataError(f"expected {count} finite square matrices, got shape {basis.shape}; correct basis")
    if len(answer["vector_fields"]) != count:
        received = len(answer["vector_fields"])
        raise DataError(f"expected {count} vector_fields, got {received}; write one per matrix")


def coordinates(answer: Mapping[str, Any]) -> tuple[list[str], bool] | None:
    """Return the names of the coordinates of a matrix, and whether it acts on ``(x, 1)``; None if it cannot be drawn.

    Where the same matrix moves several groups of coordinates alike, the names are those of the first group, and
    matrices that move pictures act on the plane. Coefficients of polynomial fields are no matrix of a linear motion,
    and beside shifts the pace of time has no place in the picture. Without the optional key ``coordinates`` the names
    are x, y, z up to three coordinates, then x1, x2, ...
    """
    if answer.get("polynomials") is not None:
        return None
    size, candidates = np.asarray(answer["basis"]).shape[-1], str(answer["candidates"])
    sums = len(answer.get("blocks") or [size]) > 1  # of a linear part and the pace of time, for one
    shifting = _SHIFTING.search(candidates) is not None and not sums
    if answer.get("coordinates") is None or candidates.startswith("image"):
        return _default_names(size - shifting), shifting
    names = [str(name) for name in answer["coordinates"]]
    if len(names) == size - 1:
        return ([*names, "time"], False) if sums else (names, True)
    if sums and len(names) < size:
        return None
    group = size if len(names) == size else size - shifting
    if not names or len(names) % group:
        raise DataError(f"expected {size} or {size - 1} coordinates, got {len(names)}; name each once")
    return names[:group], group < size


def _default_names(size: int) -> list[str]:
    return list("xyz"[:size]) if size <= 3 else [f"x{place + 1}" for place in range(size)]
