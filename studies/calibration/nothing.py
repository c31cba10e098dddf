"""Seeded problems without a continuous symmetry, each asked through its natural road."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import isotropy as iso
from isotropy import datasets
from isotropy.discover import Discovery, FromData, FromDynamics, FromModel, FromPoints

Field = Callable[[Tensor], Tensor]
Ask = Callable[[np.random.Generator], Discovery]


@dataclass(frozen=True)
class Nothing:
    """A family of problems: how to ask one, by which road, and how many the default study asks."""

    road: str
    ask: Ask
    count: int


def to_tensor(values: np.ndarray) -> Tensor:
    """Contiguous float64."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64))


def seed_of(draw: np.random.Generator) -> int:
    """A seed for what takes one."""
    return int(draw.integers(2**31))


def affine(n: int) -> iso.Action:
    """Every affine motion of `R^n`."""
    return iso.actions.Affine(iso.aff(n))


def waves(draw: np.random.Generator, n: int, outputs: int = 1) -> Field:
    """Return a sum of eight plane waves of random direction, about one radian for a standard deviation."""
    pace, phase = to_tensor(draw.normal(size=(n, 8))), to_tensor(draw.uniform(0, 2 * np.pi, 8))
    weights = to_tensor(draw.normal(size=(8, outputs)))

    def field(x: Tensor) -> Tensor:
        return torch.sin(x @ pace.to(x) + phase.to(x)) @ weights.to(x)

    return field


def quadratic(draw: np.random.Generator, n: int) -> Field:
    """Return a quadratic vector field with a bounded flow: turned by itself, damped, driven."""
    raw = draw.normal(size=(n, n, n))
    turn, push = to_tensor(raw - raw.transpose(1, 0, 2)), to_tensor(draw.normal(size=n))
    raw = draw.normal(size=(n, n))
    damp = to_tensor(raw @ raw.T / n + 0.2 * np.eye(n))

    def field(x: Tensor) -> Tensor:
        return torch.einsum("ijk,...k,...j->...i", turn, x, x) - x @ damp.T + push

    return field


def lorenz(draw: np.random.Generator) -> Field:
    """Return the Lorenz system at random parameters, two thirds to three halves of the classical ones."""
    a, b, c = np.array([10, 28, 8 / 3]) * np.exp(draw.uniform(np.log(2 / 3), np.log(3 / 2), 3))

    def field(x: Tensor) -> Tensor:
        u, v, w = x.unbind(-1)
        return torch.stack([a * (v - u), u * (b - w) - v, u * v - c * w], -1)

    return field


# -- a map that can be evaluated ---------------------------------------------------------------------------------------


def ask_model(make: Callable[..., datasets.Problem], n: int, with_shifts: bool = False) -> Ask:
    """Ask for invariances of a textbook map."""

    def ask(draw: np.random.Generator) -> Discovery:
        problem = make(n, seed=seed_of(draw))
        action = affine(n) if with_shifts else iso.gl(n).vector()
        return FromModel(action, action.algebra.scalar()).fit(problem.field, problem.data.x)

    return ask


def ask_equivariance(draw: np.random.Generator) -> Discovery:
    """Ask whether one matrix moves inputs and outputs of a generic map of R^3 alike."""
    field, x = waves(draw, 3, outputs=3), to_tensor(draw.normal(size=(400, 3)))
    return FromModel(iso.gl(3).vector(), iso.gl(3).vector()).fit(field, x)


def ask_field(make: Callable[[np.random.Generator], Field], action: iso.Action, scale: float) -> Ask:
    """Ask a known vector field at normally distributed states."""

    def ask(draw: np.random.Generator) -> Discovery:
        field = make(draw)
        return FromDynamics(action).fit_field(field, scale * to_tensor(draw.normal(size=(400, 3))))

    return ask


# -- samples of a map --------------------------------------------------------------------------------------------------


def noisy(y: Tensor, noise: float, draw: np.random.Generator) -> Tensor:
    """Add noise, relative to the spread of each output."""
    return y + noise * y.std(0) * to_tensor(draw.normal(size=y.shape))


