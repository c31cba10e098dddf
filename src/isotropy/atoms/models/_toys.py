"""Energies whose symmetry is known: controls that a probe has to pass and to fail."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

HARTREE = 27.211386245988  # eV
_STRENGTH = 0.02 * HARTREE


def dipoles(positions: Tensor) -> Tensor:
    """Unit vectors `(molecules, 3)` from O to the middle of H and H, for waters in the order O, H, H."""
    waters = positions.reshape(-1, 3, 3)
    toward = (waters[:, 1] + waters[:, 2]) / 2 - waters[:, 0]
    return toward / toward.norm(dim=1, keepdim=True)


def _waters(positions: Tensor, numbers: Tensor) -> Tensor:
    """Positions in the order O, H, H for each molecule, by the two hydrogens next to each oxygen."""
    oxygen, hydrogen = positions[numbers == 8], positions[numbers == 1]
    nearest = torch.cdist(oxygen.detach(), hydrogen.detach()).topk(2, largest=False).indices
    return torch.cat([oxygen[:, None], hydrogen[nearest]], 1).flatten(0, 1)


def directions_of_waters(atoms: Any) -> Tensor:
    """Dipole directions `(molecules, 3)` of a structure of waters in any order of atoms."""
    return dipoles(_waters(torch.as_tensor(atoms.positions), torch.as_tensor(atoms.numbers)))


def lab_field(positions: Tensor, cell: Tensor, numbers: Tensor) -> Tensor:
    """``k sum (exp(u_x) + exp(u_y / 2) + exp(2 u_z))`` over dipoles u of waters: every degree, decaying fast.

    Its average over rotations is ``lab_field_mean()`` for each molecule.
    """
    x, y, z = dipoles(_waters(positions, numbers)).unbind(1)
    return _STRENGTH * (x.exp() + (y / 2).exp() + (2 * z).exp()).sum()


def lab_field_mean() -> float:
    """Exact average of ``lab_field`` for one molecule, in eV.

    >>> round(1000 * lab_field_mean(), 3)
    2193.685
    """
    return _STRENGTH * (math.sinh(1) + math.sinh(0.5) / 0.5 + math.sinh(2) / 2)


class Banded(torch.nn.Module):
    """``sum_l a_l sum P_l(u_z)`` over dipoles u of waters: nothing above the last degree.

    Parameters
    ----------
    amplitudes : sequence of float
        ``a_0, a_1, ...`` in eV.
    """

    def __init__(self, amplitudes: Sequence[float]) -> None:
        super().__init__()
        self.amplitudes = tuple(amplitudes)

    def forward(self, positions: Tensor, cell: Tensor, numbers: Tensor) -> Tensor:
        """Energy of one structure."""
        z = dipoles(_waters(positions, numbers))[:, 2]
        before, now = torch.zeros_like(z), torch.ones_like(z)
        total = torch.zeros_like(z)
        for l, amplitude in enumerate(self.amplitudes):
            total = total + amplitude * now
            before, now = now, ((2 * l + 1) * z * now - l * before) / (l + 1)
        return total.sum()


class Handed(torch.nn.Module):
    """``k (a x b) . c`` of the four lightest atoms, seen from the lightest: only inversion averages it away."""

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, positions: Tensor, cell: Tensor, numbers: Tensor) -> Tensor:
        """Energy of one structure."""
        ordered = positions[torch.argsort(numbers, stable=True)]
        a, b, c = ordered[1:4] - ordered[0]
        return self.strength * torch.dot(torch.linalg.cross(a, b), c)


class SpringWater(torch.nn.Module):
    """Flexible waters of harmonic bonds O-H and H-H: exactly invariant.

    Parameters
    ----------
    bond, across : float
        Rest lengths in angstrom.
    stiffness : float
        In eV per square angstrom.
    """

    def __init__(self, bond: float = 0.96, across: float = 1.52, stiffness: float = 48.0) -> None:
        super().__init__()
        self.bond = bond
        self.across = across
        self.stiffness = stiffness

    def forward(self, positions: Tensor, cell: Tensor, numbers: Tensor) -> Tensor:
        """Energy of one structure."""
        oxygen, first, second = _waters(positions, numbers).reshape(-1, 3, 3).unbind(1)
        bonds = torch.stack([(first - oxygen).norm(dim=1), (second - oxygen).norm(dim=1)])
        across = (second - first).norm(dim=1)
        strain = (bonds - self.bond).square().sum() + (across - self.across).square().sum() / 4
        return self.stiffness / 2 * strain


class Together(torch.nn.Module):
    """The sum of energies."""

    def __init__(self, *parts: torch.nn.Module) -> None:
        super().__init__()
        self.parts = torch.nn.ModuleList(parts)

    def forward(self, positions: Tensor, cell: Tensor, numbers: Tensor) -> Tensor:
        """Energy of one structure."""
        return torch.stack([part(positions, cell, numbers) for part in self.parts]).sum()
