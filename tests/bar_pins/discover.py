"""Pins of ``isotropy.discover.bars``."""

import math
from types import SimpleNamespace
from typing import Any

import torch

from bar_pins.checks import at_least, at_most, holds, passes
from isotropy.discover.discrete._cosets import _connected
from isotropy.discover.discrete._order import order_of
from isotropy.discover.games._generator import unit_frame
from isotropy.discover.games._proposal import _element_certificates, _independent
from isotropy.discover.latent._judge import Verdict
from isotropy.discover.latent._verdict import _certificates as latent_certificates
from isotropy.discover.pairs._from_pairs import _certificates as pair_certificates
from isotropy.discover.shape._normals import _row_projectors
from isotropy.discover.shape._tangent import ScanRow, _consensus, _first_gap
from isotropy.discover.weak._fit import WeakFit
from isotropy.errors import DataError
from isotropy.symmetry.claims import Interval


def _row(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _scan(dimension: int | None, gap: float, radii: int = 3) -> list[ScanRow]:
    return [ScanRow(1.0, 50.0, (1.0, 1.0, 1.0), dimension, gap)] * radii


def _first_wins(rival: float) -> bool:
    coarser = math.exp(1.4 * rival)  # counts half
    return _consensus([*_scan(1, math.exp(0.7)), *_scan(2, coarser)], 3) == 1


def _direction_is_seen(size: float) -> bool:
    rows = torch.stack([torch.eye(2, dtype=torch.float64), torch.diag(_row(1, size))])
    return passes(lambda: _row_projectors(rows, "h"), DataError)


def _turn(angle: float, growth: float = 0.0) -> torch.Tensor:
    c, s = math.cos(angle), math.sin(angle)
    return math.exp(growth) * _row(c, -s, s, c).reshape(2, 2)


def _orders_end_at_32() -> bool:
    return [order_of(_turn(2 * math.pi / order)) for order in (32, 33)] == [32, 0]


def _is_an_element(mismatch: float) -> bool:
    judge: Any = SimpleNamespace(still=1.0, error=lambda xi: mismatch if float(xi.norm()) >= 1 else 10.0)
    return _element_certificates(judge, _row(1)[None], [1])["held_out"].passed


def _answers(left: float) -> bool:
    exact = Interval(0.0, 0.0, 0.0)
    return pair_certificates(exact, 100.0, left, 0.0, (0.05, 0.05))["answer"].passed


def _latent(name: str):
    def judge(error: float) -> bool:
        errors = {**dict.fromkeys(("reconstruction", "cycle", "step", "cloud"), 0.0), name: error}
        return latent_certificates(Verdict(**errors), 1.0)[name].passed

    return judge


def _moves(motion: float) -> bool:
    return latent_certificates(Verdict(0.0, 0.0, 0.0, 0.0), motion)["motion"].passed


def _is_connected(off: float) -> bool:
    g = torch.eye(2, dtype=torch.float64) + _row(0, off, 0, 0).reshape(2, 2)
    return _connected(g, torch.zeros(0, 4), torch.zeros(0, 2, 2))


def _channels_differ(size: float) -> bool:
    return len(_independent(torch.diag(_row(1, size)), torch.eye(2, dtype=torch.float64))) == 2


def _is_usable(blur: float) -> bool:
    rows = torch.zeros(8, 1, dtype=torch.float64)
    rows[0] = 1.0
    noise = torch.tensor([[blur]], dtype=torch.float64)
    rest = rows[:, 0], noise, torch.zeros(1), 1, torch.arange(8), rows[:, 0] > 2, 0
    return WeakFit(rows, *rest).usable(1)


LITERALS = {
    "CLEAR_GAIN": 3.0,
    "MOST_EXCESS": 1.96,
    "MOST_DISAGREEMENT": 3.0,
    "PAIR_DOUBTS": 4.0,
    "FLAT_DENSITY": 1e-9,
    "OBSERVED_REACH": 2.0,
    "LEAST_OBSERVED": 0.2,
    "EVEN_STEPS": 1e-3,
    "EVEN_GRID": 1e-6,
    "SAMPLES_PER_TEST": 3,
    "LEAST_NOISE": 1e-4,
    "LONGEST_TRACK": 200,
    "MOST_TRACKS": 100,
    "DEPENDENT_TERMS": 1e-13,
    "MOST_WEAK_COLUMNS": 300,
    "LEAST_TRACK": 8,
    "MOST_WEAK_SHARE": 0.5,
    "WIDER_TRACK_LEVEL": 0.2,
    "WAVES": 16,
    "SLOWEST_WAVE": 1.0,
    "FASTEST_WAVE": 6.0,
    "SAME_WAVES": 0.05,
    "LEAST_WAVES": 6,
    "DRIVE_ACCURACY": 0.02,
    "MOST_VANISHING": 2.0,
    "MOST_LEAVING": 0.1,
    "MISSED_MOTION": 1e-12,
    "NEAR_DOMAIN": 2.0,
    "SURFACE_REACH": 3.0,
    "OUTLYING": 8.0,
    "LEAST_JUDGED": 5,
    "DIFFERENCE_FLOOR": 1e-7,
    "TRIVIAL_ROUNDINGS": 1e3,
    "MOST_CHANCE": 4.0,
    "TRIVIAL_MOMENTS": 1e-6,
    "SCATTERS": 2.0,
    "FLAT_CLOUD": 1e-8,
    "ZERO_TERM": 1e-12,
    "CHARGE_UNIT": 100.0,
    "NEARLY_EXACT": 1e-3,
    "LEAST_PACE": 0.1,
    "LEAST_FUNCTION": 1e-3,
    "POINTS_PER_FUNCTION": 10,
    "NORMAL_NOISES": 2.0,
    "LEAST_ROOM": 0.1,
    "BALL_DEVIATIONS": 1.96,
    "LINK_FLOOR": 2.22e-12,
    "MOST_MISMATCHED": 1e-3,
    "KNOWN_OUTPUT": 3.0,
    "LEAST_UNEXPLAINED": 0.8,
    "PRODUCT_ERRORS": 4.0,
    "REAL_LOGARITHM": 1e-6,
    "ALIKE_VALLEYS": 0.15,
    "RESTING_AXIS": 0.25,
    "LEAST_ORDER": 2,
    "LEAST_EXCESS": 1e-3,
    "PROPOSED_DOUBT": 0.05,
    "TIME_TRANSLATION": 0.2,
    "KEPT_FORM": 0.1,
    "THIN_FORM": 1e-3,
}
JUDGED = {
    "MOST_BLUR": at_most(_is_usable, 0.5),
    "CLEAR_STEP": at_least(lambda step: _first_gap(_row(step, 1))[0] == 1, 2.2),
    "FILLED_STEP": at_most(lambda step: _consensus(_scan(None, step), 2) == 2, 1.8),
    "PLATEAU": holds(lambda: [_consensus(_scan(1, 3.0, radii), 3) for radii in (2, 3)] == [None, 1]),
    "MOST_RIVAL": at_most(_first_wins, 0.7),
    "LOST_DIRECTION": at_least(_direction_is_seen, 1e-8),
    "LEAST_ANSWER": at_least(_answers, 0.1),
    "MOST_OFF_ALGEBRA": at_most(_is_connected, 0.1),
    "SAME_CHANNEL": at_least(_channels_differ, 1e-3),
    "STILL_DIRECTION": at_least(lambda size: len(unit_frame(torch.diag(_row(1, size)), 1.0)) == 2, 1e-6),
    "WHOLE_TURN": at_most(lambda off: order_of(_turn(2 * math.pi / 3 * (1 + off))) == 3, 0.01),
    "MOST_GROWTH": at_most(lambda growth: order_of(_turn(2 * math.pi / 3, growth)) == 3, 0.1),
    "LARGEST_ORDER": holds(_orders_end_at_32),
    "MOST_MISMATCH": at_most(_is_an_element, 1.25),
    "MOST_RECONSTRUCTION": at_most(_latent("reconstruction"), 0.1),
    "MOST_CYCLE": at_most(_latent("cycle"), 0.15),
    "MOST_STEP": at_most(_latent("step"), 0.2),
    "MOST_CLOUD": at_most(_latent("cloud"), 0.15),
    "LEAST_MOTION": at_least(_moves, 0.3),
}
