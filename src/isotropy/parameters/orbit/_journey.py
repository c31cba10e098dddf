"""A walk along the orbit of a network's parameters: closed forms for scales, steps for other groups."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ...errors import SymmetryError
from .. import bars
from ..find._parameter_symmetry import ParameterSymmetry
from ..moves._blocks import Block
from ._objectives import Named, Options, Probe, orbit_curvature, write
from ._profile import OrbitProfile

_HALVINGS = 6
_SWEEPS = 300  # most of one balancing of weights
_FLAT = 1e-3  # logarithms that far from the optimum leave the norm within 1e-6 of its minimum
_SPENT = 1e-6  # of log(cap), below which nothing is left
Moves = list[tuple[Block, Tensor]]


@dataclass(frozen=True)
class Walk:
    """How far a teleport may go.

    Attributes
    ----------
    cap : float
        Largest factor by which ``|grad L|^2`` may grow under ``"grad_norm"``; its supremum on the orbit is infinite.
    radius : float
        Longest path in the algebra. Balancing by scales has a unique optimum and ignores it.
    steps : int
        Steps of the walk for groups other than scales.
    """

    cap: float = 2.0
    radius: float = 1.0
    steps: int = 10


@dataclass
class Journey:
    """A walk in progress: moves so far, and what is known on the way."""

    probe: Probe
    symmetry: ParameterSymmetry
    objective: str
    walk: Walk
    options: Options
    slopes: Named
    moves: Moves = field(default_factory=list)
    distance: float = 0.0
    ratio: float = math.nan
    why: str = "done"

    def rescale(self) -> None:
        """Move the scales by the closed form, from one gradient or none."""
        scales = self.symmetry.select("scaling")
        if not scales.dim or self.objective not in ("grad_norm", "balance_grad", "balance_weight"):
            return
        by_weight = self.objective == "balance_weight"
        tensors: Named = {name: p.detach() for name, p in self.probe.parameters.items()}
        profile = OrbitProfile(scales, tensors if by_weight else self.slopes, gradients=not by_weight)
        if self.objective == "grad_norm":
            s = profile.ascend(self.walk.cap, self.walk.radius)
        else:
            exact = allowed_change(self.probe.parameters)
            s = profile.minimise(_SWEEPS, exact) if by_weight else profile.minimise(30, max(exact, _FLAT))
        before = profile.value(torch.zeros_like(s))
        if not by_weight and before > 0:
            self.ratio = profile.value(s) / before
        self.move(scales, s)

    def climb(self) -> None:
        """Move what else there is by steps of unit norm along the derivative of the score."""
        closed = self.objective in ("grad_norm", "balance_grad", "balance_weight")
        rest = [b for b in self.symmetry.blocks if isinstance(b, Block) and not (closed and b.kind == "scaling")]
        group = ParameterSymmetry(rest, self.symmetry.shapes)
        if not group.dim:
            return
        left = math.log(self.walk.cap) - self._grown()
        if self.objective == "grad_norm" and left < _SPENT:
            self.why = "the cap is reached by scales"
            return
        length = self.walk.radius / self.walk.steps
        here, slopes = self.score(group)
        first = here
        for _ in range(self.walk.steps):
            slope = group.moment(slopes, self.values()).double()
            if float(slope.norm()) <= 1e-9 * max(1.0, abs(here)):
                self.why = "the score is stationary along the orbit"
                break
            moved = self._step(group, length * slope / slope.norm(), here, first + left)
            if moved is None:
                self.why = "no further step raises the score"
                break
            here, slopes = moved
        if self.objective in ("grad_norm", "balance_grad"):
            grown = (here - first) * (1 if self.objective == "grad_norm" else -1)
            self.ratio = math.exp(grown) * (1.0 if math.isnan(self.ratio) else self.ratio)

    def score(self, group: ParameterSymmetry) -> tuple[float, Named]:
        """The score here and its derivative."""
        if self.objective == "curvature":
            owners = self.probe.parameters
            value = orbit_curvature(group, dict(owners), self.options.directions, self.options.seed)
            return float(value.detach()), self.probe.slopes(value)
        return self.probe.score(self.objective, self.options)

    def move(self, group: ParameterSymmetry, xi: Tensor) -> None:
        """Move the parameters by ``exp(xi)`` and remember it."""
        if not float(xi.norm()):
            return
        here = self.values()
        for block, own in zip(group.blocks, group.parts(xi), strict=True):
            if isinstance(block, Block) and float(own.norm()):
                g = block.exp(own)
                block.act_(g, here)
                self.moves.append((block, g))
        self.distance += float(xi.norm())

    def values(self) -> Named:
        """The parameters as they are."""
        return {name: p.detach() for name, p in self.probe.parameters.items()}

    def _grown(self) -> float:
        """Logarithm of the growth that the scales have used up."""
        return 0.0 if math.isnan(self.ratio) else math.log(self.ratio)

    def _step(self, group: ParameterSymmetry, xi: Tensor, here: float, most: float) -> tuple[float, Named] | None:
        """Take a step, halved until the score rises and keeps its cap; None where no step does."""
        kept = {name: value.clone() for name, value in self.values().items()}
        moves, distance = list(self.moves), self.distance
        for _ in range(_HALVINGS):
            self.move(group, xi)
            try:
                found = self.score(group)
            except SymmetryError:  # beyond the reach of this score; a shorter step may do
                found = None
            capped = self.objective == "grad_norm"
            if found is not None and found[0] > here and not (capped and found[0] > most):
                return found
            write(self.probe.parameters, kept)
            self.moves, self.distance, xi = list(moves), distance, 0.5 * xi
        return None


def allowed_change(parameters: dict[str, nn.Parameter]) -> float:
    """Relative change of a loss that rounding explains, for the coarsest precision among the parameters."""
    return max(torch.finfo(p.dtype).eps for p in parameters.values()) ** bars.CHANGE_POWER
