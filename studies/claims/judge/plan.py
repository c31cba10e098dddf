"""Every run of the judge set, road by road."""

import itertools
from collections.abc import Iterator, Sequence

from .ask_maps import GROUPS
from .ask_shapes import EQUATIONS
from .laws import LAWS, PLANTED_LAWS, SAMPLED_LAWS
from .maps import MAPS, SMOOTH
from .mechanics import MOTIONS, POTENTIALS
from .planted import BREAKS, PLANTED
from .question import Run
from .shapes import DENSITIES, SURFACES
from .systems import NOTHING as FIELDS
from .systems import PLANTED as KEPT_FIELDS

SAMPLES = (100, 200, 400, 1000)
STILL = (0.0,)
ROUND_LAWS = ("ball", "laplace", "heavy", "skew")
PLANE_FAMILIES = ("disc", "ball", "minkowski", "boost", "product", "swirl", "twins", "area")
CYCLES = tuple(name for name in FIELDS if "cycle" in name)
PATHS = ("stuart-landau", "ball flow", "precession", "two oscillators")
BENT = (0.003, 0.01, 0.03, 0.1)  # a surface that is bent by more loses its points


def runs() -> Iterator[Run]:
    """Every run; the same ones in the same order each time."""
    yield from _model()
    yield from _data()
    for road in (_penalty, _games, _layers, _elements, _fields, _paths, _conserved, _noether, _clouds, _points, _pairs):
        yield from road()
    yield from _equations()


def _cycle(parts: Sequence[tuple], times: int) -> Iterator[tuple[int, tuple]]:
    """All combinations, some times over, numbered."""
    return enumerate(itertools.islice(itertools.cycle(parts), times * len(parts)))


def _broken(families: Sequence[str], laws: Sequence[str], breaks: Sequence[float], per: int) -> list[tuple]:
    """Families with every break, and ``per`` of the laws in turn for each of these pairs."""
    pairs = itertools.product(families, breaks)
    return [(family, size, laws[(3 * i + k) % len(laws)]) for i, (family, size) in enumerate(pairs) for k in range(per)]


