"""Symmetries of a dynamical system from its vector field or from trajectories."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ..evidence._conclude import conclude
from ..evidence._result import Discovery
from ..surrogate._contest import Progress, fit_surrogates
from ..surrogate._sampled import require_enough, sampled_question
from ..surrogate._velocity import velocities
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
        Kinds of surrogate that compete when ``fit`` learns the field.
    tolerance, level : float
        Defect that is accepted, and the risk to be wrong, where the field is known (``fit_field``).
    seed : int
        Of folds, surrogates and finite flows.

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

    def fit_field(self, v: Callable[[Tensor], Tensor], x: Tensor) -> FromDynamics:
        """Discover from a known vector field ``v``, `(batch, n)` to `(batch, n)`, at states `(batch, n)`."""
        inner = FromModel(
            self.action,
            self.action.tangent(),
            rank=self.rank,
            tolerance=self.tolerance,
            level=self.level,
            seed=self.seed,
        ).fit(v, x)
        self.symmetry_ = replace(inner.symmetry_, road=type(self).__name__)
        return self

    def fit(
        self,
        trajectories: Sequence[Any],
        times: Sequence[Any],
        progress: Progress | None = None,
    ) -> FromDynamics:
        """Discover from states `(T_i, n)` at times `(T_i,)`, one pair per trajectory.

        Velocities come from smoothing splines, the field from cross-fitted surrogates.
        """
        states = [torch.as_tensor(s, dtype=torch.float64) for s in trajectories]
        stamps = [torch.as_tensor(t, dtype=torch.float64) for t in times]
        x, v, _ = velocities(states, stamps)
        require_enough(len(x), self.action.algebra.dim, self.action.size)
        cross = fit_surrogates(x, v, kinds=self.kinds, seed=self.seed, progress=progress)
        self.surrogate_ = cross
        question = sampled_question(
            type(self).__name__, cross, x, self.action, self.action.tangent(), self.rank, self.seed
        )
        self.symmetry_ = conclude(question)
        return self
