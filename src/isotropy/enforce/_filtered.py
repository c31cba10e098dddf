"""Kernels of large tensor products by Chebyshev-filtered subspace iteration, without matrices of full size."""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

from ..core._linalg import StreamedQR
from ..errors import AmbiguousRankWarning
from ._spectrum import Rank, Spectrum, decide
from ._tensor_product import TensorProduct

_BLOCK = 32  # vectors to begin with; doubled while the kernel fills the block
_ROUNDS = 60
_GAIN = 8.0  # exponent of the gain per round of the kernel over the rest of the block
_SETTLED = 1e-3  # relative change of a singular value from one round to the next
_ZERO = 1e-11  # singular values that no longer matter
_FULL = 0.02  # a block whose largest value falls below is taken for kernel alone, and a wider one is tried
_EDGE = 4e-4  # of the filter, at least


def filtered_kernel(product: TensorProduct, rank: Rank, noise: float, seed: int) -> Tensor:
    """Orthonormal kernel `(k, size)` of all conditions together.

    ``p(M) V`` with ``M = sum_i L_i^T L_i`` and a Chebyshev polynomial ``p`` that is small on the spectrum of M above
    the block's own values; singular values are taken from ``L V`` itself, not from M.
    """
    merged = product.merged()
    scale = merged.bound()
    generator = torch.Generator().manual_seed(seed)
    width = min(_BLOCK, product.size)
    block = torch.randn(width, product.size, generator=generator, dtype=torch.float64)
    while True:
        spectrum = _converged(merged, block, scale)
        if len(block) == product.size or float(spectrum.values[-1]) >= _FULL:
            kernel = decide(spectrum, rank, noise)
            if len(kernel) < len(block) - 2 or len(block) == product.size:
                return kernel
        extra = min(len(block), product.size - len(block))
        fresh = torch.randn(extra, product.size, generator=generator, dtype=torch.float64)
        block = torch.cat([spectrum.vectors, fresh])


def _converged(product: TensorProduct, block: Tensor, scale: float) -> Spectrum:
    """Filter until the smallest singular values settle."""
    spectrum = _rotated(product, block, scale)
    for _ in range(_ROUNDS):
        if float(spectrum.values[-1]) < _FULL:
            return spectrum
        edge = min(max(float(spectrum.values[-1]) ** 2, _EDGE), 0.9)
        filtered = _filter(product, spectrum.vectors, scale, edge)
        before, spectrum = spectrum.values, _rotated(product, filtered, scale)
        changes = (spectrum.values.clamp(min=_ZERO) / before.clamp(min=_ZERO) - 1).abs()
        if bool((changes[: max(1, len(block) // 2)] < _SETTLED).all()):
            return spectrum
    warnings.warn(
        f"expected singular values settled to {_SETTLED} within {_ROUNDS} rounds, received changes of "
        f"{float(changes.max()):.1e}; look at a smaller product, or pass rank= as a threshold",  # type: ignore
        AmbiguousRankWarning,
        stacklevel=2,
    )
    return spectrum


def _filter(product: TensorProduct, block: Tensor, scale: float, edge: float) -> Tensor:
    """Chebyshev polynomial of ``M / scale^2`` that is at most 1 on ``[edge, 1]``."""
    degree = min(400, max(6, math.ceil(_GAIN / (2 * math.sqrt(edge)))))
    centre, half = (1 + edge) / 2, (1 - edge) / 2
    previous, current = block, (_squared(product, block, scale) - centre * block) / half
    for _ in range(degree - 1):
        following = 2 / half * (_squared(product, current, scale) - centre * current) - previous
        size = float(following.norm())
        previous, current = current / size, following / size
    return current


def _squared(product: TensorProduct, v: Tensor, scale: float) -> Tensor:
    total = torch.zeros_like(v)
    for index in range(product.count):
        total += product.apply(index, product.apply(index, v), transposed=True)
    return total / scale**2


def _rotated(product: TensorProduct, block: Tensor, scale: float) -> Spectrum:
    """Singular values, ascending and relative to the bound, of the conditions on the span of a block."""
    rows = torch.linalg.qr(block.T).Q.T.contiguous()
    streamed = StreamedQR(len(rows))
    for index in range(product.count):
        streamed.update(product.apply(index, rows).T)
    _, values, vh = torch.linalg.svd(streamed.R, full_matrices=True)
    padded = torch.cat([values, torch.zeros(len(rows) - len(values), dtype=torch.float64)])
    return Spectrum((padded / max(scale, 1e-300)).flip(0), vh.flip(0) @ rows)
