"""One point for each orbit: balanced scales, signs and order of units."""

from __future__ import annotations

import torch
from torch import Tensor

from ..find._parameter_symmetry import ParameterSymmetry
from ..moves._signed_permutations import Permutation, SignFlip
from ..moves._vectors import Parameters
from ._profile import OrbitProfile

_SWEEPS = 1000


def balance(symmetry: ParameterSymmetry, parameters: Parameters) -> dict[str, Tensor]:
    """The point of least ``|theta|^2`` on the orbit of the scaling blocks; there their conserved quantities vanish.

    Convex in the logarithms of the scales, so that the point is unique. Units that are zero on one side have no such
    point and stay as they are; a network is not changed in place, for which there is ``teleport``.

    Parameters
    ----------
    symmetry : ParameterSymmetry
        Of the network, from ``symmetries``.
    parameters : mapping
        Parameters by name, of any shapes.
    """
    tensors = {name: value.detach() for name, value in parameters.items()}
    scales = symmetry.select("scaling", exactness="exact")
    if not scales.dim:
        return {name: value.clone() for name, value in tensors.items()}
    profile = OrbitProfile(scales, tensors, gradients=False)
    return {**tensors, **scales.move(profile.minimise(_SWEEPS, 1e-12), tensors)}


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
