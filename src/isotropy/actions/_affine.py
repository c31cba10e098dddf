"""The affine action on points, and linear actions in two roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..action._recorded import recorded
from ..action._representation import Representation
from ..action._spanned import SpannedAction
from ..algebra._lie_algebra import LieAlgebra
from ..core._exponential import exponential
from ..core._parts import Parts
from ..errors import DataError, RepresentationMismatchError


@recorded("affine")
class Affine(SpannedAction):
    """``x -> A x + b`` on `R^n`, for algebras of homogeneous matrices `(n+1, n+1)` with last row zero.

    Parameters
    ----------
    algebra : LieAlgebra
        Such as ``aff(n)``, ``se(n)``, ``translation(n)``, or a direct sum that contains one.
    factor : int, optional
        Which block of a direct sum acts.

    Raises
    ------
    RepresentationMismatchError
        If a generator has a non-zero last row, so that it is not affine.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> move = Affine(iso.translation(2))
    >>> move.flow(torch.tensor([1.0, 0.0]), torch.zeros(1, 2), t=3.0)
    tensor([[3., 0.]])
    """

    def __init__(self, algebra: LieAlgebra, factor: int | None = None) -> None:
        homogeneous = algebra.vector(factor).drho()
        if float(homogeneous[:, -1].abs().amax() if len(homogeneous) else 0.0) > 1e-12:
            raise RepresentationMismatchError(
                f"algebra: expected homogeneous matrices with last row zero, received {algebra!r}; "
                "use aff(n), se(n), ... or algebra.vector() for a linear action"
            )
        super().__init__(algebra, homogeneous[:, :-1])

    def features(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Coordinates and a one."""
        return torch.cat([y, torch.ones_like(y[:, :1])], dim=1)

    def feature_names(self, coordinates: Sequence[str]) -> list[str]:
        """Coordinates and ``1``."""
        return [*coordinates, "1"]

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """``exp`` of the homogeneous matrix."""
        matrix = torch.zeros(self.size + 1, self.size + 1, dtype=torch.float64)
        matrix[:-1] = t * self.matrix(xi)
        return self.features(y) @ exponential(matrix)[:-1].to(y).T

    def tangent(self) -> Representation:
        """Velocities only feel the linear part."""
        return Representation(self.algebra, lambda: self.tensor[:, :, :-1], self.size, name="A")

    def built_from(self) -> dict[str, Any]:
        """The algebra, and the linear part and the shift of each generator."""
        return {"algebra": self.algebra, "tensor": self.tensor}

    @classmethod
    def rebuild(cls, parts: Parts) -> Affine:
        """Take the motions as they are: those of a restriction need not be the matrices of its algebra."""
        algebra, action = parts.one("algebra", LieAlgebra), cls.__new__(cls)
        tensor = parts.tensor("tensor", algebra.dim, None, None)
        if tensor.shape[2] != tensor.shape[1] + 1:
            raise DataError(
                f"{parts.where}.tensor: expected shape (dim, n, n + 1), received {tuple(tensor.shape)}; "
                "write the file again"
            )
        SpannedAction.__init__(action, algebra, tensor)
        return action


def linear(matrices: Tensor, name: str | None = None) -> Representation:
    """The defining action of the span of matrices `(dim, n, n)`."""
    return LieAlgebra(matrices, name).vector()
