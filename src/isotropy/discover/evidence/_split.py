"""Which directions of a kernel move the data along themselves, and which move them off their set."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...action._action import Action
from ...core._linalg import EPSILON, StreamedQR
from ...symmetry import bars


@dataclass(frozen=True)
class Split:
    """Kernel directions `(k, dim)`: tangent to the set of the data, and transversal to it."""

    tangent: Tensor
    transversal: Tensor


def split_kernel(action: Action, null: Tensor, points: Tensor, normals: Tensor | None = None) -> Split:
    """Split directions `(k, dim)` by the part of each motion that is normal to the data.

    Parameters
    ----------
    points : Tensor
        `(batch, *event)`.
    normals : Tensor, optional
        `(n, n)` or `(batch, n, n)` projectors onto the normal spaces; if left out, the complement of the affine
        span of the points.
    """
    if not len(null):
        return Split(null, null)
    unit = _units(points) if normals is None else points.new_ones(action.size, dtype=torch.float64)
    projector = affine_normal(points / unit.to(points).reshape(points.shape[1:])) if normals is None else normals
    if not bool(projector.any()):
        return Split(null, null[:0])
    fields = action.fields(points).flatten(2).to(torch.float64) / unit
    moved = torch.einsum("jk,bkn->bjn", null, fields)  # (batch, k, n)
    off = torch.einsum("...nm,...jm->...jn", projector, moved)
    return _divide(null, _factor(moved), _factor(off))


def _units(points: Tensor) -> Tensor:
    """Spreads `(n,)` of the columns, so that no unit makes one look empty; of what does not vary, the largest of all.

    A column varies if it does by more than the rounding of its numbers.
    """
    flat = points.to(torch.float64).flatten(1)
    spread, size = (flat - flat.mean(0)).square().mean(0).sqrt(), flat.square().mean(0).sqrt()
    rounding = bars.EMPTY_ROUNDINGS * torch.finfo(points.dtype).eps * size
    largest = spread.amax() if bool(spread.any()) else spread.new_ones(())
    return torch.where(spread > rounding, spread, largest)


def affine_normal(points: Tensor) -> Tensor:
    """Projector `(n, n)` onto the complement of the affine span of points `(batch, *event)`."""
    flat = points.to(torch.float64).flatten(1)
    size = flat.shape[1]
    if len(flat) <= size:  # too few points to say that they leave a direction out
        return torch.zeros(size, size, dtype=torch.float64)
    _, values, axes = torch.linalg.svd(flat - flat.mean(0), full_matrices=False)
    resolution = bars.EMPTY_ROUNDINGS * torch.finfo(points.dtype).eps * len(flat) ** 0.5
    empty = axes[values <= resolution * values[0]]
    return empty.T @ empty


def _factor(rows: Tensor) -> Tensor:
    return StreamedQR(rows.shape[1]).update(rows.transpose(1, 2).reshape(-1, rows.shape[1])).R


def _divide(null: Tensor, moved: Tensor, off: Tensor) -> Split:
    """Generalised singular values of the normal motion against all motion."""
    _, sizes, axes = torch.linalg.svd(moved, full_matrices=True)
    moving = torch.zeros(len(null), dtype=torch.bool)
    moving[: len(sizes)] = sizes > EPSILON * len(null) * sizes.amax()
    whitened = axes[moving] / sizes[moving[: len(sizes)], None]
    _, values, rotation = torch.linalg.svd(off @ whitened.T, full_matrices=True)
    padded = torch.zeros(len(whitened), dtype=torch.float64)
    padded[: len(values)] = values
    directions, tangent = rotation @ whitened @ null, padded <= bars.MOST_TRANSVERSAL
    still = axes[~moving] @ null  # these few points do not move along them, so nothing leads off
    return Split(torch.cat([directions[tangent], still]), directions[~tangent])
