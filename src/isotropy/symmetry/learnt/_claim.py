"""The value that a claim about the symmetries of a learnt map is."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..claims import Claim
from ._class_gate import ChosenClass


@dataclass(frozen=True)
class LearntClaim(Claim):
    """A claim about the symmetries of a map learnt from samples, with the numbers behind it.

    If the map lies in the chosen class, the noise is normal and the samples are many, then with probability at least
    ``1 - level`` no certified generator has a true defect above ``tolerance``. The next two classes confirm at a level
    of their own, so that a term that the class lacks is not overlooked easily.

    The limit of a direction is that of the span up to it. What is set apart as ignored has an effect that is known to
    be within the tolerance.

    Attributes
    ----------
    silent : Tensor
        Directions to which the response of the map is not above the noise, and not known to be small either.
    chosen : ChosenClass
        Degree of the class, and what spoke against smaller ones.
    held_out : float
        p-value of the class being worse, on samples held out, than the best of other kinds; 1 where none was given.
    leverage : float
        Of the samples that carry the answer; at 1 the fit follows them whatever the class.
    wider_level : float or None
        As given.
    """

    silent: Tensor
    chosen: ChosenClass
    held_out: float
    leverage: float
    wider_level: float | None
