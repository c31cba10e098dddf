"""Rules for pointwise functions, arithmetic, shapes and reductions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from ._gauges import Index, product, regroup, resolve
from ._inference import Axis, Inference, Typed, broadcast, is_number, shape_of, trailing_pairs
from ._trace import Node, Operation

Rule = Callable[[Inference, Operation], None]
RULES: dict[str, Rule] = {}

_PASSING = """contiguous clone detach to float double half bfloat16 type type_as neg requires_grad_ cpu cuda
    identity alias positive nan_to_num requires_grad"""
_HOMOGENEOUS = "relu leaky_relu rrelu abs threshold"
_ODD = """tanh sin sinh asinh atan arctan erf softsign hardtanh tanhshrink softshrink hardshrink sign tan asin"""
_PLAIN = """sigmoid gelu silu mish softplus elu selu celu logsigmoid exp log log1p expm1 hardswish hardsigmoid relu6
    cos cosh softmax log_softmax softmin clamp clamp_min clamp_max masked_fill tril triu round floor logit glu_"""
_SCALELESS = "dropout alpha_dropout feature_dropout dropout2d dropout1d dropout3d"


def rule(names: str) -> Callable[[Rule], Rule]:
    """Register a rule for several functions."""

    def register(found: Rule) -> Rule:
        RULES.update(dict.fromkeys(names.split(), found))
        return found

    return register


# -- pointwise -----------------------------------------------------------------------------------------------------


@rule(_PASSING)
def passing(state: Inference, operation: Operation) -> None:
    """Linear and the same for every entry: gauges pass."""
    _keep(state, operation)


@rule(_HOMOGENEOUS)
def homogeneous(state: Inference, operation: Operation) -> None:
    """``f(c x) = c f(x)`` for positive numbers only."""
    for gauge in state.type_of(operation.inputs[0]).gauges():
        gauge.diagonalize()
        gauge.signed = False
    _keep(state, operation)


@rule(_ODD)
def odd(state: Inference, operation: Operation) -> None:
    """``f(-x) = -f(x)``: signs pass."""
    for gauge in state.type_of(operation.inputs[0]).gauges():
        gauge.diagonalize()
        gauge.continuous = False
    _keep(state, operation)


@rule(_PLAIN)
def plain(state: Inference, operation: Operation) -> None:
    """A function without scale: only permutations pass."""
    source = state.type_of(operation.inputs[0])
    for node in operation.inputs[1:]:
        _freeze_against(state, source, state.type_of(node))
    state.require_one(source.gauges())
    _keep(state, operation)


@rule(_SCALELESS)
def dropout(state: Inference, operation: Operation) -> None:
    """Each entry is kept or not: no mixing in training."""
    if state.record.training:
        for gauge in state.type_of(operation.inputs[0]).gauges():
            gauge.diagonalize()
    _keep(state, operation)


@rule("prelu")
def prelu(state: Inference, operation: Operation) -> None:
    """A homogeneous function with slopes that stay; they follow permutations of channels."""
    source, slopes = state.type_of(operation.inputs[0]), state.type_of(operation.inputs[1])
    for gauge in slopes.gauges():
        gauge.fix()
    if len(source.axes) > 1:
        state.align_axes(source.axes[1], slopes.axes[0])
    homogeneous(state, operation)


@rule("pow square sqrt rsqrt reciprocal")
def power(state: Inference, operation: Operation) -> None:
    """Powers multiply the exponents of numbers."""
    known = {"square": 2.0, "sqrt": 0.5, "rsqrt": -0.5, "reciprocal": -1.0}
    exponent = known.get(operation.name, operation.args[-1] if len(operation.args) > 1 else None)
    if not isinstance(exponent, (int, float)):
        state.opaque(operation, "the exponent is not a number")
        return
    source = state.type_of(operation.inputs[0])
    for gauge in source.gauges():
        gauge.diagonalize()
        gauge.signed = gauge.signed and float(exponent).is_integer()
    label = {gauge: exponent * old for gauge, old in source.gauges().items()}
    state.types[operation.outputs[0]] = Typed(source.axes, label)


# -- arithmetic ----------------------------------------------------------------------------------------------------


@rule("add sub rsub")
def add(state: Inference, operation: Operation) -> None:
    """Both terms move alike; a constant does not move."""
    first, second = [*operation.args, *operation.kwargs.values()][:2]
    if not isinstance(first, Node) or not isinstance(second, Node):
        number = second if isinstance(first, Node) else first
        if number == 0:
            _keep(state, operation)
        else:
            plain(state, operation)
        return
    a, b = state.type_of(first), state.type_of(second)
    if not state.equate(a, b):
        state.opaque(operation, "terms have axes that do not fit")
        return
    longer = a if len(a.axes) >= len(b.axes) else b
    state.types[operation.outputs[0]] = Typed(broadcast(a, b), resolve(longer.gauges()))


@rule("mul")
def multiply(state: Inference, operation: Operation) -> None:
    """Gauges multiply; what both factors share is not mixed."""
    _times(state, operation, 1)


@rule("div")
def divide(state: Inference, operation: Operation) -> None:
    """Gauges divide."""
    _times(state, operation, -1)


def _times(state: Inference, operation: Operation, exponent: int) -> None:
    first, second = operation.args[:2]
    if is_number(second) or (is_number(first) and exponent == 1):
        node = first if is_number(second) else second
        state.types[operation.outputs[0]] = _plainly(state.type_of(node), shape_of(operation.outputs[0]))
        return
    if not isinstance(first, Node):
        power_of = state.type_of(second)
        for gauge in power_of.gauges():
            gauge.diagonalize()
        label = {gauge: -old for gauge, old in power_of.gauges().items()}
        state.types[operation.outputs[0]] = Typed(power_of.axes, label)
        return
    a, b = state.type_of(first), state.type_of(second)
    label = state.contract(a, b, [], trailing_pairs(a, b), exponent)
    if label is None:
        state.opaque(operation, "factors have axes that do not fit")
        return
    state.types[operation.outputs[0]] = Typed(broadcast(a, b), label)


# -- shapes --------------------------------------------------------------------------------------------------------


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


# -- reductions ----------------------------------------------------------------------------------------------------


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


# -- helpers -------------------------------------------------------------------------------------------------------


def _keep(state: Inference, operation: Operation) -> None:
    """The first output is as the first input."""
    source = state.type_of(operation.inputs[0])
    for node in operation.outputs[:1]:
        state.types[node] = _plainly(source, shape_of(node))


def _plainly(source: Typed, shape: tuple[int, ...]) -> Typed:
    """The same axes and gauges, with axes of extent one where broadcasting added them."""
    extra: list[Axis] = [[] for _ in range(len(shape) - len(source.axes))]
    if math.prod(shape) and not extra and source.by_axis is not None:
        return Typed(source.axes, source.label, source.by_axis)
    return Typed([*extra, *source.axes], source.gauges())


def _freeze_against(state: Inference, source: Typed, other: Typed) -> None:
    """A second argument, such as a mask, does not move."""
    for i, j in trailing_pairs(source, other):
        state.align_axes(source.axes[i], other.axes[j])
    for gauge in other.gauges():
        gauge.fix()
