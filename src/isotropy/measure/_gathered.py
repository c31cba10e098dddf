"""What the samples tell about a map, and the report on it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ._evidence import Evidence
from ._floor import floor_of, relative_rounding
from ._metric import Metric
from ._numbers import numbers
from ._report import SymmetryReport
from ._summary import plain_sizes, require_sizes, summarise


@dataclass(frozen=True)
class Gathered:
    """What the samples tell about a map, or about one activation.

    Attributes
    ----------
    evidence : Evidence
        All samples.
    outputs : Metric
        Scales of the values.
    squares : Tensor
        `(3, dim + 1)` mean squares of the terms, as from ``term_squares``.
    value : Tensor
        `(out,)` mean squares of the values, as they come.
    products : Tensor
        `(rows, dim)` products of slopes and motions that may cancel, as from ``uncancelled``, in scales of the outputs.
    """

    evidence: Evidence
    outputs: Metric
    squares: Tensor
    value: Tensor
    products: Tensor

    def report(
        self, names: list[str], method: str, dtype: torch.dtype, level: float, noise: Tensor | None = None
    ) -> SymmetryReport:
        """The numbers, with ``noise`` `(rows, dim, out)` between two precisions where it was seen."""
        require_sizes(self.value)
        rounding = relative_rounding(method, dtype)
        found = numbers(self.evidence, rounding, level)
        motion = self.evidence.factors.motion
        return summarise(
            (*found.defects, found.defect),
            (*found.effects, found.effect),
            names,
            plain_sizes(self.squares, rounding * float(self.value.sum().sqrt())),
            floor=floor_of(method, dtype, found.active, self.products, noise, self.outputs, motion),
            method=method,
            dtype=dtype,
            samples=self.evidence.samples,
            effective=found.effective,
            level=level,
        )
