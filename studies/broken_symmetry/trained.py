"""What broken rotations of a trained force field do to one water, and what averaging leaves of it.

``python -m studies.broken_symmetry.trained`` fills ``trained.json``; stages that are there already are kept. About
five minutes on one core.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from isotropy import atoms as ia
from isotropy import datasets
from isotropy._files import write_atomic
from isotropy.quadrature import Rule, grid, haar, identity, lebedev, polyhedral

from .training import HELD_OUT

RESULTS = Path(__file__).with_name("trained.json")
KELVIN, FEMTOSECONDS, STEPS, INNER = 300.0, 0.5, 3000, 10
RULES: dict[str, Rule] = {
    "none": identity(),
    "i": grid("i"),
    "T": polyhedral("T"),
    "2": grid("2"),
    "O": polyhedral("O"),
    "T, i": polyhedral("T").with_inversion(),
    "2i": grid("2i"),
    "I": polyhedral("I"),
    "3": grid("3"),
    "I, i": polyhedral("I").with_inversion(),
}
DENSE = lebedev(9).with_inversion()
REPLICAS, KEPT_EVERY, FRICTION = 200, 40, 0.02


def held_out(molecules: int, count: int) -> list[Any]:
    """Frames no training has seen, spread over their runs."""
    frames = [one for one in datasets.waters(HELD_OUT) if len(one) == 3 * molecules]
    return frames[:: max(len(frames) // count, 1)][:count]


def averaged(rule: Rule) -> ia.SymmetrizedModule:
    return ia.SymmetrizedModule(datasets.water_model(), rule, chunk=60)


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


def free_runs() -> dict[str, Any]:
    """Angular momentum and energy of one molecule over 1.5 ps, by how forces are made."""
    return {kind: free_run(kind) for kind in ("raw", "T", "MTS T")}


def free_run(kind: str) -> dict[str, float]:
    """Largest deviation of L over its size, and of the energy in meV; averaged energies count for averaged runs."""
    units, verlet = ia.ase_module("units"), ia.ase_module("md.verlet").VelocityVerlet
    water, step = moving_water(0), FEMTOSECONDS * ia.ase_module("units").fs
    plain = ia.ModuleCalculator(datasets.water_model(), 4.0)
    multiple = kind.startswith("MTS ")
    rule = identity() if kind == "raw" else RULES[kind.removeprefix("MTS ")]
    judge = ia.ModuleCalculator(averaged(rule), 4.0)
    if multiple:
        water.calc = plain
        slow = ia.SymmetrizedCalculator(ia.ModuleCalculator(datasets.water_model(), 4.0), rule)
        run, outer = ia.MultipleTimeStep(water, step, slow, inner=INNER), STEPS // INNER
    else:
        water.calc = judge
        run, outer = verlet(water, step), STEPS
    rows = [_state(water, judge)]
    for taken in range(1, outer + 1):
        run.run(1)
        if multiple or taken % INNER == 0:
            rows.append(_state(water, judge))
    path = torch.tensor(rows, dtype=torch.float64)
    away = (path[:, :3] - path[0, :3]).norm(dim=1) / path[0, :3].norm()
    energies = 1000 * path[:, 3]
    return {
        "angular": float(away.max()),
        "energy": float((energies - energies[0]).abs().max()),
        "deviation": float(energies.std()),
        "evaluations": run.evaluations / STEPS if multiple else float(len(rule)),
        "picoseconds": STEPS * step / units.fs / 1000,
    }


def _state(water: Any, judge: Any) -> list[float]:
    copy = water.copy()
    return [*water.get_angular_momentum(), judge.get_potential_energy(copy) + water.get_kinetic_energy()]


class Herd:
    """Many single molecules that move at once, each as if alone; times in femtoseconds, energies in eV."""

    def __init__(self, model: Any, replicas: int, seed: int) -> None:
        units = ia.ase_module("units")
        self.model = model
        self.generator = torch.Generator().manual_seed(seed)
        self.fs, self.kt = units.fs, units.kB * KELVIN
        turns = haar(replicas, self.generator).rotations
        starts = held_out(1, 45)
        frames = [ia.turned(starts[k % len(starts)], g) for k, g in enumerate(turns)]
        self.graph = ia.graph(frames, 4.0)
        self.positions = torch.cat([torch.as_tensor(one.positions) for one in frames])
        self.masses = torch.cat([torch.as_tensor(one.get_masses()) for one in frames])[:, None]
        self.momenta = torch.zeros_like(self.positions)
        self.refresh(1e9)
        self.forces = self.pushed()

    def moved(self) -> ia.Graph:
        """The graph at the positions of now."""
        return self.graph.moved(self.positions[self.graph.neighbours] - self.positions[self.graph.centres])

    def pushed(self) -> Tensor:
        """Forces of now."""
        return ia.energies_and_forces(self.model, self.moved())[1]

    def step(self) -> None:
        """Velocity Verlet."""
        dt = FEMTOSECONDS * self.fs
        self.momenta = self.momenta + dt / 2 * self.forces
        self.positions = self.positions + dt * self.momenta / self.masses
        self.forces = self.pushed()
        self.momenta = self.momenta + dt / 2 * self.forces

    def refresh(self, friction: float) -> None:
        """Partial renewal of momenta over a step."""
        keep = torch.exp(torch.tensor(-friction * FEMTOSECONDS, dtype=torch.float64))
        noise = torch.randn(self.positions.shape, generator=self.generator, dtype=torch.float64)
        self.momenta = keep * self.momenta + ((1 - keep**2) * self.kt * self.masses).sqrt() * noise

    def kinetic(self) -> Tensor:
        """Of each molecule `(replicas,)`."""
        return (self.momenta**2 / (2 * self.masses)).sum(1).reshape(-1, 3).sum(1)

    def dipoles(self) -> Tensor:
        """Directions `(replicas, 3)`."""
        return ia.dipoles(self.positions)


def orientations(steps: int = 2400, equilibration: int = 400) -> dict[str, Any]:
    """Orientations of the plain model's runs, as predicted from single frames, and after weighing."""
    herd = Herd(datasets.water_model(), REPLICAS, seed=1)
    u: list[Tensor] = []
    offsets: list[Tensor] = []
    mean = averaged(RULES["T, i"])
    for taken in range(1, steps + 1):
        herd.step()
        herd.refresh(FRICTION)
        if taken > equilibration and taken % KEPT_EVERY == 0:
            g = herd.moved()
            with torch.no_grad():
                offsets.append(herd.model(g) - mean(g))
            u.append(herd.dipoles())
    return _compared(torch.stack(u), torch.stack(offsets), herd.kt)


