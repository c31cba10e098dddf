"""Problems whose symmetry is linear only in other coordinates: pendulum, Lotka-Volterra, waves, shapes."""

from collections.abc import Callable

import numpy as np
import torch

from isotropy.datasets.files._samples import Samples
from isotropy.datasets.problems._problem import Expected, Problem
from isotropy.errors import DataError

_HIGHEST, _FASTEST = 0.99, 2.1  # energy and speed of the pendulum
_LOWEST, _TOP = 3.0, 4.5  # Lotka-Volterra: values of the conserved quantity that are kept
_RATES = (2 / 3, 4 / 3, 1.0, 1.0)


def pendulum(seed: int = 0, trajectories: int = 100, samples: int = 20, step: float = 0.4) -> Problem:
    """Return steps of swinging pendulums, ``q' = p, p' = -sin q``: x is a state, y the one after ``step``.

    Energies ``p^2 / 2 - cos q`` stay below that of the upright rest. Swings of another height have another period, so
    no matrix is a symmetry; the phase of the swing may be shifted, which is linear in coordinates still to be found.
    """
    draw = np.random.default_rng(seed)
    starts = _kept(
        draw, trajectories, [(-np.pi, np.pi), (-_FASTEST, _FASTEST)], lambda x: pendulum_energy(x) < _HIGHEST
    )

    def field(x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x[..., 1], -torch.sin(x[..., 0])], dim=-1)

    return _steps("pendulum", field, starts, samples, step, ("q", "p"))


def pendulum_energy(x: torch.Tensor) -> torch.Tensor:
    """Energy `(...,)` of pendulums `(..., 2)`, from -1 at rest to 1 upright."""
    return x[..., 1].square() / 2 - torch.cos(x[..., 0])


def lotka_volterra(seed: int = 0, trajectories: int = 100, samples: int = 20, step: float = 0.4) -> Problem:
    """Return steps of logarithms of prey and predators, ``x' = 2/3 - 4/3 e^y, y' = e^x - 1``.

    x is a state, y the one after ``step``; starts are uniform in [0, 1]^2 before the logarithm, with ``lotka_volterra_
    energy`` between 3 and 4.5. The phase along the closed orbits may be shifted.
    """
    draw = np.random.default_rng([seed, 2])
    within = [(1e-3, 1.0)] * 2

    def wanted(x: torch.Tensor) -> torch.Tensor:
        energy = lotka_volterra_energy(x.log())
        return (energy >= _LOWEST) & (energy <= _TOP)

    a, b, c, d = _RATES

    def field(x: torch.Tensor) -> torch.Tensor:
        return torch.stack([a - b * x[..., 1].exp(), c * x[..., 0].exp() - d], dim=-1)

    return _steps("Lotka-Volterra", field, _kept(draw, trajectories, within, wanted).log(), samples, step, ("x", "y"))


def lotka_volterra_energy(x: torch.Tensor) -> torch.Tensor:
    """Conserved quantity `(...,)` of logarithms `(..., 2)` of prey and predators."""
    a, b, c, d = _RATES
    return c * x[..., 0].exp() - d * x[..., 0] + b * x[..., 1].exp() - a * x[..., 1]


def double_bump(seed: int = 0, samples: int = 2000, length: int = 64) -> Problem:
    """Return a box and a triangle on a circle of ``length`` places, each shifted at random: `(samples, length)`.

    The two shifts are independent, so the symmetry is so(2) + so(2); neither is linear and simple in the places.
    """
    if length < 8 or samples < 1:
        raise DataError(f"expected at least 8 places and a sample, received {length} and {samples}; ask for more")
    draw = np.random.default_rng([seed, 4])
    places = np.arange(length) / length
    half = 1 / 8  # of the circle

    def away(shift: np.ndarray) -> np.ndarray:
        return np.abs((places - shift[:, None] + 0.5) % 1 - 0.5)

    first, second = draw.random((2, samples))
    box = np.clip((half - away(first)) * length + 0.5, 0, 1)  # the edge moves within a place, too
    triangle = np.clip(1 - away(second) / half, 0, None)
    x = torch.from_numpy((box + triangle) / 2)
    answer = Expected("shifts of each bump, so(2) + so(2)", 2, "latent coordinates")
    return Problem("double bump", "two bumps on a circle", "points", Samples(x, None, _numbered("u", length)), answer)


def _numbered(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name}{i}" for i in range(count))


def _kept(
    draw: np.random.Generator,
    count: int,
    within: list[tuple[float, float]],
    wanted: Callable[[torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Points `(count, n)` uniform in a box, of which only the wanted ones are kept."""
    if count < 1:
        raise DataError(f"trajectories: expected at least 1, received {count}; ask for more")
    low, high = np.array(within).T
    found = torch.zeros(0, len(within), dtype=torch.float64)
    while len(found) < count:
        x = torch.from_numpy(draw.uniform(low, high, (4 * count, len(within))))
        found = torch.cat([found, x[wanted(x)]])
    return found[:count]


def _steps(
    name: str,
    field: Callable[[torch.Tensor], torch.Tensor],
    starts: torch.Tensor,
    samples: int,
    step: float,
    names: tuple[str, ...],
) -> Problem:
    """States and the states one step later along trajectories, by Runge-Kutta steps."""
    if samples < 2 or not step > 0:
        raise DataError(f"expected at least 2 samples and a positive step, received {samples} and {step}; give more")
    from isotropy.core._flow import integrate

    states = [starts]
    for _ in range(samples - 1):
        states.append(integrate(field, states[-1], step))
    track = torch.stack(states, dim=1)  # (trajectories, samples, size)
    x, y = (part.reshape(-1, starts.shape[1]) for part in (track[:, :-1], track[:, 1:]))
    answer = Expected("shifts of the phase along closed orbits, so(2)", 1, "latent coordinates")
    data = Samples(x, y, names, tuple(f"{one}_next" for one in names))
    return Problem(name, f"steps of {name}", "supervised", data, answer, field)
