"""How much a span may be broken, by a map that is smooth and by samples with noise.

Before the samples are looked at, what the span breaks may have any size, small or large, with the pattern of a smooth
map. The samples tell which sizes are likely; given one, they tell the rest. Two things are left out of this: what the
other candidates could undo, which the choice of the span has made small whatever the truth, so that its error is added;
and what is plainly seen in single patterns, which is hardly shrunk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from . import bars
from ._knowledge import Knowledge


@dataclass(frozen=True)
class SpanLimits:
    """Draws of what a span of k directions, orthonormal in what they are compared with, breaks.

    Attributes
    ----------
    grams : Tensor
        `(J, k, k)` products of Lie derivatives.
    sure : Tensor
        The same without what only the error of the direction may have made, and shrunk as far as the samples say.
    sizes, weights : Tensor
        Breaks that were possible and how likely each is now.
    """

    grams: Tensor
    sure: Tensor
    sizes: Tensor
    weights: Tensor

    def defects(self, rows: Tensor, chance: Tensor) -> tuple[Tensor, Tensor]:
        """Defects `(J, j)` of single rows `(j, k)`, compared with chance `(j,)`; the same of what is sure."""
        every, sure = (
            (torch.einsum("je,nef,jf->nj", rows, part, rows) / chance).clamp_min(0).sqrt()
            for part in (self.grams, self.sure)
        )
        return every, sure

    def worst(self) -> Tensor:
        """Defect `(J,)` of the worst member."""
        return torch.linalg.eigvalsh(self.grams)[:, -1].clamp_min(0).sqrt()

    def surely_worst(self) -> Tensor:
        """Defect `(J,)` of the worst member, of what is sure."""
        return torch.linalg.eigvalsh(self.sure)[:, -1].clamp_min(0).sqrt()

    def allows_exact(self, level: float) -> bool:
        """Whether a break may be as small as the smallest that were thought of.

        The error of the direction alone makes every draw larger than zero, and says nothing of that.
        """
        return float(self.weights[: bars.SMALLEST].sum()) > level

    def larger(self, tolerance: float) -> float:
        """How likely a break of more than a tolerance is."""
        return float(self.weights[self.sizes > tolerance].sum())


def span_limits(known: Knowledge, order: Tensor, size: int, tolerance: float) -> SpanLimits:
    """Limits of the span of the first rows of `(r, dim)`, the others being what was not chosen."""
    span, scale = order[:size], known.points**0.5
    taken = _basis((known.lie @ order[size:].T).flatten(0, 1) / scale)
    roots = known.along(span, known.roots) / scale
    seen = torch.einsum("pmk,ek->epm", known.lie, span).flatten(1) / scale
    visible, pattern = _without(roots, taken), _without(seen[..., None], taken).flatten()
    patterns = _Patterns.of(visible.flatten(0, 1), pattern)
    before = _squares(_without(known.along(span, known.priors) / scale, taken))
    sizes, penalties = _penalties(before, size, tolerance)
    weights = torch.softmax(torch.stack([patterns.evidence(t) + _room(before, t) for t in penalties]), 0)
    generator = torch.Generator().manual_seed(known.seed)
    picked = torch.multinomial(weights, bars.DRAWS, True, generator=generator)
    normal = torch.randn(bars.DRAWS, len(patterns.errors), generator=generator, dtype=torch.float64)
    steps, free = (patterns.drawn(penalties[picked][:, None], normal, m) for m in (bars.MOST_SHRINKAGE, math.inf))
    broken = seen + torch.einsum("epr,jr->jep", roots, steps)
    shape = (len(span), -1)
    least = pattern.unflatten(0, shape) + torch.einsum("epr,jr->jep", visible, free)
    return SpanLimits(broken @ broken.mT, least @ least.mT, sizes, weights)


@dataclass(frozen=True)
class _Patterns:
    """What is visible of a break in uncorrelated patterns: squared errors, what is seen, and the axes `(r, r)`."""

    errors: Tensor
    seen: Tensor
    axes: Tensor

    @classmethod
    def of(cls, root: Tensor, seen: Tensor) -> _Patterns:
        """Of a root `(rows, r)` of the covariance and what is seen `(rows,)`."""
        errors, axes = torch.linalg.eigh(root.T @ root)
        errors = errors.clamp_min(0)
        known = errors > bars.ROUNDING**2 * errors.amax()
        along = axes.T @ (root.T @ seen) / errors.clamp_min(1e-300).sqrt()
        return cls(errors, torch.where(known, along, torch.zeros_like(along)), axes)

    def evidence(self, penalty: Tensor) -> Tensor:
        """Log-likelihood of what is seen, up to what all sizes share, if breaks are punished by ``|.|^2 / penalty``."""
        return -0.5 * (torch.log1p(self.errors / penalty) + self.seen.square() / (self.errors + penalty)).sum()

    def drawn(self, penalty: Tensor, normal: Tensor, most: float) -> Tensor:
        """Errors `(J, r)` in units of the root, for penalties `(J, 1)`, shrunk by so many standard errors at most."""
        shift = (-self.errors.sqrt() * self.seen / (penalty + self.errors)).clamp(-most, most)
        return (shift + normal / (1 + self.errors / penalty).sqrt()) @ self.axes.T


def _penalties(before: Tensor, size: int, tolerance: float) -> tuple[Tensor, Tensor]:
    """Sizes of a break, as likely in every decade, and the penalties that make them likely."""
    tried = before.amax() * torch.logspace(-16, 6, 177, dtype=torch.float64)
    made = torch.stack([(before * t / (before + t)).sum().div(size).sqrt() for t in tried])
    most = max(min(float(made[-1]), 1.0), 2 * tolerance)
    ends = math.log(bars.LEAST_BREAK * tolerance), math.log(most)
    sizes = torch.linspace(ends[0], ends[1], bars.SIZES, dtype=torch.float64).exp()
    return sizes, torch.stack([tried[(made - size).abs().argmin()] for size in sizes])


def _squares(root: Tensor) -> Tensor:
    """Variances of the patterns of a root `(k, rows, r)`."""
    flat = root.flatten(0, 1)
    return torch.linalg.eigvalsh(flat.T @ flat).clamp_min(0)


def _room(before: Tensor, penalty: Tensor) -> Tensor:
    """Logarithm of how much of what was possible before has a break of the size."""
    return 0.5 * torch.log1p(before / penalty).sum()


def _basis(columns: Tensor) -> Tensor:
    """Orthonormal basis `(rows, j)` of the span of columns."""
    left, sizes, _ = torch.linalg.svd(columns, full_matrices=False)
    return left[:, sizes > bars.ROUNDING * sizes.sum()]


def _without(part: Tensor, basis: Tensor) -> Tensor:
    """Columns `(k, rows, c)` without what lies in a basis `(rows, j)`."""
    return part - basis @ (basis.T @ part)
