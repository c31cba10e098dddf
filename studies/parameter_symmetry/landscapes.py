"""Teleportation on the plane: Rosenbrock and Booth, with random turns and orbit minima as controls."""

from typing import Any

import torch
from torch import Tensor

from isotropy.datasets import Booth, PlanarLandscape, Rosenbrock

STEPS = (0, 99, 100, 199, 299, 499, 699, 999)


def rosenbrock() -> dict[str, Any]:
    """Losses of 1000 steps from (-1, -1) at rate 1e-3, moved before the update of every 100th step."""
    field, start = Rosenbrock(), -torch.ones(1, 2, dtype=torch.float64)
    moments = range(99, 1000, 100)
    plain = field.descend(start, 1e-3, 1000)
    steep = field.descend(start, 1e-3, 1000, move=field.steepest, at=moments)
    flat = field.descend(start, 1e-3, 1000, move=lambda x: _flattest(field, x), at=moments)
    turned = field.descend(start.expand(20, 2), 1e-3, 1000, move=_random_turn(field), at=moments)
    chosen = list(STEPS)
    return {
        "steps": chosen,
        "none": plain[chosen, 0].tolist(),
        "random median of 20": turned[chosen].median(1).values.tolist(),
        "exact minimum": flat[chosen, 0].tolist(),
        "exact maximum": steep[chosen, 0].tolist(),
    }


def booth() -> dict[str, Any]:
    """Losses of 10 steps from (5, -5) at rate 0.08, moved before the update of step 4."""
    start = torch.tensor([[5.0, -5.0]], dtype=torch.float64)
    field = Booth()
    return {
        "none": field.descend(start, 0.08, 10)[:, 0].tolist(),
        "exact maximum": field.descend(start, 0.08, 10, move=field.steepest, at=[4])[:, 0].tolist(),
    }


def _random_turn(field: PlanarLandscape) -> Any:
    generator = torch.Generator().manual_seed(0)

    def move(x: Tensor) -> Tensor:
        return field.turn(2 * torch.pi * torch.rand(len(x), generator=generator, dtype=x.dtype), x)

    return move


def _flattest(field: PlanarLandscape, x: Tensor) -> Tensor:
    """The point of an orbit with the shortest gradient, on a fine grid."""
    angles = torch.linspace(0, 2 * torch.pi, 20001, dtype=x.dtype)
    orbit = field.turn(angles, x.expand(20001, 2))
    return orbit[field.gradient(orbit).square().sum(1).argmin()][None]
