"""The action that moves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..action._action import Action, Algebra, Motion
from ..action._recorded import recorded
from ..core._parts import Parts


@recorded("trivial")
class Trivial(Action):
    """Points of any shape that no generator moves: the output of an invariant map, however large.

    Parameters
    ----------
    algebra : Algebra
        The algebra whose elements do nothing here.
    event : tuple of int
        Shape of one point.

    Examples
    --------
    >>> import isotropy as iso
    >>> Trivial(iso.so(3), (1000,)).size
    1000
    """

    def __init__(self, algebra: Algebra, event: tuple[int, ...]) -> None:
        super().__init__(algebra, event)

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Zeros."""
        return torch.zeros_like(y)[:, None].expand(len(y), self.algebra.dim, *y.shape[1:])

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """The points themselves."""
        return y

    def tangent(self) -> Action:
        """Velocities rest as well."""
        return self

    def describe(self, xi: Tensor, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """No motion."""
        return "0"

    def built_from(self) -> dict[str, Any]:
        """The algebra and the shape of a point."""
        return {"algebra": self.algebra, "event": self.event}

    @classmethod
    def rebuild(cls, parts: Parts) -> Trivial:
        """Rest again."""
        return cls(parts.one("algebra", Algebra), parts.wholes("event"))

    def motion(self) -> Motion:
        """An accumulator with nothing to see."""
        return _Rest(self)


class _Rest(Motion):
    """The motion of points that rest."""

    def update(self, y: Tensor, weights: Tensor, at: Tensor | None = None) -> None:
        """Nothing moves, so nothing is absorbed."""