def _model() -> Iterator[Run]:
    road = "FromModel"
    for i, (family, law) in _cycle(list(itertools.product(MAPS, LAWS)), 2):
        n, variant = 2 + i % 4, ("-", "-", "-", "two", "-", "vector")[(i // 7) % 6]
        yield Run(road, "nothing", family, law, n, 0.0, SAMPLES[(i // 3) % 4], variant=variant, seed=i)
    for i, (family, law) in _cycle(list(itertools.product(PLANTED, PLANTED_LAWS)), 2):
        yield Run(road, "exact", family, law, 0, 0.0, SAMPLES[1 + i % 3], seed=i)
    for i, (family, size, law) in enumerate(_broken(tuple(PLANTED), PLANTED_LAWS, BREAKS, 10)):
        yield Run(road, "broken", family, law, 0, size, SAMPLES[1 + i % 3], seed=i)


NOISES = (0.01, 0.05, 0.1, 0.3)


def _data() -> Iterator[Run]:
    road = "FromData"
    for variant, many, counts in (("quick", 2, (300, 600, 1000)), ("defaults", 1, (200, 400))):
        for i, (family, law) in _cycle(list(itertools.product(SMOOTH, SAMPLED_LAWS)), many):
            count = (200, 400, 800)[i % 3] if variant == "quick" else (150, 300)[i % 4 // 2]
            yield Run(road, "nothing", family, law, 2 + i % 2, 0.0, count, NOISES[i % 4], variant, i)
        for part, breaks, per in (("exact", STILL, 6 if variant == "quick" else 9), ("broken", BREAKS, 3)):
            for i, (family, size, law) in enumerate(_broken(PLANE_FAMILIES, PLANTED_LAWS, breaks, per)):
                yield Run(road, part, family, law, 0, size, counts[i % len(counts)], NOISES[i % 3], variant, i)
    for i, (family, law) in _cycle(list(itertools.product(SMOOTH[:8], ("ball", "laplace", "lopsided"))), 1):
        yield Run(road, "nothing", family, law, 2, 0.0, 600, 0.0, "labels", i)
    for i, family in _cycle([("disc",), ("ball",), ("boost",)], 3):
        yield Run(road, "exact", family[0], ROUND_LAWS[i % 4], 0, 0.0, 800, 0.0, "labels", i)


def _penalty() -> Iterator[Run]:
    for i, (family, law) in _cycle(list(itertools.product(MAPS, ROUND_LAWS)), 1):
        yield Run("LiePenalty", "nothing", family, law, 2 + i % 3, 0.0, 400, seed=i)
    for part, breaks in (("exact", STILL), ("broken", BREAKS)):
        for i, (family, size, law) in enumerate(
            _broken(PLANE_FAMILIES, PLANTED_LAWS, breaks, 3 if not breaks[0] else 1)
        ):
            yield Run("LiePenalty", part, family, law, 0, size, 400, seed=i)


def _games() -> Iterator[Run]:
    for i, variant in _cycle([("direct",), ("random",)], 6):
        part, size = (("nothing", 0.0), ("exact", 0.0), ("broken", BREAKS[i % 5]))[i % 3]
        family = ("gaussian process", "disc", "disc")[i % 3]
        yield Run("LieGAN", part, family, "ball", 2, size, 300, 0.03, variant[0], i)
    for i, (part, family, size) in _cycle(
        [("nothing", "fitzhugh-nagumo", 0.0), ("exact", "stuart-landau", 0.0), ("broken", "stuart-landau", 0.1)], 4
    ):
        yield Run("LaLiGAN", part, family, "box", 2, size, 300, seed=i)


def _layers() -> Iterator[Run]:
    road = "layers"
    for i, (family, law) in _cycle(list(itertools.product(("softsign", "gelu", "sine"), ROUND_LAWS)), 1):
        yield Run(road, "nothing", family, law, 2 + i % 2, 0.0, 400, seed=i)
    for i, (family, law) in _cycle(list(itertools.product(("relu", "leaky relu"), ROUND_LAWS)), 2):
        yield Run(road, "exact", family, law, 2 + i // 4 % 2, 0.0, 400, seed=i)
    for i, (family, size) in _cycle(list(itertools.product(("relu", "leaky relu"), BREAKS)), 1):
        yield Run(road, "broken", family, ROUND_LAWS[i % 4], 2 + i % 2, size, 400, seed=i)


def _elements() -> Iterator[Run]:
    road = "DiscreteSymmetries"
    for i, (family, law) in _cycle(list(itertools.product(MAPS, ROUND_LAWS)), 1):
        yield Run(road, "nothing", family, law, 2 + i % 2, 0.0, 200, seed=i)
    for i, (family, law) in _cycle(list(itertools.product(GROUPS, ROUND_LAWS)), 2):
        yield Run(road, "exact", family, law, 0, 0.0, (200, 400)[i % 2], seed=i)
    for i, (family, size, law) in enumerate(_broken(GROUPS, ROUND_LAWS, BREAKS, 3)):
        yield Run(road, "broken", family, law, 0, size, (200, 400)[i % 2], seed=i)


def _fields() -> Iterator[Run]:
    road, free = "FromDynamics.fit_field", [name for name in FIELDS if name not in CYCLES]
    for i, (family, law) in _cycle(list(itertools.product(free, ROUND_LAWS)), 3):
        yield Run(road, "nothing", family, law, 0, 0.0, SAMPLES[i % 4], seed=i)
    for i, (family, law) in _cycle(list(itertools.product(KEPT_FIELDS, ROUND_LAWS)), 2):
        yield Run(road, "exact", family, law, 0, 0.0, SAMPLES[1 + i % 3], seed=i)
    for i, (family, size, law) in enumerate(_broken(tuple(KEPT_FIELDS), ROUND_LAWS, BREAKS, 4)):
        yield Run(road, "broken", family, law, 0, size, SAMPLES[1 + i % 3], seed=i)


def _paths() -> Iterator[Run]:
    road = "FromDynamics.fit"
    for i, family in _cycle([(name,) for name in FIELDS], 4):
        yield Run(road, "nothing", family[0], "paths", 0, 0.0, (240, 480)[i // 8 % 2], (0.0, 0.01, 0.05)[i % 3], seed=i)
    for i, family in _cycle([(name,) for name in PATHS], 4):
        yield Run(road, "exact", family[0], "paths", 0, 0.0, 480, (0.0, 0.01, 0.03)[i % 3], seed=i)
    for i, (family, size) in enumerate(itertools.product(PATHS, BREAKS)):
        yield Run(road, "broken", family, "paths", 0, size, 480, (0.0, 0.01)[i % 2], seed=i)


def _conserved() -> Iterator[Run]:
    for road, laws in (
        ("ConservedQuantities.fit_field", ("ball", "laplace", "heavy")),
        ("ConservedQuantities.fit", ("box",)),
    ):
        count = 400 if len(laws) > 1 else 720
        for part, breaks, times in (("nothing", STILL, 2), ("exact", STILL, 2), ("broken", BREAKS, 1)):
            wanted = itertools.product(MOTIONS, laws, breaks)
            for i, (family, law, size) in _cycle(list(wanted), times * (1 if len(laws) > 1 else 2)):
                yield Run(road, part, family, law, 0, size, count, seed=i)


def _noether() -> Iterator[Run]:
    for part, names, breaks, times in (
        ("nothing", POTENTIALS["nothing"], STILL, 12),
        ("exact", POTENTIALS["planted"], STILL, 8),
        ("broken", POTENTIALS["planted"], BREAKS, 3),
    ):
        for i, (family, size) in _cycle(list(itertools.product(names, breaks)), times):
            yield Run("FromNoether", part, family, "orbits", 0, size, (480, 960)[i % 2], seed=i)


def _clouds() -> Iterator[Run]:
    for road, times, counts in (
        ("FromMoments", 8, (400, 1000, 4000)),
        ("FromDensity.fit_score", 6, (200, 400, 1000)),
        ("FromDensity.fit", 3, (400, 800)),
    ):
        for part, names, breaks, more in (
            ("nothing", DENSITIES["nothing"], STILL, times),
            ("exact", DENSITIES["planted"], STILL, max(2, times // 2)),
            ("broken", DENSITIES["planted"], BREAKS, max(1, times // 3)),
        ):
            for i, (family, size) in _cycle(list(itertools.product(names, breaks)), more):
                variant = ("linear", "affine")[(i + i // len(names)) % 2]
                yield Run(road, part, family, "itself", 0, size, counts[i % len(counts)], variant=variant, seed=i)


def _points() -> Iterator[Run]:
    for variant, noises, times in (("normals", STILL, 2), ("found", (0.0, 0.01, 0.03), 1), ("told", (0.01, 0.03), 1)):
        for part, names, breaks in (
            ("nothing", SURFACES["nothing"], STILL),
            ("exact", SURFACES["planted"], STILL),
            ("broken", SURFACES["planted"], BENT),
        ):
            for i, (family, size) in _cycle(
                list(itertools.product(names, breaks)), times * (2 if part != "broken" else 1)
            ):
                count = 400 if variant == "normals" else 1000
                yield Run("FromPoints", part, family, "itself", 0, size, count, noises[i % len(noises)], variant, i)


def _pairs() -> Iterator[Run]:
    for variant in ("known times", "unknown times"):
        names = ("one motion", "turn", "two motions") if variant == "known times" else ("turn",)
        for part, breaks, times in (("nothing", STILL, 4), ("exact", STILL, 4), ("broken", BREAKS, 2)):
            for i, (family, size) in _cycle(list(itertools.product(names, breaks)), times):
                law, noise = ROUND_LAWS[i % 4], (0.0, 0.02, 0.1)[i % 3]
                yield Run("FromPairs", part, family, law, 2 + i % 3, size, 300, noise, variant, i)


def _equations() -> Iterator[Run]:
    for variant, noises, times in (("told", STILL, 4), ("learnt", (0.0, 0.01), 1)):
        for part, breaks in (("nothing", STILL), ("exact", STILL), ("broken", BREAKS)):
            names = EQUATIONS["planted" if part == "exact" else part]
            more = times * 3 if part == "nothing" else times * 2 if part == "exact" else max(1, times // 2)
            for i, (family, size) in _cycle(list(itertools.product(names, breaks)), more):
                if variant == "learnt" and i % 2:
                    continue
                law = ROUND_LAWS[i % 4]
                yield Run("FromEquations", part, family, law, 0, size, 400, noises[i % len(noises)], variant, i)
