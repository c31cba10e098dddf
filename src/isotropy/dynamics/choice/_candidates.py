"""Symmetries worth trying where nothing is known: turns, scalings and shifts of the coordinates."""

from __future__ import annotations

from itertools import product
from math import gcd

import torch

from ...action._spanned import coordinate_names
from ...algebra._catalogue import diagonal, so
from ...algebra._lie_algebra import LieAlgebra
from ..constraint._equivariant_fields import SymmetryLike, VectorFields

_WEIGHTS = {2: (-1, 0, 1, 2), 3: (0, 1, 2)}  # of a coordinate under scalings, by the number of coordinates


def symmetry_candidates(size: int, coordinates: list[str] | None = None) -> dict[str, SymmetryLike]:
    """Common symmetries of ``size`` coordinates by name.

    Rotations, also of pairs and triples of coordinates alike; scalings with small integer weights, up to three
    coordinates, or of all coordinates alike; shifts along each coordinate.

    Examples
    --------
    >>> list(symmetry_candidates(2))[:4]
    ['so(2)', 'scaling x:0 y:1', 'scaling x:1 y:-1', 'scaling x:1 y:0']
    """
    names = coordinates or coordinate_names(size)
    return {**_rotations(size), **_scalings(size, names), **_shifts(size, names)}


def _rotations(size: int) -> dict[str, SymmetryLike]:
    found: dict[str, SymmetryLike] = {f"so({size})": so(size).vector()} if size > 1 else {}
    for n in (2, 3):
        if size > n and size % n == 0:
            found[f"so({n}) on {size // n} vectors"] = (size // n) * so(n).vector()
    return found


def _scalings(size: int, names: list[str]) -> dict[str, SymmetryLike]:
    if size not in _WEIGHTS:
        return {"scaling": _scaling([1] * size)}
    tables = product(_WEIGHTS[size], repeat=size)
    kept = [w for w in tables if gcd(*w) == 1 and next(a for a in w if a) > 0]
    return {"scaling " + " ".join(f"{n}:{a}" for n, a in zip(names, w, strict=True)): _scaling(list(w)) for w in kept}


def _scaling(weights: list[int]) -> LieAlgebra:
    matrix = torch.diag(torch.tensor(weights, dtype=torch.float64))
    return diagonal(len(weights)).span((matrix.diagonal())[None])


def _shifts(size: int, names: list[str]) -> dict[str, SymmetryLike]:
    units = torch.eye(size, dtype=torch.float64)
    return {
        f"shift along {name}": VectorFields(size, lambda x, unit=unit: unit.to(x).expand_as(x))
        for name, unit in zip(names, units, strict=True)
    }
