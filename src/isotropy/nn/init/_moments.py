"""First and second moments of labelled rows, seen block by block, in float64 and in any order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ...errors import DataError


class Rows(Protocol):
    """What keeps the sum of ``row row^T`` over centred rows, whole or in part."""

    def absorb(self, rows: Tensor) -> None:
        """Take rows `(rows, size)`."""
        ...

    def merge(self, other: Rows) -> None:
        """Take what another has seen."""
        ...


class Scatter:
    """The sum of ``row row^T`` itself, `(size, size)`.

    The filters are eigenvectors of differences of covariances, so that no triangular factor can stand for it.
    """

    def __init__(self, size: int) -> None:
        self.matrix = torch.zeros(size, size, dtype=torch.float64)

    def absorb(self, rows: Tensor) -> None:
        """Add rows `(rows, size)`."""
        self.matrix += rows.T @ rows

    def merge(self, other: Rows) -> None:
        """Add another sum."""
        if isinstance(other, Scatter):
            self.matrix += other.matrix


class Sketch:
    """Frequent directions: ``length`` rows whose scatter is close to that of all rows.

    The rows are rotated onto their singular vectors and shrunk by the same amount whenever twice the length is
    full, so memory is ``2 length size`` and ``0 <= A^T A - B^T B <= lost`` holds in every direction.

    Parameters
    ----------
    size : int
        Length of a row, at least 2.
    length : int
        Rows kept, fewer than ``size``.

    References
    ----------
    liberty2013simple
    """

    def __init__(self, size: int, length: int) -> None:
        self.length = min(length, size - 1)
        self.lost = 0.0
        self._kept = torch.zeros(0, size, dtype=torch.float64)

    @property
    def rows(self) -> Tensor:
        """At most ``length`` rows."""
        if len(self._kept) > self.length:
            self._shrink()
        return self._kept

    def absorb(self, rows: Tensor) -> None:
        """Add rows `(rows, size)`."""
        for block in rows.split(self.length):
            self._kept = torch.cat([self._kept, block])
            if len(self._kept) > 2 * self.length:
                self._shrink()

    def merge(self, other: Rows) -> None:
        """Add the rows of another sketch."""
        if isinstance(other, Sketch):
            self.absorb(other.rows)
            self.lost += other.lost

    def _shrink(self) -> None:
        """Rotate, and take the square of the first singular value left out from all."""
        _, sizes, axes = torch.linalg.svd(self._kept, full_matrices=False)
        cut = float(sizes[self.length] ** 2)
        self.lost += cut
        shrunk = (sizes[: self.length].square() - cut).clamp(min=0).sqrt()
        self._kept = shrunk[:, None] * axes[: self.length]


@dataclass(frozen=True)
class Summary:
    """Moments of the classes about the mean of all.

    Attributes
    ----------
    labels : tuple of int
        The classes, ascending.
    weights : Tensor
        `(classes,)` their shares, of sum 1.
    mean : Tensor
        `(size,)` of all rows.
    means : Tensor
        `(classes, size)`.
    seconds : Tensor
        `(classes, size, size)`: ``E[(h - mean)(h - mean)^T | class]``, so that the way from the mean of all to the
        mean of the class is part of it.
    """

    labels: tuple[int, ...]
    weights: Tensor
    mean: Tensor
    means: Tensor
    seconds: Tensor

    @property
    def covariance(self) -> Tensor:
        """`(size, size)` of all rows."""
        return torch.einsum("c,cij->ij", self.weights, self.seconds)


class ClassMoments:
    """Count, mean and scatter of the rows of each class.

    Blocks may come in any order and lack classes; two objects that saw different rows merge into one.

    Parameters
    ----------
    size : int
        Length of a row.
    make : callable
        Makes what keeps the scatter of one class; the exact matrix unless a sketch is asked for.

    Examples
    --------
    >>> rows = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0]])
    >>> moments = ClassMoments(2).update(rows, torch.tensor([0, 0, 1]))
    >>> moments.summary().means.tolist()
    [[1.0, 0.0], [0.0, 4.0]]
    """

    def __init__(self, size: int, make: Callable[[int], Rows] = Scatter) -> None:
        self.size = size
        self.counts: dict[int, int] = {}
        self.means: dict[int, Tensor] = {}
        self.scatters: dict[int, Rows] = {}
        self._make = make

    def update(self, rows: Tensor, labels: Tensor) -> ClassMoments:
        """Absorb rows `(rows, size)` with one label each `(rows,)` and return self."""
        if rows.ndim != 2 or rows.shape[1] != self.size or labels.shape != rows.shape[:1]:
            raise DataError(
                f"rows: expected shape (rows, {self.size}) with one label each, received {tuple(rows.shape)} and "
                f"{tuple(labels.shape)}; pass one label for each row"
            )
        block = rows.detach().to("cpu", torch.float64)
        for label in labels.unique().tolist():
            mine = block[(labels == label).cpu()]
            mean = mine.mean(0)
            self._step(label, len(mine), mean)
            self.scatters[label].absorb(mine - mean)
        return self

    def merge(self, other: ClassMoments) -> ClassMoments:
        """Absorb what another has seen and return self."""
        for label, count in other.counts.items():
            self._step(label, count, other.means[label])
            self.scatters[label].merge(other.scatters[label])
        return self

    def summary(self, balanced: bool = False) -> Summary:
        """Moments about the mean of all; with ``balanced`` every class weighs the same."""
        labels = tuple(sorted(self.counts))
        if len(labels) < 2:
            raise DataError(f"labels: expected at least two classes, received {labels}; class-based PCA compares them")
        counts = torch.tensor([float(self.counts[label]) for label in labels], dtype=torch.float64)
        weights = torch.full_like(counts, 1 / len(labels)) if balanced else counts / counts.sum()
        means = torch.stack([self.means[label] for label in labels])
        mean = weights @ means
        away = means - mean
        matrices = torch.stack([_matrix(self.scatters[label]) for label in labels]) / counts[:, None, None]
        return Summary(labels, weights, mean, means, matrices + away[:, :, None] * away[:, None, :])

    def _step(self, label: int, count: int, mean: Tensor) -> None:
        """Join a count and a mean to those of the class, and the step between the means to its scatter."""
        if label not in self.counts:
            self.counts[label], self.means[label] = count, mean
            self.scatters[label] = self._make(self.size)
            return
        before, step = self.counts[label], mean - self.means[label]
        total = before + count
        self.scatters[label].absorb((before * count / total) ** 0.5 * step[None])
        self.counts[label], self.means[label] = total, self.means[label] + step * (count / total)


def _matrix(rows: Rows) -> Tensor:
    """The scatter as a matrix."""
    return rows.matrix if isinstance(rows, Scatter) else torch.empty(0)


def span_basis(moments: ClassMoments, limit: int) -> Tensor:
    """Orthonormal rows `(k, size)`, at most ``limit``, along which the sketched classes vary most.

    Each class is scaled by its count, so that rare classes keep their directions.
    """
    overall = torch.stack(list(moments.means.values())).mean(0)
    parts = [
        torch.cat([sketch.rows / moments.counts[label] ** 0.5, (moments.means[label] - overall)[None]])
        for label, sketch in moments.scatters.items()
        if isinstance(sketch, Sketch)
    ]
    _, sizes, axes = torch.linalg.svd(torch.cat(parts), full_matrices=False)
    return axes[: max(1, min(limit, int((sizes > 1e-7 * sizes[0]).sum())))]
