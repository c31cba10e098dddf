"""Rates of false certificates on the roads that need no map: conserved quantities, charges, densities, moments, points.

For tuning. Every problem is drawn anew from its seed; what is certified is judged by the true defect on fresh samples
of the same law, or on fresh trajectories. ``python studies/claims/roads.py --seeds 5`` prints the rates.
"""

from __future__ import annotations

import argparse
import json
import math
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import isotropy as iso
from isotropy.actions import Affine
from isotropy.discover import ConservedQuantities, FromDensity, FromMoments, FromNoether, FromPoints

HERE = Path(__file__).parent
BREAKS = (0.0, 0.01, 0.03, 0.1, 0.3)
FRESH = 20000


def generator(*seeds: int) -> torch.Generator:
    """A generator of its own for every problem and purpose."""
    return torch.Generator().manual_seed(hash(seeds) % 2**31)


def normal(g: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=g, dtype=torch.float64)


def uniform(g: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=g, dtype=torch.float64)


def worst(lie: Tensor, chance: Tensor) -> float:
    """Largest quotient of forms given by rows `(rows, k)`."""
    above, below = lie.T @ lie, chance.T @ chance
    root = torch.linalg.cholesky(below + 1e-14 * below.diagonal().mean() * torch.eye(len(below), dtype=below.dtype))
    half = torch.linalg.solve_triangular(root, above, upper=False)
    inside = torch.linalg.solve_triangular(root, half.T, upper=False)
    return math.sqrt(max(float(torch.linalg.eigvalsh((inside + inside.T) / 2)[-1]), 0.0))


def paired(lie: Tensor, slopes: Tensor, fields: Tensor) -> float:
    """Worst defect of rows `(S, m, k)` against slopes `(S, m, n)` paired at random with fields `(S, k, n)`."""
    root = torch.linalg.qr(slopes.flatten(0, 1), mode="r").R / math.sqrt(len(slopes))
    chance = (fields @ root.T).transpose(1, 2)
    return worst(lie.flatten(0, 1), chance.flatten(0, 1))


# -- densities -----------------------------------------------------------------------------------------------------


class Density:
    """A density in the plane, as a mixture or a ring, with samples and score."""

    def __init__(self, kind: str, seed: int, broken: float = 0.0) -> None:
        self.kind, self.broken, g = kind, broken, generator(seed, 1)
        self.waves = int(torch.randint(2, 6, (1,), generator=g))
        self.turn = 6.28 * float(uniform(g, 1))
        self.mix = torch.eye(2, dtype=torch.float64) + 0.4 * normal(g, 2, 2)
        self.centres, self.widths = 1.5 * normal(g, 4, 2), 0.4 + uniform(g, 4)

    def log_p(self, x: Tensor) -> Tensor:
        """Logarithm of the density up to a constant."""
        if self.kind == "mixture":
            squares = (x[:, None] - self.centres).square().sum(2)
            return torch.logsumexp(-squares / (2 * self.widths**2) - 2 * self.widths.log(), 1)
        z = x @ torch.linalg.inv(self.mix).T
        r, angle = z.norm(dim=1), torch.atan2(z[:, 1], z[:, 0])
        if self.kind == "product":
            return -(z[:, 0].abs() ** 3) / 3 - (z[:, 1].exp() - z[:, 1]) / 2
        ring = -((r - 1).square() / (2 * 0.2**2)) - r.log()
        return ring + torch.log1p(self.broken * (self.waves * (angle - self.turn)).cos())

    def score(self, x: Tensor) -> Tensor:
        """Gradient of the logarithm."""
        return torch.func.grad(lambda z: self.log_p(z).sum())(x)

    def sample(self, count: int, seed: int) -> Tensor:
        """Points `(count, 2)` by rejection or directly."""
        g = generator(seed, 2)
        if self.kind == "mixture":
            place = torch.randint(4, (count,), generator=g)
            return self.centres[place] + self.widths[place, None] * normal(g, count, 2)
        if self.kind == "product":
            grid = torch.linspace(-8, 6, 20001, dtype=torch.float64)
            logs = (-(grid.abs() ** 3) / 3, -(grid.exp() - grid) / 2)
            columns = [_by_table(log, grid, uniform(g, count)) for log in logs]
            return torch.stack(columns, 1) @ self.mix.T
        angle = 2 * math.pi * uniform(g, 6 * count)
        kept = uniform(g, 6 * count) * (1 + self.broken) < 1 + self.broken * (self.waves * (angle - self.turn)).cos()
        angle = angle[kept][:count]
        r = (1 + 0.2 * normal(g, len(angle))).abs()
        return torch.stack([r * angle.cos(), r * angle.sin()], 1) @ self.mix.T


