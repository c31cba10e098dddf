"""One question of the judge set: everything that its random numbers depend on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

SEED, REHEARSAL = b"judge 2027-01", b"rehearsal"  # what the numbers start from; those of tune start from "tune"


@dataclass(frozen=True)
class Run:
    """One question.

    Attributes
    ----------
    road, part : str
        Who is asked, and whether there is nothing, something exact or something broken to find.
    family, law : str
        Of maps and of samples.
    size : int
        Number of coordinates, where the family leaves it open.
    broken : float
        By how much what is planted is broken.
    samples : int
        Number of samples.
    noise : float
        Of the outputs, in their spreads.
    variant : str
        Anything else, such as the kinds of surrogate.
    seed : int
        Tells runs apart that agree in all else.
    """

    road: str
    part: str
    family: str
    law: str = "-"
    size: int = 0
    broken: float = 0.0
    samples: int = 400
    noise: float = 0.0
    variant: str = "-"
    seed: int = 0

    @property
    def key(self) -> str:
        """Name of the run in the file of results."""
        return "|".join(map(str, asdict(self).values()))

    @property
    def cell(self) -> tuple[str, str, str, str]:
        """Road, its variant where that is another program, family and law."""
        return cell_of(asdict(self))

    def draw(self, rehearsal: bool = False) -> np.random.Generator:
        """Numbers that depend on the run alone, not on which others are asked."""
        return np.random.default_rng([*(REHEARSAL if rehearsal else SEED), *self.key.encode()])


_PROGRAMS = ("FromData", "FromPoints", "FromPairs", "FromEquations")  # of which each variant is another program


def cell_of(line: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Cell of a run, or of its line among the results."""
    return line["road"], line["variant"] if line["road"] in _PROGRAMS else "", line["family"], line["law"]
