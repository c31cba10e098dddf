"""Terms for training loops that price broken rotations."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...errors import DataError
from ...quadrature import haar
from ..probing._screen import turning
from ..structure._neighbours import Graph, energies_and_forces


def lie_penalty(module: Any, g: Graph) -> Tensor:
    """Mean square of ``dE / d angle`` over structures, from one evaluation; the cell turns along.

    Its units are those of the energy squared, per radian squared. Differentiable in the parameters.

    Parameters
    ----------
    module : callable
        Takes a ``Graph`` to energies `(structures,)`.
    g : Graph
        Structures, from ``graph``.
    """
    _, _, virials = energies_and_forces(module, g, create_graph=True)
    return turning(virials).square().sum(-1).mean()


def variance_penalty(
    module: Any, g: Graph, generator: torch.Generator, count: int = 2, inversion: bool = True, forces: bool = True
) -> Tensor:
    """Variance over random rotations of energies, plus that of back-turned forces per component.

    Parameters
    ----------
    module : callable
        Takes a ``Graph``, gives energies `(structures,)`.
    g : Graph
        Structures.
    generator : torch.Generator
        Of the rotations.
    count : int
        Rotations, the same for all structures; the estimate is unbiased from 2 on.
    inversion : bool
        Whether some of them are improper.
    forces : bool
        Whether forces count.

    Raises
    ------
    DataError
        If fewer than two rotations are asked for.
    """
    if count < 2:
        raise DataError(f"count: expected at least 2 rotations for a variance, received {count}; 2 is usual")
    rotations = haar(count, generator).rotations
    if inversion:
        signs = 1 - 2 * torch.randint(2, (count, 1, 1), generator=generator)
        rotations = rotations * signs
    copies = g.copies(rotations)
    if not forces:
        return module(copies).reshape(count, g.count).var(0).mean()
    energies, pushed, _ = energies_and_forces(module, copies, create_graph=True)
    back = pushed.reshape(count, -1, 3) @ rotations.to(pushed)
    return energies.reshape(count, g.count).var(0).mean() + back.var(0).mean()
