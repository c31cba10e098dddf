"""Intervals of the two numbers by the Bayesian bootstrap."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from . import _claim_bars as bars
from ._forms import Forms, effective


@dataclass(frozen=True)
class Interval:
    """An estimate with its limits."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Resamples:
    """Gram matrices `(R, k, k)` of the forms along k directions, with the samples weighted anew R times.

    They are accurate enough here: of a span only the *largest* generalised eigenvalue is asked, which is right to ``k
    eps cond(chance)`` of itself, and of a direction a quotient of two sums of squares. A small eigenvalue beside a
    large one would be lost below 1e-8; those are judged on ``Factors``.
    """

    lie: Tensor
    chance: Tensor
    motion: Tensor

    def spans(self, size: int) -> Tensor:
        """Defects `(R,)` of the worst member of the span of the first ``size`` directions."""
        root = torch.linalg.cholesky(self.chance[:, :size, :size])
        half = torch.linalg.solve_triangular(root, self.lie[:, :size, :size], upper=False)
        inside = torch.linalg.solve_triangular(root, half.transpose(1, 2), upper=False)
        return torch.linalg.eigvalsh((inside + inside.transpose(1, 2)) / 2)[:, -1].clamp_min(0).sqrt()

    def defects(self, elements: Tensor) -> Tensor:
        """Defects `(R, j)` of elements `(j, k)` in the coordinates of the directions."""
        return _quotients(self.lie, self.chance, elements)

    def effects(self, elements: Tensor, outputs: int) -> Tensor:
        """Effects `(R, j)`: change by one standard deviation of motion, in spreads of the map."""
        return _quotients(self.lie, self.motion, elements) / math.sqrt(outputs)


def _quotients(above: Tensor, below: Tensor, elements: Tensor) -> Tensor:
    top, bottom = (((elements @ part) * elements).sum(2) for part in (above, below))
    return (top.clamp_min(0) / bottom.clamp_min(1e-300)).sqrt()


def resample(forms: Forms, directions: Tensor, generator: torch.Generator) -> Resamples:
    """Resamples of the forms along directions `(k, dim)`; the first is of the samples as they are.

    A resample also draws ``C`` anew. To first order that adds, to what a sample's motion gives with all gradients, what
    its gradient gives with all motions.
    """
    lie, chance, motion = (_grams(part @ directions.T) for part in (forms.lie, forms.chance, forms.motion))
    paired = _paired(forms, directions)
    weights = -torch.rand(bars.RESAMPLES, len(lie), dtype=torch.float64, generator=generator).neg_().log1p_()
    weights = weights / weights.mean(1, keepdim=True)
    weights = torch.cat([torch.ones(1, len(lie), dtype=torch.float64), weights]) / len(lie)
    shape = (len(weights), *lie.shape[1:])
    change = (weights - 1 / len(lie)) @ (chance + paired).flatten(1)
    drawn = chance.mean(0) + change.reshape(shape)
    return Resamples(
        (weights @ lie.flatten(1)).reshape(shape),
        _kept(drawn, chance.mean(0)),
        (weights @ motion.flatten(1)).reshape(shape),
    )


def _grams(rows: Tensor) -> Tensor:
    """``sum_q r_q r_q^T`` `(S, k, k)` of rows `(S, q, k)`."""
    return rows.transpose(1, 2) @ rows


def _paired(forms: Forms, directions: Tensor) -> Tensor:
    """What each gradient gives with the motions of some partners, `(S, k, k)` on average over these."""
    partners = forms.moved[:: max(1, len(forms.moved) // bars.PARTNERS)]
    moves = torch.einsum("kd,pdn->npk", directions, partners)
    rows = torch.einsum("smn,npk->smpk", forms.gradient, moves).flatten(1, 2)
    return _grams(rows) / moves.shape[1]


def _kept(drawn: Tensor, mean: Tensor) -> Tensor:
    """Denominators `(R, k, k)` of which a resample leaves at least a share in every direction.

    The expansion to first order may turn negative where one sample holds most of a sum.
    """
    values, axes = torch.linalg.eigh(mean)
    white = (root := axes / values.clamp_min(1e-300).sqrt()).T @ drawn @ root
    least = bars.LEAST_DENOMINATOR * torch.eye(len(mean), dtype=torch.float64)
    if not torch.linalg.cholesky_ex(white - least).info.any():
        return drawn
    part, turn = torch.linalg.eigh(white)
    back = axes * values.clamp_min(0).sqrt()
    kept = (turn * part.clamp_min(bars.LEAST_DENOMINATOR)[:, None]) @ turn.transpose(1, 2)
    return back @ kept @ back.T


def interval(values: Tensor, tail: float) -> Interval:
    """The first of values `(R + 1,)` and the quantiles of the others that leave out ``tail`` on either side."""
    ends = values[1:].quantile(torch.tensor([tail, 1 - tail], dtype=torch.float64))
    return Interval(float(values[0]), float(ends[0].minimum(values[0])), float(ends[1].maximum(values[0])))


def effective_samples(forms: Forms, directions: Tensor) -> float:
    """The less of how many motions and how many gradients carry what chance gives along directions `(k, dim)`."""
    chance = _grams(forms.chance @ directions.T)
    total = torch.linalg.pinv(chance.mean(0), hermitian=True)
    parts = [torch.einsum("sij,ij->s", part, total) for part in (chance, _paired(forms, directions))]
    return min(effective(part) for part in parts)
