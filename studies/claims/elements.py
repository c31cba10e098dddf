"""Ask how often single elements, and generators of pairs and of equations, are claimed falsely or missed.

``python -m studies.claims.elements`` asks seeded problems and prints a table; the true defect is that on fresh samples
of the same law. Problems without symmetry are those of ``families``. Planted elements are means of such maps over the
powers of the element, broken by a part of another map; planted pairs are turned by known times, broken by a drift that
bends with the points; in pairs without a motion there is the drift alone.
Equations are that of heat with a source that depends on place, time and u, or without symmetry in all coefficients.
"""

import argparse
import math
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

import isotropy as iso
from isotropy.actions import Prolonged
from isotropy.discover import DiscreteSymmetries, FromEquations, FromPairs, simple_elements
from isotropy.discover.direct._from_equations import Scaled, jet_rows
from isotropy.discover.discrete._trial import Trial
from isotropy.discover.pairs._pair_defect import pair_squares
from isotropy.symmetry.claims import measured

from . import families

FRESH, SAMPLES, CANDIDATES, TOLERANCE = 20000, 400, 12, 0.05
BREAKS = (0.0, 0.01, 0.03, 0.04, 0.05, 0.06, 0.1, 0.3)
PLANTED_LAWS = ("normal", "cube", "shell", "student", "outliers")
_TURN = 2 * math.pi / 3


@dataclass(frozen=True)
class Line:
    """What was said of one problem: its status, whether falsely, whether an interval holds the truth."""

    part: str
    size: float
    status: str
    false: bool
    found: bool
    covered: bool


def lines(seeds: int) -> Iterator[Line]:
    """Every problem, seed by seed."""
    for seed in range(seeds):
        for law in families.LAWS:
            for name in families.MAPS:
                yield _no_element(name, law, _draw("no element", name, law, seed))
        for law in PLANTED_LAWS:
            for broken in BREAKS:
                yield _element(law, broken, _draw("element", law, broken, seed))
        for law in PLANTED_LAWS:
            for broken in (*BREAKS, math.inf):
                yield _pairs(law, broken, _draw("pairs", law, broken, seed))

    for seed in range(4 * seeds):
        for broken in (*BREAKS, math.inf):
            yield _equation(broken, _draw("equation", broken, seed))


def _draw(*key: Any) -> np.random.Generator:
    return np.random.default_rng([*b"tune", *"|".join(map(str, key)).encode()])


def _no_element(name: str, law: str, draw: np.random.Generator) -> Line:
    n = int(draw.integers(2, 4))
    drawn, f = families.LAWS[law](draw, n), families.MAPS[name](draw, n)
    some = simple_elements(n)[1:]
    some = some[torch.from_numpy(draw.permutation(len(some))[:CANDIDATES])]
    return _asked("no element", n, lambda x: f(drawn.seen(x)), some, drawn, draw, math.inf)


def _element(law: str, broken: float, draw: np.random.Generator) -> Line:
    n = 3
    g, order = _choice(draw)
    base, other = families.MAPS["waves"](draw, n), families.breaking(draw, n)
    powers = [torch.linalg.matrix_power(g, k) for k in range(order)]
    size = float(base(families.to_tensor(draw.normal(size=(2000, n)))).std())

    def f(x: Tensor) -> Tensor:
        mean = torch.stack([base(x @ h.T) for h in powers]).mean(0)
        return mean / size + broken * other(x)

    rest = simple_elements(n)[1:]
    rest = rest[torch.from_numpy(draw.permutation(len(rest))[: CANDIDATES - 1])]
    return _asked("element", broken, f, torch.cat([g[None], rest]), families.LAWS[law](draw, n), draw, broken)


def _choice(draw: np.random.Generator) -> tuple[Tensor, int]:
    """A mirror, a half turn, a third of a turn or a swap, in three coordinates, and its order."""
    c, s = math.cos(_TURN), math.sin(_TURN)
    kinds = [
        (np.diag([1.0, 1.0, -1.0]), 2),
        (np.diag([-1.0, -1.0, 1.0]), 2),
        (np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]), 3),
        (np.eye(3)[[1, 0, 2]], 2),
    ]
    matrix, order = kinds[int(draw.integers(len(kinds)))]
    return families.to_tensor(matrix), order


