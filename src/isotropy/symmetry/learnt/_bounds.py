"""What may be claimed of the symmetries of a map learnt from noisy samples, at a tolerance and a level."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...core._checks import require_fraction
from ...errors import DataError
from ..claims import Interval, without_limits
from ..claims import bars as limits
from ..claims._closure import closure_of
from ..claims._sentence import sentence
from ..claims._span import Factors
from . import bars
from ._claim import LearntClaim
from ._class_gate import ChosenClass, choose_degree, held_out_p_value
from ._debiased import factor_of
from ._forms import LearntForms
from ._judgement import LearntJudgement
from ._polynomial_class import PolynomialClass
from ._question import Question

LADDER = (1e-3, 0.01, 0.03, 0.1)  # tolerances that are counted beside the one asked for


def learnt_claim(x: Tensor, y: Tensor, family: PolynomialClass, forms: LearntForms, **options: Any) -> LearntClaim:
    """Say which candidates are symmetries of the map behind samples; arguments are those of ``judge_learnt``."""
    return judge_learnt(x, y, family, forms, **options).claim


def judge_learnt(
    x: Tensor,
    y: Tensor,
    family: PolynomialClass,
    forms: LearntForms,
    *,
    tolerance: float = 0.05,
    level: float = 0.05,
    wider_level: float | None = None,
    size: int | float | None = None,
    rivals: Tensor | None = None,
    brackets: Tensor | None = None,
    robust: bool = False,
    seed: int = 0,
) -> LearntJudgement:
    """Say which candidates are symmetries of the map behind samples.

    Parameters
    ----------
    x : Tensor
        `(N, n)` samples.
    y : Tensor
        `(N, outputs)` values with noise, in the outputs of the metric of ``forms``.
    family : PolynomialClass
        Polynomials up to the largest degree to look at, on the domain of the claim.
    forms : LearntForms
        Their Lie derivatives along the candidates.
    tolerance : float
        Defect that is accepted.
    level : float
        Probability with which a certified generator may have a true defect above the tolerance.
    wider_level : float, optional
        The same in the next two classes; ``level`` itself is strict. Left out: by whether any map of the class has
        symmetries.
    size : int or float, optional
        How many of the least broken directions to judge, or up to which defect; as many as are within the tolerance
        if left out.
    rivals : Tensor, optional
        `(N, outputs)` held-out residuals of the best of other kinds of map.
    brackets : Tensor, optional
        Structure constants `(dim, dim, dim)` of the candidates; without them closure is not judged.
    robust : bool
        Whether the noise may depend on the point.
    seed : int
        Of the draws of the noise.

    Raises
    ------
    DataError
        If there are too few samples for a linear map, or a number is not between 0 and 1.
    """
    for number, name in ((tolerance, "tolerance"), (level, "level"), (wider_level, "wider_level")):
        if number is not None:
            require_fraction(number, name)
    y = y.to("cpu", torch.float64)
    phi = family.evaluate(x)
    chosen = choose_degree(family, phi, y, level / 2)
    if chosen.degree == 0:
        raise DataError(f"x: expected samples enough for a linear map, received {len(x)}; bring more data")
    question = Question(phi, y, family, forms, chosen, level, wider_level, robust, seed)
    held_out = 1.0 if rivals is None else worse(question.left_out, rivals.to(torch.float64))
    spectrum = question.directions.squares.clamp_min(0).sqrt()
    asked = wanted(size, spectrum)
    errors = question.errors(max(tolerance, *LADDER) if asked is None else math.inf)
    carried = _carried(family, x, question)
    leverage = float(carried @ torch.linalg.qr(question.phi)[0].square().sum(1) / carried.sum().clamp_min(1e-300))
    effective = float(carried.sum().square() / carried.square().sum().clamp_min(1e-300))
    count = _within(errors, tolerance) if asked is None else asked
    none = bool(errors) and errors[0].lower > tolerance and not count
    shown = 0 if none else max(count, min(1, len(errors)))
    closure = _closure(brackets, question, shown)
    ignored, effect = question.ignored(tolerance)
    silent = question.directions.quiet[ignored:]
    doubt = refuted = _doubt(chosen, held_out, level / 2, leverage, effective)
    passed = 0 < count <= _within(errors, tolerance)
    if passed and not doubt and closure > limits.MOST_CLOSURE:
        doubt = f"the tolerance cuts through a multiplet: brackets leave the span by {closure:.2g} of their size"
    claim = LearntClaim(
        status="undecided" if doubt else "certified" if passed else "none" if none and not len(silent) else "undecided",
        directions=question.directions.order[:shown],
        grades=("approximate",) * shown,
        errors=tuple(errors[:shown]),
        effects=tuple(question.effects(errors[:shown])),
        span=errors[max(shown, 1) - 1] if errors else Interval(0.0, 0.0, 0.0),
        spectrum=spectrum.sort(descending=True).values,
        ladder={0.0: 0} | {t: _within(errors, t) for t in sorted({*LADDER, tolerance})},
        ignored=question.directions.quiet[: 0 if doubt else ignored],
        ignored_effect=0.0 if doubt else effect,
        trivial=question.directions.trivial,
        samples=len(x),
        effective=effective,
        closure=closure,
        floor=0.0,
        tolerance=tolerance,
        level=level,
        seed=seed,
        why="",
        silent=silent,
        chosen=chosen,
        held_out=held_out,
        leverage=leverage,
        wider_level=wider_level,
    )
    if refuted:
        claim = without_limits(claim)  # limits inside a class that does not hold are worse than none
    elif doubt:
        claim = replace(claim, ladder=dict.fromkeys(claim.ladder, 0))
    return LearntJudgement(replace(claim, why=sentence(claim, doubt or _open(len(silent)))), question)


def wanted(size: int | float | None, spectrum: Tensor) -> int | None:
    """How many directions to judge, of defects `(r,)` in any order; None for as many as are within the tolerance."""
    if isinstance(size, float):
        return int((spectrum <= size).sum())
    return None if size is None else min(size, len(spectrum))


def _closure(brackets: Tensor | None, question: Question, size: int) -> float:
    """Part of the brackets of the first directions outside their span, by what they do to the map."""
    if brackets is None:
        return 0.0
    root = factor_of(question.directions.chance)
    return closure_of(brackets, Factors(root, root, root), question.directions.order, question.directions.order[:size])


def _open(silent: int) -> str:
    """What stands in the way of an answer where nothing speaks against the class."""
    if not silent:
        return "the interval holds the tolerance"
    return f"the map answers to {silent} direction{'s' * (silent > 1)} too weakly to judge"


def _within(errors: list[Interval], tolerance: float) -> int:
    """How many leading directions have their limit within a tolerance."""
    return sum(e.upper <= tolerance for e in errors)  # limits only grow


def worse(ours: Tensor, rivals: Tensor) -> float:
    """p-value of residuals `(N, outputs)`, out of sample, being worse, each output in units of its rival's error."""
    unit = rivals.square().mean(0).clamp_min(1e-300)
    return held_out_p_value((ours.square() / unit).sum(1), (rivals.square() / unit).sum(1))


