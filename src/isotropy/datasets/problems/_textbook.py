"""Textbook problems, seeded, with the symmetry known beforehand."""

from collections.abc import Callable
from itertools import combinations_with_replacement

import numpy as np
import torch

from isotropy.datasets.files._samples import Samples, Trajectories
from isotropy.datasets.problems._problem import Expected, Problem
from isotropy.errors import DataError

Field = Callable[[torch.Tensor], torch.Tensor]


def lorenz(seed: int = 0, trajectories: int = 8, samples: int = 200) -> Problem:
    """Return the Lorenz system at the classical parameters 10, 28, 8/3.

    Only the half turn (x, y, z) to (-x, -y, z) is a symmetry; no affine flow is.
    """

    def field(state: torch.Tensor) -> torch.Tensor:
        x, y, z = state.unbind(-1)
        return torch.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], -1)

    starts = np.random.default_rng(seed).normal(size=(trajectories, 3)) * 8 + [0, 0, 25]
    answer = Expected("no continuous affine symmetry", 0, "aff(3)")
    return _dynamics("lorenz", "the Lorenz system", field, starts, 4.0, samples, "x,y,z", answer)


def kepler(seed: int = 0, trajectories: int = 8, samples: int = 200) -> Problem:
    """Return the Kepler problem for the state (x, v), with unit mass: ``dv/dt = -x / |x|^3``.

    Bound orbits of eccentricity below about one half; rotations turn position and velocity together.
    """

    def field(state: torch.Tensor) -> torch.Tensor:
        x, v = state.split(3, -1)
        return torch.cat([v, -x / x.norm(dim=-1, keepdim=True) ** 3], -1)

    draw = np.random.default_rng(seed)
    x = draw.normal(size=(trajectories, 3))
    x *= draw.uniform(0.8, 1.2, (trajectories, 1)) / np.linalg.norm(x, axis=1, keepdims=True)
    v = np.cross(x, draw.normal(size=(trajectories, 3)))
    v *= draw.uniform(0.85, 1.1, (trajectories, 1)) / np.linalg.norm(v, axis=1, keepdims=True)
    answer = Expected("rotations of position and velocity together, so(3)", 3, "gl(6)")
    start = np.hstack([x, v])
    return _dynamics("kepler", "the Kepler problem", field, start, 10.0, samples, "x,y,z,vx,vy,vz", answer)


def hopf(seed: int = 0, trajectories: int = 8, samples: int = 200) -> Problem:
    """Return the normal form of the Hopf bifurcation behind its onset: ``dz/dt = (1 + i) z - |z|^2 z``."""

    def field(state: torch.Tensor) -> torch.Tensor:
        x, y = state.unbind(-1)
        decay = 1 - x**2 - y**2
        return torch.stack([decay * x - y, decay * y + x], -1)

    draw = np.random.default_rng(seed)
    radius, angle = draw.uniform(0.2, 2.0, trajectories), draw.uniform(0, 2 * np.pi, trajectories)
    starts = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    answer = Expected("rotations of the plane about the origin, so(2)", 1, "aff(2)")
    return _dynamics("hopf", "the Hopf normal form", field, starts, 5.0, samples, "x,y", answer)


def oscillator(dimension: int = 2, seed: int = 0, trajectories: int = 8, samples: int = 200) -> Problem:
    """Return the isotropic oscillator for the state (x, v): dx/dt = v, dv/dt = -x.

    The matrices that commute with this field are the complex ones, gl(d, C), of real dimension 2 d^2.

    Raises
    ------
    DataError
        Too few trajectories: fewer than `dimension` do not fill the space of states.
    """
    if dimension < 1 or trajectories < dimension:
        raise DataError(
            f"Expected a dimension of at least 1 and as many trajectories, received dimension {dimension} "
            f"and {trajectories} trajectories; add trajectories."
        )

    def field(state: torch.Tensor) -> torch.Tensor:
        x, v = state.chunk(2, -1)
        return torch.cat([v, -x], -1)

    starts = np.random.default_rng(seed).normal(size=(trajectories, 2 * dimension))
    names = ",".join([f"x{i}" for i in range(dimension)] + [f"v{i}" for i in range(dimension)])
    words = f"complex matrices, gl({dimension}, C); the isometries among them are u({dimension})"
    answer = Expected(words, 2 * dimension**2, f"gl({2 * dimension})")
    return _dynamics("oscillator", "the isotropic oscillator", field, starts, 6.0, samples, names, answer)


