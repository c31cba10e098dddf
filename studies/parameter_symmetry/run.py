"""The figures of the papers on parameter-space symmetry beside ours, with control arms.

    python studies/parameter_symmetry/run.py [--only NAME]

Every part writes one file under ``results/`` and is skipped while that file stands. ``table.py`` turns the files into
``docs/studies/parameter_symmetry.md``.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from ensembles import ensembles
from landscapes import booth, rosenbrock
from quantities import drifts, initialisation, isolated
from regression import regression, safety
from training import ARMS, TASKS, compare

from isotropy.core._files import write_atomic

RESULTS = Path(__file__).parent / "results"
Part = Callable[[], dict[str, Any]]


def parts() -> dict[str, Part]:
    """Every part of the study by name."""
    fixed: dict[str, Part] = {
        "rosenbrock": rosenbrock,
        "booth": booth,
        "regression": regression,
        "safety": safety,
        "drifts": drifts,
        "initialisation": initialisation,
        "isolated": isolated,
        "ensembles": ensembles,
    }
    trained = {f"training-{task}-{arm}": _bound(task, arm) for task in TASKS for arm in ARMS}
    return {**fixed, **trained}


def _bound(task: str, arm: str) -> Part:
    return lambda: compare(task, arm)


def main() -> int:
    """Do what is not done yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="parts whose name contains this")
    wanted = parser.parse_args().only
    torch.set_num_threads(1)
    RESULTS.mkdir(exist_ok=True)
    for name, part in parts().items():
        path = RESULTS / f"{name}.json"
        if wanted not in name or path.exists():
            continue
        start = time.perf_counter()
        result = part()
        seconds = round(time.perf_counter() - start, 2)
        write_atomic(path, json.dumps({"seconds": seconds, **result}, indent=1) + "\n")
        sys.stdout.write(f"{name}: {seconds} s\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
