"""Roads that ask about the density of a cloud: its moments, a known score, or samples alone."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

import isotropy as iso
from isotropy.discover import FromDensity, FromMoments

from ..answers import line, said
from ..families.densities import Density, density
from ..families.draws import Draw, frame, tensor
from ..families.planted import coefficients, in_frame
from ..question import Run
from ..truth import Parts
from .problem import FRESH


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


_SKEW = ("funnel", "cross", "tube")  # third moments of others say nothing


def _normal_chance(parts: Parts) -> Parts:
    """Beside the score of a normal law of the same covariance, as roads do that see means of monomials alone."""
    x = parts.points
    if x is None:
        raise ValueError("expected the parts of a density with their points, received none; pass them")
    slope = torch.linalg.solve(torch.cov(x.T), (x.mean(0) - x).T).T
    return replace(parts, gradient=slope[:, None], turned=None)


def ask_moments(run: Run, draw: Draw) -> dict[str, Any]:
    """Moments of samples; what is true is how much the logarithm of the density itself changes."""
    cloud = Cloud(run, draw)
    x, fresh = cloud.sample(draw, run.samples), cloud.sample(draw, FRESH)
    found = FromMoments(cloud.action, order=3 if run.family in _SKEW else 4).fit(x)
    return line(said(found), _normal_chance(cloud.parts(fresh)), cloud.planted)


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
    known = line(said(found), _normal_chance(cloud.parts(fresh)), cloud.planted)
    return known | {"kind": found.surrogate_.kind}
