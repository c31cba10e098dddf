"""Largest and smallest norm of ``a + B u`` over a ball: exact, by eigenvalues and a secular equation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ._forms import LearntForms
from ._linear_fit import LinearFit

_STEPS = 200  # of bisection: halving a bracket of doubles to the last bit takes fewer
_SMALL = 1e-14


def largest_norm(a: Tensor, b: Tensor, radius: float) -> float:
    """Maximum of ``|a + b u|`` over ``|u| <= radius``, for `(R,)` and `(R, K)`.

    At the maximum ``(mu - B^T B) u = B^T a`` with mu at least the top eigenvalue. If ``B^T a`` has no part there, mu
    is that eigenvalue itself and u is filled up with its eigenvector (the hard case).
    """
    values, pull = _spectral(a, b)
    top = float(values.amax()) if len(values) else 0.0
    if radius <= 0 or top <= 0:
        return float(a.norm())
    beyond = top + float(pull.norm()) / radius  # there the step is no longer than the radius

    def length(mu: float) -> float:
        return float(_divided(pull, mu - values).norm())

    mu = top if length(top) <= radius else _root_of(length, top, beyond, radius)
    step = _divided(pull, mu - values)
    missing = max(radius**2 - float(step.square().sum()), 0.0)
    gain = float((values * step.square()).sum()) + top * missing
    return max(float(a.square().sum()) + 2 * float(pull @ step) + gain, 0.0) ** 0.5


def smallest_norm(a: Tensor, b: Tensor, radius: float) -> float:
    """Minimum of ``|a + b u|`` over ``|u| <= radius``: ridge regression with the penalty that keeps the radius."""
    values, pull = _spectral(a, b)
    if radius <= 0 or not len(values):
        return float(a.norm())

    def length(mu: float) -> float:
        return float(_divided(pull, values + mu).norm())

    mu = 0.0
    if length(0.0) > radius:
        mu = _root_of(length, 0.0, float(pull.norm()) / radius, radius)
    step = -_divided(pull, values + mu)
    square = float(a.square().sum()) + 2 * float(pull @ step) + float((values * step.square()).sum())
    return max(square, 0.0) ** 0.5


@dataclass(frozen=True)
class EllipsoidLimits:
    """Limits of defects that hold for all candidates at once, as the coefficients lie in one ellipsoid.

    Under normal noise of one variance they hold with probability ``1 - level`` for any number of samples, whatever
    rule chose the direction, and are wide: in practice they hold always (Kendiukhov 2026).
    """

    forms: LearntForms
    beta: Tensor
    root: Tensor
    radius: float

    def direction(self, theta: Tensor) -> tuple[float, float]:
        """Lower and upper limit of the defect of one direction `(dim,)`."""
        lie, chance = (torch.einsum("drk,d->rk", part, theta) for part in (self.forms.lie, self.forms.chance))
        ends = [_ends(part, self.beta, self.root, self.radius) for part in (lie, chance)]
        return _quotient(ends[0][0], ends[1][1]), _quotient(ends[0][1], ends[1][0])

    def span(self, directions: Tensor) -> float:
        """Upper limit of the worst member of the span of the rows `(k, dim)`."""
        if len(directions) == 1:
            return self.direction(directions[0])[1]
        lie, chance = (_stacked(part, directions) for part in (self.forms.lie, self.forms.chance))
        seen = [(part @ self.beta).reshape(len(directions), -1) for part in (lie, chance)]
        loose = [_radius(part @ self.root, self.radius) for part in (lie, chance)]
        top = float(torch.linalg.matrix_norm(seen[0], ord=2)) + loose[0]
        return _quotient(top, max(float(torch.linalg.svdvals(seen[1])[-1]) - loose[1], 0.0))

    def least(self) -> float:
        """Lower limit of the least broken direction: above a tolerance, no candidate is a symmetry."""
        every = torch.eye(len(self.forms.lie), dtype=torch.float64)
        lie, chance = (_stacked(part, every) for part in (self.forms.lie, self.forms.chance))
        seen = [(part @ self.beta).reshape(len(every), -1) for part in (lie, chance)]
        loose = [_radius(part @ self.root, self.radius) for part in (lie, chance)]
        low = float(torch.linalg.svdvals(seen[0])[-1]) - loose[0]
        return max(low, 0.0) / (float(torch.linalg.matrix_norm(seen[1], ord=2)) + loose[1])

    def dimension(self, directions: Tensor, tolerance: float) -> int:
        """Largest number of leading rows of directions `(k, dim)` whose span is within the tolerance."""
        for size in range(1, len(directions) + 1):
            if self.span(directions[:size]) > tolerance:
                return size - 1
        return len(directions)


def ellipsoid_limits(forms: LearntForms, fit: LinearFit, level: float) -> EllipsoidLimits:
    """Limits from the confidence ellipsoid of all coefficients, ``R^2 = K F_{K, freedom; 1 - level}``."""
    from scipy.stats import f

    count = len(fit.beta)
    radius = float(count * f.ppf(1 - level, count, fit.freedom)) ** 0.5
    return EllipsoidLimits(forms, fit.beta, fit.root, radius)


def _spectral(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues of ``b^T b`` and ``b^T a`` in its eigenvectors, from singular values of b; kernel left out."""
    left, sizes, _ = torch.linalg.svd(b, full_matrices=False)
    return sizes.square(), sizes * (left.T @ a)


def _divided(pull: Tensor, by: Tensor) -> Tensor:
    """Quotients; 0 / 0 is 0, which is the hard case and the kernel."""
    small = pull.abs() <= _SMALL * pull.abs().amax().clamp_min(1e-300)
    zero = (by <= _SMALL * by.abs().amax().clamp_min(1e-300)) & small
    return torch.where(zero, torch.zeros_like(pull), pull / by.clamp_min(1e-300))


def _root_of(length: Callable[[float], float], low: float, high: float, radius: float) -> float:
    """Where a falling function reaches the radius; bisection, as the secular equation has a pole at one end."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if length(middle) > radius else (low, middle)
    return high


def _ends(part: Tensor, beta: Tensor, root: Tensor, radius: float) -> tuple[float, float]:
    a, b = part @ beta, part @ root
    return smallest_norm(a, b, radius), largest_norm(a, b, radius)


def _stacked(part: Tensor, directions: Tensor) -> Tensor:
    """``theta -> part`` for all directions as one map of the coefficients, `(k * rows, K)`."""
    return torch.einsum("drk,ed->erk", part, directions).flatten(0, 1)


def _radius(part: Tensor, radius: float) -> float:
    return radius * float(torch.linalg.matrix_norm(part, ord=2))


def _quotient(top: float, below: float) -> float:
    return top / below if below > 0 else float("inf")
