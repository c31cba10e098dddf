"""Linear operators on space times small matrices on channels: ``y = sum_k W_k (L_k x)``.

L-conv, propagation on graphs and convolutions are all of this form. The operators ``L_k`` act along one axis of a
tensor and leave every other axis alone; the matrices ``W_k`` mix the channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional

from ...errors import DataError, RepresentationMismatchError


def propagate_dense(matrices: Tensor, x: Tensor, axis: int = -1) -> Tensor:
    """``L_k x`` along one axis for operators `(K, out, in)`: `(K, *x.shape)` with ``out`` in place of ``in``.

    Examples
    --------
    >>> shift = torch.eye(3).roll(1, dims=0)
    >>> propagate_dense(shift[None], torch.tensor([[1.0, 2.0, 3.0]])).tolist()
    [[[3.0, 1.0, 2.0]]]
    """
    _require_size(matrices.shape[2], x, axis)
    place = axis if axis < 0 else axis - x.ndim
    every = functional.linear(x.movedim(place, -1), matrices.flatten(0, 1))
    return every.unflatten(-1, matrices.shape[:2]).movedim(-2, 0).movedim(-1, place)


def propagate_low_rank(left: Tensor, right: Tensor, x: Tensor, axis: int = -1) -> Tensor:
    """``U_k (V_k x)`` along one axis, with ``U`` `(K, out, r)` and ``V`` `(K, r, in)`, without the product of both."""
    _require_size(right.shape[2], x, axis)
    place = axis if axis < 0 else axis - x.ndim
    inner = propagate_dense(right, x, place).movedim(place, -1)
    spread = torch.matmul(inner.flatten(1, -2), left.transpose(1, 2))
    return spread.unflatten(1, inner.shape[1:-1]).movedim(-1, place)


def propagate_sparse(
    rows: Tensor, columns: Tensor, values: Tensor, x: Tensor, size: int | None = None, axis: int = -1
) -> Tensor:
    """``sum_e v_ke x[columns_e]`` added up in ``rows_e`` along one axis, for operators that share their places.

    Parameters
    ----------
    rows, columns : Tensor
        `(E,)` int64 places of the entries; equal places add up. For a graph they are its edges, target and source.
    values : Tensor
        `(K, E)` entries of each operator.
    x : Tensor
        Any shape.
    size : int, optional
        Points of the output; those of ``x`` if left out.
    axis : int
        Where the points are.

    Returns
    -------
    Tensor
        `(K, *x.shape)` with ``size`` points.

    Examples
    --------
    >>> edges = torch.tensor([[0, 1], [1, 0]])  # one edge both ways, and a point that stands alone
    >>> propagate_sparse(*edges, torch.ones(1, 2), torch.tensor([[1.0], [5.0], [7.0]]), axis=0).flatten().tolist()
    [5.0, 1.0, 0.0]
    """
    place = axis if axis < 0 else axis - x.ndim
    weights = values.reshape(len(values), *[1] * (x.ndim + place), len(columns), *[1] * (-place - 1))
    carried = x.index_select(place, columns) * weights
    shape = list(carried.shape)
    shape[place] = x.shape[place] if size is None else size
    return carried.new_zeros(shape).index_add(carried.ndim + place, rows, carried)


def mix_channels(moved: Tensor, weight: Tensor, axis: int = -2) -> Tensor:
    """``sum_k W_k x_k`` for ``x`` `(K, ..., channels_in, ...)` and ``W`` `(K, channels_out, channels_in)`.

    ``axis`` says where the channels are.
    """
    place = axis if axis < 0 else axis - moved.ndim
    stacked = moved.movedim(place, -1).movedim(0, -2).flatten(-2)
    return functional.linear(stacked, weight.transpose(0, 1).flatten(1)).movedim(-1, place)


def grid_neighbours(
    shape: Sequence[int], offsets: Sequence[Sequence[int]] | int = 1, *, circular: bool = False
) -> tuple[Tensor, Tensor]:
    """Places ``(rows, columns)`` of the entries that join each point of a grid to its neighbours.

    Parameters
    ----------
    shape : sequence of int
        Of the grid; points are numbered row by row.
    offsets : sequence of sequence of int, or int
        Steps to the neighbours, such as ``[(0, 0), (0, 1)]``; a number takes every step up to it, zero included.
    circular : bool
        Whether the grid is closed; on an open grid, neighbours outside are left out.

    Raises
    ------
    DataError
        If a step does not have one number for each axis.

    Examples
    --------
    >>> rows, columns = grid_neighbours((3,), [(1,)])
    >>> rows.tolist(), columns.tolist()
    ([0, 1], [1, 2])
    """
    if isinstance(offsets, int):
        offsets = list(product(range(-offsets, offsets + 1), repeat=len(shape)))
    steps = [tuple(step) for step in offsets]
    if any(len(step) != len(shape) for step in steps):
        raise DataError(f"offsets: expected steps of {len(shape)} numbers, received {steps}; one per axis of the grid")
    sizes = torch.tensor(list(shape))
    points = torch.cartesian_prod(*[torch.arange(size) for size in shape]).reshape(-1, len(shape))
    there = points[:, None] + torch.tensor(steps)[None]
    inside = torch.ones(there.shape[:2], dtype=torch.bool) if circular else ((there >= 0) & (there < sizes)).all(2)
    strides = torch.tensor([int(torch.Size(shape[axis + 1 :]).numel()) for axis in range(len(shape))])
    columns = ((there % sizes) * strides).sum(2)
    rows = torch.arange(len(points))[:, None].expand_as(columns)
    return rows[inside], columns[inside]


def _require_size(size: int, x: Tensor, axis: int) -> None:
    if x.shape[axis] != size:
        raise RepresentationMismatchError(
            f"x: expected {size} points along axis {axis}, received shape {tuple(x.shape)}; use operators of that size"
        )
