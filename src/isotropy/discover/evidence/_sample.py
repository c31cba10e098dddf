"""Some of the samples of a stream, the same ones whatever their order and however they were shared out."""

from __future__ import annotations

import torch
from torch import Tensor

from ...symmetry._domain import row_hashes

MOST = 1000  # samples on which claims are judged: an interval is then a few per cent of its value wide
_ENTRIES = 2**22  # numbers that are kept at most; pictures are large


class Sample:
    """The points whose hashes are smallest: a random sample without a generator, which merges between processes.

    Parameters
    ----------
    event : tuple of int
        Shape of one point.
    """

    def __init__(self, event: tuple[int, ...]) -> None:
        self.points = torch.zeros(0, *event)
        self._hashes = torch.zeros(0, dtype=torch.int64)
        self._most = max(1, min(MOST, _ENTRIES // max(1, torch.Size(event).numel())))

    def update(self, x: Tensor) -> Sample:
        """Absorb points `(batch, *event)` and return self."""
        points = x.detach().cpu()
        hashes = torch.cat([self._hashes, row_hashes(points.to(torch.float64).flatten(1))])
        order = torch.sort(hashes, stable=True).indices[: self._most]
        self.points = torch.cat([self.points.to(points.dtype), points])[order]
        self._hashes = hashes[order]
        return self
