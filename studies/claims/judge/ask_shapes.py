"""Roads that ask about samples themselves: densities, surfaces, pairs of points, and jets of equations."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import isotropy as iso
from isotropy.actions import Prolonged
from isotropy.discover import FromDensity, FromEquations, FromMoments, FromPairs, FromPoints

from . import truth
from .answers import describe, line, said
from .ask_maps import FRESH
from .draws import Draw, frame, gaussian_process, jacobian, scalar, tensor
from .laws import LAWS
from .planted import coefficients, in_frame, spread
from .question import Run
from .shapes import Density, density, surface
from .truth import Parts

# -- densities ---------------------------------------------------------------------------------------------------------


class Cloud:
    """A density in a random frame and unit; affine candidates where it does not sit at the origin."""

    def __init__(self, run: Run, draw: Draw) -> None:
        self.density: Density = density(draw, run.family, run.broken)
        n = self.density.size
        self.change = frame(draw, n, 3.0) * 10 ** draw.uniform(-2, 2)
        away = run.variant == "affine"
        self.shift = self.change @ tensor(3 * draw.normal(size=n)) * float(away)
        self.inverse = torch.linalg.inv(self.change)
        self.action: Any = iso.actions.Affine(iso.aff(n)) if away else iso.gl(n).vector()
        matrices = in_frame(torch.nn.functional.pad(self.density.generators, (0, 1, 0, 1)), self.inverse, self.shift)
        self.planted = None if run.part == "nothing" else coefficients(self.action.algebra, matrices)

    def sample(self, draw: Draw, count: int) -> Tensor:
        """Points `(count, n)`."""
        return self.density.sample(draw, count) @ self.change.T + self.shift

    def score(self, x: Tensor) -> Tensor:
        """``grad log p`` at points."""
        return self.density.score((x - self.shift) @ self.inverse.T) @ self.inverse

    def parts(self, x: Tensor) -> Parts:
        """``xi . score + div xi`` at points."""
        slope, moved = self.score(x)[:, None], self.action.fields(x)
        stretch = self.action.divergence(x)[:, :, None]
        lie = torch.einsum("smn,sdn->smd", slope, moved) + stretch.transpose(1, 2)
        return Parts(lie, slope, moved, -stretch, points=x)


_SKEW = ("spindle", "skew product", "mixture", "banana")  # third moments of others say nothing


def ask_moments(run: Run, draw: Draw) -> dict[str, Any]:
    """Moments of samples; what is true is whether the density is kept."""
    cloud = Cloud(run, draw)
    x, fresh = cloud.sample(draw, run.samples), cloud.sample(draw, FRESH)
    found = FromMoments(cloud.action, order=3 if run.family in _SKEW else 4).fit(x)
    return line(said(found), cloud.parts(fresh), cloud.planted)


def ask_score(run: Run, draw: Draw) -> dict[str, Any]:
    """A known score."""
    cloud = Cloud(run, draw)
    x, fresh = cloud.sample(draw, run.samples), cloud.sample(draw, FRESH)
    return line(said(FromDensity(cloud.action).fit_score(cloud.score, x)), cloud.parts(fresh), cloud.planted)


def ask_density(run: Run, draw: Draw) -> dict[str, Any]:
    """Samples of a density that is not told."""
    cloud = Cloud(run, draw)
    x, fresh = cloud.sample(draw, run.samples), cloud.sample(draw, FRESH)
    found = FromDensity(cloud.action, seed=run.seed).fit(x)
    return line(said(found), cloud.parts(fresh), cloud.planted) | {"kind": found.surrogate_.kind}


# -- surfaces ----------------------------------------------------------------------------------------------------------


def ask_points(run: Run, draw: Draw) -> dict[str, Any]:
    """Points near a surface, or on it with their normals."""
    made = surface(draw, run.family, run.broken)
    n = made.size
    change = frame(draw, n, 2.0) * 10 ** draw.uniform(-2, 2)
    inverse = torch.linalg.inv(change)

    def normals(z: Tensor) -> Tensor:
        slope = made.normals(z) @ inverse
        return slope / slope.norm(dim=1, keepdim=True)

    z, fresh = made.sample(draw, run.samples), made.sample(draw, FRESH)
    action = iso.gl(n).vector()
    if run.variant == "normals":
        unit = normals(z)
        found = FromPoints(action).fit(z @ change.T, unit[:, :, None] * unit[:, None])
    else:
        noisy = z + run.noise * tensor(draw.normal(size=tuple(z.shape)))
        found = FromPoints(action, dimension=n - 1 if run.variant == "told" else None, seed=run.seed).fit(
            noisy @ change.T
        )
    matrices = torch.nn.functional.pad(change @ made.generators @ inverse, (0, 1, 0, 1))
    planted = None if run.part == "nothing" else coefficients(action.algebra, matrices)
    slope, moved = normals(fresh)[:, None], action.fields(fresh @ change.T)
    if run.variant == "normals":  # which are compared where the cloud is round
        root = torch.linalg.cholesky(torch.cov((fresh @ change.T).T))
        slope, moved = slope @ root, moved @ torch.linalg.inv(root).T
        slope = slope / slope.norm(dim=2, keepdim=True)
    return line(said(found), Parts(torch.einsum("smn,sdn->smd", slope, moved), slope, moved), planted)


# -- pairs -------------------------------------------------------------------------------------------------------------


def ask_pairs(run: Run, draw: Draw) -> dict[str, Any]:
    """Points before and after a motion; what is true is how far the generators miss fresh pairs."""
    n, count = run.size, 2 if run.family == "two motions" else 1
    law, change = LAWS[run.law](draw, n), frame(draw, n, 2.0)
    generators = change @ tensor(draw.normal(size=(count, n, n)) / n**0.5) @ torch.linalg.inv(change)
    if run.family == "turn":
        raw = tensor(draw.normal(size=(1, n, n)))
        generators = change @ (raw - raw.transpose(1, 2)) @ torch.linalg.inv(change)
    bend = gaussian_process(draw, n, n, length=0.8)
    share = 1.5 if run.part == "nothing" else run.broken

    def pairs(many: int, noise: float) -> tuple[Tensor, Tensor, Tensor]:
        x = law.sample(draw, many) @ change.T
        t = tensor(draw.uniform(-0.5, 0.5, (many, count)))
        y = _moved(generators, t, x)
        y = y + share * spread(y - x) * bend(x @ torch.linalg.inv(change).T) * 2 * t[:, :1]
        return x, y + noise * spread(y - x) * tensor(draw.normal(size=(many, n))), t

    x, y, t = pairs(run.samples, run.noise)
    found = FromPairs(generators=count).fit(x, y, None if run.variant == "unknown times" else t)
    one = said(found)
    fresh = pairs(FRESH // 4, 0.0)
    whole, error = _missed(found.generators_, fresh, run.variant)
    return describe(one) | {
        "spans": [[one.status, whole, error, None]],
        "single": [whole] * len(one.span),
        "least": None,
        "without_effect": None,
        "planted": None if run.part == "nothing" else _missed(generators, fresh, run.variant)[0],
        "planted_dimension": None if run.part == "nothing" else count,
    }


def _moved(generators: Tensor, t: Tensor, x: Tensor) -> Tensor:
    return torch.einsum("sij,sj->si", torch.linalg.matrix_exp(torch.einsum("sk,kij->sij", t, generators)), x)


def _missed(generators: Tensor, pairs: tuple[Tensor, Tensor, Tensor], variant: str) -> tuple[float, float]:
    """``|y - exp(t L) x|``, by ``(|y - x|^2 + |exp(t L) x - x|^2)^(1/2)``, as of pairs at random.

    Lengths are those in which the cloud is round. Times that are not told are those that fit best.
    """
    x, y, t = pairs
    white = torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.T)))
    if variant == "unknown times":
        t = _best_times(generators, x, y, white)
    there = _moved(generators, t, x)
    left, far, near = ((part @ white.T).square().sum(1) for part in (y - there, y - x, there - x))

    def defect(i: int, step: int) -> float:
        return float((left[i::step].mean() / (far[i::step].mean() + near[i::step].mean())).sqrt())

    pieces = tensor([defect(i, truth.PARTS) for i in range(truth.PARTS)])
    return defect(0, 1), float(pieces.std()) / truth.PARTS**0.5


def _best_times(generators: Tensor, x: Tensor, y: Tensor, white: Tensor) -> Tensor:
    """Of one generator: the best of a fine grid, then by a parabola through its neighbours."""
    pace = float((x @ generators[0].T @ white.T).norm(dim=1).square().mean().sqrt())
    far = float(((y - x) @ white.T).norm(dim=1).amax())
    grid = torch.linspace(-2, 2, 161, dtype=torch.float64) * far / max(pace, 1e-12)
    flows = torch.linalg.matrix_exp(grid[:, None, None] * generators[0])
    errors = torch.stack([((x @ g.T - y) @ white.T).square().sum(1) for g in flows], 1)
    best = errors.argmin(1).clamp(1, len(grid) - 2)
    low, middle, high = (errors.gather(1, (best + k)[:, None])[:, 0] for k in (-1, 0, 1))
    bend = (low - 2 * middle + high).clamp_min(1e-300)
    return (grid[best] + (grid[1] - grid[0]) * ((low - high) / (2 * bend)).clamp(-1, 1))[:, None]


# -- equations ---------------------------------------------------------------------------------------------------------


class Equation:
    """``u_lead = g(others)``, its jets and the fields that keep it among polynomials of a degree."""

    def __init__(self, family: str, draw: Draw, broken: float) -> None:
        self.family = family
        independent, order, lead, self.kept = _EQUATIONS[family]
        self.action: Any = Prolonged(independent, ("u",), order=order, degree=1)
        self.lead, self.names = lead, self.action.names
        self.place = self.names.index(lead)
        # What breaks a shift is the only thing that it meets, and so breaks it by as much as chance, however small it
        # is; the other motions are broken by a share if the shifts are left alone.
        told = ("u", "u_x") if family in ("burgers", "diffusion") else (*independent, "u", "u_x")
        others = [self.names.index(name) for name in told]
        bend = scalar(gaussian_process(draw, len(others), length=1.5))
        right = _right_side(family, draw)
        self.right: Callable[[Tensor], Tensor] = lambda z: right(self._named(z)) + broken * bend(z[:, others])

    def __call__(self, z: Tensor) -> Tensor:
        """Vanishes at solutions."""
        return z[..., self.place] - self.right(z.reshape(-1, z.shape[-1])).reshape(z.shape[:-1])

    def _named(self, z: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.names, z.unbind(1), strict=True))

    def sample(self, law: Any, draw: Draw, count: int) -> Tensor:
        """Jets of solutions."""
        z = law.sample(draw, count)
        z[:, self.place] = self.right(z)
        return z

    @property
    def planted(self) -> Tensor | None:
        """Coordinates of the fields that keep it."""
        return torch.stack([self.action.generator(terms) for terms in self.kept]) if self.kept else None


_SHIFT_X, _SHIFT_T, _SHIFT_U = {"x": {"1": 1.0}}, {"t": {"1": 1.0}}, {"u": {"1": 1.0}}
_EQUATIONS: dict[str, tuple[tuple[str, ...], int, str, list[dict[str, dict[str, float]]]]] = {
    "force that knows no place": (("x",), 2, "u_xx", [_SHIFT_X]),
    "friction alone": (("x",), 2, "u_xx", [_SHIFT_X, _SHIFT_U]),
    "burgers": (
        ("x", "t"), 2, "u_t",
        [_SHIFT_X, _SHIFT_T, {"x": {"t": 1.0}, "u": {"1": 1.0}}, {"x": {"x": 1.0}, "t": {"t": 2.0}, "u": {"u": -1.0}}],
    ),
    "diffusion": (("x", "t"), 2, "u_t", [_SHIFT_X, _SHIFT_T, {"x": {"x": 1.0}, "t": {"t": 2.0}}]),
    "reaction": (("x", "t"), 2, "u_t", [_SHIFT_X, _SHIFT_T]),
    "driven": (("x",), 2, "u_xx", []),
    "driven diffusion": (("x", "t"), 2, "u_t", []),
}  # fmt: skip
EQUATIONS = {
    "nothing": ("driven", "driven diffusion"),
    "planted": ("force that knows no place", "friction alone", "burgers", "diffusion", "reaction"),
    "broken": ("burgers", "diffusion", "burgers", "diffusion", "reaction"),
}


def _right_side(family: str, draw: Draw) -> Callable[[dict[str, Tensor]], Tensor]:
    a, b = draw.uniform(0.6, 1.4), draw.uniform(0.4, 0.9)
    other = {k: scalar(gaussian_process(draw, k, length=1.2)) for k in (3, 5)}
    known: dict[str, Callable[[dict[str, Tensor]], Tensor]] = {
        "force that knows no place": lambda j: torch.sin(a * j["u"]) - b * j["u_x"] ** 3 + torch.cos(j["u"] * j["u_x"]),
        "friction alone": lambda j: -a * torch.atan(j["u_x"]) + b * torch.cos(2 * j["u_x"]),
        "burgers": lambda j: a * j["u_xx"] - j["u"] * j["u_x"],
        "diffusion": lambda j: (a + torch.sin(b * j["u"])) * j["u_xx"] + b * torch.cos(b * j["u"]) * j["u_x"] ** 2,
        "reaction": lambda j: a * j["u_xx"] + torch.sin(2 * j["u"]) + b * torch.exp(-(j["u"] ** 2)) * j["u_x"],
        "driven": lambda j: 1.5 * other[3](torch.stack([j["x"], j["u"], j["u_x"]], 1)),
        "driven diffusion": lambda j: (
            a * j["u_xx"] * torch.cosh(b * j["u"])
            + 1.5 * other[5](torch.stack([j[name] for name in ("x", "t", "u", "u_x", "u_xx")], 1))
        ),
    }
    return known[family]


def ask_equations(run: Run, draw: Draw) -> dict[str, Any]:
    """Jets of solutions of an equation that is told, or learnt from them."""
    equation = Equation(run.family, draw, run.broken)
    law = LAWS[run.law](draw, len(equation.names))
    z, fresh = (equation.sample(law, draw, count) for count in (run.samples, FRESH // 2))
    arguments = [name for name in equation.names if name in ("x", "t", "u", "u_x", "u_xx") and name != equation.lead]
    learnt = {"arguments": arguments, "kinds": ["polynomial", "kernel-gaussian"], "seed": run.seed}
    told = run.variant != "learnt"
    if not told:
        z[:, equation.place] += run.noise * z[:, equation.place].std() * tensor(draw.normal(size=len(z)))
    found = FromEquations(equation.action, [equation.lead], **({} if told else learnt))
    found = found.fit(z, equation) if told else found.fit(z)
    known = line(said(found), _equation_parts(equation, fresh), equation.planted)
    return known | {"superposition": found.superposition_.dim}


def _equation_parts(equation: Equation, z: Tensor) -> Parts:
    """The change relative to that of a gradient of the same length that points anywhere.

    Lengths are in root mean squares of the coordinates of jets; anywhere means among the variables and the
    derivatives that the equation contains.
    """
    scale = z.square().mean(0).sqrt()
    slopes, moved = jacobian(equation, z)[1] * scale, equation.action.fields(z) / scale
    entries = slopes.square().mean((0, 1)).sqrt()
    length = float(entries.norm())
    contained = entries > 1e-9 * length
    contained[: len(_EQUATIONS[equation.family][0]) + 1] = True
    anywhere = torch.diag(contained.to(torch.float64)) * length / float(contained.sum()) ** 0.5
    lie = torch.einsum("smn,sdn->smd", slopes, moved)
    lie = torch.cat([lie, torch.zeros(len(z), len(scale) - lie.shape[1], lie.shape[2], dtype=torch.float64)], 1)
    return Parts(lie, anywhere.expand(len(z), -1, -1), moved)