def _by_table(log: Tensor, grid: Tensor, u: Tensor) -> Tensor:
    cumulative = (log - log.max()).exp().cumsum(0)
    return grid[torch.searchsorted(cumulative / cumulative[-1], u).clamp_max(len(grid) - 1)]


def density_truth(problem: Density, found: Any) -> tuple[float, float]:
    """True defect of the span against the true score, and against a normal law of the same covariance."""
    x = problem.sample(FRESH, 99)
    fields, stretch = found.action_.fields(x), found.action_.divergence(x)
    score = problem.score(x)
    lie = torch.einsum("bn,bkn->bk", score, fields) + stretch
    root = torch.linalg.qr(score, mode="r").R / math.sqrt(len(x))
    cloud = torch.linalg.cholesky(torch.linalg.inv(torch.cov(x.T)))
    answers: list[float] = []
    for factor in (root.T, cloud):
        rows = torch.cat([(fields @ factor).transpose(1, 2), stretch[:, None]], 1)
        answers.append(worst(lie, rows.flatten(0, 1)))
    return answers[0], answers[1]


def densities(road: str, seed: int) -> list[dict[str, Any]]:
    """Mixtures and products have no symmetry; rings have one, broken by waves."""
    rows: list[dict[str, Any]] = []
    problems = [("mixture", math.nan), ("product", math.nan), *(("ring", broken) for broken in BREAKS)]
    for kind, broken in problems:
        problem = Density(kind, seed, 0.0 if math.isnan(broken) else broken)
        for name, action in (("gl(2)", iso.gl(2).vector()), ("aff(2)", Affine(iso.aff(2)))):
            if road == "score":
                found = FromDensity(action).fit_score(problem.score, problem.sample(400, seed))
            elif road == "density":
                found = FromDensity(action, kinds=["polynomial-2", "polynomial-4"]).fit(problem.sample(20000, seed))
            else:
                found = FromMoments(action, order=int(road[-1])).fit(problem.sample(30000, seed))
            true = density_truth(problem, found) if found.algebra_.dim else (math.nan, math.nan)
            rows.append(_row(road, f"{kind} {name}", broken, seed, found, true[0], normal_law=true[1]))
    return rows


# -- points --------------------------------------------------------------------------------------------------------


def curve(seed: int, broken: float) -> Callable[[Tensor], Tensor]:
    """A closed curve in the plane; a circle broken by waves, or of many waves where nothing is planted."""
    g = generator(seed, 3)
    waves, phase = torch.randint(2, 7, (3,), generator=g), 6.28 * uniform(g, 3)
    heights = torch.tensor([1.0, 0.0, 0.0]).double() * broken if not math.isnan(broken) else 0.1 + 0.15 * uniform(g, 3)

    def chart(u: Tensor) -> Tensor:
        angle = 2 * math.pi * u[:, :1]
        r = 1 + (heights / waves * (waves * angle + phase).cos()).sum(1, keepdim=True)
        return torch.cat([r * angle.cos(), r * angle.sin()], 1)

    return chart


def surface(seed: int, broken: float) -> Callable[[Tensor], Tensor]:
    """A closed surface; a torus broken by waves around, or of many waves."""
    g = generator(seed, 4)
    waves, phase = torch.randint(2, 5, (3,), generator=g), 6.28 * uniform(g, 3)
    heights = torch.tensor([1.0, 0.0, 0.0]).double() * broken if not math.isnan(broken) else 0.2 + 0.2 * uniform(g, 3)
    across_waves = torch.randint(0, 3, (3,), generator=g) * (0 if not math.isnan(broken) else 1)

    def chart(u: Tensor) -> Tensor:
        around, across = 2 * math.pi * u[:, :1], 2 * math.pi * u[:, 1:]
        r = 0.7 * (1 + (heights / waves * (waves * around + across_waves * across + phase).cos()).sum(1, keepdim=True))
        ring = 2 + r * across.cos()
        return torch.cat([ring * around.cos(), ring * around.sin(), r * across.sin()], 1)

    return chart


def points(road: str, seed: int) -> list[dict[str, Any]]:
    """Curves and surfaces, with and without noise."""
    rows: list[dict[str, Any]] = []
    for kind, make, size, n in (("curve", curve, 1, 2), ("surface", surface, 2, 3)):
        for broken in (math.nan, *BREAKS):
            chart = make(seed, broken)
            for noise in (0.0, 0.02):
                g = generator(seed, 5)
                count = int(torch.randint(400, 1500, (1,), generator=g))
                x = chart(uniform(g, count, size))
                found = FromPoints(Affine(iso.aff(n))).fit(x + noise * normal(g, count, n))
                true = surface_truth(chart, size, found) if found.algebra_.dim else math.nan
                rows.append(_row(road, f"{kind} noise {noise}", broken, seed, found, true))
    return rows


