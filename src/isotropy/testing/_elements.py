"""Random elements of an algebra, at a pace that suits the points."""

from __future__ import annotations

import torch
from torch import Tensor

from ..action._action import Action
from ..errors import FlowError

_DRAWS = 4


def elements(dim: int, seed: int) -> Tensor:
    """Random elements `(draws, dim)` of unit norm."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(_DRAWS, dim, generator=generator, dtype=torch.float64)
    return drawn / drawn.norm(dim=1, keepdim=True)


def paced(action: Action, x: Tensor, seed: int) -> list[Tensor]:
    """Random elements that move points by about half their spread in unit time, or less where flows blow up."""
    spread = float((x - x.mean(0)).norm())
    chosen: list[Tensor] = []
    for xi in elements(action.algebra.dim, seed):
        speed = float(action.field(xi, x).norm())
        chosen.append(_bounded(action, x, xi * (0.5 * spread / speed if speed > 0 and spread > 0 else 1.0)))
    return chosen


def _bounded(action: Action, x: Tensor, xi: Tensor) -> Tensor:
    """The element, halved until its flow stays finite for unit time."""
    for _ in range(8):
        try:
            action.flow(xi, x)
        except FlowError:
            xi = xi / 2
        else:
            break
    return xi
