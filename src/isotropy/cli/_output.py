"""The folder that a discovery writes: all of it or nothing."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .._action import Action
from .._files import write_atomic
from ..datasets import Samples
from ..discover import Discovery, plain
from ..errors import DataError, FlowError
from ..report import Orbits, write_report
from ._sources import Source

_SHOWN = 200  # points that move in the report
_STEPS = 61


def write_answer(
    out: Path, answer: dict[str, Any], found: Discovery, source: Source, names: list[str], command: str
) -> None:
    """Write ``symmetry.json`` and ``report.html`` into ``out``; an interruption leaves no part of them."""
    if out.exists() and not out.is_dir():
        raise DataError(f"--out: expected a folder, received the file {out}; choose another name")
    if not out.parent.is_dir():
        raise DataError(f"--out: expected an existing parent folder, received {out.parent}; create it first")
    staging = out.parent / f".{out.name}.{secrets.token_hex(4)}.part"
    staging.mkdir()
    try:
        clean = plain(answer)
        write_atomic(staging / "symmetry.json", json.dumps(clean, indent=1, allow_nan=False) + "\n")
        orbits = _orbits(found, source, names)
        write_report(staging / "report.html", {**clean, "command": command}, orbits)
        _publish(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _publish(staging: Path, out: Path) -> None:
    """Move the finished files into place."""
    if not out.exists():
        staging.rename(out)
        return
    for file in staging.iterdir():
        file.replace(out / file.name)


def _orbits(found: Discovery, source: Source, names: list[str]) -> Orbits | None:
    """Sample points moved along every generator by up to half their spread and more, or None if there is none."""
    if not found.algebra_.dim or len(found.action_.event) != 1 or len(names) < 2:
        return None
    points = _points(source, len(names))
    shown = _busiest(points)
    times = torch.linspace(-1.0, 1.0, _STEPS, dtype=torch.float64)
    try:
        paths = [_path(found.action_, index, points, times)[:, :, shown] for index in range(found.algebra_.dim)]
    except FlowError:
        return None
    return Orbits([names[i] for i in shown], torch.stack(paths).numpy(), times.numpy())


def _points(source: Source, width: int) -> Tensor:
    data = source.data
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
