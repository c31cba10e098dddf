"""Tangent planes of one scale: quadratic fits over balls of points, batched.

A plane fitted to a ball leans where the set curves; a quadratic fitted over that plane, at whose foot the plane is
moved, does not.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .. import bars

_REFITS = 4  # frame updates; the foot point and the tangent settle quadratically


class LocalFit(NamedTuple):
    """Local fits at anchors: feet (a, n), frames (a, n, n) tangents first, scatter^2 and noise^2 (a,)."""

    feet: Tensor
    frames: Tensor
    scatter: Tensor
    noise: Tensor


def fit_balls(centres: Tensor, ball: Tensor, mask: Tensor, radius: Tensor, dimension: int) -> LocalFit:
    """Alternate between a quadratic fit over the tangent plane and moving the plane onto the fit."""
    frames, _ = principal_axes(ball, mask.double())
    feet, trust = centres, mask.double()
    turn = 0
    while True:
        shift = ((centres - feet)[:, None] @ frames[:, :, :dimension]) / radius[:, None, None]
        local = (ball - feet[:, None]) @ frames / radius[:, None, None]
        tangent, normal = local[..., :dimension], local[..., dimension:]
        # The weight sees tangent coordinates only: weighting by full distance would favour inner points.
        weight = trust * (1 - tangent.square().sum(2)).clamp(min=0).square()
        smoother, coefficients = _quadratic(tangent, normal, weight)
        residual = normal - _monomials(tangent) @ coefficients
        if turn == 1:  # the plane has settled enough to judge points by it
            trust = mask * _trust(residual, weight, coefficients.shape[1])
        feet, frames = _move(feet, frames, shift, coefficients, radius)
        turn += 1
        if turn == _REFITS:
            break
    leverage = (_monomials(tangent) * smoother.mT).sum(2)
    freedom = (weight * (1 - leverage)).sum(1).clamp(min=1e-30)
    spread = (weight[..., None] * residual.square()).sum((1, 2)) / freedom
    scatter = spread * smoother[:, 1 : 1 + dimension].square().sum((1, 2)) / dimension
    scatter[torch.count_nonzero(weight, dim=1) <= coefficients.shape[1]] = 1.0  # too few points left to judge the fit
    codimension = normal.shape[2]
    return LocalFit(feet, frames, scatter.clamp(max=1.0), spread * radius.square() / codimension)


def _trust(residual: Tensor, weight: Tensor, fitted: int) -> Tensor:
    """Tukey weights (b, k): zero for points far off the fit, nearly one for normal noise."""
    size = residual.norm(dim=2)
    inside = weight > 0
    typical = torch.where(inside, size, math.nan).nanmedian(1, keepdim=True).values
    # A fit through few points bends to any of them, so its residuals tell nothing about outliers.
    judged = inside.sum(1, keepdim=True) >= bars.LEAST_JUDGED * fitted
    relative = size / (bars.OUTLYING * typical.clamp(min=1e-14))
    return torch.where(judged, (1 - relative.square()).clamp(min=0).square(), 1.0)


def _monomials(tangent: Tensor) -> Tensor:
    """Columns 1, t_i, t_i t_j of shape (b, k, q)."""
    i, j = torch.triu_indices(tangent.shape[2], tangent.shape[2])
    one = torch.ones_like(tangent[..., :1])
    return torch.cat([one, tangent, tangent[..., i] * tangent[..., j]], dim=2)


def _quadratic(tangent: Tensor, normal: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the linear smoother (b, q, k) and coefficients (b, q, n - d) of the weighted fit."""
    root = weight.sqrt()[..., None]
    design = root * _monomials(tangent)
    q = design.shape[2]  # the whisper of ridge keeps a fit finite that its ball does not determine
    ridge = 1e-6 * torch.eye(q, dtype=design.dtype).expand(len(design), q, q)
    basis, triangle = torch.linalg.qr(torch.cat([design, ridge], dim=1))
    smoother = torch.linalg.solve_triangular(triangle, (basis[:, :-q] * root).mT, upper=True)
    return smoother, smoother @ normal


def _move(feet: Tensor, frames: Tensor, shift: Tensor, coefficients: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    """Move to the point of the fit above the anchor and turn the frame to the tangent there."""
    dimension = shift.shape[2]
    tangents, normals = frames[:, :, :dimension], frames[:, :, dimension:]
    height = _monomials(shift) @ coefficients
    step = (shift @ tangents.mT + height @ normals.mT)[:, 0]
    slope = _slope(shift[:, 0], coefficients)
    turned = torch.cat([tangents + normals @ slope.mT, normals - tangents @ slope], dim=2)
    return feet + radius[:, None] * step, torch.linalg.qr(turned).Q


def _slope(shift: Tensor, coefficients: Tensor) -> Tensor:
    """Differentiate, (b, d, n - d), the fitted normal coordinates at the tangent coordinates `shift`."""
    d = shift.shape[1]
    slope, second = coefficients[:, 1 : 1 + d].clone(), coefficients[:, 1 + d :]
    i, j = torch.triu_indices(d, d)
    slope.index_add_(1, i, second * shift[:, j, None])
    slope.index_add_(1, j, second * shift[:, i, None])
    return slope


def principal_axes(ball: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return principal directions (b, n, n) in columns and standard deviations (b, n), largest first."""
    total = weight.sum(1)[:, None, None]
    mean = (weight[..., None] * ball).sum(1, keepdim=True) / total
    rows = (weight[..., None] / total).sqrt() * (ball - mean)
    n = ball.shape[2]
    if rows.shape[1] < n:
        rows = torch.nn.functional.pad(rows, (0, 0, 0, n - rows.shape[1]))
    triangle = torch.linalg.qr(rows, mode="r").R
    _, values, directions = torch.linalg.svd(triangle)
    return directions.mT, values


def sureness(scatter: Tensor) -> Tensor:
    """Weights (a,) in (0, 1]: one for a sure tangent, 1/2 for twice the typical squared scatter."""
    typical = scatter.median() + 1e-30
    return typical / torch.maximum(typical, scatter)


def weighted_mean(values: Tensor, weights: Tensor) -> float:
    """Weighted mean."""
    return float((weights * values).sum() / weights.sum())
