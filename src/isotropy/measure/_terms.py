"""Squared sizes of the terms of a Lie derivative, generator by generator."""

from __future__ import annotations

import torch
from torch import Tensor

from ..action._action import Action, Algebra
from ..core._linalg import orthonormal_rows
from ..errors import DataError


def frames(algebra: Algebra) -> Tensor:
    """Combinations `(2 * dim, dim)`: each generator at unit norm, then an orthonormal basis.

    Raises
    ------
    DataError
        If the algebra has no generator.
    """
    if not algebra.dim:
        raise DataError("rho_in: expected an algebra with generators, received one of dimension 0; nothing moves")
    rows = algebra.basis.flatten(1)
    units = torch.diag(1 / rows.norm(dim=1))
    orthonormal = orthonormal_rows(rows) @ torch.linalg.pinv(rows)
    return torch.cat([units, orthonormal])


def term_squares(fields: Tensor, slope: Tensor, moved: Tensor, turned: Tensor, frame: Tensor) -> Tensor:
    """Squares `(3, batch, dim + 1)` of ``L_xi f``, of ``|Df| |xi_in|`` and of ``xi_out f``, float64.

    Parameters
    ----------
    fields : Tensor
        `(batch, dim, size)` velocities of the inputs.
    slope : Tensor
        `(batch,)` sizes ``|Df|_F``.
    moved, turned : Tensor
        `(batch, dim, out)` the two terms of the Lie derivative.
    frame : Tensor
        `(2 * dim, dim)` from ``frames``.
    """
    first, second = _sizes(moved, frame), _sizes(turned, frame)
    # An estimate of |Df| may fall short, but never below what one direction has shown.
    reach = torch.maximum(slope.to("cpu", torch.float64)[:, None].square() * _sizes(fields, frame), first)
    return torch.stack([_together(part) for part in (_sizes(moved - turned, frame), reach, second)])


def generator_names(action: Action) -> list[str]:
    """Readable form of each generator."""
    return [action.describe(unit) for unit in torch.eye(action.algebra.dim, dtype=torch.float64)]


def _sizes(vectors: Tensor, frame: Tensor) -> Tensor:
    """Squared lengths `(batch, 2 * dim)` of combinations of vectors `(batch, dim, n)`."""
    return (frame @ vectors.to("cpu", torch.float64)).square().sum(2)


def _together(squares: Tensor) -> Tensor:
    """Columns of the unit generators, then the sum over the orthonormal ones."""
    units, orthonormal = squares.chunk(2, dim=1)
    return torch.cat([units, orthonormal.sum(1, keepdim=True)], dim=1)
