"""Symmetries of fields that are seen along trajectories, with noise on the states: how often false, how often found.

``python -m studies.claims.trajectories --runs 60`` asks every cell at seeds 0 to 59 and appends one JSON line for each
run to ``results/trajectories_0_1.jsonl``; what stands there is not asked again. ``--shard 0/2`` takes half of the runs.
``python -m studies.claims.trajectories_table`` writes the page. Seeds below 10000 are for judging and were not looked
at while the rule was made; it was tuned on other tracks of the same systems, and on seeds from 10000 on.

The tracks are those of SymCert's fifth experiment (Kendiukhov 2026): twelve starts, uniform in the box of the system, a
sample every 0.01 up to time 2, as long as the track stays in the box; tracks of fewer than 20 samples are left out.
Noise is independent and normal, with a standard deviation of 0.01 or 0.05 times

- ``step``: the root mean square of the field, times 0.01, which is theirs;
- ``states``: the root mean square of the states, which is about a hundred times as much.

Candidates are all affine motions, tolerance and level 0.05, the class of the field is not told. Claims are about the
states themselves, or with ``step`` about the box, as theirs are. A run is false if the certified span holds a generator
whose true defect over the noise-free states, or over the box, is above 0.05.
"""

import argparse
import itertools
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
from isotropy.discover import FromDynamics
from isotropy.discover.weak._question import weak_forms
from isotropy.errors import AmbiguousRankWarning
from isotropy.symmetry.learnt import PolynomialClass

from ..calibration.run import append, read
from .symcert import LEVEL, RESULTS, SYSTEMS, TOLERANCE, System, box, field_size, shard_of

NAMES = ("Hopf", "Van der Pol", "Duffing", "Lotka-Volterra")
SCALES = ("step", "states")
NOISES = (0.01, 0.05)
TRACKS, DURATION, STEP, SHORTEST = 12, 2.0, 0.01, 20
FINER = 4  # steps of the integrator to a sample: an error below 1e-9
DEGREE = 3  # of all four fields


@dataclass(frozen=True)
class Run:
    """One question: everything that it depends on."""

    system: str
    scale: str
    noise: float
    seed: int

    @property
    def key(self) -> str:
        """Name of the run in the files of results."""
        return "|".join(map(str, asdict(self).values()))

    @property
    def domain(self) -> tuple[float, float] | None:
        """The box, or the states themselves."""
        return (-SYSTEMS[self.system].width, SYSTEMS[self.system].width) if self.scale == "step" else None


def runs(count: int, first: int = 0) -> Iterator[Run]:
    """Every run of the study, seed by seed."""
    for seed in range(first, first + count):
        for name, scale, noise in itertools.product(NAMES, SCALES, NOISES):
            yield Run(name, scale, noise, seed)


def tracks(system: System, random: np.random.Generator) -> list[Tensor]:
    """Noise-free states `(T, n)` of every track, every ``STEP``, as long as it stays in the box."""
    state = torch.tensor(random.uniform(-system.width, system.width, (TRACKS, system.size)))
    found = [state]
    for _ in range(round(DURATION / STEP) - 1):
        for _ in range(FINER):
            state = advanced(system, state, STEP / FINER)
        found.append(state)
    paths = torch.stack(found, dim=1)
    inside = (paths.abs() <= system.width).all(dim=2).cumprod(dim=1).sum(dim=1).tolist()
    return [path[:count] for path, count in zip(paths, inside, strict=True) if count >= SHORTEST]


def advanced(system: System, state: Tensor, step: float) -> Tensor:
    """States after one step of Runge and Kutta; those that have left the box far behind are held."""
    held = state.abs().amax(dim=1, keepdim=True) > 2 * system.width
    first = system.field(state)
    second = system.field(state + step / 2 * first)
    third = system.field(state + step / 2 * second)
    fourth = system.field(state + step * third)
    return torch.where(held, state, state + step / 6 * (first + 2 * second + 2 * third + fourth))


