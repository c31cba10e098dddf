"""The discrete part of a symmetry: reorderings and sign flips of hidden units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import RepresentationMismatchError
from ._blocks import Parameters, Place


@dataclass(frozen=True)
class DiscreteMove:
    """Units, such as neurons, channels or heads, that move in all tensors at once.

    Attributes
    ----------
    label : str
        Which tensors are moved.
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
        """Names of the tensors that are moved."""
        return tuple(dict.fromkeys(place.name for place in self.places))

    def _moved(self, tensors: Parameters, change: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
        """Tensors by name after a change of the units, the second axis of what a place takes; places may share one."""
        moved: dict[str, Tensor] = {}
        for place in self.places:
            value = moved.get(place.name, tensors[place.name])
            moved[place.name] = place.put(value, change(place.take(value)))
        return moved


class Permutation(DiscreteMove):
    """Units that may be reordered."""

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
        return self._moved(tensors, lambda taken: taken[:, chosen.to(taken.device)])


class SignFlip(DiscreteMove):
    """Units whose sign may be turned."""

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
        return self._moved(parameters, lambda taken: chosen.to(taken)[:, None, None] * taken)
