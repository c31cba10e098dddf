"""What may be claimed of charges along trajectories, each of which has to keep them on its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...action._action import Action
from ...algebra._lie_algebra import LieAlgebra
from ...core._linalg import EPSILON
from ...symmetry import bars as verdicts
from ...symmetry.claims import Interval, Judgement, Rows, judge
from ...symmetry.claims._forms import forms_of
from ...symmetry.claims._span import Factors, factors_of, least_broken_first, merged
from .. import bars
from ..evidence._adjusted import Adjusted
from ..evidence._sample import MOST
from ..limits._quotients import bayesian_weights, fresh_limit, worst_quotients

_FEWEST = 4  # times of a trajectory


@dataclass(frozen=True)
class OrbitInquiry:
    """Asks about charges ``v . xi(x)``, less their mean along each trajectory.

    Times of one trajectory are no independent draws, so that an interval from all of them may be too narrow. Therefore
    every trajectory, judged by generators that the others choose, has to be within the tolerance too, and so has what
    is to be expected of a fresh one.

    Attributes
    ----------
    action : Action
        Candidate action on positions.
    orbits : sequence of (Tensor, Tensor)
        Positions and velocities `(T, n)`.
    tolerance, level : float
        Defect that is accepted, and the risk to be wrong.
    seed : int
        Of halves and resamples.
    """

    action: Action
    orbits: Sequence[tuple[Tensor, Tensor]]
    tolerance: float
    level: float
    seed: int

    def judge(self, size: int | float | None = None) -> Judgement:
        """Judge all times together, then every trajectory by what the others choose."""
        parts = [_rows(self.action, x, v, self._times) for x, v in self.orbits]
        whole = _joined(parts)
        inner = judge(whole, self.tolerance, self.level, seed=self.seed, size=size)
        # What is exact at every time is so on every trajectory.
        approximate = "approximate" in inner.claim.grades
        alone = _alone_each(whole, len(parts), inner.claim.directions) if approximate else torch.zeros(1)
        share = _lowered(whole, len(parts), inner.claim.directions, self.level, self.seed) if approximate else 1.0
        worst = fresh_limit(alone, self.level) if approximate else 0.0
        doubt = f"of {len(parts)} trajectories one breaks what the others choose by {float(alone.amax()):.2g}, and "
        doubt += f"a fresh one may by {worst:.2g}"
        return Adjusted(
            inner,
            self.tolerance,
            lambda seen: Interval(seen.value, min(seen.lower, share * seen.value), max(seen.upper, worst)),
            doubt,
            bars.CHARGE_UNIT,
        )

    @property
    def _times(self) -> int:
        """Times taken of each trajectory, as many of all, so that they weigh the same."""
        fewest = min(len(x) for x, _ in self.orbits)
        return min(fewest, max(_FEWEST, MOST // len(self.orbits)))


def _lowered(rows: Rows, orbits: int, directions: Tensor, level: float, seed: int) -> float:
    """Lower limit of the defect of directions `(k, dim)` as a share of it, trajectories being what is drawn anew.

    Weights of the Bayesian bootstrap scatter less than what few units tell, by ``(n - 1) / (n + 1)`` of the variance,
    and that is itself an estimate: the limit is Student's, on the logarithm, as a defect is positive.
    """
    from scipy.stats import t as student

    forms = forms_of(rows.along(directions), 0.0)
    if len(forms.lie) % orbits:  # some times coincide, so that trajectories cannot be told apart
        return 0.0
    above, below = (part.unflatten(0, (orbits, -1)).flatten(1, 2) for part in (forms.lie, forms.chance))
    weights = bayesian_weights(orbits, seed)
    sums = [torch.einsum("ru,ukl->rkl", weights, part.transpose(1, 2) @ part) for part in (above, below)]
    logs = worst_quotients(*sums).clamp_min(torch.finfo(torch.float64).tiny).log() / 2
    error = float((logs[1:] - logs[0]).square().mean().sqrt()) * ((orbits + 1) / (orbits - 1)) ** 0.5
    return math.exp(-float(student.ppf(1 - level / 2, orbits - 1)) * error)


def _rows(action: Action, x: Tensor, v: Tensor, count: int) -> Rows:
    """Rows of some times of one trajectory, in units of its own size and speed."""
    size, speed = (part.norm(dim=1).square().mean().sqrt() for part in (x, v))
    fields = action.fields(x).to(torch.float64) / size
    slopes = bars.CHARGE_UNIT * v / speed
    charges = torch.einsum("bn,bkn->bk", slopes, fields)
    index = torch.linspace(0, len(x) - 1, count, dtype=torch.float64).round().long()
    lie = (charges - charges.mean(0))[index, None]
    algebra = action.algebra
    return Rows(
        lie=lie,
        jacobian=slopes[index, None],
        moved=fields[index],
        turned=torch.zeros(count, lie.shape[2], 1, dtype=torch.float64),
        values=torch.zeros(count, 1, dtype=torch.float64),
        points=(x / size)[index],
        blocks=(),
        brackets=algebra.structure_constants if isinstance(algebra, LieAlgebra) else None,
        rounding=verdicts.MANY_ROUNDINGS * EPSILON,
    )


def _joined(parts: list[Rows]) -> Rows:
    names = ("lie", "jacobian", "moved", "turned", "values", "points")
    joined = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
    return Rows(**joined, blocks=(), brackets=parts[0].brackets, rounding=parts[0].rounding)


def _alone_each(rows: Rows, orbits: int, directions: Tensor) -> Tensor:
    """Defect `(orbits,)` on each trajectory of what the others make of directions `(k, dim)`."""
    forms = forms_of(rows, 0.0)
    each = len(forms.lie) // orbits
    if each * orbits != len(forms.lie):  # some times coincide, so that trajectories cannot be told apart
        return torch.full((orbits,), math.inf, dtype=torch.float64)
    places = torch.arange(len(forms.lie)).split(each)
    seen = [factors_of(forms.taken(place)) for place in places]
    chance = factors_of(forms).chance
    return torch.tensor(
        [
            _alone(part, merged([*seen[:i], *seen[i + 1 :]], [each] * (orbits - 1)), chance, directions)
            for i, part in enumerate(seen)
        ],
        dtype=torch.float64,
    )


def _alone(held: Factors, others: Factors, chance: Tensor, directions: Tensor) -> float:
    """Defect on a trajectory of what the others make of directions `(k, dim)`."""
    chosen = least_broken_first(others, torch.eye(directions.shape[1], dtype=torch.float64))[: len(directions)]
    if len(chosen) < len(directions):
        return math.inf
    frame, change = torch.linalg.qr(chance @ chosen.T)
    inside = torch.linalg.solve_triangular(change, frame.T @ (chance @ directions.T), upper=True).T @ chosen
    scale = torch.linalg.qr(chance @ inside.T, mode="r").R
    quotient = torch.linalg.solve_triangular(scale, held.lie @ inside.T, upper=True, left=False)
    return float(torch.linalg.matrix_norm(quotient, 2))
