"""Vector fields of the judge set, in random frames: without symmetry, and with a planted one."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

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

        return replace(self, field=field, generators=change @ self.generators @ inverse)


Make = Callable[[Draw], System]


def columns(*parts: Tensor) -> Tensor:
    """Columns side by side."""
    return torch.stack(parts, dim=1)


def box(low: float, high: float, count: int) -> Tensor:
    """The same interval for every state."""
    return tensor([[low] * count, [high] * count])


def _none(n: int) -> Tensor:
    return torch.zeros(0, n, n, dtype=torch.float64)


# -- without symmetry --------------------------------------------------------------------------------------------------


def _pendulum(draw: Draw) -> System:
    """With friction, and a torque that pushes it to one side."""
    friction, torque = draw.uniform(0.15, 0.5), draw.uniform(0.2, 0.6)
    field = lambda z: columns(z[:, 1], torque - z[:, 0].sin() - friction * z[:, 1])  # noqa: E731
    return System(2, field, _none(2), box(-2, 2, 2), 0.15)


def _toggle(draw: Draw) -> System:
    """Two genes that repress one another."""
    rates, decay = draw.uniform(1.5, 3, 2), draw.uniform(0.7, 1.3)

    def field(z: Tensor) -> Tensor:
        first, second = rates[0] / (1 + z[:, 1].square()), rates[1] / (1 + z[:, 0].square() ** 1.5)
        return columns(first - z[:, 0], second - decay * z[:, 1])

    return System(2, field, _none(2), box(0.1, 3, 2), 0.1)


def _chua(draw: Draw) -> System:
    """A circuit with a resistance that is linear in pieces."""
    a, b = draw.uniform(8, 10), draw.uniform(13, 15)

    def field(z: Tensor) -> Tensor:
        bent = -0.714 * z[:, 0] - 0.214 * ((z[:, 0] + 1).abs() - (z[:, 0] - 1).abs())
        return columns(a * (z[:, 1] - z[:, 0] - bent), z[:, 0] - z[:, 1] + z[:, 2], -b * z[:, 1] + 0.3)

    return System(3, field, _none(3), box(-0.8, 0.8, 3), 0.05)


def _epidemic(draw: Draw) -> System:
    """Those who can be infected, who are, and who forget."""
    spread, heal, forget = draw.uniform(1.8, 3), draw.uniform(0.6, 1.0), draw.uniform(0.1, 0.4)

    def field(z: Tensor) -> Tensor:
        caught = spread * z[:, 0] * z[:, 1] / (1 + 0.5 * z[:, 1].abs())
        lost = 1 - z[:, 0] - z[:, 1]
        return columns(forget * lost - caught, caught - heal * z[:, 1])

    return System(2, field, _none(2), box(0.05, 0.9, 2), 0.2)


def _three_genes(draw: Draw) -> System:
    """A ring of three genes, each with rates of its own: it ends on a limit cycle."""
    rates, decay = tensor(draw.uniform(8, 14, 3)), tensor(draw.uniform(0.8, 1.2, 3))

    def field(z: Tensor) -> Tensor:
        return rates / (1 + z.roll(1, 1) ** 4) - decay * z

    return System(3, field, _none(3), box(0.3, 3, 3), 0.15)


def _on_cycle(draw: Draw) -> System:
    """Long after the start, when only the cycle is left."""
    return replace(_three_genes(draw), settle=60.0)


NOTHING: dict[str, Make] = {
    "pendulum": _pendulum,
    "toggle": _toggle,
    "chua": _chua,
    "epidemic": _epidemic,
    "three genes": _three_genes,
    "three genes on the cycle": _on_cycle,
}

# -- planted -----------------------------------------------------------------------------------------------------------

_TURN = tensor([[0.0, -1.0], [1.0, 0.0]])


def _whirl(draw: Draw) -> System:
    """A vortex with a core, and a drift inwards or outwards that depends on the radius."""
    pace, pull = draw.uniform(0.8, 2), draw.uniform(0.4, 1)

    def field(z: Tensor) -> Tensor:
        square = z.square().sum(1, keepdim=True)
        return pull * z * torch.tanh(1 - square) + pace / (0.5 + square) * z @ _TURN.T

    return System(2, field, _TURN[None], box(-1.5, 1.5, 2), 0.1)


def _homogeneous(draw: Draw) -> System:
    """Of the first degree, not linear: twice the state moves twice as fast."""
    linear, bends = tensor(draw.normal(size=(2, 2))) - torch.eye(2), tensor(0.8 * draw.normal(size=(2, 2)))

    def field(z: Tensor) -> Tensor:
        metric = z.square().sum(1, keepdim=True) + 1e-12
        second = columns(z[:, 0] * z[:, 1], z[:, 0].square() - z[:, 1].square()) @ bends.T
        return z @ linear.T + 2 * (z @ _TURN.T) + second * z[:, :1] / metric

    return System(2, field, torch.eye(2, dtype=torch.float64)[None], box(-1.5, 1.5, 2), 0.08)


def _central(draw: Draw) -> System:
    """A point in the plane under a central force with friction: place and velocity turn together."""
    pull, friction = draw.uniform(0.8, 1.6), draw.uniform(0.05, 0.2)
    both = torch.block_diag(_TURN, _TURN)[None]

    def field(z: Tensor) -> Tensor:
        q, p = z[:, :2], z[:, 2:]
        near, fast = q.square().sum(1, keepdim=True), p.square().sum(1, keepdim=True)
        return torch.cat([p, -pull * q / (0.5 + near) - friction * (1 + fast) * p], 1)

    return System(4, field, both, box(-1.2, 1.2, 4), 0.12)


def _boosted(draw: Draw) -> System:
    """One state grows as another shrinks, at a pace that a third one and their product set."""
    a, b = draw.uniform(0.5, 1.5, 2)
    boost = torch.diag(tensor([1.0, -1.0, 0.0]))[None]

    def field(z: Tensor) -> Tensor:
        product, height = z[:, 0] * z[:, 1], z[:, 2]
        first, second = z[:, 0] * torch.cos(a * product + height), z[:, 1] * torch.tanh(height - product)
        return columns(first, second, torch.sin(b * product) - height**3 / 3)

    return System(3, field, boost, box(-1.3, 1.3, 3), 0.1)


PLANTED: dict[str, Make] = {
    "whirl": _whirl,
    "homogeneous": _homogeneous,
    "central": _central,
    "boosted": _boosted,
}


def broken(draw: Draw, system: System, size: float) -> System:
    """The system, and ``size`` times its speed of something that keeps nothing."""
    other = gaussian_process(draw, system.size, system.size, length=1.2)
    middle, half = system.start.mean(0), (system.start[1] - system.start[0]) / 2
    z = tensor(draw.uniform(-1, 1, (2000, system.size))) * half + middle
    speed = float(system.field(z).square().mean().sqrt())
    return replace(system, field=lambda x: system.field(x) + size * speed * other(x))


def make(draw: Draw, part: str, family: str, size: float) -> tuple[System, Tensor]:
    """A system of a family in a random frame, and the frame ``x = frame z``."""
    system = (NOTHING if part == "nothing" else PLANTED)[family](draw)
    system = broken(draw, system, size) if size else system
    change = frame(draw, system.size, 3.0) * 10 ** draw.uniform(-2, 2)
    return system.seen(change), change
