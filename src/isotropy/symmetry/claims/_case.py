"""Directions of all samples with the numbers that speak for and against them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from . import bars
from ._closure import closure_of
from ._cross import Cross, joined
from ._forms import Forms, forms_of
from ._resamples import Interval, Resamples, effective_samples, interval, resample
from ._rows import Rows
from ._span import least_broken_first


@dataclass(frozen=True)
class Case:
    """What a verdict is drawn from.

    Attributes
    ----------
    rows, forms, crossed
        The samples, their forms, and what halves of them say of one another.
    directions : Tensor
        `(sizes, dim)` from all samples, least broken first.
    floors : Tensor
        `(sizes,)` defects that rounding alone can give the first directions.
    exact : int
        How many of them are symmetries up to rounding.
    tolerance : float
        Defect that is accepted.
    """

    rows: Rows
    forms: Forms
    crossed: Cross
    directions: Tensor
    floors: Tensor
    exact: int
    tolerance: float

    # -- how many ----------------------------------------------------------------------------------------------------

    def dimension(self, tolerance: float) -> int:
        """Largest span whose upper limit is within a tolerance, or that is exact.

        Wider spans are never less broken, in no resample, so that the end of the sequence is found by bisection.
        """
        high = int((self.crossed.defects.amax(0) <= tolerance).sum())  # an upper limit is no less than the value
        low = self.exact
        middle = high  # mostly the answer
        while low < high:
            low, high = (middle, high) if self.crossed.leading(middle).upper <= tolerance else (low, middle - 1)
            middle = (low + high + 1) // 2
        return low

    def ladder(self, tolerances: Iterable[float]) -> dict[float, int]:
        """Dimension by tolerance, 0 for exact; a wider tolerance never keeps less."""
        found, sizes = self.exact, {0.0: self.exact}
        for tolerance in sorted(tolerances):
            found = max(found, len(self.answered(self.dimension(tolerance))))
            sizes[tolerance] = found
        return sizes

    def answered(self, size: int) -> Tensor:
        """Of the span of the first directions those that are kept, not just hardly answered, `(k, dim)`.

        These are all of a span that closes and to half of which the map responds; else the ones to which it responds
        and those that are broken far less than it responds. Members of a span are broken no more than its worst.
        """
        if size <= self.exact:
            return self.directions[:size]
        _, responses = self._responses(self.directions[:size])
        answered = int((responses >= bars.LEAST_RESPONSE).sum())
        if 2 * answered >= size and self.closure(self.directions[:size]) <= bars.MOST_CLOSURE:
            return self.directions[:size]  # an algebra, some of whose members hardly show in these samples
        sure = min(size, self.dimension(float(responses.min()) / bars.LEAST_CONTRAST))
        rest = self.directions[sure:size]
        axes, responses = self._responses(rest)
        kept = responses >= bars.LEAST_RESPONSE
        strong = least_broken_first(self.crossed.whole, axes[kept] @ rest) if kept.any() else rest[:0]
        return torch.cat([self.directions[:sure], strong])

    def _responses(self, directions: Tensor) -> tuple[Tensor, Tensor]:
        """Axes `(k, k)` of a span, and what chance gives along them for one standard deviation of motion `(k,)`."""
        _, motion, axes = torch.linalg.svd(self.crossed.whole.motion @ directions.T, full_matrices=False)
        return axes, 1 / (motion * math.sqrt(self.crossed.outputs)).clamp_min(1e-300)  # chance is 1 along any

    # -- how much ----------------------------------------------------------------------------------------------------

    def worst(self, directions: Tensor, size: int) -> Interval:
        """Defect of the worst member of a span of directions `(k, dim)` within the first ``size``.

        These come from all samples and are less broken than what either half proposes, so that the lower limit of the
        halves may lie above; that of all samples lies below, as they were chosen on them. What is exact is so at
        every sample, up to rounding, and needs no resamples.
        """
        count = len(directions)
        if count <= self.exact:
            return Interval(float(self.crossed.defects[:, count - 1].amax()), 0.0, float(self.floors[count - 1]))
        elements = self.crossed.elements(directions, size)
        parts = zip(self.crossed.resamples, elements, strict=True)
        seen = joined([interval(part.spans(element), self.crossed.tail) for part, element in parts])
        plain = self._plain
        whole = self._whole.spans(self._inside(directions))
        return self._widened(seen, whole, None if plain is None else plain.spans(self._inside(directions)))

    def members(self, directions: Tensor, size: int) -> tuple[list[Interval], list[Interval]]:
        """Defects and effects of each of the directions `(k, dim)`, with limits as those of their span."""
        if len(directions) <= self.exact:
            return self._exact_members(directions)
        whole, outputs, tail = self._whole, self.crossed.outputs, self.crossed.tail
        parts = list(zip(self.crossed.resamples, self.crossed.elements(directions, size), strict=True))
        errors, effects = [part.defects(e) for part, e in parts], [part.effects(e, outputs) for part, e in parts]
        inside, plain = self._inside(directions), self._plain
        sides = (
            (errors, whole.defects(inside), None if plain is None else plain.defects(inside)),
            (effects, whole.effects(inside, outputs), None if plain is None else plain.effects(inside, outputs)),
        )
        first, second = (
            [
                self._widened(
                    joined([interval(half[:, j], tail) for half in halves]),
                    every[:, j],
                    None if uncapped is None else uncapped[:, j],
                )
                for j in range(len(directions))
            ]
            for halves, every, uncapped in sides
        )
        return first, second

    def _exact_members(self, directions: Tensor) -> tuple[list[Interval], list[Interval]]:
        inside = self.crossed.whole.along(directions)
        lie, chance, motion = (part.norm(dim=0) for part in (inside.lie, inside.chance, inside.motion))
        floors = torch.maximum(lie / chance, self.floors[: len(directions)])
        per_motion = 1 / motion / math.sqrt(self.crossed.outputs)
        sides = ((lie / chance, floors), (lie * per_motion, floors * chance * per_motion))
        first, second = (
            [Interval(e, 0.0, top) for e, top in zip(values.tolist(), tops.tolist(), strict=True)]
            for values, tops in sides
        )
        return first, second

    def _widened(self, seen: Interval, values: Tensor, plain: Tensor | None) -> Interval:
        """An interval that also reaches down to the lower limit of values `(R + 1,)` on all samples.

        Where few samples would have carried the sums and were capped, the law that is asked about has no cap: the
        interval holds both, what most samples say and what all of them as they are do.
        """
        lower, upper = min(seen.lower, interval(values, self.crossed.tail).lower), seen.upper
        if plain is not None:
            uncapped = interval(plain, self.crossed.tail)
            lower, upper = min(lower, uncapped.lower), max(upper, uncapped.upper)
        return Interval(seen.value, lower, upper)

    def _inside(self, directions: Tensor) -> Tensor:
        """Directions `(j, dim)` in the coordinates of those of all samples, which are orthonormal by chance."""
        chance = self.crossed.whole.chance
        return directions @ chance.T @ (chance @ self.directions.T)

    @cached_property
    def _whole(self) -> Resamples:
        """Of all samples, along their own directions."""
        return resample(self.forms, self.directions, torch.Generator().manual_seed(self.crossed.seed))

    @cached_property
    def _plain(self) -> Resamples | None:
        """The same where every sample counts as it is; None where none was capped."""
        if not self.forms.capped:
            return None
        generator = torch.Generator().manual_seed(self.crossed.seed)
        return resample(forms_of(self.rows, 0.0), self.directions, generator)

    # -- what speaks against it --------------------------------------------------------------------------------------

    def effective(self, directions: Tensor) -> float:
        """How many samples carry the sums for directions `(k, dim)`."""
        return effective_samples(self.forms, directions)

    def closure(self, directions: Tensor) -> float:
        """Part of the brackets of directions `(k, dim)` outside their span; 0 where brackets are not known."""
        if self.rows.brackets is None:
            return 0.0
        return closure_of(self.rows.brackets, self.crossed.whole, self.crossed.candidates.active, directions)

    def uncapped(self, directions: Tensor) -> float:
        """Upper limit of the worst member of directions `(k, dim)` where every sample counts as it is."""
        if self._plain is None or len(directions) <= self.exact:
            return 0.0
        return interval(self._plain.spans(self._inside(directions)), self.crossed.tail).upper
