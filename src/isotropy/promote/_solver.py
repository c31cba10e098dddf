"""Convex regression with a penalty on how much symmetry is broken, by the alternating direction method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from ..errors import DataError
from ._blocks import Block

_RELAXATION = 1.6  # of the splitting; 1 is the plain method
_CHECKED = 10  # iterations between two looks at the duality gap
_BALANCE = 4.0  # ratio of the residuals at which the step is changed
_SINGULAR = 1e-12  # relative eigenvalue below which a direction is seen neither by data nor by penalty
_MISFIT = 1e-7  # relative residual above which data cannot be met


@dataclass(frozen=True)
class System:
    """Data and penalty of one regression.

    Attributes
    ----------
    design : Tensor
        ``Theta`` `(rows, columns)`.
    target : Tensor
        ``y`` `(rows,)`.
    maps : scipy sparse array
        ``A`` `(image, columns)`: the parts of the penalty, one below another.
    blocks : sequence of Block
        The norms of these parts, in order.
    """

    design: Tensor
    target: Tensor
    maps: Any
    blocks: Sequence[Block]

    def image(self, w: Tensor) -> Tensor:
        """``A w``."""
        return torch.from_numpy(self.maps @ w.numpy())

    def pull(self, image: Tensor) -> Tensor:
        """``A^T z``."""
        return torch.from_numpy(self.maps.T @ image.numpy())

    def parts(self, image: Tensor) -> list[Tensor]:
        """The image of each block."""
        return list(image.split([block.size for block in self.blocks]))

    def norm(self, image: Tensor) -> float:
        """The penalty of an image."""
        return sum(block.norm(part) for block, part in zip(self.blocks, self.parts(image), strict=True))

    def dual(self, image: Tensor) -> float:
        """The dual of the penalty."""
        return max((b.dual(part) for b, part in zip(self.blocks, self.parts(image), strict=True)), default=0.0)

    def shrink(self, image: Tensor, threshold: float) -> Tensor:
        """The proximal map of the penalty."""
        pairs = zip(self.blocks, self.parts(image), strict=True)
        return torch.cat([block.shrink(part, threshold) for block, part in pairs])

    def gram(self) -> Tensor:
        """``A^T A``, dense."""
        return torch.from_numpy((self.maps.T @ self.maps).toarray())

    def limit_fit(self) -> Tensor:
        """Least squares among the functions that nothing breaks, ``A w = 0``: the end of every path."""
        return least_squares(self, null_space(self.gram()))

    def largest_weight(self) -> float:
        """A weight from which on the fully symmetric fit is optimal.

        The dual norm of the least-Frobenius ``Z`` with ``A^T Z = Theta^T (y - Theta w)``: an upper bound of the
        smallest such weight, within a factor of the image's rank.
        """
        slope = self.design.T @ (self.target - self.design @ self.limit_fit())
        inverse = torch.linalg.pinv(self.gram(), rtol=_SINGULAR, hermitian=True)
        return self.dual(self.image(inverse @ slope))


@dataclass(frozen=True)
class Solution:
    """Where the method stopped.

    Attributes
    ----------
    coefficients : Tensor
        ``w`` `(columns,)`.
    split : Tensor
        The shrunken copy of ``A w``, whose zeros are exact.
    dual : Tensor
        A dual image, to start the next solve from.
    step : float
        The step in use at the end.
    objective, gap : float
        Value reached, and how far above the minimum it can be, relative to the value.
    iterations : int
        Number of iterations.
    """

    coefficients: Tensor
    split: Tensor
    dual: Tensor
    step: float
    objective: float
    gap: float
    iterations: int


class Fit(Protocol):
    """The data's side of the splitting."""

    weight: float

    def update(self, pulled: Tensor, step: float) -> Tensor:
        """Coefficients that fit the data and lie near the copy: ``argmin f(w) + step/2 |A w - v|^2``."""
        ...

    def values(self, w: Tensor, dual: Tensor) -> tuple[float, float]:
        """Objective at ``w`` and the dual bound by a dual image that balances the data's slope."""
        ...


class Penalised:
    """``1/2 |Theta w - y|^2 + weight |A w|``; one eigendecomposition serves every weight and step."""

    def __init__(self, system: System, weight: float) -> None:
        self.system = system
        self.weight = weight
        self.slope = system.design.T @ system.target
        data, penalty = system.design.T @ system.design, system.gram()
        self.scale = float(data.trace() / penalty.trace().clamp_min(1e-300)) or 1.0
        sizes, axes = torch.linalg.eigh(data + self.scale * penalty)
        kept = sizes > _SINGULAR * sizes[-1]
        white = axes[:, kept] / sizes[kept].sqrt()
        self.shares, rotation = torch.linalg.eigh(white.T @ (self.scale * penalty) @ white)
        self.basis = white @ rotation

    def update(self, pulled: Tensor, step: float) -> Tensor:
        """``(Theta^T Theta + step A^T A)^-1 (Theta^T y + step A^T v)``."""
        weights = 1 / (1 - self.shares + (step / self.scale) * self.shares)
        return self.basis @ (weights * (self.basis.T @ (self.slope + step * pulled)))

    def values(self, w: Tensor, dual: Tensor) -> tuple[float, float]:
        """Primal and dual values; the dual image is scaled until it is feasible."""
        residual = self.system.target - self.system.design @ w
        primal = 0.5 * float(residual @ residual) + self.weight * self.system.norm(self.system.image(w))
        along, square = float(residual @ self.system.target), float(residual @ residual)
        largest = self.weight / max(self.system.dual(dual), 1e-300)
        scale = min(largest, along / square) if square > 0 else 0.0
        return primal, scale * along - 0.5 * scale**2 * square


