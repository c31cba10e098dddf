"""An adversarial game in one process, and the same command in several under ``torchrun``, and the quality of each.

Every process draws samples of its own and gradients are averaged; process 0 prints one line. A map of the plane that
turns and stretches, equivariant under so(2); candidates gl(2).
"""

from __future__ import annotations

import argparse
import json
import os
import time

import torch
from torch import Tensor

import isotropy as iso
from isotropy.discover import LieGAN, Plan


def swirl(samples: int) -> tuple[Tensor, Tensor]:
    """Points `(samples, 2)` and their images."""
    x = torch.randn(samples, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    turned = torch.stack([-x[:, 1], x[:, 0]], dim=1)
    return x, x + x.norm(dim=1, keepdim=True) * turned


def measure(samples: int, epochs: int) -> dict[str, object]:
    """Play the game and describe where it ended."""
    start, cpu = time.perf_counter(), time.process_time()
    V = iso.gl(2).vector()
    game = LieGAN(V, V, conditional=False, kinds=["polynomial"], hidden=32, plan=Plan(epochs=epochs))
    found = game.fit(*swirl(samples))
    return {
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
        "status": found.status_,
        "distance_to_so2": round(float(found.proposal_.distance(iso.so(2))), 5),
        "seconds": round(time.perf_counter() - start, 1),
        "cpu_seconds_of_a_process": round(time.process_time() - cpu, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=12)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    line = measure(chosen.samples, chosen.epochs)
    if os.environ.get("RANK", "0") == "0":
        print(json.dumps(line))


if __name__ == "__main__":
    main()
