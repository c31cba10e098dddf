"""Laws of samples of the judge set: what experiments, logs and feature tables look like.

A truth is a ratio of second moments, so that all laws have all moments. The heavy ones are not paired with polynomials
of a high degree, whose moments 20000 samples would not tell.
"""

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
        """`(count, n)` samples."""
        return tensor(self.base(draw, count)) @ self.matrix.T + self.shift

    def seen(self, x: Tensor) -> Tensor:
        """What a map sees of samples."""
        return x if self.raw else (x - self.shift) @ torch.linalg.inv(self.matrix).T

    def in_units(self, scale: Tensor) -> "Law":
        """The same samples in other units `(n,)`."""
        return replace(self, matrix=scale[:, None] * self.matrix, shift=scale * self.shift)


def _plain(base: Base, n: int, **rest: bool) -> Law:
    return Law(base, torch.eye(n, dtype=torch.float64), torch.zeros(n, dtype=torch.float64), **rest)


def _directions(d: Draw, count: int, n: int) -> np.ndarray:
    z = d.normal(size=(count, n))
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def _latin(draw: Draw, n: int) -> Law:
    """A Latin hypercube: every column has one sample in each of as many strips."""

    def base(d: Draw, count: int) -> np.ndarray:
        strips = np.stack([d.permutation(count) for _ in range(n)], 1)
        return 3.2 * ((strips + d.uniform(size=(count, n))) / count - 0.5)

    return _plain(base, n)


def _arcsine(draw: Draw, n: int) -> Law:
    """Gauges that dwell at the ends of their range."""
    return _plain(lambda d, count: 1.4 * np.sin(d.uniform(-np.pi, np.pi, (count, n))), n)


def _bursts(draw: Draw, n: int) -> Law:
    """Normal samples whose size is log-normal: quiet and loud episodes."""
    return _plain(lambda d, count: d.normal(size=(count, n)) * np.exp(0.35 * d.normal(size=(count, 1)) - 0.12), n)


def _weibull(draw: Draw, n: int) -> Law:
    """Stretched exponential columns of either sign."""
    return _plain(lambda d, count: 0.7 * d.weibull(0.8, (count, n)) * d.choice([-1.0, 1.0], (count, n)), n)


def _glitches(draw: Draw, n: int) -> Law:
    """In one row of a hundred one gauge reads some ten spreads too much or too little."""

    def base(d: Draw, count: int) -> np.ndarray:
        z, rare = d.normal(size=(count, n)), d.uniform(size=count) < 0.01
        z[rare, d.integers(0, n, int(rare.sum()))] += 10 * d.choice([-1.0, 1.0], int(rare.sum()))
        return z

    return _plain(base, n)


def _crust(draw: Draw, n: int) -> Law:
    """On an ellipsoid with axes 1 to 2, up to 1 %."""
    axes = np.linspace(1.0, 2.0, n)
    return _plain(lambda d, count: axes * _directions(d, count, n) * (1 + 0.01 * d.normal(size=(count, 1))), n)


def _rare_class(draw: Draw, n: int) -> Law:
    """Four classes with shares of 70, 20, 8 and 2 in a hundred, each stretched in its own way."""
    centres, roots = 1.4 * draw.normal(size=(4, n)), 0.5 * np.eye(n) + 0.35 * draw.normal(size=(4, n, n)) / np.sqrt(n)

    def base(d: Draw, count: int) -> np.ndarray:
        which = d.choice(4, count, p=[0.7, 0.2, 0.08, 0.02])
        return centres[which] + np.einsum("sij,sj->si", roots[which], d.normal(size=(count, n)))

    return _plain(base, n)


def _sparse(draw: Draw, n: int) -> Law:
    """Features that are zero in a third of the rows, column by column."""
    return _plain(lambda d, count: 1.2 * d.normal(size=(count, n)) * (d.uniform(size=(count, n)) > 1 / 3), n)


def _counts(draw: Draw, n: int) -> Law:
    """Counts of a few, standardised: many rows repeat where columns are few."""
    return _plain(lambda d, count: (d.poisson(4.0, (count, n)) - 4) / 2, n)


def _moons(draw: Draw, n: int) -> Law:
    """Two half-moons in the first two columns."""

    def base(d: Draw, count: int) -> np.ndarray:
        z, angle, side = d.normal(size=(count, n)), d.uniform(0, np.pi, count), d.choice([-1.0, 1.0], count)
        z[:, 0] = side * (np.cos(angle) * 1.3 - 0.6) + 0.15 * z[:, 0]
        z[:, 1] = side * (np.sin(angle) * 1.3 - 0.3) + 0.15 * z[:, 1]
        return z

    return _plain(base, n, raw=True)


