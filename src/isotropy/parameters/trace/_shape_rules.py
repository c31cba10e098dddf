"""Rules for shapes, parts of axes, reductions and pooling."""

from __future__ import annotations

from typing import Any

import torch

from ._gauges import Index, product, regroup
from ._inference import Axis, Inference, Typed, shape_of
from ._pointwise_rules import rule
from ._trace import Node, Operation


@rule("view reshape flatten unflatten squeeze unsqueeze view_as reshape_as")
def reshape(state: Inference, operation: Operation) -> None:
    """Row-major regrouping of indices."""
    source = state.type_of(operation.inputs[0])
    axes = regroup([index for axis in source.axes for index in axis], shape_of(operation.outputs[0]))
    if axes is None:
        state.opaque(operation, "the new shape cuts across channels")
        return
    state.types[operation.outputs[0]] = Typed(axes, source.gauges())


@rule("transpose permute T mT swapaxes swapdims movedim t")
def transpose(state: Inference, operation: Operation) -> None:
    """Axes change places."""
    source, node = state.type_of(operation.inputs[0]), operation.outputs[0]
    order = _order(operation)
    by_axis = None if source.by_axis is None else [source.by_axis[axis] for axis in order]
    state.types[node] = Typed([source.axes[axis] for axis in order], source.label, by_axis)


def _order(operation: Operation) -> list[int]:
    """Where each axis of the result comes from, read off a tensor whose strides tell axes apart."""
    rank = operation.inputs[0].value.ndim
    probe = torch.empty(list(range(2, 2 + rank)), device="meta")
    moved = operation.call(probe, *operation.args[1:], **operation.kwargs)
    return [size - 2 for size in moved.shape]


@rule("expand expand_as broadcast_to")
def expand(state: Inference, operation: Operation) -> None:
    """New axes and axes of extent one are repeated."""
    source, node = state.type_of(operation.inputs[0]), operation.outputs[0]
    shape = shape_of(node)
    missing = len(shape) - len(source.axes)
    axes: list[Axis] = [[Index(size)] if size > 1 else [] for size in shape[:missing]]
    for axis, size in zip(source.axes, shape[missing:], strict=True):
        axes.append(axis if axis or size == 1 else [Index(size)])
    state.types[node] = Typed(axes, source.gauges())


@rule("repeat_interleave")
def repeat(state: Inference, operation: Operation) -> None:
    """Every entry of an axis is repeated the same number of times."""
    times = operation.kwargs.get("repeats", operation.args[1] if len(operation.args) > 1 else None)
    axis = operation.kwargs.get("dim", operation.args[2] if len(operation.args) > 2 else None)
    if not isinstance(times, int) or axis is None:
        state.opaque(operation, "entries are repeated unevenly")
        return
    source = state.type_of(operation.inputs[0])
    axes = list(source.axes)
    axes[axis] = [*axes[axis], *([Index(times)] if times > 1 else [])]
    state.types[operation.outputs[0]] = Typed(axes, source.gauges())


@rule("getitem select slice narrow chunk split unbind tensor_split")
def take(state: Inference, operation: Operation) -> None:
    """Parts of axes along which nothing moves; elsewhere gauges must be level."""
    source = state.type_of(operation.inputs[0])
    if len(operation.inputs) > 1:
        state.opaque(operation, "entries are chosen by a tensor")
        return
    whole = [_kept_axes(operation, node) for node in operation.outputs]
    cut = {axis for axis in range(len(source.axes)) if any(axis not in kept for kept in whole)}
    for index in source.indices(cut):
        index.permutes = False
    noted = operation.inputs[0].origin == "operation" and bool(source.part(sorted(cut), source.indices(cut))[0])
    for gauge in source.part(sorted(cut), source.indices(cut))[0]:
        gauge.diagonalize()
        gauge.level(gauge.along - source.indices(cut))
    if noted:
        state.skip(operation, "channels are taken apart, so they can only be scaled together")
    for node, kept in zip(operation.outputs, whole, strict=True):
        fresh = [
            source.axes[kept_from] if kept_from is not None else ([Index(size, False)] if size > 1 else [])
            for kept_from, size in zip(kept, shape_of(node), strict=True)
        ]
        state.types[node] = Typed(fresh, source.gauges())


def _kept_axes(operation: Operation, output: Node) -> list[int | None]:
    """For each axis of a part, the axis it is a whole copy of, if there is one."""
    source = operation.inputs[0].value
    grid = torch.stack(torch.meshgrid(*(torch.arange(n) for n in source.shape), indexing="ij"), 0)
    place = operation.outputs.index(output)
    columns = []
    for coordinate in grid:
        result = operation.call(coordinate, *operation.args[1:], **operation.kwargs)
        columns.append(result if isinstance(result, torch.Tensor) else result[place])
    return [_copied_axis(columns, axis, source.shape) for axis in range(output.value.ndim)]


def _copied_axis(columns: list[Any], axis: int, shape: Any) -> int | None:
    """The source axis whose coordinate runs from 0 to its end along ``axis`` of the part."""
    length = columns[0].shape[axis]
    for source_axis, column in enumerate(columns):
        view = [1] * column.ndim
        view[axis] = length
        if length > 1 and shape[source_axis] == length:
            wanted = torch.arange(length).reshape(view).expand_as(column)
            if bool((column == wanted).all()):
                return source_axis
    return None


@rule("sum mean var std")
def reduce(state: Inference, operation: Operation) -> None:
    """What is summed over cannot be told apart by gauges."""
    source, node = state.type_of(operation.inputs[0]), operation.outputs[0]
    named = operation.kwargs.get("dim", operation.args[1] if len(operation.args) > 1 else None)
    rank = len(source.axes)
    axes = range(rank) if named is None else [named] if isinstance(named, int) else list(named)
    gone = sorted(axis % rank for axis in axes)
    for gauge in source.part(gone, source.indices(gone))[0]:
        gauge.diagonalize()
        gauge.level(gauge.along - source.indices(gone))
    kept_rank = len(shape_of(node)) == rank
    left = [([] if axis in gone else source.axes[axis]) for axis in range(rank) if kept_rank or axis not in gone]
    label = source.gauges()
    if operation.name == "var":
        label = product(label, label)
    state.types[node] = Typed(left, label)


@rule("max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d")
def max_pool(state: Inference, operation: Operation) -> None:
    """Commutes with positive scales of channels."""
    for gauge in state.type_of(operation.inputs[0]).gauges():
        gauge.diagonalize()
        gauge.signed = False
    average_pool(state, operation)


@rule(
    "avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d "
    "_adaptive_avg_pool2d interpolate pad"
)
def average_pool(state: Inference, operation: Operation) -> None:
    """Commutes with everything that acts on channels, the second axis."""
    source, node = state.type_of(operation.inputs[0]), operation.outputs[0]
    fill = operation.args[3] if operation.name == "pad" and len(operation.args) > 3 else 0.0
    shape = shape_of(node)
    if len(shape) < 3 or shape[:2] != shape_of(operation.inputs[0])[:2] or fill:
        state.opaque(operation, "pooling of channels is not known")
        return
    spatial: list[Axis] = [[Index(size, False)] if size > 1 else [] for size in shape[2:]]
    state.types[node] = Typed([*source.axes[:2], *spatial], source.gauges())
