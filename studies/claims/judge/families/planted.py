"""Planted symmetries of the judge set: maps that an algebra keeps exactly, and what breaks them."""

import itertools
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
    met : callable
        `(batch, copies * size)` to what the break sees; by default all. A break that alone sees a motion which the
        map ignores would break it by as much as chance, however small it is.
    """

    size: int
    generators: Tensor
    map: Field
    scalars: int = 1
    vectors: int = 0
    copies: int = 1
    affine: bool = False
    met: Field = lambda z: z

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


_TURN = {(0, 1): -1.0, (1, 0): 1.0}


def _rings(n: int) -> Field:
    """Rings about the origin that fade."""

    def value(z: Tensor) -> Tensor:
        square = z.square().sum(1) / n
        return (torch.cos(2 * square) * torch.exp(-square / 4) + 0.5 * torch.log1p(square))[:, None]

    return value


def _split(z: Tensor) -> Tensor:
    p = (z[:, :2].square().sum(1) - z[:, 2:].square().sum(1)) / 2
    return (torch.sin(p) + 0.6 * p / (1 + p.square()).sqrt())[:, None]


def _symplectic(z: Tensor) -> Tensor:
    p = ((z[:, :2] * z[:, 6:]).sum(1) - (z[:, 2:4] * z[:, 4:6]).sum(1)) / 2
    return (p.atan() + 0.4 * torch.sin(2 * p))[:, None]


def _hermitian(z: Tensor) -> Tensor:
    """Real and imaginary part of a product of complex pairs."""
    a, b = z[:, :4], z[:, 4:]
    real, imaginary = (a * b).sum(1) / 2, ((a[:, :2] * b[:, 2:]).sum(1) - (a[:, 2:] * b[:, :2]).sum(1)) / 2
    return torch.stack([real.tanh() + 0.2 * real, torch.sin(imaginary) + 0.3 * imaginary], 1)


def _distance(z: Tensor) -> Tensor:
    square = (z[:, :3] - z[:, 3:]).square().sum(1) / 3
    return ((square + 0.2).sqrt() + torch.sin(1.2 * square))[:, None]


def _mixed_pair(z: Tensor) -> Tensor:
    p, square = z[:, 0] * z[:, 1], z[:, 2:].square().sum(1) / 2
    return (p.tanh() + torch.cos(square) + 0.4 * torch.sin(p) * torch.exp(-square / 2))[:, None]


def _weights(z: Tensor) -> Tensor:
    """Kept when the first shrinks by the square of what the others grow by."""
    a, b = z[:, 0] * z[:, 1].square(), z[:, 0] * z[:, 2].square()
    c = z[:, 0] * z[:, 1] * z[:, 2]
    return (a.atan() + torch.sin(b / (1 + 0.2 * b.square()).sqrt()) + 0.5 * c.tanh())[:, None]


def _torque(z: Tensor) -> Tensor:
    a, b = z[:, :3], z[:, 3:]
    inner, square = (a * b).sum(1, keepdim=True) / 3, a.square().sum(1, keepdim=True) / 3
    return torch.linalg.cross(a, b) / (1 + square) + b * torch.sin(1 + inner)


def _saddle(z: Tensor) -> Tensor:
    p = (z[:, 0] * z[:, 1])[:, None]
    return torch.cat([z[:, :1] * torch.cos(p), z[:, 1:] * (0.4 + p.tanh())], 1)


def _parabola(z: Tensor) -> Tensor:
    p = z[:, 1] - z[:, 0].square()
    return (torch.tanh(p / 2) + torch.sin(1.5 * z[:, 2]) * (1 + 0.4 * torch.cos(p)))[:, None]


def _strain(z: Tensor) -> Tensor:
    """Trace and determinant of a symmetric matrix."""
    trace, determinant = z[:, 0] + z[:, 2], z[:, 0] * z[:, 2] - z[:, 1].square()
    return torch.stack([torch.sin(trace) + 0.3 * trace, determinant.tanh()], 1)


def _idle_axis(z: Tensor) -> Tensor:
    return _rings(2)(z[:, :2])


def _faint_axis(z: Tensor) -> Tensor:
    """The height matters by a few per cent."""
    return _rings(2)(z[:, :2]) + 0.03 * torch.sin(2 * z[:, 2:])


def _sp4() -> Tensor:
    """All matrices ``J S`` with symmetric `S`."""
    form = torch.zeros(4, 4, dtype=torch.float64)
    form[:2, 2:], form[2:, :2] = torch.eye(2), -torch.eye(2)
    some = torch.zeros(10, 4, 4, dtype=torch.float64)
    for k, (i, j) in enumerate(itertools.combinations_with_replacement(range(4), 2)):
        some[k, i, j] = some[k, j, i] = 1.0
    return torch.nn.functional.pad(form @ some, (0, 1, 0, 1))


def _u2() -> Tensor:
    """Complex skew-Hermitian 2 x 2 matrices on real and imaginary parts."""
    turn, zero = torch.tensor([[0.0, -1.0], [1.0, 0.0]]), torch.zeros(2, 2)
    even = (torch.diag(torch.tensor([1.0, 0.0])), torch.diag(torch.tensor([0.0, 1.0])), turn.abs())
    blocks = [torch.cat([torch.cat([zero, -part], 1), torch.cat([part, zero], 1)]) for part in even]
    return torch.nn.functional.pad(torch.stack([torch.block_diag(turn, turn), *blocks]).double(), (0, 1, 0, 1))


def _se3() -> Tensor:
    shifts = _matrices(*({(i, 3): 1.0} for i in range(3)), n=3)
    return torch.cat([_of(iso.so(3)), shifts])


PLANTED: dict[str, Planted] = {
    "rings": Planted(2, _of(iso.so(2)), _rings(2)),
    "split": Planted(4, _of(iso.so(2, 2)), _split),
    "idle axis": Planted(
        3, _matrices(_TURN, *({(2, j): 1.0} for j in range(4)), n=3), _idle_axis, met=lambda z: z[:, :2]
    ),
    "torque": Planted(3, _of(iso.so(3)), _torque, scalars=0, vectors=1, copies=2),
    "weights": Planted(3, _matrices({(0, 0): -2.0, (1, 1): 1.0, (2, 2): 1.0}, n=3), _weights),
    "strain": Planted(3, _matrices({(0, 1): -2.0, (1, 0): 1.0, (1, 2): -1.0, (2, 1): 2.0}, n=3), _strain, scalars=2),
    "saddle": Planted(2, _matrices({(0, 0): 1.0, (1, 1): -1.0}, n=2), _saddle, scalars=0, vectors=1),
    "mixed pair": Planted(4, _matrices({(0, 0): 1.0, (1, 1): -1.0}, {(2, 3): -1.0, (3, 2): 1.0}, n=4), _mixed_pair),
    "faint axis": Planted(3, _matrices(_TURN, n=3), _faint_axis),
    "parabola": Planted(3, _matrices({(0, 3): 1.0, (1, 0): 2.0}, n=3), _parabola, affine=True),
    "hermitian": Planted(4, _u2(), _hermitian, scalars=2, copies=2),
    "distance": Planted(3, _se3(), _distance, copies=2, affine=True, met=lambda z: z[:, :3] - z[:, 3:]),
    "six": Planted(6, _of(iso.so(6)), _rings(6)),
    "symplectic": Planted(4, _sp4(), _symplectic, copies=2),
}
BREAKS = (0.003, 0.01, 0.03, 0.1, 0.3)


def breaking(draw: Draw, n: int, outputs: int) -> Field:
    """What breaks a symmetry: draws of a Gaussian process of unit variance."""
    return gaussian_process(draw, n, outputs, length=1.2)


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
