"""The value that a claim about the symmetries of a learnt map is."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..claims import Interval
from ..claims._claim import Grade
from ..claims._verdict import Status
from ._class_gate import ChosenClass


@dataclass(frozen=True)
class LearntClaim:
    """A claim about the symmetries of a map learnt from samples, with the numbers behind it.

    If the map lies in the chosen class, the noise is normal and the samples are many, then with probability at least
    ``1 - level`` no certified generator has a true defect above ``tolerance``. The next two classes confirm at even
    odds, so that a term that the class lacks is not overlooked easily.

    Attributes
    ----------
    status : "certified", "undecided" or "none"
        None: every candidate is broken by more than the tolerance.
    directions : Tensor
        `(k, dim)` combinations of the candidates, least broken first: those certified, or the least broken one.
    grades : tuple of str
        "exact" only where there is no noise.
    errors : tuple of Interval
        Defect of each direction; the upper limit is that of the span up to it.
    effects : tuple of Interval
        Change of the map by one standard deviation of motion along each, ``E[xi^T Sigma^-1 xi] = 1``, in its spreads.
    ladder : dict
        Dimension certified at other tolerances.
    ignored, trivial : Tensor
        Directions to which the response of the map is not above the noise, and those that do not move the domain.
    chosen : ChosenClass
        Degree of the class, and what spoke against smaller ones.
    held_out : float
        p-value of the class being worse, on samples held out, than the best of other kinds; 1 where none was given.
    leverage : float
        Of the samples that carry the answer; at 1 the fit follows them whatever the class.
    samples : int
        Number of samples.
    tolerance, level, wider_level : float
        As given.
    seed : int
        Of the draws of the noise.
    why : str
        What stands in the way, or nothing.
    """

    status: Status
    directions: Tensor
    grades: tuple[Grade, ...]
    errors: tuple[Interval, ...]
    effects: tuple[Interval, ...]
    ladder: dict[float, int]
    ignored: Tensor
    trivial: Tensor
    chosen: ChosenClass
    held_out: float
    leverage: float
    samples: int
    tolerance: float
    level: float
    wider_level: float
    seed: int
    why: str

    @property
    def span(self) -> Interval:
        """Defect of the worst member of the span; of the least broken direction where nothing is certified."""
        return self.errors[-1] if self.errors else Interval(0.0, 0.0, 0.0)
