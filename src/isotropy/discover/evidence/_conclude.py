"""From evidence to a symmetry: kernel, split, certificates, status."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import torch
from torch import Tensor

from ...action._action import Action
from ...algebra._lie_algebra import LieAlgebra, lie_algebra
from ...core import bars as cuts
from ...core._linalg import sparse_rows
from ...errors import AmbiguousRankWarning, TrivialResultWarning
from ...symmetry import Certificate, Generator, Symmetry, bars
from ._certificates import certify
from ._claimed import Claimed, judged
from ._evidence import Factors
from ._kernel import Kernel, relative_kernel
from ._question import Question
from ._split import Split, split_kernel

_OF_ONE_SIZE = 100.0  # ratio of motions from which on units differ; entries then differ by its square


def conclude(question: Question) -> Symmetry:
    """What the evidence says, as a value of its own; nothing is written anywhere."""
    factors = question.evidence.factors()
    kernel = relative_kernel(factors, **question.rules)
    split = split_kernel(question.action, kernel, question.points, question.normals)
    motion = torch.cat([factors.moved, factors.turned])
    algebra, coefficients = _sparse_span(question.action, split.tangent, motion)
    claimed = Claimed() if question.inquiry is None else judged(question.inquiry, coefficients)
    certificates = {**certify(question, kernel, motion, coefficients), **claimed.certificates}
    _warn(kernel)
    return Symmetry(
        candidates=question.action,
        coefficients=coefficients,
        algebra=algebra,
        uncertainty=uncertainty(kernel, certificates, motion, coefficients),
        status=_status(kernel, certificates, algebra, claimed.refuted),
        trivial=_span(question.action, kernel.trivial),
        transversal=_span(question.action, split.transversal),
        generators=claimed.generators or _generators(factors, coefficients),
        certificates=certificates,
        spectrum=kernel.spectrum,
        cut=kernel.cut.dim,
        gap=kernel.cut.gap,
        floor=question.floor,
        tolerance=question.inquiry.tolerance if question.inquiry else math.nan,
        level=question.inquiry.level if question.inquiry else math.nan,
        ladder=claimed.ladder,
        ignored=claimed.ignored,
        domain=replace(question.domain, effective=claimed.effective),
        road=question.road,
        derivative=question.method,
        seed=question.seed,
        limits=(*question.limits, *_limits(kernel, split)),
    )


def uncertainty(kernel: Kernel, certificates: dict[str, Certificate], motion: Tensor, coefficients: Tensor) -> Tensor:
    """Largest change `(k, dim)` of each coefficient, the others following, which moves the data too little to notice.

    Changes ``delta`` with ``|B delta| <= e |B xi|`` pass unseen when ``e`` is the error of the kernel, so coefficient j
    is known to ``e |B xi| |(B^+)_j|`` with ``B`` the motion factor.
    """
    sine = certificates["stability"].value if "stability" in certificates else 0.0
    relative = max(bars.UNCERTAIN_SINES * sine, bars.UNCERTAIN_RESIDUALS * kernel.cut.residual, bars.LEAST_UNCERTAINTY)
    whole = torch.linalg.vector_norm(coefficients @ motion.T, dim=1)[:, None]
    return relative * whole * torch.linalg.vector_norm(torch.linalg.pinv(motion, rtol=1e-9), dim=1)


def _status(kernel: Kernel, certificates: dict[str, Certificate], algebra: LieAlgebra, refuted: bool | None) -> str:
    """Certified if every check passed; none only where the data exclude all candidates, if that could be asked."""
    if not len(kernel.spectrum):
        return "undecided"  # nothing moves, or the map is constant: the data cannot tell
    passed = all(certificate.passed for certificate in certificates.values())
    if not kernel.cut.dim:
        return "none" if passed and kernel.all_broken and refuted is not False else "undecided"
    return "certified" if passed and algebra.dim else "undecided"


def _sparse_span(action: Action, directions: Tensor, motion: Tensor) -> tuple[LieAlgebra, Tensor]:
    """The span of directions `(k, dim)` in a sparse basis, and that basis in the candidates' generators.

    An entry is small if it moves the data little, so entries are compared by the motion `(rows, dim)` that they cause:
    in millimetres and kilometres a rotation has entries of 1e6 and 1e-6, and neither may be dropped.
    """
    whole, sizes = lie_algebra(action), torch.linalg.vector_norm(motion, dim=0)
    moving = sizes[sizes > 0]
    if not len(directions) or not len(moving) or float(moving.amax() / moving.amin()) < _OF_ONE_SIZE:
        sparse = _span(action, directions).sparsified()
        return sparse, sparse.basis.flatten(1) @ torch.linalg.pinv(whole.basis.flatten(1)) if sparse.dim else directions
    sizes = torch.where(sizes > 0, sizes, torch.ones_like(sizes))
    rows = sparse_rows(directions * sizes) / sizes
    rows = rows / whole.span(rows).basis.flatten(1).abs().amax(dim=1, keepdim=True)
    return whole.span(rows), rows


def _span(action: Action, directions: Tensor) -> LieAlgebra:
    scaled = directions / torch.linalg.vector_norm(directions, dim=1, keepdim=True)
    return lie_algebra(action).span(scaled)


def _generators(factors: Factors, coefficients: Tensor) -> tuple[Generator, ...]:
    return tuple(Generator(error) for error in factors.errors(coefficients).clamp(0.0, 1.0).tolist())


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


def _warn(kernel: Kernel) -> None:
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
                f"expected a gap of at least {cuts.MIN_GAP:g} in the spectrum, received {kernel.cut.gap:.2g}; "
                "look at spectrum_, give rank=, or bring more data"
            ),
            stacklevel=4,
        )
