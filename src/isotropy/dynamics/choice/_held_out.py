"""Which symmetry to impose: candidates compared on held-out data, and the road that follows."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ...action._representation import Representation
from ...discover.evidence._result import Discovery
from ...enforce import FunctionBasis
from ...errors import DataError
from .. import bars
from ..constraint._equivariant_fields import SymmetryLike, as_action
from ..fit._governing import Governing
from ..fit._systems import Solution, System, solve
from ..fit._trajectories import checked_trajectories
from ..fit._weak import WeakSINDy
from ._candidates import symmetry_candidates

NONE = "none"
_BY_TRAJECTORY = 8  # trajectories from which on folds are trajectories, else stretches of rows


@dataclass(frozen=True)
class Trial:
    """One symmetry, imposed.

    Attributes
    ----------
    name : str
        Of the candidate.
    known, linear, hard : bool
        Given or discovered; by matrices or by other fields; imposed exactly or by a penalty.
    dim : int
        Coefficients left free by the symmetry, before terms are selected.
    parameters : int
        Free parameters of the fit to all data.
    error : float
        Root mean square of held-out rows, relative to that of their targets.
    cost : float
        Relative growth of that error against no symmetry.
    broken : float
        Share of the free equations that breaks the symmetry, in [0, 1].
    p_value : float or None
        Of what the symmetry forbids, if rows are independent.
    accepted : bool
        Whether the data can live with it.
    reason : str
        Why.
    """

    name: str
    known: bool
    linear: bool
    hard: bool
    dim: int
    parameters: int
    error: float
    cost: float
    broken: float
    p_value: float | None
    accepted: bool
    reason: str

    @property
    def branch(self) -> str:
        """``"known, linear, hard"`` and its kin."""
        if self.name == NONE:
            return "no symmetry"
        origin, form = "known" if self.known else "discovered", "linear" if self.linear else "nonlinear"
        return f"{origin}, {form}, {'hard' if self.hard else 'soft'}"


@dataclass(frozen=True)
class SymmetryChoice:
    """What ``choose_symmetry`` found.

    Attributes
    ----------
    trials : tuple of Trial
        All candidates, no symmetry first.
    chosen : Trial
        The one that ``model`` obeys.
    symmetry : Symmetry or None
        What was imposed.
    model : Governing
        Fitted to all data.
    free : Governing
        The same without symmetry.
    """

    trials: tuple[Trial, ...]
    chosen: Trial
    symmetry: SymmetryLike | None
    model: Governing
    free: Governing

    @property
    def reasons(self) -> list[str]:
        """The decision in sentences."""
        one, none = self.chosen, self.trials[0]
        if one.name == NONE:
            return [f"No symmetry is imposed: {len(self.trials) - 1} tried, none accepted.", *self._lines()]
        removed = none.parameters - one.parameters
        verb = "costs" if one.cost > 0 else "saves"
        first = (
            f"Imposing {one.name} {verb} {abs(one.cost):.1%} of held-out error and removes {removed} of "
            f"{none.parameters} parameters of the fit; it leaves {one.dim} of {none.dim} coefficients free."
        )
        return [first, f"Road taken: {one.branch}.", *self._lines()]

    def _lines(self) -> list[str]:
        return [f"{t.name}: {t.reason}" for t in self.trials[1:]]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and words."""
        rows = [{**vars(t), "branch": t.branch} for t in self.trials]
        return {"chosen": self.chosen.name, "branch": self.chosen.branch, "reasons": self.reasons, "trials": rows}


