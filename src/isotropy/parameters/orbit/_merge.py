"""Bringing two networks into one gauge, and averaging them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..find._parameter_symmetry import ParameterSymmetry
from ..moves._signed_permutations import Permutation, SignFlip
from ..moves._vectors import Parameters, moved
from ._canonical import balance

Loss = Callable[[dict[str, Tensor]], Tensor]
_SWEEPS = 100


def align(symmetry: ParameterSymmetry, first: Parameters, second: Parameters) -> dict[str, Tensor]:
    """``second`` moved along its orbit towards ``first``, by scalings, reorderings of units and sign flips.

    Scales are balanced, then the units of one layer after the other are matched to those of ``first`` by an
    assignment problem, until no match improves. ``first`` should be balanced, too; ``merge`` sees to that.

    Parameters
    ----------
    symmetry : ParameterSymmetry
        Of the network, from ``symmetries``.
    first, second : mapping
        Parameters by name, of the same shapes.
    """
    tensors = balance(symmetry, second)
    flips = {(frozenset(flip.names), flip.size): flip for flip in symmetry.signs}
    for _ in range(_SWEEPS):
        before = tensors
        for permutation in symmetry.permutations:
            flip = flips.get((frozenset(permutation.names), permutation.size))
            order = _matching(permutation, first, tensors, signed=flip is None)
            tensors = {**tensors, **permutation.act(order, tensors)}
            if flip is not None:
                tensors = {**tensors, **flip.act(_agreement(flip, first, tensors), tensors)}
        if all(torch.equal(before[name], value) for name, value in tensors.items()):
            break
    return tensors


def merge(symmetry: ParameterSymmetry, first: Parameters, second: Parameters, share: float = 0.5) -> dict[str, Tensor]:
    """``(1 - share) * first + share * second`` after both are balanced and ``second`` is aligned with ``first``.

    Parameters
    ----------
    symmetry : ParameterSymmetry
        Of the network, from ``symmetries``.
    first, second : mapping
        Parameters by name, of the same shapes.
    share : float
        Weight of the second network.
    """
    base = balance(symmetry, first)
    other = align(symmetry, base, second)
    return moved(base, {name: other[name] - value for name, value in base.items()}, share)


def barrier(loss: Loss, first: Parameters, second: Parameters, *, points: int = 11) -> float:
    """How far the loss rises above its linear interpolation on the segment between two networks, at most.

    Parameters
    ----------
    loss : callable
        Takes named parameters to a scalar.
    first, second : mapping
        Parameters by name, of the same shapes.
    points : int
        Places on the segment, both ends included.
    """
    step = {name: second[name] - value for name, value in first.items()}
    places = torch.linspace(0, 1, points).tolist()
    losses = [float(loss(moved(first, step, place))) for place in places]
    straight = [(1 - place) * losses[0] + place * losses[-1] for place in places]
    return max(a - b for a, b in zip(losses, straight, strict=True))


def _agreement(flip: SignFlip, first: Parameters, second: Parameters) -> Tensor:
    """Sign of each unit of ``second`` that is closer to ``first``."""
    total = torch.zeros(flip.size, dtype=torch.float64)
    for place in flip.places:
        total += (place.take(first[place.name]) * place.take(second[place.name])).flatten(1).sum(1).to(total)
    return torch.where(total < 0, -1, 1)


def _matching(permutation: Permutation, first: Parameters, second: Parameters, signed: bool) -> Tensor:
    """Order of the units of ``second`` that is closest to ``first``, whatever their signs if not ``signed``."""
    from scipy.optimize import linear_sum_assignment

    gain = torch.zeros(permutation.size, permutation.size, dtype=torch.float64)
    for place in permutation.places:
        a, b = (place.take(one[place.name]).to(torch.float64) for one in (first, second))
        gain += torch.einsum("cir,cjr->ij", a, b)
    gain = gain if signed else gain.abs()
    chosen: Any = linear_sum_assignment(gain.numpy(), maximize=True)
    order, here = torch.as_tensor(chosen[1]), torch.arange(permutation.size)
    rounding = 1e-12 * gain.abs().sum()
    return order if bool(gain[here, order].sum() > gain.diagonal().sum() + rounding) else here
