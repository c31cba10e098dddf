"""Pairs at a distance: g(r) and how dipoles are correlated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...errors import DataError
from ..structure._environment import ase_module
from ..structure._structure import as_frames
from ._estimates import Estimate


@dataclass(frozen=True)
class PairCurves:
    """Curves over the distance, with errors between frames.

    Attributes
    ----------
    r : Tensor
        `(bins,)` middles of the bins.
    density : Estimate
        g(r).
    along, across : Estimate or None
        ``<(u_i . r)(u_j . r)>`` and ``<u_i . u_j>`` minus that, where unit vectors were given.
    """

    r: Tensor
    density: Estimate
    along: Estimate | None
    across: Estimate | None


def pair_curves(frames: Any, reach: float, bins: int = 100, u: Tensor | None = None) -> PairCurves:
    """Radial distribution, and correlations of unit vectors, of periodic structures.

    Parameters
    ----------
    frames : Atoms or iterable of Atoms
        Of the atoms that count, such as ``atoms[atoms.symbols == "O"]``.
    reach : float
        Largest distance.
    bins : int
        Of equal width.
    u : Tensor, optional
        `(frames, atoms, 3)` a unit vector for each atom.

    Raises
    ------
    DataError
        If a frame has no volume, or vectors do not fit.
    """
    listed = as_frames(frames)
    if any(atoms.cell.rank < 3 for atoms in listed):
        raise DataError("frames: expected cells of a volume, received one without; a density needs one")
    if u is not None and tuple(u.shape) != (len(listed), len(listed[0]), 3):
        raise DataError(
            f"u: expected shape {(len(listed), len(listed[0]), 3)}, received {tuple(u.shape)}; one vector for each atom"
        )
    edges = torch.linspace(0, reach, bins + 1, dtype=torch.float64)
    rows = [_counts(atoms, edges, None if u is None else u[k]) for k, atoms in enumerate(listed)]
    counts, along, dots = (torch.stack(part) for part in zip(*rows, strict=True))
    shells = 4 * math.pi / 3 * (edges[1:] ** 3 - edges[:-1] ** 3)
    ideal = torch.tensor([len(a) ** 2 / a.get_volume() for a in listed], dtype=torch.float64)[:, None] * shells
    density = _between(counts / ideal)
    if u is None:
        return PairCurves((edges[1:] + edges[:-1]) / 2, density, None, None)
    filled = counts.sum(0).clamp(min=1) / len(listed)
    return PairCurves(
        (edges[1:] + edges[:-1]) / 2, density, _between(along / filled), _between((dots - along) / filled)
    )


def _counts(atoms: Any, edges: Tensor, u: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Ordered pairs, sums of products along the pair and of scalar products, by bin."""
    reach, bins = float(edges[-1]), len(edges) - 1
    first, second, vectors = (
        torch.as_tensor(part) for part in ase_module("neighborlist").neighbor_list("ijD", atoms, reach)
    )
    distance = vectors.norm(dim=1)
    place = (distance / reach * bins).long().clamp(max=bins - 1)
    zero = torch.zeros(bins, dtype=torch.float64)
    counts = zero.index_add(0, place, torch.ones_like(distance))
    if u is None:
        return counts, zero, zero
    toward = vectors / distance[:, None]
    a, b = u.to(torch.float64)[first], u.to(torch.float64)[second]
    along = (a * toward).sum(1) * (b * toward).sum(1)
    return counts, zero.index_add(0, place, along), zero.index_add(0, place, (a * b).sum(1))


def _between(rows: Tensor) -> Estimate:
    """Mean and standard error over frames; NaN for a single one."""
    error = rows.std(0) / math.sqrt(len(rows)) if len(rows) > 1 else torch.full_like(rows[0], torch.nan)
    return Estimate(rows.mean(0), error, len(rows))
