"""Potentials of the judge set, for charges of Noether."""

from dataclasses import dataclass

import torch
from torch import Tensor

import isotropy as iso

from .draws import Draw, Field, gaussian_process, jacobian, scalar, tensor


@dataclass(frozen=True)
class Potential:
    """A potential of positions, and the linear motions that keep it."""

    size: int
    value: Field
    generators: Tensor
    step: float = 0.15

    def field(self, s: Tensor) -> Tensor:
        """Velocities and accelerations `(batch, 2 n)` of unit masses."""
        q, v = s[:, : self.size], s[:, self.size :]
        return torch.cat([v, -jacobian(self.value, q)[1][:, 0]], 1)


POTENTIALS = {
    "nothing": ("optical lattice", "bent trap"),
    "planted": ("gaussian trap", "hat", "screened charge", "cigar"),
}
_SIZES = {"screened charge": 3, "cigar": 3}


def potential(draw: Draw, family: str, size: float) -> Potential:
    """A potential of a family in a turned frame, broken by ``size`` of its strength."""
    n = _SIZES.get(family, 2)
    deep, wide, bend = draw.uniform(1, 2), draw.uniform(0.6, 1.2), draw.uniform(0.2, 0.5)
    axis = torch.zeros(1, n, n, dtype=torch.float64)
    axis[0, 0, 1], axis[0, 1, 0] = -1.0, 1.0

    def square(q: Tensor) -> Tensor:
        return q.square().sum(1)

    def lattice(q: Tensor) -> Tensor:
        return -deep * (torch.cos(1.6 * q[:, 0]) + torch.cos(1.9 * q[:, 1])) / 2 + bend * (q[:, 0] + 0.5).square() / 2

    def bent(q: Tensor) -> Tensor:
        return square(q) / 2 + bend * q[:, 0] * q[:, 1].square() + 0.3 * q[:, 1] ** 4 + 0.1 * q[:, 0] ** 4

    def screened(q: Tensor) -> Tensor:
        radius = (square(q) + 0.3).sqrt()
        return -2 * deep * torch.exp(-wide * radius) / radius + 0.1 * square(q)

    def cigar(q: Tensor) -> Tensor:
        flat = q[:, :2].square().sum(1)
        return 1.2 * flat + bend * q[:, 2].square() + 0.3 * flat * torch.tanh(q[:, 2]) + 0.1 * q[:, 2] ** 4

    known: dict[str, tuple[Field, Tensor]] = {
        "optical lattice": (lattice, axis[:0]),
        "bent trap": (bent, axis[:0]),
        "gaussian trap": (lambda q: -3 * deep * torch.exp(-square(q) / (2 * wide)) + 0.1 * square(q), axis),
        "hat": (lambda q: bend * (square(q) - wide).square(), axis),
        "screened charge": (screened, iso.so(3).basis),
        "cigar": (cigar, axis),
    }
    value, generators = known[family]
    other = scalar(gaussian_process(draw, n, length=1.2))
    turn, _ = torch.linalg.qr(tensor(draw.normal(size=(n, n))))
    return Potential(n, lambda q: value(q @ turn) + size * other(q @ turn), turn @ generators @ turn.T)