def ask_samples(n: int, with_shifts: bool, outputs: int = 1) -> Ask:
    """Ask noisy samples of a sum of waves; three outputs may turn as the inputs do."""

    def ask(draw: np.random.Generator) -> Discovery:
        x = to_tensor(draw.normal(size=(int(draw.integers(300, 1001)), n)))
        y = noisy(waves(draw, n, outputs)(x), draw.uniform(0.02, 0.3), draw)
        action = affine(n) if with_shifts else iso.gl(n).vector()
        answer = action.algebra.scalar() if outputs == 1 else iso.gl(n).vector()
        return FromData(action, answer).fit(x, y)

    return ask


def ask_cubic(draw: np.random.Generator) -> Discovery:
    """Ask noisy samples of a generic cubic."""
    data = datasets.random_cubic(3, seed=seed_of(draw), samples=int(draw.integers(300, 1001))).data
    y = noisy(data.y, draw.uniform(0.02, 0.3), draw)
    return FromData(iso.gl(3).vector(), iso.gl(3).scalar()).fit(data.x, y)


def ask_few(draw: np.random.Generator) -> Discovery:
    """Ask few samples of a random network, at times with more noise than signal."""
    n, samples = int(draw.integers(2, 5)), int(draw.integers(30, 151))
    data = datasets.random_network(n, seed=seed_of(draw), samples=samples).data
    y = noisy(data.y, float(draw.choice([0.1, 0.3, 1.0])), draw)
    return FromData(iso.gl(n).vector(), iso.gl(n).scalar(), kinds=["polynomial", "kernel"]).fit(data.x, y)


def ask_noise(draw: np.random.Generator) -> Discovery:
    """Ask targets that have nothing to do with the inputs."""
    n, samples = int(draw.integers(2, 5)), int(draw.integers(50, 501))
    x, y = to_tensor(draw.normal(size=(samples, n))), to_tensor(draw.normal(size=samples))
    return FromData(iso.gl(n).vector(), iso.gl(n).scalar()).fit(x, y)


def ask_labels(draw: np.random.Generator) -> Discovery:
    """Ask labels that have nothing to do with the inputs."""
    n, samples = int(draw.integers(2, 5)), int(draw.integers(300, 601))
    x, labels = to_tensor(draw.normal(size=(samples, n))), torch.from_numpy(draw.integers(0, 3, samples))
    return FromData(iso.gl(n).vector(), iso.gl(n).scalar()).fit(x, labels)


# -- trajectories ------------------------------------------------------------------------------------------------------


def ask_trajectories(
    make: Callable[[np.random.Generator], Field], action: iso.Action, scale: float, time: float
) -> Ask:
    """Ask six trajectories, measured with an error of a thousandth of their spread."""

    def ask(draw: np.random.Generator) -> Discovery:
        field, times = make(draw), np.linspace(0.0, time, 100)
        tracks = [integrate(field, scale * draw.normal(size=3), times) for _ in range(6)]
        spread = np.concatenate(tracks).std()
        seen = [to_tensor(track + 1e-3 * spread * draw.normal(size=track.shape)) for track in tracks]
        return FromDynamics(action).fit(seen, [to_tensor(times)] * len(seen))

    return ask


