"""Numbers with their errors: blocks of correlated samples, equivalence, weights from one ensemble to another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import DataError
from .. import bars


@dataclass(frozen=True)
class Estimate:
    """A mean of correlated samples.

    Attributes
    ----------
    value, error : Tensor
        Mean and its standard error, of any shape.
    blocks : int
        Blocks behind the error.
    """

    value: Tensor
    error: Tensor
    blocks: int

    def equals(self, other: Estimate, tolerance: float, z: float = bars.EQUIVALENCE) -> bool:
        """Whether the difference lies within the tolerance, by two one-sided tests at 5 %.

        Not to differ significantly is no evidence of equality; here a large error gives False.
        """
        spread = (self.error.square() + other.error.square()).sqrt()
        return bool(((self.value - other.value).abs() + z * spread <= tolerance).all())


def block_mean(samples: Tensor, blocks: int | None = None) -> Estimate:
    """Mean over the first axis `(time, *shape)` with an error that minds correlations in time.

    Without ``blocks`` the length of blocks is doubled while at least 16 are left, and the largest error counts.

    Raises
    ------
    DataError
        If there are fewer samples than blocks, or fewer than two.
    """
    least = 2 if blocks is None else blocks
    if len(samples) < max(least, 2):
        raise DataError(f"samples: expected at least {max(least, 2)}, received {len(samples)}; sample longer")
    values = samples.to(torch.float64)
    if blocks is not None:
        return Estimate(values.mean(0), _block_error(values, len(values) // blocks), blocks)
    counts = [len(values)]
    while counts[-1] // 2 >= bars.LEAST_BLOCKS:
        counts.append(counts[-1] // 2)
    errors = torch.stack([_block_error(values, len(values) // count) for count in counts])
    return Estimate(values.mean(0), errors.amax(0), counts[-1])


def _block_error(values: Tensor, length: int) -> Tensor:
    """Standard error of the mean from means of blocks of a length."""
    count = len(values) // length
    means = values[: count * length].reshape(count, length, *values.shape[1:]).mean(1)
    return means.std(0) / math.sqrt(count)


@dataclass(frozen=True)
class Weights:
    """How much each frame of a plain run counts in the symmetrised ensemble.

    Attributes
    ----------
    values : Tensor
        `(frames,)`, of sum 1.
    effective : float
        Kish's number of effective samples as a fraction of all.
    """

    values: Tensor
    effective: float

    def mean(self, samples: Tensor) -> Tensor:
        """Weighted mean over the first axis."""
        return torch.tensordot(self.values, samples.to(torch.float64), 1)


def reweight(offsets: Tensor, temperature_energy: float) -> Weights:
    """Weights ``exp((E - E_sym) / kT)`` that turn frames of the plain model into frames of the averaged one.

    Parameters
    ----------
    offsets : Tensor
        `(frames,)` plain minus averaged energy.
    temperature_energy : float
        kT in the same unit.

    Raises
    ------
    DataError
        If kT is not positive.
    """
    if not temperature_energy > 0:
        raise DataError(f"temperature_energy: expected a positive kT, received {temperature_energy}; use units.kB * T")
    values = torch.softmax(offsets.to(torch.float64) / temperature_energy, 0)
    return Weights(values, 1 / (len(values) * float(values.square().sum())))


@dataclass(frozen=True)
class RelativeEnergies:
    """Energies of several structures by two models.

    Attributes
    ----------
    offset : float
        Mean difference, which cancels between structures.
    error : float
        Root mean square of what does not cancel.
    spread : float
        Standard deviation between structures by the second model.
    """

    offset: float
    error: float
    spread: float


def relative_energies(plain: Tensor, averaged: Tensor) -> RelativeEnergies:
    """Split differences of energies `(structures,)`, each already per molecule or atom."""
    away = plain - averaged
    return RelativeEnergies(
        float(away.mean()), float((away - away.mean()).square().mean().sqrt()), float(averaged.std(correction=0))
    )
