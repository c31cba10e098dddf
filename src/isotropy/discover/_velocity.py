"""States and velocities from sampled trajectories, with an estimate of the error of the velocities."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from isotropy.errors import DataError

__all__ = ["velocities"]

MIN_SAMPLES = 5
EDGE_SHARE = 20
ORDER = 4


def velocities(
    states: Sequence[Tensor], times: Sequence[Tensor], *, method: str = "spline"
) -> tuple[Tensor, Tensor, Tensor]:
    """Smooth trajectories and differentiate them in time.

    ``"spline"`` fits each coordinate with the cubic smoothing spline whose penalty has the least generalised
    cross-validation score; the grid may be uneven. ``"local"`` is a Savitzky-Golay filter of order four for even
    grids, its window chosen by leave-one-out error. Both are least sure at the ends, so a twentieth of each
    trajectory (two samples at the least) is dropped at either end.

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
        Root mean square error expected of `v`, per coordinate ``(n,)``: half the difference between velocities
        from the even and from the odd samples alone (for fewer than ten samples, the difference from central
        differences).

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
    _check_lists(states, times)
    parts = [_differentiate(*_checked(k, s, t), METHODS[method], k) for k, (s, t) in enumerate(zip(states, times))]
    x, v, error = (torch.cat(column) for column in zip(*parts, strict=True))
    return x, v, error.square().mean(0).sqrt()


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
        raise DataError(
            f"trajectory {index}: expected at least {MIN_SAMPLES} samples, got {len(x)}; leave it out or sample finer"
        )
    if not (torch.isfinite(x).all() and torch.isfinite(t).all()):
        raise DataError(f"trajectory {index}: expected finite numbers, got nan or inf; cut it or drop those samples")
    if not (t.diff() > 0).all():
        k = int((t.diff() <= 0).nonzero()[0])
        raise DataError(
            f"trajectory {index}: expected strictly increasing times, got {float(t[k])} then {float(t[k + 1])} at "
            f"sample {k + 1}; sort the samples and drop repeated times"
        )
    return x, t


def _differentiate(x: Tensor, t: Tensor, smooth: Callable, index: int) -> tuple[Tensor, Tensor, Tensor]:
    """Smoothed states, velocities and velocity errors of one trajectory without its edges."""
    import numpy as np

    values, grid = x.cpu().numpy(), t.cpu().numpy()
    value, slope = smooth(values, grid, grid, index)
    if len(grid) < 2 * MIN_SAMPLES:
        error = slope - np.gradient(values, grid, axis=0)
    else:
        error = (smooth(values[::2], grid[::2], grid, index)[1] - smooth(values[1::2], grid[1::2], grid, index)[1]) / 2
    edge = min(max(2, len(grid) // EDGE_SHARE), (len(grid) - 1) // 2)
    kept = slice(edge, len(grid) - edge)
    return tuple(torch.as_tensor(a[kept].copy(), device=x.device) for a in (value, slope, error))  # type: ignore[return-value]


def _spline(values, grid, target, index: int):
    """Smoothing spline per coordinate and its slope at `target`, penalty by generalised cross-validation."""
    from scipy.interpolate import make_smoothing_spline

    # A spline does not see a straight line; its own scale keeps the search for the penalty well posed.
    fitted = make_smoothing_spline(grid, values)
    return fitted(target), fitted.derivative()(target)