def surface_truth(chart: Callable[[Tensor], Tensor], size: int, found: Any) -> float:
    """Defect with exact normals at fresh points."""
    u = uniform(generator(77), FRESH // 10, size)
    projectors = iso.discover.normals_of_chart(chart, u)
    fields = found.action_.fields(chart(u))
    return paired(projectors @ fields.transpose(1, 2), projectors, fields)


# -- motion --------------------------------------------------------------------------------------------------------


def integrate(field: Callable[[Tensor], Tensor], starts: Tensor, until: float, count: int) -> list[Tensor]:
    """Trajectories `(count, n)` from starts, by Runge-Kutta steps four times as fine."""
    h, state, seen = until / (4 * (count - 1)), starts, [starts]
    for step in range(4 * (count - 1)):
        a = field(state)
        b = field(state + h / 2 * a)
        c = field(state + h / 2 * b)
        d = field(state + h * c)
        state = state + h / 6 * (a + 2 * b + 2 * c + d)
        if step % 4 == 3:
            seen.append(state)
    return list(torch.stack(seen, 1))


def mechanics(seed: int, broken: float) -> Callable[[Tensor], Tensor]:
    """A unit mass in space: a central potential broken along an axis, or a random quartic."""
    g = generator(seed, 6)
    matrix, quartic = normal(g, 3, 3), 0.2 * uniform(g, 3, 3)
    stiff = matrix @ matrix.T / 3 + torch.eye(3, dtype=torch.float64)
    axis = torch.nn.functional.normalize(normal(g, 3), dim=0)

    def potential(x: Tensor) -> Tensor:
        if math.isnan(broken):
            return torch.einsum("bi,ij,bj->b", x, stiff, x) / 2 + torch.einsum("bi,ij,bj->b", x**2, quartic, x**2)
        r = x.square().sum(1)
        return r / 2 + 0.1 * r.square() + broken * ((x @ axis).square() + 0.3 * x[:, 0] * x[:, 1]) / 2

    def field(s: Tensor) -> Tensor:
        force = -torch.func.grad(lambda x: potential(x).sum())(s[:, :3])
        return torch.cat([s[:, 3:], force], 1)

    return field


def charges(road: str, seed: int) -> list[dict[str, Any]]:
    """Noether charges along orbits."""
    rows: list[dict[str, Any]] = []
    for broken in (math.nan, *BREAKS):
        field, g = mechanics(seed, broken), generator(seed, 7)
        count = int(torch.randint(4, 16, (1,), generator=g))
        orbits = integrate(field, normal(g, count, 6), 8.0, 80)
        found = FromNoether(iso.gl(3).vector()).fit(orbits)
        true = math.nan
        if found.algebra_.dim:
            fresh = integrate(field, normal(g, 100, 6), 8.0, 80)
            true = charge_truth(fresh, found.action_)
        rows.append(_row(road, f"{count // 8 * 8}+ orbits", broken, seed, found, true))
    return rows


def charge_truth(orbits: list[Tensor], action: Any) -> float:
    """Worst defect of charges over fresh orbits, each in its own size and speed."""
    lies: list[Tensor] = []
    slopes: list[Tensor] = []
    moves: list[Tensor] = []
    for orbit in orbits:
        x, v = orbit[:, :3], orbit[:, 3:]
        fields = action.fields(x) / x.square().sum(1).mean().sqrt()
        speed = v / v.square().sum(1).mean().sqrt()
        charge = torch.einsum("bn,bkn->bk", speed, fields)
        lies.append((charge - charge.mean(0))[:, None])
        slopes.append(speed[:, None])
        moves.append(fields)
    return paired(torch.cat(lies), torch.cat(slopes), torch.cat(moves))


def flow(kind: str, seed: int, broken: float) -> tuple[Callable[[Tensor], Tensor], int]:
    """A field on the plane or in space."""
    g = generator(seed, 8)
    w, cubic = 0.7 + uniform(g, 1), normal(g, 2, 10)
    if kind == "damped":
        return lambda s: torch.stack([s[:, 1], -(w**2) * s[:, 0] - 2 * broken * s[:, 1]], 1), 2
    if kind == "damped cubic":
        return lambda s: torch.stack([s[:, 1], -(w**2) * s[:, 0] - s[:, 0] ** 3 - broken * s[:, 1] ** 3], 1), 2
    if kind == "pendulum":
        return lambda s: torch.stack([s[:, 1], -(w**2) * (2 * s[:, 0]).sin() / 2], 1), 2
    if kind == "van der Pol":
        return lambda s: torch.stack([s[:, 1], -s[:, 0] + w * (1 - s[:, 0] ** 2) * s[:, 1]], 1), 2
    if kind == "predators":
        return lambda s: torch.stack([s[:, 1].exp() - 1, w * (1 - s[:, 0].exp())], 1), 2
    library = iso.dictionary.polynomials(2, degree=3)
    return lambda s: 0.1 * library.evaluate(s) @ cubic.T - 0.5 * s * s.square().sum(1, keepdim=True), 2


def drifts(road: str, seed: int) -> list[dict[str, Any]]:
    """Conserved polynomials of degree 4, along trajectories or of the field."""
    rows: list[dict[str, Any]] = []
    planted = [(kind, broken) for kind in ("damped", "damped cubic") for broken in BREAKS]
    for kind, broken in [*planted, *((kind, math.nan) for kind in ("pendulum", "van der Pol", "predators", "cubic"))]:
        field, n = flow(kind, seed, broken)
        g = generator(seed, 9)
        library = iso.dictionary.polynomials(n, degree=2 if kind == "damped" else 4)
        found = ConservedQuantities(library)
        if road == "field":
            found.fit_field(field, 0.7 * normal(g, 300, n))
        else:
            count = int(torch.randint(6, 30, (1,), generator=g))
            found.fit(integrate(field, 0.7 * normal(g, count, n), 7.0, 60))
        true = math.nan
        if len(found.coefficients_):
            true = drift_truth(road, field, library, found.coefficients_, n)
        rows.append(_row(road, kind, broken, seed, found, true))
    return rows


def drift_truth(road: str, field: Any, library: Any, coefficients: Tensor, n: int) -> float:
    """Largest drift over fresh states or trajectories, in spreads."""
    g = generator(55)
    if road == "field":
        x = 0.7 * normal(g, FRESH, n)
        v = field(x)
        speed = (v @ torch.linalg.cholesky(torch.linalg.inv(torch.cov(x.T)))).square().sum(1).mean().sqrt()
        turn = 2 * math.pi * n**0.5 / speed
        values = library.evaluate(x) @ coefficients.T
        return worst(
            turn * torch.einsum("bpn,bn->bp", library.jacobian(x), v) @ coefficients.T, values - values.mean(0)
        )
    orbits = integrate(field, 0.7 * normal(g, 200, n), 7.0, 60)
    values = [library.evaluate(o) @ coefficients.T for o in orbits]
    ends = torch.stack([v[-1] - v[0] for v in values])
    spread = torch.cat(values)
    return worst(ends / len(values) ** 0.5, (spread - spread.mean(0)) / len(spread) ** 0.5)


# -- the table -----------------------------------------------------------------------------------------------------


def _row(road: str, problem: str, broken: float, seed: int, found: Any, true: float, **more: float) -> dict[str, Any]:
    upper = max((u for u in found.upper_ if not math.isnan(u)), default=math.nan)
    size = found.algebra_.dim if hasattr(found, "symmetry_") else len(found.coefficients_)
    answer = {"road": road, "problem": problem, "broken": broken, "seed": seed, "status": found.status_, "dim": size}
    return {**answer, "grade": found.grade_, "upper": upper, "true": true, **more}


ROADS: dict[str, Callable[[str, int], list[dict[str, Any]]]] = {
    "field": drifts,
    "trajectories": drifts,
    "noether": charges,
    "score": densities,
    "points": points,
    "moments-3": densities,
    "moments-4": densities,
    "density": densities,
}


def table(rows: list[dict[str, Any]], tolerance: float = 0.05) -> str:
    """Statuses by road and by what was planted, with what was falsely certified."""
    lines = [f"{'road':14s}{'broken':>8s}{'runs':>6s}{'cert.':>7s}{'exact':>7s}{'none':>6s}{'und.':>6s}{'false':>7s}"]
    keys = sorted({(row["road"], str(row["broken"])) for row in rows})
    for road, broken in keys:
        some = [row for row in rows if (row["road"], str(row["broken"])) == (road, broken)]
        certified = [row for row in some if row["status"] == "certified"]
        false = [row for row in certified if row["true"] > tolerance]
        counts = [len(certified), sum(row["grade"] == "exact" for row in certified)]
        counts += [sum(row["status"] == status for row in some) for status in ("none", "undecided")]
        lines.append(
            f"{road:14s}{broken:>8s}{len(some):6d}{counts[0]:7d}{counts[1]:7d}{counts[2]:6d}{counts[3]:6d}{len(false):7d}"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the roads named, or all, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--roads", default=",".join(ROADS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for road in options.roads.split(","):
        start = time.time()
        for seed in range(options.first, options.first + options.seeds):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rows += ROADS[road](road, seed)
        print(f"{road}: {time.time() - start:.0f} s", flush=True)
    print(table(rows))
    for row in rows:
        if row["status"] == "certified" and row["true"] > 0.05:
            print("false:", row)
    if options.out:
        options.out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
