"""The page of the judge set, in Markdown."""

from collections import Counter
from typing import Any

from ...calibration.table import table, wilson
from .answers import LEVEL, TOLERANCE
from .count import EACH_ROAD, SLACK
from .question import SEED


def page(summary: dict[str, Any]) -> str:
    """The page of a summary."""
    commits = ", ".join(f"`{commit[:12]}{'-dirty' * commit.endswith('-dirty')}`" for commit in summary["commits"])
    parts = [
        HEAD,
        f"{summary['runs']} runs, {summary['samples']} of them from samples, at {commits}, "
        f"{summary['seconds'] / 60:.0f} minutes of one core. "
        f"{len(summary['errors'])} of them ended in an error{_kinds(summary['errors'])}.",
        "## What was wanted",
        table(["bound", "wanted", "found", ""], bounds(summary)),
        "## What was found",
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


def bounds(summary: dict[str, Any]) -> list[list[str]]:
    """Every bound that was set before: what was wanted, what was found, and whether that is met."""
    whole, cells = summary["whole"], summary["cells"]
    false, right = whole["false certificates"], whole["planted exact, from maps: certified, dimension right"]
    exact, held = whole["called exact, although broken"], whole["broken: the interval of the worst generator covers"]
    missed = whole["missed below half the tolerance, from maps"]
    upper = wilson(*false)[1]
    entries: list[tuple[str, str, str, bool]] = [
        ("runs", ">= 3000", str(summary["runs"]), summary["runs"] >= 3000),
        ("runs from samples", ">= 600", str(summary["samples"]), summary["samples"] >= 600),
        ("false certificates", "<= 1 %", rate(*false), false[0] <= 0.01 * false[1]),
        ("their Wilson upper end", "<= 2 %", f"{upper:.2%}", upper <= 0.02),
        ("cells above 5 %", "0", f"{len(cells['above'])} of {cells['cells']}", not cells["above"]),
        ("planted exact, from maps: status and dimension", ">= 99 %", rate(*right), right[0] >= 0.99 * right[1]),
        ("exact said of a broken one", "never", f"{exact[0]}", not exact[0]),
        ("broken: interval covers the true defect", ">= 94 %", rate(*held), held[0] >= 0.94 * held[1]),
        ("missed below half the tolerance, from maps", "<= 2 %", rate(*missed), missed[0] <= 0.02 * missed[1]),
    ]
    return [[name, wanted, value, "met" if met else "**missed**"] for name, wanted, value, met in entries]


def _kinds(errors: list[list[str]]) -> str:
    """Errors by type; a DataError is a refusal, with its reason."""
    kinds = Counter(words.split(":")[0] for _, words in errors)
    return f" ({', '.join(f'{many} {name}' for name, many in sorted(kinds.items()))})" if kinds else ""


def _roads(roads: list[list[Any]]) -> str:
    plain = ["runs", "errors", "certified", "undecided", "none"]
    body = [
        [road, part, *(str(entry[name]) for name in plain), *(rate(*entry[name], True) for name in EACH_ROAD),
         f"{entry['seconds']:.2f}"]
        for road, part, entry in roads
    ]  # fmt: skip
    return table(["road", "part", *plain, *EACH_ROAD, "seconds"], body)


def _above(cells: dict[str, Any]) -> str:
    least, middle, most = cells["sizes"]
    words = (
        f"A cell is a road, or a variant of it that is another program, with a family and a law. There are "
        f"{cells['cells']}, of {least} to {most} runs, {middle:g} in the middle. {cells['with a false one']} have a "
        f"false certificate, {len(cells['above'])} have more than 5 %."
    )
    body = [
        [road, variant, family, law, f"{wrong}/{many}"] for road, variant, family, law, wrong, many in cells["above"]
    ]
    return words + ("\n\n" + table(["road", "variant", "family", "law", "false"], body) if body else "")


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
that the rules were made with, and were not asked before the rules were done. They took the place of a first set, which
rules have been made with since; that one stands in the history at `4430ba8`. When a rule changes after a look at this
page, new families replace these. Tolerance {TOLERANCE:g}, level {LEVEL:g}. Intervals are Wilson intervals at 95 %.

**What is true.** A certificate is false if the worst member of its span has a true defect above the tolerance: on 20000
fresh samples of the same law, of the map without noise, leverage not capped, by more than {SLACK:g} standard errors of
that Monte Carlo value. For densities the truth is the change of the logarithm of the density, not of some moments; for
surfaces the share that leaves the true tangent space; for pairs what fresh pairs miss; for elements the change of the
map; for quantities along trajectories and charges what they do along fresh trajectories. What 1 means is what the road
itself says. Laws have all moments, and the heavy ones are not paired with polynomials of a high degree: where moments
are missing, or not seen by so many samples, a ratio of them has no truth.

**Since then** three faults that this page showed were mended, and nothing else of the rules was changed; the counts
are from before. Finite motions are followed in the spreads of the columns, and columns are judged empty by their own
unit: in units that differ by 12 to 14 decades planted algebras were left undecided, or lost a generator. And a
quantity is no longer called exact where its written form drifts by more than 1e-5: one that drifts by 1.4e-5 was.
Asked again one by one (`run --out DIR --only "si units"`, `"split|counts"`, `"chain"`), six of the 22 that were
missed are found, three of them exact, and that quantity is called approximate. Of the others that were missed four
rest on fewer than 15 samples, below which nothing is claimed.

**What a map ignores.** Of a direction to which there is no response at all the defect is 0/0: it may stand in a span,
and changes no other member of it. One to which there is a small response has a defect as large as chance. It may not
stand in a certified span, however small its effect is; a road may report it apart, as ignored, and is wrong if as many
motions as it reports have no effect within the tolerance. A certificate that says so wrongly is counted as false, too.

**What an interval covers.** The true defect of a generator, within {SLACK:g} standard errors of the Monte Carlo value
on either side. The interval that counts is that of the generator with the largest error, certified or not. Exact is
wrong if the true defect of a generator is above 1e-5, or, where what is planted exactly is itself only kept up to the
steps of an integrator, above ten times that.

Nothing: maps, fields, densities and sets without symmetry; some motion may all the same be kept within the tolerance.
Exact: a planted algebra of known dimension in a random frame and in random units. Broken: the same broken by 0.003 to
0.3 of the spread; friction by as much along a trajectory."""
