"""``isotropy discover``: point it at data, get its symmetries with proof."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import dictionary
from .._action import Action
from ..actions import TimeScaled
from ..datasets import Samples, Trajectories
from ..discover import ConservedQuantities, Discovery, FromData, FromDynamics, FromNoether, FromPoints, plain
from ..errors import DataError
from ._candidates import action_for, output_action
from ._output import write_answer
from ._progress import reporting
from ._sources import Columns, Source, read_source
from ._words import tell

Text = Annotated[str | None, typer.Option()]


def discover(
    data: Annotated[str, typer.Argument(help="CSV, TSV, Parquet, NPY, NPZ or HDF5 file, or example:NAME")],
    x: Annotated[str | None, typer.Option(help="input columns, such as u,v,w or x0:x5; all others if left out")] = None,
    y: Annotated[str | None, typer.Option(help="output columns: look for symmetries of the map from x to y")] = None,
    time: Annotated[str | None, typer.Option(help="time column: look for symmetries of the dynamics")] = None,
    state: Annotated[str | None, typer.Option(help="state columns of a trajectory")] = None,
    trajectory: Annotated[str | None, typer.Option(help="column that tells trajectories apart")] = None,
    candidates: Annotated[str | None, typer.Option(help="such as gl(3), aff(2), se(3), poly(2,degree=2)")] = None,
    outputs: Annotated[str, typer.Option(help="how y moves: scalar, vector, or auto")] = "auto",
    noether: Annotated[bool, typer.Option(help="state is positions then velocities: use conserved charges")] = False,
    time_scaling: Annotated[bool, typer.Option(help="let solutions run at another pace")] = False,
    conserved: Annotated[int | None, typer.Option(help="also conserved polynomials up to this degree")] = None,
    rank: Annotated[str, typer.Option(help="gap, a dimension, or a threshold such as 0.05")] = "gap",
    key: Annotated[str | None, typer.Option(help="group or array inside an HDF5 or NPZ file")] = None,
    out: Annotated[Path | None, typer.Option(help="folder for symmetry.json and report.html")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the answer as JSON")] = False,
    seed: Annotated[int, typer.Option(help="seed of everything random")] = 0,
) -> None:
    """Discover the continuous symmetries of DATA.

    With --y, of the map from x to y; with --time and --state, of the dynamics; else of the set of points.
    """
    source = read_source(data, Columns(x, y, time, state, trajectory, noether), key)
    names, width = _coordinates(source)
    action = action_for(candidates or source.candidates or _default(source.kind, width), width)
    if time_scaling:
        action = _paced(action, source)
    with reporting(quiet=as_json) as progress:
        found = _fit(source, action, outputs, _rank(rank), seed, progress)
    answer = found.to_dict(names)
    if conserved is not None:
        answer["conserved"] = _conserved(source, conserved, names)
    if out is not None:
        write_answer(out, answer, found, source, names, f"isotropy discover {data}")
    typer.echo(json.dumps(plain(answer)) if as_json else tell(answer, out))
    raise typer.Exit(1 if answer["status"] == "undecided" else 0)


def _fit(source: Source, action: Action, outputs: str, rank: Any, seed: int, progress: Any) -> Discovery:
    """Send the data down their road."""
    data = source.data
    if isinstance(data, Trajectories):
        if source.kind == "mechanics":
            return FromNoether(action, rank=rank, seed=seed).fit(data.states, data.times)
        return FromDynamics(action, rank=rank, seed=seed).fit(data.states, data.times, progress=progress)
    points = data.x.reshape(len(data.x), *action.event)
    if data.y is None:
        return FromPoints(action, rank=rank, seed=seed).fit(points)
    if outputs not in ("auto", "scalar", "vector"):
        raise DataError(f"--outputs: expected scalar, vector or auto, received {outputs!r}; use auto if unsure")
    rho_out = output_action(action, data.y.shape[1], outputs)
    y = data.y[:, 0] if data.y.shape[1] == 1 else data.y
    return FromData(action, rho_out, rank=rank, seed=seed).fit(points, y, progress=progress)


def _coordinates(source: Source) -> tuple[list[str], int]:
    """Names of the coordinates that move, and their number."""
    data = source.data
    names = list(data.x_names if isinstance(data, Samples) else data.names)
    if source.kind == "mechanics" and len(names) % 2 == 0:
        names = names[: len(names) // 2]
    return names, len(names)


def _default(kind: str, width: int) -> str:
    return f"aff({width})" if kind == "points" else f"gl({width})"


def _paced(action: Action, source: Source) -> Action:
    if source.kind != "dynamics":
        raise DataError(f"--time-scaling: expected trajectories, received {source.kind}; give --time and --state")
    return TimeScaled(action)


def _rank(text: str) -> str | int | float:
    if text == "gap":
        return text
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        raise DataError(f"--rank: expected gap, a dimension or a threshold, received {text!r}; use gap") from None


def _conserved(source: Source, degree: int, names: list[str]) -> list[str]:
    """Conserved polynomials along the trajectories."""
    data = source.data
    if not isinstance(data, Trajectories):
        raise DataError(f"--conserved: expected trajectories, received {source.kind}; give --time and --state")
    library = dictionary.polynomials(data.states[0].shape[1], degree)
    found = ConservedQuantities(library).fit(data.states)
    return [f"{text}  ({found.status_})" for text in found.equations(data.names)]
