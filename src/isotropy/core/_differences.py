"""Central differences that choose their steps, column by column, and are checked against themselves.

Columns may carry any units, so each has a step of its own. With spread ``s`` of a column and size ``a`` of an entry the
step is ``h = (eps a s^2)^(1/3)``: there the error of the formula, ``(h / s)^2`` for a map that varies as the data do,
equals the rounding of the point and the value, ``eps a / h``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

Map = Callable[[Tensor], Tensor]
LADDER = (1 / 64, 1 / 8, 1.0, 8.0, 64.0, 512.0)  # multiples of the step; neighbours check one another
USUAL = LADDER.index(1.0)
_FEW = 4  # samples on which steps are compared
_SEEN = 512  # samples that tell the spread of a column
_NORMAL = 1.4826  # standard deviation over median distance, of a normal distribution
_ROUNDING = 16.0  # a spread of so many roundings of the column's size is none


def central_differences(f: Map, x: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Value `(batch, *out)` and slopes `(q, batch, *out)`, in float64 where the map allows it, else in its own."""
    g, point = in_double(f, x)
    few = slice(None, None, max(1, len(x) // _FEW))
    slopes: list[Tensor] = []
    for v, step in _paced(point, directions.to(point)):
        step = step * _multiple(g, point[few], v[few], step[few])
        slopes.append(_quotients(g, point, v, step[None])[0])
    return g(point).detach().to(x.dtype), torch.stack(slopes).to(x.dtype)


def checked_difference(f: Map, x: Tensor, direction: Tensor, spread: Tensor) -> tuple[Tensor, float]:
    """Slope `(batch, *out)` along one direction `(batch, *event)`, and how far a step 8 times as long differs.

    The difference is relative to the larger slope, so it is 1 or more where no two steps agree: the map is too rough to
    say. ``spread`` `(*event,)` is that of the data the points come from.
    """
    g, point = in_double(f, x)
    step = _pace(_steps(point, spread.to(point)), direction.to(point))
    slopes, gaps = _ladder(g, point, direction.to(point), step, LADDER)
    best = int(torch.tensor(gaps).argmin())
    return slopes[best].to(x.dtype), gaps[best]


def column_spread(x: Tensor) -> Tensor:
    """Spread `(*event,)` of every column of `(batch, *event)`, never zero.

    The median distance to the median, which outliers do not move, scaled to be the standard deviation of normal data;
    where more than half of the entries are equal the standard deviation; of a constant the size; of a column of zeros
    what other columns have.
    """
    seen = x.detach()[:: max(1, len(x) // _SEEN)].flatten(1)
    size = seen.abs().amax(0)
    middle = seen.median(0).values
    spread = _NORMAL * (seen - middle).abs().median(0).values
    nothing = _ROUNDING * torch.finfo(x.dtype).eps * size
    for other in ((seen - seen.mean(0)).square().mean(0).sqrt(), size):
        spread = torch.where(spread > nothing, spread, other)
    known = spread[spread > 0]
    usual = known.median() if len(known) else spread.new_tensor(1.0)
    return torch.where(spread > 0, spread, usual).reshape(x.shape[1:])


def in_double(f: Map, x: Tensor) -> tuple[Map, Tensor]:
    """The map and its points in float64, or unchanged where the map refuses that dtype."""
    g = copy.deepcopy(f).double() if isinstance(f, nn.Module) else f
    point = x.detach().to(torch.float64)
    try:
        g(point[:1])
    except (RuntimeError, TypeError, ValueError):  # an LSTM answers a wrong dtype with ValueError
        return f, x.detach()
    return g, point


def _paced(point: Tensor, directions: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Every direction with the factor `(batch,)` that makes it a step."""
    steps = _steps(point, column_spread(point))
    return [(v, _pace(steps, v)) for v in directions]


def _steps(point: Tensor, spread: Tensor) -> Tensor:
    """Step `(batch, *event)` of every entry; an outlier is rounded more coarsely, so its step is longer."""
    size = torch.maximum(point.abs(), spread)
    # In powers, not as (eps a s^2)^(1/3): the product would leave the range of float32 for columns near 1e-14.
    return torch.finfo(point.dtype).eps ** (1 / 3) * spread * (size / spread) ** (1 / 3)


def _pace(steps: Tensor, v: Tensor) -> Tensor:
    """Largest factor `(batch,)` by which ``v`` moves no entry farther than its step; 1 for a point at rest."""
    speed = (v.abs() / steps).flatten(1).amax(1)
    return torch.where(speed > 0, 1 / speed, torch.ones_like(speed))


def _multiple(g: Map, few: Tensor, v: Tensor, step: Tensor) -> float:
    """The multiple of the step that agrees best with the next longer one; 1 if that agrees as well as can be asked."""
    _, (gap,) = _ladder(g, few, v, step, LADDER[USUAL : USUAL + 2])
    if gap <= torch.finfo(few.dtype).eps ** 0.5:
        return 1.0
    _, gaps = _ladder(g, few, v, step, LADDER)
    return LADDER[int(torch.tensor(gaps).argmin())]


def _ladder(g: Map, few: Tensor, v: Tensor, step: Tensor, multiples: tuple[float, ...]) -> tuple[Tensor, list[float]]:
    """Slopes `(steps, batch, *out)` for several multiples of the step, and how far neighbours differ.

    Relative to the larger of two; slopes that rounding of the values explains count as zero, and zeros as equal.
    """
    steps = torch.stack([multiple * step for multiple in multiples])
    slopes = _quotients(g, few, v, steps)
    value = g(few).detach().reshape(len(few), -1).norm(dim=1)
    noise = _ROUNDING * torch.finfo(few.dtype).eps * (value / steps).norm(dim=1)
    quiet = slopes.flatten(1).norm(dim=1) <= noise
    slopes = torch.where(quiet.reshape(-1, *[1] * (slopes.ndim - 1)), torch.zeros_like(slopes), slopes)
    sizes = slopes.flatten(1).norm(dim=1)
    scale = torch.maximum(sizes[1:], sizes[:-1])
    gaps = slopes.diff(dim=0).flatten(1).norm(dim=1) / torch.where(scale > 0, scale, torch.ones_like(scale))
    return slopes, gaps.nan_to_num(float("inf"), posinf=float("inf")).tolist()


def _quotients(g: Map, point: Tensor, v: Tensor, steps: Tensor) -> Tensor:
    """Central quotients `(steps, batch, *out)` along ``v`` `(batch, *event)` for steps `(steps, batch)`."""
    shaped = steps.reshape(*steps.shape, *[1] * (point.ndim - 1))
    slopes = [(g(point + h * v) - g(point - h * v)).detach() for h in shaped]
    return torch.stack([s / (2 * h).reshape(-1, *[1] * (s.ndim - 1)) for s, h in zip(slopes, steps, strict=True)])
