"""Recovery of symmetric polynomials and promotion in networks, beside the published medians.

    python studies/unified_framework/run.py --data FOLDER

Finished runs are kept in `runs.jsonl` beside this file and not repeated. `results.json` holds the medians, and
`docs/studies/unified_framework.md` is written from them. The folder holds the published tables
`ortho_t_n.csv`, `ortho_se_n.csv` and `quad_se_n.csv` of https://github.com/nzolman/unified-symmetry-ml; without
it the published figures of an earlier run are kept.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from networks import Training, train
from page import summarize, write_page
from recovery import ROUNDS, Case, read_published, recover

HERE = Path(__file__).parent
RUNS, RESULTS = HERE / "runs.jsonl", HERE / "results.json"
PAGE = HERE.parents[1] / "docs" / "studies" / "unified_framework.md"

Task = tuple[str, Case | Training, int]

ORTHO = [("T", 5, 1), ("T", 10, 1), ("T", 10, 2), ("T", 10, 3), ("T", 15, 1), ("SE", 5, 1), ("SE", 10, 1)]
QUAD = [("SE", 5), ("SE", 10)]
WEIGHTS = (0.0, 0.01, 0.1)


def list_tasks(seeds: int, large: bool) -> list[Task]:
    cases = [Case(g, m, "ortho", 2, r, measure) for g, m, r in ORTHO for measure in ("cube", "fischer")]
    cases += [Case(g, m, "quad", 1, 1, measure) for g, m in QUAD for measure in ("cube", "fischer")]
    cases += [Case(g, m, "ortho", 2, r, "cube", ROUNDS) for g, m, r in ORTHO]
    cases += [Case(g, m, "quad", 1, 1, "cube", ROUNDS) for g, m in QUAD]
    trainings = [Training(breaking, weight) for breaking in (0.0, 0.5) for weight in WEIGHTS]
    tasks: list[Task] = [("recovery", case, seed) for case in cases for seed in range(seeds)]
    tasks += [("network", training, seed) for training in trainings for seed in range(seeds)]
    return [*tasks, ("recovery", Case("SE", 30, "ortho", 2, 1, "cube"), 0)] if large else tasks


def name_of(task: Task) -> str:
    kind, case, seed = task
    return f"{kind} {case.label} {getattr(case, 'method', '')} seed {seed}"


def run(tasks: list[Task]) -> None:
    """Do what is not done yet, one line of JSON each."""
    done = {entry["name"] for entry in read_runs()}
    start = time.perf_counter()
    for index, task in enumerate(tasks):
        name = name_of(task)
        if name in done:
            continue
        work: Callable[..., dict[str, Any]] = recover if task[0] == "recovery" else train
        result = {"name": name, "kind": task[0], "label": task[1].label, **work(task[1], task[2])}
        with RUNS.open("a") as file:
            file.write(json.dumps(result) + "\n")
        print(f"[{index + 1}/{len(tasks)}, {time.perf_counter() - start:.0f} s] {name}", file=sys.stderr)


def read_runs() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RUNS.read_text().splitlines()] if RUNS.exists() else []


def published(data: Path | None) -> dict[str, Any]:
    """Medians of the published tables, or those of the results at hand."""
    if data is not None:
        return read_published(data)
    return json.loads(RESULTS.read_text())["published"] if RESULTS.exists() else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with the published tables")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--large", action="store_true", help="also one instance of SE(30), degree 2")
    parser.add_argument("--only", default="", help="only tasks whose name contains this")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    run([task for task in list_tasks(chosen.seeds, chosen.large) if chosen.only in name_of(task)])
    results = summarize(read_runs(), published(chosen.data))
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(write_page(results))


if __name__ == "__main__":
    main()
