"""Rules for attention: packed and separate projections, heads, scores."""

from __future__ import annotations

from ._gauges import Index, regroup
from ._inference import Axis, Inference, Typed, extent, shape_of, still
from ._layer_rules import apply_linear, apply_matmul, argument, settle
from ._pointwise_rules import rule
from ._regions import Packed
from ._trace import Operation


def settle_packed(state: Inference, packed: Packed) -> None:
    """Each part of a packed projection is a projection by its own rows."""
    x, weight = packed.linear.args[0], argument(packed.linear, 1, "weight")
    bias = argument(packed.linear, 2, "bias")
    for node, rows in packed.parts:
        own = None if bias is None else state.piece(bias, rows)
        typed = apply_linear(state, state.type_of(x), state.piece(weight, rows), own)
        state.types[node] = still(shape_of(node)) if typed is None else typed


@rule("scaled_dot_product_attention")
def attention(state: Inference, operation: Operation) -> None:
    """``softmax(q k^T) v``, key and value heads repeated where there are fewer of them."""
    q, k, v = (state.type_of(node) for node in operation.args[:3])
    mask = argument(operation, 3, "attn_mask")
    grouped = bool(operation.kwargs.get("enable_gqa", False))
    settle(state, operation, attend(state, q, k, v, mask and state.type_of(mask), grouped))


def attend(
    state: Inference, q: Typed, k: Typed, v: Typed, mask: Typed | None = None, grouped: bool = False
) -> Typed | None:
    """The type of attention over the last but one axis."""
    if grouped:
        k, v = _repeat_heads(q, k), _repeat_heads(q, v)
    flipped = Typed([*k.axes[:-2], k.axes[-1], k.axes[-2]], k.gauges())
    scores = apply_matmul(state, q, flipped)
    if scores is None:
        return None
    state.require_one(scores.gauges())
    if mask is not None:
        for gauge in mask.gauges():
            gauge.fix()
        if not state.equate(scores, mask):
            return None
    return apply_matmul(state, Typed(scores.axes), v)


def _repeat_heads(q: Typed, k: Typed) -> Typed:
    """Each key head serves several query heads."""
    many, few = extent(q.axes[-3]), extent(k.axes[-3])
    extra: Axis = [Index(many // few)] if many > few else []
    return Typed([*k.axes[:-3], [*k.axes[-3], *extra], *k.axes[-2:]], k.gauges())


@rule("multi_head_attention_forward")
def multi_head(state: Inference, operation: Operation) -> None:
    """``torch.nn.MultiheadAttention``: packed or separate projections, heads, attention, projection."""
    extras = [argument(operation, place, name) for place, name in ((7, "bias_k"), (8, "bias_v"))]
    if any(extra is not None for extra in extras):
        state.opaque(operation, "extra key and value biases are not followed")
        return
    heads = int(argument(operation, 4, "num_heads"))
    bias = argument(operation, 6, "in_proj_bias")
    projected: list[Typed | None] = []
    for place, weight in enumerate(_projections(state, operation)):
        source = state.type_of(operation.args[place])
        width = extent(weight.axes[0])
        own = None if bias is None else state.piece(bias, (place * width, (place + 1) * width))
        projected.append(_to_heads(apply_linear(state, source, weight, own), heads))
    q, k, v = projected
    mixed = None if q is None or k is None or v is None else attend(state, q, k, v)
    if mixed is None:
        state.opaque(operation, "heads do not fit the projections")
        return
    batch, head, length, feature = mixed.axes
    joined = Typed([length, batch, [*head, *feature]], mixed.gauges())
    out_bias = argument(operation, 12, "out_proj_bias")
    weight = state.type_of(argument(operation, 11, "out_proj_weight"))
    settle(state, operation, apply_linear(state, joined, weight, out_bias and state.type_of(out_bias)))


def _projections(state: Inference, operation: Operation) -> list[Typed]:
    """Weights of queries, keys and values."""
    packed = argument(operation, 5, "in_proj_weight")
    if packed is None:
        return [state.type_of(operation.kwargs[f"{name}_proj_weight"]) for name in "qkv"]
    width = packed.value.shape[0] // 3
    return [state.piece(packed, (k * width, (k + 1) * width)) for k in range(3)]


def _to_heads(typed: Typed | None, heads: int) -> Typed | None:
    """From `(length, batch, features)` to `(batch, heads, length, features of a head)`."""
    if typed is None:
        return None
    axes = regroup(typed.axes[-1], (heads, extent(typed.axes[-1]) // heads))
    return None if axes is None else Typed([typed.axes[1], axes[0], typed.axes[0], axes[1]], typed.gauges())
