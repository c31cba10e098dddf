"""Where a fixed-point iteration goes next: a plain step, Anderson's extrapolation, or a step of Newton's method."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._slopes import Array

_RELAXATION = 1.6  # of the splitting; 1 is the plain method
_MEMORY, _EVERY = 10, 3  # residuals that an extrapolation sees, and iterations between two
_DAMPING = 1e-10  # relative, of the extrapolation's small linear system
_WORSE = 100.0  # growth of the residual at which an extrapolation is taken back
_WAIT, _PATIENCE = 10, 1.6  # iterations before a step of Newton's method, and their growth if one helps little
_HELPED = 0.5  # of the residual: what is left after a step of Newton's method that another one should follow at once


class Acceleration:
    """Takes a point and its residual, returns the next point; what led astray is taken back.

    Parameters
    ----------
    newton : callable, optional
        The point `(size,)` where the residual's linear model vanishes, from a point and its residual; None if there
        is none.
    """

    def __init__(self, newton: Callable[[Array, Array], Array] | None) -> None:
        self.newton = newton
        self.points: list[Array] = []
        self.moves: list[Array] = []
        self.rounds, self.wait, self.due = 0, _WAIT, _WAIT
        self.best = self.bound = math.inf  # residual sizes: the least since the last start, and the largest to accept
        self.plain: Array | None = None  # where the last leap would have gone without it
        self.leapt = False  # whether that was a step of Newton's method

    def advance(self, point: Array, residual: Array, size: float) -> Array:
        """The next point; ``size`` is that of the residual."""
        self.rounds += 1
        back, self.plain = self.plain, None
        if self.leapt:
            self._judge(size)
        if back is not None and size > self.bound:
            self._forget()
            return back
        self.best = min(self.best, size)
        move = _RELAXATION * residual
        following = point + move
        if self.newton is not None and self.rounds >= self.due:
            self.plain, self.bound, self.leapt = following, size, True
            self._forget()
            return self.newton(point, residual)
        if self.rounds % _EVERY == 0 and len(self.points) > 1:
            self.plain, self.bound = following, _WORSE * self.best
            following = following - self._combination(point, move)
        self._remember(point, move)
        return following

    def _judge(self, size: float) -> None:
        """Repeat Newton's method at once while it helps, ever more rarely if it does not."""
        self.leapt, helped = False, size <= _HELPED * self.bound
        self.wait = _WAIT if helped else _PATIENCE * self.wait
        self.due = self.rounds + (0 if helped else self.wait)

    def _remember(self, point: Array, move: Array) -> None:
        self.points = [*self.points[1 - _MEMORY :], point]
        self.moves = [*self.moves[1 - _MEMORY :], move]

    def _forget(self) -> None:
        self.points, self.moves, self.best = [], [], math.inf

    def _combination(self, point: Array, move: Array) -> Array:
        """The part of the next point whose residual, if all were linear, is the given one."""
        import numpy as np
        from scipy.linalg.lapack import dposv  # type: ignore[attr-defined]

        changes = move - np.array(self.moves)
        gram = changes @ changes.T
        gram.flat[:: len(gram) + 1] += _DAMPING * gram.trace()
        _, shares, failed = dposv(gram, changes @ move)
        return 0 * move if failed else shares @ (point - np.array(self.points) + changes)
