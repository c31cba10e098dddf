"""Inference of gauges along a recorded network: the state, and the steps that all rules share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ._gauges import Gauge, Index, Label, align, product, require_one, resolve, resolve_all
from ._trace import Node, Operation, Record

Axis = list[Index]
Rows = tuple[int, int]


@dataclass
class Typed:
    """How one tensor may move: indices of its axes, and a product of gauges.

    ``by_axis`` holds the gauge of each axis separately, for parameters and their transposes, as two axes may come to
    mean the same.
    """

    axes: list[Axis]
    label: Label = field(default_factory=dict)
    by_axis: list[Label] | None = None

    def gauges(self) -> Label:
        """The whole product."""
        if self.by_axis is None:
            return resolve(self.label)
        whole: Label = {}
        for label in self.by_axis:
            whole = product(whole, label)
        return whole

    def indices(self, axes: Iterable[int] | None = None) -> set[Index]:
        """Resolved indices of some axes, or of all."""
        chosen = range(len(self.axes)) if axes is None else axes
        return {leaf for axis in chosen for leaf in resolve_all(self.axes[axis])}

    def part(self, axes: Sequence[int], indices: set[Index]) -> tuple[Label, Label]:
        """Gauges that involve some axes, and the others."""
        if self.by_axis is None:
            labels = [resolve(self.label)]
        else:
            labels = [resolve(label) for axis, label in enumerate(self.by_axis) if axis not in axes]
        inner: Label = {}
        if self.by_axis is not None:
            for axis in axes:
                inner = product(inner, self.by_axis[axis])
        outer: Label = {}
        elsewhere = self.indices(axis for axis in range(len(self.axes)) if axis not in axes)
        for label in labels:
            for gauge, power in label.items():
                own = (gauge.mixed | gauge.along) & indices - (elsewhere if self.by_axis is not None else set())
                if own:
                    inner = product(inner, {gauge: power})
                else:
                    outer = product(outer, {gauge: power})
        return inner, outer


@dataclass(frozen=True)
class Skipped:
    """A part of the network without a symmetry, or with a smaller one than hoped for.

    Attributes
    ----------
    where : str
        Module and operation.
    why : str
        The reason.
    """

    where: str
    why: str


class Inference:
    """Types of all tensors of a record, and what had to be given up."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.types: dict[Node, Typed] = {}
        self.pieces: dict[tuple[str, Rows], Typed] = {}
        self.permuted_buffers: dict[str, Typed] = {}
        self.skipped: list[Skipped] = []
        self.absorbed: list[tuple[Operation, Node]] = []

    # -- types ---------------------------------------------------------------------------------------------------

    def type_of(self, node: Node) -> Typed:
        """The type of a node, made on first sight for what enters from outside."""
        if node not in self.types:
            movable = node.origin == "parameter"
            self.types[node] = free(node.value.shape) if movable else still(node.value.shape)
        return self.types[node]

    def piece(self, node: Node, rows: Rows) -> Typed:
        """The type of some rows of a parameter, which move on their own."""
        key = (node.name, rows)
        if key not in self.pieces:
            self.pieces[key] = free((rows[1] - rows[0], *node.value.shape[1:]))
        return self.pieces[key]

    def buffer(self, node: Node) -> Typed:
        """The type of a buffer whose entries follow permutations of channels."""
        if node.name and node.name not in self.permuted_buffers:
            typed = still(node.value.shape, permutes=True)
            self.permuted_buffers[node.name] = self.types[node] = typed
        return self.type_of(node)

    def skip(self, operation: Operation, why: str) -> None:
        """Note a reason once."""
        entry = Skipped(f"{operation.module}: {operation.name}", why)
        if entry not in self.skipped:
            self.skipped.append(entry)

    # -- steps ---------------------------------------------------------------------------------------------------

    def opaque(self, operation: Operation, why: str) -> None:
        """Let nothing that enters the operation move."""
        moved = False
        for node in operation.inputs:
            typed = self.type_of(node)
            moved = moved or bool(typed.gauges())
            self.freeze(typed)
        for node in operation.outputs:
            self.types[node] = still(node.value.shape)
        if moved:
            self.skip(operation, why)

    def freeze(self, typed: Typed) -> None:
        """Let a tensor neither move nor permute."""
        for label in typed.by_axis or [typed.label]:
            for gauge in resolve(label):
                gauge.fix()
        for index in typed.indices():
            index.permutes = False

    def align_axes(self, first: Axis, second: Axis) -> bool:
        """Identify two axes; an axis of extent one fits every other."""
        sizes = extent(first), extent(second)
        if sizes[0] != sizes[1] or not first or not second:
            return 1 in sizes
        return align(first, second)

    def contract(
        self, a: Typed, b: Typed, summed: Sequence[tuple[int, int]], shared: Sequence[tuple[int, int]], power: int = 1
    ) -> Label | None:
        """Gauges of ``sum a b ** power`` over pairs of axes, other pairs being shared; None where axes do not fit."""
        for i, j in [*summed, *shared]:
            if not self.align_axes(a.axes[i], b.axes[j]):
                return None
        paired = a.indices(i for i, _ in shared) & b.indices(j for _, j in shared)
        gone = a.indices(i for i, _ in summed)
        for gauge in {**a.gauges(), **b.gauges()}:
            gauge.refresh()
            gauge.confine(gauge.mixed - paired)
            if gauge.mixed & gone:
                gauge.confine(gauge.mixed & gone)
        inner_a, outer_a = a.part([i for i, _ in summed], gone)
        inner_b, outer_b = b.part([j for _, j in summed], gone)
        require_one(product(inner_a, inner_b, power))
        return product(outer_a, outer_b, power)

    def equate(self, a: Typed, b: Typed) -> bool:
        """Let two tensors of aligned axes move alike; False where they do not fit."""
        for i, j in trailing_pairs(a, b):
            if not self.align_axes(a.axes[i], b.axes[j]):
                return False
        self.require_one(product(a.gauges(), b.gauges(), -1.0))
        return True

    def require_one(self, label: Label) -> None:
        """Demand that a product of gauges is the identity."""
        require_one(label)


