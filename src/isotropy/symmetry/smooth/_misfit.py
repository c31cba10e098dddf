"""Whether samples speak against the process that was fitted to them.

Its length, size and noise are the same everywhere. Where a map changes faster far out than in the middle, one process
knows neither, and what it says of the slopes between the samples is its guess before it saw them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ._process import Process


def misfit(processes: Sequence[Process], z: Tensor) -> float:
    """p-value of the samples `(N, n)` under the processes, one for each output.

    Prediction errors, each from the samples before it and in units of its own standard deviation, are independent
    normal numbers if the process is right. Two things show that it is not: too many large ones, and large ones far out
    or in the middle. The smallest p-value counts, times their number.
    """
    from scipy.stats import kurtosistest

    found: list[float] = []
    for process in processes:
        errors = process.surprises
        found.append(float(kurtosistest(errors.numpy(), alternative="greater").pvalue))
        found.append(_related(errors.abs(), z[process.place].square().sum(1)))
    return min(len(found) * min(found), 1.0)


def _related(first: Tensor, second: Tensor) -> float:
    """p-value of two orders of N numbers being unrelated: their rank correlation is normal, of variance 1 / (N - 1)."""
    ranks = torch.stack([part.argsort().argsort().to(torch.float64) for part in (first, second)])
    correlation = torch.corrcoef(ranks)[0, 1].abs()
    return float(torch.erfc(correlation * ((len(first) - 1) / 2) ** 0.5))


def unknown(processes: Sequence[Process], values: Tensor) -> float:
    """Error of left-out values beyond the noise, in spreads of the values `(N, m)`; that of the worst output."""
    spreads = values.std(0).clamp_min(1e-300)
    beyond = [float(process.left_out.square().mean()) - process.noise**2 for process in processes]
    return float((torch.tensor(beyond, dtype=torch.float64).clamp_min(0).sqrt() / spreads).amax())
