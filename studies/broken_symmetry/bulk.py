"""Whether a field of the laboratory that is as strong as a broken symmetry changes what a liquid shows.

``python -m studies.broken_symmetry.bulk`` runs small periodic boxes of a classical flexible water twice, with the same
starts and the same noise: plain, with a field of degrees 1 and 2 on every dipole whose energy deviates by 0.4 kT for
each box, as the published potential's does; and averaged over rotations, where the field is constant and drops out.
About three minutes on one core; writes ``results/bulk.json``.
"""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from isotropy import atoms as ia
from isotropy.core._files import write_atomic
from isotropy.quadrature import haar

RESULTS = Path(__file__).parent / "results" / "bulk.json"
MOLECULES, REPLICAS, SIDE = 16, 8, 7.82  # angstrom, for the density of water
KELVIN, FRICTION, STEP = 300.0, 0.002, 0.5  # 1/fs, fs
STRENGTH = 0.4  # kT for each box
TOGETHER = 2.75  # variance of a box's field over that of independent dipoles, from a first run
NEAREST = 20  # bins below 2.6 angstrom hold no pairs
EPSILON, SIGMA, CHARGE, COULOMB = 0.006740, 3.1655, 0.41, 14.399645  # eV, angstrom, e, eV A
LEVELS = {"density": 0.25, "along": 0.05, "across": 0.05}  # what counts as equal


