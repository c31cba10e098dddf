"""The energy's derivative under rotation, from one evaluation where a calculator allows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...errors import DataError
from ..structure._properties import as_properties, evaluate, offers
from ..structure._structure import as_frames, require_frame, turned

_AXES = torch.eye(3, dtype=torch.float64)


@dataclass(frozen=True)
class Screening:
    """Lie derivatives of the energy along rotations.

    Attributes
    ----------
    slopes : Tensor
        `(frames, 3)`, ``dE / d angle`` about x, y and z in eV per radian; minus the torque of an isolated structure.
    methods : tuple of str
        For each frame ``"torque"``, ``"virial"`` or ``"difference"``.
    net_force : Tensor
        `(frames,)` norms of the sum of forces, NaN where forces were not needed; not 0 if translations are broken.
    evaluations : int
        Of the calculator.
    """

    slopes: Tensor
    methods: tuple[str, ...]
    net_force: Tensor
    evaluations: int

    @property
    def root_mean_square(self) -> float:
        """Of the norm of the slope over frames."""
        return float(self.slopes.square().sum(1).mean().sqrt())

    @property
    def largest(self) -> float:
        """Norm of the slope in the worst frame."""
        return float(self.slopes.norm(dim=1).max())

    def __str__(self) -> str:
        """The answer in a line."""
        return (
            f"dE/d(angle): {self.root_mean_square:.3g} eV/rad root mean square, {self.largest:.3g} at most, "
            f"{len(self.methods)} frames, {self.evaluations} evaluations, by {' and '.join(sorted(set(self.methods)))}"
        )


def screen(calculator: Any, frames: Any, step: float = 1e-3) -> Screening:
    """How the energy changes when structures turn, to first order.

    Isolated structures: the torque, from one evaluation of forces. Periodic ones turn together with their cell: the
    antisymmetric part of ``"virial"``, where the calculator gives that whole derivative by strain. A stress of six
    numbers has lost this part; the energy is then differenced over small turns of structure and cell.

    Parameters
    ----------
    calculator : Calculator or callable
        Of ase, or a function ``atoms -> {name: value}``.
    frames : Atoms or iterable of Atoms
        Structures.
    step : float
        Angle of differences, in radian.

    Raises
    ------
    DataError
        If there is no frame, a frame cannot be turned, or the calculator fails.
    """
    rows = [_slope(calculator, atoms, index, step) for index, atoms in enumerate(as_frames(frames))]
    return Screening(
        torch.stack([row[0] for row in rows]),
        tuple(row[1] for row in rows),
        torch.tensor([row[2] for row in rows], dtype=torch.float64),
        sum(row[3] for row in rows),
    )


def _slope(calculator: Any, atoms: Any, index: int, step: float) -> tuple[Tensor, str, float, int]:
    """Slope, method, net force and number of evaluations."""
    require_frame(atoms, index, ())
    where = f"frame {index}"
    periodic = bool(atoms.pbc.any())
    if not periodic and offers(calculator, "forces", atoms):
        forces = evaluate(calculator, atoms, as_properties("forces"), where)["forces"]
        arms = torch.as_tensor(atoms.positions) - torch.as_tensor(atoms.positions).mean(0)
        return -torch.linalg.cross(arms, forces).sum(0), "torque", float(forces.sum(0).norm()), 1
    if periodic and offers(calculator, "virial", atoms):
        return turning(evaluate(calculator, atoms, as_properties("virial"), where)["virial"]), "virial", torch.nan, 1
    return _difference(calculator, atoms, where, step), "difference", torch.nan, 6


def turning(virial: Tensor) -> Tensor:
    """``eps_abc W_ab`` `(..., 3)` of ``W = dE / d strain`` `(..., 3, 3)`: the derivative by the angle."""
    odd = virial - virial.transpose(-1, -2)
    return torch.stack([odd[..., 1, 2], odd[..., 2, 0], odd[..., 0, 1]], dim=-1)


def _difference(calculator: Any, atoms: Any, where: str, step: float) -> Tensor:
    """Central differences of the energy over small turns."""
    if not step > 0:
        raise DataError(f"step: expected a positive angle, received {step}; 1e-3 suits float64")
    energy = as_properties("energy")
    slopes: list[Tensor] = []
    for axis in _AXES:
        ends = [
            evaluate(calculator, turned(atoms, rotation(sign * step * axis)), energy, where)["energy"]
            for sign in (1.0, -1.0)
        ]
        slopes.append((ends[0] - ends[1]) / (2 * step))
    return torch.stack(slopes)


def rotation(vector: Tensor) -> Tensor:
    """The rotation about a vector `(3,)` by its length."""
    x, y, z = vector.unbind()
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).reshape(3, 3)
    return torch.linalg.matrix_exp(cross)
