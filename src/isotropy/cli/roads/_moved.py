"""Samples moved along the symmetries that were found, for the report."""

from __future__ import annotations

import torch
from torch import Tensor

from ...action._action import Action
from ...datasets import Samples
from ...discover import Discovery
from ...errors import FlowError
from ...report import Orbits
from ..input._sources import Source

_SHOWN = 200  # points that move in the report
_STEPS = 61


def moved_samples(found: Discovery, source: Source, names: list[str]) -> Orbits | None:
    """Sample points moved along every generator by up to half their spread and more, or None if there is none."""
    if not found.algebra_.dim or len(found.action_.event) != 1 or len(names) < 2:
        return None
    points = shown_points(source)
    shown = _busiest(points)
    times = torch.linspace(-1.0, 1.0, _STEPS, dtype=torch.float64)
    try:
        paths = [_path(found.action_, index, points, times)[:, :, shown] for index in range(found.algebra_.dim)]
    except FlowError:
        return None
    return Orbits([names[i] for i in shown], torch.stack(paths).numpy(), times.numpy())


def shown_points(source: Source) -> Tensor:
    """Some of the samples `(S, n)`, in the coordinates that move."""
    data, width = source.data, len(source.coordinates)
    whole = data.x if isinstance(data, Samples) else torch.cat(data.states)[:, :width]
    return whole[:: max(1, len(whole) // _SHOWN)][:_SHOWN].to(torch.float64)


def _path(action: Action, index: int, points: Tensor, times: Tensor) -> Tensor:
    """Positions `(steps, points, n)`; unit time is one spread of the data, or half a turn if that is less."""
    xi = torch.zeros(action.algebra.dim, dtype=torch.float64)
    xi[index] = 1.0
    speed = float(action.field(xi, points).norm(dim=1).square().mean().sqrt())
    spread = float((points - points.mean(0)).norm(dim=1).square().mean().sqrt())
    pace = spread / speed if speed > 0 else 1.0
    return torch.stack([action.flow(xi, points, float(t) * pace) for t in times])


def _busiest(points: Tensor) -> list[int]:
    """Up to three coordinates with the largest spread, in order."""
    spreads = points.std(0)
    return sorted(torch.argsort(spreads, descending=True)[:3].tolist())
