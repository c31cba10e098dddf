"""Equations from noisy trajectories, with and without symmetry: fresh noise for every run.

    python -m studies.governing_equations.run --runs 100

Every setting of ``systems.py`` has one file in ``results/``; settings that are done with at least as many runs are
skipped. ``table.py`` writes ``docs/studies/governing_equations.md`` from them.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isotropy.core._files import write_atomic
from isotropy.discover.surrogate._velocity import velocities
from isotropy.dynamics import Governing, SINDy, WeakSINDy

from .systems import Setting, settings
from .table import write_page

RESULTS = Path(__file__).parent / "results"
THRESHOLDS = (0.01, 0.02, 0.05, 0.08)
FEW, SHORT = 10, 100  # trajectories and samples up to which derivatives are fitted too
FIRST_SEED = 20000  # smaller ones were seen while the method was made


def run(setting: Setting, seeds: range) -> dict[str, Any]:
    """All methods on the same draws."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for seed in seeds:
        data, step = setting.draw(np.random.default_rng(seed), setting.trajectories)
        times = [np.arange(data.shape[1]) * step] * len(data)
        for name, fit in methods(setting, list(data), times).items():
            start = time.process_time()
            model = fit()
            runs.setdefault(name, []).append(
                {"seconds": round(time.process_time() - start, 5), **judge(model.coef_, setting.truth)}
            )
    return {"name": setting.name, "trajectories": setting.trajectories, "first_seed": seeds[0], "methods": runs}


def methods(setting: Setting, data: list[np.ndarray], times: list[np.ndarray]) -> dict[str, Callable[[], Governing]]:
    """The weak form, and fits of spline derivatives where data are few, with the symmetry if there is one and without.

    The splines are made once, so the seconds of the derivative fits leave them out.
    """
    fits: dict[str, Callable[[], Governing]] = {}
    smooth = [torch.as_tensor(x) for x in data], [torch.as_tensor(t) for t in times]
    x, v, _ = velocities(*smooth) if setting.trajectories <= FEW and len(times[0]) <= SHORT else (None, None, None)
    for word, symmetry in (("symmetric", setting.symmetry), ("free", None)):
        if word == "symmetric" and symmetry is None:
            continue
        model = WeakSINDy(setting.dictionary, symmetry)
        fits[f"weak, {word}"] = lambda model=model: model.fit(data, times)
        for threshold in THRESHOLDS if x is not None else ():
            sindy = SINDy(setting.dictionary, symmetry, threshold=threshold)
            fits[f"derivative, {word}, {threshold}"] = lambda sindy=sindy: sindy.fit_velocities(x, v)
    return fits


def judge(found: torch.Tensor, truth: torch.Tensor) -> dict[str, Any]:
    """Exact support of every equation, and the error of the coefficients that are there."""
    right = ((found != 0) == (truth != 0)).all(dim=1)
    return {"exact": right.tolist(), "rmse": float((found - truth)[truth != 0].square().mean().sqrt())}


def _done(path: Path, runs: int) -> bool:
    """Whether a file holds as many runs with the seeds of today."""
    stored = json.loads(path.read_text()) if path.exists() else {"first_seed": None}
    return stored["first_seed"] == FIRST_SEED and len(stored["methods"]["weak, free"]) >= runs


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--only", default="", help="only settings whose name contains this")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--no-page", action="store_true", help="leave the page of the documentation as it is")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    chosen.out.mkdir(parents=True, exist_ok=True)
    for setting in (s for s in settings() if chosen.only in s.name):
        path = chosen.out / f"{setting.stem}.json"
        if _done(path, chosen.runs):
            continue
        start = time.process_time()
        write_atomic(path, json.dumps(run(setting, range(FIRST_SEED, FIRST_SEED + chosen.runs))) + "\n")
        print(f"{setting.name} {setting.trajectories}: {time.process_time() - start:.0f} CPU s", file=sys.stderr)
    if not chosen.no_page:
        write_page(chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
