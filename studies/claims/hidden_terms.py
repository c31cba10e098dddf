"""The hardest case for a claim about a learnt field: a term beyond its class, hidden by the noise, breaks it a little.

``python -m studies.claims.hidden_terms --runs 24`` asks fields whose true defect is 1.0 to 1.4 times the tolerance,
through a term of one or two degrees more than the symmetric rest, where the noise is such that the class without that
term is often not rejected. The term is a power of a coordinate, part of which lies in the class, or a Legendre
polynomial, of which nothing does. Every draw is asked with wider classes that confirm as they do by default, and at
several levels. Lines go to ``results/hidden_*.jsonl`` and are resumed as those of ``symcert``, whose page shows them.
"""

import argparse
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isotropy.symmetry.learnt import learnt_claim

from ..calibration.run import append, read
from .symcert import LEVEL, RESULTS, TOLERANCE, System, columns, draw, hopf, question, shard_of, true_defect

LEVELS = (0.05, 0.2, 0.5, None)  # None: as by default
CELLS = ((100, 0.1), (200, 0.03), (200, 0.1), (800, 0.1), (800, 0.3), (3200, 0.3))


def turn(x: Tensor) -> Tensor:
    return columns(-x[:, 1], x[:, 0])


def legendre(degree: int) -> Callable[[Tensor], Tensor]:
    """The polynomial of a degree that is orthogonal on [-1, 1] to all smaller ones."""
    terms = np.polynomial.legendre.leg2poly([0.0] * degree + [1.0]).tolist()
    return lambda t: torch.stack([c * t**k for k, c in enumerate(terms)]).sum(0)


def with_legendre(field: Callable[[Tensor], Tensor], share: float, degree: int) -> Callable[[Tensor], Tensor]:
    """A field with a Legendre polynomial of the first coordinate added to the first output."""
    unit = torch.eye(2, dtype=torch.float64)[0]
    return lambda x: field(x) + share * legendre(degree)(x[:, :1]) * unit


def with_power(field: Callable[[Tensor], Tensor], share: float, power: int, output: int) -> Callable[[Tensor], Tensor]:
    """A field with a power of the first coordinate added to one output."""
    unit = torch.eye(2, dtype=torch.float64)[output]
    return lambda x: field(x) + share * x[:, :1] ** power * unit


HIDDEN = {
    "rotation + x^2": System(2, 1.0, 0, with_power(turn, 0.21, 2, 0)),
    "rotation + x^3": System(2, 1.0, 0, with_power(turn, 0.15, 3, 1)),
    "Hopf + x^4": System(2, 1.0, 0, with_power(hopf, 0.1, 4, 0)),
    "Hopf + x^5": System(2, 1.0, 0, with_power(hopf, 0.1, 5, 0)),
}
UNSEEN = {
    "rotation + P2": System(2, 1.0, 0, with_legendre(turn, 0.1565, 2)),
    "rotation + P3": System(2, 1.0, 0, with_legendre(turn, 0.0494, 3)),
    "Hopf + P4": System(2, 1.0, 0, with_legendre(hopf, 0.0415, 4)),
    "Hopf + P5": System(2, 1.0, 0, with_legendre(hopf, 0.0342, 5)),
}


def runs(count: int, first: int) -> Iterator[tuple[str, str, int, float]]:
    """Key, system, samples and noise of every run, seed by seed."""
    for seed in range(first, first + count):
        for name, (samples, noise) in itertools.product([*HIDDEN, *UNSEEN], CELLS):
            yield f"{name}|{samples}|{noise}|{seed}", name, samples, noise


def answer(key: str, name: str, samples: int, noise: float) -> dict[str, Any]:
    """Ask one question at all levels of confirmation and return its line."""
    system = (HIDDEN | UNSEEN)[name]
    x, y = draw(system, samples, noise, key)
    actions = question(system.size, system.width)
    claims = [learnt_claim(x, y, *actions, tolerance=TOLERANCE, level=LEVEL, wider_level=level) for level in LEVELS]
    spans = [claim.directions if claim.status == "certified" else claim.directions[:0] for claim in claims]
    false = {said(level): true_defect(system, span) > TOLERANCE for level, span in zip(LEVELS, spans, strict=True)}
    line = {"key": key, "system": name, "samples": samples, "noise": noise, "false": false}
    return {**line, "degree": claims[0].chosen.degree}


def said(level: float | None) -> str:
    """A level of confirmation in words."""
    return "by default" if level is None else f"{level:g}"


def section(folder: Path) -> list[str]:
    """Table of the page: false claims by level of confirmation."""
    cells: dict[tuple[str, int, float], list[dict[str, Any]]] = defaultdict(list)
    for path in sorted(folder.glob("hidden_*.jsonl")):
        for line in read(path).values():
            cells[line["system"], line["samples"], line["noise"]].append(line)
    rows = ["| term | wider classes confirm | false claims, mean | worst cell |", "|---|---|---|---|"]
    for title, names in (("a power", HIDDEN), ("a Legendre polynomial", UNSEEN)):
        part = {cell: lines for cell, lines in cells.items() if cell[0] in names}
        for level in LEVELS if part else ():
            shares = {cell: fmean(line["false"][said(level)] for line in lines) for cell, lines in part.items()}
            worst = max(shares, key=lambda cell: shares[cell])
            place = f"{worst[0]}, N {worst[1]}, noise {worst[2]:g}, {len(part[worst])} runs"
            confirm = said(level) if level is None else f"at {said(level)}"
            rows.append(f"| {title} | {confirm} | {fmean(shares.values()):.3f} | {shares[worst]:.2f} ({place}) |")
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results; finished runs are kept")
    parser.add_argument("--runs", type=int, default=24, help="seeds per cell (default 24)")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--shard", type=shard_of, default=(0, 1), help="i/n: the i-th of n parts (default 0/1)")
    parser.add_argument("--only", default="", help="only runs whose key contains this")
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    chosen.out.mkdir(parents=True, exist_ok=True)
    part, parts = chosen.shard
    path = chosen.out / f"hidden_{part}_{parts}.jsonl"
    finished = {key for stored in chosen.out.glob("hidden_*.jsonl") for key in read(stored)}
    for number, run in enumerate(runs(chosen.runs, chosen.first_seed)):
        if number % parts == part and chosen.only in run[0] and run[0] not in finished:
            append(path, answer(*run))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
