"""Comparisons that raise ``AssertionError`` with the numbers."""

from __future__ import annotations

import torch
from torch import Tensor

EXACT = 1e-9  # relative, for float64 formulas without differences
SMOOTH = 1e-7  # relative, for float64 flows and difference quotients


def close(value: Tensor, expected: Tensor, tolerance: float, what: str) -> None:
    """``|value - expected| <= tolerance * max(|expected|, 1)``, norms of whole tensors; NaN matches NaN."""
    same_shape(value, tuple(expected.shape), what)
    a, b = value.detach().to("cpu", torch.float64), expected.detach().to("cpu", torch.float64)
    differing = (a != b) & ~(a.isnan() & b.isnan())
    difference = float((a - b)[differing].nan_to_num(nan=float("inf")).norm())
    allowed = tolerance * max(float(b[b.isfinite()].norm()), 1.0)
    require(difference <= allowed, f"{what}: expected a difference of at most {allowed:.2g}, received {difference:.3g}")


def at_most(value: float, limit: float, what: str) -> None:
    """``value <= limit``, so that NaN fails."""
    require(value <= limit, f"{what}: expected at most {limit:.2g}, received {value:.3g}")


def at_least(value: float, limit: float, what: str) -> None:
    """``value >= limit``, so that NaN fails."""
    require(value >= limit, f"{what}: expected at least {limit:.2g}, received {value:.3g}")


def same_shape(value: Tensor, shape: tuple[int, ...], what: str) -> None:
    """A tensor of the shape that its definition says."""
    require(tuple(value.shape) == shape, f"{what}: expected shape {shape}, received {tuple(value.shape)}")


def same_dtype(value: Tensor, dtype: torch.dtype, what: str) -> None:
    """A tensor in the dtype that went in."""
    require(value.dtype == dtype, f"{what}: expected {dtype}, received {value.dtype}")


def require(condition: bool, message: str) -> None:
    """Raise with this message where the condition fails."""
    if not condition:
        raise AssertionError(message)
