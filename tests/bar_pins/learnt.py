"""Pins of ``isotropy.symmetry.learnt.bars``."""

from bar_pins.checks import Pin

LITERALS = {
    "MOST_DEGREE": 5,
    "WIDER": 2,
    "MOST_TERMS": 126,
    "MOST_ENTRIES": 2**28,
    "MOST_SHARE": 0.6,
    "RIGID_CONFIRMED": 0.2,
    "NEXT_CONFIRMED": 0.4,
    "SECOND_CONFIRMED": 0.8,
    "MOST_POINTS": 4096,
    "SMALLEST_NOISE": 1e-10,
    "MOST_LEVERAGE": 0.9,
    "DRAWS": 400,
    "DENOMINATOR_SHARE": 0.1,
    "LUCK": 0.5,
    "SHARES": 13,
    "LIMIT_ACCURACY": 1e-6,
    "TRIVIAL": 1e-9,
    "RESPONSE_ERRORS": 3.0,
    "ROUNDING": 1e-12,
}
JUDGED: dict[str, Pin] = {}
