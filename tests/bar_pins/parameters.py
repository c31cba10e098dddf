"""Pins of ``isotropy.parameters.bars``."""

from types import SimpleNamespace
from typing import Any

import torch

from bar_pins.checks import at_least, at_most, gives, passes
from isotropy.errors import SymmetryError
from isotropy.parameters.laws._neuron_law import _orthogonal_sizes
from isotropy.parameters.laws._sgd_step import SGDStep
from isotropy.parameters.orbit._journey import allowed_change
from isotropy.parameters.orbit._symmetry_free import _complement
from isotropy.parameters.trace._regions import read_planes


def _row(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _are_orthogonal(overlap: float) -> bool:
    x = torch.stack([_row(1, 0), _row(overlap, 1)])
    return passes(lambda: _orthogonal_sizes(x, False), SymmetryError)


def _rate_is_common(spread: float) -> bool:
    step: Any = SimpleNamespace(lr={"a": 1.0, "b": 1.0 + spread})
    law: Any = SimpleNamespace(name="law", names=("a", "b"), rates={})
    return passes(lambda: SGDStep._factor(step, law), SymmetryError)


def _allowed() -> float:
    return allowed_change({"w": torch.nn.Parameter(torch.zeros(1))})


LITERALS = {
    "MOST_CHANGE": 1e-6,
    "MOST_CHANGE_SINGLE": 1e-3,
    "SLACK": 100.0,
    "MOST_OUTSIDE": 1e-6,
    "MOST_CURL": 1e-9,
    "MOST_ROUNDINGS": 64.0,
    "MOST_GROWTH": 1e-7,
    "FLAT": 1e-8,
}
JUDGED = {
    "MOST_OVERLAP": at_most(_are_orthogonal, 1e-8),
    "MOST_RATE_SPREAD": at_most(_rate_is_common, 1e-12),
    "CHANGE_POWER": gives(_allowed, 2.42e-5),
    "SEEN": at_least(lambda size: not len(_complement(torch.diag(_row(1, size)), 1.0)), 1e-10),
    "SAME_TURN": at_most(lambda off: read_planes(_row(0, -1, 1, off).reshape(1, 2, 2)) is not None, 1e-5),
}
