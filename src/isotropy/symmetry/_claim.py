"""What may be claimed of the symmetries of a map that can be evaluated, at a tolerance and a level."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

from ..core._checks import require_fraction
from ..errors import DataError
from . import _claim_bars as bars
from ._case import Case
from ._cross import cross
from ._forms import forms_of
from ._resamples import Interval
from ._rows import Rows
from ._sentence import sentence
from ._span import Candidates, least_broken_first
from ._verdict import Status, arithmetic_floors, exact_size, verdict_of

Grade = Literal["exact", "approximate"]


@dataclass(frozen=True)
class Claim:
    """A claim about the symmetries of a map, with the numbers behind it.

    With probability at least ``1 - level`` over the samples no certified generator has a true defect above
    ``tolerance``. The defect is relative to what gradients shuffled among the samples would give: 1 is chance.

    Attributes
    ----------
    status : "certified", "undecided" or "none"
        None: every candidate is broken by more than the tolerance.
    directions : Tensor
        `(k, dim)` combinations of the candidates, least broken first: those certified, or those that are possible
        where the answer is undecided.
    grades : tuple of str
        "exact" (up to ``floor``) or "approximate", for every direction.
    errors, effects : tuple of Interval
        Defect of every direction, and change of the map by one standard deviation of motion along it, in its spreads.
    span : Interval
        Defect of the worst member of the span; of the least broken direction where there is none.
    ladder : dict
        Dimension certified at other tolerances, by tolerance; ``0.0`` stands for exact.
    ignored, trivial : Tensor
        Directions to which the map does not respond, and those that do not move the samples.
    samples : int
        Number of samples.
    effective : float
        How many of them carry the sums.
    closure : float
        Part of the brackets of the span outside it.
    floor : float
        Defect up to which rounding hides a break.
    tolerance, level : float
        As given.
    seed : int
        Of the halves and the resamples.
    why : str
        The answer in a sentence, with its numbers.
    """

    status: Status
    directions: Tensor
    grades: tuple[Grade, ...]
    errors: tuple[Interval, ...]
    effects: tuple[Interval, ...]
    span: Interval
    ladder: dict[float, int]
    ignored: Tensor
    trivial: Tensor
    samples: int
    effective: float
    closure: float
    floor: float
    tolerance: float
    level: float
    seed: int
    why: str


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
    >>> from isotropy.symmetry._rows import rows_of
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
    crossed = cross(forms, rounding, level, bars.BEYOND * max(tolerance, *bars.LADDER), seed)
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
        ladder=case.ladder({*bars.LADDER, tolerance}),
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
        ladder={0.0: 0, **dict.fromkeys(sorted({*bars.LADDER, tolerance}), 0)},
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
