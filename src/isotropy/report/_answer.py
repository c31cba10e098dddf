"""What a discovery says, checked once so that the page can rely on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import DataError

FORMAT = 1
STATUSES = ("certified", "undecided", "none")
_NEEDED = ("status", "dimension", "candidates", "basis", "vector_fields", "spectrum", "cut", "certificates")
_SHIFTING = re.compile(r"aff|se\(|translation|galilei")


def check_answer(answer: Mapping[str, Any]) -> None:
    """Raise DataError unless an answer follows ``symmetry.json``, format 1, as far as the page reads it."""
    missing = [key for key in _NEEDED if key not in answer]
    if missing:
        raise DataError(f"expected an answer with {', '.join(missing)}, got none; pass the whole symmetry.json")
    if answer.get("format", FORMAT) != FORMAT:
        raise DataError(f"expected format {FORMAT}, got {answer['format']!r}; write it again with this version")
    if answer["status"] not in STATUSES:
        raise DataError(f"expected a status among {', '.join(STATUSES)}, got {answer['status']!r}; correct it")
    _check_basis(answer)
    if not 0 <= answer["cut"] <= len(answer["spectrum"]):
        count = len(answer["spectrum"])
        raise DataError(f"expected a cut between 0 and {count} values, got {answer['cut']}; correct it")


def _check_basis(answer: Mapping[str, Any]) -> None:
    """Raise DataError unless there is one square, finite matrix and one vector field per dimension."""
    basis, count = np.asarray(answer["basis"], dtype=np.float64), answer["dimension"]
    square = basis.ndim == 3 and basis.shape[1] == basis.shape[2] and bool(np.isfinite(basis).all())
    if len(basis) != count or (count and not square):
        raise DataError(f"expected {count} finite square matrices, got shape {basis.shape}; correct basis")
    if len(answer["vector_fields"]) != count:
        received = len(answer["vector_fields"])
        raise DataError(f"expected {count} vector_fields, got {received}; write one per matrix")


def coordinates(answer: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Return the names of the coordinates, and whether the matrices act on ``(x, 1)``.

    The optional key ``coordinates`` decides both. Without it the candidates' name tells of shifts, and the
    names are x, y, z up to three coordinates, then x1, x2, ...
    """
    size = np.asarray(answer["basis"]).shape[-1]
    given = answer.get("coordinates")
    if given is not None:
        if len(given) not in (size, size - 1):
            raise DataError(f"expected {size} or {size - 1} coordinates, got {len(given)}; name each once")
        return [str(name) for name in given], len(given) == size - 1
    affine = _SHIFTING.search(str(answer["candidates"])) is not None
    size -= affine
    return (list("xyz"[:size]) if size <= 3 else [f"x{place + 1}" for place in range(size)]), affine
