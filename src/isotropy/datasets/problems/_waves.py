"""Fields and pictures with a symmetry that no matrix of the pixels shows: spiral waves, a turning shape."""

from collections.abc import Callable

import numpy as np
import torch

from isotropy.datasets.files._samples import Samples
from isotropy.datasets.problems._problem import Expected, Problem
from isotropy.errors import DataError

_HALF = 10.0  # the box is [-10, 10) each way
_DIFFUSION = 0.1
_NOISE = 1e-6
_EDGE = 0.01  # the field is damped by exp(-r^2 / 100) towards the edge of the box


def reaction_diffusion(
    seed: int = 0, size: int = 32, samples: int = 400, step: float = 0.1, settle: float = 10.0
) -> Problem:
    """Return spiral waves of a lambda-omega system: x is a field `(samples, size * size)`, y the one after ``step``.

    ``u_t = (1 - A^2) u + A^2 v + 0.1 lap u`` and ``v_t = -A^2 u + (1 - A^2) v + 0.1 lap v`` with ``A^2 = u^2 + v^2``
    on a periodic box, from ``tanh(r) cos(theta - r)`` and ``tanh(r) sin(theta - r)``. Only u is seen, damped towards
    the edge, with a little noise. Once the wave has settled its phase runs evenly: in the right two coordinates it is
    a linear oscillator.

    Parameters
    ----------
    seed : int
        Of the noise.
    size : int
        Pixels each way.
    samples, step
        Number of pairs, one after the other, and the time between them.
    settle : float
        Time before the first.

    Raises
    ------
    DataError
        If the grid is coarser than 16 pixels, or no time passes.
    """
    if size < 16 or samples < 2 or not step > 0 or settle < 0:
        raise DataError(
            f"expected at least 16 pixels, 2 samples and a positive step, received {size}, {samples}, {step} and "
            f"settle {settle}; give more"
        )
    start, mask = _spiral(size)
    times = settle + step * np.arange(samples + 1)
    tracks = _integrated(_reaction(size), start, times) * mask.ravel()
    noise = _NOISE * np.random.default_rng(seed).normal(size=tracks.shape)
    fields = torch.from_numpy(tracks + noise)
    names = tuple(f"u{i}" for i in range(size * size))
    answer = Expected("shifts of the phase of the wave, so(2)", 1, "latent coordinates")
    data = Samples(fields[:-1], fields[1:], names, tuple(f"{name}_next" for name in names))
    return Problem("reaction-diffusion", "spiral waves of a lambda-omega system", "supervised", data, answer)


def turning_shape(seed: int = 0, samples: int = 1000, size: int = 24) -> Problem:
    """Return three views, along the axes, of a solid shape that is turned at random: `(samples, 3, size, size)`.

    The shape is a sum of round blobs without symmetry of its own; each view is their shadow, exact for any rotation.
    Rotations are uniform, so the symmetry is so(3).

    Raises
    ------
    DataError
        If there is no sample, or a view has fewer than 8 pixels each way.
    """
    if samples < 1 or size < 8:
        raise DataError(f"expected a sample and at least 8 pixels, received {samples} and {size}; ask for more")
    from scipy.spatial.transform import Rotation

    places = np.array([[0.6, 0, 0], [-0.4, 0.3, 0], [0, -0.5, 0.3], [0.1, 0.2, -0.6], [0.3, 0.5, 0.4]])
    heights, width = np.array([1.0, 0.8, 0.6, 0.9, 0.5]), 0.25
    turns = Rotation.random(samples, rng=np.random.default_rng([seed, 6])).as_matrix()
    spots = np.einsum("sij,kj->ski", turns, places)  # (samples, blobs, 3)
    line = np.linspace(-1.2, 1.2, size)
    along = np.exp(-((line - spots[..., None]) ** 2) / (2 * width**2))  # (samples, blobs, 3, size)
    views = [np.einsum("k,skr,skc->src", heights, along[:, :, i], along[:, :, j]) for i, j in ((1, 2), (2, 0), (0, 1))]
    x = torch.from_numpy(np.stack(views, axis=1))
    answer = Expected("rotations of the shape, so(3)", 3, "latent coordinates")
    names = tuple(f"view{i}" for i in range(3 * size * size))
    return Problem("turning shape", "three views of a turning shape", "points", Samples(x, None, names), answer)


def _spiral(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Both fields of a spiral `(2, size, size)`, and how u is damped."""
    line = np.linspace(-_HALF, _HALF, size, endpoint=False)
    across, down = np.meshgrid(line, line)
    radius, angle = np.hypot(across, down), np.arctan2(down, across)
    fields = np.tanh(radius) * np.stack([np.cos(angle - radius), np.sin(angle - radius)])
    return fields, np.exp(-_EDGE * radius**2)


def _reaction(size: int) -> Callable[[float, np.ndarray], np.ndarray]:
    """Rates of flattened fields, the Laplacian taken in waves."""
    waves = 2 * np.pi * np.fft.fftfreq(size, 2 * _HALF / size)
    half = 2 * np.pi * np.fft.rfftfreq(size, 2 * _HALF / size)
    decay = -(waves[:, None] ** 2 + half[None] ** 2)

    def rates(_: float, flat: np.ndarray) -> np.ndarray:
        fields = flat.reshape(2, size, size)
        spread = np.fft.irfft2(decay * np.fft.rfft2(fields), s=(size, size))
        amplitude = (fields**2).sum(0)
        turned = amplitude * np.stack([fields[1], -fields[0]])
        return ((1 - amplitude) * fields + turned + _DIFFUSION * spread).ravel()

    return rates


def _integrated(rates: Callable[[float, np.ndarray], np.ndarray], start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The first field `(times, size * size)` at the times."""
    from scipy.integrate import solve_ivp

    solved = solve_ivp(rates, (0.0, times[-1]), start.ravel(), t_eval=times, method="RK45", rtol=1e-6, atol=1e-8)
    if not solved.success:
        raise DataError(f"expected waves that can be followed, received: {solved.message}; use another grid")
    return solved.y[: start[0].size].T
