"""Mechanical systems of the judge set, with quantities that are conserved, nearly conserved, or not."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

import isotropy as iso

from .draws import Draw, Field, frame, gaussian_process, jacobian, scalar, tensor
from .systems import columns


@dataclass(frozen=True)
class Motion:
    """A field on states, and the polynomials that it conserves before it is broken.

    Attributes
    ----------
    size, degree : int
        Number of states, and degree of the dictionary.
    field : callable
        `(batch, size)` to the same.
    conserved : tuple of callable
        Polynomials `(batch, size)` to `(batch,)`.
    step : float
        Time between samples of a trajectory.
    """

    size: int
    degree: int
    field: Field
    conserved: tuple[Field, ...]
    step: float = 0.2


def _free(q: Tensor, p: Tensor, force: Tensor, damp: float) -> Tensor:
    return torch.cat([p, force - damp * p], 1)


def _spring(draw: Draw, damp: float) -> Motion:
    """One mass on a stiffening spring."""
    stiff, bend = draw.uniform(0.5, 2), draw.uniform(0.2, 0.6)

    def field(s: Tensor) -> Tensor:
        q, p = s[:, :1], s[:, 1:]
        return _free(q, p, -stiff * q - bend * q**3, damp)

    def energy(s: Tensor) -> Tensor:
        return s[:, 1].square() / 2 + stiff * s[:, 0].square() / 2 + bend * s[:, 0] ** 4 / 4

    return Motion(2, 4, field, (energy,))


def _uneven(draw: Draw, damp: float) -> Motion:
    """Two springs of unlike strength, no whole ratio of their paces: each keeps its energy."""
    first, second = draw.uniform(0.6, 0.9), draw.uniform(1.7, 2.4)

    def field(s: Tensor) -> Tensor:
        q, p = s[:, :2], s[:, 2:]
        return _free(q, p, -q * torch.tensor([first, second], dtype=q.dtype), damp)

    pair = tuple(
        (lambda s, i=i, k=k: s[:, 2 + i].square() + k * s[:, i].square()) for i, k in enumerate((first, second))
    )
    return Motion(4, 2, field, pair)


def _even(draw: Draw, damp: float) -> Motion:
    """Two equal springs: energies, their exchange and the angular momentum."""
    k = draw.uniform(0.6, 1.8)

    def field(s: Tensor) -> Tensor:
        return _free(s[:, :2], s[:, 2:], -k * s[:, :2], damp)

    kept = (
        lambda s: s[:, 2].square() + k * s[:, 0].square(),
        lambda s: s[:, 3].square() + k * s[:, 1].square(),
        lambda s: s[:, 2] * s[:, 3] + k * s[:, 0] * s[:, 1],
        lambda s: s[:, 0] * s[:, 3] - s[:, 1] * s[:, 2],
    )
    return Motion(4, 2, field, kept)


def _rigid(draw: Draw, damp: float) -> Motion:
    """A free body with three unlike moments of inertia: its energy and the size of its spin."""
    a, b, c = draw.uniform(0.5, 0.8), draw.uniform(0.95, 1.2), draw.uniform(1.5, 2)

    def field(w: Tensor) -> Tensor:
        x, y, z = w.unbind(1)
        return columns((b - c) / a * y * z, (c - a) / b * z * x, (a - b) / c * x * y) - damp * w

    inertia = tensor([a, b, c])
    return Motion(3, 2, field, (lambda w: w.square() @ inertia, lambda w: w.square() @ inertia.square()), 0.4)


def _field_lines(draw: Draw, damp: float) -> Motion:
    """A charge in an even magnetic field and a weak spring: energy, and a momentum that the field adds to."""
    pull, strength = draw.uniform(0.1, 0.4), draw.uniform(0.6, 1.5)

    def field(s: Tensor) -> Tensor:
        q, p = s[:, :2], s[:, 2:]
        turn = torch.stack([p[:, 1], -p[:, 0]], 1)
        return _free(q, p, strength * turn - pull * q, damp)

    def energy(s: Tensor) -> Tensor:
        return s[:, 2:].square().sum(1) + pull * s[:, :2].square().sum(1)

    def spin(s: Tensor) -> Tensor:
        return s[:, 0] * s[:, 3] - s[:, 1] * s[:, 2] + strength * s[:, :2].square().sum(1) / 2

    return Motion(4, 2, field, (energy, spin))


MOTIONS: dict[str, Callable[[Draw, float], Motion]] = {
    "stiffening spring": _spring,
    "uneven springs": _uneven,
    "even springs": _even,
    "free body": _rigid,
    "charge": _field_lines,
}


def seen(motion: Motion, change: Tensor) -> Motion:
    """The same in states ``x = change s``; polynomials stay polynomials."""
    inverse = torch.linalg.inv(change)
    kept = tuple((lambda x, h=h: h(x @ inverse.T)) for h in motion.conserved)
    return Motion(motion.size, motion.degree, lambda x: motion.field(x @ inverse.T) @ change.T, kept, motion.step)


def in_dictionary(motion: Motion, dictionary: iso.dictionary.Dictionary, x: Tensor) -> Tensor:
    """The conserved polynomials as combinations `(k, terms)` of a dictionary."""
    values = dictionary.evaluate(x)
    sizes = values.square().mean(0).sqrt().clamp_min(1e-300)
    wanted = torch.stack([h(x) for h in motion.conserved], 1)
    return (torch.linalg.lstsq(values / sizes, wanted).solution / sizes[:, None]).T


# -- potentials, for charges of Noether --------------------------------------------------------------------------------


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


def _turned(generators: Tensor, turn: Tensor) -> Tensor:
    return turn @ generators @ turn.T


def _wells(q: Tensor, depth: float, core: float) -> Tensor:
    return -depth / (q.square().sum(1) + core).sqrt() + 0.05 * q.square().sum(1)


def potential(draw: Draw, part: str, family: str, size: float) -> Potential:
    """A potential of a family in a turned frame, broken by ``size`` of its strength."""
    n = 3 if family in ("softened kepler in space", "barrel", "triaxial") else 2
    depth, core, bend = draw.uniform(1, 2), draw.uniform(0.2, 0.6), draw.uniform(0.2, 0.6)
    stretch = tensor([1.0, 1.6, 2.3][:n])
    axis = torch.zeros(1, n, n, dtype=torch.float64)
    axis[0, 0, 1], axis[0, 1, 0] = -1.0, 1.0
    known: dict[str, tuple[Field, Tensor]] = {
        "softened kepler": (lambda q: _wells(q, depth, core), axis),
        "quartic bowl": (lambda q: q.square().sum(1) / 2 + bend * q.square().sum(1).square() / 4, axis),
        "softened kepler in space": (lambda q: _wells(q, depth, core), iso.so(3).basis),
        "barrel": (
            lambda q: (
                torch.log1p(q[:, :2].square().sum(1) / core)
                + (q[:, 2:] ** 2).sum(1) * (0.7 + bend)
                + 0.2 * (q[:, 2:] ** 4).sum(1)
            ),
            axis,
        ),
        "triaxial": (
            lambda q: torch.log(core + (q.square() @ stretch)) + bend * q[:, 0] ** 3 / (1 + q[:, 0] ** 2),
            axis[:0],
        ),
        "lopsided bowl": (
            lambda q: q.square() @ stretch / 2 + bend * (q**4).sum(1) / 4 + 0.3 * torch.sin(q.sum(1)),
            axis[:0],
        ),
    }
    value, generators = known[family]
    other = scalar(gaussian_process(draw, n, length=1.5))
    turn, _ = torch.linalg.qr(tensor(draw.normal(size=(n, n))))
    return Potential(n, lambda q: value(q @ turn) + size * other(q @ turn), _turned(generators, turn))


POTENTIALS = {
    "nothing": ("triaxial", "lopsided bowl"),
    "planted": ("softened kepler", "quartic bowl", "softened kepler in space", "barrel"),
}


def state_frame(draw: Draw, n: int) -> Tensor:
    """A random frame of states, in a random unit."""
    return frame(draw, n, 2.5) * 10 ** draw.uniform(-1.5, 1.5)
