"""Flat directions at a minimum: how many, and which of them no known symmetry explains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...core._linalg import numerical_rank, orthonormal_rows
from ...errors import DataError
from .. import bars
from ..find._parameter_symmetry import ParameterSymmetry
from ..moves._vectors import Parameters, flatten, unflatten

Function = Callable[[dict[str, Tensor]], Tensor]
_MOST_ENTRIES = 2**25


@dataclass(frozen=True)
class FlatDirections:
    """Flat directions of a function of parameters at one point.

    Attributes
    ----------
    size : int
        Number of parameters.
    nullity : int
        Dimension of the flat directions: of the level set, where the point is generic.
    orbit : int
        Dimension of the orbit of the symmetry through the point.
    unexplained : Tensor
        `(k, size)` orthonormal flat directions that are orthogonal to the orbit.
    leak : float
        Size of the part of orbit directions that is not flat, in [0, 1]; zero at minima.
    spectrum : Tensor
        Descending singular values of the Hessian or of the Jacobian.
    """

    size: int
    nullity: int
    orbit: int
    unexplained: Tensor
    leak: float
    spectrum: Tensor


def flat_directions(
    function: Function, parameters: Parameters, symmetry: ParameterSymmetry, *, tolerance: float = bars.FLAT
) -> FlatDirections:
    """Count the flat directions of a function and compare them with the orbit of a symmetry.

    Parameters
    ----------
    function : callable
        Takes named parameters to a scalar loss at a minimum, whose Hessian is then used, or to the outputs on the
        data, whose Jacobian is used at any point: its kernel is flat for every loss.
    parameters : mapping
        The point.
    symmetry : ParameterSymmetry
        What is known.
    tolerance : float
        Relative to the largest singular value; smaller ones are zero.

    Raises
    ------
    DataError
        If the matrices would be too large, or the function is not finite at the point.

    References
    ----------
    zhao2023conserved
    """
    point = {name: value.detach().to(torch.float64) for name, value in parameters.items()}
    matrix = _second_order(function, point)
    _, values, axes = torch.linalg.svd(matrix)
    rank = int((values > tolerance * values.amax().clamp_min(torch.finfo(values.dtype).tiny)).sum())
    flat, orbit = axes[rank:], orbit_directions(symmetry, point)
    along = orthonormal_rows(_spanning(orbit)) if len(orbit) else orbit
    leak = float((along - along @ flat.T @ flat).norm() / max(len(along), 1) ** 0.5) if len(along) else 0.0
    return FlatDirections(matrix.shape[1], len(flat), len(along), _outside(flat, along), leak, values)


def orbit_directions(symmetry: ParameterSymmetry, parameters: Parameters) -> Tensor:
    """Velocities `(dim, n)` of all parameters, flat, under each generator of a symmetry."""
    size = sum(value.numel() for value in parameters.values())
    _require_small(symmetry.dim * size, "generators times parameters")
    still = {name: torch.zeros_like(value) for name, value in parameters.items()}
    units = torch.eye(symmetry.dim, dtype=torch.float64)
    rows = [flatten({**still, **symmetry.velocity(unit, parameters)}) for unit in units]
    return torch.stack(rows) if rows else torch.zeros(0, size, dtype=torch.float64)


def _second_order(function: Function, point: dict[str, Tensor]) -> Tensor:
    """Hessian `(n, n)` of a scalar, or Jacobian `(outputs, n)`."""
    start = flatten(point)
    value = function(point)
    if not bool(torch.isfinite(value).all()):
        raise DataError("function: expected finite values at the point, received NaN or infinity; choose another point")
    _require_small(len(start) * (len(start) if value.ndim == 0 else value.numel()), "entries of the matrix")

    def flat(vector: Tensor) -> Tensor:
        return function(unflatten(vector, point))

    if value.ndim == 0:
        return torch.func.hessian(flat)(start).detach()
    return torch.func.jacrev(flat)(start).detach().reshape(-1, len(start))


def _require_small(entries: int, what: str) -> None:
    if entries > _MOST_ENTRIES:
        raise DataError(
            f"expected at most {_MOST_ENTRIES} {what}, received {entries}; count on a smaller "
            "network or on fewer samples"
        )


def _spanning(rows: Tensor) -> Tensor:
    """Orthonormal rows that span the rows."""
    rank = numerical_rank(rows)
    return torch.linalg.svd(rows, full_matrices=False).Vh[:rank]


def _outside(flat: Tensor, along: Tensor) -> Tensor:
    """Flat directions orthogonal to the orbit."""
    rest = flat - flat @ along.T @ along
    _, values, axes = torch.linalg.svd(rest, full_matrices=False)
    return axes[values > 0.5]  # cosines: one for what is outside, zero for the orbit
