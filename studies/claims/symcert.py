"""The grid of SymCert: how often symmetries of vector fields are claimed falsely, and how often found.

``python -m studies.claims.symcert --runs 20 --shard 0/2`` asks the runs of seeds 0 to 19 that fall into its half and
appends one JSON line for each to ``results/symcert_0_2.jsonl``; what stands in any file of that folder is not asked
again. ``python -m studies.claims.symcert_table`` writes the page. Seeds below 10000 are for judging and were not looked
at while the rule was made; it was tuned on seeds from 10000 on. Those of the page are 20 to 39.

Pairs of a point, uniform in a box, and a velocity with noise of a share of the field's root mean square; candidates are
all affine motions, tolerance and level 0.05. The class of the field is not told. A run is false if the declared span
holds a generator whose true defect, a generalised eigenvalue with exact moments over the box, is above the tolerance;
it has detected if the declared dimension is at least that of the true symmetries (Kendiukhov 2026).
"""

import argparse
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import isotropy as iso
from isotropy.symmetry.learnt import LearntForms, PolynomialClass, learnt_claim, learnt_forms, matrices_of

from ..calibration.run import append, read

RESULTS = Path(__file__).parent / "results"
SAMPLES = (100, 200, 400, 800, 1600, 3200)
NOISES = (0.01, 0.03, 0.1, 0.3)
TOLERANCE = LEVEL = 0.05
LARGEST = {2: 7, 3: 6}  # degree up to which a class may be asked, by dimension
NODES = 8  # of Gauss and Legendre, per axis: exact up to degree 15, twice that of any Lie derivative below


@dataclass(frozen=True)
class System:
    """A vector field on a box of a half-width, and the dimension of its affine symmetries."""

    size: int
    width: float
    symmetries: int
    field: Callable[[Tensor], Tensor]


def columns(*rows: Tensor) -> Tensor:
    return torch.stack(rows, dim=1)


def top(first: float, second: float, third: float) -> Callable[[Tensor], Tensor]:
    """Euler's equations of a free rigid body."""
    a, b, c = (second - third) / first, (third - first) / second, (first - second) / third
    return lambda x: columns(a * x[:, 1] * x[:, 2], b * x[:, 2] * x[:, 0], c * x[:, 0] * x[:, 1])


def hopf(x: Tensor) -> Tensor:
    return columns(x[:, 0] - x[:, 1], x[:, 0] + x[:, 1]) - x * x.square().sum(1, keepdim=True)


def sphere(x: Tensor) -> Tensor:
    return x * (1 - x.square().sum(1, keepdim=True))


def selkov(x: Tensor) -> Tensor:
    caught = x[:, 0].square() * x[:, 1]
    return columns(0.1 - x[:, 0] + x[:, 1] / 2 + caught, -x[:, 1] / 2 - caught)


def lorenz(x: Tensor) -> Tensor:
    x, y, z = x.unbind(1)
    return columns(10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z)


SYSTEMS = {
    "Hopf": System(2, 1.0, 1, hopf),
    "rotation": System(2, 1.0, 2, lambda x: columns(-x[:, 1], x[:, 0])),
    "symmetric top": System(3, 1.0, 2, top(1, 1, 2)),
    "sphere flow": System(3, 1.0, 3, sphere),
    "Van der Pol": System(2, 1.0, 0, lambda x: columns(x[:, 1], -x[:, 0] + x[:, 1] - x[:, 0].square() * x[:, 1])),
    "Duffing": System(2, 2.0, 0, lambda x: columns(x[:, 1], x[:, 0] - x[:, 0] ** 3 - x[:, 1] / 5)),
    "Lotka-Volterra": System(2, 1.0, 0, lambda x: columns(x[:, 0] * (1 - x[:, 1]), x[:, 1] * (x[:, 0] - 1))),
    "Selkov": System(2, 2.0, 0, selkov),
    "asymmetric top": System(3, 1.0, 0, top(1, 2, 3)),
    "Lorenz": System(3, 20.0, 0, lorenz),
}
SYMMETRIC = [name for name, system in SYSTEMS.items() if system.symmetries]


@dataclass(frozen=True)
class Run:
    """One question: everything that it depends on."""

    system: str
    samples: int
    noise: float
    seed: int

    @property
    def key(self) -> str:
        """Name of the run in the files of results."""
        return "|".join(map(str, asdict(self).values()))

    def draw(self) -> tuple[Tensor, Tensor]:
        """Points and velocities that depend on the run alone."""
        return draw(SYSTEMS[self.system], self.samples, self.noise, self.key)


