"""Which operators a saved program may hold: pure functions of tensors, checked in its graph before anything runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import torch

# What reads a file or bare memory, hands memory on, or moves it under another tensor. Nothing of that is a function of
# the tensors that go in.
_MEMORY = re.compile(
    r"as_strided(_|_copy|_scatter)?|data|empty(_like|_permuted|_quantized|_strided)?|from_file|new_empty(_strided)?|"
    r"_?pin_memory|record_stream|resize(_|_as_|_as_sparse_)?|retain_grad|set_data|storage_offset|"
    r"(detach|rename|requires_grad|set|squeeze|swapaxes|swapdims|t|transpose|unsqueeze)_"
)
# Random or of two modes, and the argument that has to switch that off.
_SWITCHED = {
    "dropout": ("train", False),
    "alpha_dropout": ("train", False),
    "feature_dropout": ("train", False),
    "feature_alpha_dropout": ("train", False),
    "native_dropout": ("train", False),
    "rrelu": ("training", False),
    "lstm": ("train", False),
    "gru": ("train", False),
    "rnn_tanh": ("train", False),
    "rnn_relu": ("train", False),
    "scaled_dot_product_attention": ("dropout_p", 0.0),
    "batch_norm": ("training", False),
    "instance_norm": ("use_input_stats", True),
    "native_batch_norm": ("training", False),
}
_HIGHER = frozenset(("cond", "wrap_with_set_grad_enabled", "wrap_with_autocast"))  # each runs its graphs once
# Numbers that an operator may make out of sizes alone: 2 GiB of float64.
_MOST_MADE = 2**28
_MAKING = re.compile(
    r"arange|eye|full|linspace|logspace|ones|tri|tri[lu]_indices|zeros|new_(full|ones|zeros)|repeat|tile|expand|"
    r"broadcast_to|pad|constant_pad_nd|one_hot"
)


def faults(graph: Any) -> Iterator[str]:
    """What operators of a parsed graph do that no pure function does, in words.

    An operator that writes may write what the program itself has made, and nothing else: an input or a weight that it
    changed would be another one the next time.
    """
    if isinstance(graph, list):
        for inner in graph:
            yield from faults(inner)
        return
    if not isinstance(graph, dict):
        return
    if isinstance(graph.get("nodes"), list):
        fresh: set[str] = set()
        for node in graph["nodes"]:
            yield from _node_faults(node, fresh)
    for inner in graph.values():
        yield from faults(inner)


def _node_faults(node: Any, fresh: set[str]) -> Iterator[str]:
    """Faults of one node; names of what it makes join those that may be written."""
    target = node.get("target") if isinstance(node, dict) else None
    if not isinstance(target, str):
        return
    if not target.startswith("torch.ops."):  # a part of a list, or arithmetic of sizes
        if all(name in fresh for name in _names(node.get("inputs"))):
            fresh.update(_names(node.get("outputs")))
        return
    space, name = (*target.split(".")[2:4], "")[:2]
    if space == "higher_order":
        if name not in _HIGHER:
            yield f"the operator {target!r}, which runs other graphs"
        return
    overload = _overload(target)
    if overload is None:
        yield f"the operator {target!r}, which this version of torch does not have"
        return
    given = _given(node)
    yield from _kind_faults(name, overload, given, target)
    written = [_names(given.get(a.name)) for a in overload._schema.arguments if a.alias_info and a.alias_info.is_write]
    if any(one not in fresh for names in written for one in names):
        yield f"the operator {target!r}, which writes what the program has not made"
    if _makes(overload, given, fresh):
        fresh.update(_names(node.get("outputs")))


def _kind_faults(name: str, overload: Any, given: dict[str, Any], target: str) -> Iterator[str]:
    """Faults that the operator itself tells."""
    if _MEMORY.fullmatch(name) or any(a.name == "filename" for a in overload._schema.arguments):
        yield f"the operator {target!r}, which reads a file or bare memory"
    elif name in _SWITCHED:
        place, off = _SWITCHED[name]
        if _value(given.get(place), _default(overload, place)) != off:
            yield f"the operator {target!r} in training mode"
    elif torch.Tag.nondeterministic_seeded in overload.tags:
        yield f"the operator {target!r}, which draws random numbers"
    sizes = _integers(given) if _MAKING.fullmatch(name) else []
    if math.prod(max(abs(size), 1) for size in sizes) > _MOST_MADE:
        yield f"the operator {target!r} with sizes {sizes}, above {_MOST_MADE} numbers"


def _overload(target: str) -> Any:
    """The operator behind ``torch.ops.space.name.overload``; None if there is none."""
    space, name, *overload = (*target.split(".")[2:], "", "")
    packet = getattr(getattr(torch.ops, space, None), name, None)
    return getattr(packet, overload[0] or "default", None)


def _given(node: dict[str, Any]) -> dict[str, Any]:
    """Arguments by name."""
    inputs = node.get("inputs")
    entries = inputs if isinstance(inputs, list) else []
    return {str(e.get("name")): e.get("arg") for e in entries if isinstance(e, dict)}


def _default(overload: Any, name: str) -> Any:
    return next((a.default_value for a in overload._schema.arguments if a.name == name), None)


def _value(arg: Any, default: Any) -> Any:
    """A plain number or switch; the default if it was not given."""
    if not isinstance(arg, dict):
        return default
    return next((arg[key] for key in ("as_bool", "as_float", "as_int") if key in arg), None)


def _names(arg: Any) -> list[str]:
    """Names of the tensors in an argument or a list of results."""
    if isinstance(arg, list):
        return [name for inner in arg for name in _names(inner)]
    if not isinstance(arg, dict):
        return []
    if set(arg) == {"name"}:
        return [str(arg["name"])]
    return [name for inner in arg.values() for name in _names(inner)]


def _integers(arg: Any) -> list[int]:
    """All whole numbers in arguments, but for the largest of all, which stands for "up to the end"."""
    if isinstance(arg, bool):
        return []
    if isinstance(arg, int):
        return [] if abs(arg) >= 2**63 - 1 else [arg]
    if isinstance(arg, dict):
        return [n for key, inner in arg.items() if key not in _ENUMS for n in _integers(inner)]
    return [n for inner in arg for n in _integers(inner)] if isinstance(arg, list) else []


_NEW = ("aten::batch_norm", "aten::instance_norm")  # their mode is checked; dropout hands on its input
_ENUMS = ("as_scalar_type", "as_layout", "as_memory_format", "as_device")


def _makes(overload: Any, given: dict[str, Any], fresh: set[str]) -> bool:
    """Whether results are new, or views of what is."""
    aliased = any(r.alias_info for r in overload._schema.returns)
    aliased |= torch.Tag.maybe_aliasing_or_mutating in overload.tags and overload._schema.name not in _NEW
    return not aliased or all(name in fresh for arg in given.values() for name in _names(arg))
