"""Defects of several candidates at once, with limits that hold for all of them together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...symmetry import Certificate
from ...symmetry.claims import Interval, bars

_SMALLEST = 1e-150  # its square is a number still
_HALVINGS = 40  # of a cap


@dataclass(frozen=True)
class Quotients:
    """Roots of quotients of two sums over samples, `(k,)` each.

    Attributes
    ----------
    value, lower, upper : Tensor
        Estimates, and limits that hold for all of them together.
    effective : Tensor
        How many samples carry what chance gives.
    """

    value: Tensor
    lower: Tensor
    upper: Tensor
    effective: Tensor

    @property
    def known(self) -> Tensor:
        """Which of them enough samples carry, `(k,)`."""
        return self.effective >= bars.LEAST_EFFECTIVE

    def one(self, index: int) -> Interval:
        """One of them."""
        return Interval(float(self.value[index]), float(self.lower[index]), float(self.upper[index]))


def quotients(
    broken: Tensor, chance: Tensor, level: float, seed: int, weights: Tensor | None = None, sizes: Tensor | None = None
) -> Quotients:
    """The quotients of squares `(S, k)` that are broken and that chance gives, of samples with ``weights`` `(S,)`.

    Bayesian bootstrap, on the logarithm, as a quotient of two positive sums is more nearly normal there. The limits are
    as many standard errors away as the *largest* deviation of all candidates, so that whichever looks best is paid for.
    Where few samples carry what is broken, resamples do not tell its error: then the lower limit is 0, and the upper
    one is the empirical Bernstein bound of a mean of numbers as large as the largest seen.

    ``sizes`` `(S, k)`, in units of ``chance``, say which samples may carry the sums: where few are far larger than the
    others, they are capped as well. The law that is asked about has no cap, so that the value is that without it, and
    the limits are those of both together.
    """
    weights = torch.ones(len(broken), dtype=torch.float64) if weights is None else weights
    caps = torch.ones_like(broken) if sizes is None else _caps(sizes + chance.clamp_min(0.0), (broken, chance), weights)
    drawn = torch.rand(bars.RESAMPLES, len(broken), dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    shares = torch.cat([weights[None], weights * -drawn.neg_().log1p()])
    capped, every = (_limits(shares @ (broken * cap), shares @ (chance * cap), level) for cap in (caps, 1.0))
    value = every[0]  # of the law that is asked about, which has no cap
    lower, upper = torch.minimum(capped[1], every[1]), torch.maximum(capped[2], every[2])
    few = _effective(broken * caps * weights[:, None]) < bars.LEAST_EFFECTIVE
    bound = _root(_bernstein(broken * weights[:, None], level / broken.shape[1]), weights @ chance / len(weights))
    return Quotients(
        value,
        torch.where(few, 0.0, lower),
        torch.where(few, torch.maximum(upper, bound), upper),
        _effective(chance * caps * weights[:, None]),
    )


def _limits(above: Tensor, below: Tensor, level: float) -> tuple[Tensor, Tensor, Tensor]:
    """Roots `(k,)` of the first quotients of sums `(R + 1, k)`, and their limits together from the others."""
    logs = (above.clamp_min(_SMALLEST) / below.clamp_min(_SMALLEST)).log() / 2
    deviations = logs[1:] - logs[0]
    errors = deviations.square().mean(0).sqrt()
    scaled = torch.where(errors > 0, deviations.abs() / errors.clamp_min(_SMALLEST), 0.0)
    reach = errors * scaled.amax(1).quantile(1 - level) if above.shape[1] else errors
    value = _root(above[0], below[0])
    return value, value * (-reach).exp(), value * reach.exp()


def distinct(points: Tensor) -> tuple[Tensor, Tensor]:
    """Where the first of samples `(S, n)` at every place stands, and how many there are.

    Samples at one point tell the same: they may not narrow an interval.
    """
    _, group, counts = torch.unique(points, dim=0, return_inverse=True, return_counts=True)
    first = torch.full_like(counts, len(points)).scatter_reduce(0, group, torch.arange(len(group)), "amin")
    return first, counts.to(torch.float64)


def within(found: Interval, tolerance: float, level: float, about: str, effective: float = math.inf) -> Certificate:
    """Whether an upper limit is within the tolerance, and enough samples carry it; ``about`` says of what."""
    few = effective < bars.LEAST_EFFECTIVE
    words = (
        f"{about} {found.value:.2g} of what chance would give ({1 - level:.0%}: {found.lower:.2g} to {found.upper:.2g})"
        + (f", but only {effective:.0f} samples carry that" if few else "")
    )
    return Certificate(found.upper, tolerance, found.upper <= tolerance and not few, words)


def _root(above: Tensor, below: Tensor) -> Tensor:
    return (above / below.clamp_min(_SMALLEST)).clamp_min(0).sqrt()


def _bernstein(parts: Tensor, level: float) -> Tensor:
    """Upper limits of the means of parts `(S, k)`, none of which is above the largest seen (Maurer, Pontil 2009)."""
    count, log = len(parts), math.log(2 / level)
    mean, variance, most = parts.mean(0), parts.var(0), parts.amax(0)
    return mean + (2 * variance * log / count).sqrt() + 7 * most * log / (3 * (count - 1))


def _effective(parts: Tensor) -> Tensor:
    """How many samples carry each sum of parts `(S, k)`."""
    return parts.sum(0).square() / parts.square().sum(0).clamp_min(_SMALLEST)


def _caps(sizes: Tensor, parts: tuple[Tensor, ...], weights: Tensor) -> Tensor:
    """Weights `(S, k)` up to 1 that cap sizes, no lower than needed for enough samples to carry every part.

    By bisection: the lower the cap, the more samples count. A part that few samples carry whatever the cap, as where
    only they are broken, is left as it is.
    """
    wanted = bars.LEAST_SHARE * len(sizes)

    def counted(cap: Tensor) -> Tensor:
        share = (cap / sizes.clamp_min(_SMALLEST)).clamp_max(1.0) * weights[:, None]
        return torch.stack([_effective(part * share) for part in parts]).amin(0) >= wanted

    low, high = sizes.quantile(bars.LEAST_SHARE, dim=0), sizes.amax(0)  # lower, samples of no size would count most
    capped = ~counted(high) & counted(low)
    for _ in range(_HALVINGS if bool(capped.any()) else 0):
        middle = (low + high) / 2
        enough = counted(middle)
        low, high = torch.where(enough, middle, low), torch.where(enough, high, middle)
    return torch.where(capped, (low / sizes.clamp_min(_SMALLEST)).clamp_max(1.0), 1.0)
