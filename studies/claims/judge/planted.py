"""Planted symmetries of the judge set: maps that an algebra keeps exactly, in a random frame, and what breaks them."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

import isotropy as iso

from .draws import Draw, Field, gaussian_process


@dataclass(frozen=True)
class Planted:
    """A map that generators keep, and nothing else among all affine motions of `u`.

    Attributes
    ----------
    size : int
        Coordinates of one point.
    generators : Tensor
        `(k, size + 1, size + 1)` homogeneous matrices.
    map : callable
        `(batch, copies * size)` to `(batch, m)`; vectors come after the scalars.
    scalars, vectors : int
        What the outputs are: so many invariants, then so many vectors.
    copies : int
        How many points move together.
    affine : bool
        Whether only affine candidates hold the generators.
    """

    size: int
    generators: Tensor
    map: Field
    scalars: int = 1
    vectors: int = 0
    copies: int = 1
    affine: bool = False

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return self.scalars + self.vectors * self.size


def _matrices(*generators: dict[tuple[int, int], float], n: int) -> Tensor:
    """Homogeneous matrices from their entries; column ``n`` is the shift."""
    basis = torch.zeros(len(generators), n + 1, n + 1, dtype=torch.float64)
    for k, entries in enumerate(generators):
        for place, value in entries.items():
            basis[k][place] = value
    return basis


def _of(algebra: iso.LieAlgebra) -> Tensor:
    return torch.nn.functional.pad(algebra.basis, (0, 1, 0, 1))


def _form(signs: list[float], z: Tensor) -> Tensor:
    return (z.square() * torch.tensor(signs, dtype=z.dtype)).sum(1)


def _radial(n: int) -> Field:
    """Of the distance from the origin, with a maximum in between."""

    def value(z: Tensor) -> Tensor:
        square = z.square().sum(1) / n
        return (torch.sin(1.5 * square) + square / (1 + 0.3 * square))[:, None]

    return value


def _minkowski(z: Tensor) -> Tensor:
    return torch.atan(_form([1.0, 1.0, -1.0], z))[:, None]


def _determinant(z: Tensor) -> Tensor:
    return torch.tanh(0.7 * (z[:, 0] * z[:, 3] - z[:, 1] * z[:, 2]))[:, None]


def _product(z: Tensor) -> Tensor:
    p = z.prod(1)
    return (p / (1 + p.square()).sqrt() + 0.2 * p)[:, None]


def _boost(z: Tensor) -> Tensor:
    p = z[:, 0] * z[:, 1]
    return (torch.sin(p) + torch.tanh(z[:, 2]) * (1 + 0.5 * torch.cos(p)))[:, None]


def _galilean(z: Tensor) -> Tensor:
    p = z[:, 1].square() - 2 * z[:, 0] * z[:, 2]
    return (torch.tanh(0.6 * p) + 0.5 * torch.sin(z[:, 2]) + 0.2 * torch.atan(p) * z[:, 2])[:, None]


def _two_planes(z: Tensor) -> Tensor:
    a, b = z[:, :2].square().sum(1), z[:, 2:].square().sum(1)
    return (torch.sin(a) + torch.log1p(b) + 0.3 * torch.cos(a - b))[:, None]


def _helix(z: Tensor) -> Tensor:
    """Of the coordinates in a frame that turns with the height."""
    x, y, h = z.unbind(1)
    p, q = x * h.cos() + y * h.sin(), y * h.cos() - x * h.sin()
    return (torch.tanh(p) + 0.5 * torch.sin(q) + 0.3 * p * q / (1 + x * x + y * y))[:, None]


def _area(z: Tensor) -> Tensor:
    p = z[:, 0] * z[:, 3] - z[:, 1] * z[:, 2]
    return torch.asinh(1.5 * p)[:, None]


def _twins(z: Tensor) -> Tensor:
    square = z.square().sum(1) / 3
    return torch.stack([torch.cos(square), square / (1 + square)], 1)


def _arrow(z: Tensor) -> Tensor:
    return z / (0.5 + z.square().sum(1, keepdim=True))


def _swirl(z: Tensor) -> Tensor:
    square = z.square().sum(1, keepdim=True)
    return z * torch.exp(-square / 3) + torch.stack([-z[:, 1], z[:, 0]], 1) * torch.cos(square / 2)


def _both(z: Tensor) -> Tensor:
    square = z.square().sum(1, keepdim=True)
    return torch.cat([torch.log1p(square), z * torch.sin(square / 2)], 1)


PLANTED: dict[str, Planted] = {
    "disc": Planted(2, _of(iso.so(2)), _radial(2)),
    "ball": Planted(3, _of(iso.so(3)), _radial(3)),
    "five": Planted(5, _of(iso.so(5)), _radial(5)),
    "minkowski": Planted(3, _of(iso.so(2, 1)), _minkowski),
    "determinant": Planted(
        4,
        _matrices(  # sl(2) from the left and from the right on 2 x 2 matrices
            *({(2 * i + c, 2 * j + c): 1.0 for c in range(2)} for i, j in ((0, 1), (1, 0))),
            {(0, 0): 1.0, (1, 1): 1.0, (2, 2): -1.0, (3, 3): -1.0},
            *({(2 * r + i, 2 * r + j): 1.0 for r in range(2)} for i, j in ((0, 1), (1, 0))),
            {(0, 0): 1.0, (1, 1): -1.0, (2, 2): 1.0, (3, 3): -1.0},
            n=4,
        ),
        _determinant,
    ),
    "product": Planted(3, _matrices({(0, 0): 1.0, (1, 1): -1.0}, {(1, 1): 1.0, (2, 2): -1.0}, n=3), _product),
    "boost": Planted(3, _matrices({(0, 0): 1.0, (1, 1): -1.0}, n=3), _boost),
    "galilean": Planted(3, _matrices({(0, 1): 1.0, (1, 2): 1.0}, n=3), _galilean),
    "two planes": Planted(4, _matrices({(0, 1): -1.0, (1, 0): 1.0}, {(2, 3): -1.0, (3, 2): 1.0}, n=4), _two_planes),
    "helix": Planted(3, _matrices({(0, 1): -1.0, (1, 0): 1.0, (2, 3): 1.0}, n=3), _helix, affine=True),
    "area": Planted(2, _of(iso.sl(2)), _area, copies=2),
    "twins": Planted(3, _of(iso.so(3)), _twins, scalars=2),
    "arrow": Planted(3, _of(iso.so(3)), _arrow, scalars=0, vectors=1),
    "swirl": Planted(2, _of(iso.so(2)), _swirl, scalars=0, vectors=1),
    "scalar and vector": Planted(3, _of(iso.so(3)), _both, scalars=1, vectors=1),
}
BREAKS = (0.003, 0.01, 0.03, 0.1, 0.3)


def breaking(draw: Draw, n: int, outputs: int) -> Field:
    """What breaks a symmetry: draws of a Gaussian process of unit variance."""
    return gaussian_process(draw, n, outputs, length=1.5)


def in_frame(generators: Tensor, linear: Tensor, shift: Tensor) -> Tensor:
    """Homogeneous generators of `u` seen in `x`, where ``u = linear (x - shift)``."""
    n = len(linear)
    change = torch.eye(n + 1, dtype=torch.float64)
    change[:n, :n], change[:n, n] = linear, -linear @ shift
    back = torch.eye(n + 1, dtype=torch.float64)
    back[:n, :n], back[:n, n] = torch.linalg.inv(linear), shift
    return back @ generators @ change


def coefficients(algebra: iso.LieAlgebra, matrices: Tensor) -> Tensor:
    """Homogeneous matrices `(k, n + 1, n + 1)` as combinations `(k, dim)` of linear or affine candidates."""
    inside = matrices if algebra.n == matrices.shape[1] else matrices[:, :-1, :-1]
    return inside.flatten(1) @ torch.linalg.pinv(algebra.basis.flatten(1))


def spread(values: Tensor) -> float:
    """Root mean square departure from the mean, over all outputs."""
    return math.sqrt(float((values - values.mean(0)).square().mean()))
