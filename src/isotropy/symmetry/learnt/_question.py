"""The chosen class with its fit and directions, and the wider classes that confirm."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist

import torch
from torch import Tensor

from ..claims import Interval
from . import bars
from ._class_gate import ChosenClass
from ._debiased import Directions, directions_of, response_error
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
        wider_level: float,
        robust: bool,
        seed: int,
    ) -> None:
        self._phi, self._y, self._family, self._forms = phi, y, family, forms
        self._chosen, self._robust, self._seed = chosen, robust, seed
        self._level, self._wider_level = level * (1 - bars.DENOMINATOR_SHARE), wider_level
        self._deviations = NormalDist().inv_cdf(1 - level * bars.DENOMINATOR_SHARE)
        self.phi = phi[:, : family.terms(chosen.degree)]
        self.forms = forms.leading(self.phi.shape[1])
        self.fit = fit_linear(self.phi, y, robust)
        self.directions: Directions = directions_of(self.forms, self.fit)

    def errors(self, far: float) -> list[Interval]:
        """Defects, least broken first, up to the first whose limit is far beyond what anybody asks about."""
        order, found, upper = self.directions.order, list[Interval](), 0.0
        classes = list(self._classes())
        for size in range(1, len(order) + 1):
            chance = self._chance(order[:size])
            upper = max(upper, self._upper(classes, size, chance[0], far))
            # Squares of defects are relative to the debiased form, in which the directions are orthonormal.
            value = float(self.directions.squares[size - 1].clamp_min(0).sqrt())
            lower = classes[0][0].lower(order[size - 1], self._level) / chance[1] ** 0.5
            found.append(Interval(min(value, upper), min(lower, value), upper))
            if upper > far:
                break
        return found

    def effects(self, errors: list[Interval]) -> list[Interval]:
        """The same breaks per standard deviation of motion, in spreads of the map."""
        order = self.directions.order[: len(errors)]
        motion = torch.einsum("ed,df,ef->e", order, self.forms.motion, order).sqrt()
        # The first regressor is the constant, the others have mean 0 and variance 1 over the domain.
        spread = float(self.fit.beta[self.forms.outputs :].norm())
        scales = (1 / motion / max(spread, 1e-300)).tolist()
        return [Interval(e.value * s, e.lower * s, e.upper * s) for e, s in zip(errors, scales, strict=True)]

    def _upper(self, classes: list[tuple[Noise, float]], size: int, chance: float, far: float) -> float:
        """Largest of the limits in the chosen class and in those that confirm it."""
        upper = 0.0
        for noise, level in classes:
            if chance <= 0 or upper > far:
                break
            upper = max(upper, noise.limits(self.directions.order, size).upper(level) / chance**0.5)
        return float("inf") if chance <= 0 else upper

    def _chance(self, span: Tensor) -> tuple[float, float]:
        """Limits of the form that squares are compared with: of the span's least member, and of its last direction."""
        error = max(float(response_error(self.forms.chance, self.fit, row)) for row in span)
        gram = span @ self.directions.chance @ span.T
        return float(torch.linalg.eigvalsh(gram)[0]) - self._deviations * error, 1 + self._deviations * error

    def _classes(self) -> Iterator[tuple[Noise, float]]:
        """The chosen class at the level, and wider ones at theirs, with draws of one noise."""
        draws = self.fit.draws(bars.DRAWS, self._seed)
        yield Noise(self.forms, self.fit.beta, draws, self.fit.beta, draws), self._level
        outputs = self._y.shape[1]
        for degree in self._chosen.wider:
            phi = self._phi[:, : self._family.terms(degree)]
            fit = fit_linear(phi, self._y, self._robust)
            draws = fit.draws(bars.DRAWS, self._seed + degree)
            # The narrow fit of the same noise, on the coefficients of the wide class: its first ones.
            narrow = torch.einsum("qn,np,jpo->jqo", self.fit.projector, phi, draws.unflatten(1, (-1, outputs)))
            beta = _padded(self.fit.beta[None], len(fit.beta))[0]
            forms = self._forms.leading(phi.shape[1])
            yield Noise(forms, fit.beta, draws, beta, _padded(narrow.flatten(1), len(fit.beta))), self._wider_level


def _padded(rows: Tensor, width: int) -> Tensor:
    return torch.nn.functional.pad(rows, (0, width - rows.shape[1]))
