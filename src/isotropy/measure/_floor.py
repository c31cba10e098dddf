"""The error below which rounding hides a symmetry."""

from __future__ import annotations

import torch
from torch import Tensor

from ..core._autodiff import evaluating
from ..core._differences import in_double
from ..derivative._lie_derivative import LieDerivative
from ..symmetry import bars
from ._summary import Noise, ratios
from ._terms import frames, term_squares

_FEW = 8  # samples that are measured again in float64


def rounding(derivative: LieDerivative, x: Tensor, value: float, scale: float) -> Noise:
    """Noise of a Lie derivative at points `(batch, *event)`.

    A unit in the last place of the values is the least motion that counts. A map that also runs in float64 is
    compared with itself at a few samples. Central differences have an error of their own, ``eps^(2/3) |f|``.

    Parameters
    ----------
    value, scale : float
        Root mean squares of the values and of the terms of the derivative.
    """
    precise, point = _doubled(derivative, x[:_FEW])
    unit = torch.finfo(x.dtype).eps
    floor = bars.ROUNDINGS * unit
    if derivative.method == "difference":
        unit = max(unit, torch.finfo(point.dtype).eps ** (2 / 3))
        floor = bars.ROUNDINGS * unit * max(1.0, value / scale if scale else 1.0)
    if point.dtype != x.dtype:
        floor = max(floor, _seen_rounding(derivative, precise, x[:_FEW]))
    return Noise(floor, unit * value)


def _doubled(derivative: LieDerivative, few: Tensor) -> tuple[LieDerivative, Tensor]:
    """The Lie derivative of the map in float64 where it can be had, and the points in that dtype."""
    with evaluating(derivative.f):
        try:
            g, point = in_double(derivative.f, few)
        except (RuntimeError, TypeError, ValueError):  # a module that cannot be copied stays in its own precision
            return derivative, few
    return LieDerivative(g, derivative.rho_in, derivative.rho_out, derivative.method), point


def _seen_rounding(rough: LieDerivative, precise: LieDerivative, few: Tensor) -> float:
    """Largest relative difference between the derivatives of one map in two precisions."""
    frame, parts = frames(rough.rho_in.algebra), []
    coarse = rough(few).to(torch.float64).split(1)
    for chunk, fine in precise.chunks(few.to(torch.float64), slopes=True):
        noise = torch.cat(coarse[: len(chunk)]) - fine.derivative
        coarse = coarse[len(chunk) :]
        fields = precise.rho_in.fields(chunk).flatten(2)
        scale = term_squares(fields, fine.slope, fine.moved, fine.turned, frame)[1:]
        parts.append(torch.cat([term_squares(fields, fine.slope, noise, 0 * noise, frame)[:1], scale]))
    errors = ratios(torch.cat(parts, dim=1).mean(1))
    return float(errors.nan_to_num(0.0).max())
