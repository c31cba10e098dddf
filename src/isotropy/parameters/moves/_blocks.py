"""Blocks of a symmetry: one group, the places of the parameters that it moves, and how exact it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from ...errors import RepresentationMismatchError
from ._groups import Group
from ._vectors import Parameters


@dataclass(frozen=True)
class Exactness:
    """What is promised of a block.

    Attributes
    ----------
    kind : str
        ``"exact"`` on every input, ``"exact-on-batch"`` on inputs of at most ``rank`` samples, or ``"approximate"``
        with outputs that move by at most ``bound``, relatively, for a step of size one.
    why : str
        The reason in words.
    rank, bound
        As above.
    """

    kind: Literal["exact", "exact-on-batch", "approximate"] = "exact"
    why: str = ""
    rank: int | None = None
    bound: float = 0.0


@dataclass(frozen=True)
class Place:
    """One part of one parameter, seen as an array with axes that a group may mix.

    Attributes
    ----------
    name : str
        Of the parameter.
    rows : (int, int) or None
        The part along the first axis; None for all of it.
    shape : tuple of int
        Factors of the part's axes, row-major.
    copies : tuple of int
        Axes that number the copies of the group.
    mixed : tuple of int
        Axes that the matrices mix, taken together; none for scalings.
    power : float
        1 where ``g`` acts, -1 where its inverse transpose does, other powers for scalings.
    """

    name: str
    rows: tuple[int, int] | None
    shape: tuple[int, ...]
    copies: tuple[int, ...]
    mixed: tuple[int, ...]
    power: float

    def take(self, tensor: Tensor) -> Tensor:
        """The part as `(copies, size, rest)`."""
        part = tensor if self.rows is None else tensor[self.rows[0] : self.rows[1]]
        moved = part.reshape(self.shape).permute(self._order())
        copies, mixed = self._extent(self.copies), self._extent(self.mixed)
        return moved.reshape(copies, mixed, -1)

    def put(self, tensor: Tensor, part: Tensor) -> Tensor:
        """A copy of ``tensor`` with the part replaced by `(copies, size, rest)`."""
        order = self._order()
        back = [order.index(axis) for axis in range(len(order))]
        value = part.reshape([self.shape[axis] for axis in order]).permute(back)
        if self.rows is None:
            return value.reshape(tensor.shape)
        start, stop = self.rows
        middle = value.reshape(stop - start, *tensor.shape[1:])
        return torch.cat([tensor[:start], middle, tensor[stop:]])

    def pair(self, first: Tensor, second: Tensor) -> Tensor:
        """Inner products `(copies,)` of the parts of two tensors, without moving axes."""
        parts = [one if self.rows is None else one[self.rows[0] : self.rows[1]] for one in (first, second)]
        product, kept = (parts[0] * parts[1]).reshape(self.shape), sorted(self.copies)
        gone = [axis for axis in range(len(self.shape)) if axis not in kept]
        summed = product.sum(gone) if gone else product
        return summed.permute([kept.index(axis) for axis in self.copies]).flatten()

    def scale_(self, tensor: Tensor, numbers: Tensor) -> None:
        """Multiply the part in place by one number for each copy; the tensor is contiguous."""
        part = tensor if self.rows is None else tensor[self.rows[0] : self.rows[1]]
        order = sorted(range(len(self.copies)), key=lambda place: self.copies[place])
        spread = numbers.reshape([self.shape[axis] for axis in self.copies]).permute(order)
        extents = [size if axis in self.copies else 1 for axis, size in enumerate(self.shape)]
        part.view(self.shape).mul_(spread.reshape(extents).to(part))

    def _order(self) -> list[int]:
        """Axes with copies first, then the mixed ones, then the rest."""
        front = [*self.copies, *self.mixed]
        return front + [axis for axis in range(len(self.shape)) if axis not in front]

    def _extent(self, axes: tuple[int, ...]) -> int:
        return math.prod(self.shape[axis] for axis in axes)


@dataclass(frozen=True)
class Block:
    """A group that moves parameters along a level set of the network's function.

    Attributes
    ----------
    kind : str
        ``"linear"`` (all invertible matrices), ``"scaling"`` (positive), ``"orthogonal"`` or ``"rotary"`` (commutes
        with rotary embeddings).
    label : str
        Where the group acts, in words.
    group : Group
        One copy of the group.
    copies : int
        Independent copies, such as neurons or heads.
    places : tuple of Place
        What is moved.
    exactness : Exactness
        What is promised.
    """

    kind: str
    label: str
    group: Group
    copies: int
    places: tuple[Place, ...]
    exactness: Exactness = field(default_factory=Exactness)

    @property
    def dim(self) -> int:
        """Number of generators."""
        return self.copies * self.group.dim

    @property
    def name(self) -> str:
        """The group with all its copies, such as ``GL(4)`` or ``(R+)^32``."""
        one = self.group.name
        return one if self.copies == 1 else f"({one})^{self.copies}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that are moved, each once."""
        return tuple(dict.fromkeys(place.name for place in self.places))

    def exp(self, xi: Tensor) -> Tensor:
        """Group element `(copies, size, size)` with coordinates ``xi`` `(dim,)`."""
        return self.group.exp(self._rows(xi))

    def identity(self, like: Tensor) -> Tensor:
        """The neutral element `(copies, size, size)`."""
        one = torch.eye(self.group.size, dtype=like.dtype, device=like.device)
        return one.expand(self.copies, -1, -1)

    def field(self, xi: Tensor, parameters: Parameters) -> dict[str, Tensor]:
        """Velocities of the moved parameters, by name, under the element with coordinates ``xi`` `(dim,)`."""
        m = self.group.element(self._rows(xi))
        tangents: dict[str, Tensor] = {}
        for place in self.places:
            value = parameters[place.name]
            step = m.to(value) if place.power > 0 else -m.mT.to(value)
            part = abs(place.power) * _apply(step, place.take(value))
            here = place.put(torch.zeros_like(value), part)
            tangents[place.name] = tangents[place.name] + here if place.name in tangents else here
        return tangents

    def act(self, g: Tensor, parameters: Parameters) -> dict[str, Tensor]:
        """The moved parameters, by name, under the group element ``g`` `(copies, size, size)`.

        Raises
        ------
        NotAnAlgebraError
            If ``g`` is not in the group.
        """
        matrices = self.group.require(torch.as_tensor(g), self.copies)
        moved: dict[str, Tensor] = {}
        for place in self.places:
            value = moved.get(place.name, parameters[place.name])
            moved[place.name] = place.put(value, _apply(_power(matrices, place.power).to(value), place.take(value)))
        return moved

    def act_(self, g: Tensor, parameters: Parameters) -> None:
        """As ``act``, but written into the tensors themselves, for scales without a copy."""
        if self.group.size > 1 or not all(parameters[name].is_contiguous() for name in self.parameters):
            for name, value in self.act(g, parameters).items():
                parameters[name].copy_(value)
            return
        matrices = self.group.require(torch.as_tensor(g), self.copies)
        for place in self.places:
            place.scale_(parameters[place.name], _power(matrices, place.power))

    def moment(self, covectors: Parameters, parameters: Parameters) -> Tensor:
        """``<q, xi_k>`` `(dim,)` for every generator, with covectors ``q`` such as gradients, by name."""
        total: Tensor | None = None
        for place in self.places:
            q, value = covectors[place.name], parameters[place.name]
            if self.group.size == 1:
                slope = math.copysign(1.0, place.power) * place.pair(q, value)[:, None, None]
            else:
                a, b = (q, value) if place.power > 0 else (-value, q)
                slope = place.take(a) @ place.take(b).mT
            total = abs(place.power) * slope + (0.0 if total is None else total)
        if total is None:
            raise RepresentationMismatchError(f"{self.label}: expected a block with places, received none; drop it")
        return self.group.coordinates(total).flatten()

    def _rows(self, xi: Tensor) -> Tensor:
        if tuple(xi.shape) != (self.dim,):
            raise RepresentationMismatchError(
                f"xi: expected {self.dim} coordinates for {self.label}, received shape {tuple(xi.shape)}; "
                "pass one number per generator of the block"
            )
        return xi.reshape(self.copies, self.group.dim)


def _apply(matrices: Tensor, parts: Tensor) -> Tensor:
    """Matrices on the middle axis of `(copies, size, rest)`; numbers just multiply."""
    return matrices * parts if matrices.shape[-1] == 1 else matrices @ parts


def _power(g: Tensor, power: float) -> Tensor:
    """``g``, its inverse transpose, or a power of numbers."""
    if power == 1:
        return g
    if g.shape[-1] == 1:
        return g**power
    return torch.linalg.inv(g).mT
