"""Convex regression with a penalty on how much symmetry is broken, by the alternating direction method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor

from ..errors import DataError
from ._blocks import Block

_RELAXATION = 1.6  # of the splitting; 1 is the plain method
_CHECKED = 10  # iterations between two looks at the duality gap
_MEMORY, _EVERY = 10, 5  # residuals that an extrapolation sees, and iterations between two
_DAMPING = 1e-10  # relative, of the extrapolation's small linear system
_WORSE = 100.0  # growth of the residual at which an extrapolation is taken back
_SMALL = 1e-3  # of the size an objective may have; the gap of one below it is relative to that
_SINGULAR = 1e-12  # relative eigenvalue below which a direction is seen neither by data nor by penalty
_DEPENDENT = 1e-10  # relative singular value below which samples repeat one another
_DENSE = 250_000  # entries of the maps up to which a dense product costs less than the overhead of a sparse one
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
        return torch.from_numpy(self.maps @ w.numpy()) if self._dense is None else self._dense @ w

    def pull(self, image: Tensor) -> Tensor:
        """``A^T z``."""
        return torch.from_numpy(self._transposed @ image.numpy()) if self._dense is None else image @ self._dense

    @cached_property
    def _dense(self) -> Tensor | None:
        rows, columns = self.maps.shape
        return torch.from_numpy(self.maps.toarray()) if rows * columns <= _DENSE else None

    @cached_property
    def _transposed(self) -> Any:
        return self.maps.T.tocsr()

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
        if len(self.blocks) == 1:
            return self.blocks[0].shrink(image, threshold)
        pairs = zip(self.blocks, self.parts(image), strict=True)
        return torch.cat([block.shrink(part, threshold) for block, part in pairs])

    def gram(self) -> Tensor:
        """``A^T A``, dense."""
        return torch.from_numpy((self.maps.T @ self.maps).toarray())

    def reach(self, w: Tensor) -> float:
        """Size of the image if no terms cancelled."""
        return float(torch.from_numpy(abs(self.maps) @ w.abs().numpy()).norm())

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
    size: float  # of the objective, if nothing fitted and nothing cancelled

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
        self.size = 0.5 * float(system.target @ system.target)
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
        solution, free = interpolants(system.design, system.target)
        misfit = float((system.design @ solution - system.target).norm())
        if misfit > _MISFIT * float(system.target.norm()):
            raise DataError(
                "y: expected values that the dictionary meets exactly, received a least residual of "
                f"{misfit / float(system.target.norm()):.2g} of their size; give a positive weight for noisy data"
            )
        inner = torch.linalg.pinv(free.T @ system.gram() @ free, rtol=_SINGULAR, hermitian=True)
        self.solve = free @ inner @ free.T
        self.start = solution - self.solve @ system.pull(system.image(solution))
        self.size = system.reach(self.start)

    def update(self, pulled: Tensor, step: float) -> Tensor:
        """The point of the affine space of interpolants whose image lies nearest."""
        return self.start + self.solve @ pulled

    def values(self, w: Tensor, dual: Tensor) -> tuple[float, float]:
        """Primal and dual values; the dual image is scaled until it is feasible."""
        image = self.system.image(w)
        return self.system.norm(image), float(dual @ image) / max(self.system.dual(dual), 1e-300)


def solve(system: System, fit: Fit, tolerance: float, most: int, start: Solution | None = None) -> Solution:
    """Alternate between data and penalty until the duality gap is at most ``tolerance`` of the objective.

    The fixed-point map of the splitting is extrapolated by Anderson's method. A lower bound belongs to every
    iterate: the data's step leaves a dual image that balances the slope exactly, and scaling makes it feasible.
    """
    with torch.inference_mode():  # less overhead on small problems; what leaves is copied out of it
        found = _iterate(system, fit, tolerance, most, start)
    copies = {name: getattr(found, name).clone() for name in ("coefficients", "split", "dual")}
    return replace(found, **copies)


def _iterate(system: System, fit: Fit, tolerance: float, most: int, start: Solution | None) -> Solution:
    point, step = _begin(system, fit) if start is None else (start.split + start.dual / start.step, start.step)
    memory, iteration, scale = _Memory(len(point)), 0, _SMALL * fit.size
    while True:
        iteration += 1
        z = system.shrink(point, fit.weight / step)
        w = fit.update(system.pull(2 * z - point), step)
        image = system.image(w)
        if iteration % _CHECKED == 0 or iteration >= most:
            primal, bound = fit.values(w, step * (image - 2 * z + point))
            gap = max(primal - bound, 0.0) / max(abs(primal), scale, 1e-300)
            if gap <= tolerance or iteration >= most:
                return Solution(w, z, step * (point - z), step, primal, gap, iteration)
        point = memory.extrapolate(point, _RELAXATION * (image - z))


class _Memory:
    """Anderson's extrapolation of a fixed-point iteration from its last residuals."""

    def __init__(self, size: int) -> None:
        self.points = torch.empty(_MEMORY, size, dtype=torch.float64)
        self.residuals = torch.empty(_MEMORY, size, dtype=torch.float64)
        self.rounds, self.count, self.best = 0, 0, math.inf  # count: of pairs written down since the last start
        self.plain: Tensor | None = None  # where the last extrapolation would have gone without memory

    def extrapolate(self, point: Tensor, residual: Tensor) -> Tensor:
        """The next point: every few rounds the combination of past ones whose residual is least, else a plain step."""
        size = float(residual.norm())
        back, self.plain = self.plain, None
        if back is not None and size > _WORSE * self.best:  # the last extrapolation led astray
            self.count, self.best = 0, math.inf
            return back
        self.best = min(self.best, size)
        self.rounds += 1
        step = point + residual
        if self.rounds % _EVERY == 0 and self.count > 1:
            self.plain = step
            step = step - self._combination(point, residual)
        self.points[self.count % _MEMORY] = point
        self.residuals[self.count % _MEMORY] = residual
        self.count += 1
        return step

    def _combination(self, point: Tensor, residual: Tensor) -> Tensor:
        """The move whose residual, if all were linear, is the given one."""
        known = min(self.count, _MEMORY)
        changes = residual - self.residuals[:known]
        gram = changes @ changes.T
        gram.diagonal().add_(_DAMPING * gram.trace())
        shares = torch.linalg.solve(gram, changes @ residual)
        return shares @ (point - self.points[:known] + changes)


