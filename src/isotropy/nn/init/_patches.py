"""The rows that a layer multiplies with its weight."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...errors import DataError

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
Weighted = nn.Linear | Convolution
WEIGHTED = (nn.Linear, *CONVOLUTIONS)


def layer_rows(layer: Weighted, x: Tensor) -> Tensor:
    """Rows `(groups, batch, positions, size)` such that the layer is ``rows @ weight.T + bias`` for each group.

    For a convolution these are its patches, with its padding, stride and dilation; for a linear layer the last axis
    of the input, with what lies between batch and last axis as positions.

    Raises
    ------
    DataError
        If the input has no batch axis.
    """
    if isinstance(layer, nn.Linear):
        if x.ndim < 2:
            raise DataError(f"x: expected shape (batch, ..., n), received {tuple(x.shape)}; add a batch axis")
        return x.reshape(1, len(x), -1, x.shape[-1])
    return _patches(layer, x)


def group_count(layer: Weighted) -> int:
    """Parts of the layer with filters and inputs of their own."""
    return 1 if isinstance(layer, nn.Linear) else layer.groups


def _patches(layer: Convolution, x: Tensor) -> Tensor:
    """Patches of a convolution, flattened as its weight is."""
    axes = len(layer.kernel_size)
    if x.ndim != axes + 2:
        raise DataError(f"x: expected (batch, channels, {axes} axes), received {tuple(x.shape)}; add a batch axis")
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    # The layer's own record of its padding also resolves the words "same" and "valid".
    patches = nn.functional.pad(x, layer._reversed_padding_repeated_twice, mode=mode)
    for axis in range(axes):
        step, reach = layer.dilation[axis], layer.dilation[axis] * (layer.kernel_size[axis] - 1) + 1
        patches = patches.unfold(axis + 2, reach, layer.stride[axis])[..., ::step]
    grouped = patches.unflatten(1, (layer.groups, -1))  # batch, groups, channels, positions.., kernel..
    positions, kernel = [*range(3, axes + 3)], [*range(axes + 3, 2 * axes + 3)]
    rows = grouped.permute(1, 0, *positions, 2, *kernel)
    return rows.flatten(2 + axes).flatten(2, 1 + axes)


def thinned(rows: Tensor, limit: int | None, generator: torch.Generator) -> Tensor:
    """At most ``limit`` of the positions of each sample, drawn anew for each batch."""
    if limit is None or rows.shape[2] <= limit:
        return rows
    places = torch.randperm(rows.shape[2], generator=generator)[:limit]
    return rows[:, :, places.to(rows.device)]
