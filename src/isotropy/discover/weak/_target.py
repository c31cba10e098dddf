"""The domain that a claim is about, where it is not that of the samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...core._checks import as_points
from ...dictionary import Polynomials
from ...errors import DataError

Target = Tensor | tuple[Any, Any] | Sequence[Any] | None
_POINTS = 4096  # that stand for a box or a ball: a mean over them is right to a per cent


def points_over(domain: Target, size: int, seed: int = 0) -> Tensor | None:
    """Points `(points, size)` that stand for a domain; None where that is the samples' own.

    Parameters
    ----------
    domain : tuple, Tensor or None
        ``(lower, upper)``, numbers or one for every coordinate: a box. ``(centre, radius)``, one number for every
        coordinate and one number: a ball. Samples `(points, size)`: themselves.
    size : int
        Number of coordinates.
    seed : int
        Of the points in a box or a ball.

    Raises
    ------
    DataError
        If it is none of these, or empty.

    Examples
    --------
    >>> points_over((-1.0, 1.0), 2).abs().amax().item() <= 1
    True
    >>> points_over(([0.0, 0.0, 5.0], 2.0), 3).shape
    torch.Size([4096, 3])
    """
    if domain is None:
        return None
    if not isinstance(domain, tuple):
        return as_points(domain, "domain", (size,)).to("cpu", torch.float64)
    if len(domain) != 2:
        raise DataError(f"domain: expected (lower, upper) or (centre, radius), received {len(domain)} parts; give two")
    first, second = (torch.as_tensor(part, dtype=torch.float64) for part in domain)
    if first.ndim == 1 and second.ndim == 0:
        return _ball(first, float(second), size, seed)
    return _box(first, second, size, seed)


def extrapolation(samples: Tensor, points: Tensor, degree: int) -> float:
    """Factor by which a defect over ``points`` may exceed that over ``samples``, both `(batch, n)`, for polynomials.

    With the Gram matrices G of polynomials up to a degree on either, ``kappa`` is the largest eigenvalue of that of the
    points relative to that of the samples, and ``kappa'`` the other way; the factor is ``(kappa kappa')^(1/2)``
    (Kendiukhov 2026). It is infinite where a polynomial vanishes on all samples, as on a limit cycle.
    """
    centre, scale = points.mean(0), points.std(0).clamp_min(1e-300)
    library = Polynomials(points.shape[1], degree)
    there, here = (torch.linalg.qr(library.evaluate((x - centre) / scale), mode="r").R for x in (points, samples))
    if len(here) < here.shape[1] or float(here.diagonal().abs().amin()) <= 1e-10 * float(here.diagonal().abs().amax()):
        return float("inf")
    ratio = torch.linalg.svdvals(torch.linalg.solve_triangular(here, there, upper=True, left=False))
    # Sums, not means, on both sides: the numbers of points cancel in the product.
    return float(ratio[0] / ratio[-1])


def _box(lower: Tensor, upper: Tensor, size: int, seed: int) -> Tensor:
    if lower.ndim > 1 or upper.ndim > 1 or any(part.numel() not in (1, size) for part in (lower, upper)):
        raise DataError(
            f"domain: expected a lower and an upper end for {size} coordinates, received others; match them"
        )
    if not bool((upper > lower).all()) or not bool(torch.isfinite(upper - lower).all()):
        raise DataError("domain: expected finite upper ends above the lower ones, received others; swap or cut them")
    return lower + (upper - lower) * _even(size, seed)


def _ball(centre: Tensor, radius: float, size: int, seed: int) -> Tensor:
    if len(centre) != size or not 0 < radius < float("inf") or not bool(torch.isfinite(centre).all()):
        raise DataError(f"domain: expected a centre of {size} coordinates and a positive radius, received others")
    normal = torch.randn(_POINTS, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    lengths = _even(1, seed) ** (1 / size)
    return centre + radius * lengths * normal / normal.norm(dim=1, keepdim=True)


def _even(size: int, seed: int) -> Tensor:
    """Evenly spread points of the unit cube."""
    return torch.quasirandom.SobolEngine(size, scramble=True, seed=seed).draw(_POINTS).to(torch.float64)
