"""Symmetries of a dynamical system from its vector field or from trajectories."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...core._checks import require_fraction
from ...errors import DataError
from ...symmetry import Certificate
from .. import bars
from ..evidence._conclude import conclude
from ..evidence._question import Question
from ..evidence._result import Discovery
from ..surrogate._contest import Progress, fit_surrogates
from ..surrogate._sampled import require_enough, sampled_question
from ..surrogate._velocity import checked_tracks, velocities
from ..weak._judgement import WeakInquiry
from ..weak._road import learnt_field, weak_question
from ..weak._target import Target, points_over
from ._from_model import FromModel


class FromDynamics(Discovery):
    """Motions of the states that map solutions of ``dx/dt = v(x)`` to solutions.

    The kernel of ``theta -> [theta, v] = Dv theta - D theta v`` over candidate generators. With
    ``actions.TimeScaled(action)`` solutions may also run at another pace.

    Parameters
    ----------
    action : Action
        Candidate action on states.
    rank : "gap", int or float
        How to cut the spectrum.
    kinds : sequence of str, optional
        Kinds of surrogate that compete where ``fit`` finds no polynomial that explains the trajectories.
    tolerance, level : float
        Defect that is accepted, and the risk to be wrong. A defect of 1 is that of a motion that has nothing to do with
        the field: derivatives of the field at one state, paired with the motion at another.
    seed : int
        Of draws of the noise, folds, surrogates and finite flows.

    Raises
    ------
    DataError
        If values are not finite, times do not increase, or samples are too few for the candidates.
    RepresentationMismatchError
        If states or velocities do not fit the action.

    References
    ----------
    otto2023unified

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
    >>> x = torch.randn(100, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> found = FromDynamics(iso.gl(2).vector()).fit_field(lambda x: x @ turn.T, x)
    >>> found.algebra_.dim, found.vector_fields()
    (2, ['x d/dy - y d/dx', 'x d/dx + y d/dy'])
    """

    def __init__(
        self,
        action: Action,
        *,
        rank: str | int | float = "gap",
        kinds: list[str] | None = None,
        tolerance: float = 0.05,
        level: float = 0.05,
        seed: int = 0,
    ) -> None:
        self.action = action
        self.rank = rank
        self.kinds = kinds
        self.tolerance = tolerance
        self.level = level
        self.seed = seed

    def fit_field(
        self, v: Callable[[Tensor], Tensor], x: Tensor | None = None, *, domain: Target = None
    ) -> FromDynamics:
        """Discover from a known vector field ``v``, `(batch, n)` to `(batch, n)`, at states `(batch, n)`.

        With a domain the states are points of it, and ``x`` is left out.
        """
        points = points_over(domain, self.action.size, self.seed)
        states = x if points is None else points
        if states is None or (x is not None and points is not None):
            raise DataError("expected states x, or a domain, received both or neither; give one of them")
        inner = FromModel(
            self.action,
            self.action.tangent(),
            rank=self.rank,
            tolerance=self.tolerance,
            level=self.level,
            seed=self.seed,
        ).fit(v, states)
        self.symmetry_ = replace(inner.symmetry_, road=type(self).__name__)
        return self

    def fit(
        self,
        trajectories: Sequence[Any],
        times: Sequence[Any],
        progress: Progress | None = None,
        *,
        domain: Target = None,
    ) -> FromDynamics:
        """Discover from states `(T_i, n)` at times `(T_i,)`, one pair per trajectory, with noise of any size.

        The field is a polynomial, learnt in the weak form: integrals along the trajectories take the place of
        derivatives. Its degree is chosen by the trajectories, and what noise leaves open of it is in the limits.
        Defects are taken over ``domain``: a box ``(lower, upper)``, a ball ``(centre, radius)``, or points
        `(batch, n)`; over the states themselves if left out. Where no polynomial explains the trajectories, or they
        visit too little of the space, surrogates that compete by their held-out error propose generators, and the
        answer is undecided.
        """
        pairs = checked_tracks(
            *([torch.as_tensor(a, dtype=torch.float64) for a in part] for part in (trajectories, times))
        )
        states = torch.cat([x for x, _ in pairs])
        require_enough(len(states), self.action.algebra.dim, self.action.size)
        for number, name in ((self.tolerance, "tolerance"), (self.level, "level")):
            require_fraction(number, name)
        points = points_over(domain, self.action.size, self.seed)
        field, doubt = learnt_field(pairs, points, self.level / 2)
        if field is None or doubt:
            question = self._proposed(pairs, doubt, progress)
        else:
            inquiry = WeakInquiry(field, self.action, self.tolerance, self.level, bars.WIDER_TRACK_LEVEL, self.seed)
            question = weak_question(type(self).__name__, field, states, inquiry, self.rank, points is not None)
        self.symmetry_ = conclude(question)
        return self

    def _proposed(self, pairs: Sequence[tuple[Tensor, Tensor]], doubt: str, progress: Progress | None) -> Question:
        """What surrogates of the velocities propose, with the reason why it cannot be certified."""
        x, v, _ = velocities([states for states, _ in pairs], [times for _, times in pairs])
        require_enough(len(x), self.action.algebra.dim, self.action.size)
        cross = fit_surrogates(x, v, kinds=self.kinds, seed=self.seed, progress=progress)
        self.surrogate_ = cross
        road = type(self).__name__
        question = sampled_question(road, cross, x, self.action, self.action.tangent(), self.rank, self.seed)
        check = Certificate(1.0, 0.0, False, doubt)
        return replace(question, checks={"field": check}, limits=(*question.limits, doubt))
