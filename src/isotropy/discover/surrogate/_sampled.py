"""Evidence about an unknown map from samples of it, through cross-fitted surrogates."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ...action._action import Action
from ...actions import Trivial
from ...core import bars as cuts
from ...core._autodiff import Map
from ...core._linalg import EPSILON, StreamedQR
from ...derivative._finite_flow import flow_error
from ...derivative._lie_derivative import LieDerivative
from ...errors import DataError, FlowError, RepresentationMismatchError
from ...symmetry import Certificate
from ...symmetry import bars as verdicts
from ...symmetry._domain import Seen
from .. import bars
from ..evidence import _certificates as certify
from ..evidence._evidence import Evidence, Factors
from ..evidence._kernel import relative_kernel
from ..evidence._question import Question
from ._cross_fit import CrossFit, Frame
from ._learnt_inquiry import Answered

# Kinds with symmetries of their own whatever the data: a linear map and a quadratic form always have a large algebra.
_RIGID = ("polynomial-1", "polynomial-2", "classifier-logistic-2")


def sampled_question(
    road: str,
    cross: CrossFit,
    x: Tensor,
    rho_in: Action,
    rho_out: Action,
    rank: str | int | float,
    seed: int,
    answer: Answered | None = None,
    checks: dict[str, Certificate] | None = None,
) -> Question:
    """The question that samples `(S, n)` and surrogates fitted without each fold can answer.

    With an answer the claim decides, which knows the error of the gradient better than the contest does.
    """
    evidence, noise = _gather(cross, x, rho_in, rho_out)
    held = x[cross.fold == 0][:256]
    return Question(
        road=road,
        action=rho_in,
        evidence=evidence,
        points=held,
        domain=Seen.of(x).domain(),
        check=observed_check(cross.maps[0], x, rho_in, rho_out),
        rank=rank,
        seed=seed,
        floor=_floor(evidence.factors(), noise),
        resolution=verdicts.TRIVIAL_MOTION,
        inquiry=answer,
        checks={} if answer is not None else {"gradient": certify.gradient(_free_error(cross)), **(checks or {})},
        method=f"surrogate {cross.kind}",
        limits=(
            f"the map was learnt from {len(x)} samples ({cross.kind}); its gradient is known to about "
            f"{cross.gradient_error:.1%}",
            *(answer.assumed if answer is not None else ()),
        ),
    )


def require_enough(samples: int, candidates: int, outputs: int) -> None:
    """Refuse fewer equations than unknowns.

    Raises
    ------
    DataError
        If samples times outputs is below the number of candidates.
    """
    needed = max(20, math.ceil(candidates / outputs))
    if samples < needed:
        raise DataError(
            f"expected at least {needed} samples for {candidates} candidate generators, received {samples}; "
            "bring more data or fewer candidates"
        )


def _gather(cross: CrossFit, x: Tensor, rho_in: Action, rho_out: Action) -> tuple[Evidence, Tensor]:
    """Evidence out of fold, and the factor of the jackknife error of its rows."""
    count = len(cross.models)
    evidence = Evidence(rho_in, rho_out, count)
    noise = StreamedQR(rho_in.algebra.dim)
    derivatives = [LieDerivative(f, rho_in, rho_out) for f in cross.maps]
    for index, derivative in enumerate(derivatives):
        held = x[cross.fold == index]
        for chunk, rows, slope, value in derivative.scaled(held):
            shaped = rows.reshape(len(chunk), -1, derivative.dim)
            evidence.add_to(index, chunk, shaped, slope, value.reshape(len(chunk), *rho_out.event))
            mean = torch.stack([d(chunk) for d in derivatives]).mean(0).transpose(1, 2)
            noise.update(math.sqrt(count - 1) * (shaped - mean).reshape(-1, derivative.dim))
    return evidence, noise.R


def _free_error(cross: CrossFit) -> float:
    """Gradient error of the best kind that has no symmetry but the one it learns."""
    errors = [score.gradient_error for kind, score in cross.scores.items() if kind not in _RIGID]
    return min(errors, default=math.inf)


def _floor(factors: Factors, noise: Tensor) -> float:
    """Typical error that the uncertainty of the surrogate puts on the directions that may be kernel.

    Gradients are less certain along broken directions, where they are large: a median over all directions would be
    1.5 to 2 times what the unbroken ones show; over these the jackknife agrees with what is seen to a fifth.
    """
    kernel = relative_kernel(
        factors, rank="gap", floor=EPSILON, resolution=verdicts.TRIVIAL_MOTION, tolerance=cuts.LARGEST_ZERO
    )
    if not len(kernel.directions):
        return EPSILON
    few = max(int((kernel.spectrum <= cuts.LARGEST_ZERO).sum()), 1)
    errors = Factors(noise, factors.moved, factors.turned).errors(kernel.directions[-few:])
    return max(float(errors.nan_to_num(0.0).median()), verdicts.ROUNDINGS * EPSILON)


def observed_check(model: Map, x: Tensor, rho_in: Action, rho_out: Action) -> Callable[[Tensor, Tensor], Tensor]:
    """Finite-flow check that only looks at moved points near observed ones."""
    from scipy.spatial import KDTree

    frame = Frame.whitening(x.flatten(1))  # distances without units
    seen = frame.enter(x.flatten(1))
    tree = KDTree(seen.numpy())
    spacing = float(torch.quantile(torch.from_numpy(tree.query(seen[:2000].numpy(), k=2)[0][:, 1]), 0.9))

    def check(xi: Tensor, points: Tensor) -> Tensor:
        moved = frame.enter(rho_in.flow(xi, points).flatten(1))
        finite = torch.isfinite(moved).all(1)  # a long motion of nearly dependent columns may overflow
        if not finite.any():
            raise FlowError("expected moved points that are finite, received none; move them less")
        near = finite.clone()
        near[finite] = torch.from_numpy(tree.query(moved[finite].numpy())[0] <= bars.OBSERVED_REACH * spacing)
        if float(near.double().mean()) < bars.LEAST_OBSERVED:
            raise FlowError("expected moved points near observed ones, received too few; move them less")
        return torch.tensor(flow_error(model, rho_in, rho_out, xi, points[near]))

    return check


def fit_outputs(cross: CrossFit, x: Tensor, rho_out: Action) -> Action:
    """``rho_out``, or rest for every logit when the targets turned out to be classes."""
    outputs = cross.models[0](x[:1].flatten(1))[0].numel()
    if outputs == rho_out.size:
        return rho_out
    still = rho_out.fields(torch.ones(1, *rho_out.event, dtype=torch.float64))
    if cross.classes and rho_out.size == 1 and not bool(still.any()):
        return Trivial(rho_out.algebra, (outputs,))
    raise RepresentationMismatchError(
        f"rho_out: expected an action on {outputs} outputs, received one on {rho_out.size}; match it to y"
    )