def _totals(draw: Draw, n: int) -> Law:
    """A table whose last column is the sum of the others."""

    def base(d: Draw, count: int) -> np.ndarray:
        z = d.gamma(3.0, 0.4, (count, n - 1))
        return np.column_stack([z, z.sum(1)])

    return _plain(base, n, raw=True)


def _twin_gauges(draw: Draw, n: int) -> Law:
    """Two gauges of one thing: gain, offset, and a difference of 0.05 %."""
    change, shift = np.eye(n), np.zeros(n)
    change[-1] = draw.uniform(0.5, 2.5) * change[0] + 5e-4 * change[-1]
    shift[-1] = draw.normal()
    return replace(
        _plain(lambda d, count: d.normal(size=(count, n)), n, raw=True), matrix=tensor(change), shift=tensor(shift)
    )


def _toeplitz(draw: Draw, n: int) -> Law:
    """Neighbours of a scan: the correlation falls by 3 % from column to column."""
    places = np.arange(n)
    root = np.linalg.cholesky(0.97 ** np.abs(places[:, None] - places))
    return replace(_plain(lambda d, count: d.normal(size=(count, n)), n, raw=True), matrix=tensor(1.2 * root))


def _strip(draw: Draw, n: int) -> Law:
    """A set point that drifts in one direction only: 5 % as wide in the others, away from zero."""
    turned = np.linalg.qr(draw.normal(size=(n, n)))[0] @ np.diag([1.0] + [0.05] * (n - 1))
    law = _plain(lambda d, count: d.triangular(-2, 0, 2, (count, n)), n, raw=True)
    return replace(law, matrix=tensor(turned), shift=tensor(1.2 * draw.normal(size=n)))


def _keyhole(draw: Draw, n: int) -> Law:
    """Every column in a narrow range of its own: maps are almost linear there."""
    law = _plain(lambda d, count: d.beta(2.0, 3.0, (count, n)) - 0.4, n, raw=True)
    return replace(law, matrix=tensor(np.diag(10 ** draw.uniform(-1.3, -0.2, n))), shift=tensor(draw.normal(size=n)))


def _timestamp(draw: Draw, n: int) -> Law:
    """One column counts up from far away, the others are near their means."""
    shift = draw.normal(size=n)
    shift[0] = draw.choice([-1.0, 1.0]) * draw.uniform(20, 60)

    def base(d: Draw, count: int) -> np.ndarray:
        return np.column_stack([d.uniform(-1.7, 1.7, count), d.normal(size=(count, n - 1))])

    return replace(_plain(base, n, affine=True), shift=tensor(shift))


def _si_units(draw: Draw, n: int) -> Law:
    """Columns in nanometres, micrometres, millimetres, kilohertz or pascals, with means of their own."""
    scale = draw.choice([1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e5], n) * draw.uniform(0.5, 5, n)
    law = _plain(lambda d, count: d.gamma(6.0, size=(count, n)) / 2.4 - 2.5, n, affine=True)
    return replace(law, shift=tensor(3 * draw.normal(size=n))).in_units(tensor(scale))


LAWS: dict[str, Callable[[Draw, int], Law]] = {
    "latin": _latin,
    "arcsine": _arcsine,
    "bursts": _bursts,
    "weibull": _weibull,
    "glitches": _glitches,
    "crust": _crust,
    "rare class": _rare_class,
    "sparse": _sparse,
    "counts": _counts,
    "timestamp": _timestamp,
    "si units": _si_units,
    "moons": _moons,
    "totals": _totals,
    "twin gauges": _twin_gauges,
    "toeplitz": _toeplitz,
    "strip": _strip,
    "keyhole": _keyhole,
}
# What is planted is seen through all of a cloud, so that its dimension is known.
PLANTED_LAWS = tuple(LAWS)[:11]
ROUND_LAWS = ("latin", "bursts", "rare class", "arcsine", "glitches", "sparse")  # about the origin, in one unit


def in_random_units(draw: Draw, name: str, n: int) -> Law:
    """A law whose columns have random units, of six decades unless it brings its own."""
    law = LAWS[name](draw, n)
    return law if name == "si units" else law.in_units(units(draw, n, 3))
