"""What may be claimed of generators that were found: intervals, grades, a ladder, and one more check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ...symmetry import Certificate, Generator
from ...symmetry.claims import Claim, Interval, Rows, bars, claim

_MOST_CANDIDATES = 100  # of which all spans are tried; beyond, only what was found is judged


@dataclass(frozen=True)
class Inquiry:
    """How a road asks for a claim: the map at samples, and what the user accepts.

    Attributes
    ----------
    rows : callable
        Makes the rows at samples; it costs a pass over them.
    tolerance, level : float
        Defect that is accepted, and the risk to be wrong.
    seed : int
        Of halves and resamples.
    """

    rows: Callable[[], Rows]
    tolerance: float
    level: float
    seed: int

    def claim(self, rows: Rows) -> Claim:
        """A claim at the tolerance and the level that were asked for."""
        return claim(rows, self.tolerance, self.level, seed=self.seed)


@dataclass(frozen=True)
class Claimed:
    """Numbers and a check for a span, and what is said of all candidates.

    Attributes
    ----------
    generators : tuple of Generator
        One for each row of the coefficients.
    certificates : dict of str to Certificate
        ``tolerance``: the upper limit of the worst member.
    refuted : bool or None
        Whether every candidate is broken by more than the tolerance; None where that was not asked.
    ladder : dict of float to int
        Dimension by tolerance, 0 for exact.
    ignored : int
        Directions to which the map does not respond.
    effective : float
        How many samples carry the sums.
    """

    generators: tuple[Generator, ...] = ()
    certificates: dict[str, Certificate] = field(default_factory=dict[str, Certificate])
    refuted: bool | None = None
    ladder: dict[float, int] = field(default_factory=dict[float, int])
    ignored: int = 0
    effective: float = float("nan")


def judged(inquiry: Inquiry, coefficients: Tensor) -> Claimed:
    """Judge the span of ``coefficients`` `(k, dim)`, member by member, and all candidates if they are few."""
    rows = inquiry.rows()
    if len(torch.unique(rows.points, dim=0)) < bars.LEAST_POINTS:
        return _too_few(inquiry.tolerance)
    whole = inquiry.claim(rows) if rows.lie.shape[2] <= _MOST_CANDIDATES else None
    said = Claimed() if whole is None else _said_of_all(whole)
    if not len(coefficients):
        return said
    unit = _of_one_size(rows, coefficients)
    span = inquiry.claim(rows.along(unit))
    return replace(
        said,
        generators=tuple(_generator(inquiry.claim(rows.along(row[None]))) for row in unit),
        certificates={"tolerance": _certificate(span, len(coefficients))},
        effective=span.effective,
    )


def _of_one_size(rows: Rows, coefficients: Tensor) -> Tensor:
    """The rows `(k, dim)` scaled so that each moves the samples as far, in standard deviations of the columns.

    A readable basis has entries of size one, whatever the units; in some units one generator then moves the samples a
    million times as far as another, which would look trivial beside it.
    """
    spread = rows.points.std(0)
    moved = torch.einsum("kd,sdn->skn", coefficients, rows.moved) / torch.where(spread > 0, spread, 1.0)
    sizes = moved.square().sum(2).mean(0).sqrt()
    return coefficients / torch.where(sizes > 0, sizes, 1.0)[:, None]


def _too_few(tolerance: float) -> Claimed:
    words = f"fewer than {bars.LEAST_POINTS} different points carry the answer, so its error cannot be bounded"
    check = Certificate(1.0, tolerance, False, words)  # as little as chance
    return Claimed(certificates={"tolerance": check}, refuted=False)


def _said_of_all(whole: Claim) -> Claimed:
    return Claimed(
        refuted=whole.status == "none",
        ladder=whole.ladder,
        ignored=len(whole.ignored),
        effective=whole.effective,
    )


def _certificate(span: Claim, size: int) -> Certificate:
    """Whether every member is within the tolerance; those to which the map does not respond break nothing."""
    kept = len(span.directions) + len(span.ignored) + len(span.trivial)
    silent = not len(span.directions) and not len(span.errors)
    passed = kept == size and (span.status == "certified" or (silent and len(span.ignored) > 0))
    upper = span.span.upper
    return Certificate(upper, span.tolerance, passed and upper <= max(span.tolerance, span.floor), span.why)


def _generator(one: Claim) -> Generator:
    """The numbers of one generator; one that the map ignores has an effect of nothing and no defect."""
    if not one.errors:
        return Generator(0.0, 0.0, 0.0, "exact" if len(one.ignored) else "")
    error, effect = one.errors[0], one.effects[0]
    grade = one.grades[0] if one.status == "certified" else ""
    return Generator(error.value, error.lower, error.upper, grade, *_ends(effect))


def _ends(effect: Interval) -> tuple[float, float, float]:
    return effect.value, effect.lower, effect.upper
