"""The systems: data with fresh noise for every run, the true coefficients, the symmetry and the dictionary."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import isotropy as iso
from isotropy.dictionary import Dictionary, Polynomials, custom, polynomials

Array = np.ndarray
TURN = iso.so(2)
SCALES = iso.LieAlgebra(torch.diag(torch.tensor([2.0, 1.0]))[None], "diag(2, 1)")


@dataclass(frozen=True)
class Setting:
    """One row of the study.

    ``draw`` makes trajectories `(trajectories, samples, n)` and their spacing from a generator and their number;
    ``truth`` `(n, terms)` are the coefficients in ``dictionary``; ``symmetry`` is None where none is known.
    """

    name: str
    trajectories: int
    draw: Callable[[np.random.Generator, int], tuple[Array, float]]
    dictionary: Dictionary
    truth: torch.Tensor
    symmetry: Any

    @property
    def stem(self) -> str:
        """Name of the file of its results."""
        return f"{self.name.replace(',', '').replace(' ', '_').lower()}_{self.trajectories}"


def integrate(field: Callable[[Array], Array], starts: Array, step: float, count: int) -> Array:
    """Classical fourth-order steps, `(trajectories, count, n)`."""
    states = [starts]
    for _ in range(count - 1):
        x = states[-1]
        a = field(x)
        b = field(x + step / 2 * a)
        c = field(x + step / 2 * b)
        states.append(x + step / 6 * (a + 2 * b + 2 * c + field(x + step * c)))
    return np.stack(states, axis=1)


def add_noise(states: Array, share: float, draw: np.random.Generator) -> Array:
    """Normal noise with a share of each coordinate's standard deviation."""
    return states + share * states.std(axis=(0, 1)) * draw.normal(size=states.shape)


def oscillator(draw: np.random.Generator, count: int) -> tuple[Array, float]:
    return add_noise(_oscillator(draw, count), 0.2, draw), 0.2


def warped_oscillator(draw: np.random.Generator, count: int) -> tuple[Array, float]:
    """The oscillator in coordinates (x, y + x^2 / 2), with 5 % noise on these."""
    clean = _oscillator(draw, count)
    warped = np.stack([clean[..., 0], clean[..., 1] + clean[..., 0] ** 2 / 2], axis=-1)
    return add_noise(warped, 0.05, draw), 0.2


def growth(draw: np.random.Generator, count: int) -> tuple[Array, float]:
    def field(x: Array) -> Array:
        return np.stack([-0.3 * x[:, 0] + 0.1 * x[:, 1] ** 2, x[:, 1]], axis=1)

    clean = integrate(field, draw.uniform(0.2, 1.0, (count, 2)), 0.02, 100)
    return clean * (1 + 0.05 * draw.normal(size=clean.shape)), 0.02


def lotka_volterra(draw: np.random.Generator, count: int) -> tuple[Array, float]:
    """Logarithms of prey and predator, 99 % noise."""

    def field(x: Array) -> Array:
        return np.stack([2 / 3 - 4 / 3 * np.exp(x[:, 1]), np.exp(x[:, 0]) - 1], axis=1)

    starts: list[Array] = []
    while len(starts) < count:
        x, y = np.log(draw.uniform(0.0, 1.0, 2))
        if 3.0 <= np.exp(x) - x + 4 / 3 * np.exp(y) - 2 / 3 * y <= 4.5:
            starts.append(np.array([x, y]))
    return add_noise(integrate(field, np.array(starts), 0.002, 10000), 0.99, draw), 0.002


def selkov(draw: np.random.Generator, count: int) -> tuple[Array, float]:
    """Glycolysis, 20 % noise."""

    def field(x: Array) -> Array:
        product = x[:, 0] * x[:, 1] ** 2
        return np.stack([0.75 - 0.1 * x[:, 0] - product, 0.1 * x[:, 0] - x[:, 1] + product], axis=1)

    return add_noise(integrate(field, draw.uniform(0.5, 1.0, (count, 2)), 0.002, 10000), 0.2, draw), 0.002


