"""Gaps between values at the same samples, against those between values paired at random."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..symmetry.claims import bars
from ..symmetry.claims._forms import effective
from ..symmetry.claims._resamples import Interval, interval


class Gaps(NamedTuple):
    """Squares in the scales of the outputs.

    Attributes
    ----------
    broken : Tensor
        `(S, c)` of ``a - b`` at every sample.
    chance : Tensor
        `(S, c)` of ``a - b'`` and of ``a' - b``, with the other value at any sample, half of the sum of both.
    """

    broken: Tensor
    chance: Tensor


def gaps_of(moved: Tensor, turned: Tensor) -> Gaps:
    """Gaps `(S,)` of two values `(S, out)`; all pairs in closed form."""
    a, b = moved.mean(0), turned.mean(0)
    spreads = (moved - a).square().sum(1).mean() + (turned - b).square().sum(1).mean()
    beside = (moved - b).square().sum(1) + (turned - a).square().sum(1)
    return Gaps((moved - turned).square().sum(1), (beside + spreads) / 2)


def found_gaps(
    gaps: Gaps, spread: Tensor, rounding: float, level: float, seed: int
) -> tuple[list[Interval], list[Interval], float]:
    """Defects and effects of every column and, last, of the worst one; and how many samples carry chance.

    Parameters
    ----------
    gaps : Gaps
        Of all elements.
    spread : Tensor
        `(S,)` squares of the values about their mean, in the scales of the outputs.
    rounding : float
        Size of rounding in these scales; what differs by less does not differ.
    level : float
        What the intervals leave out.
    seed : int
        Of the resamples.
    """
    samples = len(gaps.broken)
    generator = torch.Generator().manual_seed(seed)
    drawn = -torch.rand(bars.RESAMPLES, samples, dtype=torch.float64, generator=generator).neg_().log1p_()
    weights = torch.cat([torch.ones(1, samples, dtype=torch.float64), drawn])
    weights = weights / weights.sum(1, keepdim=True)
    broken, level_of = weights @ gaps.broken, gaps.chance.mean(0)
    # To first order both values of a pair are drawn anew: twice the half that one of them gives.
    chance = (level_of + 2 * (weights @ gaps.chance - level_of)).maximum(bars.LEAST_DENOMINATOR * level_of)
    size = weights @ spread
    seen = level_of > rounding**2
    defects = torch.where(seen, broken / torch.where(seen, chance, torch.ones_like(chance)), torch.nan).sqrt()
    effects = (broken / size.clamp_min(1e-300)[:, None]).sqrt() if float(size[0]) > rounding**2 else broken * math.nan
    carried = min((effective(column) for column in gaps.chance.T[seen]), default=0.0)
    return _intervals(defects, level / 2), _intervals(effects, level / 2), carried


def _intervals(values: Tensor, tail: float) -> list[Interval]:
    """Intervals of columns `(R + 1, c)` and of the largest; NaN where a column is."""
    return [_interval(column, tail) for column in (*values.T, values.nan_to_num(-1.0).amax(1))]


def _interval(column: Tensor, tail: float) -> Interval:
    nothing = Interval(math.nan, math.nan, math.nan)
    return nothing if bool(column.isnan().any()) or float(column[0]) < 0 else interval(column, tail)
