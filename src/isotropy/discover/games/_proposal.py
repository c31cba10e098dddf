"""What evidence leaves of a proposed symmetry, and what it is worth."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ...action._action import Action
from ...algebra._lie_algebra import lie_algebra
from ...core import bars as cuts
from ...core._linalg import Cut
from ...errors import DataError
from ...symmetry import Certificate, Generator, Symmetry
from ...symmetry._domain import Seen
from ...symmetry.claims import Interval
from .. import bars
from ..discrete._order import order_of
from ..evidence._conclude import conclude, uncertainty
from ..evidence._evidence import Narrowed
from ..evidence._kernel import Kernel, relative_kernel
from ..evidence._question import Question
from ..shape._from_points import FromPoints
from ._judge import ElementJudge

_ALIKE = "neighbours were taken to predict values as well at moved points as where they are"
_POWERS = "whole powers of single elements were tried; nothing between them"
_ALONE = "an adversary proposed the generators; without other evidence that is no proof"


def conclude_map(question: Question, directions: Tensor) -> Symmetry:
    """Put the span of directions `(k, dim)` to the evidence of a direct road.

    What the span does not hold may still be a symmetry, so "none" is said only where all candidates are broken.
    """
    action, motion = question.action, _motion(question)
    combos = _independent(directions, motion)
    narrowed = replace(
        question,
        action=action.restrict(combos),
        evidence=Narrowed(question.evidence, combos),
        inquiry=None,  # that one is about all candidates
        check=lambda xi, x: question.check(xi @ combos, x),
        method=f"adversary, judged by {question.method}",
        limits=(*question.limits, f"{len(combos)} directions were proposed; others were not judged"),
    )
    found = conclude(narrowed)
    kernel = relative_kernel(narrowed.evidence.factors(), **question.rules)
    coefficients = found.coefficients @ combos
    doubt = uncertainty(kernel, dict(found.certificates), motion, coefficients)
    status = "undecided" if found.status == "none" and not _all_broken(question) else found.status
    return replace(found, candidates=action, coefficients=coefficients, uncertainty=doubt, status=status)


def conclude_cloud(
    road: str,
    action: Action,
    x: Tensor,
    directions: Tensor,
    rank: str | int | float,
    asked: tuple[float, float],
    seed: int,
) -> Symmetry:
    """Put a span to the tangent spaces of the points; where they fill the space nothing can be confirmed.

    Tolerance and level are ``asked``.
    """
    flat = directions / directions.norm(dim=1, keepdim=True)
    combos = _independent(flat, torch.eye(flat.shape[1], dtype=torch.float64))
    narrowed = action.restrict(combos)
    try:
        found = FromPoints(narrowed, rank=rank, tolerance=asked[0], level=asked[1], seed=seed).fit(x).symmetry_
    except DataError as error:
        return leave_open(road, action, combos, x, (_ALONE, str(error)))
    if found.status != "certified":
        return leave_open(road, action, combos, x, (_ALONE, *found.limits))
    return replace(
        found,
        candidates=action,
        coefficients=found.coefficients @ combos,
        uncertainty=(found.uncertainty.square() @ combos.square()).sqrt(),
        road=road,
        derivative=f"adversary, judged by {found.derivative}",
    )


def conclude_elements(
    road: str, action: Action, judge: ElementJudge, x: Tensor, directions: Tensor, asked: tuple[float, float], seed: int
) -> Symmetry:
    """Elements ``exp(xi)`` of directions `(k, dim)`, their orders, and whether held-out samples agree.

    Tolerance and level are ``asked``.
    """
    algebra = lie_algebra(action)
    elements = torch.linalg.matrix_exp(torch.stack([algebra.element(xi) for xi in directions]))
    orders = [order_of(g) for g in elements]
    powers = [power * xi for xi, order in zip(directions, orders, strict=True) for power in range(1, max(order, 2))]
    excess = judge.excess(torch.stack(powers), asked[1], seed)
    certificates = {**_element_certificates(judge, directions, orders), "tolerance": _excess(excess, *asked)}
    certified = all(c.passed for c in certificates.values())
    grade = "approximate" if certified else ""
    return replace(
        leave_open(road, action, directions[:0], x, (_ALIKE, _POWERS)),
        elements=elements,
        orders=tuple(orders),
        generators=tuple(Generator(excess.value, excess.lower, excess.upper, grade) for _ in elements),
        certificates=certificates,
        status="certified" if certified else "undecided",
        tolerance=asked[0],
        level=asked[1],
        derivative="adversary, judged by nearest neighbours",
    )


def _excess(excess: Interval, tolerance: float, level: float) -> Certificate:
    """Whether the worst power of an element is within the tolerance."""
    words = (
        f"the worst power is broken by {excess.value:.2g} of what chance would give, beyond what neighbours miss "
        f"anyway ({1 - level:.0%}: {excess.lower:.2g} to {excess.upper:.2g})"
    )
    return Certificate(excess.upper, tolerance, excess.upper <= tolerance, words)


def _element_certificates(judge: ElementJudge, directions: Tensor, orders: list[int]) -> dict[str, Certificate]:
    """Held-out errors of the elements and of their powers, against those halfway."""
    powers = [power * xi for xi, order in zip(directions, orders, strict=True) for power in range(1, max(order, 2))]
    worst = max(judge.error(xi) for xi in powers) / judge.still
    halfway = min(judge.error(0.5 * xi) for xi in directions) / judge.still
    gap = (halfway - 1) / max(worst - 1, bars.LEAST_EXCESS)
    return {
        "held_out": Certificate(
            worst,
            bars.MOST_MISMATCH,
            worst <= bars.MOST_MISMATCH,
            f"neighbours predict held-out values at moved points {worst:.3g} times as badly as where they are",
        ),
        "gap": Certificate(gap, cuts.MIN_GAP, gap >= cuts.MIN_GAP, f"halfway they do so {halfway:.3g} times as badly"),
        "order": Certificate(
            float(min(orders)),
            float(bars.LEAST_ORDER),
            min(orders) >= bars.LEAST_ORDER,
            f"repeated {orders} times they come back (0 is never)",
        ),
    }


def leave_open(road: str, action: Action, combos: Tensor, x: Tensor, limits: tuple[str, ...]) -> Symmetry:
    """A proposal `(k, dim)` from points `(S, *event)` that nothing has confirmed."""
    algebra = lie_algebra(action)
    none = algebra.span(combos[:0])
    doubt = combos.abs().amax(dim=1, keepdim=True).expand_as(combos) * bars.PROPOSED_DOUBT if len(combos) else combos
    return Symmetry(
        candidates=action,
        coefficients=combos,
        algebra=algebra.span(combos),
        uncertainty=doubt,
        status="undecided",
        trivial=none,
        transversal=none,
        generators=tuple(Generator() for _ in combos),
        cut=len(combos),
        domain=Seen.of(x).domain(),
        road=road,
        derivative="adversary",
        limits=limits,
    )


def _independent(directions: Tensor, motion: Tensor) -> Tensor:
    """Rows of the same span `(r, dim)`, orthonormal in the motion, without those that channels share."""
    _, sizes, axes = torch.linalg.svd(motion @ directions.T, full_matrices=False)
    kept = sizes > bars.SAME_CHANNEL * sizes[0]
    return (axes[kept] / sizes[kept, None]) @ directions


def _motion(question: Question) -> Tensor:
    factors = question.evidence.factors()
    return torch.cat([factors.moved, factors.turned])


def _all_broken(question: Question) -> bool:
    kernel: Kernel = relative_kernel(question.evidence.factors(), **question.rules)
    cut: Cut = kernel.cut
    return not cut.dim and kernel.all_broken
