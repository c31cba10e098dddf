"""A Gaussian process behind samples: which values and slopes a smooth map may have, given what was seen of it.

The map is a linear or quadratic trend plus a stationary process. Its length, its size and the noise have the largest
likelihood, and so has the kernel: infinitely smooth (Gaussian), or with two derivatives (Matern, 5/2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from . import bars

Profile = Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]
_STEP = 10**0.25


def _gaussian(squares: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``exp(-s / 2)`` of the squared distance s, and its first two derivatives by s."""
    value = torch.exp(-squares / 2)
    return value, -value / 2, value / 4


def _matern(squares: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``(1 + r + r^2 / 3) exp(-r)`` with ``r = (5 s)^(1/2)``, and its first two derivatives by s."""
    r = (5 * squares).sqrt()
    decay = torch.exp(-r)
    return (1 + r + r * r / 3) * decay, -5 / 6 * (1 + r) * decay, 25 / 12 * decay


PROFILES: dict[str, Profile] = {"gaussian": _gaussian, "matern": _matern}


@dataclass(frozen=True)
class Process:
    """What a process knows of a map ``(batch, n) -> (batch,)``.

    Attributes
    ----------
    kernel : str
        Key of ``PROFILES``.
    length : float
        Over which the map changes, in the coordinates of the points.
    centres : Tensor
        `(N, n)` the samples.
    factor, weights : Tensor
        `(N, N)` Cholesky factor of the covariance of the values, and `(N,)` its inverse times the values.
    size : float
        Standard deviation by which the covariances are multiplied.
    nugget : float
        Variance of the noise, in units of the squared size.
    place : Tensor
        `(N,)` which of the samples given these are.
    trend : int
        Degree of the trend.
    """

    kernel: str
    length: float
    centres: Tensor
    factor: Tensor
    weights: Tensor
    size: float
    nugget: float
    place: Tensor
    trend: int

    def posterior(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean `(batch, 1 + n)` of values and slopes at points `(batch, n)`, and two roots of covariances.

        The roots `(batch (1 + n), batch (1 + n))` are those of the errors, ``root @ normal``, and of what values and
        slopes could be before any sample was seen.
        """
        profile, count = PROFILES[self.kernel], 1 + points.shape[1]
        there = _cross(profile, points, self.centres, self.length, self.trend)
        mean = (there @ self.weights).unflatten(0, (-1, count))
        seen = torch.linalg.solve_triangular(self.factor, there.T, upper=False)
        prior = _prior(profile, points, self.length, self.trend)
        return mean, self.size * _root(prior - seen.T @ seen), self.size * _root(prior)

    @property
    def left_out(self) -> Tensor:
        """Residuals `(N,)` of the samples, each left out of the fit."""
        return self.weights / torch.cholesky_inverse(self.factor).diagonal()

    @property
    def surprises(self) -> Tensor:
        """Errors `(N,)` of predicting every sample from those before it, in their standard deviations."""
        return self.factor.T @ self.weights / self.size

    @property
    def noise(self) -> float:
        """Standard deviation of the noise."""
        return self.size * self.nugget**0.5


def fit_process(z: Tensor, y: Tensor, seed: int, length_samples: int = bars.LENGTH_SAMPLES, trend: int = 1) -> Process:
    """Fit samples ``z`` `(N, n)` of unit spread and values `(N,)`, centred.

    The length is looked for with so many of the samples, the noise with more, and all of them, up to a limit, carry
    the answer.
    """
    order = torch.randperm(len(z), generator=torch.Generator().manual_seed(seed))
    few, more, most = (order[:count] for count in (length_samples, bars.NOISE_SAMPLES, bars.PROCESS_SAMPLES))
    found = [(*_best_length(profile, z[few], y[few], trend), kernel) for kernel, profile in PROFILES.items()]
    _, length, kernel = max(found)
    profile = PROFILES[kernel]
    _, nugget, size = _likelihood(*_spectrum(_values(profile, z[more], z[more], length, trend), y[more]))
    gram = _values(profile, z[most], z[most], length, trend) + nugget * torch.eye(len(most), dtype=z.dtype)
    factor = torch.linalg.cholesky(gram)
    weights = torch.cholesky_solve(y[most, None], factor)[:, 0]
    return Process(kernel, length, z[most], factor, weights, size, nugget, most, trend)


def _best_length(profile: Profile, z: Tensor, y: Tensor, trend: int) -> tuple[float, float]:
    """Largest likelihood and its length: a coarse grid over two decades and a half, then a fine one."""
    best, found = (-math.inf, math.sqrt(z.shape[1])), math.sqrt(z.shape[1])
    for grid in (range(-5, 6), (-0.5, 0.5)):
        for step in grid:
            length = found * _STEP**step
            best = max(best, (_likelihood(*_spectrum(_values(profile, z, z, length, trend), y))[0], length))
        found = best[1]
    return best


def _values(profile: Profile, z: Tensor, other: Tensor, length: float, trend: int = 1) -> Tensor:
    """Covariance `(batch, others)` of values: the process, and a trend of any size."""
    return profile(_squares(z, other, length))[0] + bars.TREND * (1 + z @ other.T) ** trend


def _cross(profile: Profile, points: Tensor, centres: Tensor, length: float, degree: int) -> Tensor:
    """Covariance `(batch (1 + n), centres)` of values and slopes with values."""
    value, slope, _ = profile(_squares(points, centres, length))
    apart = (points[:, :, None] - centres.T) * 2 / length**2
    inner = (1 + points @ centres.T)[:, None]
    trend = torch.cat([inner**degree, degree * inner ** (degree - 1) * centres.T], dim=1)
    return (torch.cat([value[:, None], slope[:, None] * apart], dim=1) + bars.TREND * trend).flatten(0, 1)


def _prior(profile: Profile, points: Tensor, length: float, trend: int = 1) -> Tensor:
    """Covariance `(batch (1 + n), batch (1 + n))` of values and slopes among each other."""
    value, slope, bend = profile(_squares(points, points, length))
    count, size = points.shape
    apart = (points[:, None] - points) * 2 / length**2
    whole = torch.zeros(count, 1 + size, count, 1 + size, dtype=points.dtype)
    inner = 1 + points @ points.T
    tilt = bars.TREND * trend * inner ** (trend - 1)  # derivative of the trend by the product of two points
    whole[:, 0, :, 0] = value + bars.TREND * inner**trend
    whole[:, 1:, :, 0] = (slope[..., None] * apart).transpose(1, 2) + tilt[:, None] * points.T
    whole[:, 0, :, 1:] = -slope[..., None] * apart + tilt[..., None] * points[:, None]
    unit = torch.eye(size, dtype=points.dtype)
    twice = -bend[..., None, None] * apart[..., :, None] * apart[..., None, :]
    twice = twice + (tilt - 2 / length**2 * slope)[..., None, None] * unit
    if trend > 1:
        bent = bars.TREND * trend * (trend - 1) * inner ** (trend - 2)
        twice = twice + bent[..., None, None] * points[None, :, :, None] * points[:, None, None, :]
    whole[:, 1:, :, 1:] = twice.permute(0, 2, 1, 3)
    return whole.flatten(2).flatten(0, 1)


def _root(covariance: Tensor) -> Tensor:
    values, axes = torch.linalg.eigh((covariance + covariance.T) / 2)  # rounding may leave small negative values
    return axes * values.clamp_min(0).sqrt()


def _squares(z: Tensor, other: Tensor, length: float) -> Tensor:
    return torch.cdist(z, other, compute_mode="donot_use_mm_for_euclid_dist").square() / length**2


def _spectrum(gram: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues, clipped at zero, and values in the eigenvectors."""
    values, axes = torch.linalg.eigh(gram)
    return values.clamp_min(0), axes.T @ y


def _likelihood(values: Tensor, y: Tensor) -> tuple[float, float, float]:
    """Largest log-likelihood per sample over the noise, the size solved exactly; the noise and the size."""
    nugget = torch.logspace(-9, 1, 41, dtype=values.dtype)[:, None]
    spread = values + nugget
    power = (y.square() / spread).mean(1).clamp_min(1e-300)
    found = -(power.log() + spread.log().mean(1)) / 2
    best = int(found.argmax())
    return float(found[best]), float(nugget[best]), float(power[best].sqrt())
