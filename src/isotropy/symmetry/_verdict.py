"""From spans judged on other halves to a status, with the reason where nothing is claimed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from . import _claim_bars as bars
from ._closure import closure_of
from ._cross import Cross
from ._forms import Forms, forms_of
from ._resamples import Interval, effective_samples, interval, resample
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
    exact : int
        How many of them are symmetries up to rounding.
    """

    rows: Rows
    forms: Forms
    crossed: Cross
    directions: Tensor
    exact: int
    tolerance: float

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

    def least(self, generator: torch.Generator) -> Interval:
        """Defect of the least broken direction; its lower limit holds for every candidate.

        The least defect seen is no more than that seen of the truly best direction, so what is subtracted for the
        sample is subtracted from less than it could be.
        """
        seen = resample(self.forms, self.directions[:1], generator)
        return Interval(
            self.crossed.span(1).value,
            min(interval(seen.spans(1), self.crossed.tail).lower, self.crossed.span(1).lower),
            self.crossed.span(1).upper,
        )


@dataclass(frozen=True)
class Verdict:
    """A status, how many directions it is about, the defect of the worst of them, and why it is no certificate."""

    status: Status
    size: int
    span: Interval
    doubt: str


def verdict_of(case: Case, generator: torch.Generator) -> Verdict:
    """Certify the largest span within the tolerance, if nothing speaks against it."""
    size = max(case.exact, case.crossed.dimension(case.tolerance))
    if not size:
        return _broken(case, generator)
    doubt = _doubt(case, size)
    if not doubt:
        return Verdict("certified", size, case.crossed.span(size), "")
    if 0 < case.exact < size and not _doubt(case, case.exact):  # what is exact stands on its own
        return Verdict(
            "certified", case.exact, case.crossed.span(case.exact), f"{size} directions are within it, but {doubt}"
        )
    return Verdict("undecided", size, case.crossed.span(size), doubt)


def _broken(case: Case, generator: torch.Generator) -> Verdict:
    """No span is within the tolerance: none, where the data exclude all candidates."""
    least = case.least(generator)
    carried = case.effective(1)
    if carried < bars.LEAST_EFFECTIVE:
        return Verdict("undecided", 1, least, f"only {carried:.0f} samples carry the answer")
    if least.lower > case.tolerance:
        return Verdict("none", 0, least, "")
    possible = [k for k in range(1, case.crossed.sizes + 1) if case.crossed.span(k).lower <= case.tolerance]
    size = max(possible, default=1)
    return Verdict("undecided", size, case.crossed.span(size), "the interval holds the tolerance")


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
