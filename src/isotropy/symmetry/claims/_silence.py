"""What is said where nothing can be judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from . import bars
from ._claim import LADDER, Claim, Grade
from ._cross import Silence
from ._judgement import Members
from ._resamples import Interval
from ._rows import Rows
from ._sentence import sentence
from ._span import Factors, effects_of, worst_effect


@dataclass(frozen=True)
class Silent:
    """The judgement of a map that responds to no candidate, or of too little data."""

    claim: Claim
    motion: Tensor
    whole: Factors | None = None
    outputs: int = 1
    sine: float = 0.0

    def members(self, directions: Tensor) -> Members:
        """Nothing is broken along directions `(k, dim)` that the map ignores; there are none where nothing is known."""
        nothing, count = Interval(0.0, 0.0, 0.0), len(directions)
        effects = () if self.whole is None else effects_of(self.whole.along(directions), self.outputs)
        grades = tuple[Grade, ...]("exact" if one.upper <= bars.COARSEST_EXACT else "approximate" for one in effects)
        return Members((nothing,) * count, effects, grades, nothing, self.claim.floor)

    def upper(self, directions: Tensor) -> float:
        """Nothing is broken along directions `(k, dim)` that the map ignores; others count as chance."""
        if not len(self.claim.ignored):
            return 1.0
        moved, ignored = directions @ self.motion.T, self.claim.ignored @ self.motion.T
        outside = moved - torch.linalg.lstsq(ignored.T, moved.T).solution.T @ ignored
        return 0.0 if float(outside.norm()) <= bars.IGNORED * float(moved.norm()) else 1.0


def silent(silence: Silence, samples: int, tolerance: float, level: float, floor: float) -> Silent:
    """The judgement of a map that responds to none of the candidates, with arithmetic of a relative rounding."""
    ignored, trivial = silence.candidates.ignored, silence.candidates.trivial
    effect = worst_effect(silence.whole.along(ignored), silence.outputs)
    empty = _empty(ignored, trivial, samples, tolerance, level)
    claim = replace(empty, floor=floor, ignored_effect=effect)
    return Silent(replace(claim, why=sentence(claim, "")), silence.whole.motion, silence.whole, silence.outputs)


def undecided(rows: Rows, tolerance: float, level: float, why: str) -> Silent:
    """The judgement of samples that cannot carry an answer, with the reason."""
    none = torch.zeros(0, rows.lie.shape[2], dtype=torch.float64)
    claim = _empty(none, none, rows.samples, tolerance, level)
    return Silent(replace(claim, why=sentence(claim, why)), none)


def _empty(ignored: Tensor, trivial: Tensor, samples: int, tolerance: float, level: float) -> Claim:
    return Claim(
        status="undecided",
        directions=ignored[:0],
        grades=(),
        errors=(),
        effects=(),
        span=Interval(0.0, 0.0, 0.0),
        spectrum=torch.zeros(0, dtype=torch.float64),
        ladder={0.0: 0, **dict.fromkeys(sorted({*LADDER, tolerance}), 0)},
        ignored=ignored,
        ignored_effect=0.0,
        trivial=trivial,
        samples=samples,
        effective=0.0,
        closure=0.0,
        floor=0.0,
        tolerance=tolerance,
        level=level,
        seed=0,
        why="",
    )
