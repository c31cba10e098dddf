"""Stretches of a record that mean one thing: packed projections that are cut apart, and rotations by position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map

from .. import bars
from ._inference import Inference, Rows, Typed, shape_of
from ._trace import Node, Operation, Record, nodes_in

_CUTS = {"getitem", "chunk", "split", "unbind", "select", "narrow", "tensor_split", "view_as_complex"}
_VIEWS = {
    "view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "transpose", "permute", "movedim", "contiguous",
    "swapaxes", "mT", "T",
}  # fmt: skip
_SAME = {"float", "double", "to", "half", "bfloat16", "type", "type_as", "clone", "detach", "neg"}
_LINEAR = _CUTS | _VIEWS | _SAME | {"add", "sub", "cat", "stack", "mul", "div", "view_as_real", "roll", "expand"}

Planes = tuple[tuple[tuple[int, int], ...], tuple[int, ...]]


@dataclass(eq=False)
class Packed:
    """A linear map whose result is cut into rows: the parts, and the operations that cut."""

    linear: Operation
    parts: list[tuple[Node, Rows]]
    inside: list[Operation]


@dataclass(eq=False)
class Rotation:
    """Operations between a tensor and its image under a linear map of the last axis, at every position."""

    source: Node
    image: Node
    inside: list[Operation]


def find_packed(record: Record) -> list[Packed]:
    """Packed projections, such as queries, keys and values made by one layer."""
    consumers = _consumers(record)
    return [
        found
        for operation in record.operations
        if operation.name == "linear" and _plain_weights(operation)
        for found in [_follow_cuts(operation, consumers)]
        if found is not None
    ]


def find_rotations(record: Record, taken: set[Operation]) -> list[Rotation]:
    """Rotations by position, such as rotary embeddings."""
    consumers, moving = _consumers(record), _moving(record)
    makers = {node: operation for operation in record.operations for node in operation.outputs}
    found: list[Rotation] = []
    for operation in record.operations:
        if operation.name in _CUTS and operation not in taken and operation.inputs[0] in moving:
            for source in _sources(operation.inputs[0], makers):
                rotation = _close(source, record, consumers, moving)
                if rotation is not None:
                    found.append(rotation)
                    taken.update(rotation.inside)
                    break
    return found


def settle_rotation(state: Inference, rotation: Rotation) -> None:
    """Leave the gauges that commute with the rotations."""
    source, last = state.type_of(rotation.source), rotation.inside[-1]
    own = source.indices([len(source.axes) - 1])
    maps = _matrices(rotation)  # (*lead, d, d)
    planes = read_planes(maps.flatten(0, -3))
    acting = source.part([len(source.axes) - 1], own)[0]
    for gauge in acting:
        gauge.confine(gauge.mixed & own)
        if planes is None or gauge.mixed != own or gauge.orthogonal or gauge.planes not in (None, planes):
            gauge.fix()
        else:
            gauge.planes = planes
    if acting and planes is None:
        state.skip(last, "features are mixed by position, but not by rotations of planes; show several positions")
    uneven = [axis for axis in range(1, maps.ndim - 2) if bool((maps != maps.narrow(axis, 0, 1)).any())]
    for index in own | source.indices(uneven):
        index.permutes = False
    state.types[rotation.image] = Typed(source.axes, source.gauges())


def read_planes(maps: Tensor) -> Planes | None:
    """Planes that maps `(positions, d, d)` rotate and coordinates that stay; None where they are of another kind."""
    size = maps.shape[-1]
    linked = (maps != 0).any(0) & ~torch.eye(size, dtype=torch.bool)
    linked = linked | linked.T
    if int(linked.sum(1).max()) != 1:
        return None
    planes = tuple((i, int(linked[i].nonzero())) for i in range(size) if linked[i, i + 1 :].any())
    rest = tuple(i for i in range(size) if not linked[i].any())
    first = torch.tensor([p for p, _ in planes])
    second = torch.tensor([q for _, q in planes])
    turned = torch.allclose(maps[:, first, first], maps[:, second, second], atol=bars.SAME_TURN)
    turned = turned and torch.allclose(maps[:, first, second], -maps[:, second, first], atol=bars.SAME_TURN)
    level = all(torch.allclose(maps[:, i, i], maps[:, rest[0], rest[0]]) for i in rest)
    return (planes, rest) if turned and level else None


def _matrices(rotation: Rotation) -> Tensor:
    """The linear map `(1, *lead, d, d)` at each position of the first sample, from the images of unit vectors."""
    columns: list[Tensor] = []
    for k in range(shape_of(rotation.source)[-1]):
        unit = torch.zeros_like(rotation.source.value)
        unit[..., k] = 1.0
        columns.append(_rerun(rotation.inside, {rotation.source: unit})[rotation.image][:1])
    return torch.stack(columns, -1)


def _rerun(operations: list[Operation], values: dict[Node, Tensor]) -> dict[Node, Tensor]:
    """Run operations again on other values."""
    known = dict(values)

    def value(leaf: object) -> object:
        return known.get(leaf, leaf.value) if isinstance(leaf, Node) else leaf

    for operation in operations:
        args, kwargs = tree_map(value, (operation.args, operation.kwargs), is_leaf=lambda x: isinstance(x, Node))
        result = operation.call(*args, **kwargs)
        made = [leaf for leaf in tree_flatten(result)[0] if isinstance(leaf, Tensor)]
        known.update(zip(operation.outputs, made, strict=True))
    return known


# -- packed projections --------------------------------------------------------------------------------------------


def _plain_weights(operation: Operation) -> bool:
    return all(node.origin == "parameter" for node in operation.inputs[1:])


def _follow_cuts(operation: Operation, consumers: dict[Node, list[Operation]]) -> Packed | None:
    """Follow rows of the result through views and cuts; None where they do not end in whole ranges."""
    result = operation.outputs[0]
    shape = shape_of(result)
    rows = torch.arange(shape[-1]).expand(shape)
    values, queue = {result: rows}, [result]
    parts: list[tuple[Node, Rows]] = []
    inside: list[Operation] = []
    while queue:
        for user in consumers.get(queue.pop(0), []):
            if user.name not in _VIEWS | _CUTS or user.name == "view_as_complex" or len(user.inputs) != 1:
                return None
            inside.append(user)
            values = _rerun([user], values)
            for node in user.outputs:
                found = _range(values[node], shape)
                parts.append((node, found)) if found else queue.append(node)
    cuts = any(user.name in _CUTS for user in inside)
    ranges = sorted({found for _, found in parts})
    apart = all(a[1] <= b[0] for a, b in pairwise(ranges))
    return Packed(operation, parts, inside) if parts and cuts and apart else None


def _range(rows: Tensor, shape: tuple[int, ...]) -> Rows | None:
    """Rows that a part holds, if it is the result with a shorter last axis."""
    if rows.ndim != len(shape) or tuple(rows.shape[:-1]) != shape[:-1] or rows.shape[-1] >= shape[-1]:
        return None
    start, stop = int(rows.flatten()[0]), int(rows.flatten()[0]) + rows.shape[-1]
    return (start, stop) if bool((rows == torch.arange(start, stop)).all()) else None


# -- rotations -----------------------------------------------------------------------------------------------------


def _sources(node: Node, makers: dict[Node, Operation]) -> Iterator[Node]:
    """A node and what it is a reshaped or converted copy of."""
    yield node
    while node in makers and makers[node].name in _VIEWS | _SAME:
        node = makers[node].inputs[0]
        yield node


def _close(source: Node, record: Record, consumers: dict[Node, list[Operation]], moving: set[Node]) -> Rotation | None:
    """The operations that lead from a tensor to a single image of the same shape."""
    region, inside, cut = {source}, list[Operation](), False
    pending = set(consumers.get(source, []))
    for operation in record.operations:
        if not pending:
            return None
        if operation not in pending:
            continue
        if not _is_linear(operation, region, moving):
            return None
        inside.append(operation)
        cut = cut or operation.name in _CUTS
        pending.remove(operation)
        for node in operation.outputs:
            region.add(node)
            pending.update(consumers.get(node, []))
        alive = [node for node in region if any(user in pending for user in consumers.get(node, []))]
        if cut and len(alive) == 1 and alive[0] is not source and shape_of(alive[0]) == shape_of(source):
            return Rotation(source, alive[0], inside)
    return None


def _is_linear(operation: Operation, region: set[Node], moving: set[Node]) -> bool:
    """Whether an operation is linear in the region and touches nothing else that moves."""
    within = [node for node in operation.inputs if node in region]
    if operation.name not in _LINEAR or any(node in moving and node not in region for node in operation.inputs):
        return False
    if operation.name in ("add", "sub"):
        return len(within) == 2
    if operation.name == "div":
        return len(within) == 1 and operation.args[0] in region
    return operation.name != "mul" or len(within) == 1


def _consumers(record: Record) -> dict[Node, list[Operation]]:
    """Operations by the nodes they take."""
    found: dict[Node, list[Operation]] = {}
    for operation in record.operations:
        for node in dict.fromkeys(nodes_in((operation.args, operation.kwargs))):
            found.setdefault(node, []).append(operation)
    return found


def _moving(record: Record) -> set[Node]:
    """Nodes that depend on inputs or parameters."""
    found: set[Node] = set()
    for operation in record.operations:
        for node in operation.inputs:
            if node.origin in ("input", "parameter"):
                found.add(node)
        if any(node in found for node in operation.inputs):
            found.update(operation.outputs)
    return found
