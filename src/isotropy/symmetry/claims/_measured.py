"""The two numbers of given generators, with intervals: nothing is chosen, so all samples judge."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...core._checks import require_fraction
from ._forms import Forms, forms_of
from ._resamples import Interval, effective_samples, interval, resample
from ._rows import Rows
from ._span import factors_of, responds, split_candidates


@dataclass(frozen=True)
class Measured:
    """Defects and effects of given generators.

    Attributes
    ----------
    errors : tuple of Interval
        Defect of every generator; 1 is chance, NaN where the map does not respond to it.
    effects : tuple of Interval
        Change of the map by one standard deviation of motion along every generator, in spreads of the map.
    span : Interval
        Defect of the worst combination of them; NaN where the map responds to none.
    effective : float
        How many samples carry the sums.
    """

    errors: tuple[Interval, ...]
    effects: tuple[Interval, ...]
    span: Interval
    effective: float


def measured(rows: Rows, level: float = 0.05, seed: int = 0) -> Measured:
    """Measure every generator of ``rows``, and all of them together, on all samples.

    Use it for a known algebra, and for a rounded or otherwise edited one (``rows.along(directions)``) that was found on
    other samples. On the samples that chose a direction its defect looks smaller than it is; ``claim`` corrects for it.

    Raises
    ------
    DataError
        If ``level`` is not between 0 and 1.
    """
    require_fraction(level, "level")
    forms = forms_of(rows)
    factors, outputs = factors_of(forms), rows.values.shape[1]
    active = split_candidates(factors, outputs, rows.rounding).active
    single = torch.eye(rows.lie.shape[2], dtype=torch.float64)
    each = resample(forms, single, torch.Generator().manual_seed(seed))
    errors, effects = each.defects(single), each.effects(single, outputs)
    known = responds(factors, outputs, rows.rounding).tolist()
    nothing = Interval(math.nan, math.nan, math.nan)
    return Measured(
        tuple(interval(values, level / 2) if seen else nothing for values, seen in zip(errors.T, known, strict=True)),
        tuple(interval(values, level / 2) for values in effects.T),
        _worst(forms, active, level, seed) if len(active) else nothing,
        effective_samples(forms, active) if len(active) else 0.0,
    )


def _worst(forms: Forms, active: Tensor, level: float, seed: int) -> Interval:
    drawn = resample(forms, active, torch.Generator().manual_seed(seed))
    return interval(drawn.spans(torch.eye(len(active), dtype=torch.float64)), level / 2)
