"""From evidence to a symmetry: kernel, split, certificates, status."""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

from ...algebra._lie_algebra import LieAlgebra
from ...core import bars as cuts
from ...errors import AmbiguousRankWarning, TrivialResultWarning
from ...symmetry import Certificate, Generator, Symmetry, bars
from ...symmetry._sparse_span import span_of, sparse_span, split_sentences
from ._by_claim import by_claim
from ._certificates import certify
from ._evidence import Factors
from ._kernel import Kernel, relative_kernel
from ._question import Question
from ._split import split_kernel


def conclude(question: Question) -> Symmetry:
    """What the evidence says, as a value of its own; nothing is written anywhere.

    A road that can bound its error asks for a claim, which decides. Of the others the gap in the spectrum does.
    """
    if question.inquiry is not None:
        return by_claim(question, question.inquiry)
    factors = question.evidence.factors()
    kernel = relative_kernel(factors, **question.rules)
    split = split_kernel(question.action, kernel.null, question.points, question.normals)
    motion = torch.cat([factors.moved, factors.turned])
    algebra, coefficients = sparse_span(question.action, split.tangent, motion)
    certificates = certify(question, kernel, motion, coefficients)
    _warn(kernel)
    return Symmetry(
        candidates=question.action,
        coefficients=coefficients,
        algebra=algebra,
        uncertainty=uncertainty(kernel, certificates, motion, coefficients),
        status=_status(kernel, certificates, algebra),
        trivial=span_of(question.action, kernel.trivial),
        transversal=span_of(question.action, split.transversal),
        generators=_generators(factors, coefficients),
        certificates=certificates,
        spectrum=kernel.spectrum,
        cut=kernel.cut.dim,
        gap=kernel.cut.gap,
        floor=question.floor,
        domain=question.domain,
        road=question.road,
        derivative=question.method,
        seed=question.seed,
        limits=(*question.limits, *split_sentences(len(kernel.trivial), len(split.transversal))),
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


def _status(kernel: Kernel, certificates: dict[str, Certificate], algebra: LieAlgebra) -> str:
    """Certified if every check passed; none only where all candidates stand clear of the noise."""
    if not len(kernel.spectrum):
        return "undecided"  # nothing moves, or the map is constant: the data cannot tell
    passed = all(certificate.passed for certificate in certificates.values())
    if not kernel.cut.dim:
        return "none" if passed and kernel.all_broken else "undecided"
    return "certified" if passed and algebra.dim else "undecided"


def _generators(factors: Factors, coefficients: Tensor) -> tuple[Generator, ...]:
    return tuple(Generator(error) for error in factors.errors(coefficients).clamp(0.0, 1.0).tolist())


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