def choose_symmetry(
    model: Governing,
    states: Sequence[Any],
    times: Sequence[Any],
    candidates: Mapping[str, SymmetryLike] | None = None,
    *,
    folds: int = 5,
) -> SymmetryChoice:
    """Fit a model under each candidate symmetry and keep what the data can live with.

    All fits share one linear system, that of the model without symmetry. A symmetry is rejected if it makes the error
    on held-out rows larger by two standard errors or by 10 %, or, where rows are independent (weak form), if an F test
    finds at the level of 1 % what it forbids. Of the accepted ones the best on held-out rows is imposed, together with
    every further one that is accepted beside it; those that are not are rejected after all. If none is accepted but
    one is broken by a quarter at most, it is tried as a soft constraint.

    Parameters
    ----------
    model : Governing
        ``SINDy`` or ``WeakSINDy``; its own symmetry is not looked at, and it is not changed.
    states, times : sequence
        Trajectories `(T_i, n)` and their times `(T_i,)`.
    candidates : mapping of str to Symmetry, optional
        ``symmetry_candidates`` if left out.
    folds : int
        Parts held out in turn.

    Raises
    ------
    DataError
        If the data do not determine a fit without symmetry, which the others are compared to.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> t = torch.linspace(0, 20, 100, dtype=torch.float64)
    >>> x = torch.exp(-t / 10)[:, None] * torch.stack([t.cos(), t.sin()], dim=1)
    >>> x += 0.05 * torch.randn(100, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> found = choose_symmetry(iso.dynamics.WeakSINDy(iso.dictionary.polynomials(2, 2)), [x], [t])
    >>> found.chosen.name, found.chosen.dim, found.model.free_parameters_
    ('so(2)', 2, 2)
    """
    if folds < 2:
        raise DataError(f"folds: expected at least 2, received {folds}; use 5")
    given = symmetry_candidates(model.dictionary.size) if candidates is None else dict(candidates)
    bench = _Bench(model, states, times, folds)
    trials = {name: bench.trial(name, symmetry) for name, symmetry in given.items() if name != NONE}
    accepted = _ranked([t for t in trials.values() if t.accepted])
    best, symmetry, extra = bench.none, None, list[Trial]()
    if accepted:
        best, symmetry, refused = _gathered(bench, accepted, given)
        trials |= {t.name: t for t in refused}
    else:
        slight = [t for t in trials.values() if t.dim and t.broken < bars.MOST_BROKEN_SOFTLY]
        for trial in sorted(slight, key=lambda t: t.broken)[:1]:
            extra = [bench.softened(trial, given[trial.name])]
            if extra[0].accepted:
                best, symmetry = extra[0], given[trial.name]
    if best.name not in trials and best is not bench.none and best not in extra:
        extra = [best]
    fitted = bench.fitted(symmetry, best)
    return SymmetryChoice((bench.none, *trials.values(), *extra), best, symmetry, fitted, bench.free)


def _ranked(accepted: list[Trial]) -> list[Trial]:
    """The best on held-out rows first; what is as good comes in order of freedom, the least first."""
    least = min((t.error for t in accepted), default=0.0)
    return sorted(accepted, key=lambda t: (t.error > bars.ALIKE_ERRORS * least, t.dim, t.error))


def _gathered(
    bench: _Bench, accepted: list[Trial], given: Mapping[str, SymmetryLike]
) -> tuple[Trial, Any, list[Trial]]:
    """The best of the accepted, joined by every other one that says more and is accepted beside it; and the others."""
    best, parts, refused = accepted[0], [given[accepted[0].name]], list[Trial]()
    for other in accepted[1:]:
        name, joint = f"{best.name} + {other.name}", [*parts, given[other.name]]
        together = bench.trial(name, joint)
        if not together.accepted:
            reason = f"rejected beside {best.name}, alone {other.reason}"
            refused.append(replace(other, accepted=False, reason=reason))
        elif together.dim < best.dim:
            best, parts = together, joint
    return best, parts[0] if len(parts) == 1 else parts, refused


