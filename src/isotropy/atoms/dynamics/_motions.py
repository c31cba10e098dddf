"""What changes in time: displacements, correlations, spectra and drifts."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...errors import DataError

_LIGHT = 2.99792458e-5  # cm in a femtosecond


def mean_square_displacement(positions: Tensor, lags: Tensor) -> Tensor:
    """``<|r(t + lag) - r(t)|^2>`` `(lags,)` of unwrapped positions `(frames, atoms, 3)`, over all origins.

    Raises
    ------
    DataError
        If lags are negative or longer than the series.
    """
    _require_lags(positions, lags)
    moves = [(positions[lag:] - positions[: len(positions) - lag]).square().sum(-1).mean() for lag in lags.tolist()]
    return torch.stack(moves)


def diffusion(positions: Tensor, timestep: float, first: int, last: int) -> float:
    """Diffusion constant: a sixth of the slope of the mean square displacement between two lags.

    Parameters
    ----------
    positions : Tensor
        `(frames, particles, 3)`, unwrapped.
    timestep : float
        Between frames.
    first, last : int
        Lags, in frames.

    Raises
    ------
    DataError
        If there are not two lags within the series.
    """
    if last <= first:
        raise DataError(f"first, last: expected lags that rise, received {first} and {last}; take a longer range")
    lags = torch.arange(first, last + 1)
    values = mean_square_displacement(positions, lags)
    times = lags.to(values) * timestep
    away = times - times.mean()
    return float((away * values).sum() / away.square().sum()) / 6


def autocorrelation(u: Tensor, lags: Tensor) -> Tensor:
    """``<u(t) . u(t + lag)>`` `(lags,)` of vectors `(frames, molecules, 3)`, over all origins.

    Raises
    ------
    DataError
        If lags are negative or longer than the series.
    """
    _require_lags(u, lags)
    return torch.stack([(u[lag:] * u[: len(u) - lag]).sum(-1).mean() for lag in lags.tolist()])


def power_spectrum(series: Tensor, timestep: float) -> tuple[Tensor, Tensor]:
    """Wave numbers in 1/cm and the power of a real series `(frames,)`, its mean taken off, under a Blackman window.

    Parameters
    ----------
    timestep : float
        In femtoseconds.

    Raises
    ------
    DataError
        If there are fewer than four values.
    """
    if len(series) < 4:
        raise DataError(f"series: expected at least 4 values, received {len(series)}; sample longer")
    values = series.to(torch.float64) - series.to(torch.float64).mean()
    size = 2 * len(values)
    raw = torch.fft.irfft(torch.fft.rfft(values, size).abs() ** 2, size)[: len(values)]
    correlation = raw / torch.arange(len(values), 0, -1)
    window = torch.blackman_window(2 * len(values) - 1, periodic=False, dtype=torch.float64)[len(values) - 1 :]
    both = torch.cat([correlation * window, (correlation * window)[1:].flip(0)])
    power = torch.fft.rfft(both).real.clamp(min=0.0) * timestep
    return torch.fft.rfftfreq(len(both), timestep, dtype=torch.float64) / _LIGHT, power


def drift(series: Tensor, timestep: float) -> tuple[float, float]:
    """Slope of a series `(frames,)` in time by least squares, and its standard error from ten blocks.

    Raises
    ------
    DataError
        If there are fewer than 20 values.
    """
    if len(series) < 20:
        raise DataError(f"series: expected at least 20 values, received {len(series)}; sample longer")
    means = torch.stack([block.mean() for block in series.to(torch.float64).tensor_split(10)])
    times = torch.arange(10, dtype=torch.float64) * timestep * len(series) / 10
    away = times - times.mean()
    slope = (away * means).sum() / away.square().sum()
    rest = means - means.mean() - slope * away
    return float(slope), math.sqrt(float(rest.square().sum() / 8 / away.square().sum()))


def _require_lags(values: Tensor, lags: Tensor) -> None:
    if len(lags) == 0 or int(lags.min()) < 0 or int(lags.max()) >= len(values):
        raise DataError(
            f"lags: expected some between 0 and {len(values) - 1}, received {lags.tolist()}; choose smaller ones"
        )
