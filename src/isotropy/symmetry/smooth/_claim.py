"""From samples and two actions to a claim that holds if the map is as smooth as the samples suggest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from ...action._action import Action
from ...algebra._lie_algebra import LieAlgebra
from ...core._checks import require_fraction
from ..claims import Claim, Interval, without_limits
from ..claims import bars as limits
from ..claims._claim import LADDER
from ..claims._closure import closure_of
from ..claims._sentence import sentence
from ..claims._span import Factors
from ..learnt import PolynomialClass, output_metric
from ..learnt._bounds import wanted, worse
from ..learnt._debiased import factor_of, moving_rows
from . import bars
from ._judgement import SmoothJudgement, worst_of
from ._knowledge import Knowledge, outputs_near
from ._misfit import misfit, unknown
from ._process import Process, fit_process
from ._span_limits import SpanLimits, span_limits


@dataclass(frozen=True)
class Candidates:
    """Candidates in four parts, `(count, dim)` each.

    Attributes
    ----------
    order : Tensor
        Those to which the map responds, least broken first, orthonormal in what they are compared with.
    ignored : Tensor
        Those to which it is known to respond by less than the tolerance.
    effect : float
        Upper limit of the effect of the worst of them.
    silent : Tensor
        Those of which neither is known.
    trivial : Tensor
        Those that do not move the domain.
    """

    order: Tensor
    ignored: Tensor
    effect: float
    silent: Tensor
    trivial: Tensor


def judge_smooth(
    x: Tensor,
    y: Tensor,
    rho_in: Action,
    rho_out: Action,
    *,
    tolerance: float = 0.05,
    level: float = 0.05,
    size: int | float | None = None,
    rivals: Tensor | None = None,
    seed: int = 0,
) -> SmoothJudgement:
    """Say which candidates are symmetries of ``y = f(x) + noise``, where f is a draw of a Gaussian process.

    Length, kernel and noise are those of the largest likelihood, so that a map which is rougher in places than the
    samples show is not covered.

    Parameters
    ----------
    x, y : Tensor
        `(N, n)` and `(N, m)`.
    rho_in, rho_out : Action
        Actions of the candidates on points and, linearly, on outputs.
    tolerance, level : float
        Defect that is accepted, and the risk to be wrong.
    size : int or float, optional
        How many of the least broken directions to judge, or up to which defect.
    rivals : Tensor, optional
        `(N, m)` residuals, out of sample, of the best of other kinds of map.
    seed : int
        Of the draws.

    Raises
    ------
    DataError
        If the points are flat, or a number is not between 0 and 1.
    RepresentationMismatchError
        If the outputs do not move linearly.
    """
    require_fraction(tolerance, "tolerance")
    require_fraction(level, "level")
    frame = PolynomialClass(x, 1)
    z, y = frame.whiten(x), y.to("cpu", torch.float64)
    place = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[: _points(x.shape[1], y.shape[1])]
    moving = bool(rho_out.fields(y[place].reshape(-1, *rho_out.event), at=x[place]).any())
    metric = output_metric(y, frame, rho_out, moving)
    values = y @ metric
    centre = values.mean(0)
    theirs = None if rivals is None else rivals.to("cpu", torch.float64) @ metric
    processes, beaten = _best_processes(z, values - centre, theirs, level / 2, seed)
    fields = rho_in.fields(x[place].reshape(-1, *rho_in.event)).flatten(2)
    moves = torch.linalg.solve_triangular(frame.root, fields, upper=True, left=False)
    means, roots, priors = zip(*[process.posterior(z[place]) for process in processes], strict=True)
    mean = torch.stack(means, dim=2)
    mean[:, 0] += centre
    turns, shifts = outputs_near(rho_out, mean[:, 0], x[place], metric)
    knowledge = Knowledge(mean, roots, priors, moves, turns, shifts, seed)
    residuals = _left_out(processes)
    taken = processes[0].place
    doubt = _doubt(knowledge, len(x), beaten, level / 2)
    if not doubt and unknown(processes, values) > tolerance and misfit(processes, z) < level:
        doubt = (
            "one smooth process cannot describe the map: its errors are unlike each other, and values between the "
            "samples are off by more than the tolerance"
        )
    found = _judge(knowledge, rho_in, doubt, len(x), tolerance, level, size)
    return replace(found, residuals=residuals, place=taken)


def _best_processes(
    z: Tensor, values: Tensor, rivals: Tensor | None, level: float, seed: int
) -> tuple[tuple[Process, ...], float]:
    """A process for each column of values `(N, m)`, and the p-value of their being worse than residuals of rivals.

    Where another kind of map is better, a quadratic trend is tried, and a length that more samples tell.
    """
    processes, beaten = (), 0.0
    for few, trend in ((bars.LENGTH_SAMPLES, 1), (bars.LENGTH_SAMPLES, 2), (bars.SECOND_SAMPLES, 1)):
        if few > bars.LENGTH_SAMPLES >= len(z):
            break
        processes = tuple(fit_process(z, column, seed, few, trend) for column in values.T)
        beaten = 1.0 if rivals is None else worse(_left_out(processes), rivals[processes[0].place])
        if beaten >= level:
            break
    return processes, beaten


def _left_out(processes: tuple[Process, ...]) -> Tensor:
    return torch.stack([process.left_out for process in processes], dim=1)


def _points(size: int, outputs: int) -> int:
    return max(bars.LEAST_POINTS, bars.MOST_DRAWN // (1 + size) // outputs)


def affordable(size: int, outputs: int) -> bool:
    """Whether the errors of so many slopes can be drawn together."""
    return bars.LEAST_POINTS * (1 + size) * outputs <= bars.LARGEST_DRAWN


def _judge(
    knowledge: Knowledge,
    rho_in: Action,
    doubt: str,
    samples: int,
    tolerance: float,
    level: float,
    size: int | float | None,
) -> SmoothJudgement:
    parts = _candidates(knowledge, tolerance, level)
    spectrum = torch.einsum("ek,pmk->epm", parts.order, knowledge.lie).square().sum((1, 2)).div(knowledge.points).sqrt()

    @cache
    def spans(count: int) -> SpanLimits:
        return span_limits(knowledge, parts.order, count, tolerance)

    def upper(count: int) -> float:
        return worst_of(knowledge, parts.order[:count], spans(count), level).upper

    tried = wanted(size, spectrum)
    count = _dimension(upper, len(spectrum), tolerance) if tried is None else tried
    passed = count > 0 and upper(count) <= tolerance
    none = not count and _broken(knowledge, parts, spans, tolerance, level)
    shown = 0 if none else count if passed or tried is not None else _possible(spectrum, tolerance)
    closure, refuted = _closure(rho_in, knowledge, parts.order[:shown]), doubt
    if passed and closure > limits.MOST_CLOSURE:
        doubt = doubt or f"the tolerance cuts through a multiplet: brackets leave the span by {closure:.2g} of them"
    first = max(shown, min(1, len(spectrum)))
    claim = Claim(
        status="undecided" if doubt else "certified" if passed else "none" if none else "undecided",
        directions=parts.order[:shown],
        grades=("approximate",) * shown,
        errors=(),
        effects=(),
        span=worst_of(knowledge, parts.order[:first], spans(first), level) if first else Interval(0.0, 0.0, 0.0),
        spectrum=spectrum.sort(descending=True).values,
        ladder=_ladder(upper, spectrum, tolerance, doubt),
        ignored=parts.ignored[:0] if doubt else parts.ignored,
        ignored_effect=0.0 if doubt else parts.effect,
        trivial=parts.trivial,
        samples=samples,
        effective=knowledge.effective / knowledge.points * samples,
        closure=closure,
        floor=0.0,
        tolerance=tolerance,
        level=level,
        seed=knowledge.seed,
        why="",
    )
    limits_of = spans(shown) if shown else None
    said = without_limits(claim) if refuted else claim
    result = SmoothJudgement(said, knowledge, parts.order[:shown], parts.order[shown:], limits_of)
    members = result.members(claim.directions)
    told = replace(result.claim, errors=members.errors, effects=members.effects)
    return replace(result, claim=replace(told, why=sentence(told, _why(parts, doubt))))


def _candidates(knowledge: Knowledge, tolerance: float, level: float) -> Candidates:
    """Set apart what moves nothing and what the map answers too weakly; order the rest by its breaks."""
    moving, trivial = moving_rows(knowledge.motion)
    answers, axes = torch.linalg.eigh(moving @ knowledge.chance @ moving.T)
    rows = axes.T @ moving
    noise = (rows @ (knowledge.chances.mean(0) - knowledge.chance) @ rows.T).diagonal().clamp_min(0)
    heard = answers > bars.LEAST_ANSWER * noise + bars.ROUNDING**2 * answers.amax()
    quiet, loud = rows[~heard], rows[heard] / answers[heard].sqrt()[:, None]
    _, turn = torch.linalg.eigh(loud @ knowledge.broken @ loud.T)
    found = Candidates(turn.T @ loud, quiet[:0], 0.0, quiet, trivial)
    count = _dimension(lambda k: _effect(knowledge, found, k, tolerance, level), len(quiet), tolerance)
    effect = _effect(knowledge, found, count, tolerance, level) if count else 0.0
    return replace(found, ignored=quiet[:count], effect=effect, silent=quiet[count:])


def _effect(knowledge: Knowledge, parts: Candidates, count: int, tolerance: float, level: float) -> float:
    """Upper limit of the effect of the worst of the first directions that the map hardly answers."""
    rows = torch.cat([parts.silent[:count] / max(knowledge.spread, 1e-300), parts.order])
    return float(span_limits(knowledge, rows, count, tolerance).worst().quantile(1 - level))


def _dimension(upper: Callable[[int], float], high: int, tolerance: float) -> int:
    """Largest span whose limit is within the tolerance, by bisection: wider ones are broken more."""
    low = 0
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if upper(middle) <= tolerance else (low, middle - 1)
    return low


def _ladder(upper: Callable[[int], float], spectrum: Tensor, tolerance: float, doubt: str) -> dict[float, int]:
    """Dimension by tolerance; none is exact, and none is claimed in doubt."""
    found, sizes = 0, {0.0: 0}
    for limit in sorted({*LADDER, tolerance}):
        possible = int((spectrum <= limit).sum())  # a limit is no less than the value
        found = found if doubt else max(found, _dimension(upper, possible, limit))
        sizes[limit] = found
    return sizes


def _possible(spectrum: Tensor, tolerance: float) -> int:
    """How many directions may be symmetries, where nothing is known: one, or all that look like it."""
    return max(min(1, len(spectrum)), int((spectrum <= tolerance).sum()))


def _broken(
    knowledge: Knowledge, parts: Candidates, spans: Callable[[int], SpanLimits], tolerance: float, level: float
) -> bool:
    """Whether every candidate is broken by more than the tolerance.

    What the samples show has to say so without the noise that is in it, and so have both limits of the least broken.
    """
    if not len(parts.order) or len(parts.silent):
        return False
    rows = knowledge.lie.flatten(0, 1) @ parts.order.T
    shown = 2 * rows.T @ rows / knowledge.points - parts.order @ knowledge.broken @ parts.order.T
    clear = float(torch.linalg.eigvalsh(shown)[0]) > tolerance**2
    first = spans(1)
    lower = worst_of(knowledge, parts.order[:1], first, level).lower
    return clear and lower > tolerance and first.larger(tolerance) > 1 - level


def _closure(rho_in: Action, knowledge: Knowledge, directions: Tensor) -> float:
    """Part of the brackets outside the span, by what they do to the map; 0 where brackets are not known."""
    if not isinstance(rho_in.algebra, LieAlgebra):
        return 0.0
    root = factor_of(knowledge.chance)
    moving, _ = moving_rows(knowledge.motion)
    return closure_of(rho_in.algebra.structure_constants, Factors(root, root, root), moving, directions)


def _doubt(knowledge: Knowledge, samples: int, beaten: float, level: float) -> str:
    """Why nothing is said of the map, whatever its limits."""
    effective = knowledge.effective / knowledge.points * samples
    if effective < limits.LEAST_EFFECTIVE:
        return f"only {effective:.0f} samples carry the answer"
    if beaten < level:
        return (
            f"a smooth process is worse on samples held out than another kind of map (p = {beaten:.2g}, required at "
            f"least {level:g})"
        )
    return ""


def _why(parts: Candidates, doubt: str) -> str:
    """What stands in the way of an answer."""
    if doubt or not len(parts.silent):
        return doubt or "the interval holds the tolerance"
    count = len(parts.silent)
    return f"the map answers to {count} direction{'s' * (count > 1)} too weakly to judge"
