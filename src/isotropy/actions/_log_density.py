"""How the logarithm of a density changes when points move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..action._action import Action, _base_point
from ..action._recorded import recorded
from ..core._parts import Parts


@recorded("log density")
class LogDensity(Action):
    """Values ``log p`` at base points: ``log p -> log p - log |det D flow|``, field ``-div theta``.

    As the action on outputs it makes the Lie derivative ``theta . grad log p + div theta``, which vanishes when the
    density, not merely the function p, is invariant. A constant factor of p plays no part.

    Parameters
    ----------
    action : Action
        How points move.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> scale = iso.scaling(2).vector()
    >>> LogDensity(scale).fields(torch.zeros(1, 1), at=torch.ones(1, 2))
    tensor([[[-2.]]])
    """

    def __init__(self, action: Action) -> None:
        super().__init__(action.algebra, (1,))
        self.base = action

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Minus the divergence at the base point, whatever the value."""
        return -self.base.divergence(_base_point(at, y))[..., None]

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """The value less the logarithm of how much the flow stretches volume about the base point."""
        return y - log_stretch(self.base, xi, _base_point(at, y), t)[:, None]

    def describe(self, xi: Tensor, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """How the base point moves."""
        return self.base.describe(xi, coordinates, digits)

    def built_from(self) -> dict[str, Any]:
        """How points move."""
        return {"action": self.base}

    @classmethod
    def rebuild(cls, parts: Parts) -> LogDensity:
        """Follow the density of the same points."""
        return cls(parts.one("action", Action))


def log_stretch(action: Action, xi: Tensor, x: Tensor, t: float = 1.0) -> Tensor:
    """``log |det D flow(x)|`` `(batch,)` of the flow of one element for time ``t``."""
    units = torch.eye(action.size, dtype=x.dtype, device=x.device).reshape(action.size, *action.event)
    columns = [
        torch.func.jvp(lambda z: action.flow(xi, z, t), (x,), (unit.expand_as(x),))[1].flatten(1) for unit in units
    ]
    return torch.linalg.slogdet(torch.stack(columns, dim=2)).logabsdet
