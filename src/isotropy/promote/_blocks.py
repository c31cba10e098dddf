"""Norms whose proximal map sets whole directions to zero: singular values, or elements of a group.

Images are flat numpy arrays, as small matrices in torch would cost more in calls than in arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ._slopes import Slopes, group_slopes, nuclear_slopes

if TYPE_CHECKING:
    from ._slopes import Array


class Block(Protocol):
    """A norm on a flat part of the image."""

    size: int

    def norm(self, z: Array) -> float:
        """The norm of a flat image `(size,)`."""
        ...

    def dual(self, z: Array) -> float:
        """The dual norm: at most 1 on subgradients."""
        ...

    def shrink(self, z: Array, threshold: float) -> Array:
        """``argmin_v threshold |v| + |v - z|^2 / 2``."""
        ...

    def slopes(self, z: Array, threshold: float) -> Slopes:
        """The derivative of ``shrink`` at ``z``."""
        ...

    def spectrum(self, z: Array) -> tuple[Array, Array]:
        """Sizes `(count,)` that the norm adds up, and the orthonormal directions of the first axis as columns."""
        ...


class Nuclear:
    """Sum of the singular values of a matrix `(dim, rows)`, flattened."""

    def __init__(self, dim: int, rows: int) -> None:
        self.shape = (dim, rows)
        self.size = dim * rows

    def norm(self, z: Array) -> float:
        """Sum of singular values."""
        import numpy as np

        return float(np.linalg.svd(z.reshape(self.shape), compute_uv=False).sum())

    def dual(self, z: Array) -> float:
        """Largest singular value."""
        import numpy as np

        return float(np.linalg.svd(z.reshape(self.shape), compute_uv=False)[0]) if self.size else 0.0

    def shrink(self, z: Array, threshold: float) -> Array:
        """Lower every singular value by the threshold, down to zero.

        The factors come from the smaller Gram matrix: values far below the threshold are lost in its rounding, but
        they are set to zero anyway.
        """
        import numpy as np

        matrix = z.reshape(self.shape)
        wide = self.shape[0] <= self.shape[1]
        squares, axes = np.linalg.eigh(matrix @ matrix.T if wide else matrix.T @ matrix)
        broken = squares.searchsorted(threshold**2)
        kept = axes[:, broken:]
        scaled = kept * (1 - threshold / np.sqrt(squares[broken:]))
        return (scaled @ (kept.T @ matrix) if wide else (matrix @ scaled) @ kept.T).ravel()

    def slopes(self, z: Array, threshold: float) -> Slopes:
        """The derivative of ``shrink``."""
        return nuclear_slopes(z.reshape(self.shape), threshold)

    def spectrum(self, z: Array) -> tuple[Array, Array]:
        """Singular values, with zeros for directions that the rows cannot reach, and left singular vectors."""
        import numpy as np

        axes, sizes, _ = np.linalg.svd(z.reshape(self.shape), full_matrices=self.shape[0] > self.shape[1])
        return np.pad(sizes, (0, len(axes) - len(sizes))), axes


class Groups:
    """Sum of the Euclidean norms of the rows of a matrix `(count, rows)`, flattened: one row per group element."""

    def __init__(self, count: int, rows: int) -> None:
        self.shape = (count, rows)
        self.size = count * rows

    def norm(self, z: Array) -> float:
        """Sum of row norms."""
        return float(self.lengths(z).sum())

    def dual(self, z: Array) -> float:
        """Largest row norm."""
        return float(self.lengths(z).max()) if self.size else 0.0

    def lengths(self, z: Array) -> Array:
        """Norm of each row `(count,)`."""
        import numpy as np

        return np.linalg.norm(z.reshape(self.shape), axis=1)

    def shrink(self, z: Array, threshold: float) -> Array:
        """Shorten every row by the threshold, down to zero."""
        lengths = self.lengths(z)
        factors = (1 - threshold / lengths.clip(threshold)).clip(0.0)
        return (factors[:, None] * z.reshape(self.shape)).ravel()

    def slopes(self, z: Array, threshold: float) -> Slopes:
        """The derivative of ``shrink``."""
        return group_slopes(z.reshape(self.shape), threshold)

    def spectrum(self, z: Array) -> tuple[Array, Array]:
        """Norms of the rows; each row is its own direction."""
        import numpy as np

        return self.lengths(z), np.eye(self.shape[0])
