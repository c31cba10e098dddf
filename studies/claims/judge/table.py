"""Turn the lines of the judge set into ``results.json`` and the page ``docs/studies/judge.md``.

``python -m studies.claims.judge.table DIR`` reads ``DIR/runs.jsonl``; every number of the page comes from there.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from ...calibration.run import read
from ...calibration.table import ROOT, table, wilson
from .answers import LEVEL, TOLERANCE
from .count import EACH_ROAD, SLACK, WHAT, Line, count, false
from .question import SEED

RESULTS = Path(__file__).with_name("results.json")
PAGE = ROOT / "docs" / "studies" / "judge.md"
MOST = 0.05  # false certificates of a cell


def summarise(lines: Iterable[Line]) -> dict[str, Any]:
    """Counts of the whole set, of its roads and of its cells.

    Raises
    ------
    SystemExit
        If a line is from a rehearsal.
    """
    known = sorted(lines, key=lambda line: line["key"])
    if any(line["rehearsal"] for line in known):
        raise SystemExit("expected lines of the judge set, received some of a rehearsal; ask in another folder")
    asked = [line for line in known if "error" not in line]
    roads = sorted({line["road"] for line in known})
    return {
        "runs": len(known),
        "commits": sorted({line["commit"] for line in known}),
        "errors": [[line["key"], line["error"]] for line in known if "error" in line],
        "whole": {name: count(known, tests) for name, tests in WHAT.items()},
        "roads": {road: _road([line for line in known if line["road"] == road]) for road in roads},
        "cells": _cells(asked),
        "seconds": round(sum(line["seconds"] for line in known)),
    }


def _road(lines: list[Line]) -> dict[str, Any]:
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
    """Cells of a family and a law, over all roads that ask about them; those with too many false ones by name."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((line["family"], line["law"]), []).append(line)
    above = []
    for (family, law), members in groups.items():
        wrong = [line for line in members if false(line)]
        if len(wrong) > MOST * len(members):
            above.append([family, law, len(wrong), len(members), sorted({line["road"] for line in wrong})])
    return {"cells": len(groups), "above": above, "families": _axis(lines, "family"), "laws": _axis(lines, "law")}


def _axis(lines: list[Line], name: str) -> dict[str, list[int]]:
    """Runs, certificates and false ones by the values of one axis."""
    found: dict[str, list[int]] = {}
    for line in lines:
        entry = found.setdefault(line[name], [0, 0, 0])
        entry[0] += 1
        entry[1] += line["status"] == "certified"
        entry[2] += false(line)
    return dict(sorted(found.items()))


def page(summary: dict[str, Any]) -> str:
    """The page in Markdown."""
    commits = ", ".join(f"`{commit[:12]}{'-dirty' * commit.endswith('-dirty')}`" for commit in summary["commits"])
    parts = [
        HEAD,
        f"{summary['runs']} runs at {commits}, {summary['seconds'] / 60:.0f} minutes of one core. "
        f"{len(summary['errors'])} of them ended in an error{_kinds(summary['errors'])}.",
        table(["", "count"], [[name, rate(*pair)] for name, pair in summary["whole"].items()]),
        "## Roads",
        _roads(summary["roads"]),
        "## Cells",
        _above(summary["cells"]),
    ]
    for title, name in (("Families", "families"), ("Laws", "laws")):
        body = [[value, *map(str, counts)] for value, counts in summary["cells"][name].items()]
        parts += [f"### {title}", table([title.lower(), "runs", "certified", "false"], body)]
    if summary["errors"]:
        body = [[f"`{key}`".replace("|", " "), words.replace("|", "/")] for key, words in summary["errors"]]
        parts += ["## Errors", table(["run", "error"], body)]
    return "\n\n".join(parts) + "\n"


def _kinds(errors: list[list[str]]) -> str:
    """Errors by type; a DataError is a refusal, with its reason."""
    kinds = Counter(words.split(":")[0] for _, words in errors)
    return f" ({', '.join(f'{many} {name}' for name, many in sorted(kinds.items()))})" if kinds else ""


def _roads(roads: dict[str, dict[str, Any]]) -> str:
    plain = ["runs", "errors", "certified", "undecided", "none"]
    body = [
        [road, *(str(entry[name]) for name in plain), *(rate(*entry[name], True) for name in EACH_ROAD),
         f"{entry['seconds']:.2f}"]
        for road, entry in roads.items()
    ]  # fmt: skip
    return table(["road", *plain, *EACH_ROAD, "seconds"], body)


def _above(cells: dict[str, Any]) -> str:
    words = (
        f"{len(cells['above'])} of {cells['cells']} cells of a family and a law have more than {MOST:.0%} false ones."
    )
    body = [[family, law, f"{wrong}/{many}", ", ".join(roads)] for family, law, wrong, many, roads in cells["above"]]
    return words + ("\n\n" + table(["family", "law", "false", "roads"], body) if body else "")


def rate(hits: int, many: int, short: bool = False) -> str:
    """A count, and its rate with the Wilson interval at 95 %."""
    if not many:
        return "-"
    if short:
        return f"{hits}/{many}"
    low, high = wilson(hits, many)
    return f"{hits}/{many} = {hits / many:.1%} ({low:.1%} to {high:.1%})"


HEAD = f"""# Claims on problems that nobody looked at

This page is written by `python -m studies.claims.judge.table` from the runs of `python -m studies.claims.judge.run`.
Families, laws and seeds (which start from `{SEED.decode()}`) are others than those of the [study of claims](claims.md)
that the rules were made with, and were not asked before the rules were done. When a rule changes after a look at this
page, new families replace these. Tolerance {TOLERANCE:g}, level {LEVEL:g}. Intervals are Wilson intervals at 95 %.

A certificate is false if the worst member of its span has a true defect above the tolerance: on 20000 fresh samples of
the same law, of the map without noise, leverage not capped, by more than {SLACK:g} standard errors of that Monte Carlo
value. Motions that are said to be ignored are false if their effect is above the tolerance. For densities the truth is
the change of the density, not of some moments; for surfaces the share that leaves the true tangent space; for pairs
what fresh pairs miss; for elements the change of the map; for quantities along trajectories and charges the spread
along fresh trajectories, relative to that over all of them, or to velocities and motions paired at random.

Nothing: maps, fields, densities and sets without symmetry; some motion may all the same be kept within the tolerance.
Exact: a planted algebra of known dimension in a random frame and in random units. Broken: the same broken by 0.003 to
0.3 of the spread. An interval is that of the generator with the largest error, certified or not.

**The bound that was wanted, 1 % of false certificates with an upper end of 2 % and no cell above 5 %, is missed.** Of
the false ones in the first run of this set, at the commits below, 35 are of `FromData` and say that a map does not
depend on some motion: the effect is within the tolerance, but beside a motion that is ignored the defect is as large
as chance. 17 are of `LiePenalty`, whose readable basis was made in the units of the columns. Both rules were changed
after this look, so that the counts of these two roads are of the rules before. 20 are of learnt equations in
`FromEquations`, whose limits come from the error of a gradient and see no motion beside one that is ignored; 3 are of
fields on heavy tails, where the leverage of a few samples is capped; 1 is of a smooth process. Nothing was changed
there. Before the next release other families take the place of these."""


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
