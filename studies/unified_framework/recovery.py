"""How many samples recover a polynomial with hidden symmetry, noise-free, by smallest nuclear norm, or reweighted."""

import csv
import statistics
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import isotropy as iso
from isotropy.actions import Affine
from isotropy.dictionary import Polynomials
from isotropy.errors import SymmetryWarning

ROUNDS = 6  # of reweighting
ACCEPTED = 5e-3  # largest relative error of a coefficient that counts as recovered
FILES = {("T", "ortho"): "ortho_t_n.csv", ("SE", "ortho"): "ortho_se_n.csv", ("SE", "quad"): "quad_se_n.csv"}


@dataclass(frozen=True)
class Case:
    """Candidates T(m) or SE(m); r features, projections or squared distances; a polynomial of degree d in them."""

    group: str
    m: int
    features: str
    d: int
    r: int
    measure: str
    rounds: int = 0  # of reweighting

    @property
    def method(self) -> str:
        """The inner product, or ``reweighted`` for further rounds on the cube."""
        return "reweighted" if self.rounds else self.measure

    @property
    def label(self) -> str:
        """Such as ``T(10) ortho d2 r1``."""
        return f"{self.group}({self.m}) {self.features} d{self.d} r{self.r}"

    @property
    def degree(self) -> int:
        """Total degree of the library."""
        return 2 * self.d if self.features == "quad" else self.d


def make_target(case: Case, generator: torch.Generator) -> Any:
    """A random polynomial with coefficients uniform on [0, 1] of r random features."""

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    outer = Polynomials(case.r, case.d)
    weights = uniform(len(outer))
    if case.features == "ortho":
        normal = torch.randn(case.m, case.r, generator=generator, dtype=torch.float64)
        frame = torch.linalg.qr(normal).Q
        return lambda x: outer.evaluate(x @ frame) @ weights
    centres = 2 * uniform(case.r, case.m) - 1
    return lambda x: outer.evaluate((x[:, None] - centres).square().sum(2)) @ weights


def recover(case: Case, seed: int) -> dict[str, Any]:
    """Smallest number of nested samples that recover one target, by bisection."""
    generator = torch.Generator().manual_seed(seed)
    library = Polynomials(case.m, case.degree)
    target = make_target(case, generator)
    x = 2 * torch.rand(2 * len(library), case.m, generator=generator, dtype=torch.float64) - 1
    y = target(x)
    truth = torch.linalg.lstsq(library.evaluate(x), y[:, None], driver="gelsd").solution[:, 0]
    action = Affine(iso.translation(case.m) if case.group == "T" else iso.se(case.m))
    model = iso.promote.BasisRegression(
        library,
        action,
        action.algebra.scalar(),
        measure=case.measure,
        rounds=case.rounds,
        tolerance=1e-6,
        max_iter=4000,
    )
    start, fits = (time.process_time(), time.perf_counter()), []

    def succeeds(count: int) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SymmetryWarning)  # the gap is written down instead
            model.fit(x[:count], y[:count])
        error = float((model.coef_[0] - truth).abs().amax() / truth.abs().amax())
        fits.append({"samples": count, "error": error, "gap": model.gap_, "iterations": model.n_iter_})
        return error < ACCEPTED

    few, many = 0, len(library)
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if succeeds(middle) else (middle, many)
    return {
        **asdict(case),
        "measure": case.method,
        "seed": seed,
        "samples": many,
        "library": len(library),
        "cpu_seconds": time.process_time() - start[0],
        "wall_seconds": time.perf_counter() - start[1],
        "worst_gap": max(fit["gap"] for fit in fits),
        "fits": fits,
    }


def read_published(folder: Path) -> dict[str, dict[str, float]]:
    """Medians of the published runs by case: samples, and seconds of one search."""
    groups: dict[str, list[tuple[float, float]]] = {}
    for (group, features), name in FILES.items():
        with (folder / name).open(newline="") as file:
            for row in csv.DictReader(file):
                label = f"{group}({row['m']}) {features} d{row['d']} r{row['r']}"
                groups.setdefault(label, []).append((float(row["n_recover"]), float(row["dt"])))
    return {
        label: {
            "samples": statistics.median(samples for samples, _ in runs),
            "seconds": statistics.median(seconds for _, seconds in runs),
            "runs": len(runs),
        }
        for label, runs in groups.items()
    }
