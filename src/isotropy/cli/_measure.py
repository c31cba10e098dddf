"""``isotropy measure``: how far a trained model is from a symmetry."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._options import AsJson, Key, Out, Outputs, Seed, X
from .output._folder import require_folder, whole_folder

if TYPE_CHECKING:
    from ..action._action import Action
    from ..measure import SymmetryReport

FILE = "measure.json"


def measure(
    model: Annotated[str, typer.Argument(help="torch.export program (.pt2), or module:callable importable from here")],
    data: Annotated[str, typer.Argument(help="points to measure at: a file as for discover, or example:NAME")],
    algebra: Annotated[
        str,
        typer.Option("--algebra", "--symmetry", help="what to hold the model to: so(3), se(2), ... or a symmetry.json"),
    ],
    x: X = None,
    outputs: Outputs = "auto",
    finite: Annotated[bool, typer.Option("--finite", help="also move samples by finite amounts")] = False,
    tolerance: Annotated[
        float | None, typer.Option(min=0.0, help="exit with code 1 unless the defect is below this, at the level")
    ] = None,
    level: Annotated[float, typer.Option(help="what the intervals leave out")] = 0.05,
    key: Key = None,
    out: Out = None,
    as_json: AsJson = False,
    seed: Seed = 0,
) -> None:
    """Measure how far MODEL is from being symmetric, at the points of DATA.

    The defect is 0 for a symmetric model and 1 for chance, and the effect is what one standard deviation of motion
    changes, in spreads of the output: two numbers for each generator of the algebra and for the worst combination.
    """
    from .. import measure as verb
    from ..discover import plain
    from .input._candidates import output_action
    from .input._models import calling, load_model, outputs_of
    from .input._sources import read_points
    from .input._symmetry import action_for
    from .output._sentences import measured_words

    if out is not None:
        require_folder(out)
    samples = read_points(data, x, key)
    names = list(samples.x_names)
    rho_in = action_for(algebra, names, "--algebra")
    f, dtype = load_model(model)
    points = samples.x.reshape(len(samples.x), *rho_in.event).to(dtype)
    rho_out, how = output_action(rho_in, outputs_of(f, points, model), outputs)
    with calling(model):
        report = _named(verb.equivariance(f, points, rho_in, rho_out, level=level, seed=seed), rho_in, names)
        moved = verb.finite(f, points, rho_in, rho_out, level=level, seed=seed) if finite else None
    answer: dict[str, Any] = {
        **report.to_dict(),
        "algebra": algebra,
        "outputs": how,
        "coordinates": names,
        "finite": moved.to_dict() if moved else None,
        "tolerance": tolerance,
        "within": _within(report, tolerance),
        "model": model,
        "data": data,
        "seed": seed,
    }
    answer = plain(answer)
    text = json.dumps(answer) if as_json else measured_words(answer, out and out / FILE)
    if out is not None:
        _write(out, answer)
    typer.echo(text)
    raise typer.Exit(0 if answer["within"] else 1)


def _named(report: SymmetryReport, rho: Action, names: list[str]) -> SymmetryReport:
    """The report with generators written in the names of the columns."""
    if len(rho.event) != 1:
        return report
    units = rho.algebra.basis.new_ones(rho.algebra.dim).diag()
    return replace(report, names=tuple(rho.describe(unit, names) for unit in units))


def _within(report: SymmetryReport, tolerance: float | None) -> bool:
    """Whether there is a defect whose upper limit is within the tolerance; rounding is never held against the model."""
    if math.isnan(report.defect):
        return False
    upper = report.defect if math.isnan(report.interval[1]) else report.interval[1]
    return tolerance is None or report.at_floor or upper <= tolerance


def _write(out: Path, answer: dict[str, Any]) -> None:
    with whole_folder(out) as folder:
        (folder / FILE).write_text(json.dumps(answer, indent=1, allow_nan=False) + "\n", encoding="utf-8")
