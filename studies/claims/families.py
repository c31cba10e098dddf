"""Families to look at while the rules are made: maps without symmetry, planted ones, and laws of samples.

Whoever judges the rules brings other families of the same types and other seeds; nothing of this file may be reused.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import isotropy as iso

Draw = np.random.Generator
Field = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Law:
    """A law of samples `(count, n)`, and the coordinates in which a map sees them."""

    sample: Callable[[Draw, int], Tensor]
    seen: Field


@dataclass(frozen=True)
class Planted:
    """An invariant of an algebra on `R^n`, about as large as its spread."""

    algebra: iso.LieAlgebra
    invariant: Field

    @property
    def n(self) -> int:
        """Number of coordinates."""
        return self.algebra.n


def to_tensor(values: np.ndarray) -> Tensor:
    """Contiguous float64."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64))


# -- maps without symmetry ---------------------------------------------------------------------------------------------


def _layer(draw: Draw, n: int, width: int, pace: float = 1.0) -> Field:
    """Random features ``w x + b``."""
    weights, shift = to_tensor(pace * draw.normal(size=(n, width))), to_tensor(draw.normal(size=width))
    return lambda x: x @ weights + shift


def _mixed(activation: Callable[[Tensor], Tensor], width: int = 12, pace: float = 1.0) -> Callable[[Draw, int], Field]:
    """One layer of random features, summed with random weights."""

    def make(draw: Draw, n: int) -> Field:
        layer, weights = _layer(draw, n, width, pace), to_tensor(draw.normal(size=width))
        return lambda x: activation(layer(x)) @ weights

    return make


def _ridge(power: int) -> Callable[[Draw, int], Field]:
    def make(draw: Draw, n: int) -> Field:
        layer, weights = _layer(draw, n, n + 1), to_tensor(draw.normal(size=n + 1))
        return lambda x: layer(x) ** power @ weights

    return make


def _one_direction(draw: Draw, n: int) -> Field:
    layer = _layer(draw, n, 1)
    return lambda x: torch.tanh(layer(x)[:, 0])


def _trend(draw: Draw, n: int) -> Field:
    """A linear trend with 1 to 10 % of something else."""
    slope, other = to_tensor(draw.normal(size=n)), _mixed(torch.sin)(draw, n)
    share = 10 ** draw.uniform(-2, -1)
    return lambda x: x @ slope + share * other(x)


def _cubic(draw: Draw, n: int) -> Field:
    first, second, third = (to_tensor(draw.normal(size=(n,) * order)) for order in (1, 2, 3))

    def cubic(x: Tensor) -> Tensor:
        square = torch.einsum("si,ij,sj->s", x, second, x)
        return x @ first + square / 2 + torch.einsum("ijk,si,sj,sk->s", third, x, x, x) / 6

    return cubic


def _gate(draw: Draw, n: int) -> Field:
    """One smooth map or another, by the sign of a linear form: not continuous."""
    first, second, side = _mixed(torch.sin)(draw, n), _mixed(torch.tanh)(draw, n), to_tensor(draw.normal(size=n))
    return lambda x: torch.where(x @ side > 0, first(x), 1 + second(x))


def _wells(draw: Draw, n: int) -> Field:
    """Logarithm of a mixture of normal densities."""
    centres, width = to_tensor(draw.normal(size=(4, n))), to_tensor(draw.uniform(0.5, 1.5, (4, n)))
    return lambda x: torch.logsumexp(-(((x[:, None] - centres) / width) ** 2).sum(2) / 2, 1)


def _fraction(draw: Draw, n: int) -> Field:
    above, below = _layer(draw, n, 2), _layer(draw, n, 3, 0.7)
    return lambda x: above(x).prod(1) / (1 + below(x).square().sum(1))


def _growth(draw: Draw, n: int) -> Field:
    layer, weights = _layer(draw, n, 3, 0.7), to_tensor(draw.normal(size=3))
    return lambda x: torch.exp(layer(x).clamp_max(30)) @ weights


def _wall(draw: Draw, n: int) -> Field:
    layer, slope = _layer(draw, n, 3), to_tensor(draw.normal(size=n))
    return lambda x: 0.3 * torch.tanh(x @ slope) + torch.sigmoid(8 * layer(x)).sum(1)


