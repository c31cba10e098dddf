"""The data's side of the splitting: a quadratic in few coordinates, in which data and penalty are diagonal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..symmetry import bars
from ._system import System

if TYPE_CHECKING:
    from ._slopes import Array

_SINGULAR = 1e-12  # relative eigenvalue below which a direction is seen neither by data nor by penalty
_DEPENDENT = 1e-10  # relative pivot below which samples repeat one another


class Fit:
    """``w = start + basis c``, where the data ask for small ``1/2 c . (stiffness c) - slope . c``.

    Attributes
    ----------
    system : System
        Data and penalty.
    weight : float
        Of the penalty.
    size : float
        Of the objective, if nothing fitted and nothing cancelled.
    start, basis : array
        `(columns,)` and `(columns, count)`.
    slope, stiffness : array
        `(count,)` of the data.
    lengths : array
        `(count,)` with ``|A basis c|^2 = sum lengths c^2``; the image of ``start`` is orthogonal to these.
    """

    system: System
    weight: float
    size: float
    start: Array
    basis: Array
    slope: Array
    stiffness: Array
    lengths: Array

    def nearest(self, image: Array, step: float) -> Array:
        """Coefficients that fit the data and lie near an image ``v``: ``argmin f(w) + step/2 |A w - v|^2``."""
        pulled = self.system.pull(image) @ self.basis
        c = (self.slope + step * pulled) / (self.stiffness + step * self.lengths)
        return self.start + self.basis @ c

    def values(self, w: Array, image: Array, dual: Array) -> tuple[float, float]:
        """Objective at ``w``, whose image is given, and the lower bound by a dual that balances the data's slope."""
        raise NotImplementedError


class Penalised(Fit):
    """``1/2 |Theta w - y|^2 + weight |A w|``; one eigendecomposition serves every weight and step."""

    def __init__(self, system: System, weight: float) -> None:
        import numpy as np

        self.system = system
        self.weight = weight
        self.size = 0.5 * float(system.target @ system.target)
        data, penalty = system.design.T @ system.design, system.gram().toarray()
        scale = float(data.trace() / max(penalty.trace(), 1e-300)) or 1.0
        sizes, axes = np.linalg.eigh(data + scale * penalty)
        kept = sizes > _SINGULAR * sizes[-1]
        white = axes[:, kept] / np.sqrt(sizes[kept])
        shares, rotation = np.linalg.eigh(white.T @ (scale * penalty) @ white)
        self.start, self.basis = np.zeros(len(data)), white @ rotation
        self.slope = system.target @ system.design @ self.basis
        self.stiffness, self.lengths = 1 - shares, shares / scale

    def values(self, w: Array, image: Array, dual: Array) -> tuple[float, float]:
        """Primal and dual values; the dual image is scaled until it is feasible."""
        residual = self.system.target - self.system.design @ w
        along, square = float(residual @ self.system.target), float(residual @ residual)
        primal = 0.5 * square + self.weight * self.system.norm(image)
        largest = self.weight / max(self.system.dual(dual), 1e-300)
        scale = min(largest, along / square) if square > 0 else 0.0
        return primal, scale * along - 0.5 * scale**2 * square


class Interpolating(Fit):
    """``|A w|`` subject to ``Theta w = y``: for data without noise."""

    weight = 1.0

    def __init__(self, system: System) -> None:
        import numpy as np

        self.system = system
        solution, free = interpolants(system.design, system.target)
        misfit = float(np.linalg.norm(system.design @ solution - system.target))
        if misfit > bars.MOST_MISFIT * float(np.linalg.norm(system.target)):
            raise DataError(
                "y: expected values that the dictionary meets exactly, received a residual of "
                f"{misfit / float(np.linalg.norm(system.target)):.2g} of their size (at most "
                f"{bars.MOST_MISFIT:g}); give a positive weight for noisy data"
            )
        self.basis = _whitened(free, system.gram())
        self.start = solution - self.basis @ (system.pull(system.image(solution)) @ self.basis)
        self.size = system.reach(self.start)
        self.slope = self.stiffness = np.zeros(self.basis.shape[1])
        self.lengths = np.ones(self.basis.shape[1])

    def values(self, w: Array, image: Array, dual: Array) -> tuple[float, float]:
        """Primal and dual values; the dual image is scaled until it is feasible."""
        return self.system.norm(image), float(dual @ image) / max(self.system.dual(dual), 1e-300)


def interpolants(design: Array, target: Array) -> tuple[Array, Array]:
    """A solution of ``design w = target``, and orthonormal columns that may be added to it."""
    import numpy as np
    from scipy.linalg import qr, solve_triangular

    factors: Any = qr(design.T, pivoting=True)
    axes, triangle, order = factors
    pivots = abs(triangle.diagonal())
    rank = int((pivots > _DEPENDENT * pivots[:1]).sum())
    inner = solve_triangular(triangle[:rank, :rank], target[order[:rank]], trans=1) if rank else np.zeros(0)
    return axes[:, :rank] @ inner, axes[:, rank:]


def _whitened(free: Array, gram: Any) -> Array:
    """Columns of the span of ``free``, orthonormal in ``gram``; those that depend on others in it are left out."""
    from scipy.linalg import solve_triangular
    from scipy.linalg.lapack import dpstrf  # type: ignore[attr-defined]

    inner = free.T @ (gram @ free)
    factor, order, rank, _ = dpstrf(inner, tol=_SINGULAR * inner.diagonal().max(initial=0.0))
    chosen = free[:, order[:rank] - 1]
    return solve_triangular(factor[:rank, :rank], chosen.T, trans=1).T
