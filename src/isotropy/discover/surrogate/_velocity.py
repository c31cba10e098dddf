"""States and velocities from sampled trajectories, with an estimate of the error of the velocities."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from isotropy.errors import DataError

from .. import bars

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.interpolate import BSpline

__all__ = ["checked_tracks", "velocities"]

MIN_SAMPLES = 5
EDGE_SHARE = 20
WINDOW, BLOCK, FEW_TERMS = 400, 8, 10
ROBUST = 0.3
ORDER = 4


def velocities(
    states: Sequence[Tensor], times: Sequence[Tensor], *, method: str = "spline"
) -> tuple[Tensor, Tensor, Tensor]:
    """Smooth trajectories and differentiate them in time.

    ``"spline"`` fits each coordinate with the cubic smoothing spline whose penalty has the least robust
    generalised cross-validation score; the grid may be uneven. ``"local"`` is a Savitzky-Golay filter of
    order four for even grids, its window chosen by leave-one-out error. Both are least sure at the ends, so
    a twentieth of each trajectory (two samples at the least) is dropped at either end.

    Parameters
    ----------
    states : sequence of Tensor
        Trajectories ``(T_i, n)``, at least five samples each.
    times : sequence of Tensor
        Strictly increasing times ``(T_i,)``, one tensor per trajectory.
    method : {"spline", "local"}
        How to smooth.

    Returns
    -------
    x : Tensor
        Smoothed states ``(S, n)`` of all trajectories in turn, edges dropped, float64.
    v : Tensor
        Velocities ``(S, n)`` there.
    noise : Tensor
        Root mean square error expected of `v`, per coordinate ``(n,)``: half the difference between the
        velocities of the even and of the odd samples alone (of `v` and central differences for fewer than
        ten).

    Raises
    ------
    DataError
        When the lists disagree, a trajectory is too short or not finite, or its times do not increase.

    Examples
    --------
    >>> import torch
    >>> t = torch.linspace(0, 6, 200, dtype=torch.float64)
    >>> x, v, noise = velocities([torch.sin(t)[:, None]], [t])
    >>> bool((v.square() + x.square() - 1).abs().max() < 1e-4)
    True
    """
    if method not in METHODS:
        raise DataError(f"method must be one of {sorted(METHODS)}, got {method!r}; choose one of them")
    pairs = checked_tracks(states, times)
    if method == "local":
        _check_even([t for _, t in pairs])
    parts = [_differentiate(x, t, METHODS[method]) for x, t in pairs]
    x, v, error = (torch.cat(column) for column in zip(*parts, strict=True))
    return x, v, error.square().mean(0).sqrt()


def checked_tracks(states: Sequence[Tensor], times: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """States `(T_i, n)` and times `(T_i,)` of every trajectory in float64.

    Raises
    ------
    DataError
        When the lists disagree, a trajectory is too short or not finite, or its times do not increase.
    """
    _check_lists(states, times)
    return [_checked(k, state, time) for k, (state, time) in enumerate(zip(states, times, strict=True))]


def _check_lists(states: Sequence[Tensor], times: Sequence[Tensor]) -> None:
    """Refuse an empty list or lists of different lengths and dimensions."""
    if len(states) == 0 or len(states) != len(times):
        raise DataError(
            f"expected one times tensor per trajectory and at least one, got {len(states)} trajectories and "
            f"{len(times)} times; pass two lists of equal length"
        )
    widths = sorted({tuple(s.shape[1:]) for s in states})
    if len(widths) > 1 or len(widths[0]) != 1:
        raise DataError(f"expected trajectories of shape (T, n) with one n, got {widths}; reshape them to (T, n)")


def _checked(index: int, state: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Return one trajectory in float64 after checking lengths, finiteness and order of times."""
    x, t = state.detach().double(), time.detach().double()
    if t.shape != x.shape[:1]:
        raise DataError(
            f"trajectory {index}: expected times of shape ({len(x)},), got {tuple(t.shape)}; give one time per state"
        )
    if len(x) < MIN_SAMPLES:
        raise DataError(f"trajectory {index}: expected at least {MIN_SAMPLES} samples, got {len(x)}; leave it out")
    if not (torch.isfinite(x).all() and torch.isfinite(t).all()):
        raise DataError(f"trajectory {index}: expected finite numbers, got nan or inf; cut it or drop those samples")
    if not (t.diff() > 0).all():
        k = int((t.diff() <= 0).nonzero()[0])
        raise DataError(
            f"trajectory {index}: expected strictly increasing times, got {float(t[k])} then "
            f"{float(t[k + 1])} at sample {k + 1}; sort the samples and drop repeated times"
        )
    return x, t


