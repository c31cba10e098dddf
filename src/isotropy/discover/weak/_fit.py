"""A linear regression whose regressors carry noise of known size: coefficients, their covariance, nested tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ...symmetry.learnt import LinearFit
from .. import bars


@dataclass(frozen=True)
class WeakFit:
    """Rows ``target = design @ beta + noise`` of unit variance, the design being seen with noise of its own.

    The score ``design^T (target - design beta)`` then has a mean, ``shift - blur @ beta``, which is known to first
    order; without it a part of the state space that the tracks do not visit, but their noise does, would look visited.

    Attributes
    ----------
    design, target : Tensor
        `(rows, K)` and `(rows,)`, coefficients term by term, outputs fastest.
    blur : Tensor
        `(K, K)`: expected Gram matrix of the noise of the design.
    shift : Tensor
        `(K,)`: expected product of the noise of the design with that of the target.
    outputs : int
        K is a multiple of it.
    waves : Tensor
        `(rows,)` frequency of the test function of every row, as a count.
    driven : Tensor
        `(rows,)` whether more of its noise is that of a drive than that of single states.
    others : int
        How many of the terms, the last ones, are no polynomials.
    """

    design: Tensor
    target: Tensor
    blur: Tensor
    shift: Tensor
    outputs: int
    waves: Tensor
    driven: Tensor
    others: int

    @cached_property
    def _gram(self) -> Tensor:
        return self.design.T @ self.design

    @cached_property
    def _score(self) -> Tensor:
        return self.design.T @ self.target - self.shift

    def information(self, terms: int) -> Tensor:
        """What is known of the coefficients of the first terms, `(K, K)`, without what is noise only."""
        size = terms * self.outputs
        return (self._gram - self.blur)[:size, :size]

    def blurred(self, terms: int) -> float:
        """Largest share of noise in what seems to be known of a combination of the first terms' coefficients."""
        size = terms * self.outputs
        gram, blur = self._gram[:size, :size], self.blur[:size, :size]
        scale = gram.diagonal().clamp_min(1e-300).sqrt()
        values, axes = torch.linalg.eigh(gram / scale / scale[:, None])
        if float(values[0]) <= bars.DEPENDENT_TERMS * float(values[-1]):
            return float("inf")
        white = axes / values.sqrt()
        return float(torch.linalg.eigvalsh(white.T @ (blur / scale / scale[:, None]) @ white)[-1])

    def usable(self, terms: int) -> bool:
        """Whether rows are enough for so many terms, and the tracks go where these differ."""
        few = terms * self.outputs <= bars.MOST_WEAK_SHARE * len(self.target)
        return few and self.blurred(terms) <= bars.MOST_BLUR

    def fit(self, terms: int) -> LinearFit:
        """Coefficients of the first terms; the projector is unused, so that rows stay rows."""
        size = terms * self.outputs
        inverse = torch.linalg.inv(self.information(terms))
        beta = inverse @ self._score[:size]
        residuals = self.target - self.design[:, :size] @ beta
        freedom = len(self.target) - size
        # Noise is known from neighbours. Residuals below it are a lucky draw, or there is no noise.
        variance = max(float(residuals.square().sum()) / freedom, 1.0)
        triangle = torch.linalg.qr(self.design[:, :size], mode="r").R
        return LinearFit(beta, variance**0.5 * inverse @ triangle.T, float(freedom), residuals[:, None], inverse)

    def p_value(self, few: int, many: int) -> float:
        """p-value of the coefficients of the further terms being zero (Wald)."""
        from scipy.stats import f

        if many == few:  # on such a set, as a closed curve, the next degree brings nothing
            return 1.0
        fit = self.fit(many)
        rest = slice(few * self.outputs, None)
        root, found = fit.root[rest], fit.beta[rest]
        left, sizes, _ = torch.linalg.svd(root, full_matrices=False)
        statistic = float((left.T @ found / sizes).square().sum()) / len(found)
        return float(f.sf(statistic, len(found), fit.freedom))

    def p_value_of_others(self, terms: int) -> float:
        """p-value of the terms that are no polynomials being needed beside the first ones (a score test).

        A field that polynomials do not follow leaves residuals that depend on the state, whatever their size.
        """
        from scipy.stats import f

        size, count = terms * self.outputs, self.others * self.outputs
        last = slice(self.design.shape[1] - count, None)
        fit = self.fit(terms)
        cross = (self._gram - self.blur)[last, :size] @ fit.projector
        found = self._score[last] - cross @ self._score[:size]
        rest = self.design[:, last] - self.design[:, :size] @ cross.T
        _, sizes, axes = torch.linalg.svd(rest / rest.norm(dim=0), full_matrices=False)
        kept = sizes > bars.SAME_WAVES * sizes[0]
        statistic = float((axes[kept] @ (found / rest.norm(dim=0)) / sizes[kept]).square().mean())
        return float(f.sf(statistic / max(self.excess(terms), 1.0), int(kept.sum()), fit.freedom))

    def excess(self, terms: int) -> float:
        """Mean square of the residuals, in units of the noise between neighbours."""
        size = terms * self.outputs
        return float(self.fit(terms).residuals.square().sum()) / (len(self.target) - size)

    def whiteness(self, terms: int) -> float:
        """p-value of the drive being white in time: as much of it in the slower half of the test functions.

        What a field cannot explain varies as slowly as the states do, and stands in the slow ones.
        """
        from scipy.stats import f

        waves = self.waves[self.driven]
        if len(waves) == 0 or int(waves.amax()) + 1 < bars.LEAST_WAVES:
            return 0.0
        squares = self.fit(terms).residuals[self.driven, 0].square()
        slow = waves <= waves.to(torch.float64).median()
        ratio = float(squares[slow].mean() / squares[~slow].mean())
        few = int(slow.sum()), int((~slow).sum())
        return 2 * min(float(f.sf(ratio, *few)), float(f.cdf(ratio, *few)))
