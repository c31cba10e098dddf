"""Ask the judge set: families, laws and seeds that nobody looks at while rules are made.

``python -m studies.claims.judge.run --out DIR`` appends one JSON line for each run to ``DIR/runs.jsonl``, with the
commit it was asked of; what stands there already is not asked again. A run that fails is a line with an ``error``.
``python -m studies.claims.judge.table DIR`` writes the summary. ``--rehearse`` asks the same with other numbers, to see
that everything works; its lines are no results, and the table refuses them.
"""

import argparse
import subprocess
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ...calibration.run import append, read
from .plan import runs
from .question import SEED, Run
from .roads import ROADS

ROOT = Path(__file__).parents[3]


def commit() -> str:
    """The commit of the checkout, with a mark where what is asked differs from it.

    Raises
    ------
    SystemExit
        Outside a checkout: a line without a commit is no result.
    """
    try:
        found = _git("rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(
            f"{ROOT}: expected a checkout of the repository, as every line names its commit, received none; "
            "clone it and run from there"
        ) from error
    return found + (
        "-dirty" if _git("status", "--porcelain", "--", "src", ":(glob)studies/claims/judge/**/*.py") else ""
    )


def _git(*words: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True, text=True).stdout.strip()


def answer(run: Run, rehearsal: bool = False) -> dict[str, Any]:
    """Ask one question and return its line; what goes wrong is part of it."""
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            line = ROADS[run.road](run, run.draw(rehearsal))
        except Exception as error:  # whatever it is, it is counted and shown, never skipped
            line = {"error": f"{type(error).__name__}: {error}"}
    seconds = round(time.process_time() - start, 3)
    return {"key": run.key, "set": SEED.decode(), **asdict(run), "rehearsal": rehearsal, **line, "seconds": seconds}


def chosen_runs(only: str, shard: str, limit: int | None) -> list[Run]:
    """Runs whose key contains a word, one in so many of them, and at most so many of every cell and part."""
    part, parts = map(int, shard.split("/"))
    if not 0 <= part < parts:
        raise SystemExit(f"--shard: expected I/N with 0 <= I < N, received {shard}; such as 0/2 and 1/2")
    wanted = [run for run in runs() if only in run.key][part::parts]
    return list(_limited(wanted, limit))


def _limited(wanted: list[Run], limit: int | None) -> Iterator[Run]:
    seen: Counter[tuple[str, ...]] = Counter()
    for run in wanted:
        seen[(*run.cell, run.part)] += 1
        if limit is None or seen[(*run.cell, run.part)] <= limit:
            yield run


def main(argv: Sequence[str] | None = None) -> int:
    """Run the judge set from the command line."""
    from rich.progress import track

    parser = argparse.ArgumentParser(description="How often a claim is false on problems that nobody looked at.")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results; finished runs are kept")
    parser.add_argument("--only", default="", help="only runs whose key contains this, such as 'FromModel|exact'")
    parser.add_argument("--shard", default="0/1", help="this process asks every N-th run from the I-th: I/N")
    parser.add_argument("--limit", type=int, help="at most so many runs of every cell and part")
    parser.add_argument("--rehearse", action="store_true", help="other numbers, to see that everything works")
    chosen = parser.parse_args(argv)
    wanted, version = chosen_runs(chosen.only, chosen.shard, chosen.limit), commit()
    chosen.out.mkdir(parents=True, exist_ok=True)
    path = chosen.out / "runs.jsonl"
    done = read(path)
    left = [run for run in wanted if run.key not in done]
    for run in track(left, f"{len(wanted) - len(left)} done before"):
        append(path, {"commit": version, **answer(run, chosen.rehearse)})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
