"""``isotropy equations``: from trajectories to governing equations, with the symmetry they can bear."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._options import AsJson, Key, Out, Seed
from .output._folder import require_folder, require_report, whole_folder
from .output._progress import reporting

if TYPE_CHECKING:
    from ..datasets import Trajectories
    from .roads._equations import Found


def equations(
    data: Annotated[str, typer.Argument(help="CSV, TSV, Parquet, NPY, NPZ or HDF5 file, or example:NAME")],
    time: Annotated[str | None, typer.Option(help="time column")] = None,
    state: Annotated[str | None, typer.Option(help="state columns, such as u,v,w or x0:x5")] = None,
    trajectory: Annotated[str | None, typer.Option(help="column that tells trajectories apart")] = None,
    motion: Annotated[
        bool, typer.Option("--motion", help="state is positions, then velocities: equations of motion")
    ] = False,
    degree: Annotated[int | None, typer.Option(min=0, max=6, help="of the polynomial terms; 2 if left out")] = None,
    symmetry: Annotated[
        str, typer.Option(help="auto (choose), none, a name such as so(2), or a symmetry.json")
    ] = "auto",
    weak: Annotated[
        bool | None, typer.Option("--weak/--derivative", help="integrals or velocities; by length if left out")
    ] = None,
    threshold: Annotated[float | None, typer.Option(min=0.0, help="drop smaller coefficients (motion: shares)")] = None,
    key: Key = None,
    out: Out = None,
    as_json: AsJson = False,
    seed: Seed = 0,
) -> None:
    """Find the governing equations of the trajectories in DATA, and the symmetry they can bear."""
    from ..discover import plain
    from .input._sources import Columns
    from .input._symmetry import symmetry_for
    from .output._sentences import equations_words
    from .roads._equations import ROADS, take_road
    from .roads._equations_answer import answer_of
    from .roads._equations_model import model_for, read_trajectories

    if out is not None:
        require_folder(out)
        require_report()
    source, runs = read_trajectories(data, Columns(None, None, time, state, trajectory, motion, "--motion"), key)
    model = model_for(runs, source.kind == "mechanics", degree, weak, threshold)
    names = source.coordinates[: model.dictionary.size]
    given = symmetry if symmetry in ROADS else symmetry_for(symmetry, names, "--symmetry")
    with reporting(quiet=as_json) as progress:
        found = take_road(model, runs, symmetry, given, seed, progress)
        answer = answer_of(found, runs, source.coordinates, data, seed)
    text = json.dumps(plain(answer)) if as_json else equations_words(answer, out)
    if out is not None:
        _write(out, answer, found, runs)
    typer.echo(text)
    raise typer.Exit(1 if answer["doubts"] else 0)


def _write(out: Path, answer: dict[str, Any], found: Found, runs: Trajectories) -> None:
    """Write ``equations.json`` and ``report.html``."""
    from ..discover import plain
    from ..report import write_equations_report

    with whole_folder(out) as folder:
        clean = plain(answer)
        text = json.dumps(clean, indent=1, allow_nan=False) + "\n"
        (folder / "equations.json").write_text(text, encoding="utf-8")
        states = [x.numpy() for x in runs.states]
        paths = [None if p is None else p.numpy() for p in found.paths]
        write_equations_report(folder / "report.html", clean, states, paths)
