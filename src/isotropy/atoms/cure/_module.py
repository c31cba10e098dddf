"""Torch models averaged over rotations: batches of rotated copies, one list of neighbours, bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ...errors import DataError
from ...quadrature import Rule
from ..models._torch_calculator import results_of
from ..structure._environment import AseCalculator
from ..structure._neighbours import Graph, energies_and_forces, graph
from ..structure._properties import Property


class SymmetrizedModule(nn.Module):
    """``graph -> sum_i w_i rho(R_i)^-1 model(R_i graph)``, differentiable in vectors and parameters.

    Parameters
    ----------
    module : nn.Module
        Takes a ``Graph`` of any number of structures; gives energies `(structures,)`, or `(rows, 3, ...)` with rows
        counted structure by structure.
    rule : Rule
        Elements and weights.
    rank : int
        Of the outputs, which are turned back: 0 for energies, 1 for forces.
    chunk : int
        Rotated copies that are held at once. When gradients are wanted each chunk is computed again on the way back,
        so memory does not grow with the rule.

    Raises
    ------
    DataError
        If ``chunk`` is not positive.
    """

    rotations: Tensor
    weights: Tensor

    def __init__(self, module: nn.Module, rule: Rule, rank: int = 0, chunk: int = 16) -> None:
        super().__init__()
        if chunk < 1:
            raise DataError(f"chunk: expected at least one rotation at once, received {chunk}; 16 is usual")
        self.module = module
        self.output = Property("output", rank)
        self.chunk = chunk
        self.register_buffer("rotations", rule.rotations, persistent=False)
        self.register_buffer("weights", rule.weights, persistent=False)

    def forward(self, g: Graph) -> Tensor:
        """Average over the rule."""
        again = torch.is_grad_enabled() and len(self.rotations) > self.chunk
        total: Any = 0.0
        for rotations, weights in self._chunks():
            if again:
                part = checkpoint(self._part, g.vectors, g, rotations, weights, use_reentrant=False)
            else:
                part = self._part(g.vectors, g, rotations, weights)
            total = total + part
        return total

    def parts(self, g: Graph) -> Iterator[Tensor]:
        """Summands of the average, one for each chunk, for those who add up derivatives as they come."""
        return (self._part(g.vectors, g, rotations, weights) for rotations, weights in self._chunks())

    def _chunks(self) -> Iterator[tuple[Tensor, Tensor]]:
        return zip(self.rotations.split(self.chunk), self.weights.split(self.chunk), strict=True)

    def _part(self, vectors: Tensor, g: Graph, rotations: Tensor, weights: Tensor) -> Tensor:
        """Weighted sum over some of the elements."""
        values = self.module(g.moved(vectors).copies(rotations))
        rows = values.reshape(len(rotations), -1, *values.shape[1:])
        if self.output.rank:
            rows = torch.stack([self.output.back(row, r) for row, r in zip(rows, rotations, strict=True)])
        return torch.tensordot(weights.to(rows), rows, 1)


class ModuleCalculator(AseCalculator):
    """A calculator of ase around a torch model of graphs; forces, stress and virial by one derivative.

    Parameters
    ----------
    module : nn.Module
        Takes a ``Graph``, gives energies `(structures,)` in eV.
    cutoff : float
        Distance of neighbours in angstrom.
    dtype : torch.dtype
        Of the vectors.
    device : str
        Where the model is.
    """

    implemented_properties = ("energy", "forces", "stress", "virial")

    def __init__(
        self, module: nn.Module, cutoff: float, dtype: torch.dtype = torch.float64, device: str = "cpu"
    ) -> None:
        super().__init__()
        self.module = module
        self.cutoff = cutoff
        self.dtype = dtype
        self.device = device
        self.evaluations = 0

    def calculate(
        self, atoms: Any = None, properties: Sequence[str] = ("energy",), system_changes: Sequence[str] = ()
    ) -> None:
        """Fill ``results`` for a structure."""
        self.atoms = atoms.copy()
        g = graph(atoms, self.cutoff, self.dtype).to(self.device)
        energies, forces, virials = energies_and_forces(self.module, g)
        self.evaluations += 1
        self.results = results_of(float(energies.detach()[0]), forces.cpu(), virials[0].cpu(), atoms)
