"""What may be claimed of transformations of jets, from the gradient of an equation at them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist

import torch
from torch import Tensor

from ...action._action import Action
from ...actions import Trivial
from ...core._autodiff import Map
from ...symmetry.claims import Interval, Judgement, Rows, rows_of
from ...symmetry.claims import bars as limits
from ._adjusted import Adjusted
from ._claimed import Inquiry

_DOUBT = "jets that tell the units of the coordinates as these do may break it by more than the tolerance"


@dataclass(frozen=True)
class JetRows:
    """What generators do to an equation at jets.

    Attributes
    ----------
    rows : Rows
        Relative to the size of the gradient, in coordinates of unit size.
    contained : int
        How many coordinates a gradient may point along: the variables, and the derivatives in the equation.
    error : float
        Relative standard error, at most, of what chance gives, as other jets have other sizes and gradients.
    """

    rows: Rows
    contained: int
    error: float


def jet_rows(equation: Map, action: Action, points: Tensor, floor: float, variables: int) -> JetRows:
    """What generators do to an equation at jets `(S, size)`, of unit size, that miss it by ``floor``, relative to that.

    Values vanish and set no scale, so that every equation is measured by its gradient. Chance is a gradient of that
    length in any direction of the variables, the first coordinates, and of the derivatives that the equation contains,
    a row for each: that of another jet would often do nothing either, as in linear equations, whose gradients are all
    alike. Spreads are those of every coordinate by itself: along what the equation ties together jets would have no
    width, and whatever leads off it would seem to go far.
    """
    points = torch.unique(points, dim=0)  # copies tell the same
    outputs, n = equation(points[:1])[0].numel(), action.size
    rows = rows_of(equation, points, action, Trivial(action.algebra, (outputs,)))
    size = rows.jacobian.square().sum(2).mean(0).sqrt()[:, None]
    size = torch.where(size > 0, size, torch.ones_like(size))
    squares = (rows.jacobian / size).square().sum(1)
    entries = squares.mean(0).sqrt()
    contained = (entries > limits.IGNORED * entries.amax()) | (torch.arange(n) < variables)
    anywhere = contained.to(torch.float64) * math.sqrt(outputs / int(contained.sum()))
    gradient = torch.cat([torch.zeros(outputs, n, dtype=torch.float64), torch.diag(anywhere)])
    found = replace(
        rows,
        lie=torch.cat([rows.lie / size, torch.zeros(rows.samples, n, rows.lie.shape[2], dtype=torch.float64)], 1),
        jacobian=gradient.expand(rows.samples, outputs + n, n),
        turned=torch.zeros(rows.samples, rows.lie.shape[2], outputs + n, dtype=torch.float64),
        values=torch.zeros(rows.samples, outputs + n, dtype=torch.float64),
        points=_untied(points),
        blocks=(),
        rounding=max(rows.rounding, floor) * math.sqrt(n),
    )
    return JetRows(found, int(contained.sum()), _unit_error(points, squares / outputs, contained))


@dataclass(frozen=True)
class JetInquiry:
    """Asks about an equation that can be evaluated.

    Resamples weigh jets anew in units that stay; other jets would give others, so that limits are wider by that.

    Attributes
    ----------
    jets : callable
        Makes the rows; it costs a pass over the jets.
    tolerance, level : float
        Defect that is accepted, and the risk to be wrong.
    seed : int
        Of halves and resamples.
    """

    jets: Callable[[], JetRows]
    tolerance: float
    level: float
    seed: int

    def judge(self, size: int | float | None = None) -> Judgement:
        """Judge all candidates at these jets."""
        jets = self.jets()
        inner = Inquiry(lambda: jets.rows, self.tolerance, self.level, self.seed).judge(size)
        floor, reach = inner.claim.floor, jets.error * NormalDist().inv_cdf(1 - self.level / 2)
        return Adjusted(inner, self.tolerance, lambda seen: _wider(seen, reach, floor), _DOUBT)


def _wider(seen: Interval, reach: float, floor: float) -> Interval:
    """An interval of a ratio whose denominator has an error of its own; what is exact is so in any units."""
    if not seen.known or seen.value <= 0 or seen.upper <= floor:
        return seen
    down = math.inf if seen.lower <= 0 else math.log(seen.value / seen.lower)
    below, above = (math.exp(math.hypot(part, reach)) for part in (down, math.log(seen.upper / seen.value)))
    return Interval(seen.value, seen.value / below, seen.value * above)


def _unit_error(points: Tensor, squares: Tensor, contained: Tensor) -> float:
    """Relative standard error of what chance gives by units from jets `(S, size)` and squared slopes `(S, size)`.

    To first order the square of chance changes with ``|g|^2 + sum_k a_k z_k^2 - sum_j b_j z_j^2`` of a jet z, where a
    and b are the shares of the coordinates in the squares of gradient and motion. b depends on the motion; the scatter
    is convex in it, and so largest where one coordinate alone moves.
    """
    points = points / points.square().mean(0).clamp_min(1e-300).sqrt()
    told = squares.sum(1) + points.square() @ squares.mean(0)
    parts = told[:, None] - points[:, contained].square()
    return float(parts.std(0).amax()) / 2 / math.sqrt(len(points))  # a root halves relative errors


def _untied(points: Tensor) -> Tensor:
    """The same columns, each in an order of its own."""
    rng = torch.Generator().manual_seed(0)
    return torch.stack([column[torch.randperm(len(points), generator=rng)] for column in points.T], dim=1)
