"""What every model of governing equations shares: the fit in the allowed space, and what is done with the answer."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...action._spanned import coordinate_names
from ...core._checks import as_points
from ...core._estimator import Estimator
from ...dictionary import Dictionary
from ...enforce import FunctionBasis
from ...errors import DataError
from .. import bars
from ..constraint._equivariant_fields import SymmetryLike, equivariant_fields, uncertainty_of
from ._equations import simulate, write_equations, write_latex, write_sympy
from ._selection import SELECTIONS, select_terms
from ._systems import Solution, System, solve
from ._trajectories import Pair, checked_trajectories

CONSTRAINTS = ("hard", "soft")
_POINTS = 8  # per term, for constraints that are compared at points


class Governing(Estimator):
    """A model ``dx/dt = W phi(x)``.

    Attributes
    ----------
    coef_ : Tensor
        `(n, terms)`.
    errors_ : Tensor
        `(n, terms)` standard errors, zero where a coefficient is zero.
    symmetry_ : FunctionBasis or None
        All fields of the dictionary that obey the symmetry.
    free_parameters_ : int
        Parameters left after selection.
    """

    dictionary: Dictionary
    symmetry: SymmetryLike | None
    threshold: float
    select: str
    constraint: str
    weight: float | None
    uncertainty: float | None
    rank: str | int | float
    coef_: Tensor
    errors_: Tensor
    symmetry_: FunctionBasis | None
    free_parameters_: int

    _fewest = 5

    @property
    def size(self) -> int:
        """Number of coordinates of a state."""
        return self.dictionary.size

    def places(self, states: Tensor) -> Tensor:
        """The part of states `(T, size)` that the terms depend on."""
        return states

    @abstractmethod
    def systems(self, pairs: Sequence[Pair]) -> list[System]:
        """The linear systems of checked trajectories, one or more, with independent rows."""

    def fit(self, states: Sequence[Any], times: Sequence[Any]) -> Governing:
        """Fit trajectories: lists of states `(T_i, n)` and of times `(T_i,)`.

        Raises
        ------
        DataError
            If trajectories are unusable or too few, or no field but zero obeys the symmetry.
        """
        self._check_options()
        pairs = checked_trajectories(states, times, self.size, self._fewest)
        self.symmetry_ = self._allowed(torch.cat([self.places(x) for x, _ in pairs]))
        return self._accept(self.selected(System.joined(self.systems(pairs))))

    def selected(self, system: System) -> Solution:
        """The sparse solution of a system in the space of ``symmetry_``."""
        doubt = uncertainty_of(self.symmetry, self.uncertainty)
        basis, penalty = self.space(), None
        if self.constraint == "soft" and self.symmetry_ is not None:
            penalty = self._penalty(system, self.symmetry_, doubt)
        tolerance = self._lean(doubt) if self.constraint == "hard" else 0.0
        return select_terms(system, basis, self.threshold, self.select, max(bars.EXACT_ENTRIES, tolerance), penalty)

    def space(self) -> Tensor:
        """Basis `(k, n, terms)` of the coefficients that are allowed before selection."""
        if self.symmetry_ is not None and self.constraint == "hard":
            return self.symmetry_.coefficients
        entries = self.dictionary.size * len(self.dictionary)
        shape = (entries, self.dictionary.size, len(self.dictionary))
        return torch.eye(entries, dtype=torch.float64).reshape(shape)

    def predict(self, x: Any) -> Tensor:
        """Velocities `(batch, n)` at states `(batch, n)`; differentiable by torch."""
        points = as_points(x, "x", (self.dictionary.size,))
        return self.dictionary.evaluate(points) @ self.coef_.to(points).T

    def simulate(self, x0: Any, t: Any, tolerance: float = 1e-8) -> Tensor:
        """States `(T, n)` at increasing times `(T,)`, starting from ``x0`` `(n,)` at ``t[0]``.

        Raises
        ------
        FlowError
            If the solution runs away.
        """
        return simulate(self.predict, x0, t, tolerance)

    def score(self, states: Sequence[Any], times: Sequence[Any]) -> float:
        """Share of the mean square of the targets that the equations explain, on the linear system of new data."""
        pairs = checked_trajectories(states, times, self.size, self._fewest)
        system = System.joined(copy.copy(self).systems(pairs))  # what new data say of the noise is not kept
        left = torch.einsum("irp,ip->ir", system.design.expand(len(self.coef_), -1, -1), self.coef_) - system.target
        return 1.0 - float(left.square().sum() / system.target.square().sum())

    def equations(self, coordinates: Sequence[str] | None = None, digits: int = 3) -> list[str]:
        """``x' = -0.1 x - y`` for every coordinate."""
        return write_equations(self.dictionary, self.coef_, coordinates, digits)

    def sympy(self, coordinates: Sequence[str] | None = None) -> list[Any]:
        """Right-hand sides as sympy expressions."""
        return write_sympy(self.dictionary, self.coef_, coordinates)

    def latex(self, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """The equations as a LaTeX ``aligned`` block."""
        names = list(coordinates or coordinate_names(self.dictionary.size))
        return write_latex(self.sympy(names), names, digits)

    def _accept(self, found: Solution) -> Governing:
        self.coef_, self.errors_ = found.coef, found.errors
        self.free_parameters_ = found.dim
        return self

    def _allowed(self, states: Tensor | None) -> FunctionBasis | None:
        """The fields that obey the symmetry, compared near the data, if known, where points are needed."""
        if self.symmetry is None or isinstance(self.symmetry, FunctionBasis):
            return None if self.symmetry is None else equivariant_fields(self.dictionary, self.symmetry)
        points = None if states is None else _points_near(states, _POINTS * len(self.dictionary))
        return equivariant_fields(
            self.dictionary, self.symmetry, rank=self.rank, uncertainty=self.uncertainty, points=points
        )

    def _penalty(self, system: System, allowed: FunctionBasis, doubt: float) -> Tensor:
        """Rows ``P`` of the soft penalty, in units of the noise of the system."""
        exact = solve(system, allowed.coefficients)
        noise = exact.residual / max(1, system.rows - exact.dim)
        if self.weight is not None:
            return (self.weight * system.rows / self.dictionary.size) ** 0.5 * allowed.constraints
        # Generators with relative error u leave |E w| of about u |E| |w|, column by column.
        size = float((allowed.constraints.norm(dim=0) * exact.coef.flatten()).norm())
        return (noise**0.5 / (doubt * size)) * allowed.constraints

    def _lean(self, doubt: float) -> float:
        """Sine of the angle between allowed and true fields, by Wedin: error of the generators over the gap."""
        if self.symmetry_ is None or not doubt:
            return 0.0
        cut = self.symmetry_.spectrum[: len(self.symmetry_.spectrum) - self.symmetry_.dim]
        gap = float(cut.amin()) if len(cut) else 1.0
        return max(bars.LEEWAY * doubt, min(bars.MOST_LEAN, doubt / max(gap, 1e-300)))

    def _check_options(self) -> None:
        if self.constraint not in CONSTRAINTS:
            raise DataError(f"constraint: expected one of {CONSTRAINTS}, received {self.constraint!r}; use 'hard'")
        if self.select not in SELECTIONS:
            raise DataError(f"select: expected one of {SELECTIONS}, received {self.select!r}; use 'threshold'")
        if self.threshold < 0:
            raise DataError(f"threshold: expected a number >= 0, received {self.threshold}; use 0 to keep all terms")
        known = self.weight is not None or uncertainty_of(self.symmetry, self.uncertainty) > 0
        if self.constraint == "soft" and self.symmetry is not None and not known:
            raise DataError(
                "weight: expected a weight, or generators of known uncertainty, for constraint 'soft', received "
                "neither; pass weight= or uncertainty="
            )


def _points_near(states: Tensor, count: int) -> Tensor:
    """Normally distributed points with the mean and covariance of the states."""
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(count, states.shape[1], generator=generator, dtype=torch.float64)
    centre = states.mean(0)
    _, sizes, axes = torch.linalg.svd(states - centre, full_matrices=False)
    spread = sizes / max(1, len(states) - 1) ** 0.5
    return centre + (normal[:, : len(sizes)] * spread.clamp_min(1e-3 * float(spread.amax()) + 1e-12)) @ axes
