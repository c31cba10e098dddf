"""What may be claimed of the symmetries of a map learnt from noisy samples, at a tolerance and a level."""

from __future__ import annotations

import torch
from torch import Tensor

from ...core._checks import require_fraction
from ...errors import DataError
from ..claims import Interval
from . import bars
from ._claim import LearntClaim
from ._class_gate import ChosenClass, choose_degree, held_out_p_value
from ._forms import LearntForms
from ._linear_fit import LinearFit
from ._polynomial_class import PolynomialClass
from ._question import Question

LADDER = (1e-3, 0.01, 0.03, 0.1)  # tolerances that are counted beside the one asked for


def learnt_claim(
    x: Tensor,
    y: Tensor,
    family: PolynomialClass,
    forms: LearntForms,
    *,
    tolerance: float = 0.05,
    level: float = 0.05,
    wider_level: float = bars.WIDER_LEVEL,
    rivals: Tensor | None = None,
    robust: bool = False,
    seed: int = 0,
) -> LearntClaim:
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
    wider_level : float
        The same in the next two classes; ``level`` itself is strict.
    rivals : Tensor, optional
        `(N, outputs)` held-out residuals of the best of other kinds of map.
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
        require_fraction(number, name)
    y = y.to("cpu", torch.float64)
    phi = family.evaluate(x)
    chosen = choose_degree(family, phi, y, level / 2)
    if chosen.degree == 0:
        raise DataError(f"x: expected samples enough for a linear map, received {len(x)}; bring more data")
    question = Question(phi, y, family, forms, chosen, level, wider_level, robust, seed)
    held_out = 1.0 if rivals is None else _held_out(question.fit, question.phi, rivals)
    errors = question.errors(max(tolerance, *LADDER))
    leverage = _leverage(family, x, question)
    doubt = _doubt(chosen, held_out, level / 2, leverage)
    count = 0 if doubt else _within(errors, tolerance)
    shown = max(count, min(1, len(errors)))
    none = bool(errors) and errors[0].lower > tolerance
    return LearntClaim(
        status="certified" if count else "none" if none and not doubt else "undecided",
        directions=question.directions.order[:shown],
        grades=tuple("exact" if e.upper <= bars.EXACT else "approximate" for e in errors[:shown]),
        errors=tuple(errors[:shown]),
        effects=tuple(question.effects(errors[:shown])),
        ladder={t: 0 if doubt else _within(errors, t) for t in sorted({*LADDER, tolerance})},
        ignored=question.directions.ignored,
        trivial=question.directions.trivial,
        chosen=chosen,
        held_out=held_out,
        leverage=leverage,
        samples=len(x),
        tolerance=tolerance,
        level=level,
        wider_level=wider_level,
        seed=seed,
        why=doubt,
    )


def _within(errors: list[Interval], tolerance: float) -> int:
    """How many leading directions have their limit within a tolerance."""
    return sum(e.upper <= tolerance for e in errors)  # limits only grow


def _held_out(fit: LinearFit, phi: Tensor, rivals: Tensor) -> float:
    """p-value of the class being worse on samples held out one by one, each output in units of its rival's error."""
    leverage = torch.linalg.qr(phi)[0].square().sum(1, keepdim=True)
    unit = rivals.to(torch.float64).square().mean(0).clamp_min(1e-300)
    ours = (fit.residuals / (1 - leverage)).square() / unit
    return held_out_p_value(ours.sum(1), (rivals.to(torch.float64).square() / unit).sum(1))


def _leverage(family: PolynomialClass, x: Tensor, question: Question) -> float:
    """Leverage of the samples, weighted by the squares of gradient and of affine motion."""
    z = family.whiten(x)
    outputs = question.forms.outputs
    beta = question.fit.beta.unflatten(0, (-1, outputs))
    gradients = torch.einsum("pqn,qo->pno", family.slopes(z)[:, : len(beta)], beta)
    carried = gradients.square().sum((1, 2)) * (1 + z.square().sum(1))
    leverage = torch.linalg.qr(question.phi)[0].square().sum(1)
    return float(carried @ leverage / carried.sum().clamp_min(1e-300))


def _doubt(chosen: ChosenClass, held_out: float, level: float, leverage: float) -> str:
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
    return ""
