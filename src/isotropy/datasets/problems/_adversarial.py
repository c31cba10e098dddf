"""Problems on which adversarial discovery is tried: orbits, a k-fold rotation, boosts."""

import math
from collections.abc import Callable

import numpy as np
import torch

from isotropy.datasets.files._samples import Samples
from isotropy.datasets.problems._problem import Expected, Problem
from isotropy.errors import DataError

_SCATTER = 0.05  # of the speeds about those of circular orbits


def two_body(seed: int = 0, trajectories: int = 200, samples: int = 20, step: float = 1.0) -> Problem:
    """Return steps of two equal masses on nearly circular orbits about their centre.

    The state is (q1, p1, q2, p2), each planar; x is a state and y the one after ``step``. Rotations that turn all four
    vectors alike are symmetries; q2 = -q1 and p2 = -p1, so matrices that differ by one that vanishes there move the
    data alike.
    """
    draw = np.random.default_rng(seed)
    radius, phase = draw.uniform(0.8, 1.6, trajectories), draw.uniform(0, 2 * np.pi, trajectories)
    speed = np.sqrt(1 / (4 * radius)) * (1 + _SCATTER * draw.normal(size=trajectories))
    course = phase + np.pi / 2 + _SCATTER * draw.normal(size=trajectories)
    q, p = radius[:, None] * _unit(phase), speed[:, None] * _unit(course)
    starts = np.concatenate([q, p, -q, -p], axis=1)
    names = tuple(f"{kind}{body}{axis}" for body in (1, 2) for kind in "qp" for axis in "xy")
    return _steps("two-body", starts, samples, step, names)


def three_body(seed: int = 0, trajectories: int = 200, samples: int = 10, step: float = 0.5) -> Problem:
    """Return steps of three equal masses on nearly circular orbits at the corners of a triangle.

    The state is (q1, p1, q2, p2, q3, p3), each planar; x is a state and y the one after ``step``.
    """
    draw = np.random.default_rng([seed, 3])
    radius, phase = draw.uniform(0.9, 1.2, trajectories), draw.uniform(0, 2 * np.pi, trajectories)
    speed = np.sqrt(1 / (math.sqrt(3) * radius))
    parts: list[np.ndarray] = []
    for corner in range(3):
        angle = phase + 2 * np.pi * corner / 3
        scattered = speed * (1 + 0.02 * draw.normal(size=trajectories))
        parts += [radius[:, None] * _unit(angle), scattered[:, None] * _unit(angle + np.pi / 2)]
    names = tuple(f"{kind}{body}{axis}" for body in (1, 2, 3) for kind in "qp" for axis in "xy")
    return _steps("three-body", np.concatenate(parts, axis=1), samples, step, names)


def discrete_rotation(k: int = 7, seed: int = 0, samples: int = 8000) -> Problem:
    """Return ``y = z / (1 + (angle mod 2 pi / k))`` with the angle of (x, y) about z: a k-fold rotation, nothing more.

    Raises
    ------
    DataError
        If k is below 2.
    """
    if k < 2:
        raise DataError(f"k: expected at least 2, received {k}; a turn by a whole circle is none")

    def field(x: torch.Tensor) -> torch.Tensor:
        angle = torch.atan2(x[..., 1], x[..., 0])
        return (x[..., 2] / (1 + torch.remainder(angle, 2 * math.pi / k)))[..., None]

    x = torch.from_numpy(np.random.default_rng(seed).normal(size=(samples, 3)))
    answer = Expected(f"rotations about z by multiples of 2 pi / {k}", 0, "gl(3)")
    data = Samples(x, field(x), ("x", "y", "z"), ("f",))
    return Problem("discrete rotation", f"a map with a {k}-fold rotation", "supervised", data, answer, field)


def lorentz_pairs(seed: int = 0, samples: int = 4000, labels: bool = False, rapidity: float = 1.5) -> Problem:
    """Return pairs of four-momenta with the square of their invariant mass, or with whether it is above the median.

    Masses are uniform in [0.5, 1.5], directions too, and rapidities up to ``rapidity``: boosts do not keep that
    distribution, only the map from momenta to y. One matrix of gl(4) acts on both momenta.
    """
    draw = np.random.default_rng(seed)
    x = torch.from_numpy(np.concatenate([_momenta(draw, samples, rapidity) for _ in range(2)], axis=1))

    def field(points: torch.Tensor) -> torch.Tensor:
        total = points[..., :4] + points[..., 4:]
        return (2 * total[..., :1] ** 2 - total.square().sum(-1, keepdim=True)).clone()

    y = field(x)
    if labels:
        y = (y > y.median()).to(torch.float64)
    names = tuple(f"{kind}{i}" for i in (1, 2) for kind in ("E", "px", "py", "pz"))
    answer = Expected("Lorentz transformations of both momenta, so(1, 3)", 6, "gl(4)")
    words = "whether the invariant mass is large" if labels else "the square of an invariant mass"
    data = Samples(x, y, names, ("heavy" if labels else "m2",))
    return Problem("lorentz pairs", words, "supervised", data, answer, None if labels else field)


def _momenta(draw: np.random.Generator, samples: int, rapidity: float) -> np.ndarray:
    """Four-momenta `(samples, 4)`, energy first."""
    mass, eta = draw.uniform(0.5, 1.5, samples), draw.uniform(0.0, rapidity, samples)
    direction = draw.normal(size=(samples, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return np.concatenate([(mass * np.cosh(eta))[:, None], (mass * np.sinh(eta))[:, None] * direction], axis=1)


def _unit(angle: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _steps(name: str, starts: np.ndarray, samples: int, step: float, names: tuple[str, ...]) -> Problem:
    """States and the states one step later, of masses that attract one another, all trajectories at once."""
    if samples < 2 or not step > 0:
        raise DataError(f"expected at least 2 samples and a positive step, received {samples} and {step}; give more")
    field = _gravity(starts.shape[1] // 4)
    states = [torch.from_numpy(starts)]
    count = max(8, math.ceil(step / 0.02))
    for _ in range(samples - 1):
        states.append(_advance(field, states[-1], step / count, count))
    track = torch.stack(states, dim=1)  # (trajectories, samples, size)
    x, y = (part.reshape(-1, starts.shape[1]) for part in (track[:, :-1], track[:, 1:]))
    answer = Expected("rotations of all positions and momenta alike, so(2)", 1, "gl(2) on each")
    outputs = tuple(f"{name}_next" for name in names)
    return Problem(name, f"steps of the {name} problem", "supervised", Samples(x, y, names, outputs), answer)


def _gravity(bodies: int) -> Callable[[torch.Tensor], torch.Tensor]:
    def velocity(state: torch.Tensor) -> torch.Tensor:
        parts = state.reshape(-1, bodies, 2, 2)
        q, p = parts[:, :, 0], parts[:, :, 1]
        apart = q[:, None] - q[:, :, None]  # (batch, i, j, 2): from i to j
        cube = apart.norm(dim=-1).pow(3) + torch.eye(bodies, dtype=q.dtype)
        return torch.stack([p, (apart / cube[..., None]).sum(2)], dim=2).reshape(state.shape)

    return velocity


def _advance(field: Callable[[torch.Tensor], torch.Tensor], state: torch.Tensor, h: float, count: int) -> torch.Tensor:
    """Classical Runge-Kutta steps."""
    for _ in range(count):
        a = field(state)
        b = field(state + 0.5 * h * a)
        c = field(state + 0.5 * h * b)
        d = field(state + h * c)
        state = state + (h / 6) * (a + 2 * b + 2 * c + d)
    return state
