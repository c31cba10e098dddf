"""Tangent and normal spaces of an unknown submanifold, estimated from noisy points.

Whoever looks for symmetries of data needs the normal projector at some anchors: a set is invariant under a
field that is tangent to it everywhere. A fixed number of neighbours is a trap, since with more data the
neighbourhood shrinks below the noise. Here a scan chooses one radius, weighing the noise of the tangent,
`sigma / (r sqrt(k))`, against the bias of a large ball, most of which a local quadratic fit removes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor

from isotropy.errors import DataError

from .. import bars
from ._local_fit import LocalFit, fit_balls, principal_axes, sureness, weighted_mean

_ROWS = 16  # radii in the scan
_SCAN_ANCHORS = 100
_ANCHORS = 500
_MOST_POINTS = 20_000  # a larger cloud is thinned to this
_FEWEST = 20  # points below which no local spectrum means anything
_LARGEST_BALL = 4096  # neighbours used in one ball; a larger ball is thinned evenly in distance
_BLOCK = 1_000_000  # numbers held by one block of local designs


class ScanRow(NamedTuple):
    """What one radius of the scan says; angles in radians, `spectrum` per unit of radius."""

    radius: float
    neighbours: float
    spectrum: tuple[float, ...]
    dimension: int | None
    gap: float
    noise: float = math.nan
    scatter: float = math.nan
    bias: float = math.nan

    @property
    def angle(self) -> float:
        """Modelled rms angle error, scatter and bias together."""
        return math.hypot(self.scatter, self.bias)


@dataclass(frozen=True)
class TangentFrames:
    """Normal projectors of a submanifold at denoised anchors.

    Attributes
    ----------
    anchors : Tensor (a, n)
        Points on the local fits, nearest to the points they started from.
    normals : Tensor (a, n, n)
        Orthogonal projectors onto the normal spaces, float64. Zero when the data fill the space, and zero
        with zero weight when the dimension is undecided.
    dimension : int or None
        Intrinsic dimension; `n` when the data fill the space, `None` when the scan cannot tell.
    radius : float
        Radius of the local fits. Where the data are sparse a ball grows until a fit is possible.
    noise : float
        Estimated standard deviation of the points about the submanifold, per normal direction.
    angle : float
        Estimated rms angle between a tangent vector and its estimate, in radians.
    weights : Tensor (a,)
        In [0, 1]; small where the fit is uncertain, as at a boundary or in a sparse region.
    scan : tuple of ScanRow
        The table behind `radius` and `dimension`.
    spectrum : Tensor (n,)
        Typical singular values of a ball at `radius`, divided by the radius.
    """

    anchors: Tensor
    normals: Tensor
    dimension: int | None
    radius: float
    noise: float
    angle: float
    weights: Tensor
    scan: tuple[ScanRow, ...]
    spectrum: Tensor


def tangent_frames(
    points: Tensor, *, n_anchors: int | None = None, dimension: int | None = None, seed: int = 0
) -> TangentFrames:
    """Estimate tangent and normal spaces of the submanifold that noisy points lie near.

    In each ball the normal coordinates are fitted as a quadratic function of the tangent coordinates,
    `s = c + L t + Q(t, t)`, and the anchor moves to its foot point on the fit, whose tangent is taken.
    Distances are Euclidean in the given coordinates: standardise the columns first when their units
    differ. Exact duplicates count once.

    Parameters
    ----------
    points : Tensor (N, n)
        Finite points near the submanifold.
    n_anchors : int, optional
        Number of anchors, drawn from the points; 500 or all by default.
    dimension : int, optional
        Intrinsic dimension in 1..n; by default found by consensus of local spectra over the scan.
    seed : int
        Chooses the anchors.

    Returns
    -------
    TangentFrames

    Raises
    ------
    DataError
        When points have the wrong shape or are not finite, are too few, or the options are out of range.

    Examples
    --------
    >>> turn = torch.linspace(0, 6.28, 300, dtype=torch.float64)
    >>> frames = tangent_frames(torch.stack([turn.cos(), turn.sin()], 1), n_anchors=50)
    >>> frames.dimension, frames.angle < 1e-3
    (1, True)
    """
    cloud = _distinct(points)
    _check_options(cloud, n_anchors, dimension)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(cloud), generator=generator)
    anchors = cloud[order[: n_anchors or _ANCHORS]]
    cloud = cloud[order[:_MOST_POINTS]]
    balls = _Balls(cloud, cloud[:_SCAN_ANCHORS], len(cloud) // 2)
    scan = _spectra(balls)
    if dimension is None:
        dimension = _consensus(scan, cloud.shape[1])
    if dimension is None or dimension == cloud.shape[1]:
        return _without_normals(anchors, dimension, scan)
    _check_count(cloud, dimension)
    scan = _errors(balls, scan, dimension)
    best = min(scan, key=lambda row: row.angle)
    return _frames(cloud, anchors, dimension, best, scan)


def _distinct(points: Tensor) -> Tensor:
    """Check the table of points and return its distinct rows in float64."""
    if points.ndim != 2 or points.shape[1] < 1:
        raise DataError(f"expected points of shape (N, n), received {tuple(points.shape)}; give one point per row")
    if not torch.isfinite(points).all():
        raise DataError("expected finite points, received NaN or infinite entries; drop those rows first")
    cloud = torch.unique(points.detach().to("cpu", torch.float64), dim=0)
    if len(cloud) < _FEWEST:
        raise DataError(f"expected at least {_FEWEST} distinct points, received {len(cloud)}; collect more points")
    return cloud


def _check_options(cloud: Tensor, n_anchors: int | None, dimension: int | None) -> None:
    """Refuse numbers of anchors and dimensions that cannot be."""
    if n_anchors is not None and n_anchors < 1:
        raise DataError(f"expected n_anchors >= 1, received {n_anchors}; leave it out for the default")
    if dimension is not None and not 1 <= dimension <= cloud.shape[1]:
        raise DataError(f"expected dimension in 1..{cloud.shape[1]}, received {dimension}; leave it out to estimate it")


def _check_count(cloud: Tensor, dimension: int) -> None:
    """Refuse clouds too small for two independent local quadratic fits."""
    needed = 2 * _smallest_ball(dimension)
    if len(cloud) < needed:
        raise DataError(
            f"expected at least {needed} distinct points for dimension {dimension}, received {len(cloud)}; "
            "collect more points or state a lower dimension"
        )


def _smallest_ball(dimension: int) -> int:
    """Neighbours that leave a quadratic fit some redundancy."""
    return math.ceil(1.5 * (1 + dimension + dimension * (dimension + 1) // 2)) + 2


class _Balls:
    """Neighbours of centres, sorted by distance; one query serves every radius."""

    def __init__(self, cloud: Tensor, centres: Tensor, most: int) -> None:
        from scipy.spatial import KDTree

        most = min(len(cloud), max(most, _FEWEST))
        distance, index = KDTree(cloud.numpy()).query(centres.numpy(), k=most)
        self.cloud, self.centres = cloud, centres
        self.distance, self.index = torch.from_numpy(distance), torch.from_numpy(index)

    def count(self, radius: float, fewest: int) -> Tensor:
        """Neighbours (a,) within the radius, at least `fewest`."""
        count = (self.distance <= radius).sum(1)
        return count.clamp(min=min(fewest, self.index.shape[1]))

    def blocks(self, radius: float, fewest: int, width: int) -> Iterator[tuple[Tensor, ...]]:
        """Yield centres (b, n), neighbours (b, k, n), their mask (b, k) and radii (b,) in bounded blocks."""
        counts = self.count(radius, fewest)
        most = min(int(counts.max()), max(_LARGEST_BALL, fewest))
        step = max(1, _BLOCK // (most * width))
        slots = torch.arange(most)
        for start in range(0, len(counts), step):
            count = counts[start : start + step, None]
            stride = (count / most).clamp(min=1)
            place = (slots * stride).long()
            mask = place < count
            index = self.index[start : start + step].gather(1, place.clamp(max=self.index.shape[1] - 1))
            reach = self.distance[start : start + step].gather(1, count - 1)[:, 0].clamp(min=radius)
            yield self.centres[start : start + step], self.cloud[index], mask, reach


def _spectra(balls: _Balls) -> list[ScanRow]:
    """Scan log-spaced radii for the typical singular values of a ball."""
    n = balls.cloud.shape[1]
    fewest = min(2 * n + 4, max(10, balls.index.shape[1] // 3))
    ends = balls.distance.median(0).values
    radii = torch.logspace(math.log10(ends[fewest - 1]), math.log10(ends[-1]), _ROWS, dtype=torch.float64)
    return [_spectrum_row(balls, float(radius), fewest) for radius in radii]


def _spectrum_row(balls: _Balls, radius: float, fewest: int) -> ScanRow:
    """Pool the local spectra of one radius and read off the first clear gap."""
    blocks = balls.blocks(radius, fewest, 2 * balls.cloud.shape[1])
    local = [principal_axes(ball, mask.double())[1] / reach[:, None] for _, ball, mask, reach in blocks]
    spectrum = torch.cat(local).median(0).values
    dimension, gap = _first_gap(spectrum)
    neighbours = float(balls.count(radius, fewest).double().median())
    return ScanRow(radius, neighbours, tuple(spectrum.tolist()), dimension, gap)


def _first_gap(spectrum: Tensor) -> tuple[int | None, float]:
    """Return how many values stand before the first clear gap, and that gap or else the largest one."""
    gaps = spectrum[:-1] / spectrum[1:].clamp(min=1e-12 * float(spectrum[0]))
    clear = (gaps >= bars.CLEAR_STEP).nonzero()[:, 0]
    if len(clear):
        return int(clear[0]) + 1, float(gaps[clear[0]])
    return None, float(gaps.max()) if len(gaps) else 1.0


def _consensus(scan: list[ScanRow], n: int) -> int | None:
    """Take the dimension on whose plateau the scan agrees; `n` when no radius shows a gap."""
    evidence: dict[int, float] = {}
    for dimension, rows in groupby(scan, key=lambda row: row.dimension):
        gaps = [min(row.gap, 5.0) for row in rows]
        if dimension is not None and len(gaps) >= bars.PLATEAU:
            evidence[dimension] = evidence.get(dimension, 0.0) + sum(math.log(gap) for gap in gaps)
    if not evidence:
        return n if all(row.gap < bars.FILLED_STEP for row in scan) else None
    finest = next(iter(evidence))  # coarser balls see the span of the data or a thin shape as its core
    evidence = {key: value if key == finest else value / 2 for key, value in evidence.items()}
    best, *others = sorted(evidence, key=lambda key: -evidence[key])
    if others and evidence[others[0]] > bars.MOST_RIVAL * evidence[best]:
        return None
    return best


def _errors(balls: _Balls, scan: list[ScanRow], dimension: int) -> list[ScanRow]:
    """Add noise, scatter and bias of the fitted tangents to every row that can carry a fit."""
    fewest = _smallest_ball(dimension)
    rows = [row for row in scan if row.neighbours >= fewest] or scan[-1:]
    fits = [_fit_all(balls, row.radius, dimension) for row in rows]
    filled = []
    for place, (row, fit) in enumerate(zip(rows, fits, strict=True)):
        below = [k for k in range(place) if rows[k].radius >= row.radius / 2.1]
        finer = [_bias(fits[k], fit, dimension) for k in below]
        bias = math.sqrt(max(finer, default=0.0))
        scatter = math.sqrt(weighted_mean(fit.scatter, sureness(fit.scatter)))
        noise = math.sqrt(float(fit.noise.median()))
        filled.append(row._replace(noise=noise, scatter=scatter, bias=bias))
    return filled


def _bias(finer: LocalFit, coarser: LocalFit, dimension: int) -> float:
    """Squared angle between tangents of two radii, beyond what their scatter explains."""
    tangents, normals = finer.frames[:, :, :dimension], coarser.frames[:, :, dimension:]
    moved = (normals.mT @ tangents).square().sum((1, 2)) / dimension
    expected = (finer.scatter - coarser.scatter).clamp(min=0)
    # Half the radius has a quarter of the bias, so what moved is three quarters of it.
    return max(0.0, weighted_mean(moved - expected, sureness(coarser.scatter))) * (4 / 3) ** 2


def _fit_all(balls: _Balls, radius: float, dimension: int) -> LocalFit:
    """Fit every ball, block by block."""
    n = balls.cloud.shape[1]
    width = 3 * (1 + dimension + dimension * (dimension + 1) // 2) + 3 * n
    blocks = balls.blocks(radius, _smallest_ball(dimension), width)
    fits = [fit_balls(centres, ball, mask, reach, dimension) for centres, ball, mask, reach in blocks]
    feet, frames, scatter, noise = (torch.cat(parts) for parts in zip(*fits, strict=True))
    return LocalFit(feet, frames, scatter, noise)


def _frames(cloud: Tensor, anchors: Tensor, dimension: int, best: ScanRow, scan: list[ScanRow]) -> TangentFrames:
    """Fit at the chosen radius and turn the fits into the answer."""
    fits = [_refined(cloud, part, dimension, best) for part in anchors.split(_ANCHORS)]
    fit = LocalFit(*(torch.cat(parts) for parts in zip(*fits, strict=True)))
    normals, weights = fit.frames[:, :, dimension:], sureness(fit.scatter)
    return TangentFrames(
        anchors=fit.feet,
        normals=normals @ normals.mT,
        dimension=dimension,
        radius=best.radius,
        noise=median(row.noise for row in scan if best.radius / 3 <= row.radius <= best.radius),
        angle=math.hypot(math.sqrt(weighted_mean(fit.scatter, weights)), best.bias),
        weights=weights,
        scan=tuple(scan),
        spectrum=torch.tensor(best.spectrum, dtype=torch.float64),
    )


def _refined(cloud: Tensor, anchors: Tensor, dimension: int, row: ScanRow) -> LocalFit:
    """Fit about the anchors, then about their feet, whose balls the noise of the anchor does not tilt."""
    most = min(len(cloud) // 2, int(4 * row.neighbours))
    feet = _fit_all(_Balls(cloud, anchors, most), row.radius, dimension).feet
    near = (feet - anchors).norm(dim=1, keepdim=True) < row.radius
    return _fit_all(_Balls(cloud, torch.where(near, feet, anchors), most), row.radius, dimension)


def _without_normals(anchors: Tensor, dimension: int | None, scan: list[ScanRow]) -> TangentFrames:
    """Answer for data that fill the space (no normals) or whose dimension is undecided (no weight)."""
    n, middle, decided = anchors.shape[1], scan[len(scan) // 2], dimension is not None
    return TangentFrames(
        anchors=anchors,
        normals=torch.zeros(len(anchors), n, n, dtype=torch.float64),
        dimension=dimension,
        radius=middle.radius,
        noise=0.0 if decided else math.nan,
        angle=0.0 if decided else math.nan,
        weights=torch.full((len(anchors),), float(decided), dtype=torch.float64),
        scan=tuple(scan),
        spectrum=torch.tensor(middle.spectrum, dtype=torch.float64),
    )