def _asked(
    part: str, size: float, f: Any, elements: Tensor, law: families.Law, draw: np.random.Generator, broken: float
) -> Line:
    G, x, fresh = iso.gl(elements.shape[1]), law.sample(draw, SAMPLES), law.sample(draw, FRESH)
    found = DiscreteSymmetries(G.vector(), G.scalar(), tolerance=TOLERANCE).fit(f, x, elements)
    trial = Trial(f, fresh, G.vector(), G.scalar(), 1)
    tried = [trial.of(g) for g in elements]
    certified = found.status_ == "certified"
    false = certified and any(tried[k].error > TOLERANCE and not tried[k].exact for k in found.kept_)
    lower, upper = found.limits_of_errors_.T
    held = [lo <= one.error <= up or one.exact for lo, up, one in zip(lower, upper, tried, strict=True)]
    there = broken < math.inf and tried[0].error <= TOLERANCE / 2
    return Line(part, size, found.status_, false, not there or (certified and 0 in found.kept_), all(held))


def _pairs(law: str, broken: float, draw: np.random.Generator) -> Line:
    n = 3
    drawn = families.LAWS[law](draw, n)
    other = [families.breaking(draw, n) for _ in range(n)]
    basis = iso.so(3).basis[0]

    def pairs(count: int) -> tuple[Tensor, Tensor, Tensor]:
        x, t = drawn.sample(draw, count), families.to_tensor(draw.uniform(-0.5, 0.5, count))
        drift = t[:, None] * torch.stack([one(x) for one in other], 1)
        if math.isinf(broken):
            return x, x + drift, t
        moved = torch.einsum("bij,bj->bi", torch.linalg.matrix_exp(t[:, None, None] * basis), x)
        return x, moved + broken * drift, t

    found = FromPairs(tolerance=TOLERANCE).fit(*pairs(SAMPLES))
    x, y, t = pairs(FRESH)
    left, chance, _ = pair_squares(found.generators_, x, y, t[:, None], 1).mean(0).tolist()
    error = math.sqrt(left / chance)
    certified = found.status_ == "certified"
    (lower,), (upper,) = found.lower_, found.upper_
    missed = error <= TOLERANCE / 2 and not certified
    covered = lower <= error <= upper or error < 1e-9
    return Line("pairs", broken, found.status_, certified and error > TOLERANCE, not missed, covered)


def _equation(broken: float, draw: np.random.Generator) -> Line:
    action = Prolonged(("x", "t"), ("u",), order=2, degree=1)
    bend, drift, source = (families.breaking(draw, 3) for _ in range(3))
    unknown = math.isinf(broken)

    def right(z: Tensor) -> Tensor:
        if unknown:
            return (2 + bend(z[:, :3])) * z[:, 5] + drift(z[:, :3]) * z[:, 3] + source(z[:, :3])
        return z[:, 5] + broken * source(z[:, :3])

    def jets(count: int) -> Tensor:
        z = families.to_tensor(draw.normal(size=(count, action.size)))
        z[:, 4] = right(z)
        return z

    def equation(z: Tensor) -> Tensor:
        return z[:, 4] - right(z)

    found = FromEquations(action, ["u_t"], tolerance=TOLERANCE).fit(jets(SAMPLES), equation)
    certified, fresh = found.status_ == "certified", jets(FRESH // 10)
    scale = fresh.square().mean(0).sqrt()
    rows = jet_rows(equation, Scaled(action, scale), fresh / scale, 0.0, 3)
    seen = measured(rows.along(found.coefficients_)) if found.algebra_.dim else None
    false = certified and seen is not None and seen.span.value > TOLERANCE
    covered = seen is None or all(
        low <= one.value <= up or one.value < 1e-9
        for low, up, one in zip(found.lower_, found.upper_, seen.errors, strict=True)
    )
    return Line("equation", broken, found.status_, false, certified or broken > 0, covered)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    seeds = parser.parse_args().seeds
    torch.set_num_threads(1)
    start, groups = time.process_time(), defaultdict[tuple[str, float], list[Line]](list)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for line in lines(seeds):
            groups[line.part, line.size].append(line)
    print("part | break, or size of the space | problems | certified | none | undecided | false | missed | covered")
    for (part, size), some in groups.items():
        counts = [sum(line.status == status for line in some) for status in ("certified", "none", "undecided")]
        rest = [sum(one.false for one in some), sum(not one.found for one in some), sum(one.covered for one in some)]
        print(" | ".join(map(str, [part, size, len(some), *counts, *rest])))
    print(f"{time.process_time() - start:.0f} CPU s")


if __name__ == "__main__":
    main()
