"""What broken rotations of a trained force field do to one water, and what averaging leaves of it.

``python -m studies.broken_symmetry.trained`` fills ``results/trained.json``; stages that are there already are kept.
About ten minutes on one core.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from isotropy import atoms as ia
from isotropy import datasets
from isotropy.core._files import write_atomic
from isotropy.quadrature import haar

from .force_field import DENSE, FEMTOSECONDS, KELVIN, RULES, averaged, held_out
from .herds import heating, orientations

RESULTS = Path(__file__).parent / "results" / "trained.json"
STEPS, SEEN_EVERY = 3000, 10
RUNS = {  # rule, and inner steps where the correction is not taken at every one
    "plain": ("none", 1),
    "T": ("T", 1),
    "T every 10": ("T", 10),
    "T every 4": ("T", 4),
    "2i every 10": ("2i", 10),
    "random": ("i", 1),
}


def errors() -> dict[str, Any]:
    """Mean absolute differences from the densest rule, in meV and meV/A, at random orientations."""
    found: dict[str, Any] = {}
    for name, molecules, count in (("monomer", 1, 8), ("dimer", 2, 4)):
        frames = [ia.turned(one, g) for one in held_out(molecules, count) for g in haar(2, count).rotations]
        g = ia.graph(frames, 4.0)
        exact, exact_forces, _ = ia.energies_and_forces(averaged(DENSE), g)
        rows: dict[str, Any] = {}
        for rule, elements in RULES.items():
            energies, forces, _ = ia.energies_and_forces(averaged(elements), g)
            gaps = (energies - exact).abs().mean(), (forces - exact_forces).abs().mean()
            rows[rule] = {"evaluations": len(elements), **dict(zip(("energy", "forces"), _milli(gaps), strict=True))}
        against = ia.accuracy(datasets.water_model(), held_out(molecules, 1000))
        found[name] = {
            "frames": len(frames),
            "rules": rows,
            "torque": 1000 * ia.screen(ia.ModuleCalculator(datasets.water_model(), 4.0), frames).root_mean_square,
            "accuracy": _milli((against.energy, against.forces, against.spread)),
        }
    return found


def _milli(values: Sequence[Any]) -> list[float]:
    return [1000 * float(value) for value in values]


def moving_water(seed: int) -> Any:
    """A held-out molecule with velocities of 300 K and its centre of mass at rest."""
    water = held_out(1, 8)[seed].copy()
    ia.langevin(KELVIN, 1.0, seed)(water, 1e6)
    momenta, masses = water.get_momenta(), water.get_masses()[:, None]
    water.set_momenta(momenta - masses * momenta.sum(0) / masses.sum())
    return water


def free_run(kind: str) -> dict[str, float]:
    """Largest deviation of L over its size, and of the energy in meV, in 1.5 ps without a thermostat.

    Energies are of the model that drives the run in the long term: the averaged one where forces are averaged.
    """
    name, inner = RUNS[kind]
    water = moving_water(0)
    judge = ia.ModuleCalculator(averaged(RULES["O"] if kind == "random" else RULES[name]), 4.0)
    run, counted = _dynamics(water, kind, judge)
    rows = [_state(water, judge)]
    for _ in range(STEPS // (inner * max(SEEN_EVERY // inner, 1))):
        run.run(max(SEEN_EVERY // inner, 1))
        rows.append(_state(water, judge))
    path = torch.tensor(rows, dtype=torch.float64)
    away = (path[:, :3] - path[0, :3]).norm(dim=1) / path[0, :3].norm()
    energies = 1000 * path[:, 3]
    return {
        "angular": float(away.max()),
        "energy": float((energies - energies[0]).abs().max()),
        "deviation": float(energies.std()),
        "evaluations": counted() / STEPS,
        "picoseconds": STEPS * FEMTOSECONDS / 1000,
    }


def _dynamics(water: Any, kind: str, judge: Any) -> tuple[Any, Callable[[], float]]:
    """A run and how many evaluations of the plain model it has taken."""
    step = FEMTOSECONDS * ia.ase_module("units").fs
    verlet = ia.ase_module("md.verlet").VelocityVerlet
    name, inner = RUNS[kind]
    water.calc = plain = ia.ModuleCalculator(datasets.water_model(), 4.0)
    if inner > 1:
        slow = ia.SymmetrizedCalculator(ia.ModuleCalculator(datasets.water_model(), 4.0), RULES[name])
        run = ia.MultipleTimeStep(water, step, slow, inner=inner)
        return run, lambda: run.evaluations
    if kind == "random":
        water.calc = ia.SymmetrizedCalculator(plain, RULES[name], mode="random", seed=1)
        return verlet(water, step), lambda: plain.evaluations
    water.calc = judge
    return verlet(water, step), lambda: STEPS * len(RULES[name])


def _state(water: Any, judge: Any) -> list[float]:
    copy = water.copy()
    return [*water.get_angular_momentum(), judge.get_potential_energy(copy) + water.get_kinetic_energy()]


def relaxed(count: int = 8) -> dict[str, float]:
    """Relaxed energies of held-out dimers by the plain and the averaged model, in meV for each molecule."""
    rows: list[list[float]] = []
    for start in held_out(2, count):
        energies: list[float] = []
        for rule in ("none", "T"):
            cluster = start.copy()
            cluster.calc = ia.ModuleCalculator(averaged(RULES[rule]), 4.0)
            ia.ase_module("optimize").BFGS(cluster, logfile=None).run(fmax=2e-3, steps=300)
            energies.append(500 * cluster.get_potential_energy())
        rows.append(energies)
    plain, mean = torch.tensor(rows, dtype=torch.float64).T
    found = ia.relative_energies(plain, mean)
    return {"clusters": len(rows), "offset": found.offset, "relative": found.error, "spread": found.spread}


STAGES: dict[str, Callable[[], Any]] = {
    "errors": errors,
    **{f"run, {kind}": partial(free_run, kind) for kind in RUNS},
    "relaxed": relaxed,
    "orientations": orientations,
    "heating": heating,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--stages", nargs="*", default=list(STAGES), choices=list(STAGES))
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    for name in chosen.stages:
        found = json.loads(chosen.results.read_text(encoding="utf-8")) if chosen.results.exists() else {}
        if name not in found:
            found[name] = STAGES[name]()
            write_atomic(chosen.results, json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
