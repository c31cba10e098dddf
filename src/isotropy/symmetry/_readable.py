"""Generators as people read them: rounded together, so that the span they print is the one that was found."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..action._action import Action
from ..actions._latent import LatentAction
from ..actions._reordered import Reordered
from ..core._linalg import principal_angles
from . import bars
from ._domain import Domain

MOST_DIGITS = 17  # which tell every float64 from any other
_DRAWS = 256  # points that stand for the data
_MOST_ENTRIES = 2**22  # of their motions together
_DUST = 1e-9  # motion of a term, in that of its generator, that is rounding of the search
Passes = Callable[[Tensor], bool]
Shown = tuple[int, bool]  # digits, and whether terms that are not determined are shown


def rounded(coefficients: Tensor, digits: int) -> Tensor:
    """Numbers that ``digits`` significant digits print; reading them back gives the same numbers."""
    flat = [float(f"{value:.{digits}g}") for value in coefficients.flatten().tolist()]
    return torch.tensor(flat, dtype=torch.float64).reshape(coefficients.shape)


def readable(
    coefficients: Tensor,
    uncertainty: Tensor,
    metric: Tensor | None,
    passes: Passes | None = None,
    start: Shown = (1, False),
) -> tuple[Tensor, Shown]:
    """Generators `(k, dim)` with as few digits as leave their span where it is known to be, and how they are shown.

    Entries are not rounded one by one to what each is known to: far from the origin they depend on one another, and
    rounded apart they would move the data elsewhere. The span of the rounded rows may be off by the angle to which the
    span is known, in the motion of the data, and no more.

    Parameters
    ----------
    coefficients, uncertainty : Tensor
        `(k, dim)` generators, and by how much each entry may change unnoticed, the others following.
    metric : Tensor, optional
        `(rows, dim)` factor of the motion in standard deviations; the coefficients themselves if left out.
    passes : callable, optional
        Whether generators `(k, dim)` pass the test that the full ones have passed; else they get more digits.
    start : int, bool
        Digits to start from, and whether terms that are not determined have to be shown, too.
    """
    if not len(coefficients):
        return coefficients, start
    factor = torch.eye(coefficients.shape[1], dtype=torch.float64) if metric is None else metric
    unit = coefficients / coefficients.abs().amax(dim=1, keepdim=True).clamp_min(1e-300)
    doubt = uncertainty / coefficients.abs().amax(dim=1, keepdim=True).clamp_min(1e-300)
    allowed = max(bars.PRINTED, min(known_angle(unit, doubt, factor), bars.MOST_SINE))
    plain = _without_dust(unit, factor)
    variants = [(True, plain)] if start[1] else [(False, _simplified(plain, doubt)), (True, plain)]
    for digits in range(max(1, start[0]), MOST_DIGITS):
        for every, rows in variants:
            shown = rounded(rows, digits)
            if turned(shown, unit, factor) <= allowed and (passes is None or passes(shown)):
                return shown, (digits, every)
    return rounded(plain, MOST_DIGITS), (MOST_DIGITS, True)


def turned(first: Tensor, second: Tensor, metric: Tensor) -> float:
    """Largest principal angle between the motions `(rows, dim)` of two spans `(k, dim)`, in radians."""
    return float(principal_angles(first @ metric.T, second @ metric.T)[-1])


def known_angle(coefficients: Tensor, uncertainty: Tensor, metric: Tensor) -> float:
    """Sine of the angle to which a span is known, from how far each entry may change, the others following.

    A change that moves the data by a part e of what the generator does changes entry j by up to ``e |M xi| |(M^+)_j|``.
    """
    scale = metric.norm(dim=0)  # columns carry units
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    reach = torch.linalg.pinv(metric / scale, rtol=_DUST).norm(dim=1) / scale
    reach = reach * (coefficients @ metric.T).norm(dim=1, keepdim=True)
    parts = torch.where((uncertainty > 0) & (reach > 0), uncertainty / reach.clamp_min(1e-300), torch.inf).amin(1)
    return float(parts[parts.isfinite()].amax()) if bool(parts.isfinite().any()) else 0.0


def metric_of(candidates: Action, domain: Domain) -> Tensor | None:
    """Factor `(rows, dim)` of the motion of the data in standard deviations, from means and spreads of the columns.

    The data are not kept, so normal points stand for them: of linear and affine motions nothing but second moments
    counts. None where the columns are not those that move, or there are too many.
    """
    size, dim = candidates.size, candidates.algebra.dim
    table = torch.tensor([[c.mean, c.spread] for c in domain.columns], dtype=torch.float64)
    while isinstance(candidates, Reordered):  # the answer must not depend on the order of the columns
        candidates, table = candidates.base, table[[candidates.order.index(place) for place in range(len(table))]]
    draws = min(_DRAWS, _MOST_ENTRIES // max(1, size * dim))
    if len(table) != size or not bool(table.isfinite().all()) or isinstance(candidates, LatentAction) or draws <= size:
        return None
    mean, spread = table.T
    spread = torch.where(spread > 0, spread, torch.where(mean != 0, mean.abs(), torch.ones_like(mean)))
    fields = candidates.fields((mean + spread * _normal(draws, size)).reshape(draws, *candidates.event)).flatten(2)
    rows = (fields / spread).transpose(1, 2).reshape(-1, dim)
    return _with_silent(torch.linalg.qr(rows, mode="r").R) if bool(rows.isfinite().all()) else None


def _with_silent(factor: Tensor) -> Tensor:
    """A factor in which candidates that move no point, such as those of time, count for as much as the others do."""
    sizes = factor.norm(dim=0)
    silent = sizes == 0  # a small one is that of a column in large units
    typical = sizes[~silent].median() if not bool(silent.all()) else torch.ones((), dtype=torch.float64)
    return torch.cat([factor, typical * torch.eye(len(sizes), dtype=torch.float64)[silent]])


def _normal(draws: int, size: int) -> Tensor:
    """Points `(draws, size)` whose mean and covariance are exactly those of a standard normal law."""
    points = torch.randn(draws, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return torch.linalg.qr(points - points.mean(0)).Q * draws**0.5


def _without_dust(unit: Tensor, metric: Tensor) -> Tensor:
    """Rows without terms that hardly move anything."""
    motion = unit.abs() * metric.norm(dim=0)
    return torch.where(motion <= _DUST * motion.amax(dim=1, keepdim=True), 0.0, unit)


def _simplified(unit: Tensor, doubt: Tensor) -> Tensor:
    """Rows with undetermined terms dropped and those that may be 1 set to 1."""
    doubt = doubt.clamp_max(0.5)
    kept = torch.where(unit.abs() < doubt, 0.0, unit)
    return torch.where((unit.abs() - 1).abs() < doubt, unit.sign(), kept)
