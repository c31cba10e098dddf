"""Densities and surfaces of the judge set, with known scores and normals."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import isotropy as iso

from .draws import Draw, Field, gaussian_process, jacobian, scalar, tensor

# -- densities ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Density:
    """A density by its logarithm up to a constant, a sampler, and the linear motions that keep it."""

    size: int
    log: Field
    sample: Callable[[Draw, int], Tensor]
    generators: Tensor

    def score(self, z: Tensor) -> Tensor:
        """``grad log p`` `(batch, n)`."""
        return jacobian(self.log, z)[1][:, 0]


def _sphere(d: Draw, count: int, n: int) -> np.ndarray:
    z = d.normal(size=(count, n))
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def _radial(n: int, power: float) -> Density:
    """``exp(-|z|^power / power)``: thinner or fatter than a Gaussian."""

    def sample(d: Draw, count: int) -> Tensor:
        radius = (power * d.gamma(n / power, size=(count, 1))) ** (1 / power)
        return tensor(_sphere(d, count, n) * radius)

    log = lambda z: -((z.square().sum(1) + 1e-12) ** (power / 2)) / power  # noqa: E731
    return Density(n, log, sample, iso.so(n).basis)


def _student(n: int) -> Density:
    """Multivariate Student of 7 degrees of freedom."""
    sample = lambda d, count: tensor(d.normal(size=(count, n)) / np.sqrt(d.chisquare(7, (count, 1)) / 7))  # noqa: E731
    return Density(n, lambda z: -(7 + n) / 2 * torch.log1p(z.square().sum(1) / 7), sample, iso.so(n).basis)


def _spindle() -> Density:
    """Round about an axis, along which it is skew."""
    axis = torch.zeros(1, 3, 3, dtype=torch.float64)
    axis[0, 0, 1], axis[0, 1, 0] = -1.0, 1.0

    def sample(d: Draw, count: int) -> Tensor:
        height = d.gumbel(size=(count, 1))
        return tensor(np.hstack([_radial(2, 4.0).sample(d, count).numpy() * np.exp(0.25 * np.tanh(height)), height]))

    def log(z: Tensor) -> Tensor:
        wide = 0.25 * torch.tanh(z[:, 2])
        flat = z[:, :2] * torch.exp(-wide)[:, None]
        return -flat.square().sum(1).square() / 4 - 2 * wide - z[:, 2] - torch.exp(-z[:, 2])

    return Density(3, log, sample, axis)


def modulated(draw: Draw, base: Density, size: float, order: int) -> Density:
    """The density times ``1 + size cos(order angle)`` in one plane, by rejection; it keeps nothing of it."""
    phase = float(draw.uniform(0, 2 * math.pi))

    def wave(z: Tensor) -> Tensor:
        """Smooth at the origin: it fades there as ``r^order``."""
        radius = z[:, :2].square().sum(1)
        angle = torch.atan2(z[:, 1], z[:, 0] + 1e-300)
        return 1 + size * (radius / (0.3 + radius)) ** (order / 2) * torch.cos(order * angle + phase) * torch.cos(
            0.7 * z[:, 2:].sum(1)
        )

    def sample(d: Draw, count: int) -> Tensor:
        kept = base.sample(d, 0)
        while len(kept) < count:
            z = base.sample(d, 2 * count)
            accepted = tensor(d.uniform(size=len(z))) * (1 + size) < wave(z)
            kept = torch.cat([kept, z[accepted]])
        return kept[:count]

    return Density(base.size, lambda z: base.log(z) + wave(z).log(), sample, base.generators)


def _quartics(n: int) -> Density:
    """Independent columns of density ``exp(-z^4)``: a cube with round corners, no rotation keeps it."""

    def sample(d: Draw, count: int) -> Tensor:
        return tensor(d.gamma(0.25, size=(count, n)) ** 0.25 * d.choice([-1.0, 1.0], (count, n)))

    return Density(n, lambda z: -(z**4).sum(1), sample, torch.zeros(0, n, n, dtype=torch.float64))


def _skew_product(n: int) -> Density:
    """Independent columns, each skew in its own way."""

    def sample(d: Draw, count: int) -> Tensor:
        return tensor(np.hstack([d.gumbel(size=(count, 1)), d.logistic(scale=0.6, size=(count, n - 1))]))

    def log(z: Tensor) -> Tensor:
        rest = z[:, 1:] / 0.6
        return -z[:, 0] - torch.exp(-z[:, 0]) - (rest + 2 * torch.nn.functional.softplus(-rest)).sum(1)

    return Density(n, log, sample, torch.zeros(0, n, n, dtype=torch.float64))


def _mixture(draw: Draw, n: int) -> Density:
    """Three Gaussians of unlike shape and share."""
    middles, roots = tensor(1.6 * draw.normal(size=(3, n))), tensor(0.5 * draw.normal(size=(3, n, n)) + np.eye(n))
    roots = roots + 0.3 * torch.eye(n, dtype=torch.float64)
    shares = tensor([0.6, 0.3, 0.1])
    whiten, size = torch.linalg.inv(roots), torch.linalg.slogdet(roots).logabsdet

    def sample(d: Draw, count: int) -> Tensor:
        which = torch.from_numpy(d.choice(3, count, p=shares.numpy()))
        return middles[which] + torch.einsum("sij,sj->si", roots[which], tensor(d.normal(size=(count, n))))

    def log(z: Tensor) -> Tensor:
        inside = torch.einsum("kij,skj->ski", whiten, z[:, None] - middles).square().sum(2)
        return torch.logsumexp(shares.log() - size - inside / 2, 1)

    return Density(n, log, sample, torch.zeros(0, n, n, dtype=torch.float64))


def _banana() -> Density:
    """One column follows the square of the other."""

    def sample(d: Draw, count: int) -> Tensor:
        z = d.normal(size=(count, 2))
        return tensor(np.column_stack([z[:, 0], 0.8 * z[:, 0] ** 2 + 0.5 * z[:, 1] + 0.2 * z[:, 0] ** 3]))

    log = lambda z: -(z[:, 0] ** 2) / 2 - ((z[:, 1] - 0.8 * z[:, 0] ** 2 - 0.2 * z[:, 0] ** 3) / 0.5) ** 2 / 2  # noqa: E731
    return Density(2, log, sample, torch.zeros(0, 2, 2, dtype=torch.float64))


DENSITIES = {
    "nothing": ("quartics", "skew product", "mixture", "banana", "waves"),
    "planted": ("thin disc", "thin ball", "fat ball", "gaussian", "student", "spindle"),
}


def density(draw: Draw, family: str, size: float) -> Density:
    """A density of a family; ``size`` is by how much it is modulated along what is planted."""
    n = int(draw.integers(2, 4))
    known: dict[str, Callable[[], Density]] = {
        "quartics": lambda: _quartics(n),
        "skew product": lambda: _skew_product(n),
        "mixture": lambda: _mixture(draw, n),
        "banana": _banana,
        "waves": lambda: modulated(draw, _radial(n, 4.0), 0.8, int(draw.integers(3, 6))),
        "thin disc": lambda: _radial(2, 4.0),
        "thin ball": lambda: _radial(3, 4.0),
        "fat ball": lambda: _radial(3, 1.5),
        "gaussian": lambda: _radial(n, 2.0),
        "student": lambda: _student(n),
        "spindle": _spindle,
    }
    base = known[family]()
    return modulated(draw, base, size, int(draw.integers(2, 5))) if size else base


# -- surfaces ----------------------------------------------------------------------------------------------------------


_STEPS = 25  # of Newton's method


@dataclass(frozen=True)
class Surface:
    """The set ``h = 0``, points near it, and the linear motions that keep it."""

    size: int
    h: Field
    near: Callable[[Draw, int], Tensor]
    generators: Tensor

    def sample(self, d: Draw, count: int) -> Tensor:
        """Points on the set, by Newton's method from points near it; those that it does not take there are left out."""
        kept = torch.zeros(0, self.size, dtype=torch.float64)
        for _ in range(20):
            z = self.near(d, count)
            for _ in range(_STEPS):
                value, slope = jacobian(self.h, z)
                z = z - value * slope[:, 0] / slope.square().sum(2)
            good = (self.h(z).abs() < 1e-10) & (z.norm(dim=1) < 10)
            kept = torch.cat([kept, z[good]])
            if len(kept) >= count:
                return kept[:count]
        raise RuntimeError("expected a surface with points on it, received none; choose a smaller break")

    def normals(self, z: Tensor) -> Tensor:
        """Unit normals `(batch, n)`."""
        slope = jacobian(self.h, z)[1][:, 0]
        return slope / slope.norm(dim=1, keepdim=True)


