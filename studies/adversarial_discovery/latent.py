"""Symmetries that are linear in latent coordinates only: a pendulum and spiral waves, seed by seed.

``python -m studies.adversarial_discovery.latent`` writes one JSON file per question to ``results/``, as ``run`` does.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from isotropy import datasets
from isotropy.core._files import write_atomic
from isotropy.datasets.files._samples import Samples
from isotropy.discover import LaLiGAN, Plan, Weights

RESULTS = Path(__file__).with_name("results")
MODES, SEEN, AHEAD = 20, 400, 500  # of the fields: coordinates, pairs to learn from, steps to foresee
SETTLED = 100.0  # time after which the spiral only turns
TURNS = 16  # places on an orbit
SHORT = Plan(epochs=16, steps=100, rates=(4e-3, 3e-3), average=0.98)
Line = dict[str, Any]


def pendulum(seed: int) -> Line:
    """How much the energy changes along learnt orbits, relative to its spread, on other pendulums."""
    start = time.process_time()
    data = swings(seed)
    found = LaLiGAN(seed=seed).fit(data.x, data.y)
    line = said(found, start)
    x = swings(seed + 1000).x
    speed = float(torch.linalg.eigvals(found.action_.latent.drho(torch.ones(1))).imag.abs().max())
    if not speed:
        return {**line, "energy_deviation": math.nan}
    energy = datasets.pendulum_energy(x)
    turns = [2 * math.pi * k / TURNS / speed for k in range(1, TURNS)]
    moved = [datasets.pendulum_energy(found.action_.flow(torch.ones(1), x, turn)) for turn in turns]
    deviation = (torch.stack(moved) - energy).square().mean().sqrt() / energy.std()
    return {**line, "energy_deviation": round(float(deviation), 4)}


def swings(seed: int) -> Samples:
    """As many pendulums as the public code takes, and every tenth of its states."""
    return datasets.pendulum(seed, trajectories=200, samples=50, step=0.2).data


def linear_pendulum(seed: int) -> Line:
    """The same for the linear motion that suits best: an ellipse whose axes are chosen with the energy in view."""
    x = swings(seed + 1000).x
    energy, best = datasets.pendulum_energy(x), math.inf
    for ratio in torch.linspace(0.3, 3.0, 55).tolist():
        q, p = x[:, 0], x[:, 1] * ratio
        moved: list[Tensor] = []
        for k in range(1, TURNS):
            c, s = math.cos(2 * math.pi * k / TURNS), math.sin(2 * math.pi * k / TURNS)
            moved.append(datasets.pendulum_energy(torch.stack([c * q + s * p, (c * p - s * q) / ratio], dim=1)))
        best = min(best, float((torch.stack(moved) - energy).square().mean().sqrt() / energy.std()))
    return {"status": "-", "energy_deviation": round(best, 4)}


def waves(seed: int) -> Line:
    """Error of fields foreseen by the linear latent step."""
    start = time.process_time()
    x, y, back = fields(seed)
    found = LaLiGAN(seed=seed, plan=SHORT, starts=2).fit(x[:SEEN], y[:SEEN])
    line = said(found, start)
    moduli = torch.linalg.eigvals(found.step_).abs()
    line |= {"moduli": [round(float(m), 5) for m in moduli]}
    return {**line, **foreseen(found.forecast(x[SEEN : SEEN + 1], AHEAD)[:, 0], y, back)}


def waves_without(seed: int) -> Line:
    """The same network without a symmetry, and sparse cubic equations for its latent coordinates."""
    import pysindy

    start = time.process_time()
    x, y, back = fields(seed)
    alone = Weights(adversary=0.0, follower=0.0, cycle=0.0)
    coder = LaLiGAN(seed=seed, plan=SHORT, weights=alone, polish=0, starts=2).fit(x[:SEEN], y[:SEEN]).autoencoder_
    z = coder.encode(x[: SEEN + 1]).numpy()
    model = pysindy.SINDy(feature_library=pysindy.PolynomialLibrary(degree=3), optimizer=pysindy.STLSQ(threshold=0.01))
    model.fit(z, t=0.1)
    line = {"status": "-", "seconds": round(time.process_time() - start, 2)}
    try:
        ahead = model.simulate(z[SEEN], torch.arange(AHEAD + 1).mul(0.1).numpy())[1:]
    except ValueError:  # of an equation that has run away
        return {**line, "status": "diverged", "rollout": None}
    return {**line, **foreseen(coder.decode(torch.from_numpy(ahead)), y, back)}


def fields(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs in the leading modes of the fields that are seen, and the fields behind what follows."""
    data = datasets.reaction_diffusion(seed, size=32, samples=SEEN + AHEAD, step=0.1, settle=SETTLED).data
    mean = data.x[:SEEN].mean(0)
    modes = torch.linalg.svd(data.x[:SEEN] - mean, full_matrices=False).Vh[:MODES].T
    return (data.x - mean) @ modes, (data.y - mean) @ modes, data.y[SEEN:] - mean


def foreseen(ahead: Tensor, y: Tensor, fields: Tensor) -> Line:
    """Root mean square error over the steps, in the modes and with what they leave out, relative to the field."""
    inside = (ahead[: len(fields)] - y[SEEN:]).square().sum(1)
    left = (fields.square().sum(1) - y[SEEN:].square().sum(1)).clamp_min(0.0)
    shares = ((inside + left) / fields.square().sum(1)).sqrt()
    return {"rollout": round(float(shares.square().mean().sqrt()), 4), "last": round(float(shares[-1]), 4)}


def said(found: LaLiGAN, start: float) -> Line:
    """Status, labels and CPU seconds of a fit."""
    seconds = round(time.process_time() - start, 2)
    failed = [name for name, c in found.certificates_.items() if not c.passed]
    return {"seconds": seconds, "status": found.status_, "labels": found.labels_, "failed": failed}


QUESTIONS: dict[str, Callable[[int], Line]] = {
    "pendulum": pendulum,
    "pendulum, linear": linear_pendulum,
    "waves": waves,
    "waves, sparse equations": waves_without,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Ask what has no file yet."""
    parser = argparse.ArgumentParser(description="Latent symmetries of a pendulum and of spiral waves.")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results; finished answers are kept")
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds (default 10)")
    parser.add_argument("--first", type=int, default=30, help="the first of them (default 30: those before saw tuning)")
    parser.add_argument("--only", default="", help="only questions whose name contains this")
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    (chosen.out / "latent").mkdir(parents=True, exist_ok=True)
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        for name, ask in QUESTIONS.items():
            path = chosen.out / "latent" / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}.json"
            if chosen.only in name and not path.exists():
                line = {"question": name, "seed": seed, **ask(seed)}
                write_atomic(path, json.dumps(line, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
