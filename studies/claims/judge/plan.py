"""Every run of the judge set, cell by cell.

A cell is a road (or a variant of it that is another program), a family and a law. There are few of them, and each holds
so many runs that a rate of false certificates above 5 % would show. Within a cell sizes, samples and noise go round.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .families.densities import DENSITIES
from .families.equations import EQUATIONS
from .families.fields import NOTHING as FIELDS
from .families.fields import PLANTED as KEPT_FIELDS
from .families.groups import ACTIVATIONS, GROUPS
from .families.laws import LAWS, PLANTED_LAWS, ROUND_LAWS
from .families.maps import MAPS, SMOOTH
from .families.mechanics import MOTIONS
from .families.planted import BREAKS, PLANTED
from .families.potentials import POTENTIALS
from .families.surfaces import SURFACES
from .question import Run

ALONE = 28  # runs of a cell with nothing to find
EXACT, EACH = 8, 4  # runs of a cell with something planted: exact ones, and of every break
_SMALL = ("rings", "strain", "weights", "saddle", "faint axis", "idle axis", "split", "torque")
_TOLD_LAWS = ROUND_LAWS[:4]


@dataclass(frozen=True)
class Cell:
    """Runs of a road about one family and one law.

    Attributes
    ----------
    road, family, law, variant : str
        As of a run.
    planted : bool
        Whether there is something to find.
    sizes, samples, noises : tuple
        What the runs go round.
    variants : tuple of str
        Likewise, where a variant is no other program; then ``variant`` plays no part.
    breaks : tuple of float
        By how much what is planted is broken.
    alone, exact, each : int
        Numbers of runs.
    """

    road: str
    family: str
    law: str
    planted: bool
    variant: str = "-"
    sizes: tuple[int, ...] = (0,)
    samples: tuple[int, ...] = (200, 400, 1000)
    noises: tuple[float, ...] = (0.0,)
    variants: tuple[str, ...] = ()
    breaks: tuple[float, ...] = BREAKS
    alone: int = ALONE
    exact: int = EXACT
    each: int = EACH

    def runs(self) -> Iterator[Run]:
        """All of its runs."""
        if not self.planted:
            yield from (self._run("nothing", 0.0, i) for i in range(self.alone))
            return
        yield from (self._run("exact", 0.0, i) for i in range(self.exact))
        for k in range(self.each):
            yield from (self._run("broken", size, k * len(self.breaks) + i) for i, size in enumerate(self.breaks))

    def _run(self, part: str, broken: float, i: int) -> Run:
        def turn(values: Sequence[Any], slower: int = 1) -> Any:
            return values[i // slower % len(values)]

        size, samples = turn(self.sizes), turn(self.samples, len(self.sizes))
        noise, variant = turn(self.noises, 2), turn(self.variants or (self.variant,))
        return Run(self.road, part, self.family, self.law, size, broken, samples, noise, variant, i)


def runs() -> Iterator[Run]:
    """Every run; the same ones in the same order each time."""
    for cell in cells():
        yield from cell.runs()


def cells() -> Iterator[Cell]:
    """Every cell."""
    for road in (_model, _data, _penalty, _games, _networks, _flows, _motions, _clouds, _sets):
        yield from road()


def _spread(families: Sequence[str], laws: Sequence[str], count: int) -> list[tuple[str, str]]:
    """So many pairs of a family and a law: every family in turn, over laws that are far apart in the list."""
    pairs = [(j % len(families), j // len(families)) for j in range(count)]
    return [(families[i], laws[(5 * i + 3 * again) % len(laws)]) for i, again in pairs]


def _model() -> Iterator[Cell]:
    kinds = ("-", "-", "two", "-", "-", "vector")
    for i, (family, law) in enumerate(_spread(tuple(MAPS), tuple(LAWS), 21)):
        yield Cell("FromModel", family, law, False, kinds[i % 6], (2, 3, 4), (100, 200, 400, 1000))
    for family, law in _spread(tuple(PLANTED), PLANTED_LAWS, 23):
        yield Cell("FromModel", family, law, True)


def _data() -> Iterator[Cell]:
    quick = {"variant": "quick", "samples": (300, 600, 1000), "noises": (0.01, 0.05, 0.1, 0.3)}
    slow = {"variant": "defaults", "samples": (150, 300), "noises": (0.01, 0.05, 0.2), "alone": 20, "exact": 4}
    for family, law in _spread((*SMOOTH[:5], "idle column", "relu tower", "clipped"), tuple(LAWS)[::-1], 8):
        yield Cell("FromData", family, law, False, sizes=(2, 3), **quick)
    for family, law in _spread(_SMALL[:6], PLANTED_LAWS, 6):
        yield Cell("FromData", family, law, True, **quick)
    for family, law in _spread(("spectral lines", "faint column", "one index"), ROUND_LAWS, 3):
        yield Cell("FromData", family, law, False, sizes=(2, 3), **slow)
    for family, law in _spread(_SMALL[:3], PLANTED_LAWS[3:], 3):
        yield Cell("FromData", family, law, True, **slow)
    yield Cell("FromData", "congestion", "latin", False, "labels", (2,), (600, 800))
    yield Cell("FromData", "rings", "bursts", True, "labels", (0,), (600, 800))


def _penalty() -> Iterator[Cell]:
    for family, law in _spread(("two indices", "clipped", "chaos series"), ROUND_LAWS, 3):
        yield Cell("LiePenalty", family, law, False, sizes=(2, 3, 4), samples=(400,))
    for family, law in _spread(("idle axis", "split", "saddle"), PLANTED_LAWS[5:], 3):
        yield Cell("LiePenalty", family, law, True, samples=(400,))


def _games() -> Iterator[Cell]:
    few = {"alone": 5, "exact": 5, "each": 1, "samples": (300,)}
    for family, planted in (("state equation", False), ("rings", True)):
        yield Cell("LieGAN", family, "latin", planted, sizes=(2,), noises=(0.03,), variants=("direct", "random"), **few)
    for family, planted in (("pendulum", False), ("whirl", True)):
        yield Cell("LaLiGAN", family, "itself", planted, **few)


def _networks() -> Iterator[Cell]:
    for i, (family, (_, kept)) in enumerate(ACTIVATIONS.items()):
        yield Cell("layers", family, ROUND_LAWS[i], kept > 0, sizes=(2, 3), samples=(400,))
    for family, law in _spread(("siren", "model tree", "idle column", "hypot net"), ROUND_LAWS[2:], 4):
        yield Cell("DiscreteSymmetries", family, law, False, sizes=(2, 3), samples=(200,))
    for family, law in _spread(tuple(GROUPS), ROUND_LAWS, 4):
        yield Cell("DiscreteSymmetries", family, law, True, samples=(200, 400))


def _flows() -> Iterator[Cell]:
    for family, law in _spread(tuple(FIELDS)[:5], _TOLD_LAWS, 5):
        yield Cell("FromDynamics.fit_field", family, law, False)
    for family, law in _spread(tuple(KEPT_FIELDS), _TOLD_LAWS, 5):
        yield Cell("FromDynamics.fit_field", family, law, True)
    states = {"samples": (240, 480), "noises": (0.0, 0.01, 0.05)}
    for family in ("pendulum", "epidemic", "three genes on the cycle"):
        yield Cell("FromDynamics.fit", family, "itself", False, **states)
    for family in ("whirl", "central"):
        yield Cell("FromDynamics.fit", family, "itself", True, **states)


def _motions() -> Iterator[Cell]:
    for road, samples in (("ConservedQuantities.fit_field", (400,)), ("ConservedQuantities.fit", (720, 3600))):
        laws = ("latin", "rare class", "arcsine") if len(samples) == 1 else ("itself",)
        for planted, families in ((False, ("two wells", "binding")), (True, tuple(MOTIONS))):
            for i, family in enumerate(families):
                yield Cell(road, family, laws[i % len(laws)], planted, samples=samples)
    for planted, families in ((False, POTENTIALS["nothing"]), (True, POTENTIALS["planted"])):
        for family in families:
            yield Cell("FromNoether", family, "itself", planted, samples=(480, 3600), alone=20, exact=5, each=3)


def _clouds() -> Iterator[Cell]:
    for road, samples, some in (
        ("FromMoments", (400, 2000, 12000), slice(None)),
        ("FromDensity.fit_score", (200, 400, 1000), slice(None)),
        ("FromDensity.fit", (400, 800), slice(1, 3)),
    ):
        for part in ("nothing", "planted"):
            for family in DENSITIES[part][some]:
                both = ("linear", "affine")
                yield Cell(road, family, "itself", part == "planted", samples=samples, variants=both)


def _sets() -> Iterator[Cell]:
    bent = BREAKS[:4]  # a surface that is bent by more loses its points
    for variant, noises, some in (
        ("normals", (0.0,), slice(None)),
        ("found", (0.0, 0.01, 0.03), slice(0, 2)),
        ("told", (0.01, 0.03), slice(2, 4)),
    ):
        count = (400,) if variant == "normals" else (1000,)
        for part in ("nothing", "planted"):
            for family in SURFACES[part][some] or SURFACES[part][-1:]:
                more = {"breaks": bent, "exact": 8, "each": 4, "alone": 24}
                yield Cell("FromPoints", family, "itself", part == "planted", variant, (0,), count, noises, **more)
    noises = (0.0, 0.02, 0.1)
    for i, family in enumerate(("fading turn", "stretch", "shear", "turn and stretch")):
        sizes = (2, 3, 4) if i else (2, 4)
        yield Cell("FromPairs", family, ROUND_LAWS[i], i > 0, "known times", sizes, (300,), noises)
    for planted in (False, True):
        more = {"alone": 20, "exact": 5, "each": 3}
        yield Cell("FromPairs", "fading turn", "latin", planted, "unknown times", (2, 3), (300,), noises, **more)
    for part in ("nothing", "planted"):
        for i, family in enumerate(EQUATIONS[part]):
            yield Cell("FromEquations", family, _TOLD_LAWS[i], part == "planted", "told", samples=(400,))
    learnt = {"samples": (400,), "noises": (0.0, 0.01), "alone": 20, "exact": 5, "each": 3}
    for family, planted in (("faint source", False), ("curvature", True), ("growing front", True)):
        yield Cell("FromEquations", family, "arcsine", planted, "learnt", **learnt)