def integrate(field: Field, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """States `(times, n)` of one trajectory."""
    from scipy.integrate import solve_ivp

    solved = solve_ivp(lambda _, x: field(to_tensor(x)).numpy(), times[[0, -1]], start, "DOP853", times, rtol=1e-9)
    if not solved.success:
        raise RuntimeError(f"expected a trajectory up to time {times[-1]:g}, received {solved.message}")
    return solved.y.T


# -- point clouds ------------------------------------------------------------------------------------------------------


def ask_points(dimension: int, n: int) -> Ask:
    """Ask points on a bumpy closed curve or surface, with a little noise."""

    def ask(draw: np.random.Generator) -> Discovery:
        points = bumpy_curve(draw, n) if dimension == 1 else bumpy_surface(draw)
        seen = points + draw.uniform(0, 0.005) * points.std() * to_tensor(draw.normal(size=points.shape))
        return FromPoints(affine(n)).fit(seen)

    return ask


def bumpy_curve(draw: np.random.Generator, n: int) -> Tensor:
    """Return 800 points of a closed curve with four random harmonics in each coordinate."""
    angle = draw.uniform(0, 2 * np.pi, 800)[:, None] * np.arange(1, 5)
    weights = draw.normal(size=(2, 4, n)) / np.arange(1, 5)[:, None] ** 1.5
    return to_tensor(np.cos(angle) @ weights[0] + np.sin(angle) @ weights[1])


def bumpy_surface(draw: np.random.Generator) -> Tensor:
    """Return 1500 points of a sphere whose radius varies by about a fifth."""
    unit = to_tensor(draw.normal(size=(1500, 3)))
    unit = unit / unit.norm(dim=1, keepdim=True)
    bumps = waves(draw, 3)(2 * unit)
    return unit * (1 + 0.2 * (bumps - bumps.mean()) / bumps.std())


PROBLEMS = {
    "cubic in R^2, gl(2)": Nothing("model", ask_model(datasets.random_cubic, 2), 100),
    "network in R^2, gl(2)": Nothing("model", ask_model(datasets.random_network, 2), 50),
    "cubic in R^3, gl(3)": Nothing("model", ask_model(datasets.random_cubic, 3), 100),
    "cubic in R^3, aff(3)": Nothing("model", ask_model(datasets.random_cubic, 3, True), 100),
    "cubic in R^4, gl(4)": Nothing("model", ask_model(datasets.random_cubic, 4), 100),
    "cubic in R^4, aff(4)": Nothing("model", ask_model(datasets.random_cubic, 4, True), 100),
    "network in R^3, gl(3)": Nothing("model", ask_model(datasets.random_network, 3), 50),
    "network in R^4, gl(4)": Nothing("model", ask_model(datasets.random_network, 4), 50),
    "network in R^5, gl(5)": Nothing("model", ask_model(datasets.random_network, 5), 50),
    "waves R^3 to R^3, gl(3) on both": Nothing("model", ask_equivariance, 50),
    "quadratic field, gl(3)": Nothing("model", ask_field(lambda d: quadratic(d, 3), iso.gl(3).vector(), 1.0), 20),
    "quadratic field, aff(3)": Nothing("model", ask_field(lambda d: quadratic(d, 3), affine(3), 1.0), 20),
    "Lorenz field, aff(3)": Nothing("model", ask_field(lorenz, affine(3), 10.0), 20),
    "waves in R^2, aff(2)": Nothing("data", ask_samples(2, True), 8),
    "waves in R^3, gl(3)": Nothing("data", ask_samples(3, False), 8),
    "waves in R^4, gl(4)": Nothing("data", ask_samples(4, False), 8),
    "sampled waves R^3 to R^3, gl(3) on both": Nothing("data", ask_samples(3, False, 3), 8),
    "sampled cubic in R^3, gl(3)": Nothing("data", ask_cubic, 8),
    "few samples of a network": Nothing("data", ask_few, 40),
    "noise alone": Nothing("data", ask_noise, 12),
    "random labels": Nothing("data", ask_labels, 8),
    "quadratic flow, gl(3)": Nothing(
        "trajectories", ask_trajectories(lambda d: quadratic(d, 3), iso.gl(3).vector(), 1.5, 2.0), 6
    ),
    "quadratic flow, aff(3)": Nothing(
        "trajectories", ask_trajectories(lambda d: quadratic(d, 3), affine(3), 1.5, 2.0), 6
    ),
    "Lorenz flow, aff(3)": Nothing("trajectories", ask_trajectories(lorenz, affine(3), 10.0, 3.0), 6),
    "bumpy curve in R^2, aff(2)": Nothing("points", ask_points(1, 2), 8),
    "bumpy curve in R^3, aff(3)": Nothing("points", ask_points(1, 3), 6),
    "bumpy surface in R^3, aff(3)": Nothing("points", ask_points(2, 3), 8),
}
