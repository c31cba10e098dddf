"""PySINDy: its libraries in our models, our symmetries in its models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isotropy.core._estimator import Estimator
from isotropy.dictionary import Dictionary, Polynomials
from isotropy.dynamics import SINDy, Symmetry, equivariant_fields
from isotropy.errors import RepresentationMismatchError

_STEP = 1e-3  # of central differences of eighth order, in units of the point's size
_STENCIL = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}


def from_pysindy(library: Any, size: int) -> Dictionary:
    """The terms of a PySINDy feature library for ``size`` coordinates, in its order.

    Polynomial libraries become ours, monomial by monomial. The functions of any other are evaluated by PySINDy and
    differentiated by central differences.

    Examples
    --------
    >>> import pytest; ps = pytest.importorskip("pysindy")
    >>> from_pysindy(ps.PolynomialLibrary(degree=2, include_bias=False), 2).names()
    ['x', 'y', 'x^2', 'x y', 'y^2']
    """
    fitted = library.fit(np.ones((2, size))) if not hasattr(library, "n_output_features_") else library
    powers = getattr(fitted, "powers_", None)
    if powers is None:
        return _Borrowed(fitted, size)
    exponents = [tuple(int(e) for e in row) for row in np.asarray(powers)]
    if exponents and len(exponents[0]) != size:
        raise RepresentationMismatchError(
            f"library: expected one of {size} coordinates, received one fitted to {len(exponents[0])}; match them"
        )
    whole = Polynomials(size, max((sum(e) for e in exponents), default=0))
    places = [whole.index[e] for e in exponents]
    if places == list(range(len(whole))):
        return whole
    return Dictionary(size, lambda x: whole.evaluate(x)[:, places], lambda c: [whole.names(c)[i] for i in places])


def pysindy_constraints(library: Any, size: int, symmetry: Symmetry) -> tuple[np.ndarray, np.ndarray]:
    """``constraint_lhs`` `(c, size * terms)` and ``constraint_rhs`` `(c,)` that impose a symmetry in PySINDy.

    For ``ConstrainedSR3(..., constraint_order="target", equality_constraints=True)``; the rows are orthonormal.

    Parameters
    ----------
    library : pysindy feature library
        Whose terms the model uses.
    size : int
        Number of coordinates.
    symmetry : Symmetry
        See ``dynamics.equivariant_fields``.
    """
    basis = equivariant_fields(from_pysindy(library, size), symmetry).coefficients.flatten(1)
    axes = torch.linalg.svd(basis, full_matrices=True)[2]
    rows = axes[len(basis) :].numpy()
    return rows, np.zeros(len(rows))


class SymmetricOptimizer(Estimator):
    """An optimizer for ``pysindy.SINDy`` whose coefficients obey a symmetry, before and after thresholding.

    Parameters
    ----------
    feature_library : pysindy feature library
        The one given to ``pysindy.SINDy``.
    symmetry : Symmetry
        See ``dynamics.equivariant_fields``.
    threshold : float
        Coefficients below it are dropped.
    select : "threshold" or "evidence"
        See ``dynamics.SINDy``.

    Attributes
    ----------
    coef_ : numpy.ndarray
        `(targets, terms)`.
    """

    coef_: np.ndarray

    def __init__(
        self, feature_library: Any, symmetry: Symmetry, *, threshold: float = 0.1, select: str = "threshold"
    ) -> None:
        self.feature_library = feature_library
        self.symmetry = symmetry
        self.threshold = threshold
        self.select = select

    def fit(self, x: Any, y: Any) -> SymmetricOptimizer:
        """Fit terms `(S, terms)` and velocities `(S, targets)`, as PySINDy passes them."""
        terms, speeds = (np.asarray(a, dtype=float) for a in (x, y))
        known = np.isfinite(terms).all(1) & np.isfinite(speeds).all(1)
        model = SINDy(
            from_pysindy(self.feature_library, speeds.shape[1]),
            self.symmetry,
            threshold=self.threshold,
            select=self.select,
        )
        self.coef_ = model.fit_terms(terms[known], speeds[known]).coef_.numpy()
        self.intercept_ = 0.0
        self.ind_ = self.coef_ != 0
        self.history_ = [self.coef_]
        return self

    def predict(self, x: Any) -> np.ndarray:
        """Velocities `(S, targets)` from terms `(S, terms)`."""
        return np.asarray(x) @ self.coef_.T

    @property
    def complexity(self) -> int:
        """Number of coefficients that are not zero."""
        return int(np.count_nonzero(self.coef_))


class _Borrowed(Dictionary):
    """The terms of a foreign library, by its own evaluation."""

    def __init__(self, library: Any, size: int) -> None:
        def evaluate(x: Tensor) -> Tensor:
            return torch.as_tensor(np.asarray(library.transform(x.detach().numpy())), dtype=x.dtype)

        def names(coordinates: Sequence[str]) -> list[str]:
            return list(library.get_feature_names(list(coordinates)))

        super().__init__(size, evaluate, names)

    def jacobian(self, x: Tensor) -> Tensor:
        """Central differences of eighth order."""
        columns: list[Tensor] = []
        for unit in torch.eye(self.size, dtype=x.dtype):
            steps = [
                w * (self.evaluate(x + k * _STEP * unit) - self.evaluate(x - k * _STEP * unit))
                for k, w in _STENCIL.items()
            ]
            columns.append(torch.stack(steps).sum(0) / _STEP)
        return torch.stack(columns, dim=2)