def _check_even(times: Sequence[Tensor]) -> None:
    """Refuse uneven grids."""
    for index, t in enumerate(times):
        steps = t.diff()
        if float((steps / steps.mean() - 1).abs().max()) > bars.EVEN_STEPS:
            raise DataError(
                f"trajectory {index}: expected even spacing for method 'local', got steps from "
                f"{float(steps.min()):.6g} to {float(steps.max()):.6g}; use method='spline'"
            )


def _differentiate(x: Tensor, t: Tensor, smooth: "Smoother") -> tuple[Tensor, Tensor, Tensor]:
    """Smoothed states, velocities and velocity errors of one trajectory without its edges."""
    values, grid = x.cpu().numpy(), t.cpu().numpy()
    value, slope = smooth(values, grid)
    edge = min(max(2, len(grid) // EDGE_SHARE), (len(grid) - 1) // 2)
    error = _slope_error(values, grid, slope, smooth)
    kept = slice(edge, len(grid) - edge)
    found = [torch.as_tensor(a[kept].copy(), device=x.device) for a in (value, slope, error)]
    return found[0], found[1], found[2]


def _slope_error(values: "NDArray", grid: "NDArray", slope: "NDArray", smooth: "Smoother") -> "NDArray":
    """Half the difference of the slopes that the even and the odd samples give on their own."""
    import numpy as np
    from scipy.interpolate import CubicSpline

    if len(grid) < 2 * MIN_SAMPLES:
        return slope - np.gradient(values, grid, axis=0)
    halves = [CubicSpline(grid[k::2], smooth(values[k::2], grid[k::2])[1])(grid) for k in (0, 1)]
    return (halves[0] - halves[1]) / 2


def _spline(values: "NDArray", grid: "NDArray") -> tuple["NDArray", "NDArray"]:
    """Cubic smoothing spline and its slope; each coordinate has its own penalty."""
    import numpy as np

    # Unit mean spacing keeps the banded systems well scaled whatever the unit of time.
    spacing = (grid[-1] - grid[0]) / (len(grid) - 1)
    steps = (grid - grid[0]) / spacing
    fits = [_fitted(column, steps) for column in values.T]
    value = np.stack([fit(steps) for fit in fits], axis=1)
    return value, np.stack([fit.derivative()(steps) for fit in fits], axis=1) / spacing


def _fitted(column: "NDArray", steps: "NDArray") -> "BSpline":
    """Smoothing spline through one coordinate.

    Long trajectories are judged on three windows together. One that turns out smoother than a window can
    tell is fitted to means of blocks instead: that loses nothing, and the penalty stays in the range that a
    banded solver can bear.
    """
    from scipy.interpolate import make_smoothing_spline

    penalty, terms = _penalty(column, steps)
    if len(steps) <= WINDOW or terms > FEW_TERMS:
        return make_smoothing_spline(steps, column, lam=penalty)
    whole = len(steps) // BLOCK * BLOCK
    return _fitted(column[:whole].reshape(-1, BLOCK).mean(1), steps[:whole].reshape(-1, BLOCK).mean(1))


def _penalty(column: "NDArray", steps: "NDArray") -> tuple[float, float]:
    """Penalty of least robust generalised cross-validation score, and the terms it spends per window.

    With ``A`` the smoother the score is ``|(1 - A) y|^2 / tr(1 - A)^2 * (g + (1 - g) tr(A^2) / T)``; the
    second factor keeps the plain score (g = 1) from following the noise at times, which velocities do not
    forgive.
    """
    import numpy as np

    last = max(len(steps) - WINDOW, 0)
    parts = [slice(start, start + WINDOW) for start in sorted({0, last // 2, last})]
    spectra = [_spectrum(column[part], steps[part]) for part in parts]
    low, high = max(w[-1] for w, _ in spectra), min(w[2] for w, _ in spectra)
    grid = np.logspace(-np.log10(low) - 4, 2 - np.log10(high), 120)
    lost = [grid[:, None] * w / (1 + grid[:, None] * w) for w, _ in spectra]
    residual = np.sum([np.square(a) @ np.square(z) for a, (_, z) in zip(lost, spectra, strict=True)], axis=0)
    together = np.concatenate(lost, axis=1)
    rough = np.square(1 - together).mean(1)
    score = residual / together.sum(1) ** 2 * (ROBUST + (1 - ROBUST) * rough)
    best = int(score.argmin())
    return float(grid[best]), float((1 - together[best]).sum()) / len(parts)


def _spectrum(values: "NDArray", steps: "NDArray") -> tuple["NDArray", "NDArray"]:
    """Eigenvalues of the roughness of natural cubic splines on a grid and the values in its eigenbasis.

    The roughness of the spline through ``f`` is ``f^T Q R^-1 Q^T f`` with banded ``Q`` and ``R``; in its
    eigenbasis the smoother is diagonal, so a whole grid of penalties costs no more than one. (scipy's own
    search is linear in the penalty and reaches neither small nor large ones.)
    """
    import numpy as np

    h, count = np.diff(steps), len(steps)
    q = np.zeros((count, count - 2))
    inner = np.arange(count - 2)
    q[inner, inner], q[inner + 2, inner] = 1 / h[:-1], 1 / h[1:]
    q[inner + 1, inner] = -1 / h[:-1] - 1 / h[1:]
    r = np.diag((h[:-1] + h[1:]) / 3) + np.diag(h[1:-1] / 6, 1) + np.diag(h[1:-1] / 6, -1)
    w, u = np.linalg.eigh(q @ np.linalg.solve(r, q.T))
    w[:2] = 0.0  # straight lines cost nothing
    return w, u.T @ values


def _local(values: "NDArray", grid: "NDArray") -> tuple["NDArray", "NDArray"]:
    """Savitzky-Golay filter of order four and its slope; each coordinate has its own window."""
    import numpy as np

    spacing = (grid[-1] - grid[0]) / (len(grid) - 1)
    columns = [_filtered(column, spacing) for column in values.T]
    return np.stack([c[0] for c in columns], axis=1), np.stack([c[1] for c in columns], axis=1)


def _filtered(column: "NDArray", spacing: float) -> tuple["NDArray", "NDArray"]:
    """Filter one coordinate with the window of least leave-one-out error."""
    import numpy as np
    from scipy.signal import savgol_coeffs, savgol_filter

    best, window = np.inf, MIN_SAMPLES
    widest = max(ORDER + 3, len(column) // 2)
    for size in sorted({2 * int(w / 2) + 1 for w in np.geomspace(ORDER + 3, widest, 25)}):
        if size > len(column):
            break
        own = savgol_coeffs(size, ORDER)[size // 2]
        edge = min(size // 2, len(column) // 4)
        left = ((column - savgol_filter(column, size, ORDER)) / (1 - own))[edge : len(column) - edge]
        score = float(np.square(left).mean())
        if score < best:
            best, window = score, size
    value = savgol_filter(column, window, ORDER)
    slope = savgol_filter(column, window, ORDER, deriv=1, delta=spacing)
    return np.asarray(value), np.asarray(slope)


Smoother = Callable[["NDArray", "NDArray"], tuple["NDArray", "NDArray"]]
METHODS: dict[str, Smoother] = {"spline": _spline, "local": _local}
