"""The defect below which rounding hides a symmetry."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..action._action import Action
from ..core._autodiff import evaluating
from ..core._differences import in_double
from ..derivative._lie_derivative import LieDerivative
from ..symmetry import bars
from ._metric import Metric

_FEW = 8  # samples that are measured again
_SIGNS = 4  # random signs, each of which tells the size of a sum without its cancellation
_DIFFERENCE = 2 / 3  # power of a unit in the last place that central differences keep to


def few_of(points: Tensor) -> Tensor:
    """Some of the samples, spread over all of them."""
    return points[:: max(1, len(points) // _FEW)][:_FEW]


def uncancelled(slopes: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], points: Tensor, rho_in: Action) -> Tensor:
    """Rows `(rows, dim, out)`: slopes along motions whose entries have random signs, at some of the samples.

    Their mean square is that of all products of a slope and an entry of a motion, which is what rounding is relative
    to; the slope along the motion itself is what is left after they cancel.
    """
    few = few_of(points)
    fields = rho_in.fields(few).transpose(0, 1)
    generator = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, (_SIGNS, 1, *few.shape), generator=generator).to(few) * 2 - 1
    found = slopes(few, (signs * fields).flatten(0, 1))[1].detach().to("cpu", torch.float64)
    rows = found.reshape(_SIGNS, len(fields), len(few), -1).transpose(1, 2).flatten(0, 1)
    return rows / len(rows) ** 0.5


def relative_rounding(method: str, dtype: torch.dtype) -> float:
    """Relative rounding of a derivative, as it enters what counts as ignored."""
    return bars.ROUNDINGS * max(
        torch.finfo(dtype).eps, torch.finfo(torch.float64).eps ** _DIFFERENCE if method == "difference" else 0.0
    )


def floor_of(
    method: str,
    dtype: torch.dtype,
    active: Tensor,
    products: Tensor,
    noise: Tensor | None,
    outputs: Metric,
    motion: Tensor,
) -> float:
    """Largest defect that rounding alone can give a combination of directions, each of which chance breaks by 1.

    Parameters
    ----------
    active : Tensor
        `(r, dim)` the directions.
    products : Tensor
        `(rows, dim)` as from ``uncancelled``, in the scales of the outputs.
    noise : Tensor or None
        `(rows, dim, out)` differences between two precisions, as they come.
    outputs : Metric
        Scales of the outputs.
    motion : Tensor
        `(rows, dim)` factor of the motions in standard deviations: differences step along them.
    """
    if not len(active):
        return 0.0
    floor = bars.ROUNDINGS * torch.finfo(dtype).eps * _norm(products, active)
    if method == "difference":
        # Values are rounded relative to their size, their mean included, before a step of theirs is divided out.
        size = (len(outputs.mean) + float(outputs(outputs.mean).square().sum())) ** 0.5
        stepped = bars.ROUNDINGS * torch.finfo(torch.float64).eps ** _DIFFERENCE * size
        floor = max(floor, stepped * _norm(motion, active))
    return floor if noise is None else max(floor, _norm(by_output(noise, outputs), active))


def seen_rounding(derivative: LieDerivative, points: Tensor) -> Tensor | None:
    """Differences `(rows, dim, out)` between the derivatives of one map in two precisions; None where it has one."""
    few = few_of(points)
    with evaluating(derivative.f):
        try:
            g, point = in_double(derivative.f, few)
        except (RuntimeError, TypeError, ValueError):  # a module that cannot be copied stays in its own precision
            return None
    if point.dtype == few.dtype:
        return None
    precise = LieDerivative(g, derivative.rho_in, derivative.rho_out, derivative.method)
    rows = derivative(few).detach().cpu().double() - precise(few.double()).detach().cpu()
    return rows / len(rows) ** 0.5


def by_output(rows: Tensor, outputs: Metric) -> Tensor:
    """Rows `(rows, dim, out)` in the scales of the outputs, as `(rows * out, dim)`."""
    return outputs(rows).transpose(1, 2).flatten(0, 1)


def _norm(rows: Tensor, active: Tensor) -> float:
    return float(torch.linalg.matrix_norm(rows @ active.T, 2)) if rows.numel() else 0.0
