"""What is known about one generator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Generator:
    """What is known about one generator.

    Attributes
    ----------
    error : float
        Relative error of the symmetry along it; 0 is exact. Where there is an interval, 1 is chance: what would be
        left if the gradient at one sample had nothing to do with the motion at another.
    lower, upper : float
        Interval of the error at the level of the symmetry; NaN where the road cannot bound it.
    grade : str
        ``"exact"``, ``"approximate"``, or empty where the road cannot tell.
    effect, effect_lower, effect_upper : float
        Change of the map, in its spreads, when samples move along it by one standard deviation, and its interval.
    """

    error: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    grade: str = ""
    effect: float = math.nan
    effect_lower: float = math.nan
    effect_upper: float = math.nan

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Generator:
        """The generator that ``to_dict`` wrote; numbers that JSON does not know come back as NaN."""
        numbers = {
            name: math.nan if value is None else float(value) for name, value in plain.items() if name != "grade"
        }
        return cls(**numbers, grade=str(plain["grade"]))
