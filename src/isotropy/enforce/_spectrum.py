"""The spectrum of the conditions, and where it is cut."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from ..core._linalg import EPSILON, StreamedQR, cut_spectrum
from ..errors import AmbiguousRankWarning
from ..symmetry import bars
from ._tensor_product import TensorProduct

Rank = str | int | float


@dataclass(frozen=True)
class Spectrum:
    """Singular values `(m,)` in [0, 1], ascending, and their right vectors `(m, size)`."""

    values: Tensor
    vectors: Tensor


def dense_spectrum(product: TensorProduct) -> Spectrum:
    """All singular values of the stacked conditions."""
    generators, elements = product.matrices()
    streamed = StreamedQR(product.size)
    moves = elements - torch.eye(product.size, dtype=torch.float64)
    for rows in torch.cat([generators, moves]).flatten(0, 1).split(max(1000, 2 * product.size)):
        streamed.update(rows)
    _, values, vh = torch.linalg.svd(streamed.R, full_matrices=True)
    padded = torch.cat([values, torch.zeros(product.size - len(values), dtype=torch.float64)])
    return Spectrum((padded / max(product.bound(), 1e-300)).flip(0), vh.flip(0))


def decide(spectrum: Spectrum, rank: Rank, noise: float) -> Tensor:
    """The vectors `(k, size)` that count as kernel; by gap, only values small against all and against the next.

    ``noise`` is how far the generators are from an algebra: values below it make no steps.
    """
    rounding = bars.INVARIANT_ROUNDINGS * EPSILON * max(spectrum.vectors.shape[1], 100)
    floor = max(rounding, noise) if rank == "gap" else rounding
    cut = cut_spectrum(spectrum.values.flip(0), rank=rank, floor=floor, tolerance=bars.ZERO_INVARIANT)
    if rank == "gap" and cut.dim and cut.residual > bars.EXACT_INVARIANT and cut.gap < bars.INVARIANT_GAP:
        _warn(spectrum.values, cut.dim, cut.gap)
        return spectrum.vectors[:0]
    return spectrum.vectors[: cut.dim]


def _warn(values: Tensor, dim: int, gap: float) -> None:
    shown = ", ".join(f"{float(v):.2g}" for v in values[: dim + 2])
    warnings.warn(
        f"expected a step of at least {bars.INVARIANT_GAP} in the spectrum, received {gap:.2g} after the smallest "
        f"{dim} of [{shown}, ...]; none of them is counted as zero, pass rank= as a threshold to decide otherwise",
        AmbiguousRankWarning,
        stacklevel=4,
    )
