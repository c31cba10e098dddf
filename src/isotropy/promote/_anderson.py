"""Anderson's extrapolation of a fixed-point iteration from its last residuals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._slopes import Array

_RELAXATION = 1.6  # of the splitting; 1 is the plain method
_MEMORY, _EVERY = 10, 2  # residuals that an extrapolation sees, and iterations between two
_DAMPING = 1e-10  # relative, of the extrapolation's small linear system
_WORSE = 100.0  # growth of the residual at which an extrapolation is taken back


class Anderson:
    """Takes a point and its residual, returns the next point; an extrapolation that led astray is taken back."""

    def __init__(self) -> None:
        self.rounds = 0
        self.forget()

    def forget(self) -> None:
        """Start anew, from a point that belongs to no sequence."""
        self.points: list[Array] = []
        self.moves: list[Array] = []
        self.best = math.inf  # residual since the start
        self.plain: Array | None = None  # where the last extrapolation would have gone without memory

    def advance(self, point: Array, residual: Array, size: float) -> Array:
        """Every few rounds the combination of past steps whose residual is least, else a plain step.

        ``size`` is that of the residual.
        """
        back, self.plain = self.plain, None
        if back is not None and size > _WORSE * self.best:
            self.forget()
            return back
        self.rounds += 1
        self.best = min(self.best, size)
        move = _RELAXATION * residual
        following = point + move
        if self.rounds % _EVERY == 0 and len(self.points) > 1:
            self.plain = following
            following = following - self._combination(point, move)
        self.points = [*self.points[1 - _MEMORY :], point]
        self.moves = [*self.moves[1 - _MEMORY :], move]
        return following

    def _combination(self, point: Array, move: Array) -> Array:
        """The part of the next point whose residual, if all were linear, is the given one."""
        import numpy as np
        from scipy.linalg.lapack import dposv  # type: ignore[attr-defined]

        changes = move - np.array(self.moves)
        gram = changes @ changes.T
        gram.flat[:: len(gram) + 1] += _DAMPING * gram.trace()
        _, shares, failed = dposv(gram, changes @ move)
        return 0 * move if failed else shares @ (point - np.array(self.points) + changes)
