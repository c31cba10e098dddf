"""The road that asks about points before and after a motion."""

import math
from typing import Any

import torch
from torch import Tensor

from isotropy.discover import FromPairs

from .. import truth
from ..answers import describe, said
from ..families.draws import Draw, frame, gaussian_process, tensor
from ..families.laws import LAWS
from ..families.planted import spread
from ..question import Run
from .problem import FRESH

DRIFT = 1.5  # of what is no motion, in sizes of the displacements


def _generators(family: str, draw: Draw, n: int) -> Tensor:
    """One motion `(1, n, n)` of a kind, or two of the first kinds."""
    turn = tensor(draw.normal(size=(n, n)))
    turn, bend = turn - turn.T, torch.diag(tensor(draw.uniform(-1, 1, n)))
    shear = torch.zeros(n, n, dtype=torch.float64)
    shear[0, 1:] = tensor(draw.choice([-1.0, 1.0], n - 1) * draw.uniform(0.5, 1.5, n - 1))
    known = {
        "fading turn": [turn - 0.3 * torch.eye(n)],
        "stretch": [bend],
        "shear": [shear],
        "turn and stretch": [turn, bend],
    }
    return torch.stack(known[family]) / n**0.5


def ask_pairs(run: Run, draw: Draw) -> dict[str, Any]:
    """Points before and after a motion; what is true is how far the generators miss fresh pairs."""
    n = run.size
    law, change = LAWS[run.law](draw, n), frame(draw, n, 2.0)
    inverse = torch.linalg.inv(change)
    generators = change @ _generators(run.family, draw, n) @ inverse
    count, bend = len(generators), gaussian_process(draw, n, n, length=0.8)
    share = DRIFT if run.part == "nothing" else run.broken

    def pairs(many: int, noise: float) -> tuple[Tensor, Tensor, Tensor]:
        x = law.sample(draw, many) @ change.T
        t = tensor(draw.uniform(-0.5, 0.5, (many, count)))
        y = _moved(generators, t, x)
        y = y + share * spread(y - x) * bend(x @ inverse.T) * 2 * t[:, :1]
        return x, y + noise * spread(y - x) * tensor(draw.normal(size=(many, n))), t

    x, y, t = pairs(run.samples, run.noise)
    found = FromPairs(generators=count).fit(x, y, None if run.variant == "unknown times" else t)
    one, fresh = said(found), pairs(FRESH // 4, 0.0)
    whole = _missed(found.generators_, fresh, run.variant)
    planted = run.part != "nothing"
    return {
        **describe(one),
        "spans": [[one.status, *whole]],
        "single": [whole] * len(one.span),
        "quiet": [None, 0.0],
        "least": None,
        "planted": _missed(generators, fresh, run.variant)[0] if planted else None,
        "planted_dimension": count if planted else None,
        "planted_silent": 0,
    }


def _moved(generators: Tensor, t: Tensor, x: Tensor) -> Tensor:
    return torch.einsum("sij,sj->si", torch.linalg.matrix_exp(torch.einsum("sk,kij->sij", t, generators)), x)


def _missed(generators: Tensor, pairs: tuple[Tensor, Tensor, Tensor], variant: str) -> tuple[float, float]:
    """``|y - exp(t L) x|``, by the same for displacements that are dealt to other points, and its Monte Carlo error.

    Lengths are those in which the cloud is round. Times that are not told are those that fit best, for both.
    """
    x, y, t = pairs
    white = torch.linalg.inv(torch.linalg.cholesky(torch.cov(torch.cat([x, y]).T)))

    def left(there: Tensor) -> Tensor:
        times = _best_times(generators, x, there, white) if variant == "unknown times" else t
        return ((there - _moved(generators, times, x)) @ white.T).square().sum(1)

    near, far = left(y), left(x + (y - x).roll(1, 0))

    def defect(i: int, step: int) -> float:
        return float((near[i::step].mean() / far[i::step].mean()).sqrt())

    pieces = tensor([defect(i, truth.PARTS) for i in range(truth.PARTS)])
    return defect(0, 1), float(pieces.std()) / math.sqrt(truth.PARTS)


def _best_times(generators: Tensor, x: Tensor, y: Tensor, white: Tensor) -> Tensor:
    """Of one generator: the best of a fine grid, a parabola through its neighbours, then Gauss and Newton."""
    pace = float((x @ generators[0].T @ white.T).norm(dim=1).square().mean().sqrt())
    far = float(((y - x) @ white.T).norm(dim=1).amax())
    grid = torch.linspace(-2, 2, 161, dtype=torch.float64) * far / max(pace, 1e-12)
    flows = torch.linalg.matrix_exp(grid[:, None, None] * generators[0])
    errors = torch.stack([((x @ g.T - y) @ white.T).square().sum(1) for g in flows], 1)
    best = errors.argmin(1).clamp(1, len(grid) - 2)
    low, middle, high = (errors.gather(1, (best + k)[:, None])[:, 0] for k in (-1, 0, 1))
    bend = (low - 2 * middle + high).clamp_min(1e-300)
    times = grid[best] + (grid[1] - grid[0]) * ((low - high) / (2 * bend)).clamp(-1, 1)

    def left(t: Tensor) -> Tensor:
        return (y - _moved(generators, t[:, None], x)) @ white.T

    for _ in range(3):
        pace = _moved(generators, times[:, None], x) @ generators[0].T @ white.T
        step = (left(times) * pace).sum(1) / pace.square().sum(1).clamp_min(1e-300)
        better = left(times + step).square().sum(1) < left(times).square().sum(1)
        times = torch.where(better, times + step, times)
    return times[:, None]
