"""What a measurement is drawn from: forms of all samples that can be resampled along any directions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from ..symmetry.claims._forms import Forms, forms_of
from ..symmetry.claims._resamples import Resamples, effective_samples, resample
from ..symmetry.claims._rows import Rows
from ..symmetry.claims._span import Factors, factors_of


class Evidence(Protocol):
    """Samples of a map under known generators."""

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        ...

    @property
    def samples(self) -> int:
        """Number of samples that tell different things."""
        ...

    @property
    def factors(self) -> Factors:
        """Triangular factors of the three forms."""
        ...

    def draw(self, directions: Tensor) -> Resamples:
        """Resamples of the forms along directions `(k, dim)`."""
        ...

    def effective(self, directions: Tensor) -> float:
        """How many samples carry what chance gives along directions `(k, dim)`."""
        ...


@dataclass(frozen=True)
class Whole:
    """Evidence from the whole Jacobians of a map, where they fit: chance pairs every gradient with every motion."""

    rows: Rows
    seed: int

    @cached_property
    def _forms(self) -> Forms:
        return forms_of(self.rows)

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return self.rows.values.shape[1]

    @property
    def samples(self) -> int:
        """Number of different points."""
        return len(self._forms.lie)

    @property
    def factors(self) -> Factors:
        """Triangular factors of the three forms."""
        return self._factors

    @cached_property
    def _factors(self) -> Factors:
        return factors_of(self._forms)

    def draw(self, directions: Tensor) -> Resamples:
        """Resamples of the forms along directions `(k, dim)`."""
        return resample(self._forms, directions, torch.Generator().manual_seed(self.seed))

    def effective(self, directions: Tensor) -> float:
        """How many samples carry what chance gives along directions `(k, dim)`."""
        return effective_samples(self._forms, directions)
