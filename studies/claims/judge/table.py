"""Turn the lines of the judge set into ``results.json`` and the page ``docs/studies/judge.md``.

``python -m studies.claims.judge.table DIR`` reads ``DIR/*.jsonl``; every number of the page comes from there.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from ...calibration.run import read
from ...calibration.table import ROOT
from .count import EACH_ROAD, WHAT, Line, count, false
from .page import page
from .question import SEED, cell_of

RESULTS = Path(__file__).with_name("results.json")
PAGE = ROOT / "docs" / "studies" / "judge.md"
MOST = 0.05  # false certificates of a cell


def summarise(lines: Iterable[Line]) -> dict[str, Any]:
    """Counts of the whole set, of its roads and parts, and of its cells.

    Raises
    ------
    SystemExit
        If a line is from a rehearsal, or of another set of families.
    """
    known = sorted(lines, key=lambda line: line["key"])
    if any(line["rehearsal"] for line in known):
        raise SystemExit("expected lines of the judge set, received some of a rehearsal; ask in another folder")
    if any(line.get("set") != SEED.decode() for line in known):
        raise SystemExit(
            f"expected lines of {SEED.decode()}, received some of another set; take them out of the folder"
        )
    groups = sorted({(line["road"], line["part"]) for line in known})
    return {
        "runs": len(known),
        "samples": count(known, WHAT["from samples"])[0],
        "commits": sorted({line["commit"] for line in known}),
        "errors": [[line["key"], line["error"]] for line in known if "error" in line],
        "whole": {name: count(known, tests) for name, tests in WHAT.items()},
        "roads": [
            [road, part, _counts([line for line in known if (line["road"], line["part"]) == (road, part)])]
            for road, part in groups
        ],
        "cells": _cells([line for line in known if "error" not in line]),
        "seconds": round(sum(line["seconds"] for line in known)),
    }


def _counts(lines: list[Line]) -> dict[str, Any]:
    asked = [line for line in lines if "error" not in line]
    statuses = Counter(line["status"] for line in asked)
    return {
        "runs": len(lines),
        "errors": len(lines) - len(asked),
        **{status: statuses[status] for status in ("certified", "undecided", "none")},
        **{name: count(lines, tests) for name, tests in EACH_ROAD.items()},
        "seconds": median(line["seconds"] for line in lines),
    }


def _cells(lines: list[Line]) -> dict[str, Any]:
    """Cells by road, family and law; those with too many false ones by name."""
    groups: dict[tuple[str, ...], list[bool]] = {}
    for line in lines:
        groups.setdefault(cell_of(line), []).append(false(line))
    sizes = sorted(map(len, groups.values()))
    above = [[*cell, sum(wrong), len(wrong)] for cell, wrong in groups.items() if sum(wrong) > MOST * len(wrong)]
    return {
        "cells": len(groups),
        "with a false one": sum(map(any, groups.values())),
        "sizes": [sizes[0], median(sizes), sizes[-1]] if sizes else [0, 0, 0],
        "above": sorted(above),
        "families": _axis(lines, "family"),
        "laws": _axis(lines, "law"),
    }


def _axis(lines: list[Line], name: str) -> dict[str, list[int]]:
    """Runs, certificates and false ones by the values of one axis."""
    found: dict[str, list[int]] = {}
    for line in lines:
        entry = found.setdefault(line[name], [0, 0, 0])
        entry[0] += 1
        entry[1] += line["status"] == "certified"
        entry[2] += false(line)
    return dict(sorted(found.items()))


def main(argv: Sequence[str] | None = None) -> int:
    """Write the summary and the page."""
    parser = argparse.ArgumentParser(description="Tables of the judge set of the study of claims.")
    parser.add_argument("folder", type=Path, help="folder with runs.jsonl")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the summary goes")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the page goes")
    chosen = parser.parse_args(argv)
    lines = [line for path in sorted(chosen.folder.glob("*.jsonl")) for line in read(path).values()]
    summary = summarise({line["key"]: line for line in lines}.values())
    for path, text in ((chosen.results, json.dumps(summary, indent=1) + "\n"), (chosen.page, page(summary))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
