"""Ask every task along every road, seed by seed.

``python -m studies.adversarial_discovery.run`` writes one JSON file per question to ``results/``; what stands there
is not asked again. ``python -m studies.adversarial_discovery.table`` turns the files into a page.
"""

import argparse
import json
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch

from isotropy.core._files import write_atomic
from isotropy.errors import SymmetryError, SymmetryWarning

from .tasks import TASKS, Line

RESULTS = Path(__file__).with_name("results")
SEEDS = 10
FIRST = 20  # earlier seeds were looked at while the roads were built


def answer(task: str, road: str, seed: int) -> Line:
    """Ask one question on one thread and return its line."""
    torch.set_num_threads(1)
    start = time.process_time()
    line: Line = {"task": task, "road": road, "seed": seed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SymmetryWarning)  # the status says what the warnings say
        try:
            found = TASKS[task].roads[road](seed)
        except SymmetryError as error:
            return {**line, "status": "refused", "reason": str(error)}
    line |= {"seconds": round(time.process_time() - start, 2), "status": found.status_}
    line |= {"failed": [name for name, c in found.certificates_.items() if not c.passed]}
    if found.algebra_.dim:
        line["name"] = found.identify().name
    measured = TASKS[task].measure(found)
    return {**line, **{k: round(v, 10) if isinstance(v, float) else v for k, v in measured.items()}}


def file_of(folder: Path, task: str, road: str, seed: int) -> Path:
    """Where an answer stands."""
    words = "".join(c if c.isalnum() else "-" for c in f"{task} {road}")
    return folder / f"{words}-{seed}.json"


def run_all(folder: Path, seeds: Sequence[int], only: str) -> None:
    """Ask what has no file yet, all roads of a seed before the next seed."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        for task, entry in TASKS.items():
            for road in entry.roads:
                path = file_of(folder, task, road, seed)
                if only in f"{task}|{road}" and not path.exists():
                    write_atomic(path, json.dumps(answer(task, road, seed), indent=1) + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description="Adversarial and direct discovery on the same data.")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results; finished answers are kept")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many seeds (default 10)")
    parser.add_argument("--first", type=int, default=FIRST, help="the first (default 20: those before saw tuning)")
    parser.add_argument("--only", default="", help="only questions whose 'task|road' contains this")
    chosen = parser.parse_args(argv)
    run_all(chosen.out, range(chosen.first, chosen.first + chosen.seeds), chosen.only)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
