"""``isotropy equations``: from trajectories to governing equations, with the symmetry they can bear."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import dictionary
from ..datasets import Trajectories
from ..discover import plain
from ..dynamics import Governing, SecondOrder, SINDy, WeakSINDy, central
from ..errors import DataError
from ..report import write_equations_report
from ._options import AsJson, Key, Out, Seed
from .input._sources import Columns, Source, read_source
from .input._symmetry import symmetry_for
from .output._folder import require_folder, require_report, whole_folder
from .output._progress import reporting
from .output._sentences import equations_words
from .roads._equations import ROADS, take_road
from .roads._equations_answer import Found, answer_of

_LONG = 60  # samples of the shortest trajectory from which on the weak form has rows enough
_MOST_TERMS = 1000  # of all equations together


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
    if out is not None:
        require_folder(out)
        require_report()
    source, runs = _trajectories(data, Columns(None, None, time, state, trajectory, motion, "--motion"), key)
    model = _model(runs, source.kind == "mechanics", degree, weak, threshold)
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


def _trajectories(data: str, columns: Columns, key: str | None) -> tuple[Source, Trajectories]:
    """Read DATA and insist on trajectories."""
    source = read_source(data, columns, key)
    if not isinstance(source.data, Trajectories):
        raise DataError(f"{data}: expected trajectories, received {source.kind}; give --time and --state")
    return source, source.data


def _model(
    runs: Trajectories, motion: bool, degree: int | None, weak: bool | None, threshold: float | None
) -> Governing:
    """The terms and the way to fit them that suit the data."""
    size = runs.states[0].shape[1]
    if motion:
        if weak:
            raise DataError("--weak: expected --derivative with equations of motion, received --weak; leave it out")
        terms = central(size // 2) if degree is None else dictionary.polynomials(size // 2, degree)
        _require_few(len(terms) * size // 2)
        return SecondOrder(terms) if threshold is None else SecondOrder(terms, threshold=threshold)
    terms = dictionary.polynomials(size, 2 if degree is None else degree)
    _require_few(len(terms) * size)
    if weak or (weak is None and min(map(len, runs.states)) >= _LONG):
        return WeakSINDy(terms, threshold=threshold or 0.0)
    if threshold is None:
        return SINDy(terms, threshold=0.0, select="evidence")
    return SINDy(terms, threshold=threshold)


def _require_few(count: int) -> None:
    if count > _MOST_TERMS:
        raise DataError(
            f"--degree: expected at most {_MOST_TERMS} coefficients in all, received {count}; lower it or "
            "name fewer columns"
        )


def _write(out: Path, answer: dict[str, Any], found: Found, runs: Trajectories) -> None:
    """Write ``equations.json`` and ``report.html``."""
    with whole_folder(out) as folder:
        clean = plain(answer)
        text = json.dumps(clean, indent=1, allow_nan=False) + "\n"
        (folder / "equations.json").write_text(text, encoding="utf-8")
        states = [x.numpy() for x in runs.states]
        paths = [None if p is None else p.numpy() for p in found.paths]
        write_equations_report(folder / "report.html", clean, states, paths)
