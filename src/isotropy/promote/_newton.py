"""Newton's method for the fixed point of the splitting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._fits import Fit

if TYPE_CHECKING:
    from ._slopes import Array

_TRUST = 0.1  # damping of a step, per size of the residual in thresholds
_DAMPED = (1e-6, 1.0)  # least and most damping


def newton_step(fit: Fit, step: float, point: Array, residual: Array) -> Array:
    """The point where the linear model of the splitting's residual vanishes, damped as in Levenberg's method.

    With ``M`` the slopes of the proximal map, ``mu`` the damping and ``P = M / (M + mu)``, nearly the projection on
    the directions that are broken, it solves for the data's coordinates

        ``((1 + mu) L + mu K / step - (1 + 2 mu) B^T P B) c = (1 + 2 mu) B^T P r - B^T r``

    and moves by ``(1 - P)(B c + r) / mu``: only as many rows of ``B`` take part as there are broken directions.
    """
    import numpy as np
    from scipy.linalg.lapack import dposv  # type: ignore[attr-defined]

    threshold = fit.weight / step
    damping = float(np.clip(_TRUST * np.linalg.norm(residual) / threshold, *_DAMPED))
    slopes = fit.system.slopes(point, threshold)
    broken = slopes.shares * slopes.values / (slopes.values + damping)
    seen = slopes.rotate(fit.system.maps @ fit.basis)
    weighted = (1 + 2 * damping) * broken[:, None] * seen
    normal = np.diag((1 + damping) * fit.lengths + damping / step * fit.stiffness) - seen.T @ weighted
    right = slopes.rotate(residual[:, None])[:, 0] @ weighted - fit.system.pull(residual) @ fit.basis
    _, c, failed = dposv(normal, right)
    if failed:
        return point
    left = (fit.system.maps @ (fit.basis @ c) + residual)[:, None]
    return point + (left - slopes.restore(broken[:, None] * slopes.rotate(left)))[:, 0] / damping
