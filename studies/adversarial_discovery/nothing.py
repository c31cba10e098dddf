"""Random data without symmetry: whatever is certified is false.

``python -m studies.adversarial_discovery.nothing`` asks a hundred seeds along four roads and keeps all answers in
``results/nothing.json``; what stands there is not asked again.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

import isotropy as iso
from isotropy import datasets
from isotropy.actions import Prolonged
from isotropy.core._files import write_atomic
from isotropy.discover import Discovery, FromData, FromEquations, LaLiGAN, LieGAN, Plan
from isotropy.errors import SymmetryError, SymmetryWarning

from .run import RESULTS

SEEDS = 100
SHORT = Plan(epochs=4, steps=40)
LATENT = Plan(epochs=6, steps=100, rates=(4e-3, 3e-3), average=0.98)
QUICK = ["polynomial", "kernel"]


def samples(seed: int) -> tuple[Tensor, Tensor]:
    """A random network, a random cubic, a network under noise, or targets that have nothing to do with the inputs."""
    make = datasets.random_cubic if seed % 4 == 1 else datasets.random_network
    data = make(3, seed, samples=400).data
    noise = torch.randn(data.y.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    share = {0: 0.0, 1: 0.02, 2: 0.3, 3: 1.0}[seed % 4]
    return data.x, (1 - share) * data.y + share * data.y.std() * noise


def direct(seed: int) -> Discovery:
    G = iso.gl(3)
    return FromData(G.vector(), G.scalar(), kinds=QUICK, seed=seed).fit(*samples(seed))


def game(seed: int) -> Discovery:
    G = iso.gl(3)
    return LieGAN(G.vector(), G.scalar(), plan=SHORT, seed=seed).fit(*samples(seed))


def equations(seed: int) -> Discovery:
    """Jets of ``u_t = f(x, t, u, u_x, u_xx)`` with a random quadratic ``f``."""
    rng = torch.Generator().manual_seed(seed)
    action = Prolonged(("x", "t"), ("u",), order=2, degree=1)
    z = torch.randn(400, action.size, generator=rng, dtype=torch.float64)
    inner = z[:, [action.names.index(name) for name in ("x", "t", "u", "u_x", "u_xx")]]
    form = torch.randn(5, 5, generator=rng, dtype=torch.float64)
    slope = torch.randn(5, generator=rng, dtype=torch.float64)
    noise = torch.randn(400, generator=rng, dtype=torch.float64)
    value = torch.einsum("bi,ij,bj->b", inner, form, inner) + inner @ slope
    z[:, action.names.index("u_t")] = value + (seed % 3) * 0.05 * noise
    return FromEquations(action, ["u_t"], kinds=["polynomial"], seed=seed).fit(z)


def steps(seed: int) -> tuple[Tensor, Tensor]:
    """States and next ones of the Lorenz system, of a random map that folds space, or of no order at all."""
    rng = torch.Generator().manual_seed(seed)
    if seed % 3 == 0:
        tracks = datasets.lorenz(seed, trajectories=20, samples=80).data.states
        return torch.cat([track[:-1] for track in tracks]), torch.cat([track[1:] for track in tracks])
    if seed % 3 == 1:
        x = datasets.pendulum(seed).data.x
        return x, x[torch.randperm(len(x), generator=rng)]
    mix = 2.5 * torch.randn(3, 3, generator=rng, dtype=torch.float64)
    x = torch.sin(torch.randn(1500, 3, generator=rng, dtype=torch.float64) @ mix)
    return x, torch.sin(x @ mix)


def latent(seed: int) -> Discovery:
    """A turn of learnt coordinates, as many as there are numbers in a state or one less."""
    x, y = steps(seed)
    return LaLiGAN(min(2 + seed % 2, x.shape[1]), plan=LATENT, polish=150, seed=seed).fit(x, y)


ROADS: dict[str, Callable[[int], Discovery]] = {
    "direct": direct,
    "game": game,
    "equations": equations,
    "latent": latent,
}


def status(road: str, seed: int) -> str:
    """What one road says of one seed."""
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SymmetryWarning)
        try:
            return ROADS[road](seed).status_
        except SymmetryError:
            return "refused"


def run(path: Path, seeds: int, every: int = 10) -> None:
    """Ask what is not in the file yet, and write it now and then."""
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"statuses": {}, "seconds": {}}
    for road in ROADS:
        statuses = found["statuses"].setdefault(road, [])
        while len(statuses) < seeds:
            start = time.process_time()
            statuses += [status(road, seed) for seed in range(len(statuses), min(len(statuses) + every, seeds))]
            found["seconds"][road] = round(found["seconds"].get(road, 0.0) + time.process_time() - start, 1)
            write_atomic(path, json.dumps(found, indent=1) + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description="Random data without symmetry along four roads.")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="per road (default 100)")
    chosen = parser.parse_args(argv)
    chosen.out.mkdir(parents=True, exist_ok=True)
    run(chosen.out / "nothing.json", chosen.seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
