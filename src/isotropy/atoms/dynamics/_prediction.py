"""What broken rotations will do to orientations, from single frames and no run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...errors import DataError
from ...quadrature import Rule
from ..models._toys import directions_of_waters
from ..structure._orbit import orbits
from ..structure._properties import as_properties
from ..structure._structure import as_frames, require_frame
from ._orientations import OrientationalFreeEnergy, orientational_free_energy

Direction = Callable[[Any], Tensor]


def predicted_orientations(
    calculator: Any,
    frames: Any,
    rule: Rule,
    temperature_energy: float,
    direction: Direction = directions_of_waters,
    *,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Orientations and weights of the ensemble that a plain run would sample, from frames of the averaged one.

    Every frame x turns over the rule, from a random orientation; ``R x`` counts ``exp(-(E(R x) - <E>) / kT)`` with
    the mean over the rule. Give both to ``orientational_free_energy``, or take weighted means.

    Parameters
    ----------
    calculator : Calculator or callable
        The plain model.
    frames : Atoms or iterable of Atoms
        Vibrations at the temperature; their orientations do not matter.
    rule : Rule
        Orientations of each, such as ``lebedev(7)``.
    temperature_energy : float
        kT in eV.
    direction : callable
        From a structure to unit vectors `(molecules, 3)` that turn with it; dipoles of waters if left out.
    seed : int
        Of the random orientations.

    Returns
    -------
    u : Tensor
        `(frames * k, molecules, 3)`.
    weights : Tensor
        `(frames * k,)`, of sum 1.

    Raises
    ------
    DataError
        If kT is not positive, a frame cannot be used or the calculator fails.
    """
    if not temperature_energy > 0:
        raise DataError(f"temperature_energy: expected a positive kT, received {temperature_energy}; use units.kB * T")
    generator = torch.Generator().manual_seed(seed)
    energy = as_properties("energy")
    turned: list[Tensor] = []
    shares: list[Tensor] = []
    for index, atoms in enumerate(as_frames(frames)):
        require_frame(atoms, index, energy)
        elements = rule.randomised(generator)
        orbit = orbits(calculator, atoms, elements, energy, f"frame {index}")["energy"]
        turned.append(torch.einsum("kij,mj->kmi", elements.rotations, direction(atoms)))
        shares.append(orbit.weights * torch.exp(-(orbit.values - orbit.mean) / temperature_energy))
    weights = torch.cat(shares)
    return torch.cat(turned), weights / weights.sum()


def predicted_free_energy(
    calculator: Any,
    frames: Any,
    rule: Rule,
    temperature_energy: float,
    direction: Direction = directions_of_waters,
    *,
    width: float = 0.1,
    seed: int = 0,
) -> OrientationalFreeEnergy:
    """Orientational free energy that a plain run would show, as ``predicted_orientations`` has it.

    One block of its error for each frame, up to ten.

    Parameters
    ----------
    calculator, frames, rule, temperature_energy, direction, seed
        As for ``predicted_orientations``.
    width : float
        Of the kernels, as for ``orientational_free_energy``.
    """
    listed = as_frames(frames)
    u, weights = predicted_orientations(calculator, listed, rule, temperature_energy, direction, seed=seed)
    return orientational_free_energy(u, weights, width, blocks=min(max(len(listed), 2), 10))
