"""Many molecules that move at once: orientations of plain runs, and heating by random rotations."""

from typing import Any

import torch
from torch import Tensor

from isotropy import atoms as ia
from isotropy import datasets
from isotropy.quadrature import haar, lebedev

from .force_field import FEMTOSECONDS, KELVIN, RULES, averaged, held_out

REPLICAS, KEPT_EVERY, FRICTION = 200, 40, 0.02


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
