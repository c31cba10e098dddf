"""Rows brought to scales that no unit enters: the numerator and the denominators of the two numbers of a claim."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from . import bars
from ._rows import Rows

_ROUNDS = 10  # of leverage and weights; they rest after three to six


@dataclass(frozen=True)
class Forms:
    """Rows whose sums of squares are what a direction is measured by, one sample for every distinct point.

    With ``C = E[Df^T Df]`` and the outputs in the metric of their covariance,

    - the defect is ``|lie xi| / |chance xi|``: 1 is what gradients shuffled among the samples would give;
    - the effect is ``|lie xi| / |motion xi|``, by the root of the number of outputs: what one standard deviation of
      motion does, in spreads of the map.

    Attributes
    ----------
    lie : Tensor
        ``L_xi f``, `(S, m, dim)`.
    chance : Tensor
        ``C^(1/2) xi_in(x)`` and ``xi_out(f(x))``, `(S, n + m, dim)`.
    motion : Tensor
        ``Sigma^(-1/2) xi_in(x)``, `(S, n, dim)`.
    gradient, moved : Tensor
        The two factors ``Df`` `(S, m, n)` and ``xi_in(x)`` `(S, dim, n)` that chance pairs.
    values, points : Tensor
        Values `(S, m)` and points `(S, n)` about their means, of unit covariance.
    capped : bool
        Whether any leverage was.
    """

    lie: Tensor
    chance: Tensor
    motion: Tensor
    gradient: Tensor
    moved: Tensor
    values: Tensor
    points: Tensor
    capped: bool

    def taken(self, index: Tensor) -> Forms:
        """The same of some samples."""
        parts = ("lie", "chance", "motion", "gradient", "moved", "values", "points")
        return replace(self, **{name: getattr(self, name)[index] for name in parts})


def forms_of(rows: Rows, share: float | None = None) -> Forms:
    """The forms of rows; ``share`` of the samples has to carry the sums, 0 for any.

    Samples at one point tell the same, so that they are one, with a larger weight: they may neither seem to confirm one
    another nor narrow an interval.
    """
    least = bars.LEAST_SHARE if share is None else share
    rows, weights = _distinct(rows)
    metric = _output_metric(rows, weights)
    gradient_cap = _caps(metric @ rows.jacobian * weights[:, None, None], least)
    moved_cap = _caps(_chance(rows, metric, gradient_cap, weights) * weights[:, None, None], least)
    both = gradient_cap * moved_cap * weights
    capped = bool((gradient_cap < 1).any() or (moved_cap < 1).any())
    if capped:  # samples that hardly count do not stretch the spreads either
        metric = _output_metric(rows, both)
    spread = _whitening(rows.points, both)
    by_motion, by_gradient, by_both = (
        weight[:, None, None] for weight in (moved_cap * weights, gradient_cap * weights, both)
    )
    return Forms(
        lie=metric @ rows.lie * by_both,
        chance=_chance(rows, metric, gradient_cap, weights) * by_motion,
        motion=spread @ rows.moved.transpose(1, 2) * by_motion,
        gradient=metric @ rows.jacobian * by_gradient,
        moved=rows.moved * by_motion,
        values=_centred(rows.values, both) @ metric.T if rows.blocks else torch.ones_like(rows.values),
        points=_centred(rows.points, both) @ spread.T,
        capped=capped,
    )


def _distinct(rows: Rows) -> tuple[Rows, Tensor]:
    """Rows at distinct points, and the roots of how many samples each stands for, in units of their mean."""
    _, group, counts = torch.unique(rows.points, dim=0, return_inverse=True, return_counts=True)
    if len(counts) == rows.samples:
        return rows, torch.ones(rows.samples, dtype=torch.float64)
    first = torch.full_like(counts, rows.samples).scatter_reduce(0, group, torch.arange(len(group)), "amin")
    return rows.taken(first), (counts / counts.double().mean()).sqrt()


def _output_metric(rows: Rows, weights: Tensor) -> Tensor:
    """``W`` `(m, m)` that gives every summand of the outputs unit covariance."""
    if not rows.blocks:
        return torch.eye(rows.lie.shape[1], dtype=torch.float64)
    blocks = rows.values.split(rows.blocks, dim=1)
    return torch.block_diag(*[_whitening(part, weights) for part in blocks])


def _chance(rows: Rows, metric: Tensor, cap: Tensor, weights: Tensor) -> Tensor:
    """``C^(1/2) xi_in`` above ``xi_out f``; by QR, as ``C`` has the square of the condition number."""
    gradient = metric @ rows.jacobian * (cap * weights)[:, None, None]
    root = torch.linalg.qr(gradient.flatten(0, 1), mode="r").R / math.sqrt(len(gradient))
    inside = root @ rows.moved.transpose(1, 2)
    if not rows.turned.any():
        return inside
    return torch.cat([inside, metric @ rows.turned.transpose(1, 2) * cap[:, None, None]], dim=1)


def _centred(values: Tensor, weights: Tensor) -> Tensor:
    """Values `(S, p)` about their weighted mean, times the root of their share, which sums to ``S``."""
    share = (weights.square() / weights.square().mean())[:, None]
    return share.sqrt() * (values - (share * values).mean(0))


def _whitening(values: Tensor, weights: Tensor) -> Tensor:
    """A matrix `(p, p)` that gives weighted values `(S, p)` unit covariance about their mean.

    Of as many columns as samples, such as pixels, it only gives every column unit variance. Principal components
    narrower than a thousandth of the columns (of their size, where they are constant) count as that wide: data in a
    plane say nothing about lengths beside it.
    """
    centred = _centred(values, weights)
    scale, size = centred.square().mean(0).sqrt(), values.square().mean(0).sqrt()
    scale = torch.where(scale > bars.TRIVIAL * size, scale, size)
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    factor = torch.linalg.qr(centred / scale, mode="r").R / math.sqrt(len(values))
    _, spread, axes = torch.linalg.svd(factor, full_matrices=True)
    wide = torch.zeros(values.shape[1], dtype=values.dtype)
    wide[: len(spread)] = spread
    crowd = (values.shape[1] / len(values) - bars.FEW_COLUMNS) / (bars.MANY_COLUMNS - bars.FEW_COLUMNS)
    alone = min(max(crowd, 0.0), 1.0)
    wide = ((1 - alone) * wide.square() + alone).sqrt().clamp_min(bars.LEAST_COMPONENT)
    return axes / wide[:, None] / scale


def _caps(rows: Tensor, share: float) -> Tensor:
    """Weights `(S,)` up to 1 that keep few samples from carrying the sums of rows `(S, q, columns)`.

    Leverage is the square of a sample's rows in the metric of all of them, so no unit enters. Its root is capped, no
    lower than needed, until ``(sum t)^2 / sum t^2`` reaches the share of the samples. Far samples stretch the metric
    and hide behind it, so it is taken anew with the weights, until these rest.
    """
    flat = rows.flatten(0, 1)
    weights = torch.ones(len(rows), dtype=rows.dtype)
    for _ in range(_ROUNDS):
        before, weights = weights, _capped(_reach(flat, weights), share)
        if torch.allclose(weights, before, rtol=0.05):
            break
    return weights


def _reach(flat: Tensor, weights: Tensor) -> Tensor:
    """Root leverage `(S,)` of rows `(S q, columns)` in the metric of weighted rows.

    The Gram matrix is accurate enough here: a weight may be anything, as long as it depends smoothly on the data.
    """
    count = len(flat) // len(weights)
    seen = flat * weights.repeat_interleave(count)[:, None] if bool((weights < 1).any()) else flat
    gram = seen.T @ seen
    scale = torch.where(gram.diagonal() > 0, gram.diagonal().sqrt(), gram.new_ones(()))
    values, axes = torch.linalg.eigh(gram / scale / scale[:, None])
    kept = values > bars.TRIVIAL * values[-1]
    return (flat @ (axes[:, kept] / values[kept].sqrt() / scale[:, None])).reshape(len(weights), -1).norm(dim=1)


def _capped(reach: Tensor, share: float) -> Tensor:
    """The weights that cap a reach `(S,)` at the highest bar that lets enough samples count, by bisection."""
    wanted = min(share * len(reach), 0.9 * int((reach > 0).sum()))
    if effective(reach.square()) >= wanted:
        return torch.ones_like(reach)
    low, high = 0.0, float(reach.amax())
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if effective(reach.clamp_max(middle).square()) >= wanted else (low, middle)
    return (low / reach.clamp_min(1e-300)).clamp_max(1.0)


def effective(parts: Tensor) -> float:
    """How many samples carry a sum of parts `(S,)`: ``(sum t)^2 / sum t^2``; 0 where nothing is summed."""
    total = float(parts.square().sum())
    return float(parts.sum()) ** 2 / total if total > 0 else 0.0
