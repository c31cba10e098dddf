"""Averaging a torch force field over rotations: batches of rotated copies against one calculator call per rotation.

A message-passing model of water clusters is averaged over the 60 rotations of the icosahedron, energies and forces.
Both ways run the same model; the slow way searches neighbours and calls autograd for each rotation, as any wrapper of
calculators has to. Prints JSON: seconds (medians), their ratio, and the largest difference of energies and forces.

    python benchmarks/batched_rotations.py --molecules 6 --width 32
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from ase import Atoms
from ase.build import molecule
from torch import Tensor, nn

import isotropy as iso
from isotropy.atoms import Graph

CUTOFF = 4.0


class Messages(nn.Module):
    """Vectors enter as they are, two rounds of messages, an energy for each structure."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(6, width), nn.SiLU(), nn.Linear(width, width))
        self.second = nn.Sequential(nn.Linear(width + 4, width), nn.SiLU(), nn.Linear(width, width))
        self.last = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))

    def forward(self, g: Graph) -> Tensor:
        """Energies `(structures,)`."""
        r = g.vectors.norm(dim=1, keepdim=True)
        smooth = 0.5 * (1 + torch.cos(torch.pi * r / CUTOFF))
        kinds = torch.stack([g.species[g.centres], g.species[g.neighbours]], 1).to(r) / 8
        messages = smooth * self.first(torch.cat([g.vectors, r, kinds], 1))
        empty = messages.new_zeros(len(g.species), messages.shape[1])
        state = empty.index_add(0, g.centres, messages)
        state = empty.index_add(0, g.centres, smooth * self.second(torch.cat([state[g.neighbours], g.vectors, r], 1)))
        return state.new_zeros(g.count).index_add(0, g.structures, self.last(state)[:, 0])


def make_cluster(molecules: int) -> Atoms:
    cluster = Atoms()
    for place in range(molecules):
        water = molecule("H2O")
        water.rattle(0.05, seed=place)
        water.translate([2.9 * (place % 2), 2.9 * (place // 2 % 2), 2.9 * (place // 4)])
        cluster += water
    return cluster


def median_seconds(call: Callable[[], Any], repeats: int) -> float:
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--molecules", type=int, default=6)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--chunk", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args()
    torch.manual_seed(0)
    model = Messages(chosen.width).double().to(chosen.device)
    cluster, rule = make_cluster(chosen.molecules), iso.quadrature.polyhedral("I")
    inner = iso.atoms.ModuleCalculator(model, CUTOFF, device=chosen.device)
    slow = iso.atoms.SymmetrizedCalculator(inner, rule)
    averaged = iso.atoms.SymmetrizedModule(model, rule, chunk=chosen.chunk).to(chosen.device)
    fast = iso.atoms.ModuleCalculator(averaged, CUTOFF, device=chosen.device)
    times = {
        name: median_seconds(lambda one=one: one.calculate(cluster), chosen.repeats)
        for name, one in {"calls": slow, "batch": fast}.items()
    }
    answer = {
        "molecules": chosen.molecules,
        "rotations": len(rule),
        "chunk": chosen.chunk,
        "device": chosen.device,
        "seconds": times,
        "ratio": times["calls"] / times["batch"],
        "energy_difference": abs(slow.results["energy"] - fast.results["energy"]),
        "force_difference": float(abs(slow.results["forces"] - fast.results["forces"]).max()),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
