"""Forecasts of the Earth's pole by equations with and without symmetry, in milliarcseconds."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isotropy.dynamics import Governing
from isotropy.errors import FlowError

from .pole import TURN, derivative, raw, wobble

THIN = 3  # rows between samples 30 days apart
PAST, FIRST = 12.0, 1975  # years before a forecast; the first forecast


def scarce() -> list[dict[str, Any]]:
    """Equations from one stretch alone, and their way through all other stretches, in milliarcseconds."""
    states, times = wobble()
    rows: list[dict[str, Any]] = []
    for degree in (1, 2, 3):
        for symmetry in (TURN, None):
            models = [derivative(degree, symmetry).fit([x], [t]) for x, t in zip(states, times, strict=True)]
            pairs = [(m, j) for i, m in enumerate(models) for j in range(len(states)) if i != j]
            paths = [(_path(m, states[j][0], times[j]), states[j]) for m, j in pairs]
            missed = [None if path is None else _distance(path, true) for path, true in paths]
            word = "free" if symmetry is None else "symmetric"
            rows.append({"method": f"{word}, degree {degree}", **_summary(missed)})
    still = [_distance(torch.zeros_like(x), x) for x in states]
    return [*rows, {"method": "no wobble", **_summary([*still])}]


def _path(model: Governing, start: Tensor, times: Tensor) -> Tensor | None:
    try:
        return model.simulate(start, times)
    except FlowError:
        return None


def _distance(path: Tensor, true: Tensor) -> float:
    """Root mean square distance in milliarcseconds."""
    return 1e3 * float((path - true).square().sum(1).mean().sqrt())


def _summary(missed: list[float | None]) -> dict[str, Any]:
    """Median and upper decile of errors, None where the equations run away that often."""
    known = sorted(math.inf if m is None else m for m in missed)
    middle, high = (known[int(share * (len(known) - 1))] for share in (0.5, 0.9))
    found = {"median": middle, "decile": high}
    return {
        "forecasts": len(known),
        **{name: None if math.isinf(value) else value for name, value in found.items()},
        "gone": sum(m is None for m in missed),
    }


def forecast() -> list[dict[str, Any]]:
    """Forecasts of the pole from its last twelve years and nothing later, one a year, in milliarcseconds."""
    rows = []
    for ahead in (1.0, 4.0, 10.0):
        missed: dict[str, list[float | None]] = {}
        for years, past, times, future in _pasts(ahead):
            for name, path in _forecasts(years, past, times):
                error = None if path is None else _distance(path, future)
                missed.setdefault(name, []).append(error)
        rows += [{"ahead": ahead, "method": name, **_summary(values)} for name, values in missed.items()]
    return rows


def _forecasts(years: Tensor, past: Tensor, times: Tensor) -> Iterator[tuple[str, Tensor | None]]:
    """The wobble as equations continue it, and as who knows none would."""
    for degree in (1, 2, 3):
        for word, symmetry in (("symmetric", TURN), ("free", None)):
            model = derivative(degree, symmetry).fit([past], [years])
            yield f"{word}, degree {degree}", _path(model, past[-1], times)
    yield "no wobble", torch.zeros(len(times), 2, dtype=torch.float64)
    yield "the last position", past[-1].expand(len(times), 2)


def _pasts(ahead: float) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Twelve years of wobble, and what came then, about a line and an ellipse fitted to the twelve years alone."""
    years, places = (a[::THIN] for a in raw())
    for origin in np.arange(FIRST, float(years[-1]) - ahead):
        known = (years < origin) & (years >= origin - PAST)
        later = (years >= years[known][-1]) & (years < origin + ahead)
        weights = torch.linalg.lstsq(_slow(years[known], origin), places[known]).solution
        past, future = (places[k] - _slow(years[k], origin) @ weights for k in (known, later))
        yield years[known], past, years[later], future


def _slow(years: Tensor, origin: float) -> Tensor:
    angle = 2 * torch.pi * years
    return torch.stack([torch.ones_like(years), years - origin, angle.cos(), angle.sin()], dim=1)