def _products(draw: Draw, n: int) -> Field:
    layer = _layer(draw, n, n, 0.8)
    return lambda x: torch.cos(layer(x)).prod(1)


MAPS: dict[str, Callable[[Draw, int], Field]] = {
    "waves": _mixed(torch.sin),
    "silu": _mixed(torch.nn.functional.silu),
    "relu": _mixed(torch.relu, 16),
    "bumps": _mixed(lambda u: torch.exp(-u.square())),
    "ridge3": _ridge(3),
    "ridge5": _ridge(5),
    "one direction": _one_direction,
    "trend": _trend,
    "cubic": _cubic,
    "gate": _gate,
    "wells": _wells,
    "fraction": _fraction,
    "growth": _growth,
    "wall": _wall,
    "products": _products,
}

# -- laws of samples ---------------------------------------------------------------------------------------------------


def _plain(sample: Callable[[Draw, int], np.ndarray]) -> Law:
    return Law(lambda draw, count: to_tensor(sample(draw, count)), lambda x: x)


def _normal(draw: Draw, n: int) -> Law:
    return _plain(lambda d, count: d.normal(size=(count, n)))


def _student(draw: Draw, n: int) -> Law:
    return _plain(lambda d, count: d.standard_t(3, size=(count, n)))


def _shell(draw: Draw, n: int) -> Law:
    def sample(d: Draw, count: int) -> np.ndarray:
        z = d.normal(size=(count, n))
        return z / np.linalg.norm(z, axis=1, keepdims=True) * (1.5 + 0.02 * d.normal(size=(count, 1)))

    return _plain(sample)


def _cube(draw: Draw, n: int) -> Law:
    return _plain(lambda d, count: d.uniform(-1.7, 1.7, (count, n)))


def _positive(draw: Draw, n: int) -> Law:
    return _plain(lambda d, count: np.exp(0.5 * d.normal(size=(count, n))))


def _outliers(draw: Draw, n: int) -> Law:
    """One in a hundred ten times as far."""

    def sample(d: Draw, count: int) -> np.ndarray:
        return d.normal(size=(count, n)) * np.where(d.uniform(size=(count, 1)) < 0.01, 10, 1)

    return _plain(sample)


def _clusters(draw: Draw, n: int) -> Law:
    """Three clusters, one of them with 2 % of the samples."""
    centres = 2 * draw.normal(size=(3, n))

    def sample(d: Draw, count: int) -> np.ndarray:
        return centres[d.choice(3, count, p=[0.6, 0.38, 0.02])] + 0.5 * d.normal(size=(count, n))

    return _plain(sample)


def _linear(change: np.ndarray, shift: np.ndarray | float = 0.0, raw: bool = False) -> Law:
    """Normal samples in other coordinates; the map sees these only where it is to see them raw."""
    matrix, offset = to_tensor(change), to_tensor(np.broadcast_to(shift, len(change)).copy())
    inverse = torch.linalg.inv(matrix)
    sample = lambda d, count: to_tensor(d.normal(size=(count, len(change)))) @ matrix.T + offset  # noqa: E731
    return Law(sample, (lambda x: x) if raw else (lambda x: (x - offset) @ inverse.T))


def _offset(draw: Draw, n: int) -> Law:
    """Far from the origin, about which candidates turn; the map is as rich as ever."""
    return _linear(np.eye(n), 10 * draw.normal(size=n))


def _narrow(draw: Draw, n: int) -> Law:
    """A map seen through a window in which it is almost linear."""
    return _linear(10 ** draw.uniform(-2, -0.5) * np.eye(n), draw.normal(size=n), raw=True)


def _flat(draw: Draw, n: int) -> Law:
    """Widths from 1 to 0.01, in random directions."""
    frame = np.linalg.qr(draw.normal(size=(n, n)))[0]
    return _linear(frame @ np.diag(np.geomspace(1, 0.01, n)), raw=True)


