"""The same action on every point of a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ..action._action import Action
from ..action._recorded import recorded
from ..core._parts import Parts
from ..errors import RepresentationMismatchError


@recorded("points")
class Points(Action):
    """An action of `R^d` applied to each of ``count`` points at once, on `(batch, count * d)`.

    Parameters
    ----------
    action : Action
        How one point moves, with a flat event `(d,)`.
    count : int
        Number of points; coordinates are ordered point by point.

    Raises
    ------
    RepresentationMismatchError
        If one point is not a flat vector.

    Examples
    --------
    >>> import isotropy as iso
    >>> Points(iso.actions.Affine(iso.se(3)), 3).size
    9
    """

    def __init__(self, action: Action, count: int) -> None:
        if len(action.event) != 1:
            raise RepresentationMismatchError(
                f"action: expected one of flat points (d,), received event {action.event}; flatten the points"
            )
        super().__init__(action.algebra, (count * action.size,))
        self.base = action
        self.count = count

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Fields of the single-point action, side by side."""
        each = self.base.fields(y.reshape(-1, self.base.size))  # (batch * count, dim, d)
        shaped = each.reshape(len(y), self.count, self.algebra.dim, self.base.size)
        return shaped.transpose(1, 2).flatten(2)

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """Flow of every point."""
        return self.base.flow(xi, y.reshape(-1, self.base.size), t).reshape(y.shape)

    def describe(self, xi: Tensor, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """How each point moves."""
        return f"{self.base.describe(xi, digits=digits)} on each of {self.count} points"

    def built_from(self) -> dict[str, Any]:
        """How one point moves, and how many there are."""
        return {"action": self.base, "count": self.count}

    @classmethod
    def rebuild(cls, parts: Parts) -> Points:
        """Move as many points alike."""
        return cls(parts.one("action", Action), parts.whole("count", 1))
