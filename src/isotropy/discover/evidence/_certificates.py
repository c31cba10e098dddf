"""The certificates that turn a small singular value into a claim."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...algebra._lie_algebra import LieAlgebra, lie_algebra
from ...core import bars as cuts
from ...errors import FlowError
from ...symmetry import Certificate, bars
from ._evidence import Evidence
from ._kernel import Kernel, again, subspace_sine
from ._question import HELD, FlowCheck, Question
from ._split import split_kernel

MOST_COMPARED = 64


def certify(question: Question, kernel: Kernel, motion: Tensor, coefficients: Tensor) -> dict[str, Certificate]:
    """Every check of a kernel whose tangent part has ``coefficients`` `(k, dim)` in the candidates.

    ``motion`` `(rows, dim)` is the factor of how far each candidate moves the data. Finite flows are those of a kernel
    that was found without the fold they are tried on.
    """
    if not len(coefficients):
        return question.checks
    evidence, rules, action = question.evidence, question.rules, question.action
    blind = again(evidence.factors(without=HELD), kernel, rules)
    moving = split_kernel(action, blind.null, question.points, question.normals).tangent
    return {
        "gap": gap(kernel),
        "held_out": held_out(evidence, kernel, rules),
        "closure": closure(action, kernel, motion, coefficients),
        "finite_flow": finite_flow(question.check, action, moving, question.points, question.seed, question.flow_words),
        "stability": stability(evidence, kernel, rules),
        "identifiability": identifiability(action, kernel, motion, question.points, question.seed),
        **question.checks,
    }


def gap(kernel: Kernel) -> Certificate:
    """Ratio of the smallest broken to the largest kept value.

    A kept value that stands clear of the noise is no zero: the symmetry is known to be broken a little, and has to
    be kept ten times better than what is broken.
    """
    value = kernel.cut.gap
    threshold = cuts.MIN_GAP if kernel.cut.residual <= cuts.MIN_GAP * kernel.cut.floor else bars.MIN_GAP_OF_BROKEN
    words = f"the next generator is broken {value:.3g} times more than the worst one kept"
    return Certificate(value, threshold, value >= threshold, words)


def held_out(evidence: Evidence, kernel: Kernel, rules: dict[str, Any]) -> Certificate:
    """Error of kernels found without a fold on that fold, over all folds together.

    The sum over folds is the cross-validated error; the worst fold would be a matter of luck, and its excess
    (a third with four folds) was the commonest reason to miss a planted algebra.
    """
    threshold = kernel.smallest_broken / cuts.MIN_GAP
    broken, moved = 0.0, 0.0
    for index, fold in enumerate(evidence.folds):
        if not fold.samples:
            continue
        found = again(evidence.factors(without=index), kernel, rules)
        seen = evidence.factors(only=index)
        broken += float((found.null @ seen.broken.T).square().sum())
        moved += float((found.null @ torch.cat([seen.moved, seen.turned]).T).square().sum())
    error = math.sqrt(broken / moved) if moved > 0 else 0.0
    words = f"on samples left out of the fit the error is {error:.2g}; it has to stay below {threshold:.2g}"
    return Certificate(error, threshold, error <= threshold, words)


def closure(action: Action, kernel: Kernel, motion: Tensor, coefficients: Tensor) -> Certificate:
    """How far brackets of the span of ``coefficients`` `(k, dim)` leave it, by what they do to the data.

    Entries of matrices carry units (a shift is a length, a turn is none), and their defect changes with them; the
    motion of the data does not. Algebras of polynomial fields are judged by their coefficients.
    """
    count, whole = len(coefficients), lie_algebra(action)
    if whole.is_matrix:
        defect = _moving_defect(whole, kernel.directions, motion, coefficients) if count > 1 else 0.0
    else:
        defect = whole.span(coefficients).closure_defect()
    words = (
        "one generator always closes"
        if count == 1
        else f"brackets of the generators leave their span by {defect:.2g} of their size"
    )
    return Certificate(defect, bars.MOST_CLOSURE_DEFECT, defect <= bars.MOST_CLOSURE_DEFECT, words)


def _moving_defect(whole: LieAlgebra, directions: Tensor, motion: Tensor, coefficients: Tensor) -> float:
    """Part of the motion by brackets of unit generators that no generator causes, relative to all of it.

    Brackets that are tiny, as in an abelian algebra known up to noise, are compared with those of the candidates.
    """
    frame, change = torch.linalg.qr((coefficients @ motion.T).T)  # (rows, k)
    unit = torch.linalg.solve_triangular(change.T, coefficients, upper=False)
    inside = _bracket_motion(whole, unit, unit, motion)
    outside = inside - inside @ frame @ frame.T
    some = directions[:: math.ceil(len(directions) / MOST_COMPARED)]
    usual = float(_bracket_motion(whole, unit, some, motion).norm(dim=2).square().mean().sqrt())
    size = max(float(inside.norm()), bars.ABELIAN_MOTION * usual * len(unit))
    return float(outside.norm()) / size if size > 0 else 0.0


def _bracket_motion(whole: LieAlgebra, first: Tensor, second: Tensor, motion: Tensor) -> Tensor:
    """Motion `(i, j, rows)` by the brackets, projected onto the candidates, of elements `(i, dim)` and `(j, dim)`."""
    left, right = (torch.einsum("jk,kab->jab", c, whole.basis) for c in (first, second))
    brackets = left[:, None] @ right[None] - right[None] @ left[:, None]
    return brackets.flatten(2) @ torch.linalg.pinv(whole.basis.flatten(1)) @ motion.T


def stability(evidence: Evidence, kernel: Kernel, rules: dict[str, Any]) -> Certificate:
    """Largest angle between the kernel and the kernels found without each fold."""
    whole = evidence.factors()
    motion = torch.cat([whole.moved, whole.turned])
    sines = [
        subspace_sine(
            again(evidence.factors(without=index), kernel, rules).null,
            kernel.null,
            motion,
        )
        for index, fold in enumerate(evidence.folds)
        if fold.samples
    ]
    worst = max(sines)
    words = f"leaving out any fold of the data turns the kernel by at most {worst:.2g} (sine of the angle)"
    return Certificate(worst, bars.MOST_SINE, worst <= bars.MOST_SINE, words)


def identifiability(action: Action, kernel: Kernel, motion: Tensor, points: Tensor, seed: int) -> Certificate:
    """Largest angle by which directions that hardly move the data could turn the kernel without being noticed.

    A direction with error ``b`` whose motion is ``e |B xi|`` adds ``b e`` to the error of a generator ``xi``; below
    the error of the kernel it goes unseen, however far it moves other points. Angles are those of motions of a round
    cloud about the mean of ``points``, as wide as they are.
    """
    entries = _round_motion(action, points, seed)
    frame, change = torch.linalg.qr((kernel.null @ entries).T)
    unit = torch.linalg.solve_triangular(change.T, kernel.null, upper=False)
    if not bool(torch.isfinite(unit).all()):  # the points are all alike, or lie on too few lines
        words = "the held-out samples do not extend far enough to fix the entries of the generators at all"
        return Certificate(1.0, bars.MOST_SINE, False, words)
    size = float(torch.linalg.matrix_norm(unit @ motion.T, 2))
    unseen = (kernel.broken / kernel.spectrum[: len(kernel.broken), None]) @ entries
    unseen = unseen - unseen @ frame @ frame.T
    tangent = kernel.cut.residual * size * float(torch.linalg.matrix_norm(unseen, 2)) if len(unseen) else 0.0
    sine = tangent / math.hypot(1.0, tangent)
    words = f"directions that hardly move the data could turn the generators by {sine:.2g} (sine of the angle)"
    return Certificate(sine, bars.MOST_SINE, sine <= bars.MOST_SINE, words)


def _round_motion(action: Action, points: Tensor, seed: int) -> Tensor:
    """Motions `(dim, rows)` of a normal cloud with the mean and the spread of the points."""
    x = points.to(torch.float64)
    mean = x.mean(0)
    count = max(64, 4 * (mean.numel() + 1))
    normal = torch.randn(count, *mean.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    cloud = mean + (x - mean).square().mean().sqrt() * normal
    moves = action.fields(cloud).flatten(2).transpose(1, 2).reshape(-1, action.algebra.dim)
    return torch.linalg.qr(moves, mode="r").R.T


def finite_flow(check: FlowCheck, action: Action, directions: Tensor, x: Tensor, seed: int, words: str) -> Certificate:
    """Error of finite motions along random combinations of directions `(k, dim)`, half the spread of the data long.

    Lengths are in spreads of each column, and the directions that are combined move the data alike, so that no unit
    enters. A flow that runs to infinity before that is followed for a shorter time.
    """
    generator = torch.Generator().manual_seed(seed)
    alike = (
        torch.stack([row / (_pace_of(action, row, x) or 1.0) for row in directions]) if len(directions) else directions
    )
    errors = [_flow_error(check, action, _direction(alike, generator), x) for _ in range(6)]
    worst = max(errors) if len(directions) else float("inf")
    threshold = bars.MOST_FLOW_ERROR
    return Certificate(worst, threshold, worst <= threshold, words.format(value=worst))


def gradient(error: float) -> Certificate:
    """Gradient error of the best surrogate that is free to break every candidate."""
    words = f"a surrogate without symmetries of its own knows the gradient of the map to {error:.2g}"
    return Certificate(error, bars.MOST_GRADIENT_ERROR, error <= bars.MOST_GRADIENT_ERROR, words)


def _direction(null: Tensor, generator: torch.Generator) -> Tensor:
    weights = torch.randn(len(null), generator=generator, dtype=torch.float64)
    return weights @ null / weights.norm()


def _flow_error(check: FlowCheck, action: Action, xi: Tensor, x: Tensor) -> float:
    speed = _pace_of(action, xi, x)
    pace = 0.5 / speed if speed > 0 else 1.0
    for _ in range(5):
        try:
            return float(check(pace * xi, x))
        except FlowError:
            pace /= 2
    return float("inf")


def _pace_of(action: Action, xi: Tensor, x: Tensor) -> float:
    """Root mean square of a motion `(dim,)`, in spreads of the columns of samples."""
    points, fields = (part.to(torch.float64).flatten(1) for part in (x, action.field(xi, x)))
    spread = (points - points.mean(0)).square().mean(0).sqrt()
    moving = spread > 0
    return float((fields[:, moving] / spread[moving]).square().mean().sqrt()) if moving.any() else 0.0