def _correlated(draw: Draw, n: int) -> Law:
    """Columns that share 95 % of their variance."""
    root = np.linalg.cholesky(0.05 * np.eye(n) + 0.95)
    return _linear(root, raw=True)


def _duplicate(draw: Draw, n: int) -> Law:
    """Two columns that differ by 0.1 %."""
    change = np.eye(n)
    change[-1] = change[0] + 1e-3 * change[-1]
    return _linear(change, raw=True)


def _low_rank(draw: Draw, n: int) -> Law:
    """A plane or a line in the space of the columns, up to rounding."""
    basis = to_tensor(draw.normal(size=(n, max(1, n - 1))))
    return Law(lambda d, count: to_tensor(d.normal(size=(count, basis.shape[1]))) @ basis.T, lambda x: x)


def _units(draw: Draw, n: int) -> Law:
    """Every column in a unit of its own."""
    return _linear(np.diag(10 ** draw.uniform(-6, 6, n)))


LAWS: dict[str, Callable[[Draw, int], Law]] = {
    "normal": _normal,
    "student": _student,
    "shell": _shell,
    "cube": _cube,
    "positive": _positive,
    "outliers": _outliers,
    "clusters": _clusters,
    "offset": _offset,
    "narrow": _narrow,
    "flat": _flat,
    "correlated": _correlated,
    "duplicate": _duplicate,
    "low rank": _low_rank,
    "units": _units,
}
PLANTED_LAWS = ("normal", "student", "shell", "positive", "outliers", "clusters", "units")

# -- planted -----------------------------------------------------------------------------------------------------------


def _form(signs: list[float]) -> Field:
    """A smooth function of a quadratic form, no polynomial."""

    def invariant(z: Tensor) -> Tensor:
        return torch.asinh((z.square() * torch.tensor(signs, dtype=z.dtype)).sum(1) / math.sqrt(len(signs)))

    return invariant


def _axis(z: Tensor) -> Tensor:
    """Of the distance from an axis and of the height."""
    radius = z[:, :2].square().sum(1)
    return torch.sin(radius) + torch.tanh(z[:, 2]) * (1 + 0.3 * radius).log()


def _scaling(z: Tensor) -> Tensor:
    """Of the ratios of three coordinates, kept from zero."""
    size = z.square().sum(1).sqrt()
    return torch.sin(2 * z[:, 0] / size) + (z[:, 1] / size) ** 3 + 0.5 * z[:, 0] * z[:, 2] / size**2


def _one(*entries: tuple[int, int, float], n: int) -> iso.LieAlgebra:
    basis = torch.zeros(1, n, n, dtype=torch.float64)
    for i, j, value in entries:
        basis[0, i, j] = value
    return iso.LieAlgebra(basis)


PLANTED: dict[str, Planted] = {
    "so(2)": Planted(iso.so(2), _form([1.0, 1.0])),
    "so(3)": Planted(iso.so(3), _form([1.0, 1.0, 1.0])),
    "so(1,3)": Planted(iso.so(1, 3), _form([1.0, -1.0, -1.0, -1.0])),
    "so(4)": Planted(iso.so(4), _form([1.0, 1.0, 1.0, 1.0])),
    "axis": Planted(_one((0, 1, -1.0), (1, 0, 1.0), n=3), _axis),
    "scaling": Planted(_one((0, 0, 1.0), (1, 1, 1.0), (2, 2, 1.0), n=3), _scaling),
}
BREAKS = (0.0, 1e-6, 1e-3, 0.01, 0.03, 0.1, 0.3)


def breaking(draw: Draw, n: int) -> Field:
    """What breaks a planted symmetry: a sine network of unit spread on normal samples."""
    raw = _mixed(torch.sin, 10)(draw, n)
    spread = float(raw(to_tensor(draw.normal(size=(2000, n)))).std())
    return lambda x: raw(x) / spread


def change_of_basis(draw: Draw, n: int) -> Tensor:
    """Return a random matrix `(n, n)` of condition number at most 3."""
    left, right = (np.linalg.qr(draw.normal(size=(n, n)))[0] for _ in range(2))
    return to_tensor(left * np.exp(draw.uniform(-math.log(3) / 2, math.log(3) / 2, n)) @ right)
