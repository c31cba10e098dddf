"""From spans judged on other halves to a status, with the reason where nothing is claimed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from . import bars
from ._case import Case
from ._cross import Cross
from ._forms import Forms

Status = Literal["certified", "undecided", "none"]


@dataclass(frozen=True)
class Verdict:
    """A status, the directions `(k, dim)` it is about, the span they come from, and why it is no certificate.

    ``within`` is the number of leading directions that span it.
    """

    status: Status
    directions: Tensor
    within: int
    doubt: str


def verdict_of(case: Case, wanted: int | None = None) -> Verdict:
    """Certify the largest span within the tolerance, or that of as many directions as are wanted, if it holds."""
    size = case.dimension(case.tolerance)
    if wanted is not None and wanted > size:
        doubt = f"the worst of {wanted} directions may be broken by more than the tolerance"
        return Verdict("undecided", case.directions[:wanted], wanted, doubt)
    size = size if wanted is None else wanted
    if not size:
        return _broken(case)
    directions = case.answered(size)
    if not len(directions):
        doubt = (
            "the motions that hardly change the map are those to which it hardly responds, by less than "
            f"{bars.LEAST_RESPONSE:g} of its spread for one standard deviation"
        )
        return Verdict("undecided", case.directions[:size], size, doubt)
    doubt = _doubt(case, directions)
    if not doubt:
        return Verdict("certified", directions, size, "")
    exact = case.directions[: case.exact]
    if 0 < case.exact < len(directions) and not _doubt(case, exact):  # what is exact stands on its own
        return Verdict("certified", exact, case.exact, doubt)
    return Verdict("undecided", directions, size, doubt)


def _broken(case: Case) -> Verdict:
    """No span is within the tolerance: none, where the data exclude all candidates.

    The least defect seen on all samples is no more than that seen of the truly best direction, so that its lower limit
    holds for every candidate.
    """
    first = case.directions[:1]
    carried = case.effective(first)
    excluded = case.worst(first, 1).lower > case.tolerance
    if carried < bars.LEAST_EFFECTIVE:
        possible = first[: 0 if excluded else 1]
        return Verdict("undecided", possible, 1, f"only {carried:.0f} samples carry the answer")
    if excluded:
        return Verdict("none", first[:0], 1, "")
    sizes = range(1, case.crossed.sizes + 1)
    size = max((k for k in sizes if case.crossed.leading(k).lower <= case.tolerance), default=1)
    return Verdict("undecided", case.directions[:size], size, "the interval holds the tolerance")


def _doubt(case: Case, directions: Tensor) -> str:
    """Why directions `(k, dim)` are not certified; empty if they are."""
    # What is exact at every sample is so however few carry the sums.
    carried = case.effective(directions)
    if len(directions) > case.exact and carried < bars.LEAST_EFFECTIVE:
        return f"only {carried:.0f} samples carry the answer"
    leaving = case.closure(directions)
    if leaving > bars.MOST_CLOSURE:
        return f"the tolerance cuts through a multiplet: brackets leave the span by {leaving:.2g} of their size"
    plain = case.uncapped(directions)
    if plain > case.tolerance:
        return f"few samples, with the largest gradients or motions, may break it by {plain:.2g}"
    return ""


def exact_size(crossed: Cross, floors: Tensor) -> int:
    """Largest span whose worst member is a symmetry up to rounding ``floors`` `(sizes,)` on the other halves."""
    held = (crossed.defects.amax(0) <= floors) & (floors > 0) & (floors <= bars.COARSEST_EXACT)
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
