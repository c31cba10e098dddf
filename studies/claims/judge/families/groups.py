"""Finite groups of the judge set, and activations that keep scalings of their units."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from .draws import tensor


def _powers(g: Tensor, order: int) -> Tensor:
    return torch.stack([torch.linalg.matrix_power(g, k) for k in range(order)])


def _quarter_turn() -> Tensor:
    """About an axis in space."""
    return tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def _signs() -> Tensor:
    every = [[a, b, c] for a in (1.0, -1.0) for b in (1.0, -1.0) for c in (1.0, -1.0)]
    return torch.stack([torch.diag(tensor(row)) for row in every])


GROUPS: dict[str, Tensor] = {  # all elements, the identity first
    "inversion": torch.stack([torch.eye(3, dtype=torch.float64), -torch.eye(3, dtype=torch.float64)]),
    "quarter turns": _powers(_quarter_turn(), 4),
    "signs": _signs(),
    "round": _powers(torch.eye(4, dtype=torch.float64).roll(1, 0), 4),
}

ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {  # and how many scalings each keeps, per unit
    "absolute": (torch.abs, 1),
    "two slopes": (lambda u: torch.where(u > 0, 1.5 * u, -0.4 * u), 1),
    "mish": (functional.mish, 0),
    "shrink": (functional.tanhshrink, 0),
}
