"""Convex regression with a penalty on how much symmetry is broken, by the alternating direction method."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._anderson import Anderson
from ._fits import Fit
from ._newton import Newton
from ._system import System

if TYPE_CHECKING:
    from ._slopes import Array

_CHECKED = 10  # iterations between two looks at the duality gap,
_FELL = 0.1  # if the residual does not fall to this share before
_SMALL = 1e-3  # of the size an objective may have; the gap of one below it is relative to that


@dataclass(frozen=True)
class Solution:
    """Where the method stopped.

    Attributes
    ----------
    coefficients : array
        ``w`` `(columns,)`.
    split : array
        The shrunken copy of ``A w``, whose zeros are exact.
    point : array
        What was shrunken, to start the next solve from.
    threshold : float
        By how much.
    objective, gap : float
        Value reached, and how far above the minimum it can be, relative to the value.
    iterations : int
        Number of iterations.
    """

    coefficients: Array
    split: Array
    point: Array
    threshold: float
    objective: float
    gap: float
    iterations: int


def solve(system: System, fit: Fit, tolerance: float, most: int, start: Solution | None = None) -> Solution:
    """Alternate between data and penalty until the duality gap is at most ``tolerance`` of the objective.

    The fixed-point map of the splitting is extrapolated by Anderson's method and, once it has come near, solved by
    Newton's. A lower bound belongs to every iterate: the data's step leaves a dual image that balances the slope
    exactly, and scaling makes it feasible.
    """
    point, threshold = _begin(system, fit) if start is None else (start.point, start.threshold)
    step = fit.weight / threshold
    anderson, newton = Anderson(), Newton(fit, threshold)
    iteration, seen, scale = 0, math.inf, _SMALL * fit.size
    while True:
        iteration += 1
        z = system.shrink(point, threshold)
        w = fit.nearest(2 * z - point, step)
        image = system.image(w)
        residual = image - z
        size = math.sqrt(residual @ residual)
        if iteration % _CHECKED == 0 or iteration >= most or size <= _FELL * seen:
            seen = size
            primal, bound = fit.values(w, image, step * (residual - z + point))
            gap = max(primal - bound, 0.0) / max(abs(primal), scale, 1e-300)
            if gap <= tolerance or iteration >= most:
                return Solution(w, z, point, threshold, primal, gap, iteration)
        following = newton.advance(point, residual, size, iteration)
        if following is None:
            point = anderson.advance(point, residual, size)
        else:
            point = following
            anderson.forget()


def _begin(system: System, fit: Fit) -> tuple[Array, float]:
    """The image of the plain fit, and a threshold of a tenth of its largest singular value."""
    import numpy as np

    w = fit.nearest(np.zeros(system.maps.shape[0]), 1.0)
    image = system.image(w)
    largest = max(system.dual(image), _SMALL * system.reach(w))
    return image, 0.1 * largest if largest > 0 else fit.weight
