"""Derivatives of proximal maps, for the directions that they do not set to zero."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    Array = NDArray[float64]


@dataclass(frozen=True)
class Slopes:
    """A derivative ``M``, symmetric with eigenvalues in [0, 1], written by its eigenvalues above zero.

    A function of it with ``f(0) = 0`` is ``f(M) = restore(shares * f(values) * rotate(x))``. The coordinates may be
    more than there are directions; the shares make up for those counted twice.

    Attributes
    ----------
    values, shares : array
        `(count,)`.
    rotate : callable
        Columns `(size, q)` into the coordinates of ``values`` `(count, q)`.
    restore : callable
        Its transpose.
    """

    values: Array
    shares: Array
    rotate: Callable[[Array], Array]
    restore: Callable[[Array], Array]


def nuclear_slopes(matrix: Array, threshold: float) -> Slopes:
    """Of the shrinking of singular values at a matrix `(dim, rows)`.

    With singular vectors as axes, entry ``ij`` mixes with ``ji`` alone, so that their sum and difference are
    eigenvectors; row ``i`` and column ``i`` are taken for every singular value above the threshold. What such a row
    has beyond the singular vectors is an eigenvector too; it stays in the matrix's own axes if others would be many.
    """
    import numpy as np

    tall, (side, length) = matrix.shape[0] > matrix.shape[1], sorted(matrix.shape)
    left, sizes, right = np.linalg.svd(matrix.T if tall else matrix, full_matrices=length <= 2 * side)
    axes, outer, rank = right[:side], right[side:], int((sizes > threshold).sum())
    width = 2 * side + (len(outer) or length)

    def rotate(columns: Array) -> Array:
        count = columns.shape[1]
        stack = columns.reshape(*matrix.shape, count)
        stack = stack.swapaxes(0, 1) if tall else stack
        over = (left[:, :rank].T @ stack.reshape(side, length * count)).reshape(rank, length, count)
        down = (left.T @ (axes[:rank] @ stack).reshape(side, rank * count)).reshape(side, rank, count).swapaxes(0, 1)
        inner, turned = axes @ over, np.empty((rank, width, count))
        np.add(inner, down, out=turned[:, :side])
        np.subtract(inner, down, out=turned[:, side : 2 * side])
        turned[:, 2 * side :] = outer @ over if len(outer) else over - axes.T @ inner
        return turned.reshape(rank * width, count)

    def restore(columns: Array) -> Array:
        count = columns.shape[1]
        sums, differences, beyond = np.split(columns.reshape(rank, width, count), [side, 2 * side], axis=1)
        over = outer.T @ beyond if len(outer) else beyond - axes.T @ (axes @ beyond)
        over = over + axes.T @ (sums + differences)
        down = (sums - differences).swapaxes(0, 1).reshape(side, rank * count)
        across = (left[:, :rank] @ over.reshape(rank, length * count)).reshape(side, length, count)
        whole = across + axes[:rank].T @ (left @ down).reshape(side, rank, count)
        return (whole.swapaxes(0, 1) if tall else whole).reshape(matrix.size, count)

    return Slopes(*_pair_slopes(sizes, threshold, rank, width), rotate, restore)


def _pair_slopes(sizes: Array, threshold: float, rank: int, width: int) -> tuple[Array, Array]:
    """Eigenvalues of sums, differences and what lies beyond, and their shares, in this order."""
    import numpy as np

    side, kept = len(sizes), sizes[:rank, None]
    values, shares = np.ones((rank, width)), np.full((rank, width), 0.5)
    values[:, rank:side] = (kept - threshold) / (kept - sizes)[:, rank:]
    values[:, side : 2 * side] = (kept - threshold + (sizes - threshold).clip(0)) / (kept + sizes)
    values[:, 2 * side :] = 1 - threshold / kept
    shares[:, :rank] = shares[:, side : side + rank] = 0.25  # both of them are broken, so the pair occurs twice
    shares[:, 2 * side :] = 1.0
    return values.ravel(), shares.ravel()


def group_slopes(matrix: Array, threshold: float) -> Slopes:
    """Of the shortening of rows `(count, rows)`: along a row it shifts, across it shortens."""
    import numpy as np

    lengths = np.linalg.norm(matrix, axis=1)
    long = np.flatnonzero(lengths > threshold)
    axes = (matrix[long] / lengths[long, None])[:, :, None]

    def split(stack: Array) -> tuple[Array, Array]:
        along = (axes * stack).sum(axis=1, keepdims=True)
        return along, stack - axes * along

    def rotate(columns: Array) -> Array:
        stack = columns.reshape(*matrix.shape, -1)[long]
        return np.concatenate(split(stack), axis=1).reshape(-1, columns.shape[1])

    def restore(columns: Array) -> Array:
        stack = columns.reshape(len(long), 1 + matrix.shape[1], columns.shape[1])
        whole = np.zeros((*matrix.shape, columns.shape[1]))
        whole[long] = axes * stack[:, :1] + split(stack[:, 1:])[1]
        return whole.reshape(-1, columns.shape[1])

    values = np.ones((len(long), 1 + matrix.shape[1]))
    values[:, 1:] -= threshold / lengths[long, None]
    return Slopes(values.ravel(), np.ones(values.size), rotate, restore)


def joined_slopes(parts: Sequence[Slopes], ends: Sequence[slice]) -> Slopes:
    """Of maps that act on parts of the image each."""
    import numpy as np

    stops = np.cumsum([len(part.values) for part in parts])[:-1]

    def rotate(columns: Array) -> Array:
        return np.concatenate([part.rotate(columns[end]) for part, end in zip(parts, ends, strict=True)])

    def restore(columns: Array) -> Array:
        pieces = np.split(columns, stops)
        return np.concatenate([part.restore(piece) for part, piece in zip(parts, pieces, strict=True)])

    values, shares = (np.concatenate([getattr(part, name) for part in parts]) for name in ("values", "shares"))
    return Slopes(values, shares, rotate, restore)
