"""Filters of rows that can be read again, whole or through a sketch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ._filters import Filters, choose_filters
from ._moments import ClassMoments, Sketch, span_basis

Stream = Callable[[], Iterator[tuple[Tensor, Tensor]]]


@dataclass(frozen=True)
class Rule:
    """How filters are chosen; see ``class_pca_``."""

    lam: float
    duplicate: float
    balanced: bool
    max_size: int
    generator: torch.Generator


def fit_filters(stream: Stream, groups: int, size: int, count: int, rule: Rule) -> tuple[list[Filters], int]:
    """Filters of each group and the number of rows seen.

    Parameters
    ----------
    stream : callable
        Gives blocks of rows `(groups, rows, size)` with labels `(rows,)`, the same rows at every call.
    groups, size : int
        Of the blocks.
    count : int
        Filters of each group.
    rule : Rule
        How to choose them; rows longer than its ``max_size`` are projected on what a first pass finds.
    """
    bases = _bases(stream, groups, size, count, rule.max_size) if size > rule.max_size else []
    moments = [ClassMoments(len(bases[g]) if bases else size) for g in range(groups)]
    for rows, labels in stream():
        for group in range(groups):
            mine = rows[group].to("cpu", torch.float64)
            moments[group].update(mine @ bases[group].T if bases else mine, labels)
    fits = [
        choose_filters(one.summary(rule.balanced), count, rule.lam, rule.duplicate, rule.generator) for one in moments
    ]
    lifted = [replace(fit, weight=fit.weight @ basis) for fit, basis in zip(fits, bases, strict=False)]
    return lifted or fits, sum(moments[0].counts.values())


def _bases(stream: Stream, groups: int, size: int, count: int, max_size: int) -> list[Tensor]:
    """Directions that matter in rows too long for a matrix of their own."""
    length = min(max_size, 4 * count)
    sketched = [ClassMoments(size, lambda n: Sketch(n, length)) for _ in range(groups)]
    for rows, labels in stream():
        for group in range(groups):
            sketched[group].update(rows[group], labels)
    return [span_basis(one, max_size) for one in sketched]
