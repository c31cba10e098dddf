"""Structures as vectors between neighbours: one list of neighbours for all rotated copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import DataError
from ._ase import ase_module
from ._structure import as_frames


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
    structures : Tensor
        `(atoms,)` which structure an atom belongs to.
    count : int
        Number of structures.
    """

    species: Tensor
    vectors: Tensor
    centres: Tensor
    neighbours: Tensor
    structures: Tensor
    count: int

    def moved(self, vectors: Tensor) -> Graph:
        """The same neighbours with other vectors."""
        return Graph(self.species, vectors, self.centres, self.neighbours, self.structures, self.count)

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
            (self.structures + offsets * self.count).flatten(),
            k * self.count,
        )

    def to(self, target: Any) -> Graph:
        """Vectors in another dtype, or everything on another device."""
        vectors = self.vectors.to(target)
        where = vectors.device
        rest = (self.species, self.centres, self.neighbours, self.structures)
        species, centres, neighbours, structures = (one.to(where) for one in rest)
        return Graph(species, vectors, centres, neighbours, structures, self.count)

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

    Raises
    ------
    DataError
        If there is no structure, or the cutoff is not positive.
    """
    if not cutoff > 0:
        raise DataError(f"cutoff: expected a positive distance, received {cutoff}; 4 angstrom suits water")
    listed = as_frames(frames)
    search = ase_module("neighborlist").neighbor_list
    parts: list[tuple[Tensor, ...]] = []
    start = 0
    for place, atoms in enumerate(listed):
        centres, neighbours, vectors = search("ijD", atoms, cutoff)
        indices = (torch.as_tensor(centres) + start, torch.as_tensor(neighbours) + start)
        numbers = torch.as_tensor(atoms.numbers)
        vectors = torch.as_tensor(vectors, dtype=dtype).reshape(-1, 3)
        parts.append((numbers, vectors, *indices, torch.full_like(numbers, place)))
        start += len(atoms)
    species, vectors, centres, neighbours, structures = (torch.cat(rows) for rows in zip(*parts, strict=True))
    return Graph(species, vectors, centres.long(), neighbours.long(), structures, len(listed))


def energies_and_forces(model: Any, g: Graph, create_graph: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Energies `(structures,)`, forces `(atoms, 3)` and virials `(structures, 3, 3)` of ``model(graph)``.

    Parameters
    ----------
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