def free(shape: Sequence[int]) -> Typed:
    """A parameter: every axis is mixed by an unknown matrix of its own."""
    axes = [[Index(size)] for size in shape]
    if not shape:
        return Typed(axes, {Gauge(): 1.0})
    return Typed(axes, {}, [{Gauge(mixed=set(axis)): 1.0} for axis in axes])


def still(shape: Sequence[int], permutes: bool = False) -> Typed:
    """A tensor that does not move."""
    return Typed([[Index(size, permutes)] if size > 1 else [] for size in shape])


def trailing_pairs(a: Typed, b: Typed) -> list[tuple[int, int]]:
    """Pairs of axes that broadcasting sets against one another."""
    most = min(len(a.axes), len(b.axes))
    return [(len(a.axes) - k, len(b.axes) - k) for k in range(1, most + 1)]


def broadcast(a: Typed, b: Typed) -> list[Axis]:
    """Axes of the broadcast of two tensors."""
    longer, shorter = (a, b) if len(a.axes) >= len(b.axes) else (b, a)
    axes = list(longer.axes)
    for i, j in trailing_pairs(longer, shorter):
        axes[i] = longer.axes[i] if extent(longer.axes[i]) > 1 else shorter.axes[j]
    return axes


def extent(axis: Axis) -> int:
    """Size of an axis."""
    return math.prod(index.size for index in axis)


def shape_of(node: Node) -> tuple[int, ...]:
    """Shape of a node's tensor."""
    return tuple(node.value.shape)


def is_number(value: object) -> bool:
    """Whether an argument is a plain number, or a tensor of one entry that was not computed from parameters."""
    return isinstance(value, (int, float)) or (
        isinstance(value, Node) and value.origin in ("constant", "buffer") and value.value.numel() == 1
    )
