"""Streamed sums over blocks of points of what motions do to functions of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...action._action import Action
from ...algebra._lie_algebra import LieAlgebra
from ...dictionary import Polynomials
from .. import bars
from ..evidence._mean_claim import BLOCKS, BlockMeans, MeanJudgement

_MOST_ENTRIES = 2**22  # numbers held at once for some of the points
_MOST_SUMS = 2**25  # numbers in all sums
_MOST_PRODUCTS = 2**19  # numbers that are multiplied for one point
_FURTHER = 2  # orders beyond those asked


class BlockSums:
    """Sums of ``D phi xi``, of monomials phi and of motions, block by block; memory does not grow with the points.

    Monomials of up to two further orders are summed as well, as far as they can be held: they have to confirm.

    Parameters
    ----------
    action : Action
        Candidate action.
    order : int
        Highest degree of the monomials that are asked.
    centre, whiten : Tensor
        `(n,)` and `(n, n)`: the frame ``w = (x - centre) @ whiten``, in which points have unit covariance.
    """

    def __init__(self, action: Action, order: int, centre: Tensor, whiten: Tensor) -> None:
        self.action, self.order, self.centre, self.whiten = action, order, centre, whiten
        further = [extra for extra in range(_FURTHER + 1) if self.fits(action, order + extra)]
        self.functions = Polynomials(action.size, order + max(further, default=0))
        terms, dim = len(self.functions), action.algebra.dim
        self.slopes = torch.zeros(BLOCKS, terms, dim, dtype=torch.float64)
        self.motion = torch.zeros(BLOCKS, dim, dim, dtype=torch.float64)
        self.counts = torch.zeros(BLOCKS, dtype=torch.float64)
        self.products = torch.zeros(terms, terms, dtype=torch.float64)
        self.values = torch.zeros(terms, dtype=torch.float64)
        self.samples = 0

    @staticmethod
    def fits(action: Action, order: int) -> bool:
        """Whether the sums can be held, and a point be added in about a millisecond."""
        terms, dim = math.comb(action.size + order, order), action.algebra.dim
        held = terms * dim * BLOCKS + dim * dim * BLOCKS + terms * terms
        return held <= _MOST_SUMS and terms * action.size * dim <= _MOST_PRODUCTS

    def update(self, x: Tensor) -> BlockSums:
        """Absorb points `(batch, n)` and return self."""
        width = len(self.functions) * max(self.action.size, self.action.algebra.dim) + self.action.algebra.dim**2
        for chunk in x.split(max(1, _MOST_ENTRIES // width)):
            block = (torch.arange(len(chunk)) + self.samples) % BLOCKS
            framed, fields = (chunk - self.centre) @ self.whiten, self.action.fields(chunk) @ self.whiten
            values = self.functions.evaluate(framed)
            self.slopes.index_add_(0, block, self.functions.jacobian(framed) @ fields.transpose(1, 2))
            stretch = self.action.divergence(chunk)
            moved = fields @ fields.transpose(1, 2) + stretch[:, :, None] * stretch[:, None]
            self.motion.index_add_(0, block, moved)
            self.counts += torch.bincount(block, minlength=BLOCKS)
            self.products += values.T @ values
            self.values += values.sum(0)
            self.samples += len(chunk)
        return self

    def asked(self) -> BlockMeans:
        """Means of the monomials that are asked."""
        return self._means(self.order)

    def finer(self) -> BlockMeans | None:
        """Means of monomials to the highest order that the points can tell; None where that is no more than asked."""
        degrees = self.functions.exponents.sum(1)
        for order in range(int(degrees.max()), self.order, -1):
            if self.samples >= bars.POINTS_PER_FUNCTION * int((degrees <= order).sum()):
                return self._means(order)
        return None

    def _means(self, order: int) -> BlockMeans:
        kept, filled = self.functions.exponents.sum(1) <= order, self.counts > 0
        counts, mean = self.counts[filled, None, None], self.values[kept] / self.samples
        return BlockMeans(
            self.slopes[filled][:, kept] / counts,
            self.motion[filled] / counts,
            self.products[kept][:, kept] / self.samples - mean[:, None] * mean,
            self.samples,
        )


@dataclass(frozen=True)
class MeanInquiry:
    """Asks about sums over blocks; the road says how many directions, or which, are possible where it is undecided."""

    sums: BlockSums
    possible: int | Tensor
    tolerance: float
    level: float
    seed: int

    def judge(self, size: int | float | None = None) -> MeanJudgement:
        """Judge all candidates by the means of these functions."""
        algebra = self.sums.action.algebra
        return MeanJudgement(
            means=self.sums.asked(),
            brackets=algebra.structure_constants if isinstance(algebra, LieAlgebra) else None,
            wider=self.sums.finer(),
            possible=self.possible,
            size=size,
            tolerance=self.tolerance,
            level=self.level,
            seed=self.seed,
        )
