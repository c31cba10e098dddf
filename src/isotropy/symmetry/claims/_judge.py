"""What may be claimed of the symmetries of a map that can be evaluated, at a tolerance and a level."""

from __future__ import annotations

import math
from dataclasses import replace

from torch import Tensor

from ...core._checks import require_fraction
from ...errors import DataError
from . import bars
from ._case import Case
from ._claim import LADDER, Claim
from ._cross import Silence, cross
from ._forms import forms_of
from ._judgement import Judged
from ._rows import Rows
from ._sentence import sentence
from ._silence import Silent, silent
from ._span import least_broken_first, worst_effect
from ._verdict import arithmetic_floors, exact_size, verdict_of


def claim(rows: Rows, tolerance: float = 0.05, level: float = 0.05, floor: float | None = None, seed: int = 0) -> Claim:
    """Say which candidates are symmetries, at a tolerance for the defect and a level for the risk to be wrong.

    Parameters
    ----------
    rows : Rows
        The map at samples.
    tolerance : float
        Defect that is accepted.
    level : float
        Probability with which a certified generator may have a true defect above the tolerance.
    floor : float, optional
        Relative rounding of the derivative; by default that of ``rows``.
    seed : int
        Of the halves and the resamples.

    Raises
    ------
    DataError
        If there are fewer than four different points, or a number is not between 0 and 1.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> from isotropy.symmetry.claims import rows_of
    >>> G = iso.gl(3)
    >>> x = torch.randn(200, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> found = claim(rows_of(lambda x: x.square().sum(1), x, G.vector(), G.scalar()))
    >>> found.status, len(found.directions), set(found.grades)
    ('certified', 3, {'exact'})
    """
    return judge(rows, tolerance, level, floor, seed).claim


def judge(
    rows: Rows,
    tolerance: float = 0.05,
    level: float = 0.05,
    floor: float | None = None,
    seed: int = 0,
    size: int | float | None = None,
) -> Judged | Silent:
    """The claim of ``claim``, which can be asked about other bases too.

    Parameters
    ----------
    size : int or float, optional
        How many of the least broken directions to judge, or up to which defect, instead of as many as are within the
        tolerance.

    Raises
    ------
    DataError
        As ``claim``.
    """
    require_fraction(tolerance, "tolerance")
    require_fraction(level, "level")
    rounding, forms = rows.rounding if floor is None else floor, forms_of(rows)
    if len(forms.lie) < bars.LEAST_POINTS:
        raise DataError(
            f"rows: expected at least {bars.LEAST_POINTS} samples at different points, received {len(forms.lie)}; "
            "bring more data"
        )
    most = bars.BEYOND * max(tolerance, *LADDER) if size is None else math.inf
    crossed = cross(forms, rounding, level, most, seed)
    if isinstance(crossed, Silence):
        return silent(crossed, rows.samples, tolerance, level, rounding)
    every = least_broken_first(crossed.whole, crossed.candidates.active)
    directions, spectrum = every[: crossed.sizes], (crossed.whole.lie @ every.T).norm(dim=0)
    floors = arithmetic_floors(forms, directions, rounding)
    exact = exact_size(crossed, floors)
    case = Case(rows, forms, crossed, directions, floors, exact, tolerance)
    verdict = verdict_of(case, _wanted(size, spectrum))
    shown, within = verdict.directions, max(verdict.within, 1)
    errors, effects = case.members(shown, within) if len(shown) else ([], [])
    first = shown if len(shown) else directions[:1]
    result = Claim(
        status=verdict.status,
        directions=shown,
        grades=tuple("exact" if j < exact else "approximate" for j in range(len(shown))),
        errors=tuple(errors),
        effects=tuple(effects),
        span=case.worst(first, within),
        spectrum=spectrum.sort(descending=True).values,
        ladder=case.ladder({*LADDER, tolerance}),
        ignored=crossed.candidates.ignored,
        ignored_effect=worst_effect(crossed.whole.along(crossed.candidates.ignored), crossed.outputs),
        trivial=crossed.candidates.trivial,
        samples=rows.samples,
        effective=case.effective(first),
        closure=case.closure(shown),
        floor=float(floors[len(first) - 1]),
        tolerance=tolerance,
        level=level,
        seed=seed,
        why="",
    )
    return Judged(replace(result, why=sentence(result, verdict.doubt)), case, within)


def _wanted(size: int | float | None, spectrum: Tensor) -> int | None:
    """How many directions to judge, of defects `(r,)` in ascending order; None for as many as are within."""
    if isinstance(size, float):
        return int((spectrum <= size).sum())
    return None if size is None else min(size, len(spectrum))
