"""Lengths of numbers that have units of their own."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...symmetry.claims import bars


def whitening(values: Tensor, blocks: tuple[int, ...], known: float = 0.0) -> Tensor:
    """A matrix `(q, m)` that gives values `(S, m)` unit covariance, summand by summand of sizes ``blocks``.

    Principal components that are not wider than ``known``, in widths of the columns, are left out.
    """
    return torch.block_diag(*[_of_one(part, known) for part in values.split(blocks, dim=1)])


def _of_one(values: Tensor, known: float) -> Tensor:
    """The same of one summand; of many columns, such as pixels, it only gives each unit variance.

    Components narrower than a thousandth of the columns count as that wide; a constant column as wide as it is large.
    """
    spread = values.std(0, correction=0)
    size = values.square().mean(0).sqrt()
    spread = torch.where(spread > bars.TRIVIAL * size, spread, size)
    spread = torch.where(spread > 0, spread, torch.ones_like(spread))
    if values.shape[1] == 1 or values.shape[1] > bars.FEW_COLUMNS * len(values):
        return torch.diag(1 / spread)
    factor = torch.linalg.qr((values - values.mean(0)) / spread, mode="r").R / math.sqrt(len(values))
    _, wide, axes = torch.linalg.svd(factor)
    kept = wide > min(known, float(wide[0]) / 2)  # the widest is always known
    return axes[kept] / wide[kept].clamp_min(bars.LEAST_COMPONENT)[:, None] / spread
