"""Symmetries of a mechanical system from quantities that its trajectories conserve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...actions import Trivial
from ...core._checks import as_points, require_fraction
from ...errors import DataError
from ...symmetry._domain import Seen
from ..evidence._conclude import conclude
from ..evidence._evidence import Evidence
from ..evidence._question import Question
from ..evidence._result import Discovery
from ..surrogate._velocity import velocities
from ._orbit_claim import OrbitInquiry

_KEPT = 256


class FromNoether(Discovery):
    """Motions of positions whose Noether charge ``J_xi = v . xi(x)`` stays constant on every trajectory.

    For unit masses in a potential, ``xi`` is a symmetry exactly when ``J_xi`` is conserved. No field has to be
    learnt and nothing is differentiated, so a few thin orbits suffice. Each trajectory is one fold and weighs the
    same; a charge is judged by its variation along a trajectory. A defect of 1 says that it varies as much as if the
    velocity at one time had nothing to do with the motion at another.

    Parameters
    ----------
    action : Action
        Candidate action on positions `(batch, n)`.
    rank : "gap", int or float
        How many generators to judge: the most that are within the tolerance, a number, or those below a defect.
    tolerance : float
        Defect that is accepted: 0 is exact, 1 is chance. It is the limit for every single trajectory, too.
    level : float
        Probability with which a certified generator may have a true defect above the tolerance.
    seed : int
        Of the combinations that are followed along held-out trajectories, and of resamples.

    References
    ----------
    noether1918

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> t = torch.linspace(0, 6, 100, dtype=torch.float64)
    >>> orbits = [torch.stack([a * t.cos(), b * t.sin(), -a * t.sin(), b * t.cos()], 1) for a, b in ((1, 2), (2, 1))]
    >>> found = FromNoether(iso.so(2).vector()).fit(orbits)
    >>> found.status_, found.algebra_.dim
    ('certified', 1)
    """

    def __init__(
        self,
        action: Action,
        *,
        rank: str | int | float = "gap",
        tolerance: float = 0.05,
        level: float = 0.05,
        seed: int = 0,
    ) -> None:
        self.action = action
        self.rank = rank
        self.tolerance = tolerance
        self.level = level
        self.seed = seed

    def fit(self, trajectories: Sequence[Any], times: Sequence[Any] | None = None) -> FromNoether:
        """Discover from states `(T_i, 2n)`, positions then velocities, or from positions `(T_i, n)` and times.

        Raises
        ------
        DataError
            If there are fewer than two trajectories, nothing moves, values are not finite, or the width of the
            states does not fit, or a number is not between 0 and 1.
        """
        require_fraction(self.tolerance, "tolerance")
        require_fraction(self.level, "level")
        orbits = _phase_space(trajectories, times, self.action.size)
        still = Trivial(self.action.algebra, (1,))
        evidence = Evidence(self.action, still, len(orbits))
        for index, (x, v) in enumerate(orbits):
            charges, weights = _charges(self.action, x, v)
            rows = (charges - charges.mean(0))[:, None]
            evidence.add_to(index, x, rows, weights, torch.zeros(len(x), 1, dtype=torch.float64))
        held = orbits[0]
        question = Question(
            road=type(self).__name__,
            action=self.action,
            evidence=evidence,
            points=torch.cat([x[:: math.ceil(len(x) * len(orbits) / _KEPT)] for x, _ in orbits]),
            domain=Seen.of(torch.cat([x for x, _ in orbits])).domain(),
            check=lambda xi, _: _drift(self.action, xi, *held),
            rank=self.rank,
            seed=self.seed,
            method="Noether charges",
            flow_words="along a whole held-out trajectory the charge drifts by {value:.2g} of its possible size",
            limits=("charges are those of unit masses in a potential; velocity-dependent forces are not covered",),
            inquiry=OrbitInquiry(self.action, orbits, self.tolerance, self.level, self.seed),
        )
        self.symmetry_ = conclude(question)
        return self


def _phase_space(trajectories: Sequence[Any], times: Sequence[Any] | None, size: int) -> list[tuple[Tensor, Tensor]]:
    """Positions and velocities of every trajectory."""
    states = [as_points(s, f"trajectories[{i}]").detach().to("cpu", torch.float64) for i, s in enumerate(trajectories)]
    if len(states) < 2:
        raise DataError(f"trajectories: expected at least 2, received {len(states)}; one orbit cannot be checked")
    widths = {s.shape[1] for s in states}
    if times is not None and len(times) != len(states):
        raise DataError(f"times: expected one per trajectory, {len(states)}, received {len(times)}; match the two")
    if widths == {2 * size}:
        return [(s[:, :size], s[:, size:]) for s in states]
    if widths == {size} and times is not None:
        stamps = [torch.as_tensor(t, dtype=torch.float64) for t in times]
        return [velocities([s], [t])[:2] for s, t in zip(states, stamps, strict=True)]
    raise DataError(
        f"trajectories: expected {2 * size} columns (positions, velocities), or {size} with times, received "
        f"{sorted(widths)}; choose the columns to match the action on positions"
    )


def _charges(action: Action, x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Charges `(T, dim)` and sizes ``|v|`` `(T,)`, scaled so that trajectories of any size weigh the same."""
    unit = x.norm(dim=1).square().mean().sqrt() * v.norm(dim=1).square().mean().sqrt() * len(x) ** 0.5
    if not unit > 0:
        raise DataError("trajectories: expected motion, received one that rests or stays at the origin; leave it out")
    charges = torch.einsum("bn,bkn->bk", v, action.fields(x)) / unit
    return charges, v.norm(dim=1) / unit


def _drift(action: Action, xi: Tensor, x: Tensor, v: Tensor) -> Tensor:
    """Largest departure of one charge from its mean along a trajectory, relative to ``|v| |xi(x)|``."""
    moved = action.field(xi, x)
    charge = (v * moved).sum(1)
    size = (v.norm(dim=1) * moved.norm(dim=1)).square().mean().sqrt()
    return (charge - charge.mean()).abs().amax() / size
