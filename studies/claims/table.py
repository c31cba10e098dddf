"""Turn the lines of the study into ``results.json`` and the page ``docs/studies/claims.md``.

``python -m studies.claims.table --out DIR`` reads ``DIR/runs.jsonl``; every number of the page comes from there.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from isotropy.symmetry.claims import bars

from ..calibration.run import read
from ..calibration.table import ROOT, table, wilson
from .run import LEVEL, TOLERANCE

Line = dict[str, Any]
Test = Callable[[Line], bool]
RESULTS = Path(__file__).with_name("results.json")
PAGE = ROOT / "docs" / "studies" / "claims.md"


def false(line: Line, kind: str = "") -> bool:
    """Certified, with a true defect above the tolerance."""
    return line["status"] == "certified" and line[f"{kind}true"] > TOLERANCE


def excluded(line: Line) -> bool:
    """Answered none, with a candidate within the tolerance."""
    return line["status"] == "none" and line["least"] is not None and line["least"] <= TOLERANCE


def kept(line: Line) -> bool:
    """Certified as exact, with the planted dimension."""
    return line["status"] == "certified" and line["dimension"] == line["exact"] == line["planted_dimension"]


def covered(line: Line) -> bool:
    """The interval holds the true defect of the span."""
    return line["span"][1] <= line["true"] <= line["span"][2]


def missed(line: Line) -> bool:
    """Fewer directions certified than were planted."""
    return line["status"] != "certified" or line["dimension"] < line["planted_dimension"]


def broken(line: Line) -> bool:
    """Planted and broken, with something to show."""
    return line["part"] == "planted" and line["size"] > 0 and line["dimension"] > 0


WHAT: dict[str, tuple[Test, Test]] = {  # words: which lines, and what is counted among them
    "false certificates, maps without symmetry": (lambda line: line["part"] == "nothing", false),
    "false certificates, planted": (lambda line: line["part"] == "planted", false),
    "false certificates, leverage not capped": (lambda line: True, lambda line: false(line, "plain ")),
    "none, although one is within the tolerance": (lambda line: line["status"] == "none", excluded),
    "called exact, although broken": (
        lambda line: line["part"] == "nothing" or line["size"] > 0,
        lambda line: line["exact"] > 0,
    ),
    "planted exact: certified, exact, of the right dimension": (
        lambda line: line["part"] == "planted" and line["size"] == 0,
        kept,
    ),
    "broken: the interval of the span covers the true defect": (broken, covered),
    "missed, planted below half the tolerance": (
        lambda line: line["part"] == "planted" and line["planted"] < TOLERANCE / 2,
        missed,
    ),
}


def summarise(lines: Iterable[Line]) -> dict[str, Any]:
    """Counts of the whole study and of its cells."""
    known = sorted(lines, key=lambda line: line["key"])
    whole = {name: _count(known, *tests) for name, tests in WHAT.items()}
    cells = {
        part: {axis: _cells([line for line in known if line["part"] == part], axis) for axis in ("law", "problem")}
        for part in ("nothing", "planted")
    }
    breaks = _cells([line for line in known if line["part"] == "planted"], "size")
    sizes = {
        f"{samples}": {
            name: _count([line for line in known if line["samples"] == samples], *tests) for name, tests in WHAT.items()
        }
        for samples in sorted({line["samples"] for line in known})
    }
    return {"runs": len(known), "whole": whole, "samples": sizes, "cells": cells, "breaks": breaks}


def _count(lines: list[Line], among: Test, counted: Test) -> list[int]:
    chosen = [line for line in lines if among(line)]
    return [sum(map(counted, chosen)), len(chosen)]


def _cells(lines: list[Line], axis: str) -> dict[str, dict[str, int]]:
    """Statuses and false certificates by the values of one axis."""
    values = sorted({line[axis] for line in lines})
    return {f"{value}": _cell([line for line in lines if line[axis] == value]) for value in values}


def _cell(lines: list[Line]) -> dict[str, int]:
    statuses = {name: sum(line["status"] == name for line in lines) for name in ("certified", "undecided", "none")}
    shown = [line for line in lines if broken(line)]
    return {
        "runs": len(lines),
        **statuses,
        "false": sum(map(false, lines)),
        "shown": len(shown),
        "covered": sum(map(covered, shown)),
    }


def page(summary: dict[str, Any]) -> str:
    """The page in Markdown."""
    sizes = summary["samples"]
    rows = [[name, *(_rate(*sizes[samples][name]) for samples in sizes)] for name in summary["whole"]]
    parts = [HEAD, f"{summary['runs']} runs.", table(["", *(f"{samples} samples" for samples in sizes)], rows)]
    for part, title in (("nothing", "Maps without symmetry"), ("planted", "Planted")):
        parts.append(f"## {title}")
        parts += [_grid(axis, cells, part) for axis, cells in summary["cells"][part].items()]
    parts.append(_grid("break", summary["breaks"], "planted"))
    return "\n\n".join(parts) + "\n"


def _grid(axis: str, cells: dict[str, dict[str, int]], part: str) -> str:
    names = ["runs", "certified", "undecided", "none", "false"]
    body = [
        [value, *(str(cell[name]) for name in names), *([f"{cell['covered']}/{cell['shown']}"] * (part == "planted"))]
        for value, cell in cells.items()
    ]
    return table([axis, *names, *(["covered"] * (part == "planted"))], body)


def _rate(hits: int, count: int) -> str:
    if not count:
        return "-"
    low, high = wilson(hits, count)
    return f"{hits}/{count} = {hits / count:.1%} ({low:.1%} to {high:.1%})"


HEAD = f"""# How far to trust a claim

This page is written by `python -m studies.claims.table` from the runs of `python -m studies.claims.run`. The rules were
made while looking at these families and seeds, so its numbers are in sample. Tolerance {TOLERANCE:g}, level {LEVEL:g}.
The true defect is that on 20000 fresh samples of the same law. Intervals are Wilson intervals at 95 %.

Among maps without symmetry a certificate is not false as such: in a narrow window, or where one term outweighs the
rest, some motion may truly be kept within the tolerance. It is false if the motion is not. Of 100 samples with heavy
tails fewer than {bars.LEAST_EFFECTIVE:g} may carry the sums; then nothing is said, and a small break is missed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the summary and the page."""
    parser = argparse.ArgumentParser(description="Tables of the study of claims.")
    parser.add_argument("--out", type=Path, required=True, help="folder with runs.jsonl")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the summary goes")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the page goes")
    chosen = parser.parse_args(argv)
    summary = summarise(read(chosen.out / "runs.jsonl").values())
    for path, text in ((chosen.results, json.dumps(summary, indent=1) + "\n"), (chosen.page, page(summary))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
