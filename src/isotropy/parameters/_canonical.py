"""One point for each orbit: balanced scales, signs and order of units."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import DataError
from ._blocks import Block
from ._discrete import Permutation, SignFlip
from ._symmetry import ParameterSymmetry
from ._vectors import Parameters

_ROUNDS = 500
_SETTLED = 1e-13


def balance(symmetry: ParameterSymmetry, parameters: Parameters) -> dict[str, Tensor]:
    """The point of least ``|theta|^2`` on the orbit of the scaling blocks; there their conserved quantities vanish.

    Each unit is scaled by ``c = (|out|^2 / |in|^2)^(1/4)``, block after block until nothing moves; the problem is
    convex in ``log c``, so the point is unique.

    Raises
    ------
    DataError
        If a unit cannot be balanced because its weights on one side are all zero.
    """
    tensors = {name: value.detach().clone() for name, value in parameters.items()}
    exact = [block for block in symmetry.blocks if isinstance(block, Block) and block.exactness.kind == "exact"]
    blocks = [block for block in exact if block.group.size == 1]
    for _ in range(_ROUNDS):
        most = 0.0
        for block in blocks:
            scales = _balancing(block, tensors)
            tensors.update(block.act(scales[:, None, None], tensors))
            most = max(most, float(scales.log().abs().max()))
        if most < max(_SETTLED, 4 * max(torch.finfo(value.dtype).eps for value in tensors.values())):
            break
    return tensors


def canonical(symmetry: ParameterSymmetry, parameters: Parameters) -> dict[str, Tensor]:
    """The same function in a standard gauge: scales balanced, signs fixed, units sorted.

    Networks that differ by scalings, sign flips and reorderings of units come out equal, so that distances,
    sharpness and weight norms can be compared.

    Parameters
    ----------
    symmetry : ParameterSymmetry
        Of the network.
    parameters : mapping
        Parameters by name; with batch normalisation the buffers, too.
    """
    tensors = balance(symmetry, parameters)
    for flip in symmetry.signs:
        tensors.update(flip.act(_signs(flip, tensors), tensors))
    for permutation in symmetry.permutations:
        order = _unit_sizes(permutation, tensors).argsort(descending=True, stable=True)
        tensors.update(permutation.act(order, tensors))
    return tensors


def _balancing(block: Block, tensors: Parameters) -> Tensor:
    """Scale of each copy `(copies,)` that balances the block alone."""
    grow = torch.zeros(block.copies, dtype=torch.float64)
    shrink = torch.zeros_like(grow)
    powers = {abs(place.power) for place in block.places}
    for place in block.places:
        share = place.take(tensors[place.name]).to(torch.float64).square().flatten(1).sum(1)
        if place.power > 0:
            grow += share
        else:
            shrink += share
    if len(powers) > 1 or not bool(((grow > 0) == (shrink > 0)).all()):
        raise DataError(
            f"{block.label}: expected units with weights on both sides, received one that is zero on one of them (or a "
            "scaling of unequal powers); remove that unit first"
        )
    dead = grow == 0
    return torch.where(dead, 1.0, (shrink / torch.where(dead, 1.0, grow)) ** (0.25 / next(iter(powers))))


def _signs(flip: SignFlip, tensors: Parameters) -> Tensor:
    """Sign of the largest entry of each unit in its first tensor."""
    place = flip.places[0]
    rows = place.take(tensors[place.name]).flatten(1)
    largest = rows.gather(1, rows.abs().argmax(1, keepdim=True))[:, 0]
    return torch.where(largest < 0, -1, 1)


def _unit_sizes(permutation: Permutation, tensors: Parameters) -> Tensor:
    """Sum of squares of everything that belongs to each unit."""
    total = torch.zeros(permutation.size, dtype=torch.float64)
    for place in permutation.places:
        part = place.take(tensors[place.name]).to(torch.float64)  # (copies, units, rest)
        total += part.square().sum((0, 2))
    return total
