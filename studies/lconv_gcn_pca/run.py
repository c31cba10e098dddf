"""Run a part of the study: ``python -m studies.lconv_gcn_pca.run --part lconv``.

A part is a module here with ``tasks()``, functions without arguments by name, each answering with plain numbers, and
``table(results)``. What stands in ``results/<part>.json`` is not run again; the file is replaced as a whole after
every task.
"""

import argparse
import importlib
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

PARTS = ("lconv", "class_pca", "graphs")
RESULTS = Path(__file__).with_name("results")


def part_names() -> list[str]:
    """Parts whose module stands here."""
    return [name for name in PARTS if importlib.util.find_spec(f"{__package__}.{name}")]


def load_part(name: str) -> Any:
    return importlib.import_module(f"{__package__}.{name}")


def read(name: str, folder: Path = RESULTS) -> dict[str, Any]:
    """Finished tasks of a part."""
    path = folder / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write(name: str, results: dict[str, Any], folder: Path = RESULTS) -> None:
    """Replace the file of a part in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{name}.json.unfinished"
    unfinished.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n", encoding="utf-8")
    unfinished.replace(folder / f"{name}.json")


def run(name: str, only: str = "", folder: Path = RESULTS) -> dict[str, Any]:
    """Run the open tasks of a part whose name contains ``only``."""
    from rich.progress import track

    results = read(name, folder)
    wanted = {task: work for task, work in load_part(name).tasks().items() if only in task and task not in results}
    for task, work in track(wanted.items(), f"{name}, {len(results)} done before"):
        results[task] = work()
        write(name, results, folder)
    return results


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Layers from symmetries, graph moments and class-based PCA.")
    parser.add_argument("--part", choices=part_names(), action="append", help="part to run; all if left out")
    parser.add_argument("--only", default="", help="only tasks whose name contains this")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    for name in chosen.part or part_names():
        run(name, chosen.only, chosen.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