def runs(count: int, first: int = 0) -> Iterator[Run]:
    """Every run of the study, seed by seed."""
    for seed in range(first, first + count):
        for name, samples, noise in itertools.product(SYSTEMS, SAMPLES, NOISES):
            yield Run(name, samples, noise, seed)


@cache
def box(size: int, width: float) -> tuple[Tensor, Tensor]:
    """Nodes and weights of a quadrature over a box."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    points = np.array(list(itertools.product(nodes, repeat=size))) * width
    return torch.tensor(points), torch.tensor([np.prod(w) for w in itertools.product(weights, repeat=size)])


@cache
def question(size: int, width: float) -> tuple[PolynomialClass, LearntForms]:
    """Polynomials over a box and their Lie derivatives; lengths of velocities are those of the user's coordinates."""
    points, weights = box(size, width)
    action = iso.actions.Affine(iso.aff(size))
    family = PolynomialClass(points, LARGEST[size], weights)
    turns = matrices_of(action.tangent(), points)[0]
    return family, learnt_forms(family, action.fields(points), turns, denominator="terms")


@cache
def field_size(system: System) -> float:
    """Root mean square of a field over its box."""
    points, weights = box(system.size, system.width)
    squares = system.field(points).square().sum(1)
    return float((weights @ squares / weights.sum()).sqrt())


def draw(system: System, samples: int, noise: float, key: str) -> tuple[Tensor, Tensor]:
    """Points and velocities with noise, by a key."""
    random = np.random.default_rng([*key.encode()])
    x = torch.tensor(random.uniform(-system.width, system.width, (samples, system.size)))
    return x, system.field(x) + noise * field_size(system) * torch.tensor(random.standard_normal(x.shape))


@cache
def true_forms(system: System) -> tuple[Tensor, Tensor]:
    """Gram matrices of the true Lie derivative and of its two terms."""
    family, forms = question(system.size, system.width)
    points, weights = box(system.size, system.width)
    values = family.evaluate(points)
    beta = (values.T * (weights / weights.sum()) @ system.field(points)).flatten()
    lie, chance = forms.lie @ beta, forms.chance @ beta
    return lie @ lie.T, chance @ chance.T


def true_defect(system: System, span: Tensor) -> float:
    """Defect of the worst member of the span of the rows `(k, dim)`."""
    if not len(span):
        return 0.0
    lie, chance = (span @ part @ span.T for part in true_forms(system))
    half = torch.linalg.inv(torch.linalg.cholesky(chance))
    return float(torch.linalg.eigvalsh(half @ lie @ half.T)[-1].clamp_min(0).sqrt())


def answer(run: Run) -> dict[str, Any]:
    """Ask one question and return its line."""
    system = SYSTEMS[run.system]
    family, forms = question(system.size, system.width)
    x, y = run.draw()
    start = time.process_time()
    found = learnt_claim(x, y, family, forms, tolerance=TOLERANCE, level=LEVEL)
    seconds = time.process_time() - start
    span = found.directions if found.status == "certified" else found.directions[:0]
    defect = true_defect(system, span)
    return {
        "key": run.key,
        **asdict(run),
        "status": found.status,
        "degree": found.chosen.degree,
        "dimension": len(span),
        "upper": [float(f"{e.upper:.4g}") for e in found.errors],
        "defect": float(f"{defect:.4g}"),
        "false": defect > TOLERANCE,
        "detected": len(span) >= system.symmetries,
        "seconds": round(seconds, 3),
    }


def done(folder: Path) -> set[str]:
    """Keys of all runs that stand in the files of a folder."""
    return {key for path in folder.glob("symcert_*.jsonl") for key in read(path)}


def shard_of(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not 0 <= int(part) < int(parts):
        raise argparse.ArgumentTypeError(f"shard: expected i/n with 0 <= i < n, received {text}; e.g. 0/2")
    return int(part), int(parts)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description="How often symmetries of vector fields are claimed falsely, or found.")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results; finished runs are kept")
    parser.add_argument("--runs", type=int, default=20, help="seeds per cell (default 20)")
    parser.add_argument("--first-seed", type=int, default=0, help="below 10000 to judge, from there on to tune")
    parser.add_argument("--shard", type=shard_of, default=(0, 1), help="i/n: the i-th of n parts (default 0/1)")
    parser.add_argument("--only", default="", help="only runs whose key contains this, such as 'Hopf|400'")
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    chosen.out.mkdir(parents=True, exist_ok=True)
    part, parts = chosen.shard
    finished, path = done(chosen.out), chosen.out / f"symcert_{part}_{parts}.jsonl"
    for number, run in enumerate(runs(chosen.runs, chosen.first_seed)):
        if number % parts == part and chosen.only in run.key and run.key not in finished:
            append(path, answer(run))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
