"""Pieces of representations that layers are built from."""

from __future__ import annotations

from functools import reduce
from operator import add

import torch

from ...action._finite import Finite
from ...action._representation import Representation
from ...enforce import summands


def scalar_of(rho: Representation) -> Representation:
    """The trivial representation of the group of another."""
    zero = torch.zeros(rho.algebra.dim, 1, 1, dtype=torch.float64)
    one = Representation(rho.algebra, zero, rho=Finite("one"), name="1")
    one.components = rho.components
    return one


def leaves_of(rho: Representation) -> list[Representation]:
    """The representations that sums and products were built from."""
    return [leaf for part in rho.parts for leaf in leaves_of(part)] if rho.parts else [rho]


def distinct_sum(pieces: list[Representation], copies: int) -> Representation:
    """Scalars and every different piece, each ``copies`` times."""
    kept: list[Representation] = []
    for piece in pieces:
        scalar = piece.size == 1 and summands(piece)[0].still
        if not scalar and not any(_same(piece, known) for known in kept):
            kept.append(piece)
    return reduce(add, [copies * piece for piece in kept], copies * scalar_of(pieces[0]))


def _same(first: Representation, second: Representation) -> bool:
    """Whether both have the same matrices."""
    if first.size != second.size or not torch.equal(first.tensor, second.tensor):
        return False
    components = first.components if first.components is not None else []
    return all(torch.equal(first.rho(h), second.rho(h)) for h in components)
