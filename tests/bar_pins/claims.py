"""Pins of ``isotropy.symmetry.claims.bars``."""

from types import SimpleNamespace
from typing import Any, cast

import torch

from bar_pins.checks import at_least, at_most, gives
from isotropy.symmetry.claims._forms import _capped, effective
from isotropy.symmetry.claims._span import Factors, responds
from isotropy.symmetry.claims._verdict import _doubt, exact_size


def _speaks_for(samples: float = 100.0, closure: float = 0.0) -> bool:
    case = SimpleNamespace(
        exact=0,
        tolerance=0.05,
        effective=lambda directions: samples,
        closure=lambda directions: closure,
        uncapped=lambda directions: 0.0,
    )
    return not _doubt(cast(Any, case), torch.eye(2))


def _is_ignored(response: float, floor: float = 0.0) -> bool:
    factor = torch.tensor([[response]], dtype=torch.float64)
    return not responds(Factors(0 * factor, factor, torch.ones_like(factor)), 1, floor)[0]


def _may_be_exact(floor: float) -> bool:
    crossed = SimpleNamespace(defects=torch.zeros(2, 1, dtype=torch.float64))
    return exact_size(cast(Any, crossed), torch.tensor([floor], dtype=torch.float64)) == 1


def _share_of_a_heavy_tail() -> float:
    from isotropy.symmetry.claims import bars

    reach = 10 ** torch.linspace(-3, 3, 4000, dtype=torch.float64)
    return effective((reach * _capped(reach, bars.LEAST_SHARE)).square()) / 4000


LITERALS = {
    "LEAST_POINTS": 4,
    "TRIVIAL": 1e-9,
    "FEW_COLUMNS": 0.1,
    "MANY_COLUMNS": 1.0,
    "LEAST_COMPONENT": 1e-3,
    "RESAMPLES": 400,
    "PARTNERS": 32,
    "LEAST_DENOMINATOR": 0.1,
    "UNSEEN": 1e-13,
    "LEAST_RESPONSE": 0.1,
    "LEAST_CONTRAST": 30.0,
    "ABELIAN": 0.05,
    "BEYOND": 2.0,
    "PRINTED_MORE": 1.05,
    "PRINTED_SHARE": 0.3,
}
JUDGED = {
    "LEAST_SHARE": gives(_share_of_a_heavy_tail, 0.2),
    "LEAST_EFFECTIVE": at_least(lambda samples: _speaks_for(samples=samples), 15.0),
    "MOST_CLOSURE": at_most(lambda closure: _speaks_for(closure=closure), 0.25),
    "IGNORED": at_most(_is_ignored, 1e-6),
    "IGNORED_ROUNDINGS": at_most(lambda roundings: _is_ignored(1e-4 * roundings, 1e-4), 100.0),
    "COARSEST_EXACT": at_most(_may_be_exact, 1e-5),
}
