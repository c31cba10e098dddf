"""Rows brought to scales that no unit enters: the numerator and the denominators of the two numbers of a claim."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from . import _claim_bars as bars
from ._rows import Rows

_ROUNDS = 10  # of leverage and weights; they rest after three to six


@dataclass(frozen=True)
class Forms:
    """Rows whose sums of squares are what a direction is measured by, with leverage capped.

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
    capped : bool
        Whether any leverage was.
    """

    lie: Tensor
    chance: Tensor
    motion: Tensor
    gradient: Tensor
    moved: Tensor
    capped: bool

    def taken(self, index: Tensor) -> Forms:
        """The same of some samples."""
        parts = ("lie", "chance", "motion", "gradient", "moved")
        return replace(self, **{name: getattr(self, name)[index] for name in parts})


def forms_of(rows: Rows, share: float | None = None) -> Forms:
    """The forms of rows; ``share`` of the samples has to carry the sums, 0 for any."""
    least = bars.LEAST_SHARE if share is None else share
    once = torch.ones(rows.samples, dtype=torch.float64)
    lie, gradient, turned = _outputs(rows, once)
    gradient_cap = _caps(gradient, least)
    chance = _chance(gradient, rows.moved, turned, gradient_cap)
    moved_cap = _caps(chance, least)
    both = gradient_cap * moved_cap
    capped = bool((both < 1).any())
    if capped:  # samples that hardly count do not stretch the spreads either
        lie, gradient, turned = _outputs(rows, both)
        chance = _chance(gradient, rows.moved, turned, gradient_cap)
    motion = _whitening(rows.points, both) @ rows.moved.transpose(1, 2)
    return Forms(
        lie=lie * both[:, None, None],
        chance=chance * moved_cap[:, None, None],
        motion=motion * moved_cap[:, None, None],
        gradient=gradient * gradient_cap[:, None, None],
        moved=rows.moved * moved_cap[:, None, None],
        capped=capped,
    )


def _outputs(rows: Rows, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``L_xi f``, ``Df`` and ``xi_out(f)``, `(S, m, ...)`, every summand of the outputs in its own covariance."""
    blocks = [_whitening(part, weights) for part in rows.values.split(rows.blocks, dim=1)]
    metric = torch.block_diag(*blocks)
    return metric @ rows.lie, metric @ rows.jacobian, metric @ rows.turned.transpose(1, 2)


def _chance(gradient: Tensor, moved: Tensor, turned: Tensor, cap: Tensor) -> Tensor:
    """``C^(1/2) xi_in`` above ``xi_out f``; by QR, as ``C`` has the square of the condition number."""
    weighted = gradient * cap[:, None, None]
    root = torch.linalg.qr(weighted.flatten(0, 1), mode="r").R / math.sqrt(len(gradient))
    inside = root @ moved.transpose(1, 2)
    return torch.cat([inside, turned * cap[:, None, None]], dim=1) if turned.any() else inside


def _whitening(values: Tensor, weights: Tensor) -> Tensor:
    """A matrix `(p, p)` that gives weighted values `(S, p)` unit covariance about their mean.

    Principal components narrower than a thousandth of the columns (of their size, where they are constant) count as
    that wide: data in a plane say nothing about lengths beside it.
    """
    share = weights.square()[:, None] / weights.square().sum()
    centred = values - (share * values).sum(0)
    size = (share * values.square()).sum(0).sqrt()
    scale = (share * centred.square()).sum(0).sqrt()
    scale = torch.where(scale > bars.TRIVIAL * size, scale, size)
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    factor = torch.linalg.qr(share.sqrt() * centred / scale, mode="r").R
    _, spread, axes = torch.linalg.svd(factor, full_matrices=True)
    wide = torch.full((values.shape[1],), bars.LEAST_COMPONENT, dtype=values.dtype)
    wide[: len(spread)] = spread.clamp_min(bars.LEAST_COMPONENT)
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
