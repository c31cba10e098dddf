"""One check of a verdict: what was measured, and the bar it had to meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Certificate:
    """One check of a discovered kernel: a value, the threshold it had to meet, and what it means in words.

    Attributes
    ----------
    value, threshold : float
        What was measured, and the bound it had to meet.
    passed : bool
        Whether it did.
    words : str
        The same in a sentence.
    """

    value: float
    threshold: float
    passed: bool
    words: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Certificate:
        """The certificate that ``to_dict`` wrote; numbers that JSON does not know come back as NaN."""
        value, threshold = (float("nan") if plain[key] is None else float(plain[key]) for key in ("value", "threshold"))
        return cls(value, threshold, bool(plain["passed"]), str(plain["words"]))
