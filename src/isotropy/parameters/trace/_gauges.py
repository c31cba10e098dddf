"""Indices and gauges: how every tensor of a network may move while its outputs stay.

A tensor has axes, each a product of indices. A gauge is an unknown group element that mixes some indices and may
differ along others. A tensor moves by a product of powers of gauges; every operation of the network equates gauges or
narrows them, until what remains unknown is the symmetry.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(eq=False)
class Index:
    """A range of a tensor's axis; indices of equal meaning are merged, and may be split into factors."""

    size: int
    permutes: bool = True
    factors: list[Index] | None = None

    def resolve(self) -> list[Index]:
        """What this index stands for by now."""
        if self.factors is None:
            return [self]
        return [leaf for factor in self.factors for leaf in factor.resolve()]


@dataclass(eq=False)
class Gauge:
    """An unknown group element.

    Attributes
    ----------
    mixed : set of Index
        Indices whose product space it mixes by a matrix; empty for a number.
    along : set of Index
        Indices along which it may differ.
    continuous, signed : bool
        Whether it may be near the identity but not equal to it, and whether it may be negative.
    orthogonal : bool
        Whether matrices must be orthogonal.
    planes : tuple
        Planes in which rotations must commute with it; None without that condition.
    bound : label or None
        What it stands for, once known.
    """

    mixed: set[Index] = field(default_factory=set)
    along: set[Index] = field(default_factory=set)
    continuous: bool = True
    signed: bool = True
    orthogonal: bool = False
    planes: tuple[tuple[tuple[int, int], ...], tuple[int, ...]] | None = None
    bound: Label | None = None

    @property
    def trivial(self) -> bool:
        """Whether only the identity is left."""
        return self.bound is None and not self.mixed and not self.continuous and not self.signed

    def refresh(self) -> None:
        """Rewrite indices that have been split since."""
        self.mixed, self.along = resolve_all(self.mixed), resolve_all(self.along)

    def diagonalize(self) -> None:
        """Keep the diagonal matrices only."""
        self.refresh()
        if self.planes is not None:
            self.fix()
        if self.orthogonal:
            self.continuous = False
        self.along, self.mixed = self.along | self.mixed, set()

    def confine(self, kept: set[Index]) -> None:
        """Mix no other index than those kept; differ along the others instead."""
        self.refresh()
        if self.mixed <= kept:
            return
        if not self.mixed & kept or self.planes is not None:
            self.diagonalize()
            return
        self.along, self.mixed = self.along | (self.mixed - kept), self.mixed & kept

    def level(self, kept: set[Index]) -> None:
        """Differ along kept indices only."""
        self.refresh()
        self.along &= kept

    def orthogonalize(self) -> None:
        """Equal its own inverse transpose."""
        if self.planes is not None:
            self.fix()
        elif self.mixed:
            self.orthogonal = True
        else:
            self.continuous = False

    def fix(self) -> None:
        """Leave the identity only."""
        self.mixed, self.continuous, self.signed, self.planes = set(), False, False, None


Label = dict[Gauge, float]


def resolve_all(indices: Iterable[Index]) -> set[Index]:
    """Indices with splits carried out."""
    return {leaf for index in indices for leaf in index.resolve()}


def resolve(label: Label) -> Label:
    """A label in terms of free gauges that are not trivial."""
    found: Label = {}
    for gauge, power in label.items():
        inner = {gauge: 1.0} if gauge.bound is None else resolve(gauge.bound)
        for free, exponent in inner.items():
            found[free] = found.get(free, 0.0) + power * exponent
    for gauge in found:
        gauge.refresh()
    return {gauge: power for gauge, power in found.items() if power and not gauge.trivial}


def product(first: Label, second: Label, power: float = 1.0) -> Label:
    """``first * second ** power``."""
    joined = dict(first)
    for gauge, exponent in second.items():
        joined[gauge] = joined.get(gauge, 0.0) + power * exponent
    return resolve(joined)


