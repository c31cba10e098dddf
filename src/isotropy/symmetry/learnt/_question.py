"""The chosen class with its fit and directions, and the wider classes that confirm."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from statistics import NormalDist

import torch
from torch import Tensor

from ..claims import Interval
from . import bars
from ._class_gate import ChosenClass
from ._debiased import Directions, directions_of, is_rigid, response_error
from ._forms import LearntForms
from ._linear_fit import fit_linear
from ._polynomial_class import PolynomialClass
from ._span_limits import Noise


class Question:
    """The chosen class with its fit and directions, and the wider ones as they are asked."""

    def __init__(
        self,
        phi: Tensor,
        y: Tensor,
        family: PolynomialClass,
        forms: LearntForms,
        chosen: ChosenClass,
        level: float,
        wider_level: float | None,
        robust: bool,
        seed: int,
    ) -> None:
        self._phi, self._y, self.family, self._forms = phi, y, family, forms
        self._chosen, self._robust, self._seed = chosen, robust, seed
        self._level, self._wider_level = level * (1 - bars.DENOMINATOR_SHARE), wider_level
        self._deviations = NormalDist().inv_cdf(1 - level * bars.DENOMINATOR_SHARE)
        self.phi = phi[:, : family.terms(chosen.degree)]
        self.forms = forms.leading(self.phi.shape[1])
        self.fit = fit_linear(self.phi, y, robust)
        self.directions: Directions = directions_of(self.forms, self.fit)

    @cached_property
    def left_out(self) -> Tensor:
        """Residuals `(N, outputs)` of the samples, each left out of the fit."""
        leverage = torch.linalg.qr(self.phi)[0].square().sum(1, keepdim=True)
        return self.fit.residuals / (1 - leverage)

    def errors(self, far: float) -> list[Interval]:
        """Defects, least broken first, up to the first whose limit is far beyond what anybody asks about."""
        order, found, upper = self.directions.order, list[Interval](), 0.0
        for size in range(1, len(order) + 1):
            chance = self._chance(order[:size])
            upper = max(upper, self._upper(order, size, chance[0], far))
            # Squares of defects are relative to the debiased form, in which the directions are orthonormal.
            value = float(self.directions.squares[size - 1].clamp_min(0).sqrt())
            lower = self._classes[0][0].lower(order[size - 1], self._level) / chance[1] ** 0.5
            found.append(Interval(min(value, upper), min(lower, value), upper))
            if upper > far:
                break
        return found

    def effects(self, errors: list[Interval]) -> list[Interval]:
        """The same breaks per standard deviation of motion, in spreads of the map."""
        rows = self.directions.order[: len(errors)]
        return [self.per_motion(row, error) for row, error in zip(rows, errors, strict=True)]

    def ignored(self, tolerance: float) -> tuple[int, float]:
        """How many of the quiet directions have an effect within the tolerance, whatever their response is; its limit.

        The limit is that of the worst of all of them.
        """
        quiet, count, effect = self.directions.quiet, 0, 0.0
        rows = torch.stack([row * self._scale(row) for row in quiet]) if len(quiet) else quiet
        for size in range(1, len(rows) + 1):
            order = torch.cat([rows[:size], self.directions.order])
            upper = self._upper(order, size, 1.0, tolerance)
            if upper > tolerance:
                break
            count, effect = size, max(effect, upper)
        return count, effect

    def upper(self, rows: Tensor, size: int) -> float:
        """Limit of the worst member of a span `(k, dim)`, of unit chance, near the span of the first ``size``.

        What the span breaks along what other candidates break is hidden by the choice of directions. Other rows, such
        as rounded ones, break something there, which is seen and added.
        """
        order = torch.cat([rows, self.directions.order[size:]])
        broken = (rows @ (self.forms.lie @ self.fit.beta)).T  # (rows, k)
        taken = torch.linalg.qr((self.directions.order[size:] @ (self.forms.lie @ self.fit.beta)).T)[0]
        away = float(torch.linalg.matrix_norm(taken.T @ broken, ord=2)) if taken.shape[1] else 0.0
        least, _ = self._chance(rows)
        return self._upper(order, len(rows), least, float("inf")) + away / max(least, 1e-300) ** 0.5

    def turned(self, size: int) -> float:
        """Median size of the error of direction in the span of the first ``size``."""
        return float(self._classes[0][0].limits(self.directions.order, size).hidden.median().sqrt())

    def defect(self, row: Tensor, size: int) -> Interval:
        """Defect of one direction `(dim,)`, of unit chance, in the span of the first ``size``."""
        least, most = self._chance(row[None])
        upper = self._upper(torch.cat([row[None], self.directions.order[size:]]), 1, least, float("inf"))
        lower = self._classes[0][0].lower(row, self._level) / most**0.5
        value = float((row @ self.directions.lie @ row).clamp_min(0).sqrt())
        return Interval(min(value, upper), min(lower, value, upper), upper)

    def effect(self, row: Tensor, size: int) -> Interval:
        """Effect of one direction `(dim,)` that the map hardly answers, beside a span of the first ``size``."""
        row = row * self._scale(row)
        upper = self._upper(torch.cat([row[None], self.directions.order[size:]]), 1, 1.0, float("inf"))
        value = float((row @ self.directions.lie @ row).clamp_min(0).sqrt())
        return Interval(min(value, upper), 0.0, upper)

    def per_motion(self, row: Tensor, error: Interval) -> Interval:
        """The effect that belongs to the defect of one direction `(dim,)` of unit chance."""
        scale = self._scale(row)
        return Interval(error.value * scale, error.lower * scale, error.upper * scale)

    def _scale(self, row: Tensor) -> float:
        """What makes a break one per standard deviation of motion, in spreads of the map."""
        # The first regressor is the constant, the others have mean 0 and variance 1 over the domain.
        spread = float(self.fit.beta[self.forms.outputs :].norm())
        return 1 / float((row @ self.forms.motion @ row).sqrt()) / max(spread, 1e-300)

    def _upper(self, order: Tensor, size: int, chance: float, far: float) -> float:
        """Largest of the limits in the chosen class and in those that confirm it."""
        upper = 0.0
        for noise, level in self._classes:
            if chance <= 0 or upper > far:
                break
            upper = max(upper, noise.limits(order, size).upper(level) / chance**0.5)
        return float("inf") if chance <= 0 else upper

    def _chance(self, span: Tensor) -> tuple[float, float]:
        """Limits of the form that squares are compared with: of the span's least member, and of its last direction."""
        error = max(float(response_error(self.forms.chance, self.fit, row)) for row in span)
        gram = span @ self.directions.chance @ span.T
        return float(torch.linalg.eigvalsh(gram)[0]) - self._deviations * error, 1 + self._deviations * error

    @cached_property
    def _classes(self) -> list[tuple[Noise, float]]:
        """The chosen class and those that confirm it, with their levels."""
        return list(self._each())

    def _each(self) -> Iterator[tuple[Noise, float]]:
        """The chosen class at the level, and wider ones at theirs, with draws of one noise."""
        draws = self.fit.draws(bars.DRAWS, self._seed)
        yield Noise(self.forms, self.fit.beta, draws, self.fit.beta, draws), self._level
        outputs = self._y.shape[1]
        for degree, level in zip(self._chosen.wider, self._confirming(), strict=False):
            phi = self._phi[:, : self.family.terms(degree)]
            fit = fit_linear(phi, self._y, self._robust)
            draws = fit.draws(bars.DRAWS, self._seed + degree)
            # The narrow fit of the same noise, on the coefficients of the wide class: its first ones.
            narrow = torch.einsum("qn,np,jpo->jqo", self.fit.projector, phi, draws.unflatten(1, (-1, outputs)))
            beta = _padded(self.fit.beta[None], len(fit.beta))[0]
            forms = self._forms.leading(phi.shape[1])
            yield Noise(forms, fit.beta, draws, beta, _padded(narrow.flatten(1), len(fit.beta))), level

    def _confirming(self) -> tuple[float, float]:
        """Levels of the next two classes."""
        if self._wider_level is not None:
            return self._wider_level, self._wider_level
        if is_rigid(self.forms, self._seed):
            return bars.RIGID_CONFIRMED, bars.RIGID_CONFIRMED
        return bars.NEXT_CONFIRMED, bars.SECOND_CONFIRMED


def _padded(rows: Tensor, width: int) -> Tensor:
    return torch.nn.functional.pad(rows, (0, width - rows.shape[1]))
