"""From trajectories to a question that a claim answers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...action._action import Action
from ...derivative._lie_derivative import LieDerivative
from ...errors import DataError
from ...symmetry._domain import Seen
from ...symmetry.learnt import bars as learnt
from .. import bars
from ..evidence._evidence import Evidence
from ..evidence._question import Question
from ..surrogate._sampled import observed_check
from ._field import WeakField, weak_doubt, weak_field
from ._judgement import WeakInquiry
from ._target import extrapolation

_SHOWN = 256  # states at which finite motions are tried


def learnt_field(
    pairs: Sequence[tuple[Tensor, Tensor]], points: Tensor | None, level: float
) -> tuple[WeakField | None, str]:
    """The field behind trajectories, with the reason why nothing may be claimed of it, or an empty one."""
    long = [pair for pair in pairs if len(pair[0]) >= bars.LEAST_TRACK]
    if not long:
        return None, f"no trajectory has {bars.LEAST_TRACK} samples, from which an integral could be taken"
    domain = thinned(torch.cat([x for x, _ in long])) if points is None else points
    try:
        field = weak_field(long, domain, level)
    except DataError as error:  # the states lie in a plane, or in a few points
        return None, str(error)
    return field, weak_doubt(field, level)


def weak_question(
    road: str, field: WeakField, states: Tensor, inquiry: WeakInquiry, rank: str | int | float, elsewhere: bool
) -> Question:
    """The question that trajectories with states `(S, n)` can answer, over these or over a domain elsewhere."""
    action = inquiry.action
    domain = field.family.centre + field.family.points @ field.family.root
    evidence = Evidence(action, action.tangent(), 1)
    _gather(evidence, field, domain[:: max(1, len(domain) // _SHOWN)], action)
    return Question(
        road=road,
        action=action,
        evidence=evidence,
        points=domain[:: max(1, len(domain) // _SHOWN)],
        domain=Seen.of(states).domain(),
        check=observed_check(field.velocity, domain, action, action.tangent()),
        rank=rank,
        seed=inquiry.seed,
        method=f"weak form, polynomials of degree {field.chosen.degree}",
        inquiry=inquiry,
        limits=(_limit(field, thinned(states), domain, elsewhere),),
    )


def thinned(states: Tensor) -> Tensor:
    """At most so many states, evenly by their order, as norms need no more."""
    return states[:: -(-len(states) // learnt.MOST_POINTS)]


def _gather(evidence: Evidence, field: WeakField, points: Tensor, action: Action) -> None:
    """Evidence of the learnt field itself."""
    derivative = LieDerivative(field.velocity, action, action.tangent())
    for chunk, rows, slope, value in derivative.scaled(points):
        shaped = value.reshape(len(chunk), *action.event)
        evidence.add_to(0, chunk, rows.reshape(len(chunk), -1, derivative.dim), slope, shaped)


def _limit(field: WeakField, states: Tensor, domain: Tensor, elsewhere: bool) -> str:
    """What the claim rests on."""
    noise = float((field.noise.variance / states.var(0)).mean().sqrt())
    words = (
        f"the field was learnt from {field.samples} states as a polynomial of degree {field.chosen.degree}; their "
        f"noise is taken to be independent, normal and about {noise:.2g} of their spread"
    )
    if field.drive:
        words += ", and the states to be driven beside the field by a force that is white in time"
    factor = extrapolation(states, domain, field.chosen.degree) if elsewhere else 1.0
    return words if factor < bars.NEAR_DOMAIN else f"{words}; over the domain errors may be {factor:.2g} times as large"
