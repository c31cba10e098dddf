"""From samples and two actions to a claim, without units."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...core._checks import as_points
from ...errors import RepresentationMismatchError
from . import bars
from ._bounds import learnt_claim
from ._claim import LearntClaim
from ._class_gate import affordable
from ._forms import Denominator, learnt_forms, matrices_of
from ._polynomial_class import PolynomialClass


def claim_from_samples(
    x: Tensor,
    y: Tensor,
    rho_in: Action,
    rho_out: Action,
    *,
    domain: Tensor | None = None,
    weights: Tensor | None = None,
    denominator: Denominator = "shuffled",
    **options: Any,
) -> LearntClaim:
    """Say which candidates are symmetries of a map ``y = f(x) + noise``, learnt as a polynomial.

    Parameters
    ----------
    x, y : Tensor
        `(N, n)` and `(N, m)` or `(N,)`.
    rho_in, rho_out : Action
        Actions of the candidates on points and, linearly, on outputs.
    domain : Tensor, optional
        `(points, n)` over which the defect is taken, with ``weights`` `(points,)`. Left out: the samples.
    denominator : "shuffled" or "terms"
        What a defect is compared with; see ``learnt_forms``.
    options
        Of ``learnt_claim``: tolerance, level, wider_level, rivals, robust, seed.

    Raises
    ------
    RepresentationMismatchError
        If the outputs do not move linearly, or sizes differ.
    DataError
        If the domain is flat or the samples are too few.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> draw = torch.Generator().manual_seed(0)
    >>> x = torch.randn(200, 2, dtype=torch.float64, generator=draw)
    >>> y = x.square().sum(1) + 0.1 * torch.randn(200, dtype=torch.float64, generator=draw)
    >>> G = iso.gl(2)
    >>> found = claim_from_samples(x, y, G.vector(), G.scalar())
    >>> found.status, len(found.directions), found.chosen.degree
    ('certified', 1, 2)
    """
    x = as_points(x, "x", rho_in.event).to("cpu", torch.float64)
    y = as_points(y.reshape(len(x), -1), "y", (rho_out.size,)).to("cpu", torch.float64)
    points = _thinned(x) if domain is None else as_points(domain, "domain", rho_in.event).to("cpu", torch.float64)
    turns = _turns(rho_out, points)
    family = PolynomialClass(points, _largest_degree(x.shape[1], min(len(x), len(points))), weights)
    metric = _metric(y, family, turns)
    forms = learnt_forms(family, rho_in.fields(points), turns, rho_out.size, metric, denominator)
    return learnt_claim(x, y if metric is None else y @ metric, family, forms, **options)


def _turns(rho_out: Action, points: Tensor) -> Tensor | None:
    """Matrices of the outputs, one for all points where they are constant; None where outputs stay."""
    still = torch.zeros(len(points), rho_out.size, dtype=torch.float64)
    if bool((rho_out.fields(still, at=points) != 0).any()):
        raise RepresentationMismatchError(
            "rho_out: expected outputs that move linearly (a zero output stays zero), received an action that does "
            "not; use a Representation, Trivial or rho_in.tangent()"
        )
    turns = matrices_of(rho_out, points)
    if not bool(turns.any()):
        return None
    return turns[0] if bool((turns == turns[:1]).all()) else turns


def _metric(y: Tensor, family: PolynomialClass, turns: Tensor | None) -> Tensor | None:
    """Lengths of outputs without units: of velocities those of the points, of other outputs their covariance's.

    The covariance of a velocity would blow up a component that is all noise.
    """
    if y.shape[1] == 1:
        return None
    if turns is not None and y.shape[1] == family.size:
        return torch.linalg.inv(family.root)
    centred = y - y.mean(0)
    spread = centred.square().mean(0).sqrt().clamp_min(1e-300)
    values, axes = torch.linalg.eigh((centred / spread).T @ (centred / spread) / len(y))
    kept = values.clamp_min(bars.ROUNDING * float(values.amax()))
    return (axes * kept.rsqrt()) @ axes.T / spread[:, None]


def _largest_degree(size: int, samples: int) -> int:
    """Largest degree to look at that leaves samples for the noise."""
    degree = 1
    while degree < bars.MOST_DEGREE + bars.WIDER and affordable(math.comb(size + degree + 1, size), samples):
        degree += 1
    return degree


def _thinned(x: Tensor) -> Tensor:
    """At most so many samples, evenly by their order, as norms need no more."""
    step = -(-len(x) // bars.MOST_POINTS)
    return x[::step]
