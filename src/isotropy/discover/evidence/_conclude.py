"""From evidence to a result: kernel, split, certificates, status."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...algebra._lie_algebra import LieAlgebra
from ...core._linalg import EPSILON
from ...errors import AmbiguousRankWarning, TrivialResultWarning
from . import _certificates as certify
from ._certificates import Certificate, FlowCheck
from ._evidence import Evidence
from ._kernel import Kernel, again, relative_kernel
from ._result import Discovery
from ._split import Split, split_kernel

HELD = 0  # the fold on which finite flows are checked
TOLERANCE = 0.2  # errors above it are never counted as zero


@dataclass
class Question:
    """Everything a road hands over for its conclusion.

    Attributes
    ----------
    action : Action
        Candidate action on inputs.
    evidence : Evidence
        Streamed factors.
    points : Tensor
        `(batch, *event)` a sample of held-out points, for the split and the finite flows.
    check : callable
        Error of moving points ``x`` by the flow of ``xi`` for unit time.
    rank, seed
        As given by the user.
    floor : float
        Errors below it are rounding or noise.
    resolution : float
        Relative motion below which a direction is trivial.
    tolerance : float
        Errors above it are never counted as zero.
    normals : Tensor, optional
        `(batch, n, n)` projectors onto the normal spaces of the data at ``points``, if they are known.
    checks : dict of str to Certificate
        What the road itself demands before it claims anything, "none" included.
    """

    action: Action
    evidence: Evidence
    points: Tensor
    check: FlowCheck
    rank: str | int | float = "gap"
    seed: int = 0
    floor: float = EPSILON
    resolution: float = 1e-9
    tolerance: float = TOLERANCE
    method: str = ""
    normals: Tensor | None = None
    limits: list[str] = field(default_factory=list[str])
    flow_words: str = certify.FLOW_WORDS
    checks: dict[str, Certificate] = field(default_factory=dict[str, Certificate])

    @property
    def rules(self) -> dict[str, Any]:
        """Arguments of ``relative_kernel``."""
        return {
            "rank": self.rank,
            "floor": self.floor,
            "resolution": self.resolution,
            "tolerance": self.tolerance,
        }


def conclude(result: Discovery, question: Question) -> Discovery:
    """Fill the attributes of ``result`` from the evidence and return it."""
    evidence = question.evidence
    factors = evidence.factors()
    kernel = relative_kernel(factors, **question.rules)
    split = split_kernel(question.action, kernel, question.points, question.normals)
    algebra, coefficients = _sparse_span(question.action, split.tangent)
    motion = torch.cat([factors.moved, factors.turned])
    certificates = _certificates(question, kernel, motion, coefficients)
    result.candidates_ = question.action
    result.algebra_ = algebra
    result.coefficients_ = coefficients
    result.action_ = question.action.restrict(coefficients, algebra)
    result.spectrum_ = kernel.spectrum
    result.gap_ = kernel.cut.gap
    result.cut_ = kernel.cut.dim
    result.certificates_ = certificates
    result.trivial_ = _span(question.action, kernel.trivial)
    result.transversal_ = _span(question.action, split.transversal)
    result.status_ = _status(kernel, certificates, algebra)
    result.uncertainty_ = _uncertainty(kernel, certificates, motion, coefficients)
    result.method_ = question.method
    result.limits_ = [*question.limits, *_limits(kernel, split)]
    _warn(result, kernel)
    return result


def _certificates(question: Question, kernel: Kernel, motion: Tensor, coefficients: Tensor) -> dict[str, Certificate]:
    if not len(coefficients):
        return question.checks
    evidence, rules = question.evidence, question.rules
    blind = again(evidence.factors(without=HELD), kernel, rules)
    moving = split_kernel(question.action, blind, question.points, question.normals).tangent
    return {
        "gap": certify.gap(kernel),
        "held_out": certify.held_out(evidence, kernel, rules),
        "closure": certify.closure(question.action, kernel, motion, coefficients),
        "finite_flow": certify.finite_flow(
            question.check, question.action, moving, question.points, question.seed, question.flow_words
        ),
        "stability": certify.stability(evidence, kernel, rules),
        "identifiability": certify.identifiability(question.action, kernel, motion, question.points, question.seed),
        **question.checks,
    }


def _status(kernel: Kernel, certificates: dict[str, Certificate], algebra: LieAlgebra) -> str:
    if not len(kernel.spectrum):
        return "undecided"  # nothing moves, or the map is constant: the data cannot tell
    passed = all(certificate.passed for certificate in certificates.values())
    if not kernel.cut.dim:
        return "none" if passed and kernel.all_broken else "undecided"
    return "certified" if passed and algebra.dim else "undecided"


def _sparse_span(action: Action, directions: Tensor) -> tuple[LieAlgebra, Tensor]:
    """The span of directions `(k, dim)` in a sparse basis, and that basis in the candidates' generators."""
    dense = _span(action, directions)
    sparse = dense.sparsified()
    if not sparse.dim:
        return sparse, directions
    whole = action.algebra.basis.flatten(1)
    return sparse, sparse.basis.flatten(1) @ torch.linalg.pinv(whole)


def _span(action: Action, directions: Tensor) -> LieAlgebra:
    scaled = directions / torch.linalg.vector_norm(directions, dim=1, keepdim=True)
    return certify.lie_algebra(action).span(scaled)


def _uncertainty(kernel: Kernel, certificates: dict[str, Certificate], motion: Tensor, coefficients: Tensor) -> Tensor:
    """Largest change `(k, dim)` of each coefficient, the others following, which moves the data too little to notice.

    Changes ``delta`` with ``|B delta| <= e |B xi|`` pass unseen when ``e`` is the error of the kernel, so coefficient j
    is known to ``e |B xi| |(B^+)_j|`` with ``B`` the motion factor.
    """
    sine = certificates["stability"].value if "stability" in certificates else 0.0
    relative = max(2.0 * sine, 2.0 * kernel.cut.residual, 1e-6)
    whole = torch.linalg.vector_norm(coefficients @ motion.T, dim=1)[:, None]
    return relative * whole * torch.linalg.vector_norm(torch.linalg.pinv(motion, rtol=1e-9), dim=1)


def _limits(kernel: Kernel, split: Split) -> list[str]:
    sentences: list[str] = []
    if len(kernel.trivial):
        sentences.append(
            f"{len(kernel.trivial)} candidate directions do not move the data, so the data say nothing about them"
        )
    if len(split.transversal):
        sentences.append(
            f"{len(split.transversal)} directions of the kernel move points off the set on which the data lie, "
            "where the map was not observed; they are not counted as symmetries"
        )
    return sentences


def _warn(result: Discovery, kernel: Kernel) -> None:
    if not len(kernel.spectrum):
        warnings.warn(
            TrivialResultWarning(
                "expected data that some candidate moves and a map that varies, received neither; "
                "check for a constant output"
            ),
            stacklevel=4,
        )
    elif kernel.cut.dim and not kernel.cut.clear and not math.isnan(kernel.cut.gap):
        warnings.warn(
            AmbiguousRankWarning(
                f"expected a gap of at least {certify.MIN_GAP:g} in the spectrum, received {kernel.cut.gap:.2g}; "
                "look at spectrum_, give rank=, or bring more data"
            ),
            stacklevel=4,
        )