def _cone_like(d: Draw, count: int) -> Tensor:
    angle, height = d.uniform(0, 2 * np.pi, count), d.uniform(-1, 1, count)
    wide = np.sqrt(1 + height**2)
    return tensor(np.column_stack([wide * np.cos(angle), wide * np.sin(angle), height]))


def _bowl(d: Draw, count: int) -> Tensor:
    z = d.uniform(-1.3, 1.3, (count, 2))
    return tensor(np.column_stack([z, (z**2).sum(1) / 2]))


def _ring(d: Draw, count: int) -> Tensor:
    a, b = d.uniform(0, 2 * np.pi, (2, count))
    wide = 1 + 0.4 * np.cos(b)
    return tensor(np.column_stack([wide * np.cos(a), wide * np.sin(a), 0.4 * np.sin(b)]))


def _spiral(d: Draw, count: int) -> Tensor:
    angle = d.uniform(-2.8, 2.8, count)
    return tensor(np.exp(0.2 * angle)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))


def _graph(draw: Draw) -> Surface:
    """The graph of a draw of a Gaussian process."""
    height = scalar(gaussian_process(draw, 2, length=0.9))
    near = lambda d, count: tensor(np.column_stack([d.uniform(-1.3, 1.3, (count, 2)), np.zeros(count)]))  # noqa: E731
    return Surface(3, lambda z: z[:, 2] - height(z[:, :2]), near, torch.zeros(0, 3, 3, dtype=torch.float64))


