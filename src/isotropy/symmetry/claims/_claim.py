"""The value that a claim about the symmetries of a map is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from torch import Tensor

from ._resamples import Interval
from ._verdict import Status

Grade = Literal["exact", "approximate"]
LADDER = (1e-6, 1e-4, 1e-3, 0.01, 0.03, 0.1)  # tolerances that are counted beside the one asked for


@dataclass(frozen=True)
class Claim:
    """A claim about the symmetries of a map, with the numbers behind it.

    With probability at least ``1 - level`` over the samples no certified generator has a true defect above
    ``tolerance``. The defect is relative to what gradients shuffled among the samples would give: 1 is chance.

    What this needs: samples that are independent draws of the domain that is spoken of, and enough of them
    (``effective``) for the bootstrap; a map that is smooth enough for its derivative to tell how it moves. Leverage is
    capped where few samples would carry the sums, and then the defect is that of the capped sums. Directions that come
    from all samples are judged by those that either half proposes for them, which are broken more.

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
    spectrum : Tensor
        `(r,)` descending defects of all directions that the map responds to, of all samples.
    ladder : dict
        Dimension certified at other tolerances, by tolerance; ``0.0`` stands for exact.
    ignored, trivial : Tensor
        Directions to which the map does not respond, or hardly, and those that do not move the samples.
    ignored_effect : float
        Upper limit of the effect of all that is ignored, in spreads of the map: that of the worst member of the span.
    samples : int
        Number of samples.
    effective : float
        How many of them carry the sums.
    closure : float
        Part of the brackets of the span outside it.
    floor : float
        Defect up to which rounding hides a break; 0 where the map cannot be evaluated, so that nothing is exact.
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
    spectrum: Tensor
    ladder: dict[float, int]
    ignored: Tensor
    ignored_effect: float
    trivial: Tensor
    samples: int
    effective: float
    closure: float
    floor: float
    tolerance: float
    level: float
    seed: int
    why: str

    def __post_init__(self) -> None:
        """Nothing is exact without arithmetic that could show it."""
        require_evaluated(self.grades, self.floor)


def require_evaluated(grades: Sequence[Grade], floor: float) -> None:
    """Refuse to call exact what only samples tell about.

    Raises
    ------
    ValueError
        If a grade is exact without an arithmetic floor.
    """
    if "exact" in grades and not floor > 0:
        raise ValueError(
            f"grades: expected an arithmetic floor above 0 where anything is exact, received {floor:g}; call what "
            "cannot be evaluated approximate"
        )


Claimed = TypeVar("Claimed", bound=Claim)


def without_limits(claim: Claimed) -> Claimed:
    """The same, undecided and without any limit: what these need does not hold."""
    return replace(
        claim,
        status="undecided",
        errors=tuple(one.without_limits() for one in claim.errors),
        effects=tuple(one.without_limits() for one in claim.effects),
        span=claim.span.without_limits(),
        ladder=dict.fromkeys(claim.ladder, 0),
        ignored=claim.ignored[:0],
        ignored_effect=0.0,
    )
