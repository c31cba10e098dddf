"""Smooth logarithms of densities, fitted by score matching and chosen by held-out score matching.

What a symmetry search sees of a density is its score ``grad log p``. The loss ``E[|grad q|^2 / 2 + lap q]`` is the mean
squared error of the score of ``q`` up to a constant, so it both fits and judges without the normaliser of ``q``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean

import torch
from torch import Tensor

from ...dictionary import Dictionary, polynomials, radial
from ...errors import DataError
from .. import bars
from ._contest import _folds
from ._cross_fit import CrossFit, Frame, Score, Surrogate

LogValue = Callable[[Tensor], Tensor]
Fitter = Callable[[Tensor], LogValue]
_MOST_CENTRES = 500
_BUMPS = 60
_RIDGE = 1e-4
_JUDGED = 400  # held-out points per fold on which kinds are compared
_BANDWIDTHS = (0.5, 1.0)  # times the rule of Silverman


def fit_log_densities(x: Tensor, folds: int = 4, kinds: Sequence[str] | None = None, seed: int = 0) -> CrossFit:
    """Fit every kind without each fold of points `(S, n)` and keep the kind with the best held-out loss.

    Kinds: ``polynomial-2`` (a Gaussian), ``polynomial-4``, ``bumps`` (a Gaussian times radial bumps) and ``kernel``
    densities of two bandwidths.
    """
    fold, offered = _folds(len(x), folds, seed), fitters(x.shape[1])
    unknown = sorted(set(kinds or ()) - set(offered))
    if unknown:
        raise DataError(f"kinds: expected some of {sorted(offered)}, received {unknown}; leave it out to try all")
    trial = {kind: _models(offered[kind], x, fold) for kind in kinds or offered}
    held = [x[fold == k][:_JUDGED] for k in range(folds)]
    losses = {kind: fmean(score_loss(q, part) for q, part in zip(m, held, strict=True)) for kind, m in trial.items()}
    best = min(losses, key=lambda kind: losses[kind])
    size = fmean(float(score(trial[best][0], part).square().sum(1).mean()) for part in held)
    scores = {
        kind: Score(_gradient_error(models, held[0], 2 * (losses[kind] - losses[best]) / size), math.nan)
        for kind, models in trial.items()
    }
    models = tuple(_surrogate(q) for q in trial[best])
    return CrossFit(models, fold, best, scores, math.nan, scores[best].gradient_error, math.nan)


def fitters(size: int) -> dict[str, Fitter]:
    """Kinds by name; all work in whitened coordinates, where smoothing keeps whatever the data keep."""
    kinds: dict[str, Fitter] = {
        "polynomial-2": lambda w: _matched(polynomials(size, 2), w),
        "polynomial-4": lambda w: _matched(polynomials(size, 4), w),
        "bumps": lambda w: _matched(polynomials(size, 2) + radial(_spread(w, _BUMPS), 1.0), w),
    }
    for width in _BANDWIDTHS:
        kinds[f"kernel-{width:g}"] = lambda w, width=width: _kernel_density(w, width)
    return kinds


def score(q: LogValue, x: Tensor) -> Tensor:
    """``grad q`` `(batch, n)`, differentiable."""
    return torch.func.grad(lambda z: q(z).sum())(x)


def score_loss(q: LogValue, x: Tensor) -> float:
    """``E[|grad q|^2 / 2 + lap q]`` over points `(batch, n)`."""
    units = torch.eye(x.shape[1], dtype=x.dtype)
    laplacian = torch.zeros(len(x), dtype=x.dtype)
    for i, unit in enumerate(units):
        slope = torch.func.jvp(lambda z: score(q, z), (x,), (unit.expand_as(x),))[1]
        laplacian = laplacian + slope[:, i]
    return float((score(q, x).square().sum(1) / 2 + laplacian).mean())


def _models(fit: Fitter, x: Tensor, fold: Tensor) -> list[LogValue]:
    """One model per fold, fitted without it."""
    return [_whitened(fit, x[fold != k]) for k in range(int(fold.max()) + 1)]


def _whitened(fit: Fitter, x: Tensor) -> LogValue:
    """Fit in coordinates with mean zero and covariance one."""
    centre = x.mean(0)
    _, values, axes = torch.linalg.svd((x - centre) / math.sqrt(len(x)), full_matrices=False)
    if float(values[-1]) <= bars.FLAT_DENSITY * float(values[0]):
        raise DataError(
            "x: expected points that fill their space, received points on a plane, where a density has no score; "
            "drop dependent columns, or use FromPoints"
        )
    whiten = axes.T / values
    inner = fit((x - centre) @ whiten)
    return lambda z: inner((z - centre) @ whiten)


def _matched(dictionary: Dictionary, w: Tensor) -> LogValue:
    """``q = c . phi`` with the least loss, a linear problem ``E[D phi D phi^T] c = -E[lap phi]``."""
    slopes = dictionary.jacobian(w)  # (batch, terms, n)
    rows = slopes.transpose(1, 2).reshape(-1, slopes.shape[1]) / math.sqrt(len(w))
    scale = torch.linalg.vector_norm(rows, dim=0).clamp_min(1e-12)
    gram = (rows / scale).T @ (rows / scale)
    ridge = _RIDGE / len(w) ** 0.5 * torch.eye(len(gram), dtype=w.dtype)
    coefficients = torch.linalg.solve(gram + ridge, -_laplacians(dictionary, w).mean(0) / scale) / scale
    return lambda z: dictionary.evaluate(z) @ coefficients


def _laplacians(dictionary: Dictionary, w: Tensor) -> Tensor:
    """Laplacians `(batch, terms)` of all terms."""
    total = torch.zeros_like(dictionary.evaluate(w))
    for unit in torch.eye(w.shape[1], dtype=w.dtype):
        along = unit.expand_as(w)

        def slope(z: Tensor, v: Tensor = along) -> Tensor:
            return torch.func.jvp(dictionary.evaluate, (z,), (v,))[1]

        total = total + torch.func.jvp(slope, (w,), (along,))[1]
    return total


def _kernel_density(w: Tensor, width: float) -> LogValue:
    """Logarithm of a sum of Gaussians about the points."""
    centres = _spread(w, _MOST_CENTRES)
    size = w.shape[1]
    bandwidth = width * (4 / ((size + 2) * len(centres))) ** (1 / (size + 4))

    def value(z: Tensor) -> Tensor:
        squares = (z[:, None, :] - centres).square().sum(2)
        return torch.logsumexp(-squares / (2 * bandwidth**2), dim=1)

    return value


def _spread(w: Tensor, count: int) -> Tensor:
    """At most ``count`` of the points, evenly taken."""
    return w[:: max(1, math.ceil(len(w) / count))]


def _surrogate(q: LogValue) -> Surrogate:
    """The model with one output column, as other surrogates have."""
    same = Frame(torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64))
    return Surrogate(lambda x: q(x)[:, None], same, same)


def _gradient_error(models: Sequence[LogValue], x: Tensor, excess: float) -> float:
    """Relative error of the score: scatter between training sets, and loss in excess of the best kind's."""
    scores = torch.stack([score(q, x) for q in models])
    count = len(models)
    spread = (scores - scores.mean(0)).square().sum() / count * (count - 1)
    size = scores.square().sum() / count
    return math.sqrt(float(spread / size) + max(excess, 0.0)) if size > 0 else math.inf
