"""Whether forces derive from an energy: the antisymmetric part of their Jacobian, beside net force and torque."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...errors import DataError
from ..structure._properties import as_properties, evaluate
from ..structure._structure import plain_copy, require_frame


@dataclass(frozen=True)
class Curl:
    """What forces that come straight from a model may break.

    Attributes
    ----------
    jacobian : Tensor
        `(3 atoms, 3 atoms)` derivatives of forces by positions, in eV/A^2.
    net_force : float
        Norm of the sum of forces: translations.
    torque : float
        Norm of the torque of an isolated structure: rotations, if forces are a gradient. NaN where periodic.
    evaluations : int
        Of the calculator.
    """

    jacobian: Tensor
    net_force: float
    torque: float
    evaluations: int

    @property
    def size(self) -> float:
        """Root mean square of the antisymmetric part, in eV/A^2."""
        return float((self.jacobian - self.jacobian.T).square().mean().sqrt()) / 2

    @property
    def relative(self) -> float:
        """Norm of the antisymmetric part over that of the Jacobian: 0 for a gradient, 1 for a pure curl."""
        return float((self.jacobian - self.jacobian.T).norm() / (2 * self.jacobian.norm()))


def curl(calculator: Any, atoms: Any, step: float = 1e-3) -> Curl:
    """Differentiate forces by central differences, with six evaluations for each atom.

    Energy is not conserved where forces have a curl, and no average over rotations takes it away.

    Parameters
    ----------
    calculator : Calculator or callable
        Of ase, or a function ``atoms -> {"forces": ...}``.
    atoms : Atoms
        The structure.
    step : float
        Of differences, in angstrom.

    Raises
    ------
    DataError
        If the step is not positive, the structure cannot be used or the calculator fails.
    """
    if not step > 0:
        raise DataError(f"step: expected a positive distance, received {step}; 1e-3 suits float64")
    require_frame(atoms, 0, ())
    forces = as_properties("forces")
    rest = evaluate(calculator, atoms, forces)["forces"]
    columns: list[Tensor] = []
    for place in range(3 * len(atoms)):
        ends: list[Tensor] = []
        for sign in (1.0, -1.0):
            moved = plain_copy(atoms)
            moved.positions[place // 3, place % 3] += sign * step
            ends.append(evaluate(calculator, moved, forces)["forces"].flatten())
        columns.append((ends[0] - ends[1]) / (2 * step))
    arms = torch.as_tensor(atoms.positions - atoms.positions.mean(0))
    torque = torch.nan if atoms.pbc.any() else float(torch.linalg.cross(arms, rest).sum(0).norm())
    return Curl(torch.stack(columns, 1), float(rest.sum(0).norm()), torque, 6 * len(atoms) + 1)
