"""How much functions of the state drift along the motion, chosen on some of the data and judged on the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ...core import bars as cuts
from ...core._linalg import EPSILON, StreamedQR, sparse_rows
from ...symmetry import bars as verdicts
from ...symmetry.claims import Interval
from ...symmetry.claims import bars as limits
from .. import bars as cases
from ..evidence._evidence import Factors
from ..evidence._kernel import Kernel, relative_kernel
from ..limits._quotients import bayesian_weights, interval_of, worst_quotients

_FOLDS = 8  # the span is chosen on seven eighths of the data, so that it is hardly worse than that of all


@dataclass(frozen=True)
class Drift:
    """What functions of the state do in independent units: trajectories, or single states.

    Attributes
    ----------
    changes : Tensor
        `(units, rows, terms)`: squares of a function's rows sum to the square of its change in a unit.
    spreads : Tensor
        `(units, rows, terms)`: the same of its departures from the mean over all data.
    sizes : Tensor
        `(terms,)` root mean squares of the terms themselves, whose rounding hides a drift.
    rounding : float
        Relative rounding of the terms.
    paces : Tensor
        `(units,)` with mean 1: what each unit adds to the square of the pace that changes are measured in.
    worst : bool
        Whether the upper limit is no less than the drift of the worst unit, as for trajectories, which are few.
    level : float
        Risk to be wrong; an interval leaves out half of it on either side.
    seed : int
        Of the folds and the resamples.
    """

    changes: Tensor
    spreads: Tensor
    sizes: Tensor
    rounding: float
    paces: Tensor
    worst: bool
    level: float
    seed: int

    @property
    def units(self) -> int:
        """Number of trajectories or states."""
        return len(self.changes)

    def taken(self, index: Tensor) -> Drift:
        """The same of some units."""
        return replace(self, changes=self.changes[index], spreads=self.spreads[index], paces=self.paces[index])

    @cached_property
    def factors(self) -> Factors:
        """Triangular factors of changes and spreads over all units."""
        parts = [
            StreamedQR(rows.shape[2]).update(rows.reshape(-1, rows.shape[2])).R for rows in (self.changes, self.spreads)
        ]
        return Factors(parts[0], parts[1], parts[1][:0])

    def kernel(self, rank: Any, floor: float, tolerance: float) -> Kernel:
        """Directions by their drift, and those that are constant over all data."""
        return relative_kernel(
            self.factors, rank=rank, floor=floor, resolution=verdicts.TRIVIAL_MOTION, tolerance=tolerance
        )

    def floor(self, directions: Tensor) -> float:
        """Drift of the worst of directions `(k, terms)` up to which it is rounding."""
        if not len(directions):
            return 0.0
        spread = (directions @ self.factors.moved.T).norm(dim=1) / self.units**0.5
        return float((self.rounding * (directions.abs() @ self.sizes) / spread.clamp_min(1e-300)).amax())

    # -- chosen on some, judged on the rest --------------------------------------------------------------------------

    @cached_property
    def _folds(self) -> Tensor:
        order = torch.randperm(self.units, generator=torch.Generator().manual_seed(self.seed))
        return order % min(_FOLDS, self.units)

    @cached_property
    def _chosen(self) -> list[Tensor]:
        """Directions `(r, terms)`, least broken first, from all units but those of one fold."""
        parts = [self.taken(torch.nonzero(self._folds != k)[:, 0]) for k in range(int(self._folds.max()) + 1)]
        return [part.kernel(0, EPSILON, 1.0).directions.flip(0) for part in parts]

    @cached_property
    def _weights(self) -> Tensor:
        return bayesian_weights(self.units, self.seed)

    def most(self) -> int:
        """Largest span that every fold can choose."""
        return min(map(len, self._chosen))

    def held_out(self, directions: Tensor, size: int) -> Interval:
        """Drift of the worst member of directions `(k, terms)`, each unit judged by what the others make of them.

        That is their projection, in the metric of spreads, onto the first ``size`` directions chosen without it; those
        that come from all units look less broken than they are.
        """
        above, below = self._forms(self._elements(directions, size))
        seen, whole = interval_of(self._squares(above, below), self.level / 2), self.plain(directions)
        upper = max(seen.upper, whole.upper)
        if self.worst:
            # Few trajectories resample to less than a fresh one may show; none of those at hand may exceed the limit.
            each = worst_quotients(above, below.mean(0).expand_as(below)).clamp_min(0).sqrt()
            upper = max(upper, float(each.amax()))
        return Interval(seen.value, min(seen.lower, whole.lower), upper)

    def plain(self, directions: Tensor) -> Interval:
        """Drift of the worst member of directions `(k, terms)` as they are, by all units."""
        squares = self._squares(*self._forms(directions.expand(self.units, *directions.shape)))
        return interval_of(squares, self.level / 2)

    def rounded(self, span: Tensor, trivial: Tensor, residual: float, tolerance: float) -> Tensor:
        """Sparse basis of a span `(k, terms)` without its part along constants, as coarse as the tolerance allows.

        Entries are compared by how much their terms vary over the data, whatever the units of the columns.
        """
        if not len(span):
            return span
        scale = self.spreads.square().sum(1).mean(0).sqrt()
        scale = torch.where(scale > 0, 2.0 ** scale.clamp_min(1e-300).log2().round(), 1.0)  # chance breaks no ties
        unit = torch.nn.functional.normalize(span * scale)
        if len(trivial):
            constants = torch.linalg.qr((trivial * scale).T).Q
            unit = unit - unit @ constants @ constants.T
        for entry in (min(verdicts.KEPT_RESIDUALS * residual, cuts.LARGEST_ZERO), cuts.ZERO_ENTRY):
            rows = sparse_rows(unit, max(entry, cuts.ZERO_ENTRY)) / scale
            rows = rows / rows.abs().amax(dim=1, keepdim=True).clamp_min(1e-300)
            if self.plain(rows).upper <= tolerance:  # what is printed is what was certified
                break
        return rows

    def carried(self, directions: Tensor) -> float:
        """How many units carry the spreads and the changes of directions `(k, terms)`."""
        _, below = self._forms(directions.expand(self.units, *directions.shape))
        parts = torch.einsum("ukl,lk->u", below, torch.linalg.pinv(below.mean(0), hermitian=True))
        return float(parts.sum() ** 2 / parts.square().sum().clamp_min(1e-300))

    def bounded(self, directions: Tensor) -> bool:
        """Whether the interval of directions `(k, dim)` is one: resamples of few units do not tell what others hold."""
        return self.worst or not len(directions) or self.carried(directions) >= limits.LEAST_EFFECTIVE

    def _elements(self, directions: Tensor, size: int) -> Tensor:
        """For every unit what the rest of them makes of directions `(k, terms)`: `(units, k, terms)`."""
        metric = self.factors.moved
        found: list[Tensor] = []
        for chosen in self._chosen:
            frame, change = torch.linalg.qr(metric @ chosen[:size].T)
            inside = torch.linalg.solve_triangular(change, frame.T @ metric @ directions.T, upper=True)
            found.append(inside.T @ chosen[:size])
        return torch.stack(found)[self._folds]

    def _forms(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        """Gram matrices `(units, k, k)` of changes and of spreads along elements `(units, k, terms)`."""
        rows = [part @ elements.transpose(1, 2) for part in (self.changes, self.spreads)]
        above, below = (part.transpose(1, 2) @ part for part in rows)
        return above, below

    def _squares(self, above: Tensor, below: Tensor) -> Tensor:
        top, bottom = (torch.einsum("ru,ukl->rkl", self._weights, part) for part in (above, below))
        # The unit of time is estimated from the same units, so that it is drawn anew with them.
        return worst_quotients(top, bottom) / (self._weights @ self.paces / self.units).clamp_min(cases.LEAST_PACE)


@dataclass(frozen=True)
class Kept:
    """What a drift allows to be called conserved.

    Attributes
    ----------
    status : "certified", "undecided" or "none"
        None: every function drifts by more than the tolerance.
    exact, approximate : Tensor
        `(k, terms)` combinations within rounding, and others.
    span : Interval
        Drift of the worst member; of the least drifting function where there is none.
    doubt : str
        What stands in the way.
    bounded : bool
        Whether the limits of the drift are to be believed.
    """

    status: str
    exact: Tensor
    approximate: Tensor
    span: Interval
    doubt: str
    bounded: bool = True


def kept(drift: Drift, kernel: Kernel, tolerance: float, size: int | None) -> Kept:
    """The largest span whose upper limit is within the tolerance, or that of a given size."""
    directions = kernel.directions.flip(0)
    most = min(len(directions), drift.most())
    if not most:
        nothing = Interval(0.0, 0.0, 0.0)
        return Kept("undecided", directions, directions, nothing, "nothing varies over the data, or too little is seen")
    exact = _exact(drift, directions[:most])
    found = _largest(drift, directions[:most], exact, tolerance) if size is None else min(size, most)
    if not found:
        return _broken(drift, kernel, directions, tolerance)
    exact = min(exact, found)
    span = drift.held_out(directions[:found], found)
    doubt = _doubt(drift, directions[:found], exact, span, tolerance)
    if doubt and exact and size is None:  # what is exact stands on its own
        return Kept("certified", directions[:exact], directions[:0], drift.held_out(directions[:exact], exact), "")
    status = "undecided" if doubt else "certified"
    bounded = status == "certified" or drift.bounded(directions[:found])
    return Kept(status, directions[:exact], directions[exact:found], span, doubt, bounded)


def _exact(drift: Drift, directions: Tensor) -> int:
    """How many leading directions drift by no more than rounding in every unit, chosen without it.

    Where terms cancel so far that rounding is coarse, it may hide a drift, and nothing is exact.
    """
    size = 0
    while size < len(directions):
        span = directions[: size + 1]
        floor = drift.floor(span)
        if floor > limits.COARSEST_EXACT or drift.held_out(span, size + 1).upper > floor:
            break
        size += 1
    return size


def _largest(drift: Drift, directions: Tensor, exact: int, tolerance: float) -> int:
    """A fixed sequence of sizes, in which the first failure ends the claim, so that none is tried twice."""
    size = exact
    while size < len(directions) and drift.held_out(directions[: size + 1], size + 1).upper <= tolerance:
        size += 1
    return size


def _broken(drift: Drift, kernel: Kernel, directions: Tensor, tolerance: float) -> Kept:
    """None where even the least drifting function does by more than the tolerance; else what may be conserved."""
    span, empty = drift.held_out(directions[:1], 1), directions[:0]
    if span.lower > tolerance and drift.bounded(directions[:1]):
        return Kept("none", empty, empty, span, "")
    possible = kernel.null.flip(0) if kernel.cut.dim else directions[:1]
    bounded = drift.bounded(directions[:1])
    doubt = "the interval holds the tolerance" if bounded else "too few states carry the answer"
    return Kept("undecided", empty, possible, span, doubt, bounded)


def _doubt(drift: Drift, directions: Tensor, exact: int, span: Interval, tolerance: float) -> str:
    """Why directions `(k, terms)` are not certified; empty if they are."""
    if exact == len(directions):
        return ""
    if span.upper > tolerance:
        return f"the upper limit, {span.upper:.2g}, is above the tolerance {tolerance:g}"
    if not drift.bounded(directions):
        return f"only {drift.carried(directions):.0f} states carry the answer"
    needed = math.ceil(math.log(drift.level) / math.log(1 - drift.level))
    if drift.worst and drift.units < needed and span.upper > cases.NEARLY_EXACT * tolerance:
        # Of so many, none may drift more unless more than the level of all do; fewer say nothing about fresh ones.
        return f"{drift.units} trajectories do not tell how others drift, {needed} would"
    return ""
