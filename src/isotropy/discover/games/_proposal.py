"""What evidence leaves of a proposed symmetry, and what it is worth."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...core._linalg import MIN_GAP, Cut
from ...errors import DataError
from ..evidence._certificates import Certificate, lie_algebra
from ..evidence._conclude import Question, _uncertainty, conclude
from ..evidence._kernel import Kernel, relative_kernel
from ..evidence._result import Discovery
from ..shape._from_points import FromPoints
from ._judge import ElementJudge, Narrowed

_DEPENDENT = 1e-3  # of the largest: smaller singular values of a proposal say that channels agree
_LARGEST_ORDER = 32
_ANGLE = 0.01  # relative: a whole fraction of a turn is recognised within it
_MOST_MISMATCH = 1.25  # of the mismatch of the identity
_ALONE = "an adversary proposed the generators; without other evidence that is no proof"


def conclude_map(result: Discovery, question: Question, directions: Tensor) -> None:
    """Put the span of directions `(k, dim)` to the evidence of a direct road, and fill ``result``.

    What the span does not hold may still be a symmetry, so "none" is said only where all candidates are broken.
    """
    action, motion = question.action, _motion(question)
    combos = _independent(directions, motion)
    narrowed = replace(
        question,
        action=action.restrict(combos),
        evidence=Narrowed(question.evidence, combos),
        check=lambda xi, x: question.check(xi @ combos, x),
        method=f"adversary, judged by {question.method}",
        limits=[*question.limits, f"{len(combos)} directions were proposed; others were not judged"],
    )
    conclude(result, narrowed)
    kernel = relative_kernel(narrowed.evidence.factors(), **question.rules)
    result.candidates_ = action
    result.coefficients_ = result.coefficients_ @ combos
    result.action_ = action.restrict(result.coefficients_, result.algebra_)
    result.uncertainty_ = _uncertainty(kernel, result.certificates_, motion, result.coefficients_)
    if result.status_ == "none" and not _all_broken(question):
        result.status_ = "undecided"


def conclude_cloud(
    result: Discovery, action: Action, x: Tensor, directions: Tensor, rank: str | int | float, seed: int
) -> None:
    """Put a span to the tangent spaces of the points; where they fill the space nothing can be confirmed."""
    flat = directions / directions.norm(dim=1, keepdim=True)
    combos = _independent(flat, torch.eye(flat.shape[1], dtype=torch.float64))
    narrowed = action.restrict(combos)
    try:
        found = FromPoints(narrowed, rank=rank, seed=seed).fit(x)
    except DataError as error:
        _leave_open(result, action, combos, [_ALONE, str(error)])
        return
    if found.status_ != "certified":
        _leave_open(result, action, combos, [_ALONE, *found.limits_])
        return
    result.__dict__.update({name: value for name, value in vars(found).items() if name in Discovery.__annotations__})
    result.candidates_, result.coefficients_ = action, found.coefficients_ @ combos
    result.uncertainty_ = (found.uncertainty_.square() @ combos.square()).sqrt()
    result.method_ = f"adversary, judged by {found.method_}"


def conclude_elements(result: Any, action: Action, judge: ElementJudge, directions: Tensor) -> None:
    """Elements ``exp(xi)`` of directions `(k, dim)`, their orders, and whether held-out samples agree."""
    algebra = lie_algebra(action)
    still = directions[:0]
    _leave_open(result, action, still, ["whole powers of single elements were tried; nothing between them"])
    result.elements_ = torch.linalg.matrix_exp(torch.stack([algebra.element(xi) for xi in directions]))
    result.orders_ = [order_of(g) for g in result.elements_]
    result.certificates_ = _element_certificates(judge, directions, result.orders_)
    result.status_ = "certified" if all(c.passed for c in result.certificates_.values()) else "undecided"
    result.method_ = "adversary, judged by nearest neighbours"


def order_of(g: Tensor) -> int:
    """How often an element `(n, n)` has to be repeated to come back to the identity, or 0.

    Angles of its eigenvalues count as whole fractions of a turn within one per cent.
    """
    values = torch.linalg.eigvals(g.to(torch.float64))
    angles = values.angle()
    if float((values.abs().log()).abs().max()) > 0.1 or float(angles.abs().max()) < _ANGLE:
        return 0
    for order in range(2, _LARGEST_ORDER + 1):
        turns = (order * angles / (2 * math.pi)).round()
        off = (angles - 2 * math.pi * turns / order).abs()
        if bool((off <= torch.maximum(_ANGLE * angles.abs(), torch.tensor(_ANGLE / order))).all()):
            return order
    return 0


def _element_certificates(judge: ElementJudge, directions: Tensor, orders: list[int]) -> dict[str, Certificate]:
    """Held-out errors of the elements and of their powers, against those halfway."""
    powers = [power * xi for xi, order in zip(directions, orders, strict=True) for power in range(1, max(order, 2))]
    worst = max(judge.error(xi) for xi in powers) / judge.still
    halfway = min(judge.error(0.5 * xi) for xi in directions) / judge.still
    gap = (halfway - 1) / max(worst - 1, 1e-3)
    return {
        "held_out": Certificate(
            worst,
            _MOST_MISMATCH,
            worst <= _MOST_MISMATCH,
            f"neighbours predict held-out values at moved points {worst:.3g} times as badly as where they are",
        ),
        "gap": Certificate(gap, MIN_GAP, gap >= MIN_GAP, f"halfway they do so {halfway:.3g} times as badly"),
        "order": Certificate(
            float(min(orders)), 2.0, min(orders) >= 2, f"repeated {orders} times they come back (0 is never)"
        ),
    }


def _leave_open(result: Discovery, action: Action, combos: Tensor, limits: list[str]) -> None:
    """Fill ``result`` with a proposal that nothing has confirmed."""
    result.candidates_ = action
    result.coefficients_ = combos
    result.algebra_ = lie_algebra(action).span(combos)
    result.action_ = action.restrict(combos, result.algebra_)
    result.trivial_ = result.transversal_ = lie_algebra(action).span(combos[:0])
    result.spectrum_, result.gap_, result.cut_ = torch.zeros(0, dtype=torch.float64), math.nan, len(combos)
    result.status_, result.certificates_ = "undecided", {}
    result.uncertainty_ = combos.abs().amax(dim=1, keepdim=True).expand_as(combos) * 0.05 if len(combos) else combos
    result.method_, result.limits_ = "adversary", limits


def _independent(directions: Tensor, motion: Tensor) -> Tensor:
    """Rows of the same span `(r, dim)`, orthonormal in the motion, without those that channels share."""
    _, sizes, axes = torch.linalg.svd(motion @ directions.T, full_matrices=False)
    kept = sizes > _DEPENDENT * sizes[0]
    return (axes[kept] / sizes[kept, None]) @ directions


def _motion(question: Question) -> Tensor:
    factors = question.evidence.factors()
    return torch.cat([factors.moved, factors.turned])


def _all_broken(question: Question) -> bool:
    kernel: Kernel = relative_kernel(question.evidence.factors(), **question.rules)
    cut: Cut = kernel.cut
    return not cut.dim and kernel.all_broken
