"""Scales in which every group of columns has unit covariance, from values seen chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from ..symmetry.claims import bars
from ..symmetry.claims._forms import _whitening

# Columns up to which a covariance is factored; beyond, as for pixels, a decomposition of n^3 steps would cost more
# than the map itself, and variances have to do.
_MOST_JOINT = 1024


@dataclass(frozen=True)
class Metric:
    """A linear change `(..., size)` to unit covariance about ``mean``.

    Attributes
    ----------
    mean, scale : Tensor
        `(size,)` means, and factors that give each column alone unit variance.
    joint : tuple of (slice, Tensor)
        Groups of columns with the matrix `(p, p)` that gives them unit covariance instead.
    """

    mean: Tensor
    scale: Tensor
    joint: tuple[tuple[slice, Tensor], ...]

    def __call__(self, rows: Tensor) -> Tensor:
        """Rows `(..., size)` in these scales."""
        white = rows * self.scale
        for columns, matrix in self.joint:
            white[..., columns] = rows[..., columns] @ matrix.T
        return white


class Spreads:
    """Means and spreads of columns, merged chunk by chunk about the means, so that a far centre costs no digits.

    Parameters
    ----------
    blocks : tuple of int
        Sizes of the groups of columns, in order.
    samples : int
        How many rows there will be. Groups of as many columns, such as pixels, only get unit variances.
    """

    def __init__(self, blocks: tuple[int, ...], samples: int) -> None:
        ends = torch.tensor([0, *blocks]).cumsum(0).tolist()
        spans = [slice(first, last) for first, last in pairwise(ends)]
        most = min(samples - 1, _MOST_JOINT)
        self._joint = [span for span in spans if 1 < span.stop - span.start <= most]
        self._kept: list[list[Tensor]] = [[] for _ in self._joint]
        self._count = 0
        self._mean = torch.zeros(ends[-1], dtype=torch.float64)
        self._square = torch.zeros(ends[-1], dtype=torch.float64)

    def update(self, values: Tensor) -> Spreads:
        """Absorb rows `(batch, size)` and return self."""
        rows = values.detach().to("cpu", torch.float64)
        mean = rows.mean(0)
        total, step = self._count + len(rows), mean - self._mean
        self._square += (rows - mean).square().sum(0) + step.square() * self._count * len(rows) / total
        self._mean += step * len(rows) / total
        self._count = total
        for columns, kept in zip(self._joint, self._kept, strict=True):
            kept.append(rows[:, columns])
        return self

    def metric(self) -> Metric:
        """The change to unit covariance; what is constant is measured by its size, and zeros are left as they are."""
        spread = (self._square / self._count).sqrt()
        size = (spread.square() + self._mean.square()).sqrt()
        scale = torch.where(spread > bars.TRIVIAL * size, spread, size)
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        alike = torch.ones(self._count, dtype=torch.float64)
        joint = [
            (columns, _whitening(torch.cat(kept), alike)) for columns, kept in zip(self._joint, self._kept, strict=True)
        ]
        return Metric(self._mean.clone(), 1 / scale, tuple(joint))
