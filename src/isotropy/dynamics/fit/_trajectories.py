"""Trajectories as they come: checked, in float64, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...errors import DataError

Pair = tuple[Tensor, Tensor]


def checked_trajectories(states: Sequence[Any], times: Sequence[Any], size: int, fewest: int) -> list[Pair]:
    """States `(T_i, size)` and times `(T_i,)` of every trajectory.

    Raises
    ------
    DataError
        If the lists differ in length, shapes do not fit, a trajectory has fewer than ``fewest`` samples, a number is
        not finite, or times repeat or run backwards.
    """
    if len(states) == 0 or len(states) != len(times):
        raise DataError(
            f"times: expected one per trajectory and at least one trajectory, received {len(states)} trajectories and "
            f"{len(times)} times; pass two lists of equal length"
        )
    return [_checked(k, x, t, size, fewest) for k, (x, t) in enumerate(zip(states, times, strict=True))]


def _checked(index: int, state: Any, time: Any, size: int, fewest: int) -> Pair:
    x, t = _numbers(state), _numbers(time)
    if x.ndim != 2 or x.shape[1] != size or t.shape != x.shape[:1]:
        raise DataError(
            f"trajectory {index}: expected states (T, {size}) and times (T,), received {tuple(x.shape)} and "
            f"{tuple(t.shape)}; one row per time, one column per coordinate of the dictionary"
        )
    if len(x) < fewest:
        raise DataError(f"trajectory {index}: expected at least {fewest} samples, received {len(x)}; leave it out")
    if not bool(torch.isfinite(x).all() and torch.isfinite(t).all()):
        raise DataError(f"trajectory {index}: expected finite numbers, received NaN or infinity; drop those samples")
    if not bool((t.diff() > 0).all()):
        k = int((t.diff() <= 0).nonzero()[0])
        raise DataError(
            f"trajectory {index}: expected strictly increasing times, received {float(t[k]):g} then "
            f"{float(t[k + 1]):g} at sample {k + 1}; sort the samples and drop repeated times"
        )
    return x, t


def _numbers(values: Any) -> Tensor:
    """Float64 on the CPU; torch takes no arrays that run backwards."""
    import numpy

    tensor = values if isinstance(values, Tensor) else torch.as_tensor(numpy.ascontiguousarray(values))
    return tensor.detach().to("cpu", torch.float64)
