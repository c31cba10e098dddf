"""Limits for a span that was chosen because it looks unbroken.

Write ``t = L_theta beta`` for what a chosen direction breaks, ``r = L_theta beta_hat = t + e`` for what is seen of it,
and P for the projection on ``L_k beta`` of the other candidates k. Choosing theta means to use up the part of r in the
range of P, which is (nearly) zero whatever the truth. So

- in the range of P the break is the error of the direction, ``-P e``, of known law; the data say nothing about it;
- outside it is ``mu``, seen as ``(1 - P) r = mu + (1 - P) e``.

A span is falsely passed at size D if the visible part looks as small as it does although ``|mu|^2 + |P e|^2 > D^2``.
That probability, for the worst division of D^2 and mu along the noisiest direction, is the p-value; the upper limit is
where it falls to the level. Nothing is paid for the number of candidates beyond P, and the visible part is a sum of
squares whose noise is subtracted, not added.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from . import bars
from ._forms import LearntForms


@dataclass(frozen=True)
class SpanLimits:
    """What a span of v directions shows, and what noise alone would: J draws and their mirror images.

    Attributes
    ----------
    seen : Tensor
        `(v,)` squares of the visible part, along directions of the span that diagonalise it.
    squares, along : Tensor
        `(v, 2 J)` squares of the noise in the visible part, and its component in the noisiest direction.
    hidden : Tensor
        `(2 J,)` largest square of the error of the direction in the span.
    """

    seen: Tensor
    squares: Tensor
    along: Tensor
    hidden: Tensor

    def chance(self, size: float) -> float:
        """p-value of a break of at least this size, not yet relative to anything."""
        visible = torch.linspace(0, 1, bars.SHARES, dtype=torch.float64)[:, None, None] * size**2
        passed = visible + 2 * visible.sqrt() * self.along + self.squares <= self._most
        broken = self.hidden >= size**2 - visible  # equal where all candidates are in the span, and nothing is hidden
        return float((passed & broken).to(torch.float64).mean(2).amax())

    @cached_property
    def _most(self) -> Tensor:
        """What a span may show, `(v, 1)`: what it does show, or what noise alone would."""
        floor = self.squares.quantile(bars.LUCK, dim=1)
        return torch.maximum(self.seen, floor)[:, None] * (1 + bars.ROUNDING)

    def upper(self, level: float) -> float:
        """Size that the worst member of the span does not exceed, with probability ``1 - level``."""
        if self.chance(0.0) <= level and float(self.seen.amax()) == 0.0:
            return 0.0
        low, high = 0.0, float((self.seen.amax() + self.squares.amax() + self.hidden.amax()).sqrt())
        while self.chance(high) > level:
            low, high = high, 2 * high
        while high - low > bars.LIMIT_ACCURACY * high:
            middle = (low + high) / 2
            low, high = (low, middle) if self.chance(middle) <= level else (middle, high)
        return high


@dataclass(frozen=True)
class Noise:
    """A class in which a span is asked, and draws of its coefficients.

    Attributes
    ----------
    forms : LearntForms
        Of the class.
    beta, draws : Tensor
        `(K,)` coefficients and `(J, K)` errors of them.
    chosen_beta, chosen_draws : Tensor
        The same of the class in which the directions were chosen, on the coefficients of this class, errors of the
        same noise.
    """

    forms: LearntForms
    beta: Tensor
    draws: Tensor
    chosen_beta: Tensor
    chosen_draws: Tensor

    def limits(self, order: Tensor, size: int) -> SpanLimits:
        """Of the span of the first ``size`` rows of the directions `(k, dim)`."""
        lie = torch.einsum("drk,ed->erk", self.forms.lie, order[:size])
        taken = _basis((order[size:] @ (self.forms.lie @ self.chosen_beta)).T)
        hidden = torch.einsum("jk,erk->jer", self.chosen_draws, lie) @ taken
        seen = _without(lie @ self.beta, taken)
        noise = _without(torch.einsum("jk,erk->ejr", self.draws, lie), taken)
        _, turn = torch.linalg.eigh(seen @ seen.T)  # the worst member is among these, up to noise
        seen, noise = turn.T @ seen, torch.einsum("ew,ejr->wjr", turn, noise)
        largest = torch.linalg.matrix_norm(hidden, ord=2) if taken.shape[1] else torch.zeros(len(self.draws)).double()
        along = torch.stack([part @ _noisiest(part) for part in noise])
        return SpanLimits(seen.square().sum(1), *_mirrored(noise.square().sum(2), along), largest.square().repeat(2))

    def lower(self, theta: Tensor, level: float) -> float:
        """Size that one direction, chosen as the least broken, does exceed, with probability ``1 - level``.

        The true least broken direction is seen with all of its noise, and what was chosen is seen as no more.
        """
        lie = torch.einsum("drk,d->rk", self.forms.lie, theta)
        seen, noise = float((lie @ self.beta).square().sum()), self.draws @ lie.T
        squares, along = _mirrored(noise.square().sum(1), noise @ _noisiest(noise))

        def reached(size: float) -> bool:
            found = size**2 + 2 * size * along + squares >= seen * (1 - bars.ROUNDING)
            return float(found.to(torch.float64).mean()) > level

        if reached(0.0):
            return 0.0
        low, high = 0.0, (seen + float(squares.amax())) ** 0.5 * 2
        while high - low > bars.LIMIT_ACCURACY * high:
            middle = (low + high) / 2
            low, high = (low, middle) if reached(middle) else (middle, high)
        return low


def _mirrored(squares: Tensor, along: Tensor) -> tuple[Tensor, Tensor]:
    """Every draw with its mirror image, so that the sign of a direction does not count."""
    return torch.cat([squares, squares], dim=-1), torch.cat([along, -along], dim=-1)


def _basis(columns: Tensor) -> Tensor:
    """Orthonormal basis `(rows, j)` of the span of columns."""
    left, sizes, _ = torch.linalg.svd(columns, full_matrices=False)
    return left[:, sizes > bars.ROUNDING * sizes.sum()]


def _without(rows: Tensor, basis: Tensor) -> Tensor:
    return rows - (rows @ basis) @ basis.T


def _noisiest(draws: Tensor) -> Tensor:
    """Direction `(rows,)` in which draws `(J, rows)` vary most; a break there is the hardest to see."""
    gram = draws.T @ draws
    return torch.linalg.eigh(gram)[1][:, -1]
