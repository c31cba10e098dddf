"""Newton's method for the fixed point of the splitting."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ._fits import Fit

if TYPE_CHECKING:
    from ._slopes import Array

_DENSE = 1_000_000  # entries of the data's basis, seen in the image, up to which the method pays
_WAIT, _PATIENCE = 15, 2.0  # iterations before the first step, and the growth of the wait whenever it fails
_TRIES, _HELPED = 8, 0.5  # steps in which the residual must fall to this share,
_WORSE = 100.0  # without ever growing so much
_TRUST = 0.08  # damping of a step, per size of the residual in thresholds
_DAMPED = (1e-6, 1.0)  # least and most damping


class Newton:
    """Steps of Newton's method, from time to time, for as long as they help.

    The residual need not fall with each of them, as the set of broken directions settles on the way.
    """

    def __init__(self, fit: Fit, threshold: float) -> None:
        self.fit = fit
        self.threshold = threshold
        small = fit.basis.shape[1] * fit.system.maps.shape[0] <= _DENSE
        self.due, self.wait = (_WAIT if small else math.inf), float(_WAIT)
        self.back: Array | None = None  # the last point at which the residual had fallen, or None if not at work
        self.best, self.tries = math.inf, 0  # the residual's size there, and steps since then

    def advance(self, point: Array, residual: Array, size: float, iteration: int) -> Array | None:
        """The next point, or None where the splitting should go on by itself."""
        if self.back is None and iteration < self.due:
            return None
        if self.back is None or size <= _HELPED * self.best:
            self.back, self.best, self.tries = point, size, 0
        if self.tries == _TRIES or size > _WORSE * self.best:
            return self._give_up(size, iteration)
        self.tries += 1
        return newton_step(self.fit, self.threshold, point, residual)

    def _give_up(self, size: float, iteration: int) -> Array | None:
        back, self.back = self.back, None
        self.wait *= _PATIENCE
        self.due = iteration + self.wait
        return back if size > self.best else None


def newton_step(fit: Fit, threshold: float, point: Array, residual: Array) -> Array:
    """The point where the linear model of the splitting's residual vanishes, damped as in Levenberg's method.

    With ``M`` the slopes of the proximal map, ``mu`` the damping, ``P = M / (M + mu)``, nearly the projection on the
    directions that are broken, ``r`` the residual, ``B`` the image of the data's coordinates, ``L`` their lengths and
    ``K`` their stiffness per step, it solves

        ``((1 + mu) L + mu K - (1 + 2 mu) B^T P B) c = (1 + 2 mu) B^T P r - B^T r``

    for the data's step and moves by ``(1 - P)(B c + r) / mu``: only as many rows of ``B`` take part as there are
    broken directions.
    """
    import numpy as np
    from scipy.linalg.lapack import dposv  # type: ignore[attr-defined]

    damping = min(max(_TRUST * math.sqrt(residual @ residual) / threshold, _DAMPED[0]), _DAMPED[1])
    slopes = fit.system.slopes(point, threshold)
    broken = slopes.shares * slopes.values / (slopes.values + damping)
    seen, turned = slopes.rotate(fit.system.maps @ fit.basis), slopes.rotate(residual[:, None])[:, 0]
    roots = np.sqrt((1 + 2 * damping) * broken)
    scaled = roots[:, None] * seen
    normal = -(scaled.T @ scaled)
    normal.flat[:: len(normal) + 1] += (1 + damping) * fit.lengths + damping * threshold / fit.weight * fit.stiffness
    _, c, failed = dposv(normal.T, (roots * turned) @ scaled - fit.system.pull(residual) @ fit.basis, overwrite_a=True)
    if failed:
        return point
    kept = slopes.restore((broken * (seen @ c + turned))[:, None])[:, 0]
    return point + (fit.system.maps @ (fit.basis @ c) + residual - kept) / damping
