"""Pins of ``isotropy.symmetry.smooth.bars``."""

from bar_pins.checks import Pin

LITERALS = {
    "LENGTH_SAMPLES": 300,
    "SECOND_SAMPLES": 600,
    "NOISE_SAMPLES": 1000,
    "PROCESS_SAMPLES": 2000,
    "TREND": 10.0,
    "MOST_DRAWN": 600,
    "LEAST_POINTS": 40,
    "LARGEST_DRAWN": 1200,
    "DRAWS": 400,
    "LEAST_BREAK": 0.1,
    "SIZES": 25,
    "SMALLEST": 3,
    "MOST_SHRINKAGE": 1.0,
    "DENOMINATOR_TAIL": 0.05,
    "LEAST_ANSWER": 4.0,
    "ROUNDING": 1e-9,
}
JUDGED: dict[str, Pin] = {}
