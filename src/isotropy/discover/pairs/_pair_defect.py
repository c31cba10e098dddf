"""How far pairs are from what generators say, and how far chance would leave them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..limits._metric import whitening
from ._pair_fit import fit_times, flow

_PARTNERS = 4  # points that every displacement is dealt to


def left_over(generators: Tensor, x: Tensor, y: Tensor, times: Tensor | None) -> Tensor:
    """What generators leave of pairs, `(pairs, n)`; with unknown times at the best ones, standing still included."""
    if times is not None:
        return flow(generators, times, x) - y
    found = fit_times(generators, x, y, x.new_zeros(len(x), len(generators)), rounds=4)
    left, move = flow(generators, found, x) - y, x - y
    return torch.where(left.norm(dim=1, keepdim=True) < move.norm(dim=1, keepdim=True), left, move)


def pair_squares(generators: Tensor, x: Tensor, y: Tensor, times: Tensor | None, seed: int) -> Tensor:
    """Squares `(pairs, 3)`: of what is left, of the same for displacements dealt to other points, and of these.

    Coordinates are in the metric of the covariance of the points, so that no unit enters. Generators that take any
    point anywhere, such as all rotations of one vector, leave nothing of dealt displacements either.
    """
    metric = metric_of(x, y)
    move = y - x
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    chance = torch.zeros_like(move[:, 0])
    for shift in range(1, _PARTNERS + 1):
        dealt = torch.empty_like(move)
        dealt[order] = move[order.roll(shift)]
        chance += _squares(left_over(generators, x, x + dealt, times), metric) / _PARTNERS
    return torch.stack([_squares(left_over(generators, x, y, times), metric), chance, _squares(move, metric)], 1)


def shared_part(rows: Tensor, places: Tensor, level: float) -> float:
    """Lower limit of the mean square of what residuals `(S, n)` say alike at neighbouring places `(S, m)`.

    A break depends on the place, noise of single pairs does not: products of neighbours hold none of it, and of a break
    no more than its mean square, as neighbours are nearly drawn alike. Where neighbours are far away it is 0.
    """
    scale = places.std(0).clamp_min(1e-300)
    away = torch.cdist(places / scale, places / scale, compute_mode="donot_use_mm_for_euclid_dist")
    away = away.masked_fill(away == 0, math.inf)  # copies of a pair have the same noise
    nearest = away.argmin(1)
    products = (rows * rows[nearest]).sum(1)
    mean = products.mean()
    # A pair stands in its own product and in those of the pairs whose neighbour it is, so that they depend.
    share = (products - mean).index_add(0, nearest, products - mean)
    error = share.square().sum().sqrt() / len(rows)
    reach = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(1 - level / 2, dtype=torch.float64))
    return max(0.0, float(mean - reach * error))


def metric_of(x: Tensor, y: Tensor) -> Tensor:
    """The matrix `(n, n)` that makes points before and after round, so that no unit enters."""
    return whitening(torch.cat([x, y]), (x.shape[1],))


def _squares(rows: Tensor, metric: Tensor) -> Tensor:
    return (rows @ metric.T).square().sum(1)