def draw(run: Run) -> tuple[list[Tensor], list[Tensor]]:
    """Noise-free tracks, and what is seen of them; both depend on the run alone."""
    system = SYSTEMS[run.system]
    random = np.random.default_rng([*run.key.encode()])
    paths = tracks(system, random)
    size = field_size(system) * STEP if run.scale == "step" else float(torch.cat(paths).square().mean().sqrt())
    return paths, [path + run.noise * size * torch.tensor(random.standard_normal(path.shape)) for path in paths]


def true_defect(system: System, span: Tensor, points: Tensor, weights: Tensor | None = None) -> float:
    """Defect over points of the worst member of the span of the rows `(k, dim)`; 1 is what chance would give."""
    if not len(span):
        return 0.0
    family = PolynomialClass(points, DEGREE, weights)
    forms = weak_forms(family, iso.actions.Affine(iso.aff(system.size)))
    velocity = torch.linalg.solve_triangular(family.root, system.field(points), upper=True, left=False)
    beta = (family.evaluate(points).T * family.weights @ velocity).flatten()
    lie, chance = (span @ (part @ beta) for part in (forms.lie, forms.chance))
    half = torch.linalg.inv(torch.linalg.cholesky(chance @ chance.T))
    return float(torch.linalg.eigvalsh(half @ lie @ lie.T @ half.T)[-1].clamp_min(0).sqrt())


def answer(run: Run) -> dict[str, Any]:
    """Ask one question and return its line."""
    system = SYSTEMS[run.system]
    paths, seen = draw(run)
    times = [STEP * torch.arange(len(path), dtype=torch.float64) for path in paths]
    road = FromDynamics(
        iso.actions.Affine(iso.aff(system.size)), kinds=["polynomial"], tolerance=TOLERANCE, level=LEVEL, seed=run.seed
    )
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AmbiguousRankWarning)  # of surrogates, which only propose
        found = road.fit(seen, times, domain=run.domain).symmetry_
    seconds = time.process_time() - start
    span = found.coefficients if found.status == "certified" else found.coefficients[:0]
    points = box(system.size, system.width) if run.scale == "step" else (torch.cat(paths), None)
    defect = true_defect(system, span, *points)
    return {
        "key": run.key,
        **asdict(run),
        "tracks": len(paths),
        "states": sum(map(len, paths)),
        "status": found.status,
        "dimension": len(span),
        "upper": [float(f"{generator.upper:.4g}") for generator in found.generators if found.status == "certified"],
        "why": next((c.words for c in found.certificates.values() if not c.passed), ""),
        "defect": float(f"{defect:.4g}"),
        "false": defect > TOLERANCE,
        "detected": len(span) >= system.symmetries,
        "seconds": round(seconds, 3),
    }


def done(folder: Path) -> set[str]:
    """Keys of all runs that stand in the files of a folder."""
    return {key for path in folder.glob("trajectories_*.jsonl") for key in read(path)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description="How often symmetries along noisy trajectories are claimed, or found.")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results; finished runs are kept")
    parser.add_argument("--runs", type=int, default=60, help="seeds per cell (default 60)")
    parser.add_argument("--first-seed", type=int, default=0, help="below 10000 to judge, from there on to tune")
    parser.add_argument("--shard", type=shard_of, default=(0, 1), help="i/n: the i-th of n parts (default 0/1)")
    parser.add_argument("--only", default="", help="only runs whose key contains this, such as 'Hopf|states'")
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    chosen.out.mkdir(parents=True, exist_ok=True)
    part, parts = chosen.shard
    finished, path = done(chosen.out), chosen.out / f"trajectories_{part}_{parts}.jsonl"
    for number, run in enumerate(runs(chosen.runs, chosen.first_seed)):
        if number % parts == part and chosen.only in run.key and run.key not in finished:
            append(path, answer(run))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
