"""Rules for pointwise functions and arithmetic, and the list of all rules."""

from __future__ import annotations

import math
from collections.abc import Callable

from ._gauges import resolve
from ._inference import Axis, Inference, Typed, broadcast, is_number, shape_of, trailing_pairs
from ._trace import Node, Operation

Rule = Callable[[Inference, Operation], None]
RULES: dict[str, Rule] = {}

_PASSING = """contiguous clone detach to float double half bfloat16 type type_as neg requires_grad_ cpu cuda
    identity alias positive nan_to_num requires_grad"""
HOMOGENEOUS = "relu leaky_relu rrelu abs threshold"
ODD = """tanh sin sinh asinh atan arctan erf softsign hardtanh tanhshrink softshrink hardshrink sign tan asin"""
PLAIN = """sigmoid gelu silu mish softplus elu selu celu logsigmoid exp log log1p expm1 hardswish hardsigmoid relu6
    cos cosh softmax log_softmax softmin clamp clamp_min clamp_max masked_fill tril triu round floor logit glu_"""
DROPOUTS = "dropout alpha_dropout feature_dropout dropout2d dropout1d dropout3d"


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


@rule(HOMOGENEOUS)
def homogeneous(state: Inference, operation: Operation) -> None:
    """``f(c x) = c f(x)`` for positive numbers only."""
    for gauge in state.type_of(operation.inputs[0]).gauges():
        gauge.diagonalize()
        gauge.signed = False
    _keep(state, operation)


@rule(ODD)
def odd(state: Inference, operation: Operation) -> None:
    """``f(-x) = -f(x)``: signs pass."""
    for gauge in state.type_of(operation.inputs[0]).gauges():
        gauge.diagonalize()
        gauge.continuous = False
    _keep(state, operation)


@rule(PLAIN)
def plain(state: Inference, operation: Operation) -> None:
    """A function without scale: only permutations pass."""
    source = state.type_of(operation.inputs[0])
    for node in operation.inputs[1:]:
        _freeze_against(state, source, state.type_of(node))
    state.require_one(source.gauges())
    _keep(state, operation)


@rule(DROPOUTS)
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
