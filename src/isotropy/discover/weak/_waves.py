"""Functions of the state that are no polynomials of low degree: plane waves of a few lengths."""

from __future__ import annotations

import torch
from torch import Tensor

from .. import bars


class Waves:
    """Sines and cosines along random directions, on whitened coordinates.

    Parameters
    ----------
    size : int
        Number of coordinates.

    Attributes
    ----------
    count : int
        Number of functions.
    """

    def __init__(self, size: int) -> None:
        generator = torch.Generator().manual_seed(0)
        normal = torch.randn(bars.WAVES, size, generator=generator, dtype=torch.float64)
        rates = torch.linspace(bars.SLOWEST_WAVE, bars.FASTEST_WAVE, bars.WAVES, dtype=torch.float64)
        self._rates = normal / normal.norm(dim=1, keepdim=True) * rates[:, None]
        self.count = 2 * len(rates)

    def values(self, z: Tensor) -> Tensor:
        """Values `(batch, count)` at whitened points `(batch, n)`."""
        phases = z @ self._rates.T
        return torch.cat([torch.sin(phases), torch.cos(phases)], dim=1)

    def slopes(self, z: Tensor) -> Tensor:
        """Derivatives `(batch, count, n)`."""
        phases = z @ self._rates.T
        return torch.cat([torch.cos(phases)[:, :, None] * self._rates, -torch.sin(phases)[:, :, None] * self._rates], 1)
