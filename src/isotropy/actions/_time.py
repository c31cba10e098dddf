"""Rescaling of time as one more generator, for dynamical systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..action._action import Action
from ..action._recorded import recorded
from ..action._spanned import write_sum
from ..algebra._catalogue import scaling
from ..algebra._lie_algebra import LieAlgebra
from ..core._parts import Parts
from ..errors import RepresentationMismatchError


@recorded("time scaled")
class TimeScaled(Action):
    """An action on states together with the rescaling of time.

    The last generator leaves states alone and multiplies velocities: the Lie derivative of a vector field becomes
    ``[theta, v] - c v``, which vanishes when the flow of ``theta`` maps solutions to solutions run at another pace.

    Parameters
    ----------
    action : Action
        The action on states, of an algebra of matrices.
    """

    def __init__(self, action: Action) -> None:
        if not isinstance(action.algebra, LieAlgebra):
            raise RepresentationMismatchError(
                f"action: expected one of a LieAlgebra, received {type(action.algebra).__name__}; build it from one"
            )
        super().__init__(action.algebra + scaling(1), action.event)
        self.base = action

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Fields of the action, then zero."""
        return torch.cat([self.base.fields(y, at), torch.zeros_like(y)[:, None]], dim=1)

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """States move without regard to time."""
        return self.base.flow(self._coordinates(xi)[:-1], y, t, at)

    def tangent(self) -> Action:
        """Velocities feel the pace too."""
        return _PacedTangent(self)

    def describe(self, xi: Tensor, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """Motion of the states, and of time as ``t d/dt``."""
        pace = -float(self._coordinates(xi)[-1])
        space = self.base.describe(self._coordinates(xi)[:-1], coordinates, digits)
        if abs(pace) < 1e-12:
            return space
        time = write_sum([(pace, "t d/dt")], digits)
        return time if space == "0" else f"{space} {'+' if pace > 0 else '-'} {time.lstrip('-')}"

    def built_from(self) -> dict[str, Any]:
        """How states move."""
        return {"action": self.base}

    @classmethod
    def rebuild(cls, parts: Parts) -> TimeScaled:
        """Add the pace again."""
        return cls(parts.one("action", Action))


@recorded("paced tangent")
class _PacedTangent(Action):
    """Tangent of a time-scaled action: ``D theta(at)[y] + c y``."""

    def __init__(self, scaled: TimeScaled) -> None:
        super().__init__(scaled.algebra, scaled.event)
        self.scaled = scaled
        self.base = scaled.base.tangent()

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Fields of the tangent action, then the velocity itself."""
        return torch.cat([self.base.fields(y, at), y[:, None]], dim=1)

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """Move by the tangent flow and multiply by ``e^{c t}``."""
        coordinates = self._coordinates(xi)
        return self.base.flow(coordinates[:-1], y, t, at) * torch.exp(t * coordinates[-1]).to(y)

    def built_from(self) -> dict[str, Any]:
        """How states and time move."""
        return {"action": self.scaled}

    @classmethod
    def rebuild(cls, parts: Parts) -> _PacedTangent:
        """Take the derivative again."""
        return cls(parts.one("action", TimeScaled))
