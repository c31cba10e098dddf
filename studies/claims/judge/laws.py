"""Laws of samples of the judge set; those of ``studies.claims.families`` are others."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .draws import Draw, tensor, units

Base = Callable[[Draw, int], np.ndarray]


@dataclass(frozen=True)
class Law:
    """Samples ``x = M z + shift`` of base draws `z`, and the coordinates in which a map sees them.

    Attributes
    ----------
    base : callable
        Draws ``z`` `(count, n)`, about as wide as one.
    matrix, shift : Tensor
        `(n, n)` and `(n,)`.
    raw : bool
        Whether maps see ``x`` itself instead of ``z``.
    affine : bool
        Whether candidates are the affine motions, as the cloud is far from the origin.
    """

    base: Base
    matrix: Tensor
    shift: Tensor
    raw: bool = False
    affine: bool = False

    def sample(self, draw: Draw, count: int) -> Tensor:
        """`(count, n)` independent samples."""
        return tensor(self.base(draw, count)) @ self.matrix.T + self.shift

    def seen(self, x: Tensor) -> Tensor:
        """What a map sees of samples."""
        return x if self.raw else (x - self.shift) @ torch.linalg.inv(self.matrix).T

    def in_units(self, scale: Tensor) -> "Law":
        """The same samples in other units `(n,)`."""
        return replace(self, matrix=scale[:, None] * self.matrix, shift=scale * self.shift)


def _plain(base: Base, n: int, **rest: bool) -> Law:
    return Law(base, torch.eye(n, dtype=torch.float64), torch.zeros(n, dtype=torch.float64), **rest)


def _ball(draw: Draw, n: int) -> Law:
    def base(d: Draw, count: int) -> np.ndarray:
        z = d.normal(size=(count, n))
        return 2 * z / np.linalg.norm(z, axis=1, keepdims=True) * d.uniform(size=(count, 1)) ** (1 / n)

    return _plain(base, n)


def _laplace(draw: Draw, n: int) -> Law:
    return _plain(lambda d, count: d.laplace(scale=0.7, size=(count, n)), n)


def _heavy(draw: Draw, n: int) -> Law:
    """Multivariate Student with 4 degrees of freedom: whole samples are far, not single columns."""

    def base(d: Draw, count: int) -> np.ndarray:
        return d.normal(size=(count, n)) / np.sqrt(d.chisquare(4, size=(count, 1)) / 4)

    return _plain(base, n)


def _skew(draw: Draw, n: int) -> Law:
    return _plain(lambda d, count: d.gamma(1.5, size=(count, n)) - 1.5, n)


def _contaminated(draw: Draw, n: int) -> Law:
    """One in a hundred somewhere else altogether, about 12 spreads away."""
    away = draw.normal(size=n)
    away *= 12 / np.linalg.norm(away)

    def base(d: Draw, count: int) -> np.ndarray:
        return d.normal(size=(count, n)) + away * (d.uniform(size=(count, 1)) < 0.01)

    return _plain(base, n)


def _annulus(draw: Draw, n: int) -> Law:
    """Between two spheres 3 % apart."""

    def base(d: Draw, count: int) -> np.ndarray:
        z = d.normal(size=(count, n))
        return z / np.linalg.norm(z, axis=1, keepdims=True) * d.uniform(1.4, 1.442, (count, 1))

    return _plain(base, n)


def _lopsided(draw: Draw, n: int) -> Law:
    """Two clusters of unlike width, one of them with 3 % of the samples."""
    apart = 3 * draw.normal(size=n) / np.sqrt(n)

    def base(d: Draw, count: int) -> np.ndarray:
        rare = d.uniform(size=(count, 1)) < 0.03
        return np.where(rare, apart + 0.3 * d.normal(size=(count, n)), 0.9 * d.normal(size=(count, n)))

    return _plain(base, n)


def _lattice(draw: Draw, n: int) -> Law:
    """A designed experiment: five levels of every column, so that points repeat."""
    return _plain(lambda d, count: d.integers(-2, 3, (count, n)) * 0.8, n)


def _banana(draw: Draw, n: int) -> Law:
    """One column follows the square of another."""

    def base(d: Draw, count: int) -> np.ndarray:
        z = d.normal(size=(count, n))
        z[:, -1] = 0.7 * (z[:, 0] ** 2 - 1) + 0.3 * z[:, -1]
        return z

    return _plain(base, n, raw=True)


def _simplex(draw: Draw, n: int) -> Law:
    """Shares that sum to one, as of a composition: an affine plane."""
    return _plain(lambda d, count: 3 * d.dirichlet(np.full(n, 1.2), count), n, raw=True)


def _plane(draw: Draw, n: int) -> Law:
    """A hyperplane through the origin, up to rounding."""
    tilt = draw.normal(size=n - 1)

    def base(d: Draw, count: int) -> np.ndarray:
        z = d.normal(size=(count, n - 1))
        return np.column_stack([z, z @ tilt])

    return _plain(base, n, raw=True)


def _window(draw: Draw, n: int) -> Law:
    """A small box somewhere: maps are almost linear in it."""
    width = 10 ** draw.uniform(-1.6, -0.4)
    law = _plain(lambda d, count: d.uniform(-1, 1, (count, n)), n, raw=True)
    return replace(law, matrix=width * law.matrix, shift=tensor(1.5 * draw.normal(size=n)))


def _needle(draw: Draw, n: int) -> Law:
    """Widths from 1 to 0.003, in random directions."""
    law = _plain(lambda d, count: d.normal(size=(count, n)), n, raw=True)
    turned = np.linalg.qr(draw.normal(size=(n, n)))[0]
    return replace(law, matrix=tensor(turned @ np.diag(np.geomspace(1, 0.003, n))))


def _equicorrelated(draw: Draw, n: int) -> Law:
    """Columns that share 98 % of their variance, some of them with the opposite sign."""
    signs = draw.choice([-1.0, 1.0], n)
    root = np.linalg.cholesky(0.02 * np.eye(n) + 0.98)
    law = _plain(lambda d, count: d.normal(size=(count, n)), n, raw=True)
    return replace(law, matrix=tensor(signs[:, None] * root))


def _copies(draw: Draw, n: int) -> Law:
    """A column that repeats another one, negative and up to 0.02 %."""
    change = np.eye(n)
    change[0] = -change[1] + 2e-4 * change[0]
    return replace(_plain(lambda d, count: d.normal(size=(count, n)), n, raw=True), matrix=tensor(change))


def _faraway(draw: Draw, n: int) -> Law:
    """Means of 30 spreads, as of temperatures in kelvin."""
    law = _plain(lambda d, count: d.logistic(scale=0.55, size=(count, n)), n, affine=True)
    return replace(law, shift=tensor(30 * draw.normal(size=n)))


def _scales(draw: Draw, n: int) -> Law:
    """Every column in a unit of its own over twelve decades, and shifted."""
    law = _plain(lambda d, count: d.normal(size=(count, n)), n, affine=True)
    return replace(law, shift=tensor(draw.normal(size=n))).in_units(units(draw, n, 6))


LAWS: dict[str, Callable[[Draw, int], Law]] = {
    "ball": _ball,
    "laplace": _laplace,
    "heavy": _heavy,
    "skew": _skew,
    "contaminated": _contaminated,
    "annulus": _annulus,
    "lopsided": _lopsided,
    "lattice": _lattice,
    "banana": _banana,
    "simplex": _simplex,
    "plane": _plane,
    "window": _window,
    "needle": _needle,
    "equicorrelated": _equicorrelated,
    "copies": _copies,
    "faraway": _faraway,
    "scales": _scales,
}
# What is planted is seen through all of a cloud, so that its dimension is known.
PLANTED_LAWS = ("ball", "laplace", "heavy", "skew", "contaminated", "annulus", "lopsided", "faraway", "scales")
# Laws on which maps can be learnt from samples, and some on which they cannot.
SAMPLED_LAWS = ("ball", "laplace", "heavy", "skew", "contaminated", "lopsided", "equicorrelated", "window", "scales")


def in_random_units(draw: Draw, name: str, n: int) -> Law:
    """A law whose columns have random units, of six decades unless it brings its own."""
    law = LAWS[name](draw, n)
    return law if name == "scales" else law.in_units(units(draw, n, 3))
