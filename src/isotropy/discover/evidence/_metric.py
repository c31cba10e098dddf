"""Lengths of numbers that have units of their own."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...symmetry.claims import bars


def whitening(values: Tensor, blocks: tuple[int, ...]) -> Tensor:
    """A matrix `(m, m)` that gives values `(S, m)` unit covariance, summand by summand of sizes ``blocks``."""
    return torch.block_diag(*[_of_one(part) for part in values.split(blocks, dim=1)])


def _of_one(values: Tensor) -> Tensor:
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
    return axes / wide.clamp_min(bars.LEAST_COMPONENT)[:, None] / spread
