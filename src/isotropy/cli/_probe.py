"""``isotropy probe``: how much a force field breaks rotations, and the cheapest cure."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import DataError
from ._options import AsJson, Out, Seed
from .output._folder import require_folder, require_report, whole_folder
from .output._progress import reporting

if TYPE_CHECKING:
    from ..atoms import ProbeReport

FILE = "probe.json"
PAGE = "report.html"


def probe(
    frames: Annotated[str, typer.Argument(help="structures in any format that ase reads, such as extxyz, cif or traj")],
    calculator: Annotated[str, typer.Option(help="module:factory importable from here; gives a calculator of ase")],
    select: Annotated[str, typer.Option(help="which frames, as a Python index: 0, :10, ::5")] = ":",
    rule: Annotated[
        str, typer.Option(help="reference: D2, T, O, I, lebedev:7, gauss:6 or grid:3i; +i adds inversion")
    ] = "I+i",
    properties: Annotated[str, typer.Option(help="what to measure, such as energy,forces,stress")] = "energy,forces",
    tolerance: Annotated[
        str | None, typer.Option(help="such as forces=1e-3,energy=1e-2: names the cheapest rule within; code 1 if none")
    ] = None,
    held_out: Annotated[int, typer.Option(min=3, help="random elements that no rule has seen")] = 12,
    candidates: Annotated[bool, typer.Option(help="compare cheaper rules with the reference")] = True,
    resume: Annotated[Path | None, typer.Option(help="file of finished frames, kept if the run stops")] = None,
    out: Out = None,
    as_json: AsJson = False,
    seed: Seed = 0,
) -> None:
    """Probe how much the force field behind --calculator breaks rotations and inversion at the structures of FRAMES.

    Says the error of each output, its noise floor, and what is left after averages over cheaper rules.
    """
    from .. import atoms as package
    from .input._force_field import load_calculator, read_frames, read_rule
    from .input._models import aside

    if out is not None:
        require_folder(out)
        require_report()
    limits = _limits(tolerance)
    reference, measured = read_rule(rule), properties.split(",")
    _require_measured(limits, measured, candidates)
    structures = read_frames(frames, select)
    force_field = load_calculator(calculator)
    with reporting(quiet=as_json) as step, aside(f"--calculator {calculator}"):
        found = package.probe(
            force_field,
            structures,
            reference,
            properties=measured,
            candidates=None if candidates else (),
            held_out=held_out,
            seed=seed,
            resume=resume,
            progress=step,
        )
    choice = _choice(found, limits)
    answer = {**found.to_dict(), "tolerance": limits, "choice": choice, "calculator": calculator, "data": frames}
    chosen = _choice_words(limits, choice)
    text = json.dumps(answer, allow_nan=False) if as_json else _words(found, chosen, out)
    if out is not None:
        _write(out, answer, found, chosen)
    typer.echo(text)
    raise typer.Exit(1 if limits and choice is None else 0)


def _limits(text: str | None) -> dict[str, float]:
    """Tolerances by property."""
    pairs = [part.partition("=") for part in text.split(",")] if text is not None else []
    limits = {name.strip(): _limit(value) for name, _, value in pairs}
    if len(limits) < len(pairs) or not all(limit >= 0 for limit in limits.values()):
        raise DataError(f"--tolerance: expected e.g. forces=1e-3,energy=1e-2, received {text!r}; name each once")
    return limits


def _limit(text: str) -> float:
    """A finite number from 0 on, or NaN."""
    try:
        found = float(text)
    except ValueError:
        return math.nan
    return found if math.isfinite(found) else math.nan


def _require_measured(limits: dict[str, float], measured: list[str], candidates: bool) -> None:
    """Refuse tolerances that cannot be judged, before anything is computed."""
    strange = sorted(set(limits) - set(measured))
    if strange or (limits and not candidates):
        raise DataError(
            f"--tolerance: expected properties that are measured, with candidates, received {', '.join(limits)}; "
            "add them to --properties and leave out --no-candidates"
        )


def _choice(found: ProbeReport, limits: dict[str, float]) -> dict[str, Any] | None:
    """The cheapest rule within the tolerances, if any is asked for and there is one."""
    rows = found.rules() if limits else []
    within = [row for row in rows if all(row["errors"][name]["mean"] <= limits[name] for name in limits)]
    return within[0] if within else None


def _write(out: Path, answer: dict[str, Any], found: ProbeReport, chosen: str) -> None:
    from .. import report as pages

    with whole_folder(out) as folder:
        (folder / FILE).write_text(json.dumps(answer, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        pages.write_probe(folder / PAGE, found, f"Probe of {answer['calculator']} at {answer['data']}", chosen)


def _choice_words(limits: dict[str, float], choice: dict[str, Any] | None) -> str:
    """A sentence on the cheapest rule, empty if none was asked for."""
    if not limits:
        return ""
    asked = ", ".join(f"{name} {value:g}" for name, value in limits.items())
    chosen = f"{choice['name']}, {choice['evaluations']} evaluations" if choice else "none of the rules"
    return f"Cheapest rule within {asked}: {chosen}."


def _words(found: ProbeReport, chosen: str, out: Path | None) -> str:
    lines = [str(found), *filter(None, [chosen])]
    if out is not None:
        lines.append(f"Written: {out / FILE} and {out / PAGE} (open it in a browser)")
    return "\n".join(lines)
