"""From a claim to a symmetry: its span in a sparse basis, the checks beside it, the status."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from ...algebra._lie_algebra import LieAlgebra, lie_algebra
from ...core import bars as cuts
from ...core._linalg import require_rank
from ...symmetry import Certificate, Generator, Symmetry, bars
from ...symmetry._sparse_span import span_of, sparse_span, split_sentences
from ...symmetry.claims import Claim, Interval, Judgement, Members, surely_ignored
from ...symmetry.claims import bars as limits
from ._certificates import finite_flow
from ._claimed import Asked, warn_trivial
from ._question import Question
from ._split import Split, split_kernel


def by_claim(question: Question, inquiry: Asked) -> Symmetry:
    """What a claim about all candidates says, as a symmetry."""
    require_rank(question.rank, question.action.algebra.dim)
    judgement = inquiry.judge(None if isinstance(question.rank, str) else question.rank)
    claim = judgement.claim
    deaf = surely_ignored(judgement)
    split, algebra, coefficients = _kept(question, judgement, deaf)
    members = judgement.members(coefficients)
    certificates = _certificates(question, claim, members, split.tangent, len(deaf))
    if len(claim.trivial) == question.action.algebra.dim:
        warn_trivial(stacklevel=4)
    symmetry = Symmetry(
        candidates=question.action,
        coefficients=coefficients,
        algebra=algebra,
        uncertainty=_uncertainty(judgement, members, coefficients),
        status=_status(claim, certificates, algebra),
        trivial=span_of(question.action, claim.trivial),
        transversal=span_of(question.action, split.transversal),
        generators=_generators(question, members, coefficients),
        certificates=certificates,
        spectrum=torch.cat([claim.spectrum, torch.zeros(len(claim.ignored), dtype=torch.float64)]),
        cut=len(split.tangent) + len(split.transversal),
        gap=_gap(claim, len(split.tangent) + len(split.transversal)),
        floor=claim.floor,
        tolerance=inquiry.tolerance,
        level=inquiry.level,
        ladder=claim.ladder,
        ignored=len(claim.ignored),
        ignored_effect=claim.ignored_effect,
        domain=replace(question.domain, effective=claim.effective),
        road=question.road,
        derivative=question.method,
        seed=question.seed,
        limits=(*question.limits, *split_sentences(len(claim.trivial), len(split.transversal))),
    )
    if symmetry.status != "certified":
        return symmetry
    # What a person copies is what was certified: rounded generators are measured again, and get digits until they pass.
    return symmetry.printed_if(lambda rows: judgement.upper(rows) <= _printed_limit(claim, members))


def _printed_limit(claim: Claim, members: Members) -> float:
    """Up to where what is printed may be broken: hardly more than what it stands for, and never beyond the tolerance.

    Of a limit from resamples the last few per cent are chance, so that a reader who measures again may find more.
    """
    least = limits.PRINTED_SHARE * claim.tolerance
    return min(claim.tolerance, max(least, limits.PRINTED_MORE * members.span.upper))


def _kept(question: Question, judgement: Judgement, deaf: Tensor) -> tuple[Split, LieAlgebra, Tensor]:
    """What is claimed, or possible, in a sparse basis: first what is exact or ignored, then what is approximate.

    A basis that mixed the two would call nothing exact. What the map ignores needs no doubt about the rest: then that
    alone is kept.
    """
    claim, action = judgement.claim, question.action
    sure = torch.tensor([grade == "exact" for grade in claim.grades], dtype=torch.bool)
    certain = torch.cat([claim.directions[sure], deaf])
    open_ = claim.directions[:0] if claim.status == "undecided" and len(deaf) else claim.directions[~sure]
    splits = [split_kernel(action, part, question.points, question.normals) for part in (certain, open_)]
    rows = torch.cat([sparse_span(action, split.tangent, judgement.motion)[1] for split in splits])
    tangent, transversal = (
        torch.cat([getattr(split, name) for split in splits]) for name in ("tangent", "transversal")
    )
    return Split(tangent, transversal), lie_algebra(action).span(rows), rows


def _certificates(
    question: Question, claim: Claim, members: Members, tangent: Tensor, deaf: int
) -> dict[str, Certificate]:
    """The claim as checks: its limit, its closure, finite motions, and what the road itself demands."""
    if not len(tangent):
        found = {"tolerance": _least(claim)}
    else:
        upper = max(members.span.upper, 0.0)
        passed = (claim.status == "certified" or deaf > 0) and upper <= max(claim.tolerance, claim.floor)
        action, points = question.action, question.points
        found = {
            "tolerance": Certificate(upper, claim.tolerance, passed, claim.why),
            "closure": _closure(claim, len(tangent)),
            "finite_flow": finite_flow(question.check, action, tangent, points, question.seed, question.flow_words),
        }
    return {**found, **question.checks}


def _least(claim: Claim) -> Certificate:
    """The least broken of all candidates is broken by more than the tolerance, or that is not known."""
    refuted = claim.status == "none" and not len(claim.ignored)
    return Certificate(claim.span.lower, claim.tolerance, refuted, claim.why)


def _closure(claim: Claim, size: int) -> Certificate:
    words = (
        "one generator always closes"
        if size == 1
        else f"brackets of the generators leave their span by {claim.closure:.2g} of what they do to the map"
    )
    return Certificate(claim.closure, limits.MOST_CLOSURE, claim.closure <= limits.MOST_CLOSURE, words)


def _status(claim: Claim, certificates: dict[str, Certificate], algebra: LieAlgebra) -> str:
    """Certified or none if the claim says so and every check passed."""
    if not all(certificate.passed for certificate in certificates.values()):
        return "undecided"
    if algebra.dim:
        return "certified"
    return "none" if claim.status == "none" else "undecided"


def _generators(question: Question, members: Members, coefficients: Tensor) -> tuple[Generator, ...]:
    """The numbers of each row; exact only what is so at all samples of the stream, not just at those of the claim."""
    if not len(coefficients):
        return ()
    streamed = question.evidence.factors().errors(coefficients).nan_to_num(0.0).tolist()
    found: list[Generator] = []
    rows = zip(members.errors, members.effects, members.grades, streamed, strict=True)
    for error, effect, grade, everywhere in rows:
        exact = grade == "exact" and everywhere <= cuts.MIN_GAP * question.floor
        seen = error if exact or grade != "exact" else Interval(everywhere, 0.0, max(everywhere, error.upper))
        words = "exact" if exact else "approximate"
        found.append(Generator(seen.value, seen.lower, seen.upper, words, effect.value, effect.lower, effect.upper))
    return tuple(found)


def _uncertainty(judgement: Judgement, members: Members, coefficients: Tensor) -> Tensor:
    """Largest change `(k, dim)` of each coefficient, the others following, which moves the data too little to notice.

    Changes ``delta`` with ``|B delta| <= e |B xi|`` pass unseen when different samples turn the span by ``e``, so that
    coefficient j is known to ``e |B xi| |(B^+)_j|`` with ``B`` the motion factor. Columns of B carry units and are
    scaled first.
    """
    motion = judgement.motion
    residual = members.span.value if math.isfinite(members.span.value) else 0.0
    relative = max(bars.UNCERTAIN_SINES * judgement.sine, bars.UNCERTAIN_RESIDUALS * residual, bars.LEAST_UNCERTAINTY)
    scale = motion.norm(dim=0)
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    sizes = torch.linalg.vector_norm(coefficients @ motion.T, dim=1)[:, None]
    return relative * sizes * torch.linalg.vector_norm(torch.linalg.pinv(motion / scale, rtol=1e-9), dim=1) / scale


def _gap(claim: Claim, kept: int) -> float:
    """Ratio of the least defect that is not kept to the largest that is."""
    values = [*claim.spectrum.tolist(), *[0.0] * len(claim.ignored)]
    if not 0 < kept < len(values):
        return math.nan
    return values[-kept - 1] / max(values[-kept], claim.floor, 1e-300)
