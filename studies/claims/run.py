"""Ask how often a claim is false, and how often it misses what is there, out of sample.

``python -m studies.claims.run --out DIR`` asks seeded problems of ``families`` and appends one JSON line for each to
``DIR/runs.jsonl``; what stands there already is not asked again. ``python -m studies.claims.table`` turns the lines
into tables. The true defect is that on 20000 fresh samples of the same law.
"""

import argparse
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import isotropy as iso
from isotropy.symmetry.claims import Claim, claim
from isotropy.symmetry.claims._forms import forms_of
from isotropy.symmetry.claims._rows import Rows, rows_of
from isotropy.symmetry.claims._span import factors_of, least_broken_first, nested_defects, split_candidates

from ..calibration.run import append, read
from . import families

FRESH = 20000
DIMENSIONS = (2, 3, 4)
TOLERANCE = LEVEL = 0.05


@dataclass(frozen=True)
class Run:
    """One question: everything that it depends on."""

    part: str
    problem: str
    law: str
    size: float
    samples: int
    seed: int

    @property
    def key(self) -> str:
        """Name of the run in the file of results."""
        return "|".join(map(str, asdict(self).values()))

    def draw(self) -> np.random.Generator:
        """Numbers that depend on the run alone, not on which others are asked."""
        return np.random.default_rng([*b"tune", *self.key.encode()])


def runs(seeds: int, samples: int) -> Iterator[Run]:
    """Every run of the study, seed by seed; ``size`` is the dimension, or the break of what is planted."""
    for seed in range(seeds):
        for law in families.LAWS:
            for name in families.MAPS:
                for n in DIMENSIONS:
                    yield Run("nothing", name, law, n, samples, seed)
        for law in families.PLANTED_LAWS:
            for name in families.PLANTED:
                for size in families.BREAKS:
                    yield Run("planted", name, law, size, samples, seed)


def answer(run: Run) -> dict[str, Any]:
    """Ask one question and return its line."""
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        line = (_nothing if run.part == "nothing" else _planted)(run, run.draw())
    return {"key": run.key, **asdict(run), **line}


def _nothing(run: Run, draw: np.random.Generator) -> dict[str, Any]:
    n = int(run.size)
    law, f = families.LAWS[run.law](draw, n), families.MAPS[run.problem](draw, n)
    return _asked(lambda x: f(law.seen(x)), iso.gl(n), law.sample(draw, run.samples), law.sample(draw, FRESH))


def _planted(run: Run, draw: np.random.Generator) -> dict[str, Any]:
    case = families.PLANTED[run.problem]
    law, change = families.LAWS[run.law](draw, case.n), families.change_of_basis(draw, case.n)
    inverse, other = torch.linalg.inv(change), families.breaking(draw, case.n)
    spread = float(case.invariant(law.seen(law.sample(draw, 2000)) @ inverse.T).std())

    def f(x: Tensor) -> Tensor:
        seen = law.seen(x)
        return case.invariant(seen @ inverse.T) / spread + run.size * other(seen)

    basis = case.algebra.basis
    frame = torch.autograd.functional.jacobian(lambda x: law.seen(x[None])[0], torch.zeros(case.n).double())
    seen = inverse @ frame  # planted coordinates of a sample, up to a shift that no law of these has
    planted = (torch.linalg.inv(seen) @ basis @ seen).flatten(1)
    x, fresh = law.sample(draw, run.samples), law.sample(draw, FRESH)
    return _asked(f, iso.gl(case.n), x, fresh, planted)


def _asked(f: families.Field, group: iso.LieAlgebra, x: Tensor, fresh: Tensor, planted: Tensor | None = None) -> Any:
    """What is claimed from samples, and what is true of the law."""
    start = time.process_time()
    rows = rows_of(f, x, group.vector(), group.scalar())
    middle = time.process_time()
    found = claim(rows, TOLERANCE, LEVEL)
    end = time.process_time()
    line = {**describe(found), "rows_s": round(middle - start, 3), "claim_s": round(end - middle, 3)}
    return line | truth(found, rows_of(f, fresh, group.vector(), group.scalar()), planted)


def describe(found: Claim) -> dict[str, Any]:
    """What a claim says."""
    span = found.span
    return {
        "status": found.status,
        "dimension": len(found.directions),
        "exact": found.grades.count("exact"),
        "span": [span.value, span.lower, span.upper],
        "errors": [[e.value, e.lower, e.upper] for e in found.errors],
        "effects": [[e.value, e.lower, e.upper] for e in found.effects],
        "ladder": {f"{t:g}": size for t, size in found.ladder.items()},
        "ignored": len(found.ignored),
        "trivial": len(found.trivial),
        "effective": round(found.effective, 1),
        "closure": round(found.closure, 4),
        "floor": found.floor,
        "why": found.why,
    }


def truth(found: Claim, rows: Rows, planted: Tensor | None) -> dict[str, Any]:
    """Defects on fresh samples: of what was claimed, of the best there is, and of what was planted."""
    line: dict[str, Any] = {}
    for name, share in (("", None), ("plain ", 0.0)):  # with leverage capped as the claim does, and as it is
        forms = forms_of(rows, share)
        factors = factors_of(forms)
        line[f"{name}true"] = _worst(factors, found.directions)
        line[f"{name}single"] = [_worst(factors, d[None]) for d in found.directions]
        active = split_candidates(factors, 1, 0.0).active
        line[f"{name}least"] = _worst(factors, least_broken_first(factors, active)[:1]) if len(active) else None
        line[f"{name}planted"] = None if planted is None else _worst(factors, planted)
    return line | {"planted_dimension": 0 if planted is None else len(planted)}


def _worst(factors: Any, directions: Tensor) -> float | None:
    return float(nested_defects(factors, directions)[-1]) if len(directions) else None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description="How often a claim is false, and how often it misses.")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results; finished runs are kept")
    parser.add_argument("--seeds", type=int, default=1, help="seeds of every problem (default 1)")
    parser.add_argument("--samples", type=int, default=400, help="samples of every problem (default 400)")
    parser.add_argument("--only", default="", help="only runs whose key contains this, such as 'planted|so(3)'")
    parser.add_argument("--shard", default="0/1", help="this process asks every q-th run from the p-th: p/q")
    chosen = parser.parse_args(argv)
    chosen.out.mkdir(parents=True, exist_ok=True)
    part, parts = map(int, chosen.shard.split("/"))
    path = chosen.out / "runs.jsonl"
    done = read(path)
    wanted = [run for run in runs(chosen.seeds, chosen.samples) if chosen.only in run.key][part::parts]
    for run in wanted:
        if run.key not in done:
            append(path, answer(run))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
