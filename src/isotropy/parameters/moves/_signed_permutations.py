"""The discrete part of a symmetry: reorderings and sign flips of hidden units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import RepresentationMismatchError
from ._blocks import Parameters, Place


@dataclass(frozen=True)
class Permutation:
    """Units, such as neurons, channels or heads, that may be reordered in all tensors at once.

    Attributes
    ----------
    label : str
        Which tensors are reordered.
    size : int
        Number of units.
    places : tuple of Place
        Where; buffers of batch normalisations are among them.
    """

    label: str
    size: int
    places: tuple[Place, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tensors that are reordered."""
        return tuple(dict.fromkeys(place.name for place in self.places))

    def act(self, order: Sequence[int] | Tensor, tensors: Parameters) -> dict[str, Tensor]:
        """Tensors, by name, whose unit ``k`` is the old unit ``order[k]``.

        Raises
        ------
        RepresentationMismatchError
            If ``order`` is not a reordering of ``range(size)``.
        """
        chosen = torch.as_tensor(order)
        if sorted(chosen.tolist()) != list(range(self.size)):
            raise RepresentationMismatchError(
                f"order: expected each of 0..{self.size - 1} once, received {chosen.tolist()[:8]}...; "
                "pass e.g. torch.randperm(permutation.size)"
            )
        moved: dict[str, Tensor] = {}
        for place in self.places:
            value = moved.get(place.name, tensors[place.name])
            moved[place.name] = place.put(value, place.take(value)[:, chosen.to(value.device)])
        return moved


@dataclass(frozen=True)
class SignFlip:
    """Units whose sign may be turned.

    Attributes
    ----------
    label : str
        Which parameters are moved.
    size : int
        Number of units.
    places : tuple of Place
        Where.
    """

    label: str
    size: int
    places: tuple[Place, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters that are moved."""
        return tuple(dict.fromkeys(place.name for place in self.places))

    def act(self, signs: Sequence[int] | Tensor, parameters: Parameters) -> dict[str, Tensor]:
        """Parameters, by name, with unit ``k`` multiplied by ``signs[k]``, 1 or -1.

        Raises
        ------
        RepresentationMismatchError
            If there is not one sign for each unit.
        """
        chosen = torch.as_tensor(signs)
        if tuple(chosen.shape) != (self.size,) or not bool((chosen.abs() == 1).all()):
            raise RepresentationMismatchError(
                f"signs: expected {self.size} values 1 or -1, received {chosen.tolist()[:8]}; one for each unit"
            )
        moved: dict[str, Tensor] = {}
        for place in self.places:
            value = moved.get(place.name, parameters[place.name])
            moved[place.name] = place.put(value, chosen.to(value)[:, None, None] * place.take(value))
        return moved