def _potato(draw: Draw, n: int) -> Surface:
    """A star-shaped closed set, bent by a fourth of its size."""
    bend = scalar(gaussian_process(draw, n, length=0.8))

    def h(z: Tensor) -> Tensor:
        radius = z.square().sum(1).sqrt()
        return radius - 1 - 0.2 * torch.tanh(bend(z / radius[:, None]))

    return Surface(n, h, lambda d, count: tensor(_sphere(d, count, n)), torch.zeros(0, n, n, dtype=torch.float64))


def _axis(*extra: list[float]) -> Tensor:
    turn = torch.zeros(1, 3, 3, dtype=torch.float64)
    turn[0, 0, 1], turn[0, 1, 0] = -1.0, 1.0
    return torch.cat([turn, *(torch.diag(tensor(row))[None] for row in extra)])


SURFACES = {
    "nothing": ("graph", "potato", "curved potato"),
    "planted": ("circle", "sphere", "hyperboloid", "bowl", "ring", "spiral"),
}


def surface(draw: Draw, family: str, size: float) -> Surface:
    """A surface of a family; ``size`` is how far it is bent out of what is planted."""
    turn = tensor([[[0.0, -1.0], [1.0, 0.0]]])
    grow = turn + 0.2 * torch.eye(2, dtype=torch.float64)
    round_ = lambda d, count, n: tensor(_sphere(d, count, n))  # noqa: E731
    known: dict[str, Callable[[], Surface]] = {
        "graph": lambda: _graph(draw),
        "potato": lambda: _potato(draw, 3),
        "curved potato": lambda: _potato(draw, 2),
        "circle": lambda: Surface(2, lambda z: z.square().sum(1) - 1, lambda d, c: round_(d, c, 2), turn),
        "sphere": lambda: Surface(3, lambda z: z.square().sum(1) - 1, lambda d, c: round_(d, c, 3), iso.so(3).basis),
        "hyperboloid": lambda: Surface(
            3, lambda z: z[:, :2].square().sum(1) - z[:, 2].square() - 1, _cone_like, iso.so(2, 1).basis
        ),
        "bowl": lambda: Surface(3, lambda z: z[:, 2] - z[:, :2].square().sum(1) / 2, _bowl, _axis([1.0, 1.0, 2.0])),
        "ring": lambda: Surface(
            3, lambda z: ((z[:, :2].norm(dim=1) - 1).square() + z[:, 2].square()).sqrt() - 0.4, _ring, _axis()
        ),
        "spiral": lambda: Surface(
            2, lambda z: z.square().sum(1).log() / 2 - 0.2 * torch.atan2(z[:, 1], z[:, 0]), _spiral, grow
        ),
    }
    base = known[family]()
    if not size:
        return base
    other = scalar(gaussian_process(draw, base.size, length=1.0))
    return Surface(base.size, lambda z: base.h(z) + size * other(z), base.near, base.generators)
