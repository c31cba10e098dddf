"""Checks of shape, dtype and finiteness; each takes the value and the argument's name."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..errors import DataError, RepresentationMismatchError


def as_points(x: Any, name: str = "x", event: tuple[int, ...] | None = None) -> Tensor:
    """Return ``x`` as a floating tensor `(batch, *event)` with at least one finite sample.

    Raises
    ------
    DataError
        If there is no sample, or a value is NaN or infinite.
    RepresentationMismatchError
        If the event shape is not the expected one.
    """
    points = x if isinstance(x, Tensor) else torch.as_tensor(x)
    if not points.dtype.is_floating_point:
        points = points.to(torch.float64)
    if points.ndim < 2 or points.shape[0] == 0:
        raise DataError(
            f"{name}: expected shape (batch, *event) with at least one sample, "
            f"received {tuple(points.shape)}; pass one row per sample"
        )
    if event is not None and tuple(points.shape[1:]) != event:
        raise RepresentationMismatchError(
            f"{name}: expected events of shape {event}, received {tuple(points.shape[1:])}; "
            "use an action that fits the data"
        )
    return require_finite(points, name)


def require_finite(values: Tensor, name: str) -> Tensor:
    """Return ``values`` unchanged, or say which sample is not finite."""
    if torch.isfinite(values).all():
        return values
    row = int(torch.nonzero(~torch.isfinite(values))[0, 0]) if values.ndim else 0
    raise DataError(f"{name}: expected finite values, received NaN or infinity in sample {row}; remove or mend it")


def as_basis(basis: Any, name: str = "basis") -> Tensor:
    """Return generators as a new float64 tensor `(dim, n, n)`."""
    stack = torch.as_tensor(basis).detach().to("cpu", torch.float64).clone()
    if stack.ndim != 3 or stack.shape[1] != stack.shape[2]:
        raise RepresentationMismatchError(
            f"{name}: expected generators of shape (dim, n, n), received {tuple(stack.shape)}; "
            "stack square matrices along the first axis"
        )
    return require_finite(stack, name)


def require_fraction(value: float, name: str) -> float:
    """Return ``value`` if it lies strictly between 0 and 1."""
    if not (0.0 < value < 1.0) or math.isnan(value):
        raise DataError(f"{name}: expected a number between 0 and 1, received {value}; choose e.g. 0.1")
    return value
