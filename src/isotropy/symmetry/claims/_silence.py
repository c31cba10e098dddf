"""What is said where nothing can be judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from . import bars
from ._claim import LADDER, Claim
from ._cross import Silence
from ._judgement import Members
from ._resamples import Interval
from ._rows import Rows
from ._sentence import sentence


@dataclass(frozen=True)
class Silent:
    """The judgement of a map that responds to no candidate, or of too little data."""

    claim: Claim
    motion: Tensor
    sine: float = 0.0

    def members(self, directions: Tensor) -> Members:
        """Nothing is broken along directions `(k, dim)` that the map ignores."""
        nothing, count = Interval(0.0, 0.0, 0.0), len(directions)
        return Members((nothing,) * count, (nothing,) * count, ("exact",) * count, nothing)

    def upper(self, directions: Tensor) -> float:
        """Nothing is broken along directions `(k, dim)` that the map ignores; others count as chance."""
        if not len(self.claim.ignored):
            return 1.0
        moved, ignored = directions @ self.motion.T, self.claim.ignored @ self.motion.T
        outside = moved - torch.linalg.lstsq(ignored.T, moved.T).solution.T @ ignored
        return 0.0 if float(outside.norm()) <= bars.IGNORED * float(moved.norm()) else 1.0


def silent(silence: Silence, samples: int, tolerance: float, level: float) -> Silent:
    """The judgement of a map that responds to none of the candidates."""
    ignored, trivial = silence.candidates.ignored, silence.candidates.trivial
    claim = _empty(ignored, trivial, samples, tolerance, level)
    return Silent(replace(claim, why=sentence(claim, "")), silence.whole.motion)


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