class Interpolating:
    """``|A w|`` subject to ``Theta w = y``: for data without noise."""

    weight = 1.0

    def __init__(self, system: System) -> None:
        self.system = system
        solution = torch.linalg.lstsq(system.design, system.target[:, None], driver="gelsd").solution[:, 0]
        misfit = float((system.design @ solution - system.target).norm())
        if misfit > _MISFIT * float(system.target.norm()):
            raise DataError(
                "y: expected values that the dictionary meets exactly, received a least residual of "
                f"{misfit / float(system.target.norm()):.2g} of their size; give a positive weight for noisy data"
            )
        free = null_space(system.design.T @ system.design)
        inner = torch.linalg.pinv(free.T @ system.gram() @ free, rtol=_SINGULAR, hermitian=True)
        self.solve = free @ inner @ free.T
        self.start = solution - self.solve @ system.pull(system.image(solution))

    def update(self, pulled: Tensor, step: float) -> Tensor:
        """The point of the affine space of interpolants whose image lies nearest."""
        return self.start + self.solve @ pulled

    def values(self, w: Tensor, dual: Tensor) -> tuple[float, float]:
        """Primal and dual values; the dual image is scaled until it is feasible."""
        image = self.system.image(w)
        return self.system.norm(image), float(dual @ image) / max(self.system.dual(dual), 1e-300)


def solve(system: System, fit: Fit, tolerance: float, most: int, start: Solution | None = None) -> Solution:
    """Alternate between data and penalty until the duality gap is at most ``tolerance`` of the objective.

    A lower bound belongs to every iterate: the data's step leaves a dual image that balances the slope exactly,
    and scaling makes it feasible.
    """
    w = fit.update(torch.zeros(system.maps.shape[1], dtype=torch.float64), 1.0) if start is None else None
    z, dual, step = _begin(system, fit, w) if start is None else (start.split, start.dual, start.step)
    state = _State(z, dual, step)
    best: tuple[float, float, Tensor] = (math.inf, math.inf, z)
    iteration = 0
    while iteration < most:
        iteration += 1
        w, balanced = state.advance(system, fit, iteration)
        if iteration % _CHECKED and iteration < most:
            continue
        primal, bound = fit.values(w, balanced)
        gap = (primal - bound) / max(abs(primal), 1e-300)
        best = (primal, gap, w)
        if gap <= tolerance or primal <= 1e-14 * float(system.target.norm()):
            break
    return Solution(best[2], state.z, state.dual, state.step, best[0], max(best[1], 0.0), iteration)


class _State:
    """Copy, dual image and step of the splitting."""

    def __init__(self, z: Tensor, dual: Tensor, step: float) -> None:
        self.z, self.dual, self.step = z, dual, step

    def advance(self, system: System, fit: Fit, iteration: int) -> tuple[Tensor, Tensor]:
        """One round; returns the coefficients and a dual image that balances the slope of the data there."""
        w = fit.update(system.pull(self.z - self.dual / self.step), self.step)
        image = system.image(w)
        balanced = self.dual + self.step * (image - self.z)
        relaxed = _RELAXATION * image + (1 - _RELAXATION) * self.z
        old = self.z
        self.z = system.shrink(relaxed + self.dual / self.step, fit.weight / self.step)
        self.dual = self.dual + self.step * (relaxed - self.z)
        if iteration % _CHECKED == 0 and iteration <= 40 * _CHECKED:  # a step that never rests may never converge
            self._balance(float((image - self.z).norm()), self.step * float((self.z - old).norm()), image)
        return w, balanced

    def _balance(self, primal: float, dual: float, image: Tensor) -> None:
        """Keep the relative residuals of both sides alike."""
        first = primal / max(float(image.norm()), float(self.z.norm()), 1e-300)
        second = dual / max(float(self.dual.norm()), 1e-300)
        if first > _BALANCE * second:
            self.step *= 2.0
        elif second > _BALANCE * first:
            self.step /= 2.0


def _begin(system: System, fit: Fit, w: Tensor | None) -> tuple[Tensor, Tensor, float]:
    """Zero dual, and a step whose threshold is a tenth of the largest singular value at the plain fit."""
    image = system.image(w) if w is not None else torch.zeros(system.maps.shape[0], dtype=torch.float64)
    largest = system.dual(image)
    step = 10 * fit.weight / largest if largest > 0 else 1.0
    return image, torch.zeros_like(image), step


def null_space(gram: Tensor) -> Tensor:
    """Orthonormal columns on which a positive matrix vanishes."""
    sizes, axes = torch.linalg.eigh(gram)
    return axes[:, sizes <= _SINGULAR * sizes[-1].clamp_min(1e-300)]


def least_squares(system: System, free: Tensor) -> Tensor:
    """Least squares of the data over the span of orthonormal columns ``free``."""
    inner = torch.linalg.lstsq(system.design @ free, system.target[:, None], driver="gelsd").solution[:, 0]
    return free @ inner
