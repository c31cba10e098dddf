"""Structures as vectors between neighbours: one list of neighbours for all rotated copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from ...errors import DataError
from ._environment import ase_module
from ._structure import as_frames, require_frame


@dataclass(frozen=True)
class Graph:
    """One or more structures, disjoint.

    Attributes
    ----------
    species : Tensor
        `(atoms,)` atomic numbers.
    vectors : Tensor
        `(edges, 3)` from each centre to its neighbour, periodic images included.
    centres, neighbours : Tensor
        `(edges,)` places of the atoms.
    reverse : Tensor
        `(edges,)` the place of the same edge seen from its other end.
    structures : Tensor
        `(atoms,)` which structure an atom belongs to.
    count : int
        Number of structures.
    """

    species: Tensor
    vectors: Tensor
    centres: Tensor
    neighbours: Tensor
    reverse: Tensor
    structures: Tensor
    count: int

    def moved(self, vectors: Tensor) -> Graph:
        """The same neighbours with other vectors."""
        return replace(self, vectors=vectors)

    def copies(self, rotations: Tensor) -> Graph:
        """One copy for each matrix `(k, 3, 3)`, with vectors ``R v``; neighbours are counted on, not searched again."""
        k = len(rotations)
        offsets = torch.arange(k, device=self.vectors.device)[:, None]
        vectors = torch.einsum("kij,ej->kei", rotations.to(self.vectors), self.vectors)
        return Graph(
            self.species.repeat(k),
            vectors.flatten(0, 1),
            (self.centres + offsets * len(self.species)).flatten(),
            (self.neighbours + offsets * len(self.species)).flatten(),
            (self.reverse + offsets * len(self.reverse)).flatten(),
            (self.structures + offsets * self.count).flatten(),
            k * self.count,
        )

    def to(self, target: Any) -> Graph:
        """Vectors in another dtype, or everything on another device."""
        vectors = self.vectors.to(target)
        where = vectors.device
        rest = ("species", "centres", "neighbours", "reverse", "structures")
        return replace(self, vectors=vectors, **{name: getattr(self, name).to(where) for name in rest})

    def forces(self, slopes: Tensor) -> Tensor:
        """Forces `(atoms, 3)` from derivatives of the energy by the vectors `(edges, 3)`."""
        zero = torch.zeros(len(self.species), 3, dtype=slopes.dtype, device=slopes.device)
        return zero.index_add(0, self.centres, slopes).index_add(0, self.neighbours, -slopes)

    def virials(self, slopes: Tensor) -> Tensor:
        """Derivatives of energies by strain `(structures, 3, 3)`; the antisymmetric part is the torque."""
        outer = self.vectors[:, :, None] * slopes[:, None]
        zero = torch.zeros(self.count, 3, 3, dtype=slopes.dtype, device=slopes.device)
        return zero.index_add(0, self.structures[self.centres], outer)


def graph(frames: Any, cutoff: float, dtype: torch.dtype = torch.float64) -> Graph:
    """Neighbours within a distance in one or more structures.

    Parameters
    ----------
    frames : Atoms or sequence of Atoms
        Structures, periodic or not.
    cutoff : float
        Distance up to which atoms are neighbours, in the unit of the positions.
    dtype : torch.dtype
        Of positions and cells.

    Raises
    ------
    DataError
        If there is no structure, one that cannot be used, or the cutoff is not positive.
    """
    if not cutoff > 0:
        raise DataError(f"cutoff: expected a positive distance, received {cutoff}; 4 angstrom suits water")
    listed = as_frames(frames)
    for index, atoms in enumerate(listed):
        require_frame(atoms, index, ())
    return joined([_neighbours(atoms, cutoff, dtype) for atoms in listed])


def joined(parts: Sequence[Graph]) -> Graph:
    """Several graphs as one, their structures in order."""
    atoms, edges, structures = ([0, *accumulate(sizes)] for sizes in zip(*map(_sizes, parts), strict=True))
    return Graph(
        torch.cat([one.species for one in parts]),
        torch.cat([one.vectors for one in parts]),
        torch.cat([one.centres + start for one, start in zip(parts, atoms, strict=False)]),
        torch.cat([one.neighbours + start for one, start in zip(parts, atoms, strict=False)]),
        torch.cat([one.reverse + start for one, start in zip(parts, edges, strict=False)]),
        torch.cat([one.structures + start for one, start in zip(parts, structures, strict=False)]),
        structures[-1],
    )


def _sizes(g: Graph) -> tuple[int, int, int]:
    return len(g.species), len(g.centres), g.count


def _neighbours(atoms: Any, cutoff: float, dtype: torch.dtype) -> Graph:
    """The graph of one structure."""
    found = ase_module("neighborlist").neighbor_list("ijSD", atoms, cutoff)
    centres, neighbours, shifts = (torch.as_tensor(one).long() for one in found[:3])
    vectors = torch.as_tensor(found[3], dtype=dtype).reshape(-1, 3)
    species = torch.as_tensor(atoms.numbers)
    # Edges sorted by (i, j, shift) meet those sorted by (j, i, -shift) in the same place.
    there, back = _sorted_by(centres, neighbours, shifts), _sorted_by(neighbours, centres, -shifts)
    reverse = torch.empty_like(centres)
    reverse[there] = back
    return Graph(species, vectors, centres, neighbours, reverse, torch.zeros_like(species), 1)


def _sorted_by(first: Tensor, second: Tensor, shifts: Tensor) -> Tensor:
    """Order of edges by these keys."""
    keys = torch.cat([torch.stack([first, second], 1), shifts.reshape(-1, 3)], 1)
    order = torch.arange(len(keys))
    for column in keys.flip(1).T:
        order = order[torch.argsort(column[order], stable=True)]
    return order


def energies_and_forces(model: Any, g: Graph, create_graph: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Energies `(structures,)`, forces `(atoms, 3)` and virials `(structures, 3, 3)` of ``model(graph)``.

    Parameters
    ----------
    model : callable
        Takes a ``Graph`` to energies `(structures,)`.
    g : Graph
        Structures, from ``graph``.
    create_graph : bool
        Keep what derivatives of these need, as in training.
    """
    vectors = g.vectors if g.vectors.requires_grad else g.vectors.detach().requires_grad_()
    moving = g.moved(vectors)
    with torch.enable_grad():
        if create_graph:
            energies = model(moving)
            (slopes,) = torch.autograd.grad(energies.sum(), vectors, create_graph=True)
            return energies, g.forces(slopes), moving.virials(slopes)
        # An average comes in parts: each is let go before the next, and none is computed twice.
        parts = model.parts(moving) if hasattr(model, "parts") else iter([model(moving)])
        energies, slopes = g.vectors.new_zeros(()), torch.zeros_like(g.vectors)
        for part in parts:
            energies = energies + part.detach()
            slopes = slopes + torch.autograd.grad(part.sum(), vectors)[0]
    still = g.moved(vectors.detach())
    return energies, still.forces(slopes), still.virials(slopes)
