"""Norms whose proximal map sets whole directions to zero: singular values, or elements of a group."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Block(Protocol):
    """A norm on a flat part of the image."""

    size: int

    def norm(self, z: Tensor) -> float:
        """The norm of a flat image `(size,)`."""
        ...

    def dual(self, z: Tensor) -> float:
        """The dual norm: at most 1 on subgradients."""
        ...

    def shrink(self, z: Tensor, threshold: float) -> Tensor:
        """``argmin_v threshold |v| + |v - z|^2 / 2``."""
        ...

    def spectrum(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Sizes `(count,)` that the norm adds up, and the orthonormal directions of the first axis as columns."""
        ...


class Nuclear:
    """Sum of the singular values of a matrix `(dim, rows)`, flattened."""

    def __init__(self, dim: int, rows: int) -> None:
        self.shape = (dim, rows)
        self.size = dim * rows

    def norm(self, z: Tensor) -> float:
        """Sum of singular values."""
        return float(torch.linalg.svdvals(z.reshape(self.shape)).sum())

    def dual(self, z: Tensor) -> float:
        """Largest singular value."""
        return float(torch.linalg.svdvals(z.reshape(self.shape))[0]) if self.size else 0.0

    def shrink(self, z: Tensor, threshold: float) -> Tensor:
        """Lower every singular value by the threshold, down to zero.

        The factors come from the smaller Gram matrix: values far below the threshold are lost in its rounding, but
        they are set to zero anyway.
        """
        matrix = z.reshape(self.shape)
        wide = matrix.shape[0] <= matrix.shape[1]
        squares, axes = torch.linalg.eigh(matrix @ matrix.T if wide else matrix.T @ matrix)
        lengths = squares.clamp_min(threshold**2).sqrt()
        scaled = axes - axes * (threshold / lengths)
        shrunk = scaled @ (axes.T @ matrix) if wide else (matrix @ scaled) @ axes.T
        return shrunk.reshape(-1)

    def spectrum(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Singular values, with zeros for directions that the rows cannot reach, and left singular vectors."""
        axes, sizes, _ = torch.linalg.svd(z.reshape(self.shape), full_matrices=self.shape[0] > self.shape[1])
        return torch.cat([sizes, sizes.new_zeros(len(axes) - len(sizes))]), axes


class Groups:
    """Sum of the Euclidean norms of the rows of a matrix `(count, rows)`, flattened: one row per group element."""

    def __init__(self, count: int, rows: int) -> None:
        self.shape = (count, rows)
        self.size = count * rows

    def norm(self, z: Tensor) -> float:
        """Sum of row norms."""
        return float(self.lengths(z).sum())

    def dual(self, z: Tensor) -> float:
        """Largest row norm."""
        return float(self.lengths(z).amax()) if self.size else 0.0

    def lengths(self, z: Tensor) -> Tensor:
        """Norm of each row `(count,)`."""
        return torch.linalg.vector_norm(z.reshape(self.shape), dim=1)

    def shrink(self, z: Tensor, threshold: float) -> Tensor:
        """Shorten every row by the threshold, down to zero."""
        lengths = self.lengths(z)
        factors = (1 - threshold / lengths.clamp_min(threshold)).clamp_min(0.0)
        return (factors[:, None] * z.reshape(self.shape)).reshape(-1)

    def spectrum(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Norms of the rows; each row is its own direction."""
        return self.lengths(z), torch.eye(self.shape[0], dtype=z.dtype)
