"""Integrals along a sampled track against test functions that vanish at both of its ends."""

from __future__ import annotations

import torch
from torch import Tensor

from .. import bars

_DEGREE = 5  # of the spline between samples: its error falls with the sixth power of the step
_NODES = 4  # of Gauss and Legendre between two samples: a spline times a slow sine, to rounding


def integrals(times: Tensor) -> tuple[Tensor, Tensor]:
    """Weights that turn samples of a function of time into its integrals.

    Test functions are sines of 1, 2, ... half waves over the track, up to one half wave for every few samples. They
    span all functions that vanish at both ends, so that nothing is lost but the two free ends, and no window has to be
    chosen; the covariance of the noise says how much each of them is worth. What stands between the samples is a
    quintic spline through them, on even and uneven grids alike.

    Parameters
    ----------
    times : Tensor
        `(T,)`, increasing.

    Returns
    -------
    values, slopes : Tensor
        `(tests, T)` each: ``values @ f`` is the integral of f times the test functions, ``slopes @ f`` that of f times
        their derivatives.
    """
    import numpy as np
    from scipy.interpolate import make_interp_spline

    length = float(times[-1] - times[0])
    grid = ((times - times[0]) / length).numpy()
    count = max(2, len(grid) // bars.SAMPLES_PER_TEST)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    steps = np.diff(grid)[:, None]
    places = (grid[:-1, None] + steps * (nodes + 1) / 2).ravel()
    sizes = (steps * weights / 2).ravel()
    between = make_interp_spline(grid, np.eye(len(grid)), k=_DEGREE)(places)
    waves = np.pi * np.arange(1, count + 1)[:, None]
    values = torch.as_tensor(np.sin(waves * places) * sizes @ between) * length
    slopes = torch.as_tensor(waves * np.cos(waves * places) * sizes @ between)
    return values, slopes
