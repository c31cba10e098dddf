"""What is said about a symmetry in latent coordinates: certificates, labels and the linear step."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from ...action._representation import Representation
from ...actions import LatentAction
from ...symmetry import Certificate, Generator, Symmetry
from ...symmetry import bars as verdicts
from ...symmetry.claims import Interval
from .. import bars
from ..games._proposal import leave_open
from ..limits._together import within
from ._autoencoder import Autoencoder
from ._judge import LatentJudge, Verdict
from ._polish import commuting

_FLAT = 1e-6  # of the largest spread: directions with less are not blown up
_WORDS = {
    "reconstruction": "decoded latent points miss held-out points by {:.2g} of their spread",
    "cycle": "moved latent points come back from the data within {:.2g} of their spread",
    "step": "moved pairs miss the step learnt from others by {:.2g} of its length",
    "cloud": "moved points lie {:.2g} spreads beside the cloud (energy distance)",
}
_UNPAIRED = "without pairs of states, any coordinates in which the cloud looks symmetric pass; that is no proof"
_LATENT = (
    "the claim is about the step in latent coordinates, with the error of the learnt step in it, so that the lower "
    "limit is 0; that of encoder and decoder is told beside it, and moved pairs that leave the data count as missed by "
    "no more than a step"
)
_TRAINED = "certificates compare with samples that were left out, within the range of the data"


def conclude_latent(
    action: LatentAction,
    coder: Autoencoder,
    judge: LatentJudge,
    x: Tensor,
    directions: Tensor,
    verdict: Verdict,
    asked: tuple[float, float],
) -> Symmetry:
    """The span of directions `(k, dim)`, found on points ``x`` `(S, *event)`, and what it is worth.

    Tolerance and level are ``asked``.
    """
    proposed = leave_open("LaLiGAN", action, directions, x, (_TRAINED,))
    certificates = _certificates(verdict, _motion(action, judge.held, directions))
    if len(directions) > 1:
        defect = proposed.algebra.closure_defect()
        most = verdicts.MOST_CLOSURE_DEFECT
        words = f"brackets of the generators leave their span by {defect:.2g} of their size"
        certificates["closure"] = Certificate(defect, most, defect <= most, words)
    paired = judge.held_after is not None
    if paired:
        span, carried = judge.defect(coder, directions, asked[1])
        certificates["tolerance"] = within(span, *asked, "moved pairs miss the latent step by", carried)
    certified = all(certificate.passed for certificate in certificates.values()) and paired
    errors = [min(judge.verdict(coder, xi[None]).score, 1.0) for xi in directions]
    members = [judge.defect(coder, xi[None], asked[1])[0] for xi in directions]
    return replace(
        proposed,
        certificates=certificates,
        status="certified" if certified else "undecided",
        limits=(*proposed.limits, _LATENT if paired else _UNPAIRED),
        generators=tuple(_numbers(one, error, certified) for one, error in zip(members, errors, strict=True)),
        spectrum=torch.tensor(errors, dtype=torch.float64).sort(descending=True).values,
        tolerance=asked[0],
        level=asked[1],
        ladder={0.0: 0, asked[0]: len(directions) if certified else 0},
        uncertainty=directions.abs().amax(dim=1, keepdim=True).expand_as(directions) * min(verdict.score, 1.0),
        derivative="adversary and follower in latent coordinates",
    )


def _numbers(one: Interval, error: float, certified: bool) -> Generator:
    """The defect of the step with its limits; without pairs there is only the score."""
    if math.isnan(one.value):
        return Generator(error)
    # The step is learnt, and nothing tells its error at moved points from a break: only the upper limit is bounded.
    return Generator(one.value, 0.0, one.upper, "approximate" if certified else "")


def along_time(latent: Representation, z: Tensor, w: Tensor | None) -> Tensor:
    """Share `(k,)` of the steps from `z` to `w` that does not point along each generator at the point halfway.

    A chord is parallel to the velocity of a rotation at its middle, however long it is.
    """
    count = latent.algebra.dim
    if w is None:
        return torch.full((count,), math.nan, dtype=torch.float64)
    steps, fields = w - z, latent.fields((z + w) / 2)
    unit = fields / fields.norm(dim=2, keepdim=True).clamp_min(1e-12)
    along = torch.einsum("bkn,bn->bk", unit, steps).square().sum(0) / steps.square().sum()
    return (1 - along).clamp_min(0.0).sqrt()


def linear_step(latent: Representation, z: Tensor, w: Tensor | None) -> Tensor:
    """The matrix `(n, n)` closest to the step from `z` to `w` of those that commute with the generators; or none.

    It is closest in the metric in which the points `z` are white: the answer is the same in any basis of the latent
    space, also in one where orbits are thin ellipses.
    """
    n = latent.size
    if w is None:
        return torch.zeros(0, n, dtype=torch.float64)
    basis = commuting(latent)
    _, sizes, axes = torch.linalg.svd(z, full_matrices=False)
    white = axes * (sizes[0] / sizes.clamp_min(_FLAT * sizes[0]))[:, None]
    columns = torch.einsum("mn,cnp,bp->bmc", white, basis, z).reshape(len(z) * n, -1)
    fitted = torch.linalg.lstsq(columns, (w @ white.T).reshape(-1, 1)).solution[:, 0]
    return torch.einsum("c,cnp->np", fitted, basis)


def _certificates(verdict: Verdict, motion: float) -> dict[str, Certificate]:
    found: dict[str, Certificate] = {}
    limits = {
        "reconstruction": bars.MOST_RECONSTRUCTION,
        "cycle": bars.MOST_CYCLE,
        "step": bars.MOST_STEP,
        "cloud": bars.MOST_CLOUD,
    }
    for name, most in limits.items():
        value = getattr(verdict, name)
        if not math.isnan(value):
            found[name] = Certificate(value, most, value <= most, _WORDS[name].format(value))
    words = f"the generators move the data by {motion:.2g} of their spread"
    return {**found, "motion": Certificate(motion, bars.LEAST_MOTION, motion >= bars.LEAST_MOTION, words)}


def _motion(action: LatentAction, x: Tensor, directions: Tensor) -> float:
    """Root mean square motion by the generator that moves the data least, for a time of one, over their spread."""
    spread = (x - x.mean(0)).square().mean().sqrt()
    moves = [(action.flow(xi, x) - x).square().mean().sqrt() for xi in directions]
    return min(float(move / spread) for move in moves)
