"""An energy written in torch as a calculator of ase: forces, stress and the whole virial by one derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..structure._environment import AseCalculator

Energy = Callable[[Tensor, Tensor, Tensor], Tensor]


class TorchCalculator(AseCalculator):
    """A calculator around ``energy(positions, cell, numbers)``.

    Results are energy, forces, stress and ``"virial"``, the derivative ``dE / d strain`` `(3, 3)` with ``x -> x (1 +
    strain)`` for positions and cell. It is not made symmetric: its antisymmetric part is the torque, of crystals, too.

    Parameters
    ----------
    energy : callable
        Takes positions `(n, 3)`, cell `(3, 3)` and atomic numbers `(n,)`, gives the energy `()` in eV.
    dtype : torch.dtype
        In which it is called.
    """

    implemented_properties = ("energy", "forces", "stress", "virial")

    def __init__(self, energy: Energy, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.energy = energy
        self.dtype = dtype
        self.evaluations = 0

    def calculate(
        self, atoms: Any = None, properties: Sequence[str] = ("energy",), system_changes: Sequence[str] = ()
    ) -> None:
        """Fill ``results`` for a structure."""
        self.atoms = atoms.copy()
        positions = torch.tensor(atoms.positions, dtype=self.dtype, requires_grad=True)
        strain = torch.zeros(3, 3, dtype=self.dtype, requires_grad=True)
        stretch = torch.eye(3, dtype=self.dtype) + strain
        cell = torch.tensor(atoms.cell.array, dtype=self.dtype)
        energy = self.energy(positions @ stretch, cell @ stretch, torch.tensor(atoms.numbers))
        slopes = torch.autograd.grad(energy, [positions, strain], materialize_grads=True, allow_unused=True)
        self.evaluations += 1
        self.results = results_of(energy.item(), -slopes[0], slopes[1], atoms)


def results_of(energy: float, forces: Tensor, virial: Tensor, atoms: Any) -> dict[str, Any]:
    """Results as ase knows them; stress where there is a volume."""
    results = {"energy": energy, "forces": forces.numpy(), "virial": virial.numpy()}
    if atoms.cell.rank == 3:
        symmetric = (virial + virial.T) / 2 / atoms.get_volume()
        results["stress"] = symmetric.flatten()[[0, 4, 8, 5, 2, 1]].numpy()
    return results
