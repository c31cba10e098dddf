"""What a road says, beside what is true: the common part of every line of the judge set."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from . import truth
from .truth import Parts

TOLERANCE = LEVEL = 0.05


@dataclass(frozen=True)
class Said:
    """What a road says of a span of candidates.

    Attributes
    ----------
    status : str
        "certified", "undecided" or "none".
    span : Tensor
        `(k, d)` combinations of the candidates.
    numbers : list
        Error, lower and upper limit, grade and effect of every generator; limits are None where there are none.
    ignored : int
        Further candidates that are said to have no effect.
    limits : list of str
        Assumptions that are named.
    """

    status: str
    span: Tensor
    numbers: list[list[Any]]
    ignored: int = 0
    limits: list[str] = field(default_factory=list)


def said(found: Any, status: str | None = None, span: Tensor | None = None) -> Said:
    """Read an estimator that has been fitted."""
    symmetry = getattr(found, "symmetry_", found)
    coefficients = found.coefficients_ if span is None else span
    generators = getattr(symmetry, "generators", ())
    if generators:
        numbers = [
            [_number(g.error), _number(g.lower), _number(g.upper), g.grade, _number(g.effect)] for g in generators
        ]
    else:
        sides = [list(getattr(found, name, [])) for name in ("lower_", "upper_")]
        grade = str(getattr(found, "grade_", ""))
        pairs = zip(*sides, strict=False)
        numbers = [[_number(high), _number(low), _number(high), grade, None] for low, high in pairs]
    numbers += [[None, None, None, "", None]] * (len(coefficients) - len(numbers))
    return Said(
        status or found.status_,
        coefficients.detach().to("cpu", torch.float64),
        numbers[: len(coefficients)],
        int(getattr(found, "ignored_", 0) or 0),
        [str(words) for words in getattr(found, "limits_", [])],
    )


def _number(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def line(one: Said, parts: Parts, planted: Tensor | None = None, dimension: int | None = None) -> dict[str, Any]:
    """One line: what is said of a span, and what is true of it, of all candidates and of what was planted."""
    silent = torch.tensor([_is_silent(numbers) for numbers in one.numbers], dtype=torch.bool)
    value, error = truth.scattered(parts, one.span[~silent])
    return describe(one) | {
        "spans": [[one.status, value, error, truth.effect(parts, one.span[silent])]],
        "single": [truth.worst(parts, row[None]) for row in one.span],
        **truth.whole(parts, TOLERANCE),
        "planted": None if planted is None else truth.worst(parts, planted) or 0.0,  # ignored motions break nothing
        "planted_dimension": None if planted is None else (len(planted) if dimension is None else dimension),
    }


def describe(one: Said) -> dict[str, Any]:
    """What is said."""
    return {
        "status": one.status,
        "dimension": len(one.span),
        "numbers": one.numbers,
        "ignored": one.ignored,
        "limits": one.limits,
    }


def _is_silent(numbers: list[Any]) -> bool:
    """Whether a generator is said to be ignored by the map: no defect at all, and no effect."""
    error, lower, upper, _, effect = numbers
    return error == lower == upper == 0.0 and not effect