def _carried(family: PolynomialClass, x: Tensor, question: Question) -> Tensor:
    """What each of the samples `(N,)` carries: the squares of gradient and of affine motion."""
    z = family.whiten(x)
    outputs = question.forms.outputs
    beta = question.fit.beta.unflatten(0, (-1, outputs))
    gradients = torch.einsum("pqn,qo->pno", family.slopes(z)[:, : len(beta)], beta)
    return gradients.square().sum((1, 2)) * (1 + z.square().sum(1))


def _doubt(chosen: ChosenClass, held_out: float, level: float, leverage: float, effective: float) -> str:
    """Why nothing is said of the map, whatever its limits."""
    if held_out < level:
        return (
            f"polynomials of degree {chosen.degree} are worse on samples held out than another kind of map "
            f"(p = {held_out:.2g}, required at least {level:g}); a class that is too small is too symmetric"
        )
    if leverage > bars.MOST_LEVERAGE:
        return (
            f"few samples far out carry the answer (leverage {leverage:.2f}, allowed {bars.MOST_LEVERAGE:g}); "
            "bring more samples, or name a domain among them"
        )
    if not chosen.wider:
        return (
            f"polynomials of degree {chosen.degree} could not be compared with wider ones; "
            "bring more samples, or allow a larger degree"
        )
    if effective < limits.LEAST_EFFECTIVE:
        return f"only {effective:.0f} samples carry the answer"
    return ""