def require_one(label: Label) -> None:
    """Demand that a product of gauges is the identity; binds or narrows them."""
    label = resolve(label)
    gauges = list(label)
    flips = {gauge: power for gauge, power in label.items() if not gauge.mixed and not gauge.continuous}
    if len(flips) > 1 and len(gauges) - len(flips) > 1:  # signs among themselves, so that sizes stay continuous
        require_one(flips)
        require_one({gauge: power for gauge, power in label.items() if gauge not in flips})
    elif len(gauges) == 1:
        _require_root(gauges[0], label[gauges[0]])
    elif len(gauges) == 2 and all(abs(power) == 1 for power in label.values()):
        _match(gauges[0], gauges[1], -label[gauges[0]] * label[gauges[1]])
    elif gauges:
        _eliminate(label)


def _require_root(gauge: Gauge, power: float) -> None:
    """A power of one gauge is the identity."""
    if power % 2 == 0:
        gauge.orthogonalize()
    else:
        gauge.fix()


def _match(first: Gauge, second: Gauge, power: float) -> None:
    """``second = first ** power`` with power 1 or -1; both keep what they have in common."""
    shared = first.mixed & second.mixed
    for gauge in (first, second):
        gauge.confine(shared) if shared else gauge.diagonalize()
    if first.mixed != second.mixed:  # a rotary gauge met another shape
        first.diagonalize()
        second.diagonalize()
    planes = {first.planes, second.planes} - {None}
    first.along &= second.along
    first.continuous, first.signed = first.continuous and second.continuous, first.signed and second.signed
    first.orthogonal = first.orthogonal or second.orthogonal
    if len(planes) > 1 or (planes and first.orthogonal):
        first.fix()
    elif planes and first.mixed:
        first.planes = planes.pop()
    second.bound = {first: power}


def _eliminate(label: Label) -> None:
    """Solve a relation between numbers for one of them."""
    for gauge in label:
        gauge.diagonalize()
    label = resolve(label)
    if not label:
        return
    solved = max(label, key=lambda g: (len(g.along), abs(label[g]) == 1))
    others = {gauge: -power / label[solved] for gauge, power in label.items() if gauge is not solved}
    for gauge in others:
        gauge.level(solved.along)
        gauge.continuous = gauge.continuous and solved.continuous
        gauge.signed = False
    solved.bound = others


def split(index: Index, sizes: Sequence[int]) -> list[Index]:
    """Factors of the given sizes that an index is split into."""
    if len(sizes) > 1 and index.factors is None:
        index.factors = [Index(size, index.permutes) for size in sizes]
        index.permutes = False
    return index.resolve()


def align(first: Sequence[Index], second: Sequence[Index]) -> bool:
    """Identify two products of indices of equal extent, splitting where needed; False where they do not fit."""
    while True:
        a = [leaf for index in first for leaf in index.resolve()]
        b = [leaf for index in second for leaf in index.resolve()]
        pair = next(((i, j) for i, j in zip(a, b, strict=False) if i is not j), None)
        if pair is None:
            return len(a) == len(b)
        i, j = pair
        if i.size == j.size:
            _merge(i, j)
        else:
            large, small = (i, j) if i.size > j.size else (j, i)
            if large.size % small.size:
                return False
            split(large, [small.size, large.size // small.size])


def _merge(first: Index, second: Index) -> None:
    first.permutes = first.permutes and second.permutes
    second.factors = [first]


def regroup(indices: Sequence[Index], shape: Sequence[int]) -> list[list[Index]] | None:
    """Axes of a reshaped tensor, splitting indices where an axis ends inside one; None where that is impossible."""
    queue = [leaf for index in indices for leaf in index.resolve()]
    axes: list[list[Index]] = []
    for size in shape:
        axis: list[Index] = []
        while math.prod(index.size for index in axis) < size:
            if not queue:
                return None
            wanted = size // math.prod(index.size for index in axis)
            head = queue.pop(0)
            if head.size > wanted:
                if head.size % wanted:
                    return None
                head, *rest = split(head, [wanted, head.size // wanted])
                queue = rest + queue
            axis.append(head)
        if math.prod(index.size for index in axis) != size:
            return None
        axes.append(axis)
    if axes and all(index.size == 1 for index in queue):
        axes[-1].extend(queue)
        return axes
    return axes if not queue else None