def _compared(u: Tensor, offsets: Tensor, kt: float) -> dict[str, Any]:
    """Moments of directions with errors over replicas, and free energies on the grid."""
    weights = torch.softmax(offsets.flatten() / kt, 0).reshape(offsets.shape)
    model = ia.ModuleCalculator(datasets.water_model(), 4.0)
    v, shares = ia.predicted_orientations(model, held_out(1, 24), lebedev(7), kt, seed=3)
    run = ia.block_mean(moments(u).mean(0), blocks=20)
    flat = ia.block_mean((moments(u) * weights[..., None]).sum(0) * len(weights[0]), blocks=20)
    predicted = torch.tensordot(shares, moments(v[:, 0]), 1)
    spaces = {
        "run": ia.orientational_free_energy(u.flatten(0, 1)),
        "weighed": ia.orientational_free_energy(u.flatten(0, 1), weights.flatten()),
        "predicted": ia.orientational_free_energy(v, shares),
    }
    shown = {name: one.value - one.value.mean() for name, one in spaces.items()}
    zero = ia.Estimate(torch.zeros_like(flat.value), torch.zeros_like(flat.error), flat.blocks)
    return {
        "samples": u.shape[0] * u.shape[1],
        "deviation": float(offsets.std() / kt),
        "effective": ia.reweight(offsets.flatten(), kt).effective,
        "moments": {"run": run.value.tolist(), "error": run.error.tolist(), "predicted": predicted.tolist()},
        "weighed": {"value": flat.value.tolist(), "error": flat.error.tolist()},
        "weighed_is_flat": flat.equals(zero, 0.1),
        "run_is_flat": run.equals(zero, 0.1),
        "run_is_predicted": run.equals(ia.Estimate(predicted, torch.zeros_like(predicted), 1), 0.1),
        "free_energy": {name: float(one.square().mean().sqrt()) for name, one in shown.items()},
        "error": float(spaces["run"].error.square().mean().sqrt()),
        "correlation": float(torch.corrcoef(torch.stack([shown["run"].flatten(), shown["predicted"].flatten()]))[0, 1]),
    }


def moments(u: Tensor) -> Tensor:
    """Harmonics `(..., 8)` of degrees 1 and 2, of unit mean square on the sphere."""
    x, y, z = u.unbind(-1)
    first = [3**0.5 * x, 3**0.5 * y, 3**0.5 * z]
    second = [15**0.5 * x * y, 15**0.5 * y * z, 15**0.5 * x * z, 15**0.5 / 2 * (x * x - y * y)]
    return torch.stack([*first, *second, 5**0.5 / 2 * (3 * z * z - 1)], -1)


class RandomHerd(Herd):
    """Every molecule in a new random orientation at every call."""

    def pushed(self) -> Tensor:
        """Forces of a random orientation, turned back."""
        turns = haar(self.graph.count, self.generator).rotations
        signs = 1 - 2 * torch.randint(2, (self.graph.count, 1, 1), generator=self.generator)
        each = (turns * signs)[self.graph.structures]
        g = self.moved()
        found = ia.energies_and_forces(self.model, g.moved((each[g.centres] @ g.vectors[:, :, None])[..., 0]))[1]
        return (each.mT @ found[:, :, None])[..., 0]


def heating(steps: int = 1600) -> dict[str, float]:
    """Energy gained by random orientations, against the power predicted from single frames."""
    herd = RandomHerd(datasets.water_model(), REPLICAS, seed=2)
    mean = averaged(RULES["T, i"])

    def energy() -> Tensor:
        with torch.no_grad():
            return mean(herd.moved()) + herd.kinetic()

    power = [_power(herd)]
    start = energy()
    for taken in range(1, steps + 1):
        herd.step()
        if taken % (steps // 4) == 0:
            power.append(_power(herd))
    gained = energy() - start
    time = steps * FEMTOSECONDS / 1000
    return {
        "predicted": 1000 * sum(power) / len(power),
        "measured": 1000 * float(gained.mean()) / time,
        "error": 1000 * float(gained.std()) / len(gained) ** 0.5 / time,
        "walk": 1000 * float(gained.std()),
        "picoseconds": time,
    }


def _power(herd: Herd) -> float:
    """In eV for each picosecond and molecule, from the variance of forces over a rule."""
    rule, g = RULES["O"].with_inversion(), herd.moved()
    _, forces, _ = ia.energies_and_forces(herd.model, g.copies(rule.rotations))
    back = forces.reshape(len(rule), -1, 3) @ rule.rotations
    variances = back.var(0, correction=0)
    dt = FEMTOSECONDS * herd.fs
    return ia.heating(variances, herd.masses[:, 0], dt) / g.count * 1000 * herd.fs


STAGES: dict[str, Callable[[], Any]] = {
    "errors": errors,
    "free": free_runs,
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