def seir(draw: np.random.Generator, count: int) -> tuple[Array, float]:
    """Shares of the susceptible, exposed, infectious and recovered, 2 % noise."""

    def field(x: Array) -> Array:
        caught, ill, well = 2.0 * x[:, 0] * x[:, 2], 0.5 * x[:, 1], 0.3 * x[:, 2]
        return np.stack([-caught, caught - ill, ill - well, well], axis=1)

    starts = draw.uniform((0.5, 0.0, 0.01, 0.0), (1.0, 0.3, 0.3, 0.5), (count, 4))
    return add_noise(integrate(field, starts, 0.05, 400)[:, ::4], 0.02, draw), 0.2


def recovered_shift(x: torch.Tensor) -> torch.Tensor:
    """Shift of the recovered, on whose number nothing depends."""
    return torch.tensor([0.0, 0.0, 0.0, 1.0]).to(x).expand_as(x)


def warped_turn(x: torch.Tensor) -> torch.Tensor:
    """Rotation in the warped coordinates."""
    p, q = x[:, 0], x[:, 1] - x[:, 0] ** 2 / 2
    return torch.stack([-q, p - p * q], dim=1)


def settings() -> list[Setting]:
    quadratic, cubic = polynomials(2, 2), polynomials(2, 3)
    spiral = [{"x": -0.1, "y": -1.0}, {"x": 1.0, "y": -0.1}]
    grow = [{"x": -0.3, "y^2": 0.1}, {"y": 1.0}]
    warped = [{"x": -0.1, "y": -1.0, "x^2": 0.5}, {"x": 1.0, "y": -0.1, "x^2": -0.05, "x y": -1.0, "x^3": 0.5}]
    sugar = [{"1": 0.75, "x": -0.1, "x y^2": -1.0}, {"x": 0.1, "y": -1.0, "x y^2": 1.0}]
    exponentials = quadratic + custom(2, {"exp(x)": lambda z: z[:, 0].exp(), "exp(y)": lambda z: z[:, 1].exp()})
    ill = [{"x0 x2": -2.0}, {"x0 x2": 2.0, "x1": -0.5}, {"x1": 0.5, "x2": -0.3}, {"x2": 0.3}]
    linear, four = polynomials(2, 1), polynomials(4, 2)
    few = custom(2, {"x": lambda z: z[:, 0], "y": lambda z: z[:, 1], "y^2": lambda z: z[:, 1] ** 2})
    prey = [{"1": 2 / 3, "exp(y)": -4 / 3}, {"1": -1.0, "exp(x)": 1.0}]
    return [
        *(Setting("oscillator", n, oscillator, quadratic, _table(quadratic, spiral), TURN) for n in (1, 5, 50)),
        *(Setting("growth", n, growth, quadratic, _table(quadratic, grow), SCALES) for n in (3, 10, 100)),
        Setting("warped oscillator", 1, warped_oscillator, cubic, _table(cubic, warped), warped_turn),
        Setting("oscillator, linear terms", 1, oscillator, linear, _table(linear, spiral), TURN),
        Setting("growth, three terms", 3, growth, few, _table(few, grow), SCALES),
        *(Setting("SEIR", n, seir, four, _table(four, ill), recovered_shift) for n in (3, 10)),
        Setting("Selkov", 10, selkov, cubic, _table(cubic, sugar), None),
        Setting("Lotka-Volterra", 50, lotka_volterra, exponentials, _table(exponentials, prey), None),
    ]


def _oscillator(draw: np.random.Generator, count: int) -> Array:
    radius, angle = draw.uniform(0.5, 2.0, count), draw.uniform(0, 2 * np.pi, count)
    starts = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    matrix = np.array([[-0.1, -1.0], [1.0, -0.1]])
    return integrate(lambda x: x @ matrix.T, starts, 0.02, 1000)[:, ::10]


def _table(dictionary: Dictionary | Polynomials, rows: list[dict[str, float]]) -> torch.Tensor:
    """Coefficients from names."""
    names = dictionary.names()
    table = torch.zeros(len(rows), len(names), dtype=torch.float64)
    for i, row in enumerate(rows):
        for name, value in row.items():
            table[i, names.index(name)] = value
    return table
