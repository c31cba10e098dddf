"""Spans that are chosen on one half of the samples and judged on the other, both ways."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ._forms import Forms
from ._resamples import Interval, Resamples, interval, resample
from ._span import Candidates, Factors, factors_of, least_broken_first, merged, nested_defects, split_candidates


@dataclass(frozen=True)
class Cross:
    """Two halves, the directions that each proposes, and what the other makes of them.

    A direction chosen and judged on the same samples looks less broken than it is. The sizes of spans form a fixed
    sequence, in which the first failure ends the claim, so that no correction for trying many is due.

    Attributes
    ----------
    candidates : Candidates
        What is asked about, set apart on all samples.
    whole : Factors
        Of all samples.
    chosen : tuple of Tensor
        Directions `(r, dim)` from each half, least broken first.
    defects : Tensor
        `(2, sizes)` of the worst member of the first k directions of each half on the other one, right to rounding.
    parts : tuple of Forms
        The two halves.
    tail : float
        Left out on either side of an interval.
    seed : int
        Of the resamples.
    """

    candidates: Candidates
    whole: Factors
    halves: tuple[Factors, Factors]
    chosen: tuple[Tensor, Tensor]
    defects: Tensor
    parts: tuple[Forms, Forms]
    tail: float
    seed: int

    @property
    def sizes(self) -> int:
        """Largest span that was looked at."""
        return self.defects.shape[1]

    @property
    def outputs(self) -> int:
        """Number of outputs ``m``."""
        return self.parts[0].lie.shape[1]

    @cached_property
    def resamples(self) -> tuple[Resamples, Resamples]:
        """Of each half, along the directions that the *other* one has chosen; only made where they are asked for."""
        generator = torch.Generator().manual_seed(self.seed)
        pairs = zip(self.parts[::-1], self.chosen, strict=True)
        first, second = (resample(part, chosen[: self.sizes], generator) for part, chosen in pairs)
        return first, second

    @cached_property
    def _leading(self) -> dict[int, Interval]:
        return {}

    def leading(self, size: int) -> Interval:
        """Defect of the worst member of the span of the first ``size`` directions, limits of both halves together."""
        if size not in self._leading:
            element = torch.eye(size, self.sizes, dtype=torch.float64)
            self._leading[size] = joined([interval(part.spans(element), self.tail) for part in self.resamples])
        return self._leading[size]

    def elements(self, directions: Tensor, size: int) -> list[Tensor]:
        """Directions `(j, dim)` as what each half proposes for them, `(j, sizes)` in its own directions.

        That is their projection, in the metric of chance, onto the first ``size`` directions the half has chosen.
        """
        found: list[Tensor] = []
        for half, chosen in zip(self.halves, self.chosen, strict=True):
            frame = half.chance @ chosen[:size].T  # orthonormal
            seen = directions @ half.chance.T @ frame
            found.append(torch.nn.functional.pad(seen, (0, self.sizes - size)))
        return found


@dataclass(frozen=True)
class Silence:
    """Candidates of which none is active, the factors of all samples, and the number of outputs."""

    candidates: Candidates
    whole: Factors
    outputs: int


def cross(forms: Forms, floor: float, level: float, most: float, seed: int) -> Cross | Silence:
    """Split the samples, and judge spans until they are more broken than ``most``.

    Where no candidate is active there is nothing to judge. Each limit leaves out half the level, so that both ends
    of an interval together keep it.
    """
    order = torch.randperm(len(forms.lie), generator=torch.Generator().manual_seed(seed))
    parts = (forms.taken(order[::2]), forms.taken(order[1::2]))
    first, second = (factors_of(part) for part in parts)
    whole = merged([first, second], [len(part.lie) for part in parts])
    candidates = split_candidates(whole, forms.lie.shape[1], floor)
    if not len(candidates.active):
        return Silence(candidates, whole, forms.lie.shape[1])
    chosen = (least_broken_first(first, candidates.active), least_broken_first(second, candidates.active))
    crossed = [nested_defects(second, chosen[0], most), nested_defects(first, chosen[1], most)]
    sizes = min(map(len, crossed))  # beyond, one half at least is clearly broken
    defects = torch.stack([part[:sizes] for part in crossed])
    return Cross(candidates, whole, (first, second), chosen, defects, parts, level / 2, seed)


def joined(parts: list[Interval]) -> Interval:
    """Root mean square of estimates, and the limits of all of them together."""
    value = math.sqrt(sum(part.value**2 for part in parts) / len(parts))
    return Interval(value, min(part.lower for part in parts), max(part.upper for part in parts))
