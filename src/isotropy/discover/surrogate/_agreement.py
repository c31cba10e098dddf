"""Whether polynomials and another kind of map agree on the gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from ...symmetry.learnt import LearntJudgement
from ._contest import CHUNK, JACOBIAN_POINTS, fits_as_well
from ._cross_fit import CrossFit, Surrogate


def disagreement(found: LearntJudgement, cross: CrossFit, x: Tensor, y: Tensor) -> float:
    """Distance of the gradients of the chosen polynomials and of the best kind without a class of its own.

    In units of the errors of both: the covariance of the coefficients, and the jackknife over folds. 0 where no such
    kind fits as well as the best does; a surrogate that is known to be wrong is no witness.
    """
    free = [kind for kind in cross.entrants if not kind.startswith("polynomial")]
    if not free:
        return 0.0
    kind = min(free, key=lambda name: cross.scores[name].value_error)
    best = cross.residuals(x, y, cross.best_fitting).square()
    unit = best.mean(0).clamp_min(1e-300)
    if not fits_as_well((cross.residuals(x, y, kind).square() / unit).sum(1), (best / unit).sum(1)):
        return 0.0
    points = x[:JACOBIAN_POINTS]
    ours, our_error = found.gradients(points)
    theirs = torch.stack([found.carried(_jacobians(model, points)) for model in cross.entrants[kind]])
    mean, count = theirs.mean(0), len(theirs)
    their_error = (theirs - mean).square().sum() * (count - 1) / count  # jackknife
    return float(((ours - mean).square().sum() / (our_error + their_error).clamp_min(1e-300)).sqrt())


def _jacobians(model: Surrogate, x: Tensor) -> Tensor:
    return torch.func.vmap(torch.func.jacrev(model), chunk_size=CHUNK)(x)
