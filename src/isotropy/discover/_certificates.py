"""The certificates that turn a small singular value into a claim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from .._action import Action
from .._linalg import MIN_GAP
from ..errors import FlowError
from ._evidence import Evidence
from ._kernel import Kernel, relative_kernel, subspace_sine

MOST_DEFECT = 0.15  # brackets of a wrong span leave it by 0.4 or more
MOST_SINE = 0.5  # kernels from different samples within 30 degrees
MOST_FLOW_ERROR = 0.25
FLOW_WORDS = "moving held-out samples by finite amounts changes the answer by {value:.2g} of what it could"
FlowCheck = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Certificate:
    """One check of a discovered kernel: a value, the threshold it had to meet, and what it means in words."""

    value: float
    threshold: float
    passed: bool
    words: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def gap(kernel: Kernel) -> Certificate:
    """Ratio of the smallest broken to the largest kept value."""
    value = kernel.cut.gap
    words = f"the next generator is broken {value:.3g} times more than the worst one kept"
    return Certificate(value, MIN_GAP, value >= MIN_GAP, words)


def held_out(evidence: Evidence, kernel: Kernel, rules: dict[str, Any]) -> Certificate:
    """Worst error, on each fold, of the kernel found without that fold."""
    threshold = kernel.smallest_broken / MIN_GAP
    worst = 0.0
    for index, fold in enumerate(evidence.folds):
        if not fold.samples:
            continue
        found = relative_kernel(evidence.factors(without=index), **{**rules, "rank": kernel.cut.dim})
        seen = evidence.factors(only=index)
        broken, moved = found.null @ seen.broken.T, torch.cat([seen.moved, seen.turned])
        worst = max(worst, float(broken.norm()) / max(float((found.null @ moved.T).norm()), 1e-300))
    words = f"on samples left out of the fit the error is {worst:.2g}; it has to stay below {threshold:.2g}"
    return Certificate(worst, threshold, worst <= threshold, words)


def closure(defect: float, dim: int) -> Certificate:
    """How far brackets leave the span."""
    words = (
        "one generator always closes"
        if dim == 1
        else f"brackets of the generators leave their span by {defect:.2g} of their size"
    )
    return Certificate(defect, MOST_DEFECT, defect <= MOST_DEFECT, words)


def stability(evidence: Evidence, kernel: Kernel, rules: dict[str, Any]) -> Certificate:
    """Largest angle between the kernel and the kernels found without each fold."""
    whole = evidence.factors()
    motion = torch.cat([whole.moved, whole.turned])
    sines = [
        subspace_sine(
            relative_kernel(evidence.factors(without=index), **{**rules, "rank": kernel.cut.dim}).null,
            kernel.null,
            motion,
        )
        for index, fold in enumerate(evidence.folds)
        if fold.samples
    ]
    worst = max(sines)
    words = f"leaving out any fold of the data turns the kernel by at most {worst:.2g} (sine of the angle)"
    return Certificate(worst, MOST_SINE, worst <= MOST_SINE, words)


def finite_flow(check: FlowCheck, action: Action, directions: Tensor, x: Tensor, seed: int, words: str) -> Certificate:
    """Error of finite motions along random combinations of directions `(k, dim)`, half the spread of the data long.

    A flow that runs to infinity before that is followed for a shorter time.
    """
    generator = torch.Generator().manual_seed(seed)
    errors = [_flow_error(check, action, _direction(directions, generator), x) for _ in range(6)]
    worst = max(errors) if len(directions) else float("inf")
    threshold = MOST_FLOW_ERROR
    return Certificate(worst, threshold, worst <= threshold, words.format(value=worst))


def _direction(null: Tensor, generator: torch.Generator) -> Tensor:
    weights = torch.randn(len(null), generator=generator, dtype=torch.float64)
    return weights @ null / weights.norm()


def _flow_error(check: FlowCheck, action: Action, xi: Tensor, x: Tensor) -> float:
    speed = float(action.field(xi, x).to(torch.float64).flatten(1).norm(dim=1).square().mean().sqrt())
    spread = float((x - x.mean(0)).to(torch.float64).flatten(1).norm(dim=1).square().mean().sqrt())
    pace = 0.5 * spread / speed if speed > 0 else 1.0
    for _ in range(5):
        try:
            return float(check(pace * xi, x))
        except FlowError:
            pace /= 2
    return float("inf")
