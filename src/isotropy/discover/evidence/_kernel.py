"""The kernel of ``xi -> L_xi f`` relative to how far each generator moves the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...core import bars as cuts
from ...core._linalg import Cut, cut_spectrum, principal_angles
from ._evidence import Factors


@dataclass(frozen=True)
class Kernel:
    """Candidate directions sorted by how much they are broken.

    Attributes
    ----------
    spectrum : Tensor
        `(r,)` descending equivariance errors in [0, 1] of the moving directions.
    directions : Tensor
        `(r, dim)` the directions, in the same order, orthonormal in the motion they cause.
    trivial : Tensor
        `(dim - r, dim)` directions that move neither data nor outputs.
    cut : Cut
        How many of them are kernel.
    """

    spectrum: Tensor
    directions: Tensor
    trivial: Tensor
    cut: Cut

    @property
    def null(self) -> Tensor:
        """Directions `(k, dim)` counted as kernel."""
        return self.directions[len(self.directions) - self.cut.dim :]

    @property
    def broken(self) -> Tensor:
        """Directions `(r - k, dim)` counted as broken."""
        return self.directions[: len(self.directions) - self.cut.dim]

    @property
    def smallest_broken(self) -> float:
        """Smallest error counted as broken; 1 if there is none."""
        return float(self.spectrum[len(self.broken) - 1]) if len(self.broken) else 1.0

    @property
    def all_broken(self) -> bool:
        """Whether even the least broken direction stands clear of the noise."""
        return bool((self.spectrum >= cuts.MIN_GAP * self.cut.floor).all())


def relative_kernel(
    factors: Factors, *, rank: str | int | float, floor: float, resolution: float, tolerance: float
) -> Kernel:
    """Solve the generalised singular value problem of ``L`` against the motion.

    The motion factor ``B`` of ``|moved xi|^2 + |turned xi|^2`` is divided out, so the answer does not depend on the
    basis of the candidates nor on a unit that all columns share, and directions with ``B xi = 0`` come out first, as
    trivial.

    Parameters
    ----------
    factors : Factors
        Triangular factors of the samples.
    rank, floor, tolerance
        As in ``cut_spectrum``.
    resolution : float
        Directions whose motion is below this fraction of the largest are trivial.
    """
    motion = torch.cat([factors.moved, factors.turned])
    scale = torch.linalg.vector_norm(motion, dim=0)
    unit = torch.where(scale > 0, scale, torch.ones_like(scale))
    _, sizes, axes = torch.linalg.svd(motion / unit, full_matrices=True)
    padded = torch.zeros(motion.shape[1], dtype=torch.float64)
    padded[: len(sizes)] = sizes
    moving = padded > resolution * padded.amax() if bool(padded.amax() > 0) else padded > 0
    whitened = (axes[moving] / padded[moving, None]) / unit  # (r, dim)
    _, _, rotation = torch.linalg.svd(factors.broken @ whitened.T, full_matrices=True)
    directions = rotation @ whitened
    errors = factors.errors(directions) if len(directions) else torch.zeros(0, dtype=torch.float64)
    order = torch.argsort(errors, descending=True, stable=True)
    errors = errors[order].clamp(0.0, 1.0)
    cut = cut_spectrum(errors, rank=rank, floor=floor, tolerance=tolerance)
    return Kernel(errors, directions[order], axes[~moving] / unit, cut)


def again(factors: Factors, kernel: Kernel, rules: dict[str, Any]) -> Kernel:
    """The kernel of the same dimension from other samples, or of as many directions as those samples move."""
    free = relative_kernel(factors, **{**rules, "rank": 0})
    return relative_kernel(factors, **{**rules, "rank": min(kernel.cut.dim, len(free.directions))})


def subspace_sine(first: Tensor, second: Tensor, motion: Tensor) -> float:
    """Sine of the largest principal angle between spans `(k, dim)`, in the metric of ``motion`` `(rows, dim)`."""
    if not len(first):
        return 0.0
    return float(torch.sin(principal_angles(first @ motion.T, second @ motion.T).amax()))