class Liquid:
    """Boxes of water that move at once: springs, Lennard-Jones, charges in a reaction field, and a lab field."""

    def __init__(self, fields: Tensor, seed: int) -> None:
        units = ia.ase_module("units")
        self.fs, self.kt = units.fs, units.kB * KELVIN
        self.generator = torch.Generator().manual_seed(seed)
        self.fields = fields  # strength for each box, in eV
        self.positions = _starts(self.generator, len(fields))
        self.masses = torch.tensor([15.999, 1.008, 1.008], dtype=torch.float64).repeat(MOLECULES)[:, None]
        self.momenta = torch.zeros_like(self.positions)
        first, second = torch.triu_indices(3 * MOLECULES, 3 * MOLECULES, 1)
        apart = first // 3 != second // 3
        self.first, self.second = first[apart], second[apart]
        charges = torch.tensor([-2.0, 1.0, 1.0], dtype=torch.float64).repeat(MOLECULES) * CHARGE
        self.products = COULOMB * charges[self.first] * charges[self.second]
        self.oxygens = (self.first % 3 == 0) & (self.second % 3 == 0)
        self.forces = self.pushed()

    def offsets(self, x: Tensor) -> Tensor:
        """Energies of a field of unit strength `(boxes,)`: degrees 1 and 2 of every dipole."""
        z = self.dipoles(x)[..., 2]
        return (z + 1.5 * z**2 - 0.5).sum(1)

    def dipoles(self, x: Tensor) -> Tensor:
        """`(boxes, molecules, 3)`."""
        return ia.dipoles(x.reshape(-1, 3)).reshape(len(x), -1, 3)

    def energies(self, x: Tensor) -> Tensor:
        """`(boxes,)` in eV, within half a box."""
        reach = SIDE / 2
        vectors = x[:, self.second] - x[:, self.first]
        r = (vectors - SIDE * (vectors / SIDE).round()).norm(dim=-1)
        inside = r.clamp(max=reach)  # both parts are zero there, and stay so
        charged = self.products * (1 / inside + inside**2 / (2 * reach**3) - 1.5 / reach)
        ratio = (SIGMA / inside[:, self.oxygens]) ** 6
        end = (SIGMA / reach) ** 6
        pairs = 4 * EPSILON * (ratio * (ratio - 1) - end * (end - 1))
        return charged.sum(1) + pairs.sum(1) + self._springs(x) + self.fields * self.offsets(x)

    def _springs(self, x: Tensor) -> Tensor:
        o, h, g = x.reshape(len(x), -1, 3, 3).unbind(2)
        bonds = ((h - o).norm(dim=-1) - 1.0) ** 2 + ((g - o).norm(dim=-1) - 1.0) ** 2
        across = ((h - g).norm(dim=-1) - 1.633) ** 2
        return (24.0 * bonds + 8.0 * across).sum(1)

    def pushed(self) -> Tensor:
        """Forces of now."""
        x = self.positions.detach().requires_grad_()
        return -torch.autograd.grad(self.energies(x).sum(), x)[0]

    def step(self, femtoseconds: float, friction: float) -> None:
        """Velocity Verlet, then partial renewal of momenta with the same noise in plain and averaged boxes."""
        dt = femtoseconds * self.fs
        self.momenta = self.momenta + dt / 2 * self.forces
        self.positions = self.positions + dt * self.momenta / self.masses
        self.forces = self.pushed()
        keep = math.exp(-friction * femtoseconds)
        noise = torch.randn(len(self.fields) // 2, 3 * MOLECULES, 3, generator=self.generator, dtype=torch.float64)
        noise = noise.repeat(2, 1, 1) * ((1 - keep**2) * self.kt * self.masses).sqrt()
        self.momenta = keep * (self.momenta + dt / 2 * self.forces) + noise


def _starts(generator: torch.Generator, boxes: int) -> Tensor:
    """Molecules on a lattice in random orientations, the second half of the boxes like the first."""
    places = torch.cartesian_prod(*[torch.arange(3.0, dtype=torch.float64)] * 3)[:MOLECULES] * SIDE / 3
    water = torch.tensor([[0.0, 0, 0], [0.8165, 0.577, 0], [-0.8165, 0.577, 0]], dtype=torch.float64)
    turns = haar(boxes // 2 * MOLECULES, generator).rotations
    each = (water @ turns.mT).reshape(boxes // 2, MOLECULES, 3, 3) + places[:, None]
    return each.flatten(1, 2).repeat(2, 1, 1)


def run(picoseconds: float, equilibration: float, seed: int = 0) -> dict[str, Any]:
    """Observables of plain and averaged boxes, and of plain ones after weighing."""
    kt = ia.ase_module("units").kB * KELVIN
    unit = math.sqrt(TOGETHER * MOLECULES * (1 / 3 + 1 / 5))
    strength = STRENGTH * kt / unit
    fields = torch.tensor([strength] * REPLICAS + [0.0] * REPLICAS, dtype=torch.float64)
    liquid = Liquid(fields, seed)
    for taken in range(int(equilibration * 1000 / STEP)):
        liquid.step(STEP / 5 if taken < 1000 else STEP, 0.02)
    paths: list[Tensor] = []
    for taken in range(int(picoseconds * 1000 / STEP)):
        liquid.step(STEP, FRICTION)
        if taken % 100 == 99:
            paths.append(liquid.positions.clone())
    path = torch.stack(paths)
    offsets = strength * torch.stack([liquid.offsets(x) for x in paths])
    kinetic = float((liquid.momenta**2 / liquid.masses).mean()) / ia.ase_module("units").kB
    return {
        "molecules": MOLECULES,
        "boxes": REPLICAS,
        "picoseconds": picoseconds,
        "kelvin": kinetic,
        "deviation": float((offsets[:, :REPLICAS] - offsets[:, :REPLICAS].mean()).std() / kt),
        **_observed(liquid, path, offsets, kt),
    }


def _observed(liquid: Liquid, path: Tensor, offsets: Tensor, kt: float) -> dict[str, Any]:
    """Curves of both kinds of boxes with errors between boxes, and whether they are equal."""
    u = torch.stack([liquid.dipoles(x) for x in path])
    kinds = {"plain": range(REPLICAS), "averaged": range(REPLICAS, 2 * REPLICAS)}
    curves = {name: [_curves(path[:, k], u[:, k]) for k in boxes] for name, boxes in kinds.items()}
    found: dict[str, Any] = {"curves": {}}
    for what, tolerance in LEVELS.items():
        plain, averaged = (_between([getattr(one, what).value[NEAREST:] for one in curves[name]]) for name in kinds)
        found["curves"][what] = {
            "gap": float((plain.value - averaged.value).abs().max()),
            "error": float((plain.error.square() + averaged.error.square()).sqrt().max()),
            "largest": float(averaged.value.abs().max()),
            "tolerance": tolerance,
            "equal": plain.equals(averaged, tolerance),
        }
    tilt = {name: _between([u[:, k, :, 2].mean() for k in boxes]) for name, boxes in kinds.items()}
    plain_boxes = list(kinds["plain"])
    weighed = [ia.reweight(offsets[:, k], kt) for k in plain_boxes]
    back = _between([w.mean(u[:, k, :, 2].mean(1)) for w, k in zip(weighed, plain_boxes, strict=True)])
    moved = _between([u[:, k, :, 2].mean() - u[:, k + REPLICAS, :, 2].mean() for k in plain_boxes])
    free = {name: _free_energy(u[:, list(boxes)]) for name, boxes in kinds.items()}
    moves = {name: _between([_diffusion(path[:, k]) for k in boxes]) for name, boxes in kinds.items()}
    return found | {
        "tilt": {name: _numbers(one) for name, one in (tilt | {"weighed": back, "moved": moved}).items()},
        "expected": float(
            -_between([_covariance(u[:, k, :, 2].mean(1), offsets[:, k]) for k in plain_boxes]).value / kt
        ),
        "effective": sum(w.effective for w in weighed) / len(weighed),
        "free_energy": free,
        "diffusion": {name: _numbers(one) for name, one in moves.items()},
    }


def _curves(path: Tensor, u: Tensor) -> ia.PairCurves:
    make = ia.ase_module("atoms").Atoms
    frames = [make(f"O{MOLECULES}", x[::3].numpy(), cell=[SIDE] * 3, pbc=True) for x in path]
    return ia.pair_curves(frames, SIDE / 2, bins=30, u=u)


def _between(rows: list[Tensor]) -> ia.Estimate:
    """Mean over boxes and its standard error."""
    table = torch.stack(rows)
    return ia.Estimate(table.mean(0), table.std(0) / math.sqrt(len(rows)), len(rows))


def _covariance(first: Tensor, second: Tensor) -> Tensor:
    return ((first - first.mean()) * (second - second.mean())).mean()


def _free_energy(u: Tensor) -> float:
    """Root mean square over the sphere, in kT."""
    value = ia.orientational_free_energy(u.reshape(-1, 3)).value[10:-10]
    return float((value - value.mean()).square().mean().sqrt())


def _diffusion(path: Tensor) -> Tensor:
    """Of oxygens, in square angstrom for each picosecond, the drift of the whole box taken off."""
    oxygens = path[:, ::3] - path[:, ::3].mean(1, keepdim=True)
    return torch.tensor(ia.diffusion(oxygens, 0.05, 10, 40), dtype=torch.float64)


def _numbers(one: ia.Estimate) -> list[float]:
    return [float(one.value), float(one.error)]


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--picoseconds", type=float, default=6.0)
    parser.add_argument("--equilibration", type=float, default=1.5)
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    write_atomic(chosen.results, json.dumps(run(chosen.picoseconds, chosen.equilibration), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
