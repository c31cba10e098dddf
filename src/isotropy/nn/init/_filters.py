"""Which directions of a layer's input become its filters."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import DataError
from .. import bars
from ._moments import Summary


@dataclass(frozen=True)
class Filters:
    """Filters with unit variance and mean zero on the data they come from.

    Attributes
    ----------
    weight : Tensor
        `(count, size)`.
    bias : Tensor
        `(count,)`.
    eigenvalues : Tensor
        `(count,)` of the class moment less ``lam`` times the covariance of all; NaN where a filter is random.
    classes : Tensor
        `(count,)` index of the class behind each filter; -1 where it is random.
    duplicates : int
        Eigenvectors left out because an earlier filter has the same direction.
    """

    weight: Tensor
    bias: Tensor
    eigenvalues: Tensor
    classes: Tensor
    duplicates: int


class _Chosen:
    """Directions accepted so far, no two of them nearly parallel."""

    def __init__(self, size: int, limit: float) -> None:
        self.limit, self.duplicates = limit, 0
        self.rows = torch.zeros(0, size, dtype=torch.float64)
        self.origins: list[tuple[int, float]] = []

    def add(self, row: Tensor, origin: int, value: float) -> bool:
        """Accept a unit direction unless it is there already."""
        if len(self.rows) and float((self.rows @ row).abs().max()) > self.limit:
            self.duplicates += 1
            return False
        self.rows = torch.cat([self.rows, row[None]])
        self.origins.append((origin, value))
        return True


class _Ladder:
    """The eigenvectors of each class, best first, from which filters are taken."""

    def __init__(self, summary: Summary, lam: float) -> None:
        covariance = summary.covariance
        values, vectors = torch.linalg.eigh(summary.seconds - lam * covariance)
        self.values, self.vectors = values.flip(-1), vectors.mT.flip(-2)
        largest = float(torch.linalg.eigvalsh(covariance)[-1])
        variances = torch.einsum("cki,ij,ckj->ck", self.vectors, covariance, self.vectors)
        self.usable = (self.values > bars.STANDS_OUT * largest) & (variances > bars.CONSTANT * largest)
        self.next = [0] * len(values)

    def head(self, index: int) -> float | None:
        """The next eigenvalue of a class; None when it has no more."""
        while self.next[index] < self.values.shape[1] and not self.usable[index, self.next[index]]:
            self.next[index] += 1
        return float(self.values[index, self.next[index]]) if self.next[index] < self.values.shape[1] else None

    def take(self, index: int, chosen: _Chosen) -> bool:
        """Add the next direction of a class that is not there yet; False when it has no more."""
        while (value := self.head(index)) is not None:
            row = self.vectors[index, self.next[index]]
            self.next[index] += 1
            if chosen.add(row, index, value):
                return True
        return False


def choose_filters(summary: Summary, count: int, lam: float, duplicate: float, generator: torch.Generator) -> Filters:
    """Leading eigenvectors of ``S_c - lam S`` for every class c, as filters of unit variance.

    Each class gives ``count // classes`` of them, and the rest goes to the largest next eigenvalues. A direction
    that an earlier filter has already (a cosine above ``duplicate``) makes way for the next one. Where no class stands
    out any more (an eigenvalue above zero), random directions with the covariance of the data fill up.

    Raises
    ------
    DataError
        If the rows do not vary at all.
    """
    covariance = summary.covariance
    if not torch.diagonal(covariance).amax() > 0:
        raise DataError("rows: expected values that vary, received constant ones; check the input of this layer")
    ladder, chosen = _Ladder(summary, lam), _Chosen(len(summary.mean), duplicate)
    classes = range(len(summary.labels))
    for _ in range(count // len(summary.labels)):
        for index in classes:
            ladder.take(index, chosen)
    while len(chosen.rows) < count and (heads := [(h, i) for i in classes if (h := ladder.head(i)) is not None]):
        ladder.take(max(heads)[1], chosen)
    _fill(chosen, covariance, count, generator)
    origins = torch.tensor([origin for origin, _ in chosen.origins])
    rows = _signed(chosen.rows, origins, summary)
    weight = rows / torch.einsum("ki,ij,kj->k", rows, covariance, rows).sqrt()[:, None]
    values = torch.tensor([value for _, value in chosen.origins], dtype=torch.float64)
    return Filters(weight, -weight @ summary.mean, values, origins, chosen.duplicates)


def _fill(chosen: _Chosen, covariance: Tensor, count: int, generator: torch.Generator) -> None:
    """Random directions, drawn as the data are, until there are ``count``; in one dimension they are all parallel."""
    values, axes = torch.linalg.eigh(covariance)
    moving = values > bars.CONSTANT * values[-1]
    span = (axes[:, moving] * values[moving].sqrt()).T
    tries = 0
    while len(chosen.rows) < count:
        row = torch.randn(len(span), generator=generator, dtype=torch.float64) @ span
        if tries > 10 * count:
            chosen.limit = 1.1
        tries += 1
        chosen.add(row / row.norm(), -1, float("nan"))


def _signed(rows: Tensor, origins: Tensor, summary: Summary) -> Tensor:
    """Turn each direction towards the mean of its class; where that is no help, its largest entry is positive."""
    away = (summary.means - summary.mean)[origins.clamp(min=0)]
    along = torch.where(origins >= 0, (rows * away).sum(1), 0.0)
    largest = rows.gather(1, rows.abs().argmax(1, keepdim=True))[:, 0]
    spread = torch.einsum("ki,ij,kj->k", rows, summary.covariance, rows).sqrt()
    return torch.where(along.abs() > 1e-9 * spread, along, largest).sign()[:, None] * rows
