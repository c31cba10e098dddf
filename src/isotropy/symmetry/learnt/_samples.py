"""From samples and two actions to a claim, without units."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...algebra._lie_algebra import LieAlgebra
from ...core._checks import as_points
from . import bars
from ._bounds import judge_learnt
from ._claim import LearntClaim
from ._class_gate import affordable
from ._forms import Denominator, learnt_forms
from ._judgement import LearntJudgement
from ._outputs import output_metric, turns_of
from ._polynomial_class import PolynomialClass


def claim_from_samples(x: Tensor, y: Tensor, rho_in: Action, rho_out: Action, **options: Any) -> LearntClaim:
    """Say which candidates are symmetries of a map ``y = f(x) + noise``, learnt as a polynomial.

    Arguments are those of ``judge_samples``.

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
    return judge_samples(x, y, rho_in, rho_out, **options).claim


def judge_samples(
    x: Tensor,
    y: Tensor,
    rho_in: Action,
    rho_out: Action,
    *,
    domain: Tensor | None = None,
    weights: Tensor | None = None,
    denominator: Denominator = "shuffled",
    rivals: Tensor | None = None,
    **options: Any,
) -> LearntJudgement:
    """The claim of ``claim_from_samples``, which can be asked about other bases too.

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
    rivals : Tensor, optional
        `(N, m)` residuals, out of sample, of the best of other kinds of map.
    options
        Of ``judge_learnt``: tolerance, level, wider_level, size, robust, seed.

    Raises
    ------
    RepresentationMismatchError
        If the outputs do not move linearly, or sizes differ.
    DataError
        If the domain is flat or the samples are too few.
    """
    x = as_points(x, "x", rho_in.event).to("cpu", torch.float64)
    y = as_points(y.reshape(len(x), -1), "y", (rho_out.size,)).to("cpu", torch.float64)
    points = _thinned(x) if domain is None else as_points(domain, "domain", rho_in.event).to("cpu", torch.float64)
    turns = turns_of(rho_out, points)
    family = PolynomialClass(points, _largest_degree(rho_in, rho_out, min(len(x), len(points))), weights)
    metric = output_metric(y, family, rho_out, turns is not None)
    if turns is not None and bool((turns == turns[:1]).all()):
        turns = turns[0]
    forms = learnt_forms(family, rho_in.fields(points), turns, rho_out.size, metric, denominator)
    brackets = rho_in.algebra.structure_constants if isinstance(rho_in.algebra, LieAlgebra) else None
    theirs = None if rivals is None else rivals.to("cpu", torch.float64).reshape(len(x), -1) @ metric
    found = judge_learnt(x, y @ metric, family, forms, rivals=theirs, brackets=brackets, **options)
    return replace(found, metric=metric)


def _largest_degree(rho_in: Action, rho_out: Action, samples: int) -> int:
    """Largest degree to look at that leaves samples for the noise, and whose forms fit into memory."""
    degree, size = 1, rho_in.size
    while degree < bars.MOST_DEGREE + bars.WIDER:
        terms = math.comb(size + degree + 1, size)
        entries = rho_in.algebra.dim * (size + 1) * (terms * rho_out.size) ** 2
        if not affordable(terms, samples) or entries > bars.MOST_ENTRIES:
            break
        degree += 1
    return degree


def _thinned(x: Tensor) -> Tensor:
    """At most so many samples, evenly by their order, as norms need no more."""
    step = -(-len(x) // bars.MOST_POINTS)
    return x[::step]
