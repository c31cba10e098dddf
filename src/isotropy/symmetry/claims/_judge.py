"""What may be claimed of the symmetries of a map that can be evaluated, at a tolerance and a level."""

from __future__ import annotations

from dataclasses import replace

from ...core._checks import require_fraction
from ...errors import DataError
from . import bars
from ._case import LADDER, Case
from ._claim import Claim
from ._cross import cross
from ._forms import forms_of
from ._resamples import Interval
from ._rows import Rows
from ._sentence import sentence
from ._span import Candidates, least_broken_first
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
    require_fraction(tolerance, "tolerance")
    require_fraction(level, "level")
    rounding = rows.rounding if floor is None else floor
    forms = forms_of(rows)
    if len(forms.lie) < bars.LEAST_POINTS:
        raise DataError(
            f"rows: expected at least {bars.LEAST_POINTS} samples at different points, received {len(forms.lie)}; "
            "bring more data"
        )
    crossed = cross(forms, rounding, level, bars.BEYOND * max(tolerance, *LADDER), seed)
    if isinstance(crossed, Candidates):
        return _silent(crossed, rows.samples, tolerance, level, seed)
    directions = least_broken_first(crossed.whole, crossed.candidates.active)[: crossed.sizes]
    floors = arithmetic_floors(forms, directions, rounding)
    exact = exact_size(crossed, floors)
    case = Case(rows, forms, crossed, directions, floors, exact, tolerance)
    verdict = verdict_of(case)
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
        ladder=case.ladder({*LADDER, tolerance}),
        ignored=crossed.candidates.ignored,
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
    return replace(result, why=sentence(result, verdict.doubt))


def _silent(candidates: Candidates, samples: int, tolerance: float, level: float, seed: int) -> Claim:
    """Nothing to claim where the map responds to no candidate."""
    result = Claim(
        status="undecided",
        directions=candidates.active,
        grades=(),
        errors=(),
        effects=(),
        span=Interval(0.0, 0.0, 0.0),
        ladder={0.0: 0, **dict.fromkeys(sorted({*LADDER, tolerance}), 0)},
        ignored=candidates.ignored,
        trivial=candidates.trivial,
        samples=samples,
        effective=0.0,
        closure=0.0,
        floor=0.0,
        tolerance=tolerance,
        level=level,
        seed=seed,
        why="",
    )
    return replace(result, why=sentence(result, ""))
