"""How to write a new action: a complete example, a squeeze of the plane.

Copy this file, change the six numbered places, export the class from ``actions/__init__.py`` and add one line to
the list in ``tests/actions/kinds.py``; the class then inherits that whole suite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..action._action import Action
from ..action._recorded import recorded
from ..algebra._lie_algebra import LieAlgebra
from ..core._parts import Parts


@recorded("squeeze")  # 6. Optional, with the last two methods: the name of this kind in files.
class Squeeze(Action):
    """``(x, y) -> (e^t x, e^-t y)`` on points `(batch, 2)`; ``x y`` is its invariant.

    Examples
    --------
    >>> squeeze = Squeeze()
    >>> float(squeeze.flow(torch.ones(1), torch.ones(1, 2), t=1.0).prod())
    1.0
    """

    def __init__(self) -> None:
        # 1. The algebra: one independent matrix per generator. Any faithful matrices will do; brackets, names and
        #    the size of a generator are taken from them.
        algebra = LieAlgebra(torch.tensor([[[1.0, 0.0], [0.0, -1.0]]]), "squeeze")
        # 2. The event: the shape of one point, without the batch.
        super().__init__(algebra, (2,))

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Velocity `(batch, dim, 2)` of every generator."""
        # 3. The only method that must be written. Keep dtype and device of ``y``, touch no input, and use torch
        #    operations, so that the field can be differentiated (``tangent`` does).
        return torch.stack([y[:, 0], -y[:, 1]], dim=1)[:, None]

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """Closed form of the motion."""
        # 4. Optional: without it the field is integrated by Runge-Kutta steps. ``_coordinates`` checks ``xi``.
        pace = torch.exp(t * self._coordinates(xi)).to(y)
        return torch.cat([y[:, :1] * pace, y[:, 1:] / pace], dim=1)

    def describe(self, xi: Tensor, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """The vector field in words."""
        # 5. Optional: how reports write a generator.
        x, y = coordinates or ("x", "y")
        return f"{float(self._coordinates(xi)[0]):.3g} ({x} d/d{x} - {y} d/d{y})"

    def built_from(self) -> dict[str, Any]:
        """What this was made with, so that a symmetry of this kind can be saved; here nothing."""
        # Names and parts: plain values, float64 tensors, algebras, actions, networks, and lists of these.
        return {}

    @classmethod
    def rebuild(cls, parts: Parts) -> Squeeze:
        """The same action from its parts."""
        # Ask for each part by name, as in parts.whole("count", 1), parts.tensor("combos", 2, None) or
        # parts.one("action", Action): a file may hold anything, and each of these refuses what does not fit.
        return cls()
