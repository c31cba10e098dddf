"""The trained force field of the library as the study uses it: held-out frames, rules and averages."""

from typing import Any

from isotropy import atoms as ia
from isotropy import datasets
from isotropy.quadrature import Rule, grid, identity, lebedev, polyhedral

from .training import HELD_OUT

KELVIN, FEMTOSECONDS = 300.0, 0.5
RULES: dict[str, Rule] = {
    "none": identity(),
    "i": grid("i"),
    "T": polyhedral("T"),
    "2": grid("2"),
    "O": polyhedral("O"),
    "T, i": polyhedral("T").with_inversion(),
    "2i": grid("2i"),
    "I": polyhedral("I"),
    "3": grid("3"),
    "I, i": polyhedral("I").with_inversion(),
    "3i": grid("3i"),
}
DENSE = lebedev(9).with_inversion()


def held_out(molecules: int, count: int) -> list[Any]:
    """Frames no training has seen, spread over their runs."""
    frames = [one for one in datasets.waters(HELD_OUT) if len(one) == 3 * molecules]
    return frames[:: max(len(frames) // count, 1)][:count]


def averaged(rule: Rule) -> ia.SymmetrizedModule:
    """The force field's average, at most 60 copies at once."""
    return ia.SymmetrizedModule(datasets.water_model(), rule, chunk=60)
