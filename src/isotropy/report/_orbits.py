"""Sample points moved along each generator, as the report embeds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError, RepresentationMismatchError

_DIGITS = 4


@dataclass(frozen=True)
class Orbits:
    """The flow of some sample points along each generator.

    Parameters
    ----------
    names : list of str
        The 2 or 3 coordinates shown.
    points : (generators, steps, points, 2 or 3) array
        Positions; a few hundred points and some forty steps keep the report small and lively.
    times : (steps,) array
        Flow times, increasing; where 0 is inside, the page starts there.

    Raises
    ------
    RepresentationMismatchError
        If the shapes do not fit one another.
    DataError
        If a number is not finite, or the times do not increase.
    """

    names: list[str]
    points: Any
    times: Any

    def __post_init__(self) -> None:
        points, times = self.positions(), np.asarray(self.times, dtype=np.float64)
        wanted = f"(generators, {times.size}, points, {len(self.names)})"
        fits = points.ndim == 4 and points.shape[1] == times.size and points.shape[3] == len(self.names)
        if not fits or times.ndim != 1 or len(self.names) not in (2, 3) or 0 in points.shape:
            raise RepresentationMismatchError(
                f"expected 2 or 3 names, times of shape (steps,) and points of shape {wanted}, got "
                f"{len(self.names)} names, times {times.shape} and points {points.shape}; "
                "keep 2 or 3 coordinates"
            )
        if not (np.isfinite(points).all() and np.isfinite(times).all() and (np.diff(times) > 0).all()):
            raise DataError(
                "expected finite points and increasing times, got others; shorten the flow to where it stays finite"
            )

    def positions(self) -> np.ndarray:
        """Return the points as float64, (generators, steps, points, 2 or 3)."""
        return np.asarray(self.points, dtype=np.float64)

    def payload(self, labels: list[str]) -> dict[str, Any]:
        """Return what the page's script reads; points are rounded to about four digits of the picture."""
        points = self.positions()
        low, high = (np.quantile(points, edge, axis=(0, 1, 2)) for edge in (0.005, 0.995))
        centre, half = (low + high) / 2, _half_widths(1.08 * (high - low) / 2)
        decimals = _DIGITS - np.floor(np.log10(half)).astype(int)
        rounded = np.stack([np.round(points[..., axis], places) for axis, places in enumerate(decimals)], axis=-1)
        return {
            "names": list(self.names),
            "labels": labels,
            "times": np.asarray(self.times, dtype=np.float64).tolist(),
            "centre": centre.tolist(),
            "half": half.tolist(),
            "points": rounded.tolist(),
        }


def _half_widths(half: np.ndarray) -> np.ndarray:
    """Return one common width for coordinates in like units, so that circles look like circles."""
    largest = half.max() or 1.0
    if half.min() > 0.1 * largest:
        return np.full_like(half, largest)
    return np.where(half > 0, half, largest)
