"""Generators of low rank, kept as two factors."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...errors import DataError, RepresentationMismatchError
from ._generators import Generators
from ._propagate import propagate_low_rank
from ._span import Given, known, matrices_of, require_counts


class LowRankGenerators(Generators):
    """Operators ``U_k V_k`` with ``U`` `(K, out, rank)` and ``V`` `(K, rank, in)`.

    Parameters
    ----------
    start, count, constraint, frozen, dtype, device, generator
        As for ``DenseGenerators``; given operators are cut to the rank. An antisymmetric one is
        ``U V - V^T U^T``, of twice the rank.
    rank : int
        Of the factors.

    Raises
    ------
    RepresentationMismatchError
        If they are asked to follow a change of coordinates that is no scaled permutation.

    Examples
    --------
    >>> layer = LowRankGenerators(1024, 8, rank=8)
    >>> sum(p.numel() for p in layer.parameters())
    131072
    """

    left: Tensor
    right: Tensor

    def __init__(
        self,
        start: int | Given,
        count: int = 1,
        *,
        rank: int,
        constraint: str | None = None,
        frozen: bool = False,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        left, right = _factors(start, count, rank, generator)
        self.constraint = known(constraint, left.shape[1] == right.shape[2])
        self.shape = (len(left), left.shape[1], right.shape[2])
        kind = dtype or torch.get_default_dtype()
        if constraint == "antisymmetric":
            left = left / 2 if not isinstance(start, int) else left / math.sqrt(2)
        self._hold(frozen, left=left.to(device, kind).contiguous(), right=right.to(device, kind).contiguous())

    def factors(self) -> tuple[Tensor, Tensor]:
        """``U`` and ``V`` under the constraint."""
        if self.constraint == "antisymmetric":
            left = torch.cat([self.left, -self.right.transpose(1, 2)], dim=2)
            return left, torch.cat([self.right, self.left.transpose(1, 2)], dim=1)
        if self.constraint == "zero_row_sum":
            return self.left, self.right - self.right.mean(2, keepdim=True)
        return self.left, self.right

    def forward(self, x: Tensor, axis: int = -1) -> Tensor:
        """``U_k (V_k x)`` along one axis."""
        return propagate_low_rank(*self.factors(), x, axis)

    def matrices(self) -> Tensor:
        """The operators `(K, points_out, points_in)`."""
        if self.constraint == "antisymmetric":  # so that rounding is antisymmetric too
            half = self.left @ self.right
            return half - half.transpose(1, 2)
        left, right = self.factors()
        return left @ right

    def combine_(self, change: Tensor) -> None:
        """Rescale and reorder the operators; other combinations would raise the rank."""
        if bool((change.count_nonzero(dim=0) > 1).any() | (change.count_nonzero(dim=1) > 1).any()):
            raise RepresentationMismatchError(
                "change: expected a scaled permutation, received a mixture; low-rank operators have no room for it"
            )
        with torch.no_grad():
            order, scale = change.abs().argmax(dim=1).to(self.left.device), change.sum(1).to(self.left)
            root = scale.abs().sqrt()[:, None, None]
            self.left.copy_(self.left[order] * root * scale.sign()[:, None, None])
            self.right.copy_(self.right[order] * root)


def _factors(start: int | Given, count: int, rank: int, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Random factors whose product has ``|L|^2 = points`` on average, or the leading ones of given operators."""
    if rank < 1:
        raise DataError(f"rank: expected at least 1, received {rank}; use dense operators for the full rank")
    if isinstance(start, int):
        require_counts(start, count)
        left = torch.randn(count, start, rank, generator=generator, dtype=torch.float64)
        right = torch.randn(count, rank, start, generator=generator, dtype=torch.float64)
        scale = (rank * start) ** -0.25
        return left * scale, right * scale
    U, S, V = torch.linalg.svd(matrices_of(start), full_matrices=False)
    root = S[:, :rank].sqrt()
    return U[:, :, :rank] * root[:, None], root[:, :, None] * V[:, :rank]
