"""Measured records: which symmetry they bear, what imposing it costs, and how much hangs on how they are prepared.

    python -m studies.governing_equations.records

Writes ``results/records/*.json``, one file per question, and from them a part of
``docs/studies/governing_equations.md``. Questions that have an answer are skipped. Nothing is random.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import isotropy as iso
from isotropy.core._files import write_atomic
from isotropy.datasets.bundled._polar_motion import stretches
from isotropy.dictionary import polynomials
from isotropy.dynamics import Governing, SecondOrder, SINDy, central, choose_symmetry

from .forecasts import forecast, scarce
from .pole import DRIFTS, TURN, days, derivative, prepared, weak, wobble
from .table import write_page

RESULTS = Path(__file__).parent / "results" / "records"


def choice() -> list[dict[str, Any]]:
    """The symmetry that each record bears among the default candidates."""
    models = {"hare": derivative(), "planets": SecondOrder(central(3)), "polar_motion": derivative()}
    rows = []
    for name, model in models.items():
        data = iso.datasets.load(name).data
        found = choose_symmetry(model, list(data.states), list(data.times))
        one, none = found.chosen, found.trials[0]
        rows.append(
            {
                "record": name,
                "equations": found.model.equations(list(data.names)[: len(found.model.coef_)]),
                "tried": len(found.trials) - 1,
                "accepted": [t.name for t in found.trials[1:] if t.accepted],
                "imposed": one.name,
                "held_out": [none.error, one.error],
                "parameters": [none.parameters, one.parameters],
                "free": [none.dim, one.dim],
            }
        )
    return rows


def shape() -> dict[str, list[float]]:
    """Period, axis ratio and growth rate of the wobble, each with its error by leaving out one stretch at a time."""
    states, times = wobble()
    whole = _shape(states, times)
    left = torch.stack([_shape(*(s[:i] + s[i + 1 :] for s in (states, times))) for i in range(len(states))])
    error = ((left - left.mean(0)).square().sum(0) * (len(left) - 1) / len(left)).sqrt()
    names = ("period in days", "ratio of the axes", "growth per year")
    return {n: [v, e] for n, v, e in zip(names, whole.tolist(), error.tolist(), strict=True)}


def _shape(states: list[Tensor], times: list[Tensor]) -> Tensor:
    period = days(derivative(1, TURN).fit(states, times))
    c = SINDy(polynomials(2, 1), threshold=0.0).fit(states, times).coef_
    return torch.stack(
        [torch.tensor(period, dtype=torch.float64), (-c[0, 2] / c[1, 1]).sqrt(), (c[0, 1] + c[1, 2]) / 2]
    )


def bent() -> list[dict[str, Any]]:
    """The rotation tried on the record with one axis stretched: how large a breach is noticed."""
    states, times = wobble()
    rows = []
    for stretch in (1.0, 1.02, 1.03, 1.05, 1.1, 1.2):
        bent = [x * torch.tensor([1.0, stretch], dtype=torch.float64) for x in states]
        trials = {f.__name__: _trial(f(), bent, times) for f in (derivative, weak)}
        rows.append({"stretch": stretch, **trials})
    return rows


def _trial(model: Governing, states: list[Tensor], times: list[Tensor]) -> dict[str, Any]:
    found = choose_symmetry(model, states, times, {"so(2)": TURN}).trials[1]
    return {"accepted": found.accepted, "cost": found.cost, "p_value": found.p_value}


def preparation() -> list[dict[str, Any]]:
    """The rotation tried on the record prepared in other ways."""
    rows = []
    for drift in DRIFTS:
        years, places = prepared(drift)
        for thin in (1, 2, 3, 4):
            pieces = stretches(years[::thin], places[::thin])
            states, times = list(pieces.states), list(pieces.times)
            for fit in (derivative, weak):
                period = days(fit(2, TURN).fit(states, times))
                trial = _trial(fit(), states, times)
                rows.append({"drift": drift, "days": 10 * thin, "form": fit.__name__, "period": period, **trial})
    return rows


QUESTIONS: dict[str, Callable[[], Any]] = {
    "choice": choice,
    "shape": shape,
    "bent": bent,
    "preparation": preparation,
    "scarce": scarce,
    "forecast": forecast,
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="only questions whose name contains this")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--no-page", action="store_true", help="leave the page of the documentation as it is")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in (n for n in QUESTIONS if asked.only in n and not (asked.out / f"{n}.json").exists()):
        start = time.process_time()
        answer = QUESTIONS[name]()
        stored = {"answer": answer, "seconds": round(time.process_time() - start, 1)}
        write_atomic(asked.out / f"{name}.json", json.dumps(stored, indent=1, allow_nan=False) + "\n")
    if not asked.no_page:
        write_page()
    return 0


if __name__ == "__main__":
    sys.exit(main())
