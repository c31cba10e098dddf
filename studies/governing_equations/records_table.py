"""The part of the page that tells of measured records, from the files of ``records.py``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

PUBLISHED = "433.1 ± 1.7"  # days, Vicente and Wilson (1997)

HEAD = """
## Records

`choose_symmetry` with the default candidates on the bundled records: pelts of hares and lynx, counted; the ephemerides
of the planets, computed; the pole of the Earth, measured. Written by `python -m studies.governing_equations.records`.
"""

POLE = """
### The pole of the Earth

The pole of rotation wanders in the crust: it drifts, it follows the seasons on an ellipse once a year, and it wobbles
freely about its mean (Chandler). `datasets.load("polar_motion")` takes the mean over six years and the yearly ellipse
away; what is left is cut into 14 stretches of four years with a sample every 30 days. The model is `SINDy` with terms
up to degree two, selected by evidence, as on the command line; axes and growth are those of a fit of all linear terms.
Errors are from leaving out one stretch at a time.

| the wobble | found | published |
|---|---|---|
"""

BENT = """
Is the test able to fail? The same record with its y axis stretched, against the rotation:

| stretch | derivative: accepted | held-out error | weak: accepted | held-out error | p |
|---|---|---|---|---|---|
"""

PREPARATION = """
How much hangs on the preparation: what is taken for the drift, the spacing of samples, and the form of the fit. A cell
holds the period in days of the equation under the rotation, and whether the rotation is accepted.

| drift | form | 10 days | 20 days | 30 days | 40 days |
|---|---|---|---|---|---|
"""

PREPARED = """
The untreated record bears no rotation, and with a straight line for the drift it does not either: the pole turns about
a mean that itself wanders. Fits of velocities accept the rotation wherever that mean is followed. The weak form finds
longer periods and contradicts itself from one spacing to the next; with samples every ten days it refuses the rotation
though imposing it lowers the error on held-out rows. It takes all noise for errors of measurement, independent from
sample to sample; here it is the push of air and oceans on the pole, which the pole follows, so that the weights of the
rows and the F test are wrong.
"""

SCARCE = """
What the rotation is worth when little is known: equations from one stretch of four years, followed through each of the
other stretches from its first sample. Distance from the record in milliarcseconds, root mean square over four years;
mean pole and yearly motion are those of the whole record.

| method | forecasts | median | upper decile | run away |
|---|---|---|---|---|
"""

FORECAST = """
Forecasts from the past alone: every year since 1975 a line, a yearly ellipse and the equations are fitted to the twelve
years before, and continued. Milliarcseconds, root mean square over the years ahead.

| years ahead | method | forecasts | median | upper decile | run away |
|---|---|---|---|---|---|
"""

TAIL = """
- The rotation is accepted and imposed. It costs nothing, and removes one of the two parameters of the fit and ten of
  the twelve coefficients before selection. The period agrees with the published one within the errors of both, the
  orbits are circles to within half a per cent, and the damping is too small for this record to show.
- That holds as long as the drift of the mean pole is followed. How is the user's choice, and moves the period by a day.
- With four years of data the rotation keeps quadratic and cubic terms from running away.
- With twelve years selection by evidence hardly needs it. Up to terms of degree two, one and four years ahead are as
  good either way, and ten years ahead are a little better with it. The cubic terms that rotations allow are not safe:
  none of their forecasts runs away, but the worst tenth is farther off than that of the free fit.
- One year ahead equations of degree one or two are four times closer than no wobble, ten years ahead not quite twice.
"""


def section(folder: Path) -> str:
    """The text, or nothing where nothing has been run."""
    parts = [HEAD, "choice", POLE, "shape", BENT, "bent", PREPARATION, "preparation", PREPARED]
    parts += [SCARCE, "scarce", FORECAST, "forecast", TAIL]
    if not all((folder / f"{name}.json").exists() for name in ROWS):
        return ""
    return "".join(_rows(folder, part) if part in ROWS else part for part in parts)


def _rows(folder: Path, name: str) -> str:
    return "\n".join(ROWS[name](json.loads((folder / f"{name}.json").read_text())["answer"])) + "\n"


def _choice(answer: list[dict[str, Any]]) -> list[str]:
    lines = ["", "| record | imposed | accepted | held-out error without → with | parameters | equations |"]
    lines.append("|---|---|---|---|---|---|")
    for r in answer:
        errors, numbers = (" → ".join(f"{v:.3g}" for v in r[k]) for k in ("held_out", "parameters"))
        said = "; ".join(f"`{e}`" for e in r["equations"])
        of = f"{len(r['accepted'])} of {r['tried']}"
        lines.append(f"| {r['record']} | {r['imposed']} | {of} | {errors} | {numbers} | {said} |")
    return lines


def _shape(answer: dict[str, list[float]]) -> list[str]:
    published = {"period in days": PUBLISHED + " (Vicente and Wilson 1997)", "ratio of the axes": "1, a circle"}
    digits = {"period in days": 1}
    found = {n: [f"{v:.{digits.get(n, 3)}f}" for v in pair] for n, pair in answer.items()}
    return [f"| {n} | {value} ± {error} | {published.get(n, '')} |" for n, (value, error) in found.items()]


def _bent(answer: list[dict[str, Any]]) -> list[str]:
    lines = []
    for r in answer:
        cells = [f"{_yes(r[k]['accepted'])} | {r[k]['cost']:+.1%}" for k in ("derivative", "weak")]
        lines.append(f"| {r['stretch']} | {cells[0]} | {cells[1]} | {r['weak']['p_value']:.1g} |")
    return lines


def _preparation(answer: list[dict[str, Any]]) -> list[str]:
    lines: dict[tuple[str, str], list[str]] = {}
    for r in answer:
        turns = r["period"] is not None and r["period"] < 1000
        said = f"{r['period']:.1f}" if turns else "no wobble"
        lines.setdefault((r["drift"], r["form"]), []).append(f"{said}, {_yes(r['accepted'])}")
    return [f"| {drift} | {form} | {' | '.join(cells)} |" for (drift, form), cells in lines.items()]


def _yes(accepted: bool) -> str:
    return "yes" if accepted else "no"


def _scarce(answer: list[dict[str, Any]]) -> list[str]:
    return [f"| {r['method']} | {_errors(r)} |" for r in answer]


def _forecast(answer: list[dict[str, Any]]) -> list[str]:
    return [f"| {r['ahead']:.0f} | {r['method']} | {_errors(r)} |" for r in answer]


def _errors(r: dict[str, Any]) -> str:
    median, decile = ("none" if r[k] is None else f"{r[k]:.0f}" for k in ("median", "decile"))
    return f"{r['forecasts']} | {median} | {decile} | {r['gone']}"


ROWS: dict[str, Callable[[Any], list[str]]] = {
    "choice": _choice,
    "shape": _shape,
    "bent": _bent,
    "preparation": _preparation,
    "scarce": _scarce,
    "forecast": _forecast,
}
