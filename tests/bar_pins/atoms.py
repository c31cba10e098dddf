"""Pins of ``isotropy.atoms.bars``."""

from typing import Any

import torch

from bar_pins.checks import at_most, holds, passes
from isotropy.atoms import ProbeReport
from isotropy.atoms.dynamics._estimates import block_mean
from isotropy.errors import CoarseRuleWarning


def _report(**measures: float) -> ProbeReport:
    row: dict[str, Any] = dict.fromkeys(
        ("error", "size", "raw", "largest", "repeat", "round_trip", "permutation", "translation", "unresolved"), 0.0
    )
    row |= {"floor": 1e-3, "held_out": [0.0], "spectrum": [[0.0, 0.0]], **measures}
    return ProbeReport({"properties": ["energy"], "degree": 4}, ({"properties": {"energy": row}},))


def _repeats(floors: float) -> bool:
    return not _report(repeat=1e-3 * floors).summary("energy")["broken"]


def _is_resolved(share: float) -> bool:
    return passes(_report(error=1.0, unresolved=share**0.5).with_warnings, CoarseRuleWarning)


def _leaves_sixteen_blocks() -> bool:
    return [block_mean(torch.arange(float(count))).blocks for count in (31, 32)] == [31, 16]


LITERALS = {"ROUNDINGS": 7.105e-15, "MARGIN": 4.0, "MOST_SINGLE": 1e-5, "EQUIVALENCE": 1.645}
JUDGED = {
    "MOST_FLOORS": at_most(_repeats, 10.0),
    "MOST_UNRESOLVED": at_most(_is_resolved, 0.25),
    "LEAST_BLOCKS": holds(_leaves_sixteen_blocks),
}
