"""From inferred gauges to blocks: which parts of which parameters each remaining gauge moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..moves._blocks import Block, Exactness, Place
from ..moves._groups import Commutant, GeneralLinear, Group, Orthogonal, Positive
from ..moves._signed_permutations import Permutation, SignFlip
from ..trace._gauges import Gauge, Index, resolve
from ..trace._inference import Inference, Rows, Typed


@dataclass(frozen=True, eq=False)
class Part:
    """A parameter, or some of its rows, with its type."""

    name: str
    rows: Rows | None
    typed: Typed

    @property
    def leaves(self) -> list[list[Index]]:
        """Resolved indices of each axis."""
        return [[leaf for index in axis for leaf in index.resolve()] for axis in self.typed.axes]

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents of all indices."""
        return tuple(leaf.size for axis in self.leaves for leaf in axis)

    def find(self, index: Index, axis: int) -> int | None:
        """Place of an index, sought along one axis first."""
        leaves, start = self.leaves, 0
        starts: list[int] = []
        for own in leaves:
            starts.append(start)
            start += len(own)
        for place in [axis, *(k for k in range(len(leaves)) if k != axis)]:
            if place < len(leaves) and index in leaves[place]:
                return starts[place] + leaves[place].index(index)
        return None


def read_parts(state: Inference) -> list[Part]:
    """All parameters that the record used, cut where the network cuts them."""
    whole = [
        Part(name, None, state.types[node]) for name, node in state.record.parameters.items() if node in state.types
    ]
    return whole + [Part(name, rows, typed) for (name, rows), typed in state.pieces.items()]


def read_gauges(parts: list[Part]) -> dict[Gauge, list[tuple[Part, int, float]]]:
    """Remaining gauges with the parts, axes and powers they act by."""
    found: dict[Gauge, list[tuple[Part, int, float]]] = {}
    for part in parts:
        for axis, label in enumerate(part.typed.by_axis or [part.typed.label]):
            for gauge, power in resolve(label).items():
                found.setdefault(gauge, []).append((part, axis, power))
    joined = {gauge: _join(gauge, uses) for gauge, uses in found.items()}
    return {gauge: uses for gauge, uses in joined.items() if uses}


def _join(gauge: Gauge, uses: list[tuple[Part, int, float]]) -> list[tuple[Part, int, float]]:
    """Add the powers of a number that multiplies several axes of one part in the same way."""
    if gauge.mixed:
        return uses
    along, powers = list(gauge.along), dict[tuple[Part, tuple[int | None, ...]], tuple[int, float]]()
    for part, axis, power in uses:
        key = (part, tuple(part.find(index, axis) for index in along))
        first, sum_so_far = powers.get(key, (axis, 0.0))
        powers[key] = (first, sum_so_far + power)
    return [(part, axis, power) for (part, _), (axis, power) in powers.items() if power]


def read_blocks(parts: list[Part]) -> tuple[list[Block], list[SignFlip]]:
    """Continuous blocks and sign flips of the remaining gauges."""
    blocks: list[Block] = []
    signs: list[SignFlip] = []
    for gauge, uses in read_gauges(parts).items():
        mixed, along = _ordered(gauge.mixed, uses), _ordered(gauge.along, uses)
        places = tuple(_place(part, axis, power, mixed, along) for part, axis, power in uses)
        copies = _extent(along)
        label = _label(places)
        if gauge.mixed or gauge.continuous:
            kind, group = _group(gauge, _extent(mixed))
            blocks.append(Block(kind, label, group, copies, places, Exactness("exact", _WHY[kind])))
        if gauge.signed and not gauge.mixed:
            odd = tuple(place for place in places if place.power % 2 == 1)
            signs.append(SignFlip(label, copies, odd))
    return [block for block in blocks if block.dim], signs


def read_permutations(state: Inference, parts: list[Part]) -> list[Permutation]:
    """Indices whose values may be reordered in all parameters and buffers at once."""
    buffers = [Part(name, None, typed) for name, typed in state.permuted_buffers.items()]
    taken = {index for gauge in read_gauges(parts) for index in gauge.mixed}
    found: dict[Index, list[Place]] = {}
    for part in [*parts, *buffers]:
        for place, leaf in enumerate(leaf for axis in part.leaves for leaf in axis):
            if leaf.permutes and leaf.size > 1 and leaf not in taken:
                here = Place(part.name, part.rows, part.shape, (), (place,), 1.0)
                found.setdefault(leaf, []).append(here)
    return [Permutation(_label(tuple(places)), leaf.size, tuple(places)) for leaf, places in found.items()]


_WHY = {
    "linear": "only linear maps stand between the two sides",
    "scaling": "every function in between commutes with positive scales",
    "orthogonal": "every function in between commutes with rotations",
    "rotary": "commutes with the rotations of the positions",
}


def _group(gauge: Gauge, size: int) -> tuple[str, Group]:
    """Name and group of a gauge."""
    if not gauge.mixed:
        return "scaling", Positive(1)
    if gauge.planes is not None:
        return "rotary", Commutant(size, *gauge.planes)
    return ("orthogonal", Orthogonal(size)) if gauge.orthogonal else ("linear", GeneralLinear(size))


def _ordered(indices: set[Index], uses: list[tuple[Part, int, float]]) -> list[Index]:
    """Indices in the order of the first part that holds them."""
    part, axis, _ = uses[0]
    return sorted(indices, key=lambda index: -1 if (place := part.find(index, axis)) is None else place)


def _place(part: Part, axis: int, power: float, mixed: list[Index], along: list[Index]) -> Place:
    return Place(
        part.name, part.rows, part.shape, tuple(_found(part, along, axis)), tuple(_found(part, mixed, axis)), power
    )


def _found(part: Part, indices: list[Index], axis: int) -> Iterator[int]:
    for index in indices:
        place = part.find(index, axis)
        if place is None:
            raise KeyError(part.name)
        yield place


def _extent(indices: list[Index]) -> int:
    size = 1
    for index in indices:
        size *= index.size
    return size


def _label(places: tuple[Place, ...]) -> str:
    """Names of the parameters that move, weights before biases, few of them."""
    names = sorted(dict.fromkeys(place.name for place in places), key=lambda name: name.endswith("bias"))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
