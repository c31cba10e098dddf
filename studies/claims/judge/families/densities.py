"""Densities of the judge set, with known scores."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

import isotropy as iso

from .draws import Draw, Field, jacobian, tensor


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


def _directions(d: Draw, count: int, n: int) -> np.ndarray:
    z = d.normal(size=(count, n))
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def _none(n: int) -> Tensor:
    return torch.zeros(0, n, n, dtype=torch.float64)


def _radial(n: int, log: Callable[[np.ndarray], np.ndarray], smooth: Field, far: float) -> Density:
    """Of the radius alone, by a table of its distribution up to ``far``."""
    grid = np.linspace(0, far, 20001)
    with np.errstate(divide="ignore"):
        weight = np.exp(log(grid)) * grid ** (n - 1)
    table = np.concatenate([[0.0], np.cumsum((weight[1:] + weight[:-1]) / 2)])

    def sample(d: Draw, count: int) -> Tensor:
        radius = np.interp(d.uniform(size=(count, 1)), table / table[-1], grid)
        return tensor(_directions(d, count, n) * radius)

    return Density(n, smooth, sample, iso.so(n).basis)


def _hyperbolic(n: int) -> Density:
    """Tails that fall like an exponential, round at the middle."""
    return _radial(
        n,
        lambda r: -2 * np.sqrt(1 + r * r) + 2,
        lambda z: -2 * (1 + z.square().sum(1)).sqrt(),
        30.0,
    )


def _hollow(n: int) -> Density:
    """A shell that is a fifth of its radius thick."""
    return _radial(
        n,
        lambda r: -((r - 1.5) ** 2) / (2 * 0.3**2),
        lambda z: -(((z.square().sum(1) + 1e-12).sqrt() - 1.5) ** 2) / (2 * 0.3**2),
        4.0,
    )


def _tube() -> Density:
    """Round about an axis, along which it has two unlike peaks."""
    flat, turn = _hollow(2), torch.zeros(1, 3, 3, dtype=torch.float64)
    turn[0, 0, 1], turn[0, 1, 0] = -1.0, 1.0

    def sample(d: Draw, count: int) -> Tensor:
        peak = d.uniform(size=(count, 1)) < 0.3
        height = np.where(peak, 1.2, -0.6) + np.where(peak, 0.4, 0.7) * d.normal(size=(count, 1))
        return torch.cat([flat.sample(d, count), tensor(height)], 1)

    def log(z: Tensor) -> Tensor:
        first = math.log(0.3 / 0.4) - ((z[:, 2] - 1.2) / 0.4).square() / 2
        second = math.log(0.7 / 0.7) - ((z[:, 2] + 0.6) / 0.7).square() / 2
        return flat.log(z[:, :2]) + torch.logaddexp(first, second)

    return Density(3, log, sample, turn)


def _two_discs() -> Density:
    """Two planes, round in each in another way."""
    first, second = _hollow(2), _hyperbolic(2)
    both = torch.zeros(2, 4, 4, dtype=torch.float64)
    both[0, 0, 1] = both[1, 2, 3] = -1.0
    both[0, 1, 0] = both[1, 3, 2] = 1.0
    return Density(
        4,
        lambda z: first.log(z[:, :2]) + second.log(z[:, 2:]),
        lambda d, count: torch.cat([first.sample(d, count), second.sample(d, count)], 1),
        both,
    )


def modulated(draw: Draw, base: Density, size: float) -> Density:
    """The density times ``1 + size w``, with a smooth wave ``|w| <= 1`` of random directions, by rejection."""
    pace, phase = tensor(1.6 * draw.normal(size=(base.size, 2))), tensor(draw.uniform(0, 2 * math.pi, 2))

    def wave(z: Tensor) -> Tensor:
        return 1 + size * torch.sin(z @ pace + phase).mean(1)

    def sample(d: Draw, count: int) -> Tensor:
        kept = base.sample(d, 0)
        while len(kept) < count:
            z = base.sample(d, 2 * count)
            kept = torch.cat([kept, z[tensor(d.uniform(size=len(z))) * (1 + size) < wave(z)]])
        return kept[:count]

    return Density(base.size, lambda z: base.log(z) + wave(z).log(), sample, base.generators)


def _secants(n: int) -> Density:
    """Independent columns of hyperbolic secants."""

    def sample(d: Draw, count: int) -> Tensor:
        return tensor(np.log(np.tan(np.pi / 2 * d.uniform(1e-12, 1 - 1e-12, (count, n)))))

    return Density(n, lambda z: -(z + functional.softplus(-2 * z)).sum(1), sample, _none(n))


def _funnel() -> Density:
    """The first column sets the width of the second."""

    def sample(d: Draw, count: int) -> Tensor:
        first = d.normal(size=(count, 1))
        return tensor(np.hstack([first, np.exp(0.5 * first) * d.normal(size=(count, 1))]))

    def log(z: Tensor) -> Tensor:
        return -z[:, 0].square() / 2 - z[:, 1].square() * torch.exp(-z[:, 0]) / 2 - z[:, 0] / 2

    return Density(2, log, sample, _none(2))


def _cross(draw: Draw, n: int) -> Density:
    """Two crossed bars of unlike share, off the middle."""
    middles, share = tensor(0.7 * draw.normal(size=(2, n))), draw.uniform(0.3, 0.7)
    widths = tensor([[1.8, *[0.4] * (n - 1)], [*[0.5] * (n - 1), 1.5]])
    weights = tensor([share, 1 - share]).log() - widths.log().sum(1)

    def sample(d: Draw, count: int) -> Tensor:
        which = (tensor(d.uniform(size=count)) > share).long()
        return middles[which] + widths[which] * tensor(d.normal(size=(count, n)))

    def log(z: Tensor) -> Tensor:
        return torch.logsumexp(weights - ((z[:, None] - middles) / widths).square().sum(2) / 2, 1)

    return Density(n, log, sample, _none(n))


DENSITIES = {
    "nothing": ("secants", "funnel", "cross"),
    "planted": ("hyperbolic", "hollow", "tube", "two discs"),
}


def density(draw: Draw, family: str, size: float) -> Density:
    """A density of a family; ``size`` is by how much it is modulated out of what is planted."""
    n = int(draw.integers(2, 4))
    known: dict[str, Callable[[], Density]] = {
        "secants": lambda: _secants(n),
        "funnel": _funnel,
        "cross": lambda: _cross(draw, n),
        "hyperbolic": lambda: _hyperbolic(n),
        "hollow": lambda: _hollow(n),
        "tube": _tube,
        "two discs": _two_discs,
    }
    base = known[family]()
    return modulated(draw, base, size) if size else base
