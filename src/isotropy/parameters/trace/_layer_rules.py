"""Rules for layers with weights: linear maps, convolutions, normalisations."""

from __future__ import annotations

from typing import Any

from ._gauges import Index, Label, product, split
from ._inference import Axis, Inference, Typed, extent, shape_of, still
from ._pointwise_rules import rule
from ._trace import Node, Operation


def argument(operation: Operation, place: int, name: str, default: Any = None) -> Any:
    """An argument by place or by name."""
    if len(operation.args) > place:
        return operation.args[place]
    return operation.kwargs.get(name, default)


# -- linear maps ---------------------------------------------------------------------------------------------------


@rule("linear")
def linear(state: Inference, operation: Operation) -> None:
    """``y = W x + b``."""
    x, weight = operation.args[0], argument(operation, 1, "weight")
    bias = argument(operation, 2, "bias")
    typed = apply_linear(state, state.type_of(x), state.type_of(weight), bias and state.type_of(bias))
    settle(state, operation, typed)


def apply_linear(state: Inference, x: Typed, weight: Typed, bias: Typed | None) -> Typed | None:
    """The type of ``W x + b``."""
    label = state.contract(x, weight, [(len(x.axes) - 1, 1)], [])
    if label is None:
        return None
    return add_bias(state, Typed([*x.axes[:-1], weight.axes[0]], label), bias)


def add_bias(state: Inference, typed: Typed, bias: Typed | None, axis: int = -1) -> Typed | None:
    """A bias on one axis moves as that axis does."""
    if bias is None:
        return typed
    if not state.align_axes(typed.axes[axis], bias.axes[0]):
        return None
    state.require_one(product(typed.gauges(), bias.gauges(), -1.0))
    return Typed(typed.axes, typed.gauges())


def settle(state: Inference, operation: Operation, typed: Typed | None) -> None:
    """Give the first output its type, or none at all."""
    if typed is None:
        state.opaque(operation, "axes do not fit one another")
        return
    for node in operation.outputs:
        state.types[node] = still(shape_of(node))
    state.types[operation.outputs[0]] = typed


@rule("matmul mm bmm rmatmul")
def matmul(state: Inference, operation: Operation) -> None:
    """Products of matrices, batched over leading axes."""
    first, second = operation.args[:2] if operation.name != "rmatmul" else operation.args[1::-1]
    if first.value.ndim < 2 or second.value.ndim < 2:
        state.opaque(operation, "products with vectors are not followed")
        return
    settle(state, operation, apply_matmul(state, state.type_of(first), state.type_of(second)))


def apply_matmul(state: Inference, a: Typed, b: Typed) -> Typed | None:
    """The type of ``a @ b``."""
    p, q = len(a.axes), len(b.axes)
    shared = [(p - k, q - k) for k in range(3, min(p, q) + 1)]
    label = state.contract(a, b, [(p - 1, q - 2)], shared)
    if label is None:
        return None
    longer = a if p >= q else b
    lead: list[Axis] = list(longer.axes[:-2])
    for i, j in shared:
        lead[i if longer is a else j] = a.axes[i] if extent(a.axes[i]) > 1 else b.axes[j]
    return Typed([*lead, a.axes[-2], b.axes[-1]], label)


@rule("embedding")
def embedding(state: Inference, operation: Operation) -> None:
    """Rows of a table, chosen by the data: rows do not permute, columns may move."""
    tables = [node for node in operation.inputs if node.value.dtype.is_floating_point]
    places = [node for node in operation.inputs if not node.value.dtype.is_floating_point]
    table, places_type = state.type_of(tables[0]), state.type_of(places[0])
    for gauge in table.part([0], table.indices([0]))[0]:
        gauge.fix()
    for index in table.indices([0]):
        index.permutes = False
    state.types[operation.outputs[0]] = Typed([*places_type.axes, table.axes[1]], table.gauges())


# -- convolutions --------------------------------------------------------------------------------------------------


@rule("conv1d conv2d conv3d")
def convolution(state: Inference, operation: Operation) -> None:
    """A linear map of channels at every offset, in groups of channels."""
    x, weight, bias = operation.args[0], argument(operation, 1, "weight"), argument(operation, 2, "bias")
    fresh = weight not in state.types
    source, kernel = state.type_of(x), state.type_of(weight)
    groups = int(argument(operation, 6, "groups", 1))
    if fresh and groups > 1:
        _differ_by_group(kernel, groups)
    for axis in range(2, len(kernel.axes)):
        for gauge in kernel.part([axis], kernel.indices([axis]))[0]:
            gauge.fix()
        for index in kernel.indices([axis]):
            index.permutes = False
    label, channels = _convolve(state, source, kernel, groups)
    if label is None:
        state.opaque(operation, "channels do not fit the groups")
        return
    shape = shape_of(operation.outputs[0])
    spatial: list[Axis] = [[Index(size, False)] if size > 1 else [] for size in shape[2:]]
    typed = Typed([source.axes[0], channels, *spatial], label)
    settle(state, operation, add_bias(state, typed, bias and state.type_of(bias), 1))


