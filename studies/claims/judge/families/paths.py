"""Trajectories of fields, by Runge and Kutta."""

import math

import torch
from torch import Tensor

from .draws import Draw, Field, tensor
from .fields import System

INNER = 4  # steps between two samples


def trajectories(draw: Draw, system: System, change: Tensor, count: int, length: int) -> Tensor:
    """States `(count, length, size)` of a system seen in ``x = change z``."""
    return integrate(system.field, starts(draw, system.start, change, count), system.step, length, system.settle)


def starts(draw: Draw, ends: Tensor, change: Tensor, count: int) -> Tensor:
    """Points `(count, size)` of a box ``z``, seen in ``x = change z``."""
    return (ends[0] + (ends[1] - ends[0]) * tensor(draw.uniform(size=(count, len(change))))) @ change.T


def integrate(field: Field, start: Tensor, step: float, length: int, settle: float = 0.0) -> Tensor:
    """States `(count, length, n)` from starts `(count, n)`."""
    x, states, before = start, [], math.ceil(settle / step)
    for index in range(length + before):
        if index >= before:
            states.append(x)
        for _ in range(INNER):
            x = _step(field, x, step / INNER)
    return torch.stack(states, dim=1)


def _step(field: Field, x: Tensor, h: float) -> Tensor:
    a = field(x)
    b = field(x + h / 2 * a)
    c = field(x + h / 2 * b)
    d = field(x + h * c)
    return x + h / 6 * (a + 2 * b + 2 * c + d)
