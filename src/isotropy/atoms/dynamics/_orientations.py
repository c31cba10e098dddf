"""How orientations are distributed: flat for an invariant model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import DataError

_COSINES, _ANGLES = 101, 201


@dataclass(frozen=True)
class OrientationalFreeEnergy:
    """``-ln P`` of the direction on a grid, with P = 1 where uniform.

    Attributes
    ----------
    cosines, angles : Tensor
        `(101,)` cosines of the angle with z, `(201,)` angles about z.
    value, error : Tensor
        `(101, 201)` in units of kT, with standard errors over blocks.
    """

    cosines: Tensor
    angles: Tensor
    value: Tensor
    error: Tensor


def orientational_free_energy(
    u: Tensor, weights: Tensor | None = None, width: float = 0.1, blocks: int = 10
) -> OrientationalFreeEnergy:
    """Free energy of the direction of unit vectors, by Gaussian kernels in the cosine and the angle about z.

    Parameters
    ----------
    u : Tensor
        `(frames, 3)` or `(frames, molecules, 3)` unit vectors.
    weights : Tensor, optional
        `(frames,)`, such as those of ``reweight``.
    width : float
        Of kernels; reflected at the poles and periodic about z.
    blocks : int
        For errors.

    Raises
    ------
    DataError
        If there are fewer frames than blocks, or fewer than two blocks.
    """
    if blocks < 2 or len(u) < blocks:
        raise DataError(f"blocks: expected 2 to {len(u)}, the number of frames, received {blocks}; choose fewer")
    cosines = torch.linspace(-1, 1, _COSINES, dtype=torch.float64)
    angles = torch.linspace(-math.pi, math.pi, _ANGLES, dtype=torch.float64)
    frames = u.reshape(len(u), -1, 3).to(torch.float64)
    shares = torch.ones(len(u), dtype=torch.float64) if weights is None else weights.to(torch.float64)
    densities = torch.stack(
        [
            _density(part, share, cosines, angles, width)
            for part, share in zip(frames.chunk(blocks), shares.chunk(blocks), strict=True)
        ]
    )
    # Where a block saw nothing a ratio says little: errors are those of the density, carried over to first order.
    mean = _density(frames, shares, cosines, angles, width)
    error = densities.std(0) / math.sqrt(len(densities)) / mean
    return OrientationalFreeEnergy(cosines, angles, -mean.log(), error)


def _density(u: Tensor, weights: Tensor, cosines: Tensor, angles: Tensor, width: float) -> Tensor:
    """Density relative to the uniform one."""
    x, y, z = u.flatten(0, 1).unbind(1)
    shares = weights.repeat_interleave(u.shape[1])
    height = sum((_kernel(cosines[:, None] - image, width) for image in (z, 2 - z, -2 - z)), torch.zeros(()))
    turn = torch.atan2(y, x)
    around = sum(
        (_kernel(angles[:, None] - turn - shift, width) for shift in (0, 2 * math.pi, -2 * math.pi)), torch.zeros(())
    )
    return 4 * math.pi * (height * (shares / shares.sum())) @ around.T


def _kernel(distance: Tensor, width: float) -> Tensor:
    return torch.exp(-0.5 * (distance / width) ** 2) / (width * math.sqrt(2 * math.pi))
