"""From spans judged on other halves to a status, with the reason where nothing is claimed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from . import _claim_bars as bars
from ._closure import closure_of
from ._cross import Cross
from ._forms import Forms, forms_of
from ._resamples import Interval, Resamples, effective_samples, interval, resample
from ._rows import Rows
from ._span import factors_of, nested_defects

Status = Literal["certified", "undecided", "none"]


@dataclass(frozen=True)
class Case:
    """What a verdict is drawn from.

    Attributes
    ----------
    directions : Tensor
        `(sizes, dim)` from all samples, least broken first.
    floors : Tensor
        `(sizes,)` defects that rounding alone can give the first directions.
    exact : int
        How many of them are symmetries up to rounding.
    """

    rows: Rows
    forms: Forms
    crossed: Cross
    directions: Tensor
    floors: Tensor
    exact: int
    tolerance: float
    seed: int

    @cached_property
    def _effective(self) -> dict[int, float]:
        return {}

    @cached_property
    def _closure(self) -> dict[int, float]:
        return {}

    def effective(self, size: int) -> float:
        """How many samples carry the sums for the first directions."""
        if size not in self._effective:
            self._effective[size] = effective_samples(self.forms, self.directions[:size])
        return self._effective[size]

    def closure(self, size: int) -> float:
        """Part of the brackets of the first directions outside their span; 0 where brackets are not known."""
        if self.rows.brackets is None:
            return 0.0
        if size not in self._closure:
            active = self.crossed.candidates.active
            self._closure[size] = closure_of(self.rows.brackets, self.crossed.whole, active, self.directions[:size])
        return self._closure[size]

    def dimension(self, tolerance: float) -> int:
        """Largest span whose upper limit is within a tolerance, or that is exact.

        Wider spans are never less broken, in no resample, so that the end of the sequence is found by bisection.
        """
        high = int((self.crossed.defects.amax(0) <= tolerance).sum())  # an upper limit is no less than the value
        low = self.exact
        middle = high  # mostly the answer
        while low < high:
            low, high = (middle, high) if self.crossed.span(middle).upper <= tolerance else (low, middle - 1)
            middle = (low + high + 1) // 2
        return low

    def span(self, size: int) -> Interval:
        """Defect of the worst member of the span of the first directions.

        These come from all samples and are less broken than what either half proposes, so that the lower limit of the
        halves may lie above; that of all samples lies below, as they were chosen on them. What is exact is so at
        every sample, up to rounding, and needs no resamples.
        """
        if size <= self.exact:
            return Interval(float(self.crossed.defects[:, size - 1].amax()), 0.0, float(self.floors[size - 1]))
        return lowered(self.crossed.span(size), self._whole(size).spans(size), self.crossed.tail)

    def members(self, size: int) -> tuple[list[Interval], list[Interval]]:
        """Defects and effects of each of the first directions, with limits as those of the span."""
        if size <= self.exact:
            return self._exact_members(size)
        errors, effects = self.crossed.members(self.directions[:size])
        single, whole = torch.eye(size, dtype=torch.float64), self._whole(size)
        defects, changes = whole.defects(single), whole.effects(single, self.crossed.outputs)
        tail = self.crossed.tail
        return (
            [lowered(seen, values, tail) for seen, values in zip(errors, defects.T, strict=True)],
            [lowered(seen, values, tail) for seen, values in zip(effects, changes.T, strict=True)],
        )

    def _exact_members(self, size: int) -> tuple[list[Interval], list[Interval]]:
        inside = self.crossed.whole.along(self.directions[:size])
        lie, chance, motion = (part.norm(dim=0) for part in (inside.lie, inside.chance, inside.motion))
        floors, per_motion = self.floors[:size], 1 / motion / math.sqrt(self.crossed.outputs)
        return (
            [Interval(e, 0.0, max(e, f)) for e, f in zip((lie / chance).tolist(), floors.tolist(), strict=True)],
            [
                Interval(e, 0.0, max(e, f))
                for e, f in zip((lie * per_motion).tolist(), (floors * chance * per_motion).tolist(), strict=True)
            ],
        )

    def _whole(self, size: int) -> Resamples:
        if size not in self._wholes:
            generator = torch.Generator().manual_seed(self.seed)
            self._wholes[size] = resample(self.forms, self.directions[:size], generator)
        return self._wholes[size]

    @cached_property
    def _wholes(self) -> dict[int, Resamples]:
        return {}


def lowered(seen: Interval, values: Tensor, tail: float) -> Interval:
    """An interval that also reaches down to the lower limit of values `(R + 1,)`."""
    return Interval(seen.value, min(seen.lower, interval(values, tail).lower), seen.upper)


@dataclass(frozen=True)
class Verdict:
    """A status, how many directions it is about, and why it is no certificate."""

    status: Status
    size: int
    doubt: str


def verdict_of(case: Case) -> Verdict:
    """Certify the largest span within the tolerance, if nothing speaks against it."""
    size = case.dimension(case.tolerance)
    if not size:
        return _broken(case)
    doubt = _doubt(case, size)
    if not doubt:
        return Verdict("certified", size, "")
    if 0 < case.exact < size and not _doubt(case, case.exact):  # what is exact stands on its own
        return Verdict("certified", case.exact, doubt)
    return Verdict("undecided", size, doubt)


def _broken(case: Case) -> Verdict:
    """No span is within the tolerance: none, where the data exclude all candidates.

    The least defect seen on all samples is no more than that seen of the truly best direction, so that its lower limit
    holds for every candidate.
    """
    carried = case.effective(1)
    if carried < bars.LEAST_EFFECTIVE:
        return Verdict("undecided", 1, f"only {carried:.0f} samples carry the answer")
    if case.span(1).lower > case.tolerance:
        return Verdict("none", 0, "")
    possible = [k for k in range(1, case.crossed.sizes + 1) if case.crossed.span(k).lower <= case.tolerance]
    return Verdict("undecided", max(possible, default=1), "the interval holds the tolerance")


def _doubt(case: Case, size: int) -> str:
    """Why the first ``size`` directions are not certified; empty if they are."""
    # What is exact at every sample is so however few carry the sums.
    if size > case.exact and (carried := case.effective(size)) < bars.LEAST_EFFECTIVE:
        return f"only {carried:.0f} samples carry the answer"
    leaving = case.closure(size)
    if leaving > bars.MOST_CLOSURE:
        return f"the tolerance cuts through a multiplet: brackets leave the span by {leaving:.2g} of their size"
    if case.forms.capped and (plain := _uncapped(case, size)) > case.tolerance:
        return f"few samples, with the largest gradients or motions, break it by {plain:.2g}"
    return ""


def _uncapped(case: Case, size: int) -> float:
    """Defect of the worst member of the first directions where every sample counts as it is."""
    forms = forms_of(case.rows.along(case.directions[:size]), 0.0)
    return float(nested_defects(factors_of(forms), torch.eye(size, dtype=torch.float64))[-1])


def exact_size(crossed: Cross, floors: Tensor) -> int:
    """Largest span whose worst member is a symmetry up to rounding ``floors`` `(sizes,)` on the other halves."""
    held = (crossed.defects.amax(0) <= floors) & (floors <= bars.COARSEST_EXACT)
    return int(held.to(torch.int64).cumprod(0).sum())


def arithmetic_floors(forms: Forms, directions: Tensor, rounding: float) -> Tensor:
    """Defect `(k,)` that rounding alone can give the first directions `(k, dim)`, orthonormal in the metric of chance.

    Every product of a slope and an entry of a motion is rounded, and what remains after they cancel is compared with
    the same denominator as a defect is.
    """
    moves = torch.einsum("kd,sdn->skn", directions.abs(), forms.moved.abs())
    products = torch.einsum("smn,skn->smk", forms.gradient.abs(), moves)
    turned = forms.chance[:, forms.moved.shape[2] :].abs() @ directions.abs().T
    size = products.square().sum(1).mean(0) + turned.square().sum(1).mean(0)
    return rounding * size.sqrt().cummax(0).values
