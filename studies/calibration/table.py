"""Turn the lines of the study into ``results.json`` and the page ``docs/studies/calibration.md``.

``python -m studies.calibration.table --out DIR`` reads ``DIR/runs.jsonl``; every number of the page comes from there.
"""

import argparse
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from .planted import NEAR, PLANTED
from .run import KEPT_NOISE, KEPT_SIZE, WHOLE, read

Line = dict[str, Any]
ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("results.json")
PAGE = ROOT / "docs" / "studies" / "calibration.md"
ROADS = {
    "model": "`FromModel`, `FromDynamics.fit_field`",
    "data": "`FromData`",
    "trajectories": "`FromDynamics.fit`",
    "points": "`FromPoints`",
}
Z = 1.96  # two-sided 95 %


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson interval of a rate at 95 %.

    >>> [round(end, 3) for end in wilson(0, 100)]
    [0.0, 0.037]
    """
    rate, spread = hits / count, Z * Z / count
    middle = (rate + spread / 2) / (1 + spread)
    half = Z * math.sqrt(rate * (1 - rate) / count + spread / (4 * count)) / (1 + spread)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def summarise(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Counts of every family of problems and of every planted cell."""
    groups: dict[tuple[Any, ...], list[Line]] = {}
    for line in sorted(lines, key=lambda line: line["key"]):
        cell = tuple(line[part] for part in ("part", "road", "problem", "noise", "samples"))
        groups.setdefault(cell, []).append(line)
    summary: dict[str, list[Line]] = {"nothing": [], "planted": []}
    for (part, road, problem, noise, samples), members in groups.items():
        row: Line = {"road": road, "problem": problem, "runs": len(members)}
        row["statuses"] = dict(sorted(Counter(line["status"] for line in members).items()))
        if part == "planted":
            row |= {"noise": noise, "samples": samples, **_planted(members)}
        summary[part].append(row)
    return summary


def _planted(members: list[Line]) -> Line:
    found = [line for line in members if line.get("detected")]
    planted = PLANTED[members[0]["problem"]].algebra.dim
    return {
        "detected": len(found),
        "wrong": sum(line["status"] == "certified" and line["dimension"] != planted for line in members),
        "named": sum(line["named"] for line in found),
        "distance": round(median(line["distance"] for line in found), 4) if found else None,
    }


def page(summary: dict[str, list[Line]]) -> str:
    """The page in Markdown."""
    parts = [
        HEAD,
        "## Nothing there",
        nothing_table(summary["nothing"]),
        _nothing_words(summary["nothing"]),
        "## Planted, exact map",
        planted_table([row for row in summary["planted"] if row["road"] == "model"]),
        PLANTED_WORDS,
        f"## Planted, samples: {WHOLE}",
        grid(summary["planted"], WHOLE),
        f"## Planted, samples: noise {KEPT_NOISE:g}",
        strip(summary["planted"], "samples"),
        f"## Planted, samples: {KEPT_SIZE} of them",
        strip(summary["planted"], "noise"),
        _false_words(summary["planted"]),
    ]
    return "\n\n".join(parts) + "\n"


def rate(hits: int, count: int) -> str:
    """A rate and its interval in percent."""
    low, high = wilson(hits, count)
    return f"{hits}/{count} ({100 * low:.0f} to {100 * high:.0f} %)"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def nothing_table(rows: list[Line]) -> str:
    """Answers of every family without symmetry, and of every road."""
    head = ["road", "problem", "none", "undecided", "refused", "certified: false"]
    body = [[ROADS[row["road"]], row["problem"], *_answers([row])] for row in _by_road(rows)]
    body += [[road, "**all**", *_answers([r for r in rows if r["road"] == key])] for key, road in ROADS.items()]
    sampled = [row for row in rows if row["road"] != "model"]
    return table(head, [*body, ["all sampled roads", "**all**", *_answers(sampled)]])


def _by_road(rows: list[Line]) -> list[Line]:
    return sorted(rows, key=lambda row: (list(ROADS).index(row["road"]), row["problem"]))


def _answers(rows: list[Line]) -> list[str]:
    total = sum(row["runs"] for row in rows)
    counts = [_count(rows, status) for status in ("none", "undecided", "refused")]
    return [*map(str, counts), rate(_count(rows, "certified"), total) if total else "-"]


def _count(rows: list[Line], status: str) -> int:
    return sum(row["statuses"].get(status, 0) for row in rows)


