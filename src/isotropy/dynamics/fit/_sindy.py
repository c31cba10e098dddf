"""Sparse regression on estimated velocities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...dictionary import Dictionary
from ...discover.surrogate._velocity import velocities
from ...errors import DataError
from ..constraint._equivariant_fields import SymmetryLike
from ._governing import Governing
from ._systems import System
from ._trajectories import Pair

Derivative = str | Callable[[Any, Any], Any]


class SINDy(Governing):
    """Sparse governing equations whose coefficients obey a symmetry exactly, by closed-form fits.

    Parameters
    ----------
    dictionary : Dictionary
        Terms ``phi``.
    symmetry : Action, LieAlgebra, Discovery, FunctionBasis, callable or list, optional
        What the equations must obey, see ``equivariant_fields``. A basis made before saves time in repeated fits.
    threshold : float
        Coefficients below it are dropped.
    select : "threshold", "share" or "evidence"
        Drop all small coefficients together; or all terms that make up less than a share ``threshold`` of their
        equation, whatever the units; or drop the least certain one after another and choose by evidence.
    constraint : "hard" or "soft"
        Stay in the space of symmetric fields; or add a penalty on the Lie derivative.
    weight : float, optional
        Of the soft penalty, as ``weight |L_v h|^2`` beside the mean squared error. If left out, what the uncertainty of
        the generators would explain costs as much as the noise.
    uncertainty : float, optional
        Relative error of the generators; that of a discovery if left out, else zero.
    rank : "gap", int or float
        How to cut the spectrum of the constraint.
    derivative : "spline", "local" or callable
        Smoothing spline, Savitzky-Golay filter, or a function of states `(T, n)` and times `(T,)` as numpy arrays that
        returns velocities `(T, n)`, such as one of the ``derivative`` package.

    Raises
    ------
    DataError
        If shapes do not fit the dictionary, values are not finite, or the data do not determine the coefficients.

    References
    ----------
    yang2024equations

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> t = torch.linspace(0, 10, 200, dtype=torch.float64)
    >>> x = torch.exp(-t / 10)[:, None] * torch.stack([t.cos(), t.sin()], dim=1)
    >>> SINDy(iso.dictionary.polynomials(2, degree=2), iso.so(2), threshold=0.05).fit([x], [t]).equations()
    ["x' = -0.1 x - y", "y' = x - 0.1 y"]
    """

    def __init__(
        self,
        dictionary: Dictionary,
        symmetry: SymmetryLike | None = None,
        *,
        threshold: float = 0.1,
        select: str = "threshold",
        constraint: str = "hard",
        weight: float | None = None,
        uncertainty: float | None = None,
        rank: str | int | float = "gap",
        derivative: Derivative = "spline",
    ) -> None:
        self.dictionary = dictionary
        self.symmetry = symmetry
        self.threshold = threshold
        self.select = select
        self.constraint = constraint
        self.weight = weight
        self.uncertainty = uncertainty
        self.rank = rank
        self.derivative = derivative

    def fit_velocities(self, x: Any, v: Any) -> SINDy:
        """Fit states `(S, n)` with known velocities `(S, n)`."""
        self._check_options()
        states, speeds = (torch.as_tensor(a).detach().to("cpu", torch.float64) for a in (x, v))
        if states.shape != speeds.shape or states.ndim != 2 or states.shape[1] != self.dictionary.size:
            raise DataError(
                f"v: expected states and velocities of one shape (S, {self.dictionary.size}), received "
                f"{tuple(states.shape)} and {tuple(speeds.shape)}; one row per sample"
            )
        if not bool(torch.isfinite(states).all() and torch.isfinite(speeds).all()):
            raise DataError("x, v: expected finite numbers, received NaN or infinity; drop those samples")
        self.symmetry_ = self._allowed(states)
        self._accept(self.selected(_system(self.dictionary, states, speeds)))
        return self

    def fit_terms(self, terms: Any, v: Any) -> SINDy:
        """Fit values of the terms `(S, terms)`, wherever they come from, against velocities `(S, n)`."""
        self._check_options()
        design, speeds = (torch.as_tensor(a).detach().to("cpu", torch.float64) for a in (terms, v))
        expected = (len(design), len(self.dictionary)), (len(design), self.dictionary.size)
        if (tuple(design.shape), tuple(speeds.shape)) != expected:
            raise DataError(
                f"terms, v: expected shapes {expected[0]} and {expected[1]}, received {tuple(design.shape)} and "
                f"{tuple(speeds.shape)}; one column per term of the dictionary, one row per sample"
            )
        self.symmetry_ = self._allowed(None)
        self._accept(self.selected(System(design[None], speeds.T.contiguous())))
        return self

    def systems(self, pairs: Sequence[Pair]) -> list[System]:
        """Terms at smoothed states against velocities, one system per trajectory."""
        if not callable(self.derivative):
            return [self._smoothed(x, t) for x, t in pairs]
        return [_system(self.dictionary, x, _checked(self.derivative, x, t)) for x, t in pairs]

    def _smoothed(self, x: Tensor, t: Tensor) -> System:
        states, speeds, _ = velocities([x], [t], method=str(self.derivative))
        return _system(self.dictionary, states, speeds)


def _system(dictionary: Dictionary, x: Tensor, v: Tensor) -> System:
    return System(dictionary.evaluate(x)[None], v.T.contiguous())


def _checked(derivative: Callable[[Any, Any], Any], x: Tensor, t: Tensor) -> Tensor:
    found = torch.as_tensor(derivative(x.numpy().copy(), t.numpy().copy()), dtype=torch.float64)
    if found.shape != x.shape or not bool(torch.isfinite(found).all()):
        raise DataError(
            f"derivative: expected finite velocities of shape {tuple(x.shape)}, received {tuple(found.shape)}; "
            "return one row per state"
        )
    return found
