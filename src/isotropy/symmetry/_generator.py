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
        Relative error of the symmetry along it, in [0, 1]; 0 is exact.
    lower, upper : float
        Interval of the error at the level of the symmetry; NaN where the road cannot bound it.
    grade : str
        ``"exact"``, ``"approximate"``, or empty where the road cannot tell.
    """

    error: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    grade: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Generator:
        """The generator that ``to_dict`` wrote; numbers that JSON does not know come back as NaN."""
        numbers = [math.nan if plain[key] is None else float(plain[key]) for key in ("error", "lower", "upper")]
        return cls(*numbers, grade=str(plain["grade"]))
