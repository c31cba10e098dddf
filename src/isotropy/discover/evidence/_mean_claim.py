"""What may be claimed where a symmetry shows in means over samples, such as moments, whose noise is known.

For a density p and functions phi, ``E[D phi xi] = -E[phi s]`` with ``s = xi . grad log p + div xi``, by which the
logarithm of the density changes along the motion. In a basis of functions with unit covariance the size of that mean
is the size of s, as far as the functions can tell. It is compared with what s would be for a normal law of the same
covariance, its score at one sample paired with the motion at another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from ...symmetry.claims import Claim, Interval, Members
from ...symmetry.claims import bars as limits
from ...symmetry.claims._claim import LADDER
from ...symmetry.claims._closure import closure_of
from ...symmetry.claims._sentence import sentence
from ...symmetry.claims._span import Factors
from .. import bars
from ..limits._quotients import bayesian_weights, interval_of, worst_quotients

BLOCKS = 64  # of samples; two halves of 32 whose scatter tells the noise of a mean to an eighth of itself


@dataclass(frozen=True)
class BlockMeans:
    """Means over blocks of samples, which are independent draws of one law.

    Attributes
    ----------
    slopes : Tensor
        `(blocks, functions, dim)` means of ``D phi xi``.
    motion : Tensor
        `(blocks, dim, dim)` means of what they are compared with: ``xi Sigma^-1 xi + (div xi)^2``, as a form.
    covariance : Tensor
        `(functions, functions)` of the functions over all samples.
    samples : int
        Number of samples.
    """

    slopes: Tensor
    motion: Tensor
    covariance: Tensor
    samples: int

    @cached_property
    def whitened(self) -> Tensor:
        """Slopes `(blocks, functions, dim)` of a basis of functions of unit covariance.

        A function that hardly varies, as on a thin set, counts as one of ``bars.LEAST_FUNCTION`` of the largest.
        """
        scale = self.covariance.diagonal().clamp_min(0).sqrt()
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        values, axes = torch.linalg.eigh(self.covariance / scale / scale[:, None])
        values = values.clamp_min(bars.LEAST_FUNCTION**2 * float(values[-1]))
        return torch.einsum("fq,bfk->bqk", axes / values.sqrt() / scale[:, None], self.slopes)


@dataclass(frozen=True)
class MeanJudgement:
    """A claim from means, and what the same samples say of other bases.

    Attributes
    ----------
    means : BlockMeans
        The samples.
    brackets : Tensor or None
        Structure constants of the candidates.
    wider : BlockMeans or None
        The same samples with finer functions, which have to confirm at even odds; None where they cannot be asked.
    possible : int or Tensor
        How many directions are shown where the answer is undecided, or which `(k, dim)`.
    size : int or float or None
        How many directions to judge, or up to which defect; as many as are within the tolerance if None.
    tolerance, level : float
        Defect that is accepted, and the risk to be wrong.
    seed : int
        Of halves and resamples.
    """

    means: BlockMeans
    brackets: Tensor | None
    wider: BlockMeans | None
    possible: int | Tensor
    size: int | float | None
    tolerance: float
    level: float
    seed: int

    # -- directions --------------------------------------------------------------------------------------------------

    @cached_property
    def _frame(self) -> tuple[Tensor, Tensor]:
        """Directions that move the samples `(r, dim)`, and those that do not."""
        form = self.means.motion.mean(0)
        scale = form.diagonal().clamp_min(0).sqrt()
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        values, axes = torch.linalg.eigh(form / scale / scale[:, None])
        moving = values > bars.TRIVIAL_MOMENTS**2 * values[-1]
        return (axes[:, moving] / values[moving].sqrt()).T / scale, axes[:, ~moving].T / scale

    @cached_property
    def _halves(self) -> tuple[Tensor, Tensor]:
        order = torch.randperm(len(self.means.slopes), generator=torch.Generator().manual_seed(self.seed))
        return order[::2], order[1::2]

    def _least_broken(self, blocks: Tensor) -> Tensor:
        """Directions `(r, dim)` by ascending defect according to some blocks.

        Their noise is left in: of many directions it would be taken off unevenly, and the luckiest would win.
        """
        active = self._frame[0]
        mean = (self.means.whitened[blocks] @ active.T).mean(0)
        return torch.linalg.svd(mean, full_matrices=True).Vh.flip(0) @ active

    @cached_property
    def _directions(self) -> Tensor:
        return self._least_broken(torch.arange(len(self.means.slopes)))

    @cached_property
    def _chosen(self) -> tuple[Tensor, Tensor]:
        """What each half chooses."""
        return self._least_broken(self._halves[0]), self._least_broken(self._halves[1])

    # -- intervals ---------------------------------------------------------------------------------------------------

    def _held_out(self, directions: Tensor, size: int) -> Interval:
        """Defect of the worst of directions `(k, dim)`: what either half makes of them, judged by the other.

        Both halves are one estimate, of which blocks are drawn anew. The limits also reach down to that of all blocks,
        on which the directions were chosen, so that they look less broken than they are.
        """
        form = self.means.motion.mean(0)
        above, below = torch.zeros(()), torch.zeros(())
        for place, (held, chosen) in enumerate(zip(self._halves, self._chosen[::-1], strict=True)):
            inside = (directions @ form @ chosen[:size].T) @ chosen[:size]
            part = self._forms(inside, held, place)
            above, below = above + part[0], below + part[1]
        seen = interval_of(worst_quotients(above, below), self.level / 2)
        whole = self._plain(directions)
        return Interval(seen.value, min(seen.lower, whole.lower), max(seen.upper, whole.upper))

    def _plain(self, directions: Tensor) -> Interval:
        """Defect of the worst of directions `(k, dim)` by all blocks."""
        every = torch.arange(len(self.means.slopes))
        return interval_of(worst_quotients(*self._forms(directions, every, 2)), self.level / 2)

    def _forms(self, directions: Tensor, blocks: Tensor, draw: int) -> tuple[Tensor, Tensor]:
        """Resampled squares of means, and what they are compared with, along directions: `(R + 1, k, k)` each."""
        weights = bayesian_weights(len(blocks), 3 * self.seed + draw)
        above = _squared_mean(self.means.whitened[blocks] @ directions.T, weights)
        motion = directions @ self.means.motion[blocks] @ directions.T
        return above, torch.einsum("rb,bkl->rkl", weights, motion) / len(blocks)

    # -- the claim ---------------------------------------------------------------------------------------------------

    @cached_property
    def _sizes(self) -> dict[int, Interval]:
        return {}

    def _leading(self, size: int) -> Interval:
        if size not in self._sizes:
            self._sizes[size] = self._held_out(self._directions[:size], size)
        return self._sizes[size]

    def _largest(self, tolerance: float) -> int:
        """A fixed sequence of sizes, in which the first failure ends the claim."""
        size = 0
        while size < len(self._directions) and self._leading(size + 1).upper <= tolerance:
            size += 1
        return size

    @cached_property
    def _spectrum(self) -> Tensor:
        rows = self.means.whitened @ self._directions.T
        squares = _squared_mean(rows, torch.ones(1, len(rows), dtype=torch.float64))[0].diagonal()
        return squares.clamp_min(0).sqrt()

    @property
    def claim(self) -> Claim:
        """What is claimed of all candidates."""
        return self._claim

    @cached_property
    def _claim(self) -> Claim:
        found = self._wanted()
        doubt = self._doubt(found)
        status, directions = "undecided", self._directions[:found] if found else self._possible
        if found and not doubt:
            status = "certified"
        elif not found and not doubt and self._leading(1).lower > self.tolerance:
            status, directions = "none", directions[:0]
        elif not found:
            doubt = doubt or "the interval holds the tolerance"
        shown = len(directions)
        errors = tuple(self._held_out(row[None], max(shown, 1)) for row in directions)
        result = Claim(
            status=status,
            directions=directions,
            grades=("approximate",) * shown,  # a mean of samples has noise
            errors=errors,
            effects=errors,
            span=self._leading(max(shown, 1)),
            spectrum=self._spectrum.flip(0),
            ladder={0.0: 0} | {t: self._largest(t) for t in sorted({*LADDER, self.tolerance})},
            ignored=self._directions[:0],
            ignored_effect=0.0,
            trivial=self._frame[1],
            samples=self.means.samples,
            effective=self._effective(self._directions[: max(shown, 1)]),
            closure=self._closure(directions),
            floor=0.0,
            tolerance=self.tolerance,
            level=self.level,
            seed=self.seed,
            why="",
        )
        return replace(result, why=sentence(result, doubt))

    @property
    def _possible(self) -> Tensor:
        """What is shown where nothing is claimed: at least the least broken direction."""
        if isinstance(self.possible, Tensor):
            return self.possible if len(self.possible) else self._directions[:1]
        return self._directions[: max(1, self.possible)]

    def _wanted(self) -> int:
        """How many directions are judged."""
        if self.size is None:
            return self._largest(self.tolerance)
        if isinstance(self.size, float):
            return int((self._spectrum <= self.size).sum())
        return min(self.size, len(self._directions))

    def _doubt(self, size: int) -> str:
        """Why the first directions are not certified, or not all refuted; empty if nothing speaks against it."""
        functions = self.means.slopes.shape[1]
        if self.means.samples < bars.POINTS_PER_FUNCTION * functions:
            return f"{self.means.samples} points are too few for {functions} functions of them"
        carried = self._effective(self._directions[: max(size, 1)])
        if carried < limits.LEAST_EFFECTIVE:
            return f"only {carried:.0f} of {len(self.means.slopes)} blocks of points carry the answer"
        if size and self.wider is None:
            return "finer functions could not be asked whether they see a break"
        if size and self.wider is not None and (seen := self._finer(self.wider, size)) > self.tolerance:
            return f"finer functions see a break of about {seen:.2g}"
        if size and self._leading(size).upper > self.tolerance:
            return f"the upper limit is above the tolerance {self.tolerance:g}"
        leaving = self._closure(self._directions[:size])
        if leaving > limits.MOST_CLOSURE:
            return f"the tolerance cuts through a multiplet: brackets leave the span by {leaving:.2g} of their size"
        return ""

    def _finer(self, wider: BlockMeans, size: int) -> float:
        """Defect of the worst of the first directions by finer functions, its noise taken off."""
        rows = wider.whitened @ self._directions[:size].T
        form = self._directions[:size] @ self.means.motion.mean(0) @ self._directions[:size].T
        above = _squared_mean(rows, torch.ones(1, len(rows), dtype=torch.float64))
        return float(worst_quotients(above, form[None]).clamp_min(0).sqrt())

    def _effective(self, directions: Tensor) -> float:
        """How many blocks carry the noise of the means along directions `(k, dim)`; a few where tails are heavy."""
        rows = self.means.whitened @ directions.T
        parts = (rows - rows.mean(0)).square().sum((1, 2))
        total = float(parts.square().sum())
        return float(parts.sum()) ** 2 / total if total > 0 else float(len(parts))

    def _closure(self, directions: Tensor) -> float:
        if self.brackets is None or not len(directions):
            return 0.0
        return closure_of(self.brackets, Factors(self._chance, self._chance, self._chance), self._frame[0], directions)

    @cached_property
    def _chance(self) -> Tensor:
        """A square root `(dim, dim)` of the form that defects are relative to."""
        values, axes = torch.linalg.eigh(self.means.motion.mean(0))
        return (axes * values.clamp_min(0).sqrt()).T

    # -- other bases -------------------------------------------------------------------------------------------------

    @property
    def motion(self) -> Tensor:
        """Factor `(dim, dim)` of how far candidates move the samples."""
        return self._chance

    @property
    def sine(self) -> float:
        """Of the largest angle between what the two halves chose."""
        size = max(len(self.claim.directions), 1)
        first, second = (torch.linalg.qr(self._chance @ half[:size].T)[0] for half in self._chosen)
        cosine = float(torch.linalg.svdvals(first.T @ second)[-1])
        return max(1 - min(cosine, 1.0) ** 2, 0.0) ** 0.5

    def upper(self, directions: Tensor) -> float:
        """Upper limit of the worst member of the span of any directions `(k, dim)`, from all blocks."""
        return self._plain(directions).upper

    def members(self, directions: Tensor) -> Members:
        """The numbers of directions `(k, dim)` within what is claimed."""
        nothing = Interval(0.0, 0.0, 0.0)
        if not len(directions):
            return Members((), (), (), nothing)
        within = max(len(self.claim.directions), 1)
        errors = tuple(self._held_out(row[None], within) for row in directions)
        return Members(errors, errors, ("approximate",) * len(errors), self._held_out(directions, within))


def _squared_mean(rows: Tensor, weights: Tensor) -> Tensor:
    """Forms `(R, k, k)` of the square of the mean of rows `(blocks, functions, k)` under weights `(R, blocks)`.

    Without the products of a block with itself, whose mean is the noise: what is left is unbiased, and may be negative.
    """
    mean = torch.einsum("rb,bqk->rqk", weights, rows)
    own = torch.einsum("rb,bkl->rkl", weights.square(), rows.transpose(1, 2) @ rows)
    pairs = weights.sum(1).square() - weights.square().sum(1)
    return (mean.transpose(1, 2) @ mean - own) / pairs[:, None, None]
