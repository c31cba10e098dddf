"""Regression on a dictionary under a symmetry that holds exactly, afterwards, or nearly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..action._action import Action
from ..core import bars as cuts
from ..core._checks import as_points, require_finite
from ..core._estimator import Estimator
from ..dictionary import Dictionary
from ..errors import DataError
from ..symmetry import bars
from ._functions import FunctionBasis, _written, equivariant_functions, require_some

_KINDS = ("hard", "projected", "soft")


class BasisRegression(Estimator):
    """Least squares for ``F(x) = W phi(x)`` with ``L_xi F = 0``.

    Parameters
    ----------
    dictionary : Dictionary
        Functions to combine.
    rho_in, rho_out : Action
        Actions of one algebra on inputs and, linearly, on outputs; representations of a ``MatrixGroup`` bring their
        components along.
    constraint : "hard", "projected" or "soft"
        Fit inside the kernel of the Lie derivative; or fit freely and project onto it; or add
        ``weight * sum_xi |L_xi F|^2``, with functions measured by ``measure``, to the mean squared error.
    weight : float
        Of the soft penalty.
    components : array_like, optional
        `(k, n, n)` one group element of each further component.
    rank : "gap", int or float
        How to cut the spectrum of the constraints.
    measure : str, optional
        Inner product of functions, see ``FamilyDerivative``; ``"samples"`` takes the inputs of ``fit``.

    Attributes
    ----------
    coef_ : Tensor
        `(m, terms)`.
    basis_ : FunctionBasis
        All equivariant functions in the dictionary.
    spectrum_ : Tensor
        Of the constraints, see ``FunctionBasis``.

    References
    ----------
    otto2023unified

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> G = iso.so(2)
    >>> x = torch.randn(30, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> model = BasisRegression(iso.dictionary.polynomials(2, degree=2), G.vector(), G.scalar())
    >>> model.fit(x, 1 + 3 * x.square().sum(1)).equations()
    ['3 x^2 + 3 y^2 + 1']
    """

    coef_: Tensor
    basis_: FunctionBasis
    spectrum_: Tensor

    def __init__(
        self,
        dictionary: Dictionary,
        rho_in: Action,
        rho_out: Action,
        *,
        constraint: str = "hard",
        weight: float = 1.0,
        components: Any = None,
        rank: str | int | float = "gap",
        measure: str | None = None,
    ) -> None:
        self.dictionary = dictionary
        self.rho_in = rho_in
        self.rho_out = rho_out
        self.constraint = constraint
        self.weight = weight
        self.components = components
        self.rank = rank
        self.measure = measure

    def fit(self, x: Any, y: Any, equalities: tuple[Any, Any] | None = None) -> BasisRegression:
        """Fit inputs `(S, n)` and outputs `(S, m)`, or `(S,)` for one output.

        ``equalities`` `(A, b)` with ``A`` `(c, m * terms)` adds known facts ``A w = b`` about the coefficients, hard
        only.

        Raises
        ------
        DataError
            If shapes do not fit, nothing but zero is equivariant, or the equalities contradict the symmetry or one
            another.
        """
        self._check_options(equalities)
        points = as_points(x, "x", self.rho_in.event).detach().to("cpu", torch.float64)
        targets = _targets(y, len(points), self.rho_out.size)
        self.basis_ = require_some(self._basis(points))
        self.spectrum_ = self.basis_.spectrum
        design = _design(self.dictionary.evaluate(points), self.rho_out.size)
        flat = self._solve(design, targets.reshape(-1), equalities)
        self.coef_ = flat.reshape(self.rho_out.size, -1)
        self.single_ = torch.as_tensor(y).ndim == 1
        return self

    def predict(self, x: Any) -> Tensor:
        """``W phi(x)`` `(S, m)`, or `(S,)` if ``fit`` was given that; differentiable by torch."""
        points = as_points(x, "x", self.rho_in.event)
        values = self.dictionary.evaluate(points) @ self.coef_.to(points).T
        return values[:, 0] if self.single_ else values

    def score(self, x: Any, y: Any) -> float:
        """Coefficient of determination over all outputs."""
        values = self.predict(x).detach().to("cpu", torch.float64).reshape(len(x), -1)
        targets = _targets(y, len(values), self.rho_out.size)
        return 1.0 - float((targets - values).square().sum() / (targets - targets.mean(0)).square().sum())

    def equations(self, coordinates: Sequence[str] | None = None, digits: int = 3) -> list[str]:
        """Write every output."""
        names = self.dictionary.names(coordinates)
        kept = torch.where(self.coef_.abs() < 1e-9 * self.coef_.abs().amax(), 0.0, self.coef_)
        order = sorted(range(len(names)), key=lambda i: names[i] == "1")
        return [_written(row[order], [names[i] for i in order], digits) for row in kept]

    def _basis(self, points: Tensor) -> FunctionBasis:
        return equivariant_functions(
            self.dictionary,
            self.rho_in,
            self.rho_out,
            components=self.components,
            rank=self.rank,
            measure=self.measure,
            points=points if self.measure == "samples" else None,
        )

    def _solve(self, design: Tensor, targets: Tensor, equalities: tuple[Any, Any] | None) -> Tensor:
        """Coefficients `(m * terms,)`."""
        null = self.basis_.coefficients.flatten(1)
        if self.constraint == "projected":
            return null.T @ (null @ _least_squares(design, targets))
        if self.constraint == "soft":
            root = (self.weight * len(design) / self.rho_out.size) ** 0.5
            penalty = root * self.basis_.constraints
            return _least_squares(torch.cat([design, penalty]), torch.cat([targets, targets.new_zeros(len(penalty))]))
        start, free = torch.zeros_like(null[0]), null
        if equalities is not None:
            start, free = _feasible(null, *equalities)
        return start + free.T @ _least_squares(design @ free.T, targets - design @ start)

    def _check_options(self, equalities: tuple[Any, Any] | None) -> None:
        if self.constraint not in _KINDS:
            raise DataError(f"constraint: expected one of {_KINDS}, received {self.constraint!r}; use 'hard' if unsure")
        if self.weight < 0:
            raise DataError(f"weight: expected a number >= 0, received {self.weight}; use 0 for no penalty")
        if equalities is not None and self.constraint != "hard":
            raise DataError(
                f"equalities: expected constraint 'hard' with them, received {self.constraint!r}; leave one of them out"
            )


def _targets(y: Any, count: int, outputs: int) -> Tensor:
    values = torch.as_tensor(y).detach().to("cpu", torch.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.shape != (count, outputs):
        raise DataError(
            f"y: expected shape ({count}, {outputs}), one row per row of x and one column per output of rho_out, "
            f"received {tuple(values.shape)}; match them"
        )
    return require_finite(values, "y")


def _design(phi: Tensor, outputs: int) -> Tensor:
    """Matrix `(S * m, m * terms)` from values `(S, terms)`."""
    return torch.einsum("bp,oq->boqp", phi, torch.eye(outputs, dtype=phi.dtype)).flatten(2).flatten(0, 1)


def _least_squares(design: Tensor, targets: Tensor) -> Tensor:
    """The shortest minimiser, columns of one size."""
    scale = torch.linalg.vector_norm(design, dim=0)
    unit = torch.where(scale > 0, scale, torch.ones_like(scale))
    return torch.linalg.lstsq(design / unit, targets[:, None], driver="gelsd").solution[:, 0] / unit


def _feasible(null: Tensor, matrix: Any, values: Any) -> tuple[Tensor, Tensor]:
    """A solution of ``A w = b`` in the kernel `(k, N)`, and a basis of the kernel's part with ``A w = 0``."""
    a = torch.as_tensor(matrix, dtype=torch.float64)
    b = torch.as_tensor(values, dtype=torch.float64)
    if a.ndim != 2 or a.shape[1] != null.shape[1] or b.shape != a.shape[:1]:
        raise DataError(
            f"equalities: expected A of shape (c, {null.shape[1]}) and b of shape (c,), received {tuple(a.shape)} and "
            f"{tuple(b.shape)}; one row per fact"
        )
    inside = a @ null.T
    start = torch.linalg.lstsq(inside, b[:, None], driver="gelsd").solution[:, 0]
    residual = float((inside @ start - b).norm() / b.norm().clamp_min(1e-300))
    if residual > bars.MOST_CONTRADICTION and float(b.norm()) > 0:
        raise DataError(
            f"equalities: expected facts that some equivariant function satisfies, received ones that miss by "
            f"{residual:.2g} of |b| at best (at most {bars.MOST_CONTRADICTION:g}); they contradict the symmetry or one "
            "another, so drop one"
        )
    _, sizes, axes = torch.linalg.svd(inside, full_matrices=True)
    taken = int((sizes > cuts.INDEPENDENT * sizes.amax()).sum()) if len(sizes) else 0
    return null.T @ start, axes[taken:] @ null
