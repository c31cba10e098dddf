"""Generators of an L-conv: linear operators on space, here given by all their entries."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...algebra._lie_algebra import LieAlgebra
from ._propagate import propagate_dense
from ._span import Given, combined, constrained, matrices_of, require_counts, shape_of


class Generators(nn.Module):
    """``K`` linear operators from fields on some points to fields on as many or other points.

    Calling it with ``x`` `(..., points, ...)` gives ``L_k x`` `(K, ..., points, ...)`. Whatever the kind, the
    parameters can be anything: a constraint is met by every value of them.

    Attributes
    ----------
    shape : tuple of int
        `(K, points_out, points_in)`.
    constraint : str or None
        ``"antisymmetric"``, ``"zero_row_sum"`` or None.
    frozen : bool
        Whether the operators are buffers rather than parameters.
    """

    shape: tuple[int, int, int]
    constraint: str | None
    frozen: bool

    def forward(self, x: Tensor, axis: int = -1) -> Tensor:
        """``L_k x`` along one axis, `(K, *x.shape)` with new points in place of the old."""
        raise NotImplementedError

    def matrices(self) -> Tensor:
        """The operators `(K, points_out, points_in)`."""
        raise NotImplementedError

    def algebra(self, name: str | None = None) -> LieAlgebra:
        """The span of the operators as a LieAlgebra, detached.

        Raises
        ------
        NotAnAlgebraError
            If they are linearly dependent.
        """
        return LieAlgebra(self.matrices().detach(), name)

    def extra_repr(self) -> str:
        """Sizes and options."""
        return f"shape={self.shape}, constraint={self.constraint}, frozen={self.frozen}"

    def combine_(self, change: Tensor) -> None:
        """Replace the operators by combinations ``change`` `(K, K)` of them, in place."""
        raise NotImplementedError

    def _hold(self, frozen: bool, **tensors: Tensor) -> None:
        """Keep tensors as parameters, or as buffers if frozen."""
        self.frozen = frozen
        for name, tensor in tensors.items():
            if frozen:
                self.register_buffer(name, tensor)
            else:
                setattr(self, name, nn.Parameter(tensor))


class DenseGenerators(Generators):
    """Operators given by all their entries.

    Parameters
    ----------
    start : int or Tensor or LieAlgebra or Action
        Number of points, for a random start with ``|L|^2 = points``; or `(K, out, in)` matrices; or an algebra of
        matrices; or an action that is linear in its points, such as motions of images.
    count : int
        Number of random operators.
    constraint : str, optional
        ``"antisymmetric"``: ``L + L^T = 0``, exactly. ``"zero_row_sum"``: ``L 1 = 0`` up to rounding. Given matrices
        are projected.
    frozen : bool
        Keep them as they are: a buffer, no parameter.
    dtype, device
        Of the entries.
    generator : torch.Generator, optional
        Of the random start.

    Examples
    --------
    >>> import isotropy as iso
    >>> turn = DenseGenerators(iso.so(3), frozen=True)
    >>> turn.shape, turn(torch.ones(5, 2, 3)).shape
    ((3, 3, 3), torch.Size([3, 5, 2, 3]))
    >>> learnt = DenseGenerators(9, 2, constraint="antisymmetric").matrices()
    >>> bool((learnt == -learnt.transpose(1, 2)).all())
    True
    """

    entries: Tensor

    def __init__(
        self,
        start: int | Given,
        count: int = 1,
        *,
        constraint: str | None = None,
        frozen: bool = False,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        matrices = _start(start, count, constraint, generator)
        self.shape = shape_of(matrices)
        self.constraint = constraint
        self._hold(frozen, entries=constrained(matrices, constraint).to(device, dtype or torch.get_default_dtype()))

    def forward(self, x: Tensor, axis: int = -1) -> Tensor:
        """``L_k x`` along one axis."""
        return propagate_dense(self.matrices(), x, axis)

    def matrices(self) -> Tensor:
        """The operators `(K, points_out, points_in)`."""
        return self.entries if self.frozen else constrained(self.entries, self.constraint)

    def combine_(self, change: Tensor) -> None:
        """Replace the operators by combinations of them."""
        with torch.no_grad():
            self.entries.copy_(combined(change, self.matrices()))

    def add_identity_(self, amounts: Tensor) -> None:
        """Add multiples ``amounts`` `(K,)` of the identity, in place."""
        with torch.no_grad():
            self.entries.diagonal(dim1=1, dim2=2).add_(amounts.to(self.entries)[:, None])


def _start(start: int | Given, count: int, constraint: str | None, generator: torch.Generator | None) -> Tensor:
    """Given matrices, or random ones with ``|L|^2 = points`` under the constraint."""
    if not isinstance(start, int):
        return matrices_of(start)
    require_counts(start, count)
    matrices = torch.randn(count, start, start, generator=generator, dtype=torch.float64)
    sizes = constrained(matrices, constraint).square().sum((1, 2), keepdim=True)
    return matrices * (start / sizes.clamp_min(1e-300)).sqrt()
