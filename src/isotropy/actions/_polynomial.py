"""Polynomial vector fields: non-linear generators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..action._recorded import recorded
from ..action._spanned import SpannedAction
from ..algebra._lie_algebra import LieAlgebra
from ..core._parts import Parts
from ..dictionary import FieldBracket, Polynomials, all_fields
from ..errors import DataError


@recorded("polynomial")
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
            name, bracket = f"poly({size},degree={degree})", FieldBracket(self.dictionary)
            algebra = LieAlgebra(all_fields(self.dictionary), name, bracket=bracket)
        super().__init__(algebra, algebra.basis)

    def features(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Monomials."""
        return self.dictionary.evaluate(y)

    def feature_names(self, coordinates: Sequence[str]) -> list[str]:
        """Names of the monomials."""
        return self.dictionary.names(coordinates)

    def built_from(self) -> dict[str, Any]:
        """The dictionary, and the coefficients where they are not those of the algebra."""
        own, shape = self.algebra.basis, {"size": self.size, "degree": self.dictionary.degree}
        same = own.shape == self.tensor.shape and torch.equal(own, self.tensor)
        return {**shape, "algebra": self.algebra, "tensor": None if same else self.tensor}

    @classmethod
    def rebuild(cls, parts: Parts) -> PolynomialFields:
        """Take the coefficients as they are: those of a restriction need not be the basis of its algebra.

        Raises
        ------
        DataError
            If there are not as many coefficients as monomials.
        """
        dictionary, algebra = Polynomials.rebuild(parts), parts.one("algebra", LieAlgebra)
        shape = (algebra.dim, dictionary.size, len(dictionary))
        tensor = parts.tensor("tensor", *shape) if parts.has("tensor") else algebra.basis
        if tensor.shape != shape:
            raise DataError(f"{parts.where}: expected fields {shape}, received {tuple(tensor.shape)}; write it again")
        action = cls.__new__(cls)
        action.dictionary = dictionary
        SpannedAction.__init__(action, algebra, tensor)
        return action
