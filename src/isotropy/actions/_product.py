"""Several actions of one algebra on stacked coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..action._action import Action
from ..action._recorded import recorded
from ..core._parts import Parts
from ..errors import RepresentationMismatchError


@recorded("product")
class Product(Action):
    """Actions of one algebra side by side on `(batch, size_1 + size_2 + ...)`, such as inputs beside outputs.

    Raises
    ------
    RepresentationMismatchError
        If the algebras differ in dimension, or a part does not move flat points.
    """

    def __init__(self, *parts: Action) -> None:
        dims = {part.algebra.dim for part in parts}
        if len(dims) != 1:
            raise RepresentationMismatchError(
                f"parts: expected actions of one algebra, received dimensions {sorted(dims)}; build all from one"
            )
        if any(len(part.event) != 1 for part in parts):
            raise RepresentationMismatchError(
                f"parts: expected actions on flat points (d,), received events {[part.event for part in parts]}; "
                "flatten the points"
            )
        super().__init__(parts[0].algebra, (sum(part.size for part in parts),))
        self.parts = parts

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Fields of the parts, stacked."""
        pieces = y.split([part.size for part in self.parts], dim=1)
        return torch.cat([part.fields(piece) for part, piece in zip(self.parts, pieces, strict=True)], dim=2)

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """Flows of the parts, stacked."""
        pieces = y.split([part.size for part in self.parts], dim=1)
        return torch.cat([part.flow(xi, piece, t) for part, piece in zip(self.parts, pieces, strict=True)], dim=1)

    def describe(self, xi: Tensor, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """Fields of the parts in their own coordinates."""
        names = list(coordinates or [])
        texts: list[str] = []
        for part in self.parts:
            own, names = names[: part.size], names[part.size :]
            texts.append(part.describe(xi, own or None, digits))
        moving = [text for text in texts if text != "0"]
        return " + ".join(moving) or "0"

    def built_from(self) -> dict[str, Any]:
        """The parts."""
        return {"parts": self.parts}

    @classmethod
    def rebuild(cls, parts: Parts) -> Product:
        """Put the parts side by side again."""
        return cls(*parts.many("parts", Action))