class _Bench:
    """One linear system, cut into folds, on which symmetries are tried."""

    def __init__(self, model: Governing, states: Sequence[Any], times: Sequence[Any], folds: int) -> None:
        self.free = _under(model, None, None)
        self.free._check_options()
        pairs = checked_trajectories(states, times, model.size, self.free._fewest)
        self.states = torch.cat([self.free.places(x) for x, _ in pairs])
        parts = self.free.systems(pairs)
        self.whole = System.joined(parts)
        self.free._accept(self.free.selected(self.whole))
        self.splits = _splits(parts, self.whole, folds)
        self.targets = torch.cat([left.target.square().flatten() for _, left in self.splits])
        self.squares = self._held_out(self.free)
        self.full = solve(self.whole, self.free.space())
        count = self.free.dictionary.size * len(self.free.dictionary)
        self.none = self._trial(NONE, self.free, self.squares, count, None, 0.0)

    def trial(self, name: str, symmetry: SymmetryLike) -> Trial:
        """Impose a symmetry exactly."""
        model = _under(self.free, symmetry, "hard")
        try:
            basis = self._impose(model)
            squares = self._held_out(model)
        except DataError as error:
            return self._impossible(name, symmetry, str(error))
        return self._trial(name, model, squares, basis.dim, self._p_value(basis), self._broken(basis))

    def softened(self, trial: Trial, symmetry: SymmetryLike) -> Trial:
        """Impose a symmetry by a penalty that expects it to be broken as much as it is."""
        model = self._soft(symmetry)
        name = f"{trial.name}, softly"
        try:
            squares = self._held_out(model)
        except DataError as error:
            return self._impossible(name, symmetry, str(error))
        found = self._trial(name, model, squares, self.none.dim, None, trial.broken)
        better = found.cost < 0
        reason = f"{'improves on' if better else 'does not improve on'} no symmetry ({found.cost:+.1%} held-out error)"
        return replace(found, accepted=better, reason=reason)

    def fitted(self, symmetry: SymmetryLike | None, trial: Trial) -> Governing:
        """The model of the choice, on all data."""
        if symmetry is None:
            return self.free
        model = _under(self.free, symmetry, "hard") if trial.hard else self._soft(symmetry)
        if trial.hard:
            self._impose(model)
        return model._accept(model.selected(self.whole))

    def _soft(self, symmetry: SymmetryLike) -> Governing:
        """A model with a penalty under which the free equations pay as much as their noise."""
        model = _under(self.free, symmetry, "soft")
        defect = float((self._impose(model).constraints @ self.free.coef_.flatten()).norm())
        noise = self.full.residual / max(1, self.whole.rows - self.full.dim)
        model.weight = noise * len(self.free.coef_) / self.whole.rows / max(defect, 1e-12) ** 2
        return model

    def _impose(self, model: Governing) -> FunctionBasis:
        """Find what a model's symmetry allows."""
        basis = model._allowed(self.states)
        if basis is None:
            raise DataError("candidates: expected symmetries, received None; leave out 'none', which is always tried")
        model.symmetry_ = basis
        return basis

    def _trial(
        self, name: str, model: Governing, squares: Tensor, dim: int, p_value: float | None, broken: float
    ) -> Trial:
        error, base = (float((s.mean() / self.targets.mean()).sqrt()) for s in (squares, self.squares))
        cost = error / base - 1 if base > 0 else 0.0
        worse, forbidden = is_worse(squares - self.squares, cost), is_forbidden(p_value)
        known, linear = _origin(model.symmetry, self.free.dictionary.size)
        reason = _reason(worse, forbidden, cost, p_value, broken)
        parameters = model.selected(self.whole).dim
        hard = model.constraint == "hard"
        return Trial(
            name, known, linear, hard, dim, parameters, error, cost, broken, p_value, not (worse or forbidden), reason
        )

    def _impossible(self, name: str, symmetry: SymmetryLike, why: str) -> Trial:
        known, linear = _origin(symmetry, self.free.dictionary.size)
        return Trial(
            name, known, linear, True, 0, 0, 1.0, 1 / self.none.error - 1, 1.0, None, False, f"rejected: {why}"
        )

    def _held_out(self, model: Governing) -> Tensor:
        """Squares of all held-out rows."""
        parts = [_residuals(model.selected(kept), left) for kept, left in self.splits]
        return torch.cat(parts)

    def _p_value(self, basis: FunctionBasis) -> float | None:
        """F test of the forbidden directions; None where rows depend on one another."""
        from scipy.stats import f

        own, count = basis.dim, self.full.dim
        spare = self.whole.rows - count
        if not isinstance(self.free, WeakSINDy) or spare < 1 or own >= count:
            return None
        growth = solve(self.whole, basis.coefficients).residual - self.full.residual
        return float(f.sf(growth / (count - own) / (self.full.residual / spare), count - own, spare))

    def _broken(self, basis: FunctionBasis) -> float:
        """Share of the rows that the free fit predicts and no allowed field can."""
        free = self.free.coef_
        predicted = torch.einsum("irp,ip->ir", self.whole.design.expand(len(free), -1, -1), free)
        left = solve(System(self.whole.design, predicted), basis.coefficients).residual
        return min(1.0, (left / max(float(predicted.square().sum()), 1e-300)) ** 0.5)


