"""One question of the judge set: everything that its random numbers depend on."""

from dataclasses import asdict, dataclass

import numpy as np

SEED, REHEARSAL = b"judge 2026-12", b"rehearsal"  # what the numbers start from; those of tune start from "tune"


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

    def draw(self, rehearsal: bool = False) -> np.random.Generator:
        """Numbers that depend on the run alone, not on which others are asked."""
        return np.random.default_rng([*(REHEARSAL if rehearsal else SEED), *self.key.encode()])