def _begin(system: System, fit: Fit) -> tuple[Tensor, float]:
    """The image of the plain fit, and a step whose threshold is a tenth of its largest singular value."""
    w = fit.update(torch.zeros(system.maps.shape[1], dtype=torch.float64), 1.0)
    image = system.image(w)
    largest = max(system.dual(image), _SMALL * system.reach(w))
    return image, 10 * fit.weight / largest if largest > 0 else 1.0


def interpolants(design: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The least-norm solution of ``design w = target``, and orthonormal columns that may be added to it."""
    u, sizes, vh = torch.linalg.svd(design, full_matrices=design.shape[0] < design.shape[1])
    rank = int((sizes > _DEPENDENT * sizes[:1]).sum())
    return vh[:rank].T @ (u[:, :rank].T @ target / sizes[:rank]), vh[rank:].T


def null_space(gram: Tensor) -> Tensor:
    """Orthonormal columns on which a positive matrix vanishes."""
    sizes, axes = torch.linalg.eigh(gram)
    return axes[:, sizes <= _SINGULAR * sizes[-1].clamp_min(1e-300)]


def least_squares(system: System, free: Tensor) -> Tensor:
    """Least squares of the data over the span of orthonormal columns ``free``."""
    inner = torch.linalg.lstsq(system.design @ free, system.target[:, None], driver="gelsd").solution[:, 0]
    return free @ inner
