"""Limits of what was found in a learnt map: those of the map itself, wider by the error of its gradient."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from ...action._action import Action
from ...symmetry import Certificate, Generator, Symmetry
from ...symmetry.claims import Interval, Rows, claim, measured, rows_of
from .. import bars
from ..limits._metric import whitening
from ._cross_fit import CrossFit

_MOST = 4000  # samples
_UNKNOWN = "the samples do not determine the gradient of the map, so that errors have no limits"


def rows_out_of_fold(cross: CrossFit, x: Tensor, rho_in: Action, rho_out: Action) -> Rows:
    """The learnt map at samples `(S, *event)`, each by the model that did not see it.

    Outputs come in the metric of their covariance, summand by summand. Components that are no wider than what the
    learnt map is off by, as where outputs lie in a plane, are its errors and nothing else: they are left out.
    """
    parts = [
        rows_of(f, x[cross.fold == index][:_MOST], rho_in, rho_out)
        for index, f in enumerate(cross.maps)
        if bool((cross.fold == index).any())
    ]
    names = ("lie", "jacobian", "moved", "turned", "values", "points")
    rows = replace(parts[0], **{name: torch.cat([getattr(part, name) for part in parts]) for name in names})
    metric = whitening(rows.values, rows.blocks, bars.KNOWN_OUTPUT * cross.value_error)
    return replace(
        rows,
        lie=metric @ rows.lie,
        jacobian=metric @ rows.jacobian,
        turned=rows.turned @ metric.T,
        values=rows.values @ metric.T,
        blocks=(),
    )


def allowing(
    found: Symmetry, rows: Rows, error: float, asked: tuple[float, float], seed: int, reach: float = 1.0
) -> Symmetry:
    """A symmetry with intervals at samples of a learnt map, whose gradient is off by ``error``, relative to its size.

    An error of the gradient changes the defect by at most ``reach`` times as much, so that both limits move by it: once
    where it has nothing to do with the motion, more often where it may point along it. Certified stays what is within
    the tolerance then; "none" stays where every candidate is out of it. A gradient that the samples do not determine
    has no limits. Tolerance and level are ``asked``.
    """
    tolerance, level = asked
    where = "as if that pointed anywhere" if reach == 1 else "wherever it points, if no larger where motions are"
    # As good as chance; no number at all where no signal stands out of the noise.
    told, error = min(error, 1.0), min(error, 1.0) * reach
    words = f"the map was learnt: limits are wider by the error of its gradient, {told:.1%}, {where}"
    said = replace(found, tolerance=tolerance, level=level, limits=(*found.limits, words))
    gradient = found.certificates.get("gradient")
    if gradient is not None and not gradient.passed:
        ladder = {0.0: 0, tolerance: 0}
        return replace(said, status="undecided", ladder=ladder, limits=(*found.limits, _UNKNOWN))
    if not found.dim:
        least = claim(rows, tolerance, level, seed=seed).span
        refuted = least.lower - error > tolerance
        return replace(said, status="none" if found.status == "none" and refuted else "undecided")
    seen = measured(rows.along(found.coefficients), level, seed)
    span = _wider(seen.span, error)
    check = Certificate(
        span.upper,
        tolerance,
        span.upper <= tolerance,
        f"the worst of {found.dim} generators is broken by {span.value:.2g} of what chance would give "
        f"({1 - level:.0%}, with the error of the gradient: {span.lower:.2g} to {span.upper:.2g})",
    )
    certified = found.status == "certified" and check.passed
    members = zip((_wider(one, error) for one in seen.errors), seen.effects, strict=True)
    return replace(
        said,
        status="certified" if certified else "undecided",
        certificates={**found.certificates, "tolerance": check},
        generators=tuple(_numbers(one, effect, certified) for one, effect in members),
        ladder={0.0: 0, tolerance: found.dim if certified else 0},
        domain=replace(found.domain, effective=seen.effective),
    )


def _wider(one: Interval, error: float) -> Interval:
    """An interval with an allowance; one of a generator that the map ignores starts at nothing."""
    known = one if math.isfinite(one.value) else Interval(0.0, 0.0, 0.0)
    return Interval(known.value, max(known.lower - error, 0.0), known.upper + error)


def _numbers(error: Interval, effect: Interval, certified: bool) -> Generator:
    grade = "approximate" if certified else ""
    return Generator(error.value, error.lower, error.upper, grade, effect.value, effect.lower, effect.upper)
