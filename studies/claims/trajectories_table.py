"""The page about noisy trajectories, from the files of the runs: ``python -m studies.claims.trajectories_table``."""

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from ..calibration.run import read
from ..calibration.table import wilson
from .trajectories import NAMES, NOISES, RESULTS, SCALES, SYSTEMS

PAGE = Path(__file__).parents[2] / "docs" / "studies" / "trajectories.md"
Line = dict[str, Any]
# Mean certified dimension of SymCert's fifth experiment for Hopf, from states with noise and central differences, by
# noise; false claims 0 (Kendiukhov 2026, 100 runs each).
PUBLISHED = {("Hopf", "step", 0.01): 0.07, ("Hopf", "step", 0.05): 0.09}

HEAD = """# Study: claims from noisy trajectories

Can a symmetry of a field be certified where neither the field nor the states are known without noise? Twelve tracks
start uniformly in the box of the system (half-width 1, for Duffing 2), with a sample every 0.01 up to time 2, as long
as the track stays in the box: about 2000 states. These are the tracks of the fifth experiment of *SymCert* (Kendiukhov
2026), which takes central differences and is told the class of the field. `FromDynamics.fit` takes integrals and
chooses the class. Candidates are all affine motions, tolerance and level 0.05.

Noise on the states is independent and normal. In the rows *step* its size is 0.01 or 0.05 times the root mean square of
the field times the time step, as in that experiment, and claims are about the box. In the rows *states* it is 0.01 or
0.05 times the root mean square of the states, about a hundred times as much, and claims are about the states. A run has
detected if the certified dimension is at least the true one. It is false if the certified span holds a generator whose
true defect is above 0.05. Brackets are Wilson limits at 95 %. Seeds were not looked at while the rule was made, but for
two changes after a look, both of which can only make an answer *undecided*: sets in the plane are left alone, and wider
classes confirm at level 0.2 in place of 0.5, as a pendulum that is none of these systems was certified falsely. Written
by `python -m studies.claims.trajectories_table` from the lines of `python -m studies.claims.trajectories`.
"""

NEEDS = """
## What a claim needs

The field is a polynomial of the chosen degree, and the noise of the states is independent and normal. Four things speak
against that, each at level 0.025, and then nothing is claimed: a larger degree fits better; what is left is larger than
the noise between neighbours (and no drive that is white in time either); plane waves of the state explain some of it;
or wider classes cannot be told apart on the tracks, as beside a limit cycle. The next two degrees have to confirm every
claim, at level 0.2. At even odds, what is missing from the class and hidden by the noise passes too often: of 24 damped
pendulums with a noise of 30 % of their states 5 were certified falsely, as linear, with defects of 0.07 to 0.10, and at
level 0.2 none. That costs half of the turns of the Hopf form at a noise of 5 % of the states.
"""


def lines_of(folder: Path) -> list[Line]:
    """Lines of all files."""
    return [line for path in sorted(folder.glob("trajectories_*.jsonl")) for line in read(path).values()]


def rate(lines: Sequence[Line], name: str) -> str:
    """A share with its limits."""
    hits = sum(bool(line[name]) for line in lines)
    low, high = wilson(hits, len(lines))
    return f"{hits / len(lines):.3f} [{low:.3f}, {high:.3f}]"


def row(cell: tuple[str, str, float], lines: Sequence[Line]) -> str:
    """One cell of the study."""
    name, scale, noise = cell
    theirs = f"{PUBLISHED[cell]:.2f}" if cell in PUBLISHED else ""
    found = rate(lines, "detected") if SYSTEMS[name].symmetries else ""
    none = "" if SYSTEMS[name].symmetries else f"{fmean(line['status'] == 'none' for line in lines):.2f}"
    seconds = fmean(line["seconds"] for line in lines)
    states = fmean(line["states"] for line in lines)
    parts = [name, scale, f"{noise:g}", len(lines), f"{states:.0f}", theirs, found, rate(lines, "false"), none]
    return "| " + " | ".join(map(str, parts)) + f" | {seconds:.2f} |"


def write_page(results: Path = RESULTS, page: Path = PAGE) -> None:
    """Write the page from all runs in a folder."""
    lines = lines_of(results)
    rows = [
        "| system | noise | size | runs | states | SymCert found | ours found | ours false | says *none* | CPU s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for cell in itertools.product(NAMES, SCALES, NOISES):
        asked = [line for line in lines if (line["system"], line["scale"], line["noise"]) == cell]
        if asked:
            rows.append(row(cell, asked))
    rows.append(f"| all | | | {len(lines)} | | | | {rate(lines, 'false')} | | |")
    page.write_text(HEAD + "\n" + "\n".join(rows) + "\n" + NEEDS, encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page from the command line."""
    parser = argparse.ArgumentParser(description="Write the page about noisy trajectories.")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--page", type=Path, default=PAGE, help="where to write")
    chosen = parser.parse_args(argv)
    write_page(chosen.results, chosen.page)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
