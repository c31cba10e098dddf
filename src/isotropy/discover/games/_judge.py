"""Held-out scores of proposed symmetries: by a learnt map, by the shape of the cloud, or element by element."""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch
from torch import Tensor

from ...action._action import Action
from ...core import bars as cuts
from ...core._linalg import EPSILON
from ...symmetry import bars as verdicts
from ...symmetry.claims import Interval
from ...symmetry.claims import bars as claims
from .. import bars
from ..evidence._evidence import Evidence, Factors
from ..evidence._kernel import relative_kernel
from ._generator import moved

_KEPT = 400  # held-out samples of a cloud
_MOST = 4000  # held-out samples that elements are tried on
_NEIGHBOURS = 6
_STEPS, _SCANNED = (0.1, 2.8), 120  # motions that are tried, in spreads of the points
_REACH, _EVALUATIONS = 0.1, 300  # relative size of the first simplex, and tries


class Judge(Protocol):
    """A score of directions of the candidates; smaller is better."""

    def score(self, directions: Tensor) -> float:
        """Score of directions `(k, dim)`."""
        ...


class MapJudge:
    """Geometric mean of the equivariance errors of a span, out of fold, by the evidence of a direct road.

    It depends on the span alone, and one direction that is badly broken does not hide what the others do.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.factors = evidence.factors()

    def score(self, directions: Tensor) -> float:
        """Score of a span `(k, dim)`; 1 if nothing in it moves the data."""
        parts = (self.factors.broken, self.factors.moved, self.factors.turned)
        spectrum = relative_kernel(
            Factors(*(part @ directions.T for part in parts)),
            rank=0,
            floor=EPSILON,
            resolution=verdicts.TRIVIAL_MOTION,
            tolerance=cuts.LARGEST_ZERO,
        ).spectrum
        return float(spectrum.clamp_min(EPSILON).log().mean().exp()) if len(spectrum) else 1.0


class CloudJudge:
    """Energy distance between held-out points and moved ones, relative to their spread.

    Each direction moves the points by half their spread, forth and back.
    """

    def __init__(self, action: Action, x: Tensor) -> None:
        self.action = action
        self.held, self.others = x[::2][:_KEPT], x[1::2][:_KEPT]
        self.spread = float((x - x.mean(0)).flatten(1).norm(dim=1).square().mean().sqrt())
        self.floor = max(self._distance(self.held), 1e-3)

    def score(self, directions: Tensor) -> float:
        """Geometric mean over directions `(k, dim)`."""
        errors = [self._error(xi) for xi in directions]
        return float(torch.tensor(errors).clamp_min(self.floor).log().mean().exp())

    def _error(self, xi: Tensor) -> float:
        speed = float(self.action.field(xi, self.held).flatten(1).norm(dim=1).square().mean().sqrt())
        if not speed > 0:
            return 1.0
        step = 0.5 * self.spread / speed * xi
        both = [moved(self.action, sign * step[None], self.held) for sign in (1.0, -1.0)]
        return max(self._distance(points) for points in both)

    def _distance(self, points: Tensor) -> float:
        a, b = points.flatten(1), self.others.flatten(1)
        within = torch.cdist(a, a).mean() + torch.cdist(b, b).mean()
        square = 2 * torch.cdist(a, b).mean() - within
        return float(square.clamp_min(0.0).sqrt()) / self.spread**0.5


class ElementJudge:
    """Error of single group elements: held-out values, turned, against what neighbours of the moved points say.

    Relative to the spread of the values, and to how far the points move, so that the identity is no symmetry.
    """

    def __init__(self, rho_in: Action, rho_out: Action, x: Tensor, y: Tensor) -> None:
        from scipy.spatial import KDTree

        self.rho_in, self.rho_out = rho_in, rho_out
        held = min(len(x) // 2, _MOST)
        self.seen, self.values = x[:-held], y[:-held].flatten(1)
        self.x, self.y = x[-held:], y[-held:]
        self.tree: Any = KDTree(self.seen.flatten(1).numpy())
        self.spread = float((x - x.mean(0)).flatten(1).norm(dim=1).square().mean().sqrt())
        self.scale = float((self.y - self.y.mean(0)).flatten(1).norm(dim=1).square().mean().sqrt())
        self.still = self._mismatch(self.x, self.y)

    def score(self, directions: Tensor) -> float:
        """Worst error of the elements ``exp(xi)`` of directions `(k, dim)`."""
        return max(self._relative(xi) for xi in directions)

    def error(self, xi: Tensor) -> float:
        """Mismatch of ``exp(xi)`` relative to the spread of the values; ``still`` is that of the identity."""
        return self._mismatch(moved(self.rho_in, xi[None], self.x), self._turned(xi))

    def excess(self, directions: Tensor, level: float, seed: int) -> Interval:
        """Defect of the worst of ``exp(xi)`` of directions `(k, dim)` beyond what neighbours miss anyway, with limits.

        Means of differences of squares, sample by sample, to that of the identity, resampled; 1 is what they would be
        if values were those of other samples. Limits are those of the largest deviation of all directions, so that none
        is above them by luck.
        """
        still = self._missed(self.x, self.y)
        more = torch.stack(
            [self._missed(moved(self.rho_in, xi[None], self.x), self._turned(xi)) - still for xi in directions], 1
        )
        rng = torch.Generator().manual_seed(seed)
        weights = -torch.rand(claims.RESAMPLES, len(more), generator=rng, dtype=torch.float64).neg_().log1p_()
        mean = more.mean(0)
        reach = (weights @ more / weights.sum(1, keepdim=True) - mean).abs().amax(1).quantile(1 - level)
        limits = (mean.amax(), mean.amax() - reach, mean.amax() + reach)
        # Two samples differ by twice the variance of the values.
        value, lower, upper = (math.sqrt(max(float(part), 0.0) / 2) / self.scale for part in limits)
        return Interval(value, lower, upper)

    def best_step(self, xi: Tensor) -> float:
        """The shortest step ``t`` for which the powers of ``exp(t xi)`` fit the held-out samples about best.

        Powers sharpen the valley: an error in ``t`` grows with each.
        """
        from scipy.optimize import minimize_scalar

        steps = torch.linspace(*_STEPS, _SCANNED) / max(self._pace(xi), 1e-12)
        errors = torch.tensor([self._powers(float(t) * xi, 1) for t in steps])
        inner = (errors[1:-1] <= errors[:-2]) & (errors[1:-1] <= errors[2:])
        good = errors[1:-1] - errors[1:-1].min() <= bars.ALIKE_VALLEYS * (errors.max() - errors.min())
        valleys = torch.nonzero(inner & good)[:, 0]
        first = int(valleys[0]) + 1 if len(valleys) else int(errors.argmin())
        best, width = float(steps[first]), float(steps[1] - steps[0])
        for power in (1, 2, 3, 5):
            ends = (best - width, best + width)
            found: Any = minimize_scalar(lambda t: self._powers(t * xi, power), bounds=ends, method="bounded")  # noqa: B023
            best, width = float(found.x), width / 2
        return best

    def polished(self, xi: Tensor) -> Tensor:
        """The element near ``exp(xi)``, axis and step, whose powers fit the held-out samples best."""
        from scipy.optimize import minimize

        best, reach = xi, float(xi.norm()) * _REACH
        for power in (1, 3):
            simplex = torch.cat([best[None], best + reach * torch.eye(len(xi), dtype=xi.dtype)])
            options: Any = {"initial_simplex": simplex.numpy(), "maxfev": _EVALUATIONS}
            found: Any = minimize(
                lambda v, power=power: self._powers(torch.from_numpy(v), power),
                best.numpy(),
                method="Nelder-Mead",
                options=options,
            )
            best, reach = torch.from_numpy(found.x), reach / 4
        return min((xi, best), key=lambda v: self._powers(v, 3))

    def _powers(self, xi: Tensor, most: int) -> float:
        """Mean error of the powers of ``exp(xi)`` up to ``most`` times forth."""
        return sum(self.error(power * xi) for power in range(1, most + 1)) / most

    def _pace(self, xi: Tensor) -> float:
        """How far ``xi`` moves the points, in their spreads."""
        return float(self.rho_in.field(xi, self.x).flatten(1).norm(dim=1).square().mean().sqrt()) / self.spread

    def _relative(self, xi: Tensor) -> float:
        x = moved(self.rho_in, xi[None], self.x)
        far = float((x - self.x).flatten(1).norm(dim=1).square().mean().sqrt()) / self.spread
        return self.error(xi) / max(min(1.0, 2 * far), 1e-12)

    def _turned(self, xi: Tensor) -> Tensor:
        """Values `(S, m)` moved by ``exp(xi)``."""
        return moved(self.rho_out, xi[None], self.y, self.x)

    def _mismatch(self, x: Tensor, y: Tensor) -> float:
        return float(self._missed(x, y).mean().sqrt()) / self.scale

    def _missed(self, x: Tensor, y: Tensor) -> Tensor:
        """Squares `(S,)` of what neighbours miss of values ``y`` at points ``x``."""
        distance, index = self.tree.query(x.flatten(1).numpy(), k=_NEIGHBOURS)
        near = torch.from_numpy(distance)
        weights = 1 / (near + 1e-3 * near.mean())
        said = torch.einsum("bk,bkm->bm", weights / weights.sum(1, keepdim=True), self.values[torch.from_numpy(index)])
        return (said - y.flatten(1)).square().sum(1)
