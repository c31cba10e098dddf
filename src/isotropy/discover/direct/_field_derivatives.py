"""Jets from fields on grids: derivatives along periodic axes by Fourier series, along others by local polynomials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...actions import Prolonged
from ...core._checks import require_finite
from ...errors import DataError
from .. import bars

STENCIL = 9  # points of a local polynomial fit


def sample_jets(
    action: Prolonged,
    fields: Any,
    grids: Sequence[Any],
    *,
    periodic: Sequence[bool] | None = None,
    samples: int = 2000,
    seed: int = 0,
) -> Tensor:
    """Jets `(samples, size)` of ``action`` at random grid points of fields `(solutions, dependent, *grid)`.

    Parameters
    ----------
    action : Prolonged
        Says which derivatives are wanted.
    fields : array_like
        Every dependent variable of every solution, on one grid.
    grids : sequence of array_like
        Coordinates `(points,)` along each axis, equally spaced. A periodic axis ends one step before its period.
    periodic : sequence of bool, optional
        Which axes are periodic; none if left out. Points within a stencil of the end of the others are not sampled.
    samples : int
        Number of jets; all grid points if there are fewer.
    seed : int
        Of the points.

    Raises
    ------
    DataError
        If shapes do not fit, values are not finite, an axis is not equally spaced or shorter than a stencil.
    """
    values = require_finite(torch.as_tensor(fields).detach().to("cpu", torch.float64), "fields")
    axes = [torch.as_tensor(grid, dtype=torch.float64) for grid in grids]
    around = list(periodic) if periodic is not None else [False] * len(axes)
    _require_grid(action, values, axes, around)
    spans = [
        torch.arange(len(axis)) if turn else torch.arange(STENCIL // 2, len(axis) - STENCIL // 2)
        for axis, turn in zip(axes, around, strict=True)
    ]
    inside = torch.cartesian_prod(torch.arange(len(values)), *spans).unbind(1)
    chosen = torch.randperm(len(inside[0]), generator=torch.Generator().manual_seed(seed))[:samples]
    where = [part[chosen] for part in inside]
    columns = [axis[part] for axis, part in zip(axes, where[1:], strict=True)]
    for index in action.indices:
        change = values
        for axis, (power, turn) in enumerate(zip(index, around, strict=True)):
            if power:
                change = _derivative(change, axis + 2, axes[axis], power, turn)
        columns += [
            change[where[0], variable][(torch.arange(len(chosen)), *where[1:])]
            for variable in range(len(action.dependent))
        ]
    return torch.stack(columns, dim=1)


def _require_grid(action: Prolonged, values: Tensor, axes: list[Tensor], around: list[bool]) -> None:
    shape = (len(action.dependent), *map(len, axes))
    if len(axes) != len(action.independent) or len(around) != len(axes) or tuple(values.shape[1:]) != shape:
        raise DataError(
            f"fields: expected shape (solutions, {len(action.dependent)}, *grid) with one axis for each of "
            f"{list(action.independent)} and grids to match, received {tuple(values.shape)} and grids of "
            f"{[len(axis) for axis in axes]} points; reorder the axes"
        )
    for name, axis in zip(action.independent, axes, strict=True):
        steps = axis.diff()
        if len(axis) < STENCIL or not bool(((steps - steps.mean()).abs() < bars.EVEN_GRID * steps.mean().abs()).all()):
            raise DataError(
                f"grids: expected at least {STENCIL} equally spaced values of {name}, received {len(axis)}; "
                "resample that axis"
            )


def _derivative(values: Tensor, axis: int, grid: Tensor, power: int, periodic: bool) -> Tensor:
    """Derivative of an order along one axis; meaningless within a stencil of the end of one that is not periodic."""
    step = float(grid[1] - grid[0])
    if periodic:
        rates = 2 * math.pi * torch.fft.rfftfreq(len(grid), step, dtype=torch.float64)
        symbol = (1j * rates) ** power
        if len(grid) % 2 == 0 and power % 2:
            symbol[-1] = 0.0  # the shortest wave has no odd derivative on the grid
        shape = [1] * values.ndim
        shape[axis] = len(rates)
        return torch.fft.irfft(torch.fft.rfft(values, dim=axis) * symbol.reshape(shape), n=len(grid), dim=axis)
    offsets = torch.arange(STENCIL, dtype=torch.float64) - STENCIL // 2
    powers = offsets[None] ** torch.arange(STENCIL, dtype=torch.float64)[:, None]
    target = torch.zeros(STENCIL, dtype=torch.float64)
    target[power] = math.factorial(power) / step**power
    weights = torch.linalg.solve(powers, target)
    moved = values.movedim(axis, -1)
    inner = moved.unfold(-1, STENCIL, 1) @ weights
    padded = torch.nn.functional.pad(inner, (STENCIL // 2, STENCIL // 2))
    return padded.movedim(-1, axis)
