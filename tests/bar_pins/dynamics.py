"""Pins of ``isotropy.dynamics.bars``."""

from types import SimpleNamespace
from typing import Any

import torch

from bar_pins.checks import at_least, at_most, gives, passes
from isotropy.dynamics import Governing
from isotropy.dynamics.choice._alternate import is_better
from isotropy.dynamics.choice._held_out import Trial, _ranked, is_forbidden, is_worse
from isotropy.dynamics.fit._equations import simulate
from isotropy.dynamics.fit._systems import without
from isotropy.errors import FlowError


def _trial(error: float, dim: int = 1) -> Trial:
    return Trial("a symmetry", True, True, True, dim, dim, error, 0.0, 0.0, None, True, "")


def _grows_within(errors: float) -> bool:
    scatter = torch.tensor([1.0, -1.0] * 50, dtype=torch.float64)
    return not is_worse(scatter + errors * scatter.std() / 10, 0.0)


def _fewer_coefficients_win(error: float) -> bool:
    return _ranked([_trial(1.0, dim=5), _trial(error, dim=1)])[0].dim == 1


def _lean(doubt: float, gap: float) -> float:
    allowed = SimpleNamespace(spectrum=torch.tensor([gap, 0.0]), dim=1)
    model: Any = SimpleNamespace(symmetry_=allowed)
    return Governing._lean(model, doubt)


def _restriction_changes_nothing(entry: float) -> bool:
    basis = torch.tensor([[[1.0, entry]]], dtype=torch.float64)
    return len(without(basis, torch.tensor([[False, True]]))) == 1


def _stays(speed: float) -> bool:
    return passes(lambda: simulate(lambda x: 0 * x + speed, [0.0], [0.0, 1.0], 1e-6), FlowError)


LITERALS = {
    "MOST_BROKEN_SOFTLY": 0.25,
    "MOST_NOISY_ERROR": 0.15,
    "TIME_TRANSLATION": 1e-3,
    "OUTSIDE_SPAN": 1e-8,
    "NAMED_WEIGHT": 1e-6,
    "SAME_DIRECTION": 1e-6,
    "EXACT_GENERATORS": 2.22e-13,
    "MOST_INEXACT": 0.2,
    "INDEPENDENT_FIELDS": 1e-8,
    "ZERO_COEFFICIENT": 1e-9,
    "STILL_FLOW": 1e-6,
    "DETERMINED": 1e-13,
    "STRAIGHT": 1e-12,
    "EXACT_FORMULA": 1e-9,
    "LEAST_FIELD": 0.3,
    "LEAST_INCLUSION": 0.7,
    "MOST_HELD_OUT": 0.5,
    "MOST_DISTANCE": 0.5,
}
JUDGED = {
    "SURE_GROWTH": at_most(_grows_within, 2.0),
    "MOST_GROWTH": at_most(lambda cost: not is_worse(torch.zeros(4), cost), 0.1),
    "LEVEL": at_least(lambda p_value: not is_forbidden(p_value), 0.01),
    "ALIKE_ERRORS": at_most(_fewer_coefficients_win, 1.05),
    "LEAST_GAIN": at_most(lambda error: is_better(_trial(1.0), error), 0.95),
    "LEEWAY": gives(lambda: _lean(0.01, 1.0), 0.03),
    "MOST_LEAN": gives(lambda: _lean(0.01, 1e-3), 0.1),
    "EXACT_ENTRIES": at_most(_restriction_changes_nothing, 1e-10),
    "RUNAWAY": at_most(_stays, 1e6),
}
