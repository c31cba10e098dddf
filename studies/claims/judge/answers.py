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
        Candidates that are said to have no effect, apart from the span or, without any response, in it.
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


def line(one: Said, parts: Parts, planted: Tensor | None = None) -> dict[str, Any]:
    """One line: what is said of a span, and what is true of it, of all candidates and of what was planted."""
    return {
        **describe(one),
        "spans": [[one.status, *truth.scattered(parts, one.span)]],
        "single": truth.each(parts, one.span),
        "quiet": truth.quiet(parts, one.ignored),
        "least": truth.least(parts),
        **kept(parts, planted),
    }


def kept(parts: Parts, planted: Tensor | None) -> dict[str, Any]:
    """How far what was planted is broken, its dimension, and how much of that the map ignores; that breaks nothing."""
    if planted is None:
        return {"planted": None, "planted_dimension": None, "planted_silent": 0}
    return {
        "planted": truth.worst(parts, planted) or 0.0,
        "planted_dimension": len(planted),
        "planted_silent": truth.silent(parts, planted),
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
