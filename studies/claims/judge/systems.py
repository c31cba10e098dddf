"""Vector fields of the judge set, in random frames: without symmetry, with a planted one, and their trajectories."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

import isotropy as iso

from .draws import Draw, Field, frame, gaussian_process, tensor


@dataclass(frozen=True)
class System:
    """A vector field ``v(z)``, its linear symmetries, and where its trajectories start.

    Attributes
    ----------
    size : int
        Number of states.
    field : callable
        `(batch, size)` to the same.
    generators : Tensor
        `(k, size, size)` matrices that commute with the field.
    start : Tensor
        `(2, size)` ends of the box in which trajectories start.
    step, settle : float
        Time between samples, and time before the first.
    """

    size: int
    field: Field
    generators: Tensor
    start: Tensor
    step: float = 0.1
    settle: float = 0.0

    def seen(self, change: Tensor) -> "System":
        """The same in coordinates ``x = change z``."""
        inverse = torch.linalg.inv(change)

        def field(x: Tensor) -> Tensor:
            return self.field(x @ inverse.T) @ change.T

        return System(self.size, field, change @ self.generators @ inverse, self.start, self.step, self.settle)


Make = Callable[[Draw], System]


def columns(*parts: Tensor) -> Tensor:
    return torch.stack(parts, dim=1)


def box(*ends: float) -> Tensor:
    """The same interval for every state: low and high, then how many."""
    low, high, count = ends
    return tensor([[low] * int(count), [high] * int(count)])


def _none(n: int) -> Tensor:
    return torch.zeros(0, n, n, dtype=torch.float64)


# -- without symmetry --------------------------------------------------------------------------------------------------


def _fitzhugh(draw: Draw) -> System:
    """A relaxation oscillator: its trajectories end on a limit cycle."""
    a, b, drive = draw.uniform(0.6, 0.8), draw.uniform(0.6, 0.9), draw.uniform(0.4, 0.7)
    field = lambda z: columns(z[:, 0] - z[:, 0] ** 3 / 3 - z[:, 1] + drive, (z[:, 0] + a - b * z[:, 1]) / 5)  # noqa: E731
    return System(2, field, _none(2), box(-2, 2, 2), 0.3)


def _brusselator(draw: Draw) -> System:
    a, b = draw.uniform(0.9, 1.1), draw.uniform(2.3, 2.9)

    def field(z: Tensor) -> Tensor:
        made = z[:, 0].square() * z[:, 1]
        return columns(a - (b + 1) * z[:, 0] + made, b * z[:, 0] - made)

    return System(2, field, _none(2), box(0.5, 3, 2), 0.1)


def _predator(draw: Draw) -> System:
    """Rosenzweig and MacArthur: prey with a capacity, predators that are sated."""
    capacity, half, death = draw.uniform(2.5, 3.5), draw.uniform(0.4, 0.6), draw.uniform(0.4, 0.5)

    def field(z: Tensor) -> Tensor:
        eaten = z[:, 0] * z[:, 1] / (half + z[:, 0].abs())
        return columns(z[:, 0] * (1 - z[:, 0] / capacity) - eaten, eaten - death * z[:, 1])

    return System(2, field, _none(2), box(0.3, 2, 2), 0.3)


def _on_cycle(make: Make) -> Make:
    """Only what comes long after the start: samples on the limit cycle."""

    def settled(draw: Draw) -> System:
        free = make(draw)
        return System(free.size, free.field, free.generators, free.start, free.step, 400 * free.step)

    return settled


def _roessler(draw: Draw) -> System:
    a, b, c = draw.uniform(0.15, 0.25), draw.uniform(0.15, 0.25), draw.uniform(4, 6)
    field = lambda z: columns(-z[:, 1] - z[:, 2], z[:, 0] + a * z[:, 1], b + z[:, 2] * (z[:, 0] - c))  # noqa: E731
    return System(3, field, _none(3), box(-3, 3, 3), 0.1)


def _damped_process(draw: Draw) -> System:
    """A draw of a Gaussian process that is pulled back from far away."""
    n = int(draw.integers(2, 4))
    free = gaussian_process(draw, n, n)
    return System(n, lambda z: free(z) - 0.1 * z * z.square().sum(1, keepdim=True), _none(n), box(-2, 2, n), 0.1)


def _competition(draw: Draw) -> System:
    """Four species that share a resource in unlike ways."""
    growth, press = tensor(draw.uniform(0.5, 1.5, 4)), tensor(draw.uniform(0.2, 1.2, (4, 4)))
    return System(4, lambda z: z * (growth - z @ press.T), _none(4), box(0.1, 1.5, 4), 0.2)


NOTHING: dict[str, Make] = {
    "fitzhugh-nagumo": _fitzhugh,
    "brusselator": _brusselator,
    "predator": _predator,
    "fitzhugh-nagumo on its cycle": _on_cycle(_fitzhugh),
    "brusselator on its cycle": _on_cycle(_brusselator),
    "roessler": _roessler,
    "damped process": _damped_process,
    "competition": _competition,
}

# -- planted -----------------------------------------------------------------------------------------------------------

_TURN = tensor([[0.0, -1.0], [1.0, 0.0]])


def _stuart_landau(draw: Draw) -> System:
    """Turns at a pace that depends on the radius."""
    pace, shear, share = draw.uniform(0.5, 2), draw.uniform(0.3, 1), draw.uniform(0.2, 0.5)

    def field(z: Tensor) -> Tensor:
        square = z.square().sum(1, keepdim=True)
        return z * (1 - square) / (1 + share * square) + (pace + shear * square) * z @ _TURN.T

    return System(2, field, _TURN[None], box(-1.5, 1.5, 2), 0.1)


def _ball_flow(draw: Draw) -> System:
    bend = draw.uniform(0.2, 0.6)

    def field(z: Tensor) -> Tensor:
        square = z.square().sum(1, keepdim=True)
        return z * (torch.cos(square) - bend * square)

    return System(3, field, iso.so(3).basis, box(-1.5, 1.5, 3), 0.1)


def _precession(draw: Draw) -> System:
    """Turns about one axis at a pace that depends on the height."""
    pace = draw.uniform(0.5, 2)
    axis = torch.zeros(3, 3, dtype=torch.float64)
    axis[:2, :2] = _TURN

    def field(z: Tensor) -> Tensor:
        height, square = z[:, 2:], z[:, :2].square().sum(1, keepdim=True)
        flat = z[:, :2] * (0.8 - square) + pace * (1 + height) * z[:, :2] @ _TURN.T
        return torch.cat([flat, 0.5 * square - torch.sinh(height) + 0.3], 1)

    return System(3, field, axis[None], box(-1.2, 1.2, 3), 0.1)


def _two_oscillators(draw: Draw) -> System:
    """Two oscillators that see only the size of one another."""
    paces, pull = draw.uniform(0.5, 2, 2), draw.uniform(0.2, 0.6)
    both = torch.zeros(2, 4, 4, dtype=torch.float64)
    both[0, :2, :2] = both[1, 2:, 2:] = _TURN

    def field(z: Tensor) -> Tensor:
        first, second = z[:, :2], z[:, 2:]
        a, b = (part.square().sum(1, keepdim=True) for part in (first, second))
        one = first * (1 - a - pull * b) + (paces[0] + 0.5 * b) * first @ _TURN.T
        two = second * (0.7 - b + pull * a) + (paces[1] - 0.4 * a) * second @ _TURN.T
        return torch.cat([one, two], 1)

    return System(4, field, both, box(-1.2, 1.2, 4), 0.1)


def _squeezed(draw: Draw) -> System:
    """Keeps its form when one state grows as much as the other shrinks."""
    a, b = draw.uniform(0.5, 1.5), draw.uniform(0.5, 1.5)

    def field(z: Tensor) -> Tensor:
        product = z[:, 0] * z[:, 1]
        return columns(z[:, 0] * torch.sin(a * product), z[:, 1] * (torch.cos(b * product) - 1.2))

    return System(2, field, tensor([[[1.0, 0.0], [0.0, -1.0]]]), box(-1.5, 1.5, 2), 0.1)


PLANTED: dict[str, Make] = {
    "stuart-landau": _stuart_landau,
    "ball flow": _ball_flow,
    "precession": _precession,
    "two oscillators": _two_oscillators,
    "squeezed": _squeezed,
}


def broken(draw: Draw, system: System, size: float) -> System:
    """The system, and ``size`` times its speed of something that keeps nothing."""
    other = gaussian_process(draw, system.size, system.size, length=1.5)
    middle, half = system.start.mean(0), (system.start[1] - system.start[0]) / 2
    z = tensor(draw.uniform(-1, 1, (2000, system.size))) * half + middle
    speed = float(system.field(z).square().mean().sqrt())

    def field(x: Tensor) -> Tensor:
        return system.field(x) + size * speed * other(x)

    return System(system.size, field, system.generators, system.start, system.step, system.settle)


def make(draw: Draw, part: str, family: str, size: float) -> tuple[System, Tensor]:
    """A system of a family in a random frame, and the frame ``x = frame z``."""
    system = (NOTHING if part == "nothing" else PLANTED)[family](draw)
    system = broken(draw, system, size) if size else system
    change = frame(draw, system.size, 3.0) * 10 ** draw.uniform(-2, 2)
    return system.seen(change), change


# -- trajectories ------------------------------------------------------------------------------------------------------


def trajectories(draw: Draw, system: System, change: Tensor, count: int, length: int) -> Tensor:
    """States `(count, length, size)` of a system seen in ``x = change z``, by Runge and Kutta."""
    low, high = system.start
    start = (low + (high - low) * tensor(draw.uniform(size=(count, system.size)))) @ change.T
    return integrate(system.field, start, system.step, length, system.settle)


def integrate(field: Field, start: Tensor, step: float, length: int, settle: float = 0.0, inner: int = 4) -> Tensor:
    """States `(count, length, n)` from starts `(count, n)`."""
    x, states = start, []
    for index in range(length + math.ceil(settle / step)):
        if index >= math.ceil(settle / step):
            states.append(x)
        for _ in range(inner):
            x = _step(field, x, step / inner)
    return torch.stack(states, dim=1)


def _step(field: Field, x: Tensor, h: float) -> Tensor:
    a = field(x)
    b = field(x + h / 2 * a)
    c = field(x + h / 2 * b)
    d = field(x + h * c)
    return x + h / 6 * (a + 2 * b + 2 * c + d)
