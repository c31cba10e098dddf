"""``isotropy discover``: point it at data, get its symmetries with proof."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import DataError
from ._options import AsJson, Key, Out, Outputs, Seed, X
from .output._folder import require_folder, require_report, whole_folder
from .output._progress import reporting

if TYPE_CHECKING:
    from ..report import Orbits
    from ..symmetry import Symmetry


def discover(
    data: Annotated[str, typer.Argument(help="CSV, TSV, Parquet, NPY, NPZ or HDF5 file, or example:NAME")],
    x: X = None,
    y: Annotated[str | None, typer.Option(help="output columns: look for symmetries of the map from x to y")] = None,
    time: Annotated[str | None, typer.Option(help="time column: look for symmetries of the dynamics")] = None,
    state: Annotated[str | None, typer.Option(help="state columns of a trajectory")] = None,
    trajectory: Annotated[str | None, typer.Option(help="column that tells trajectories apart")] = None,
    candidates: Annotated[
        str | None,
        typer.Option("--candidates", "--symmetry", help="gl(3), aff(2), poly(2,degree=2), ... or a symmetry.json"),
    ] = None,
    outputs: Outputs = "auto",
    noether: Annotated[
        bool, typer.Option("--noether", help="state is positions, then velocities: use charges")
    ] = False,
    time_scaling: Annotated[bool, typer.Option("--time-scaling", help="let solutions run at another pace")] = False,
    conserved: Annotated[int | None, typer.Option(min=1, help="also conserved polynomials up to this degree")] = None,
    rank: Annotated[str, typer.Option(help="gap, a dimension, or a threshold such as 0.05")] = "gap",
    tolerance: Annotated[float, typer.Option(help="defect that is accepted: 0 is exact, 1 is chance")] = 0.05,
    level: Annotated[float, typer.Option(help="risk that a certified generator is broken by more")] = 0.05,
    method: Annotated[
        list[str] | None, typer.Option(help="direct, liegan, laligan or auto; several to compare their answers")
    ] = None,
    channels: Annotated[int, typer.Option(min=1, help="generators that a game proposes")] = 1,
    law: Annotated[str, typer.Option(help="of a game's coefficients: normal, uniform or integer")] = "normal",
    latent: Annotated[int, typer.Option(min=1, help="size of the latent space of laligan")] = 2,
    resume: Annotated[
        str | None, typer.Option(metavar="FILE.safetensors", help="where a game keeps its state, and goes on from")
    ] = None,
    key: Key = None,
    out: Out = None,
    as_json: AsJson = False,
    seed: Seed = 0,
) -> None:
    """Discover the continuous symmetries of DATA.

    With --y, of the map from x to y; with --time and --state, of the dynamics; else of the set of points.
    """
    from ..core._checks import require_fraction
    from ..discover import plain
    from .input._candidates import require_how
    from .input._sources import Columns, read_source
    from .output._sentences import discovered_words
    from .roads._discovery import Wish, best_of, compared, labelled, take_roads
    from .roads._moved import moved_samples
    from .roads._search_space import conserved_polynomials, search_space

    if out is not None:
        require_folder(out)
        require_report()
    wish = Wish(
        tuple(method or ["direct"]), outputs, _rank(rank), seed, channels, law, latent, resume, tolerance, level
    )
    wish.require_known()
    require_fraction(tolerance, "--tolerance")
    require_fraction(level, "--level")
    require_how(outputs)
    source = read_source(data, Columns(x, y, time, state, trajectory, noether), key)
    if outputs != "auto" and source.kind != "supervised":
        raise DataError(f"--outputs: expected a map from --x to --y, received {source.kind}; name the outputs by --y")
    chosen, action = search_space(source, candidates, time_scaling)
    extra = {} if conserved is None else {"conserved": conserved_polynomials(source, conserved)}
    with reporting(quiet=as_json) as progress:
        taken = take_roads(source, action, wish, progress)
    best = best_of(taken)
    extra |= {"candidates": chosen, "kind": source.kind, "outputs": best.outputs, **labelled(best)}
    if len(taken) > 1:
        extra["roads"] = compared(taken, source)
    symmetry = best.found.symmetry_.named(source.coordinates)
    answer = {**symmetry.to_dict(), **extra}
    text = json.dumps(symmetry.content(plain(extra))[0]) if as_json else discovered_words(answer, out)
    if out is not None:
        orbits = moved_samples(best.found, source, source.coordinates)
        _write(out, symmetry, extra, orbits, f"isotropy discover {data}")
    typer.echo(text)
    raise typer.Exit(1 if answer["status"] == "undecided" else 0)


def _rank(text: str) -> str | int | float:
    """How to cut the spectrum: a word, a dimension or a threshold."""
    if text == "gap" or text.isdecimal():
        return text if text == "gap" else int(text)
    try:
        threshold = float(text)
    except ValueError:
        threshold = -1.0
    if not 0 < threshold < 1:
        raise DataError(
            f"--rank: expected gap, a dimension such as 3, or a threshold between 0 and 1, received {text!r}; "
            "use gap if unsure"
        )
    return threshold


def _write(out: Path, symmetry: Symmetry, extra: dict[str, Any], orbits: Orbits | None, command: str) -> None:
    """Write ``symmetry.json``, with what the verb adds to it, and ``report.html``."""
    from ..discover import plain
    from ..report import write_report

    with whole_folder(out) as folder:
        symmetry.save(folder / "symmetry.json", plain(extra))
        write_report(folder / "report.html", plain({**symmetry.to_dict(), **extra, "command": command}), orbits)
