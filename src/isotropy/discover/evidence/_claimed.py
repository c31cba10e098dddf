"""How a road asks for a claim."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

from ...errors import TrivialResultWarning
from ...symmetry.claims import Judgement, Rows, bars, judge, undecided


class Asked(Protocol):
    """A road that can bound its error hands one over, and the claim decides what is found.

    Attributes
    ----------
    tolerance, level : float
        Defect that is accepted, and the risk to be wrong.
    """

    @property
    def tolerance(self) -> float:
        """Defect that is accepted."""
        ...

    @property
    def level(self) -> float:
        """Risk to be wrong."""
        ...

    def judge(self, size: int | float | None = None) -> Judgement:
        """The claim, and what the samples say of other bases.

        So many of the least broken directions are judged, or, for a float, those up to that defect; as many as are
        within the tolerance if left out.
        """
        ...


@dataclass(frozen=True)
class Inquiry:
    """Asks about a map that can be evaluated.

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

    def judge(self, size: int | float | None = None) -> Judgement:
        """Judge all candidates at these samples."""
        rows = self.rows()
        if not rows.jacobian.any() and not rows.turned.any():
            warn_trivial(stacklevel=6)
            return undecided(rows, self.tolerance, self.level, "the map is constant at the samples")
        if len(torch.unique(rows.points, dim=0)) < bars.LEAST_POINTS:
            words = f"fewer than {bars.LEAST_POINTS} different points carry the answer, so its error cannot be bounded"
            return undecided(rows, self.tolerance, self.level, words)
        return judge(rows, self.tolerance, self.level, seed=self.seed, size=size)


def warn_trivial(stacklevel: int) -> None:
    """Tell that nothing moves, or that nothing changes."""
    warnings.warn(
        TrivialResultWarning(
            "expected data that some candidate moves and a map that varies, received neither; "
            "check for a constant output"
        ),
        stacklevel=stacklevel,
    )
