"""Matrix groups: an algebra plus representatives of the components that its exponential cannot reach."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..action._finite import Finite
from ..action._representation import Representation
from ..core._checks import as_basis
from ..errors import NotAnAlgebraError, RepresentationMismatchError
from . import bars
from ._lie_algebra import LieAlgebra


class MatrixGroup:
    """A Lie group of matrices by its algebra and one element of each further generating component.

    Parameters
    ----------
    algebra : LieAlgebra
        The identity component's algebra, acting on `R^n`.
    components : array_like
        `(k, n, n)` invertible matrices whose classes generate the group of components.
    name : str, optional
        Such as ``"o(3)"``.

    Raises
    ------
    RepresentationMismatchError
        If sizes differ or a representative is singular.
    NotAnAlgebraError
        If a representative does not normalise the algebra, ``h X h^-1`` leaving the span.

    Examples
    --------
    >>> import isotropy as iso
    >>> iso.o(3).algebra, len(iso.o(3).components)
    (LieAlgebra(so(3), dim=3, n=3), 1)
    """

    def __init__(self, algebra: LieAlgebra, components: Any, name: str | None = None) -> None:
        stack = as_basis(components, "components")
        if stack.shape[1] != algebra.n:
            raise RepresentationMismatchError(
                f"components: expected matrices of size {algebra.n}, received {stack.shape[1]}; match the algebra"
            )
        for index, h in enumerate(stack):
            _require_normalising(algebra, h, index)
        self.algebra = algebra
        self._components = stack
        self.name = name

    @property
    def components(self) -> Tensor:
        """A copy of the representatives `(k, n, n)`."""
        return self._components.clone()

    def vector(self) -> Representation:
        """The defining representation on `R^n`."""
        return self.algebra.vector()._called("V", self.components)

    def scalar(self) -> Representation:
        """The trivial representation."""
        return self.algebra.scalar()._called("1", self.components)

    def pseudoscalar(self) -> Representation:
        """One number that changes by the determinant of the group element."""
        traces = self.algebra.basis.diagonal(dim1=1, dim2=2).sum(1)[:, None, None]
        det = Representation(self.algebra, traces, rho=Finite("determinant"))
        return det._called("det", self.components)

    def __repr__(self) -> str:
        """Name and number of representatives."""
        return f"MatrixGroup({self.name or self.algebra.name or 'unnamed'}, components={len(self._components)})"


def _require_normalising(algebra: LieAlgebra, h: Tensor, index: int) -> None:
    if abs(float(torch.linalg.det(h))) < bars.SINGULAR:
        raise RepresentationMismatchError(
            f"components[{index}]: expected an invertible matrix, received determinant 0; pass a group element"
        )
    moved = h @ algebra.basis @ torch.linalg.inv(h)
    if algebra.dim and LieAlgebra(moved).distance(algebra) > bars.MOST_MOVED:
        raise NotAnAlgebraError(
            f"components[{index}]: expected h X h^-1 to stay in the algebra, received a matrix that moves it; "
            "pass a representative of a component of the same group"
        )