def _nothing_words(rows: list[Line]) -> str:
    parts = {"a map that can be evaluated": True, "samples": False}
    words = []
    for name, exact in parts.items():
        chosen = [row for row in rows if (row["road"] == "model") == exact]
        total = sum(row["runs"] for row in chosen)
        if total:
            words.append(f"From {name}, {_count(chosen, 'certified')} of {total} answers are falsely certified.")
    return " ".join(words)


def planted_table(rows: list[Line]) -> str:
    """Detection from the exact map."""
    head = ["planted", "found", "named", "median distance"]
    return table(
        head,
        [
            [row["problem"], rate(row["detected"], row["runs"]), f"{row['named']}/{row['detected']}", _far(row)]
            for row in rows
        ],
    )


def _far(row: Line) -> str:
    return "-" if row["distance"] is None else f"{row['distance']:.2g}"


def grid(rows: list[Line], name: str) -> str:
    """Detection against noise and number of samples."""
    cells = {(r["noise"], r["samples"]): r for r in rows if r["road"] == "data" and r["problem"] == name}
    noises, sizes = (sorted({key[axis] for key in cells}) for axis in (0, 1))
    body = [[f"{noise:g}", *(_cell(cells.get((noise, size))) for size in sizes)] for noise in noises]
    return table(["noise \\ samples", *map(str, sizes)], body)


def strip(rows: list[Line], axis: str) -> str:
    """Detection of every algebra along one axis, the other kept."""
    fixed, value = ("noise", KEPT_NOISE) if axis == "samples" else ("samples", KEPT_SIZE)
    chosen = [row for row in rows if row["road"] == "data" and row[fixed] == value]
    places = sorted({row[axis] for row in chosen})
    cells = {(row["problem"], row[axis]): row for row in chosen}
    names = sorted({row["problem"] for row in chosen})
    body = [[name, *(_cell(cells.get((name, place))) for place in places)] for name in names]
    return table([f"planted \\ {axis}", *(f"{place:g}" for place in places)], body)


def _cell(row: Line | None) -> str:
    if row is None:
        return ""
    low, high = wilson(row["detected"], row["runs"])
    return (
        f"{row['detected']}/{row['runs']} ({100 * low:.0f} to {100 * high:.0f} %), d {_far(row)}, {row['named']} named"
    )


def _false_words(rows: list[Line]) -> str:
    data = [row for row in rows if row["road"] == "data"]
    total, found = sum(row["runs"] for row in data), sum(row["detected"] for row in data)
    certified, none = _count(data, "certified"), _count(data, "none")
    wrong = sum(row["wrong"] for row in data)
    return (
        f"Of {total} sampled questions {found} were answered rightly and certified; {wrong} were certified with "
        f"another dimension, {certified - found - wrong} with the right one but a distance of {NEAR:g} or more; "
        f'{none} got the answer "none"; the rest were left undecided.'
    )


HEAD = """# How far to trust "certified"

This page is written by `python -m studies.calibration.table` from the runs of `python -m studies.calibration.run`.
All problems are seeded. Intervals are Wilson intervals at 95 %. "Refused" is an error that says what is missing.

The study set seven rules of the decision (see [what the answer means](../certificates.md)):

- A linear map and a quadratic form have large algebras whatever the data. Where noise lets such a fit win, its symmetry
  is an accident. So a kind of surrogate without symmetries of its own has to know the gradient to a third, before
  anything is claimed from samples.
- "None" is a claim, too: even the least broken direction has to stand clear of the noise.
- The noise floor is that of the directions that may be kernel; gradients are less certain along the broken ones.
- An error that stands clear of the noise is no zero. Generic maps in few dimensions keep some direction to 5 to 20 %,
  so such a direction has to be kept ten times better than the next, not three times.
- The held-out error is that of all folds together; the worst fold is a matter of luck.
- Closure is judged by what brackets do to the data, so that it does not depend on units.
- What the data hardly see is judged by how it moves a round cloud as wide as the data; entries of matrices would make
  the answer depend on units, too."""

PLANTED_WORDS = f"""Found means: certified, the right dimension, and a Grassmann distance below {NEAR:g} to the planted
algebra after undoing a random change of basis (condition number up to 3) and random units (a factor up to 1000). Named
means: found, and `identify` gives the planted name. Noise is relative to the spread of `y`; `d` is the median distance
of what was found. Surrogates: polynomials and kernels."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the summary and the page."""
    parser = argparse.ArgumentParser(description="Tables of the calibration study.")
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
