"""What the rows of a weak form say of candidates: directions, their defects, and wider classes that confirm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from statistics import NormalDist

import torch
from torch import Tensor

from ...action._action import Action
from ...symmetry.claims import Interval
from ...symmetry.learnt import LearntForms, PolynomialClass, learnt_forms, matrices_of
from ...symmetry.learnt import bars as learnt
from ...symmetry.learnt._debiased import directions_of, response_error
from ...symmetry.learnt._question import Question
from ...symmetry.learnt._span_limits import Noise as Errors
from .. import bars
from ._field import WeakField
from ._on_set import SetPolynomials


class WeakQuestion(Question):
    """The field with its directions, and the wider classes that confirm, from rows of the weak form."""

    def __init__(self, field: WeakField, forms: LearntForms, level: float, wider_level: float, seed: int) -> None:
        self.family, self._field, self._forms, self._seed = field.family, field, forms, seed
        self._level, self._wider_level = level * (1 - learnt.DENOMINATOR_SHARE), wider_level
        self._deviations = NormalDist().inv_cdf(1 - level * learnt.DENOMINATOR_SHARE)
        self.forms = forms.leading(field.terms)
        self.fit = field.fit
        self.directions = directions_of(self.forms, self.fit)

    def member(self, theta: Tensor, most: float) -> tuple[Interval, Interval]:
        """Defect and effect of one direction `(dim,)` of a span whose worst member has this limit."""
        scale = float(theta @ self.directions.chance @ theta) ** 0.5
        unit = theta / max(scale, 1e-300)
        square = float(unit @ self.directions.lie @ unit)
        value = min(max(square, 0.0) ** 0.5, most)
        error = self._deviations * float(response_error(self.forms.chance, self.fit, unit))
        lower = self._own.lower(unit, self._level) / (1 + error) ** 0.5
        motion = max(float(unit @ self.forms.motion @ unit), 1e-300) ** 0.5
        spread = max(float(self.fit.beta[self.forms.outputs :].norm()), 1e-300)
        found = (value, min(lower, value), most)
        return Interval(*found), Interval(*(part / motion / spread for part in found))

    def beside(self, rows: Tensor, size: int, most: float) -> float:
        """Upper limit for the span of any rows `(k, dim)`, from that of the first ``size`` directions.

        What leads out of their span breaks as much as it is seen to, beside what they do.
        """
        chance, order = self.directions.chance, self.directions.order
        rows = rows / (rows @ chance @ rows.T).diagonal().clamp_min(1e-300).sqrt()[:, None]
        sizes, axes = torch.linalg.eigh(rows @ chance @ rows.T)
        if float(sizes[0]) <= learnt.ROUNDING * float(sizes[-1]):
            return float("inf")
        unit = (axes / sizes.sqrt()).T @ rows
        parts = unit @ chance @ order.T
        missed = unit - parts @ order
        if float((missed @ self.forms.motion @ missed.T).trace()) > bars.MISSED_MOTION * len(unit):
            return float("inf")  # to that part the response of the field is not known
        outside = parts[:, size:] * self.directions.squares[size:].clamp_min(0).sqrt()
        return most + (float(torch.linalg.matrix_norm(outside, ord=2)) if outside.shape[1] else 0.0)

    @cached_property
    def _own(self) -> Errors:
        """The chosen class with draws of its noise."""
        draws = self.fit.draws(learnt.DRAWS, self._seed)
        return Errors(self.forms, self.fit.beta, draws, self.fit.beta, draws)

    def _each(self) -> Iterator[tuple[Errors, float]]:
        """The chosen class at the level, and wider ones at theirs, with draws of one noise."""
        yield self._own, self._level
        rows, size = self._field.rows, len(self.fit.beta)
        for degree in self._field.chosen.wider:
            terms = self._field.family.terms(degree)
            fit = rows.fit(terms)
            draws = fit.draws(learnt.DRAWS, self._seed + degree)
            # Errors of the narrow fit from the same scores, on the coefficients of the wide class: its first ones.
            narrow = draws @ rows.information(terms)[:, :size] @ self.fit.projector.T
            few = [torch.nn.functional.pad(part, (0, len(fit.beta) - size)) for part in (self.fit.beta, narrow)]
            yield Errors(self._forms.leading(terms), fit.beta, draws, few[0], few[1]), self._wider_level


def weak_forms(family: PolynomialClass, action: Action) -> LearntForms:
    """Lie derivatives of fields under the candidates, lengths of velocities being those of whitened coordinates."""
    points = family.centre + family.points @ family.root
    turns = matrices_of(action.tangent(), points)
    turns = turns[0] if bool((turns == turns[:1]).all()) else turns
    forms = learnt_forms(family, action.fields(points), turns, metric=torch.linalg.inv(family.root))
    # A generator that moves velocities only, as the pace of time does, is not trivial: one unit of it counts as much as
    # a standard deviation of motion.
    turned = turns.flatten(-2).square().sum(-1)
    still = (forms.motion.diagonal() == 0) & ((turned if turned.ndim == 1 else turned.mean(0)) > 0)
    forms = replace(forms, motion=forms.motion + torch.diag(still.to(torch.float64)))
    return _off_set(forms, family, action.fields(points)) if isinstance(family, SetPolynomials) else forms


def _off_set(forms: LearntForms, family: SetPolynomials, fields: Tensor) -> LearntForms:
    """The same where a motion off the set of the states counts as a break.

    There the field may change by anything; what is taken is its own size, for one standard deviation of motion.
    """
    moves = torch.linalg.solve_triangular(family.root, fields.to(torch.float64), upper=True, left=False)
    off = torch.einsum("pvn,pkn->kpv", family.normals, moves).flatten(1) / len(moves) ** 0.5
    values, axes = torch.linalg.eigh(off @ off.T)
    root = axes * values.clamp_min(0).sqrt()  # (dim, dim)
    whole = torch.eye(forms.lie.shape[2], dtype=torch.float64)
    rows = torch.einsum("dr,ab->drab", root[:, values > learnt.ROUNDING * values.amax().clamp_min(1e-300)], whole)
    return replace(forms, lie=torch.cat([forms.lie, rows.flatten(1, 2)], dim=1))


def leaving(family: PolynomialClass, action: Action) -> bool:
    """Whether some candidate moves states off the set that they do not leave, so that nothing is known of it."""
    if not isinstance(family, SetPolynomials):
        return False
    fields = action.fields(family.centre + family.points @ family.root).to(torch.float64)
    moves = torch.linalg.solve_triangular(family.root, fields, upper=True, left=False)
    off = torch.einsum("pvn,pkn->kpv", family.normals, moves).flatten(1).norm(dim=1)
    return bool((off > bars.MOST_LEAVING * moves.transpose(0, 1).flatten(1).norm(dim=1)).any())
