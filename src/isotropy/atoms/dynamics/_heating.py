"""What noise of forces does to the energy of a simulation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def heating(variances: Tensor, masses: Any, timestep: float) -> float:
    """Power that independent noise of forces adds, ``(dt / 2) sum s_i^2 / m_i``.

    Parameters
    ----------
    variances : Tensor
        `(atoms, 3)` variances of the force components, such as ``orbits["forces"].squares``.
    masses : array_like
        `(atoms,)`.
    timestep : float
        In units of ase; the power is then in eV per such unit.

    Examples
    --------
    >>> heating(torch.ones(2, 3), [1.0, 3.0], 0.5)
    1.0
    """
    inverse = 1 / torch.as_tensor(masses, dtype=torch.float64)[:, None]
    return timestep / 2 * float((variances.to(torch.float64) * inverse).sum())
