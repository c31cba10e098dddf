"""The worst member of a span, from forms whose units are weighted anew."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...symmetry.claims import Interval
from ...symmetry.claims import bars as limits


def bayesian_weights(units: int, seed: int) -> Tensor:
    """Weights `(R + 1, units)` of the Bayesian bootstrap with mean 1; the first row takes the units as they are."""
    generator = torch.Generator().manual_seed(seed)
    uniform = torch.rand(limits.RESAMPLES, units, dtype=torch.float64, generator=generator)
    drawn = torch.cat([torch.ones(1, units, dtype=torch.float64), -torch.log1p(-uniform)])
    return drawn / drawn.mean(1, keepdim=True)


def worst_quotients(above: Tensor, below: Tensor) -> Tensor:
    """Largest ``x A x / x B x`` `(R,)` over all x, of symmetric `(R, k, k)`; infinite where B is singular."""
    scale = below.diagonal(dim1=1, dim2=2)[0].clamp_min(1e-300).rsqrt()
    above, below = above * scale[:, None] * scale, below * scale[:, None] * scale
    root, failed = torch.linalg.cholesky_ex(below)
    half = torch.linalg.solve_triangular(root, above, upper=False)
    inside = torch.linalg.solve_triangular(root, half.transpose(1, 2), upper=False)
    seen = (failed == 0) & torch.isfinite(inside).all((1, 2))
    inside = torch.where(seen[:, None, None], inside, 0.0)
    top = torch.linalg.eigvalsh((inside + inside.transpose(1, 2)) / 2)[:, -1]
    return torch.where(seen, top, torch.inf)


def interval_of(squares: Tensor, tail: float) -> Interval:
    """Root of the first of squares `(R + 1,)`, and of the quantiles that leave out ``tail`` on either side."""
    ends = squares[1:].quantile(torch.tensor([tail, 1 - tail], dtype=torch.float64))
    whole = torch.stack([squares[0], ends[0].minimum(squares[0]), ends[1].maximum(squares[0])])
    value, lower, upper = whole.clamp_min(0).sqrt().tolist()
    return Interval(value, lower, upper)


def fresh_limit(defects: Tensor, tail: float) -> float:
    """What a fresh trajectory exceeds in one of ``1 / tail`` cases, from the defects `(units,)` of those at hand.

    Of so many that none of them may exceed a value unless more than ``tail`` of all do, the largest is the limit: 59 at
    one in twenty. Fewer do not show the tail of their law; it is taken to be log-normal then, and the limit is that of
    a prediction, with Student's t for what so few tell of its width.
    """
    from scipy.stats import t as student

    count, largest = len(defects), float(defects.amax())
    if count >= math.log(tail) / math.log(1 - tail):
        return largest
    if count < 2:
        return math.inf
    logs = defects.clamp_min(torch.finfo(defects.dtype).eps).log()
    reach = float(student.ppf(1 - tail, count - 1)) * float(logs.std()) * (1 + 1 / count) ** 0.5
    return max(largest, math.exp(min(float(logs.mean()) + reach, 100.0)))