def _under(model: Governing, symmetry: Any, constraint: str | None) -> Governing:
    """A copy of a model that asks for a symmetry."""
    own = copy.copy(model)
    own.symmetry, own.symmetry_ = symmetry, None
    own.constraint = constraint or "hard"
    return own


def _splits(parts: list[System], whole: System, folds: int) -> list[tuple[System, System]]:
    """Kept and held-out rows, fold by fold."""
    if len(parts) >= _BY_TRAJECTORY:
        groups = [[p for i, p in enumerate(parts) if i % folds == k] for k in range(folds)]
        rest = [[p for i, p in enumerate(parts) if i % folds != k] for k in range(folds)]
        return [(System.joined(a), System.joined(b)) for a, b in zip(rest, groups, strict=True)]
    count = whole.target.shape[1]
    stretch = torch.arange(count) * folds // count
    return [
        (whole.drawn((stretch != k).nonzero().flatten()), whole.drawn((stretch == k).nonzero().flatten()))
        for k in range(folds)
    ]


def _residuals(found: Solution, rows: System) -> Tensor:
    predicted = torch.einsum("irp,ip->ir", rows.design.expand(len(found.coef), -1, -1), found.coef)
    return (predicted - rows.target).square().flatten()


def _origin(symmetry: Any, size: int) -> tuple[bool, bool]:
    """Whether a symmetry was given, and whether matrices carry it."""
    members = symmetry if isinstance(symmetry, Sequence) else [] if symmetry is None else [symmetry]
    actions = [None if isinstance(m, FunctionBasis) else as_action(m, size) for m in members]
    known = not any(isinstance(m, Discovery) for m in members)
    return known, all(isinstance(a, Representation) for a in actions)


def is_worse(growth: Tensor, cost: float) -> bool:
    """Whether held-out squares `(rows,)` grow surely, or by the relative ``cost`` too much."""
    doubt = float(growth.std() / len(growth) ** 0.5)
    return float(growth.mean()) > bars.SURE_GROWTH * doubt > 0 or cost > bars.MOST_GROWTH


def is_forbidden(p_value: float | None) -> bool:
    """Whether rows that are independent refuse what a symmetry forbids."""
    return p_value is not None and p_value < bars.LEVEL


def _reason(worse: bool, forbidden: bool, cost: float, p_value: float | None, broken: float) -> str:
    verdict = "rejected" if worse or forbidden else "accepted"
    most = f"at most {bars.MOST_GROWTH:+.0%} and {bars.SURE_GROWTH:g} standard errors"
    test = "" if p_value is None else f", p = {p_value:.2g} (at least {bars.LEVEL:g}) for what it forbids"
    return f"{verdict}: held-out error {cost:+.1%} ({most}){test}; the free fit breaks it by {broken:.2g}"
