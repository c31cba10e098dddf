"""Intervals of the two numbers by the Bayesian bootstrap."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from . import bars
from ._forms import Forms, effective

_TOGETHER = 2**12  # samples whose weights are drawn together


@dataclass(frozen=True)
class Interval:
    """An estimate with its limits."""

    value: float
    lower: float
    upper: float

    @property
    def known(self) -> bool:
        """Whether there are limits at all."""
        return not math.isnan(self.upper)

    def without_limits(self) -> Interval:
        """The estimate alone, as where what its limits need does not hold."""
        return Interval(self.value, math.nan, math.nan)


@dataclass(frozen=True)
class Resamples:
    """Gram matrices `(R, k, k)` of the forms along k directions, with the samples weighted anew R times.

    ``spread`` `(R,)` is the variance of the values, relative to that of the samples as they are.

    They are accurate enough here: of a span only the *largest* generalised eigenvalue is asked, which is right to ``k
    eps cond(chance)`` of itself, and of a direction a quotient of two sums of squares. A small eigenvalue beside a
    large one would be lost below 1e-8; those are judged on ``Factors``.
    """

    lie: Tensor
    chance: Tensor
    motion: Tensor
    spread: Tensor

    def spans(self, elements: Tensor) -> Tensor:
        """Defects `(R,)` of the worst member of the span of elements `(j, k)` in the coordinates of the directions."""
        lie, chance = (elements @ part @ elements.T for part in (self.lie, self.chance))
        root = torch.linalg.cholesky(chance)
        half = torch.linalg.solve_triangular(root, lie, upper=False)
        inside = torch.linalg.solve_triangular(root, half.transpose(1, 2), upper=False)
        return torch.linalg.eigvalsh((inside + inside.transpose(1, 2)) / 2)[:, -1].clamp_min(0).sqrt()

    def defects(self, elements: Tensor) -> Tensor:
        """Defects `(R, j)` of elements `(j, k)` in the coordinates of the directions."""
        return _quotients(self.lie, self.chance, elements)

    def effects(self, elements: Tensor, outputs: int) -> Tensor:
        """Effects `(R, j)`: change by one standard deviation of motion, in spreads of the map."""
        return _quotients(self.lie, self.motion, elements) / (outputs * self.spread[:, None]).sqrt()


def _quotients(above: Tensor, below: Tensor, elements: Tensor) -> Tensor:
    top, bottom = (((elements @ part) * elements).sum(2).clamp_min(0) for part in (above, below))
    return torch.where(bottom > 0, top / bottom, torch.where(top > 0, torch.inf, 0.0)).sqrt()


def resample(forms: Forms, directions: Tensor, generator: torch.Generator) -> Resamples:
    """Resamples of the forms along directions `(k, dim)`; the first is of the samples as they are.

    A resample also draws anew what they are measured by. To first order, ``C`` adds to what a sample's motion gives
    with all gradients what its gradient gives with all motions; and the covariance of the points takes from its motion
    what the point itself gives with all motions.
    """
    count, rows = len(directions), len(forms.lie)
    moved = torch.einsum("kd,pdn->npk", directions, forms.moved[_partners(rows)])
    motions = (forms.motion[_partners(rows)] @ directions.T).transpose(0, 1)
    sums = torch.zeros(bars.RESAMPLES + 1, 3 * count * (count + 1) // 2 + 1, dtype=torch.float64)
    total = torch.zeros(bars.RESAMPLES + 1, 1, dtype=torch.float64)
    plain = torch.zeros(2, count * (count + 1) // 2, dtype=torch.float64)
    for index in torch.arange(rows).split(_TOGETHER):
        part = forms.taken(index)
        lie, chance, motion = (_squares(form @ directions.T) for form in (part.lie, part.chance, part.motion))
        paired = _squares(_pairs(part.gradient, moved)) / moved.shape[1]
        beside = _squares(_pairs(part.points[:, None], motions)) / motions.shape[1]
        spread = part.values.square().mean(1, keepdim=True)
        drawn = -torch.rand(bars.RESAMPLES, len(index), dtype=torch.float64, generator=generator).neg_().log1p_()
        weights = torch.cat([torch.ones(1, len(index), dtype=torch.float64), drawn])
        sums += weights @ torch.cat([lie, chance + paired, motion - beside, spread], dim=1)
        total += weights.sum(1, keepdim=True)
        plain += torch.stack([chance.sum(0), motion.sum(0)])
    triangles = (sums / total)[:, :-1].chunk(3, dim=1)
    lie, chance, motion = (_symmetric(part, count) for part in triangles)
    level = _symmetric(plain / rows, count)
    spread = sums[:, -1] / total[:, 0]
    return Resamples(
        lie,
        _kept(level[0] + chance - chance[0], level[0]),
        _kept(level[1] + motion - motion[0], level[1]),
        spread / spread[0].clamp_min(1e-300),
    )


def _partners(rows: int) -> slice:
    """Some of the samples, with which each is paired."""
    return slice(None, None, max(1, rows // bars.PARTNERS))


def _squares(rows: Tensor) -> Tensor:
    """Upper triangles `(S, k (k + 1) / 2)` of ``sum_q r_q r_q^T`` of rows `(S, q, k)`."""
    first, second = torch.triu_indices(rows.shape[2], rows.shape[2])
    return (rows.transpose(1, 2) @ rows)[:, first, second]


def _symmetric(triangles: Tensor, count: int) -> Tensor:
    """Symmetric matrices `(R, k, k)` of their upper triangles."""
    first, second = torch.triu_indices(count, count)
    whole = triangles.new_zeros(len(triangles), count, count)
    whole[:, first, second] = triangles
    whole[:, second, first] = triangles
    return whole


def _pairs(factor: Tensor, partners: Tensor) -> Tensor:
    """What each factor `(S, m, n)` gives with some partners `(n, p, k)`: `(S, m p, k)`."""
    return torch.einsum("smn,npk->smpk", factor, partners).flatten(1, 2)


def _kept(drawn: Tensor, mean: Tensor) -> Tensor:
    """Denominators `(R, k, k)` of which a resample leaves at least a share in every direction.

    The expansion to first order may turn negative where one sample holds most of a sum. A direction that these samples
    do not show at all is left a rounding, so that its defect is as large as it may be.
    """
    values, axes = torch.linalg.eigh(mean)
    values = values.clamp_min(max(float(values[-1]) * bars.UNSEEN, 1e-300))
    white = (root := axes / values.sqrt()).T @ drawn @ root
    least = bars.LEAST_DENOMINATOR * torch.eye(len(mean), dtype=torch.float64)
    if not torch.linalg.cholesky_ex(white - least).info.any():
        return drawn
    part, turn = torch.linalg.eigh(white)
    back = axes * values.sqrt()
    kept = (turn * part.clamp_min(bars.LEAST_DENOMINATOR)[:, None]) @ turn.transpose(1, 2)
    return back @ kept @ back.T


def interval(values: Tensor, tail: float) -> Interval:
    """The first of values `(R + 1,)` and the quantiles of the others that leave out ``tail`` on either side."""
    ends = values[1:].quantile(torch.tensor([tail, 1 - tail], dtype=torch.float64))
    return Interval(float(values[0]), float(ends[0].minimum(values[0])), float(ends[1].maximum(values[0])))


def effective_samples(forms: Forms, directions: Tensor) -> float:
    """The less of how many motions and how many gradients carry what chance gives along directions `(k, dim)`."""
    moved = torch.einsum("kd,pdn->npk", directions, forms.moved[_partners(len(forms.lie))])
    rows = (forms.chance @ directions.T, _pairs(forms.gradient, moved))
    mean = rows[0].flatten(0, 1)
    # Directions are as good as orthonormal in this metric, so that an inverse of the Gram matrix will do.
    root = torch.linalg.cholesky(torch.linalg.pinv(mean.T @ mean / len(rows[0]), hermitian=True))
    return min(effective((part @ root).square().sum((1, 2))) for part in rows)
