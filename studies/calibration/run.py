"""Ask whether discovery says "certified" only when it should, and when it finds what is there.

``python -m studies.calibration.run --out DIR`` asks seeded problems and appends one JSON line for each to
``DIR/runs.jsonl``; what stands there already is not asked again. ``python -m studies.calibration.table`` turns
the lines into tables.
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isotropy.discover import Discovery
from isotropy.errors import DataError

from .nothing import PROBLEMS
from .planted import EXACT_SAMPLES, PLANTED, ask

NOISES = (0.0, 0.01, 0.03, 0.1, 0.3)
SIZES = (50, 100, 200, 500, 1000)
WHOLE = "so(3)"  # every noise with every size; the others vary one of them and keep the other
KEPT_NOISE, KEPT_SIZE = 0.03, 200
LARGE = {"so(2)": 2000, "so(3)": 2000}  # where two thousand samples are still cheap, at the kept noise
SEEDS = 5
EXACT_SEEDS = 10


@dataclass(frozen=True)
class Run:
    """One question: everything that it depends on."""

    part: str
    road: str
    problem: str
    noise: float
    samples: int
    seed: int

    @property
    def key(self) -> str:
        """Name of the run in the file of results."""
        return "|".join(map(str, asdict(self).values()))

    def draw(self) -> np.random.Generator:
        """Numbers that depend on the run alone, not on which others are asked."""
        return np.random.default_rng([*self.key.encode()])


def runs(seeds: float = 1.0) -> Iterator[Run]:
    """Every run of the study, the numbers of seeds multiplied by ``seeds``."""
    for name, problem in PROBLEMS.items():
        for seed in range(scaled(problem.count, seeds)):
            yield Run("nothing", problem.road, name, 0.0, 0, seed)
    for name in PLANTED:
        for seed in range(scaled(EXACT_SEEDS, seeds)):
            yield Run("planted", "model", name, 0.0, EXACT_SAMPLES, seed)
        for seed in range(scaled(SEEDS, seeds)):
            for noise, samples in cells(name):
                yield Run("planted", "data", name, noise, samples, seed)


def cells(name: str) -> list[tuple[float, int]]:
    """Noises and numbers of samples at which a planted algebra is looked for."""
    grid = [(noise, size) for noise in NOISES for size in SIZES]
    if name != WHOLE:
        grid = [(noise, size) for noise, size in grid if noise == KEPT_NOISE or size == KEPT_SIZE]
    return [*grid, *([(KEPT_NOISE, LARGE[name])] if name in LARGE else [])]


def scaled(count: int, factor: float) -> int:
    """At least one."""
    return max(1, round(count * factor))


def answer(run: Run) -> dict[str, Any]:
    """Ask one question and return its line."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the status already says what the warnings say
        try:
            line = _asked(run)
        except DataError as error:
            line = {"status": "refused", "reason": str(error)}
    return {"key": run.key, **asdict(run), **line, "seconds": round(time.perf_counter() - start, 3)}


def _asked(run: Run) -> dict[str, Any]:
    if run.part == "nothing":
        return describe(PROBLEMS[run.problem].ask(run.draw()))
    result = ask(run.problem, run.road, run.noise, run.samples, run.draw())
    return {
        **describe(result.found),
        "distance": round(result.distance, 5),
        "detected": result.detected,
        "named": result.named,
    }


def describe(found: Discovery) -> dict[str, Any]:
    """What a discovery says, and why."""
    cross = getattr(found, "surrogate_", None)
    return {
        "status": found.status_,
        "dimension": found.algebra_.dim,
        "name": found.algebra_.identify().name,
        "failed": [name for name, c in found.certificates_.items() if not c.passed],
        "values": {name: float(f"{c.value:.4g}") for name, c in found.certificates_.items()},
        "spectrum": [float(f"{value:.3g}") for value in found.spectrum_[-12:]],
        "surrogate": cross.kind if cross is not None else "",
        "errors": [float(f"{e:.3g}") for e in (cross.value_error, cross.gradient_error)] if cross is not None else [],
    }


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Finished runs by key."""
    if not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {line["key"]: line for line in lines}


def append(path: Path, line: dict[str, Any]) -> None:
    """Append one line in a single write, so that an interruption leaves whole lines."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, (json.dumps(line) + "\n").encode())
    finally:
        os.close(handle)


def run_all(wanted: Sequence[Run], path: Path, jobs: int) -> None:
    """Ask what is not in the file yet."""
    from rich.progress import track

    done = read(path)
    open_runs = [run for run in wanted if run.key not in done]
    for line in track(answers(open_runs, jobs), f"{len(done)} done before", total=len(open_runs)):
        append(path, line)


def answers(wanted: Sequence[Run], jobs: int) -> Iterator[dict[str, Any]]:
    """Lines as they come."""
    if jobs == 1:
        yield from map(answer, wanted)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(answer, run) for run in wanted]):
            yield future.result()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description="How often discovery is right, and how often it is wrongly sure.")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results; finished runs are kept")
    parser.add_argument("--seeds", type=float, default=1.0, help="multiplies the numbers of seeds (default 1)")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes (default 1)")
    parser.add_argument("--only", default="", help="only runs whose key contains this, such as 'nothing|data'")
    chosen = parser.parse_args(argv)
    chosen.out.mkdir(parents=True, exist_ok=True)
    wanted = [run for run in runs(chosen.seeds) if chosen.only in run.key]
    run_all(wanted, chosen.out / "runs.jsonl", chosen.jobs)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