def quadratic_form(plus: int = 3, minus: int = 0, seed: int = 0, samples: int = 400) -> Problem:
    """Return an invariant of so(plus, minus): y = q + q^2 / 10 with q = x . diag(1, ..., -1, ...) x."""
    n = plus + minus
    if n < 2 or min(plus, minus) < 0:
        raise DataError(f"Expected a signature of two or more, received ({plus}, {minus}); add signs.")
    signs = torch.tensor([1.0] * plus + [-1.0] * minus, dtype=torch.float64)

    def field(x: torch.Tensor) -> torch.Tensor:
        q = (signs.to(x) * x**2).sum(-1, keepdim=True)
        return q + q**2 / 10

    name = f"so({plus}, {minus})" if minus else f"so({plus})"
    answer = Expected(f"{name}, the isometries of the form", n * (n - 1) // 2, f"gl({n})")
    return _map("quadratic form", f"an invariant of {name}", field, n, seed, samples, answer)


def cross_product(seed: int = 0, samples: int = 400) -> Problem:
    """Return the cross product (a, b) to a x b; one matrix of gl(3) acts on a, b and a x b alike."""

    def field(x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.cross(x[..., :3], x[..., 3:])

    answer = Expected("rotations of both vectors and of their product, so(3)", 3, "gl(3)")
    return _map("cross product", "the cross product of two vectors", field, 6, seed, samples, answer)


def random_cubic(n: int = 3, seed: int = 0, samples: int = 400) -> Problem:
    """Return a generic polynomial of degree three, without symmetry: for calibrating the answer "none"."""
    terms = [list(term) for k in (1, 2, 3) for term in combinations_with_replacement(range(n), k)]
    weights = torch.from_numpy(np.random.default_rng([seed, 1]).normal(size=len(terms)))

    def field(x: torch.Tensor) -> torch.Tensor:
        values = torch.stack([x[..., term].prod(-1) for term in terms], -1)
        return (values * weights.to(x)).sum(-1, keepdim=True)

    answer = Expected("no affine symmetry", 0, f"aff({n})")
    return _map("random cubic", "a generic cubic polynomial", field, n, seed, samples, answer)


def random_network(n: int = 3, seed: int = 0, samples: int = 400, width: int = 16) -> Problem:
    """Return a network of two hidden layers with random weights, without symmetry: for calibrating "none"."""
    draw = np.random.default_rng([seed, 1])
    shapes = [(n, width), (width, width), (width, 1)]
    layers = [torch.from_numpy(draw.normal(size=shape) * np.sqrt(2 / shape[0])) for shape in shapes]
    shifts = [torch.from_numpy(draw.normal(size=shape[1]) / 2) for shape in shapes]

    def field(x: torch.Tensor) -> torch.Tensor:
        for layer, shift in zip(layers[:-1], shifts[:-1], strict=True):
            x = torch.tanh(x @ layer.to(x) + shift.to(x))
        return x @ layers[-1].to(x) + shifts[-1].to(x)

    answer = Expected("no affine symmetry", 0, f"aff({n})")
    return _map("random network", "a network with random weights", field, n, seed, samples, answer)


def _map(name: str, description: str, field: Field, n: int, seed: int, samples: int, expected: Expected) -> Problem:
    """Sample a map at normally distributed points."""
    x = torch.from_numpy(np.random.default_rng(seed).normal(size=(samples, n)))
    y = field(x)
    x_names = tuple(f"x{i}" for i in range(n))
    y_names = tuple(f"y{i}" for i in range(y.shape[1]))
    return Problem(name, description, "supervised", Samples(x, y, x_names, y_names), expected, field)


def _dynamics(
    name: str,
    description: str,
    field: Field,
    starts: np.ndarray,
    duration: float,
    samples: int,
    names: str,
    expected: Expected,
) -> Problem:
    """Integrate a field from every start."""
    times = np.linspace(0.0, duration, samples)
    data = Trajectories(
        tuple(torch.from_numpy(_integrate(field, start, times)) for start in starts),
        tuple(torch.from_numpy(times.copy()) for _ in starts),
        tuple(names.split(",")),
        tuple(str(number) for number in range(len(starts))),
    )
    return Problem(name, description, "dynamics", data, expected, field)


def _integrate(field: Field, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the states `(samples, n)` along one trajectory."""
    from scipy.integrate import solve_ivp

    def velocity(_: float, state: np.ndarray) -> np.ndarray:
        return field(torch.from_numpy(state)).numpy()

    result = solve_ivp(velocity, times[[0, -1]], start, method="DOP853", t_eval=times, rtol=1e-11, atol=1e-12)
    if not result.success:
        raise DataError(
            f"Expected a trajectory up to time {times[-1]:g}, received one up to {result.t[-1]:g} "
            f"({result.message}); choose another seed."
        )
    return np.ascontiguousarray(result.y.T)
