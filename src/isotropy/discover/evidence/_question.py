"""What a road hands over for its conclusion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ...action._action import Action
from ...core import bars as cuts
from ...core._linalg import EPSILON
from ...symmetry import Certificate, Domain, bars
from ._claimed import Asked
from ._evidence import Evidence

HELD = 0  # the fold on which finite flows are checked
FLOW_WORDS = "moving held-out samples by finite amounts changes the answer by {value:.2g} of what it could"
FlowCheck = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Question:
    """Everything a road hands over for its conclusion.

    Attributes
    ----------
    road : str
        The estimator that asks.
    action : Action
        Candidate action on inputs.
    evidence : Evidence
        Streamed factors.
    points : Tensor
        `(batch, *event)` a sample of held-out points, for the split and the finite flows.
    domain : Domain
        The samples as they came.
    check : callable
        Error of moving points ``x`` by the flow of ``xi`` for unit time.
    rank, seed
        As given by the user.
    floor : float
        Errors below it are rounding or noise.
    resolution : float
        Relative motion below which a direction is trivial.
    tolerance : float
        Errors above it are never counted as zero.
    normals : Tensor, optional
        `(batch, n, n)` projectors onto the normal spaces of the data at ``points``, if they are known.
    inquiry : Asked, optional
        How to ask for a claim, where the road can bound its error; it decides what is found.
    checks : dict of str to Certificate
        What the road itself demands before it claims anything, "none" included.
    """

    road: str
    action: Action
    evidence: Evidence
    points: Tensor
    domain: Domain
    check: FlowCheck
    rank: str | int | float = "gap"
    seed: int = 0
    floor: float = EPSILON
    resolution: float = field(default_factory=lambda: bars.TRIVIAL_MOTION)
    tolerance: float = field(default_factory=lambda: cuts.LARGEST_ZERO)
    method: str = ""
    normals: Tensor | None = None
    limits: tuple[str, ...] = ()
    flow_words: str = FLOW_WORDS
    inquiry: Asked | None = None
    checks: dict[str, Certificate] = field(default_factory=dict[str, Certificate])

    @property
    def rules(self) -> dict[str, Any]:
        """Arguments of ``relative_kernel``."""
        return {
            "rank": self.rank,
            "floor": self.floor,
            "resolution": self.resolution,
            "tolerance": self.tolerance,
        }
