"""From squared sizes per sample to errors with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..core._checks import require_fraction
from ..errors import DataError
from ._report import SymmetryReport

_RESAMPLES = 400


@dataclass(frozen=True)
class Noise:
    """What rounding alone can do.

    Attributes
    ----------
    floor : float
        Relative errors up to it cannot be told from 0.
    quiet : float
        Motions of the value up to this size cannot be told from none.
    """

    floor: float
    quiet: float = 0.0


def root_mean(squares: Tensor) -> float:
    """Root of the mean of squares `(samples,)`."""
    return float(squares.mean().sqrt())


def ratios(squares: Tensor, quiet: float = 0.0) -> Tensor:
    """Errors `(c,)` from mean squares `(3, c)` of what is broken and of both terms that could be.

    NaN for 0/0, that is where the terms together do not exceed ``quiet``.
    """
    broken, moved, turned = squares.sqrt()
    whole = moved + turned
    # Rounding may carry a ratio of equal numbers past 1 by a few units in the last place.
    return torch.where(whole > quiet, broken / whole, torch.full_like(whole, torch.nan)).clamp(max=1.0)


def intervals(squares: Tensor, confidence: float, seed: int, quiet: float = 0.0) -> Tensor:
    """Percentile intervals `(c, 2)` of the errors over resampled samples, with the errors; NaN for a single sample."""
    samples, columns = squares.shape[1:]
    if samples < 2:
        return torch.full((columns, 2), torch.nan, dtype=torch.float64)
    flat = squares.transpose(0, 1).reshape(samples, -1)
    generator = torch.Generator().manual_seed(seed)
    drawn: list[Tensor] = []
    for _ in range(_RESAMPLES):
        chosen = torch.randint(samples, (samples,), generator=generator)
        weights = torch.bincount(chosen, minlength=samples).to(flat) / samples
        drawn.append(ratios((weights @ flat).reshape(3, columns), quiet))
    tails = torch.tensor([(1 - confidence) / 2, (1 + confidence) / 2], dtype=torch.float64)
    ends = torch.stack(drawn).nanquantile(tails, dim=0)
    error = ratios(squares.mean(1), quiet)  # where one sample outweighs all others, resampling may miss it by rounding
    return torch.stack([ends[0].minimum(error), ends[1].maximum(error)], dim=1)


def summarise(
    squares: Tensor,
    names: list[str],
    *,
    noise: Noise,
    method: str,
    dtype: torch.dtype,
    confidence: float,
    seed: int,
) -> SymmetryReport:
    """Report on squared sizes `(3, samples, dim + 1)`: one column per generator, then all of them together.

    Raises
    ------
    DataError
        If a square overflows.
    """
    require_fraction(confidence, "confidence")
    if not bool(torch.isfinite(squares).all()):
        raise DataError(
            "f: expected values and derivatives whose squares are finite numbers, received larger ones; rescale the map"
        )
    means = squares.mean(1)
    errors, sizes = ratios(means, noise.quiet), means[0].sqrt()
    ends = intervals(squares, confidence, seed, noise.quiet)
    return SymmetryReport(
        relative_error=float(errors[-1]),
        absolute_error=float(sizes[-1]),
        interval=(float(ends[-1, 0]), float(ends[-1, 1])),
        per_generator=errors[:-1],
        per_generator_absolute=sizes[:-1],
        per_generator_interval=ends[:-1],
        floor=noise.floor,
        method=method,
        dtype=str(dtype).removeprefix("torch."),
        samples=squares.shape[1],
        names=tuple(names),
        confidence=confidence,
    )
