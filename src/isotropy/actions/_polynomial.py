"""Polynomial vector fields: non-linear generators."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..action._spanned import SpannedAction
from ..algebra._lie_algebra import LieAlgebra
from ..dictionary import FieldBracket, Polynomials


class PolynomialFields(SpannedAction):
    """All vector fields on `R^n` with polynomial coefficients up to a degree.

    Candidates, not an algebra: brackets raise the degree, so only some of their subspaces close.

    Parameters
    ----------
    size : int
        Number of coordinates n.
    degree : int
        Largest degree of a coefficient.
    algebra : LieAlgebra, optional
        A span of such fields `(dim, n, terms)`; all of them if left out.

    Examples
    --------
    >>> action = PolynomialFields(2, degree=2)
    >>> action.algebra.dim
    12
    """

    def __init__(self, size: int, degree: int, algebra: LieAlgebra | None = None) -> None:
        self.dictionary = Polynomials(size, degree)
        if algebra is None:
            entries = size * len(self.dictionary)
            basis = torch.eye(entries, dtype=torch.float64).reshape(entries, size, len(self.dictionary))
            algebra = LieAlgebra(basis, f"poly({size},degree={degree})", bracket=FieldBracket(self.dictionary))
        super().__init__(algebra, algebra.basis)

    def features(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Monomials."""
        return self.dictionary.evaluate(y)

    def feature_names(self, coordinates: Sequence[str]) -> list[str]:
        """Names of the monomials."""
        return self.dictionary.names(coordinates)
