"""Motions of the judge set, with quantities that are conserved, nearly conserved, or not."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

import isotropy as iso

from .draws import Draw, Field, frame, tensor
from .fields import box, columns


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
    start : Tensor
        `(2, size)` ends of the box in which motions start.
    step : float
        Time between samples of a trajectory.
    """

    size: int
    degree: int
    field: Field
    conserved: tuple[Field, ...]
    start: Tensor
    step: float = 0.2


def _two_wells(draw: Draw, damp: float) -> Motion:
    """A mass between two wells of unlike depth."""
    pull, tilt = draw.uniform(0.6, 1.4), draw.uniform(0.05, 0.2)

    def field(s: Tensor) -> Tensor:
        q, p = s.unbind(1)
        return columns(p, pull * q - q**3 + tilt - damp * p)

    def energy(s: Tensor) -> Tensor:
        return s[:, 1].square() / 2 - pull * s[:, 0].square() / 2 + s[:, 0] ** 4 / 4 - tilt * s[:, 0]

    return Motion(2, 4, field, (energy,), box(-1.5, 1.5, 2))


def _star_in_a_disc(draw: Draw, damp: float) -> Motion:
    """Two springs of unlike strength that a cubic term couples, as by Henon and Heiles; only the energy is left."""
    stiff, bend = draw.uniform(0.8, 1.6), draw.uniform(0.4, 0.8)

    def field(s: Tensor) -> Tensor:
        x, y, p, q = s.unbind(1)
        return columns(p, q, -x - 2 * bend * x * y - damp * p, -stiff * y - bend * (x * x - y * y) - damp * q)

    def energy(s: Tensor) -> Tensor:
        x, y, p, q = s.unbind(1)
        return (p * p + q * q + x * x + stiff * y * y) / 2 + bend * (x * x * y - y**3 / 3)

    return Motion(4, 3, field, (energy,), box(-0.25, 0.25, 4))


def _binding(draw: Draw, damp: float) -> Motion:
    """Two kinds of molecules that bind and part: totals of both are kept, unless they are washed out."""
    on, off = draw.uniform(0.5, 1.5), draw.uniform(0.2, 0.8)

    def field(s: Tensor) -> Tensor:
        rate = on * s[:, 0] * s[:, 1] - off * s[:, 2]
        return columns(-rate, -rate, rate) - damp * s

    return Motion(3, 1, field, (lambda s: s[:, 0] + s[:, 2], lambda s: s[:, 1] + s[:, 2]), box(0.2, 2, 3), 0.1)


def _chain(draw: Draw, damp: float) -> Motion:
    """Three masses on two unlike springs, free to move: the momentum and its square, and the energy of two modes."""
    springs = torch.zeros(3, 3, dtype=torch.float64)
    for i, k in enumerate(draw.uniform(0.6, 1.8, 2)):
        springs[i : i + 2, i : i + 2] += k * tensor([[1.0, -1.0], [-1.0, 1.0]])
    paces, modes = torch.linalg.eigh(springs)

    def field(s: Tensor) -> Tensor:
        return torch.cat([s[:, 3:], -s[:, :3] @ springs - damp * s[:, 3:]], 1)

    def mode(k: int) -> Field:
        return lambda s: (s[:, 3:] @ modes[:, k]).square() + paces[k] * (s[:, :3] @ modes[:, k]).square()

    total = lambda s: s[:, 3:].sum(1)  # noqa: E731
    return Motion(6, 2, field, (total, lambda s: total(s).square(), mode(1), mode(2)), box(-1.2, 1.2, 6))


def _three_waves(draw: Draw, damp: float) -> Motion:
    """Complex waves that exchange energy in threes: energy, two sums of actions."""
    pull = draw.uniform(0.6, 1.4)

    def field(s: Tensor) -> Tensor:
        a, b, c = (torch.complex(s[:, i], s[:, i + 3]) for i in range(3))
        rates = torch.stack([-1j * pull * c * b.conj(), -1j * pull * c * a.conj(), -1j * pull * a * b], 1)
        return torch.cat([rates.real, rates.imag], 1) - damp * s

    def actions(i: int, j: int) -> Field:
        return lambda s: sum(s[:, k].square() + s[:, k + 3].square() for k in (i, j))  # type: ignore[return-value]

    return Motion(6, 2, field, (actions(0, 2), actions(1, 2)), box(-1, 1, 6))


MOTIONS: dict[str, Callable[[Draw, float], Motion]] = {
    "two wells": _two_wells,
    "star in a disc": _star_in_a_disc,
    "binding": _binding,
    "chain": _chain,
    "three waves": _three_waves,
}


def motion(draw: Draw, family: str, damp: float) -> tuple[Motion, Tensor]:
    """A motion in a random frame and unit, and the frame ``x = frame s``; polynomials stay polynomials."""
    free = MOTIONS[family](draw, damp)
    change = frame(draw, free.size, 2.5) * 10 ** draw.uniform(-1.5, 1.5)
    inverse = torch.linalg.inv(change)
    kept = tuple((lambda x, h=h: h(x @ inverse.T)) for h in free.conserved)
    return replace(free, field=lambda x: free.field(x @ inverse.T) @ change.T, conserved=kept), change


def in_dictionary(motion: Motion, dictionary: iso.dictionary.Dictionary, x: Tensor) -> Tensor:
    """The conserved polynomials as combinations `(k, terms)` of a dictionary."""
    values = dictionary.evaluate(x)
    sizes = values.square().mean(0).sqrt().clamp_min(1e-300)
    wanted = torch.stack([h(x) for h in motion.conserved], 1)
    return (torch.linalg.lstsq(values / sizes, wanted).solution / sizes[:, None]).T
