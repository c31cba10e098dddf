"""Regression in a linear family that keeps as much of a candidate symmetry as the data allow."""

from __future__ import annotations

import copy
import math
import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..action._action import Action
from ..algebra._lie_algebra import LieAlgebra
from ..core._checks import as_points, require_finite
from ..core._estimator import Estimator
from ..core._linalg import StreamedQR
from ..derivative._elements import difference_maps
from ..derivative._family import FamilyDerivative
from ..dictionary import Dictionary
from ..errors import DataError, SymmetryWarning
from ..symmetry import bars
from ._blocks import Block, Groups, Nuclear
from ._fits import Interpolating, Penalised
from ._readout import Readout, read_kernel, unit_generators
from ._reweight import reweighted
from ._solver import Solution, solve
from ._system import System

if TYPE_CHECKING:
    from ._slopes import Array


class BasisRegression(Estimator):
    """``min_W 1/2 |Phi W^T - y|^2 + weight |D_W|_*`` over functions ``F_W(x) = W phi(x)``.

    The nuclear norm of ``D_W : xi -> L_xi F_W`` over candidate generators is the convex stand-in for the number of
    broken dimensions, so the fit breaks few of them. With ``weight=None`` the data are met exactly and the penalty
    alone is minimised, which recovers functions from fewer samples than terms. The problem is convex; the duality
    gap is computed and decides when to stop.

    Parameters
    ----------
    dictionary : Dictionary
        The functions ``phi``.
    rho_in, rho_out : Action
        Candidate actions of one algebra on points and outputs.
    weight : float, optional
        Of the penalty against half the sum of squares; left out for data without noise. ``path`` tries many.
    measure, points
        The inner product of functions, as in the Lie derivative of a family: ``"fischer"``, ``"cube"``,
        ``"gaussian"`` or ``"samples"`` with points `(batch, n)`.
    metric : str
        ``"trace"``: generators are unit in ``tr(A^T B)``, whatever the basis. ``"basis"``: the given basis is
        declared orthonormal.
    elements : Tensor, optional
        `(count, n, n)` single group elements as further candidates; each adds ``|K_g F - F|`` to the penalty.
    rounds : int
        Of reweighting after the convex fit: each penalises most what the fit before breaks least. The limit is nearer
        to the number of broken dimensions, and recovers from fewer samples, but is no longer a convex problem.
    rank : "gap", int or float
        How the spectrum is cut.
    tolerance : float
        Relative duality gap at which to stop.
    max_iter : int
        Most iterations.

    Attributes
    ----------
    coef_ : Tensor
        `(m, terms)` float64.
    algebra_ : LieAlgebra
        The candidates that the fit keeps, in a sparse basis.
    coefficients_ : Tensor
        `(k, dim)` that basis in the candidates' generators.
    spectrum_ : Tensor
        `(dim,)` descending singular values of ``D_W``.
    status_ : str
        ``"certified"``, ``"undecided"`` or ``"none"``.
    kept_ : Tensor
        `(count,)` which of ``elements`` are symmetries of the fit.
    objective_, gap_ : float
        Value reached, and the relative duality gap: how far above the minimum it can be; with ``rounds``, of the last
        weighted problem.
    n_iter_ : int
        Iterations taken, over all rounds.

    Raises
    ------
    DataError
        If ``weight`` or ``rounds`` is out of range, ``y`` is not finite or does not pair with ``x``, or nothing in it
        breaks a candidate.
    RepresentationMismatchError
        If points do not fit the dictionary.

    References
    ----------
    otto2023unified, mohan2012iterative, xiao2018semismooth

    Examples
    --------
    Two samples determine ``|x|^2`` among ten quadratics, if rotations are candidates:

    >>> import torch, isotropy as iso
    >>> G = iso.so(3)
    >>> x = torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> library = iso.dictionary.polynomials(3, degree=2)
    >>> found = BasisRegression(library, G.vector(), G.scalar()).fit(x, x.square().sum(1))
    >>> found.algebra_.dim, [round(float(c), 6) for c in found.coef_[0, [4, 7, 9]]]
    (3, [1.0, 1.0, 1.0])
    """

    coef_: Tensor
    algebra_: LieAlgebra
    coefficients_: Tensor
    spectrum_: Tensor
    status_: str
    kept_: Tensor
    objective_: float
    gap_: float
    n_iter_: int

    def __init__(
        self,
        dictionary: Dictionary,
        rho_in: Action,
        rho_out: Action,
        *,
        weight: float | None = None,
        measure: str | None = None,
        points: Tensor | None = None,
        metric: str = "trace",
        elements: Tensor | None = None,
        rounds: int = 0,
        rank: str | int | float = "gap",
        tolerance: float = 1e-9,
        max_iter: int = 10000,
    ) -> None:
        self.dictionary = dictionary
        self.rho_in = rho_in
        self.rho_out = rho_out
        self.weight = weight
        self.measure = measure
        self.points = points
        self.metric = metric
        self.elements = elements
        self.rounds = rounds
        self.rank = rank
        self.tolerance = tolerance
        self.max_iter = max_iter

    def fit(self, x: Any, y: Any) -> BasisRegression:
        """Fit points `(batch, n)` to values `(batch,)` or `(batch, m)`."""
        self._prepare(x, y)
        return self._solve(None)

    def path(self, x: Any, y: Any, count: int = 20, smallest: float = 1e-3) -> list[BasisRegression]:
        """Fits for weights from ``largest_weight`` down to ``smallest`` times it, equal on a log scale.

        Every fit starts from the one before. At the first weight all candidates are kept.
        """
        self._prepare(x, y)
        largest = self._system.largest_weight()
        if not largest > 0:
            raise DataError("y: expected values that break some candidate, received none that do; fit without a path")
        fits: list[BasisRegression] = []
        for i in range(count):
            one = copy.copy(self)
            one.weight = largest * smallest ** (i / max(1, count - 1))
            fits.append(one._solve(fits[-1]._solution if fits else None))
        return fits

    def largest_weight(self, x: Any, y: Any) -> float:
        """A weight from which on nothing is broken: the fit is least squares among fully symmetric functions."""
        probe = copy.copy(self)
        probe._prepare(x, y)
        return probe._system.largest_weight()

    def predict(self, x: Any) -> Tensor:
        """Values `(batch,)` or `(batch, m)`, shaped as ``y`` was, in the dtype of ``x``."""
        coef = self.coef_  # before anything else, so that an unfitted estimator says so
        points = as_points(x, "x", (self.dictionary.size,))
        values = self.dictionary.evaluate(points.to("cpu", torch.float64)) @ coef.T
        return (values[:, 0] if self._flat else values).to(points)

    def enforced(self) -> BasisRegression:
        """The same data refitted by least squares, with what this fit keeps as a hard constraint.

        The nuclear norm shrinks the broken directions too; this takes the shrinkage back.
        """
        found = self.coefficients_
        family, system = self._family, self._system
        streamed = StreamedQR(family.columns)
        for row in found:
            streamed.update(family.combined(row))
        for index in torch.nonzero(self.kept_).flatten():
            streamed.update(difference_maps(family, self._elements[index : index + 1])[0])
        one = copy.copy(self)
        w = system.least_squares(self._allowed(streamed.R).numpy())
        one._finish(w, one._floor)
        residual = system.target - system.design @ w
        one.objective_, one.gap_, one.n_iter_ = 0.5 * float(residual @ residual), 0.0, 0
        return one

    def _allowed(self, constraint: Tensor) -> Tensor:
        """Orthonormal columns of the functions on which the constraints vanish, to the accuracy of the kernel."""
        _, sizes, axes = torch.linalg.svd(constraint, full_matrices=True)
        padded = torch.cat([sizes, sizes.new_zeros(len(axes) - len(sizes))])
        learnt = bars.KEPT_RESIDUALS * self._readout.cut.residual
        inexact = max(bars.LOOSEST_ZERO, bars.SOLVER_MARGIN * self._floor, learnt)
        threshold = inexact * float(padded.amax())
        return axes[padded <= threshold].T

    def _prepare(self, x: Any, y: Any) -> None:
        """Check the data and set up the convex problem."""
        points = as_points(x, "x", (self.dictionary.size,)).detach().to("cpu", torch.float64)
        values = require_finite(torch.as_tensor(y).detach().to("cpu", torch.float64), "y")
        self._flat = values.ndim == 1
        columns = values[:, None] if self._flat else values
        if columns.shape != (len(points), self.rho_out.size):
            raise DataError(
                f"y: expected {len(points)} rows of {self.rho_out.size} outputs (those of rho_out), received shape "
                f"{tuple(values.shape)}; match them"
            )
        if self.weight is not None and not (0 < self.weight < math.inf):
            raise DataError(
                f"weight: expected a positive number, or None to meet the data exactly, received {self.weight}"
                "; use path() to choose one"
            )
        if not isinstance(self.rounds, int) or self.rounds < 0:
            raise DataError(
                f"rounds: expected a number of rounds from 0, received {self.rounds}; use 0 for the convex fit"
            )
        self._family = FamilyDerivative(self.dictionary, self.rho_in, self.rho_out, self.measure, self.points)
        self._units = unit_generators(self.rho_in, self.metric)
        self._elements = _as_elements(self.elements, self._family)
        self._system = self._written(self.dictionary.evaluate(points), columns)

    def _written(self, phi: Tensor, y: Tensor) -> System:
        from scipy.sparse import csr_array, eye_array, kron, vstack

        family = self._family
        maps: list[Any] = [(kron(csr_array(self._units.numpy()), eye_array(family.rows)) @ family.stacked).tocsr()]
        blocks: list[Block] = [Nuclear(family.dim, family.rows)]
        if len(self._elements):
            differences = difference_maps(family, self._elements)
            maps.append(csr_array(differences.reshape(-1, family.columns).numpy()))
            blocks.append(Groups(*differences.shape[:2]))
        unit = torch.eye(family.outputs, dtype=torch.float64)
        design, target = torch.kron(unit, phi.contiguous()).numpy(), y.T.reshape(-1).numpy()
        return System(design, target, vstack(maps, format="csr"), blocks)

    def _solve(self, start: Solution | None) -> BasisRegression:
        first = self._minimum(self._system, start)
        system, found, iterations = self._system, first, first.iterations
        for _ in range(self.rounds):
            system = reweighted(self._system, found)
            found = self._minimum(system, None)
            iterations += found.iterations
        self._solution = first
        noise = system.image(found.coefficients) - found.split
        self._finish(found.coefficients, math.sqrt(noise @ noise))
        self.objective_, self.gap_, self.n_iter_ = found.objective, found.gap, iterations
        return self

    def _minimum(self, system: System, start: Solution | None) -> Solution:
        """Solve one convex problem, with a warning if it took too long."""
        fit = Interpolating(system) if self.weight is None else Penalised(system, self.weight)
        found = solve(system, fit, self.tolerance, self.max_iter, start)
        if found.gap > self.tolerance:
            warnings.warn(
                SymmetryWarning(
                    f"expected a relative duality gap of {self.tolerance:.1g}, received {found.gap:.1g} after "
                    f"{found.iterations} iterations; raise max_iter or tolerance"
                ),
                stacklevel=4,
            )
        return found

    def _finish(self, w: Array, distance: float) -> None:
        """Read off what is kept; ``distance`` of the image to a copy with exact zeros is the solver's noise."""
        system, family = self._system, self._family
        parts = system.parts(system.image(w))
        scale = system.reach(w)
        self._floor = max(distance / scale, bars.SOLVER_FLOOR) if scale > 0 else bars.SOLVER_FLOOR
        factor = torch.from_numpy(parts[0]).reshape(family.dim, family.rows).T
        zero = max(bars.SOLVER_MARGIN * self._floor, bars.LOOSEST_ZERO)
        read = read_kernel(self.rho_in, factor, self._units, scale, floor=self._floor, rank=self.rank, tolerance=zero)
        self.coef_ = torch.from_numpy(w).reshape(family.outputs, -1)
        self.spectrum_, self.status_ = read.spectrum, read.status
        self.algebra_, self.coefficients_ = read.algebra, read.coefficients
        self._readout: Readout = read
        lengths = system.blocks[1].spectrum(parts[1])[0] if len(self._elements) else w[:0]
        zero = max(bars.KEPT_ELEMENT * distance, bars.LOOSEST_ZERO * math.sqrt(w @ w))
        self.kept_ = torch.from_numpy(lengths <= zero)


def _as_elements(elements: Any, family: FamilyDerivative) -> Tensor:
    size = family.dictionary.size
    if elements is None:
        return torch.zeros(0, size, size, dtype=torch.float64)
    stack = require_finite(torch.as_tensor(elements).detach().to("cpu", torch.float64), "elements")
    if stack.ndim != 3 or stack.shape[1] != stack.shape[2]:
        raise DataError(f"elements: expected shape (count, n, n), received {tuple(stack.shape)}; stack square matrices")
    return stack