def _convolve(state: Inference, x: Typed, kernel: Typed, groups: int) -> tuple[Label | None, Axis]:
    """Gauges and channels of the result."""
    if groups == 1:
        return state.contract(x, kernel, [(1, 1)], []), kernel.axes[0]
    out = _in_groups(kernel.axes[0], groups)
    into = _in_groups(x.axes[1], groups)
    if out is None or into is None:
        return None, []
    grouped_x = Typed([x.axes[0], into[0], into[1]], x.gauges())
    by_axis = kernel.by_axis or [kernel.gauges(), {}]
    grouped = Typed([out[0], out[1], kernel.axes[1]], {}, [by_axis[0], {}, by_axis[1]])
    return state.contract(grouped_x, grouped, [(2, 2)], [(1, 0)]), [*out[0], *out[1]]


def _differ_by_group(kernel: Typed, groups: int) -> None:
    """What enters a grouped kernel may move differently in each group."""
    out = _in_groups(kernel.axes[0], groups)
    if out is not None and kernel.by_axis is not None:
        for gauge in kernel.by_axis[1]:
            gauge.along |= set(out[0])


def _in_groups(axis: Axis, groups: int) -> tuple[Axis, Axis] | None:
    """An axis of channels as groups and channels within a group."""
    leaves = [leaf for index in axis for leaf in index.resolve()]
    head = leaves[0]
    if head.size % groups:
        return None
    if head.size == groups:
        return [head], leaves[1:]
    first, second = split(head, [groups, head.size // groups])
    return [first], [second, *leaves[1:]]


# -- normalisations ------------------------------------------------------------------------------------------------


@rule("batch_norm")
def batch_norm(state: Inference, operation: Operation) -> None:
    """Scales do not pass a batch normalisation; its own scale and shift start anew."""
    source = state.type_of(operation.args[0])
    for place, name in ((1, "running_mean"), (2, "running_var")):
        node = argument(operation, place, name)
        if isinstance(node, Node):
            state.align_axes(source.axes[1], state.buffer(node).axes[0])
    weight, bias = argument(operation, 3, "weight"), argument(operation, 4, "bias")
    training = bool(argument(operation, 5, "training", False))
    _normalise(state, operation, training)
    _affine(state, operation, source.axes, weight, bias, 1)


@rule("layer_norm")
def layer_norm(state: Inference, operation: Operation) -> None:
    """Neither scale nor rotation passes; permutations do."""
    source = state.type_of(operation.args[0])
    weight, bias = argument(operation, 2, "weight"), argument(operation, 3, "bias")
    _normalise(state, operation, True)
    _affine(state, operation, source.axes, weight, bias, -1)


@rule("rms_norm")
def rms_norm(state: Inference, operation: Operation) -> None:
    """Rotations of the features pass; a weight other than none leaves their signs."""
    source = state.type_of(operation.args[0])
    axis = len(source.axes) - 1
    own = source.indices([axis])
    for gauge in source.gauges():
        gauge.refresh()
        if gauge.mixed & own:
            gauge.confine(gauge.mixed & own)
            gauge.orthogonalize()
        else:
            gauge.diagonalize()
            gauge.continuous = False
    plain = Typed(source.axes, source.gauges())
    state.types[operation.outputs[0]] = plain
    weight = argument(operation, 2, "weight")
    if weight is not None:
        typed = state.type_of(weight)
        label = state.contract(plain, typed, [], [(axis, 0)])
        settle(state, operation, None if label is None else Typed(source.axes, label))


@rule("group_norm instance_norm")
def group_norm(state: Inference, operation: Operation) -> None:
    """Groups of channels are normalised: nothing passes but the norm's own scale and shift."""
    source = state.type_of(operation.args[0])
    by_place = {"group_norm": (2, 3), "instance_norm": (3, 4)}[operation.name]
    weight, bias = argument(operation, by_place[0], "weight"), argument(operation, by_place[1], "bias")
    state.freeze(source)
    _affine(state, operation, source.axes, weight, bias, 1)


def _normalise(state: Inference, operation: Operation, absorbs: bool) -> None:
    """Gauges end here; where the statistics are of the data, scales could pass if eps were zero."""
    node = operation.args[0]
    typed = state.type_of(node)
    if absorbs:
        state.absorbed.append((operation, node))
    state.require_one(typed.gauges())


def _affine(state: Inference, operation: Operation, axes: list[Axis], weight: Any, bias: Any, axis: int) -> None:
    """Scale and shift along one axis."""
    typed: Typed | None = Typed(axes)
    for node in (weight, bias):
        if isinstance(node, Node) and node.value.ndim != 1:
            state.opaque(operation, "normalisation over several axes is not followed")
            return
    if weight is not None:
        scale = state.type_of(weight)
        label = state.contract(Typed(axes), scale, [], [(axis % len(axes), 0)])
        typed = None if label is None else Typed(axes, label)
    if typed is not None:
        typed = add_bias(state, typed, bias and state.type_of(bias), axis)
    settle(state, operation, typed)
