"""Train the force field that comes with the library, ``python -m studies.broken_symmetry.training --out FILE``.

Clusters of two and three waters of the bundled runs 0 to 23, each in a new random orientation every time; about two
minutes on one core.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from isotropy import atoms as ia
from isotropy import datasets

TRAINED, HELD_OUT = range(24), range(24, 32)
STEPS, BATCH, RATE = 4000, 16, 3e-3


def clusters(runs: range) -> list[Any]:
    """Frames of two and three molecules."""
    return [one for one in datasets.waters(runs) if len(one) > 3]


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(datasets.__file__).parent / "data" / "water_model.safetensors")
    parser.add_argument("--steps", type=int, default=STEPS)
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    model = ia.PointEdgeTransformer(seed=0)
    ia.train(model, clusters(TRAINED), chosen.steps, batch=BATCH, rate=RATE, seed=0, progress=_say)
    model.save(chosen.out)
    return 0


def _say(step: int, steps: int, words: str) -> None:
    if step % 200 == 0:
        print(f"{step}/{steps} {words}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
