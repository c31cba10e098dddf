"""What may be claimed of the symmetries of a map learnt from noisy samples, at a tolerance and a level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import torch
from torch import Tensor

from ...core._checks import require_fraction
from ...errors import DataError
from ..claims import Interval
from ..claims._claim import Grade
from ..claims._verdict import Status
from . import bars
from ._class_gate import ChosenClass, choose_degree, held_out_p_value
from ._debiased import Directions, directions_of, response_error
from ._forms import LearntForms
from ._linear_fit import LinearFit, fit_linear
from ._polynomial_class import PolynomialClass
from ._span_limits import Noise


@dataclass(frozen=True)
class LearntClaim:
    """A claim about the symmetries of a map learnt from samples, with the numbers behind it.

    If the map lies in the chosen class, the noise is normal and the samples are many, then with probability at least
    ``1 - level`` no certified generator has a true defect above ``tolerance``. The next two classes confirm at even
    odds, so that a term that the class lacks is not overlooked easily.

    Attributes
    ----------
    status : "certified", "undecided" or "none"
        None: every candidate is broken by more than the tolerance.
    directions : Tensor
        `(k, dim)` combinations of the candidates, least broken first: those certified, or the least broken one.
    grades : tuple of str
        "exact" only where there is no noise.
    errors : tuple of Interval
        Defect of each direction; the upper limit is that of the span up to it.
    effects : tuple of Interval
        Change of the map by one standard deviation of motion along each, ``E[xi^T Sigma^-1 xi] = 1``, in its spreads.
    ladder : dict
        Dimension certified at other tolerances.
    ignored, trivial : Tensor
        Directions to which the response of the map is not above the noise, and those that do not move the domain.
    chosen : ChosenClass
        Degree of the class, and what spoke against smaller ones.
    held_out : float
        p-value of the class being worse, on samples held out, than the best of other kinds; 1 where none was given.
    leverage : float
        Of the samples that carry the answer; at 1 the fit follows them whatever the class.
    samples : int
        Number of samples.
    tolerance, level, wider_level : float
        As given.
    seed : int
        Of the draws of the noise.
    why : str
        What stands in the way, or nothing.
    """

    status: Status
    directions: Tensor
    grades: tuple[Grade, ...]
    errors: tuple[Interval, ...]
    effects: tuple[Interval, ...]
    ladder: dict[float, int]
    ignored: Tensor
    trivial: Tensor
    chosen: ChosenClass
    held_out: float
    leverage: float
    samples: int
    tolerance: float
    level: float
    wider_level: float
    seed: int
    why: str

    @property
    def span(self) -> Interval:
        """Defect of the worst member of the span; of the least broken direction where nothing is certified."""
        return self.errors[-1]


def learnt_claim(
    x: Tensor,
    y: Tensor,
    family: PolynomialClass,
    forms: LearntForms,
    *,
    tolerance: float = 0.05,
    level: float = 0.05,
    wider_level: float = bars.WIDER_LEVEL,
    rivals: Tensor | None = None,
    robust: bool = False,
    seed: int = 0,
) -> LearntClaim:
    """Say which candidates are symmetries of the map behind samples.

    Parameters
    ----------
    x : Tensor
        `(N, n)` samples.
    y : Tensor
        `(N, outputs)` values with noise, in the outputs of the metric of ``forms``.
    family : PolynomialClass
        Polynomials up to the largest degree to look at, on the domain of the claim.
    forms : LearntForms
        Their Lie derivatives along the candidates.
    tolerance : float
        Defect that is accepted.
    level : float
        Probability with which a certified generator may have a true defect above the tolerance.
    wider_level : float
        The same in the next two classes; ``level`` itself is strict.
    rivals : Tensor, optional
        `(N, outputs)` held-out residuals of the best of other kinds of map.
    robust : bool
        Whether the noise may depend on the point.
    seed : int
        Of the draws of the noise.

    Raises
    ------
    DataError
        If there are too few samples for a linear map, or a number is not between 0 and 1.
    """
    for number, name in ((tolerance, "tolerance"), (level, "level"), (wider_level, "wider_level")):
        require_fraction(number, name)
    y = y.to("cpu", torch.float64)
    phi = family.evaluate(x)
    chosen = choose_degree(family, phi, y, level / 2)
    if chosen.degree == 0:
        raise DataError(f"x: expected samples enough for a linear map, received {len(x)}; bring more data")
    question = _Question(phi, y, family, forms, chosen, level, wider_level, robust, seed)
    held_out = 1.0 if rivals is None else _held_out(question.fit, question.phi, rivals)
    errors = question.errors(max(tolerance, *bars.LADDER))
    leverage = _leverage(family, x, question)
    doubt = _doubt(chosen, held_out, level / 2, leverage)
    count = 0 if doubt else _within(errors, tolerance)
    shown = max(count, min(1, len(errors)))
    none = bool(errors) and errors[0].lower > tolerance
    return LearntClaim(
        status="certified" if count else "none" if none and not doubt else "undecided",
        directions=question.directions.order[:shown],
        grades=tuple("exact" if e.upper <= bars.EXACT else "approximate" for e in errors[:shown]),
        errors=tuple(errors[:shown]),
        effects=tuple(question.effects(errors[:shown])),
        ladder={t: 0 if doubt else _within(errors, t) for t in sorted({*bars.LADDER, tolerance})},
        ignored=question.directions.ignored,
        trivial=question.directions.trivial,
        chosen=chosen,
        held_out=held_out,
        leverage=leverage,
        samples=len(x),
        tolerance=tolerance,
        level=level,
        wider_level=wider_level,
        seed=seed,
        why=doubt,
    )


class _Question:
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


def _within(errors: list[Interval], tolerance: float) -> int:
    """How many leading directions have their limit within a tolerance."""
    return sum(e.upper <= tolerance for e in errors)  # limits only grow


def _held_out(fit: LinearFit, phi: Tensor, rivals: Tensor) -> float:
    """p-value of the class being worse on samples held out one by one, each output in units of its rival's error."""
    leverage = torch.linalg.qr(phi)[0].square().sum(1, keepdim=True)
    unit = rivals.to(torch.float64).square().mean(0).clamp_min(1e-300)
    ours = (fit.residuals / (1 - leverage)).square() / unit
    return held_out_p_value(ours.sum(1), (rivals.to(torch.float64).square() / unit).sum(1))


def _leverage(family: PolynomialClass, x: Tensor, question: _Question) -> float:
    """Leverage of the samples, weighted by the squares of gradient and of affine motion."""
    z = family.whiten(x)
    outputs = question.forms.outputs
    beta = question.fit.beta.unflatten(0, (-1, outputs))
    gradients = torch.einsum("pqn,qo->pno", family.slopes(z)[:, : len(beta)], beta)
    carried = gradients.square().sum((1, 2)) * (1 + z.square().sum(1))
    leverage = torch.linalg.qr(question.phi)[0].square().sum(1)
    return float(carried @ leverage / carried.sum().clamp_min(1e-300))


def _doubt(chosen: ChosenClass, held_out: float, level: float, leverage: float) -> str:
    """Why nothing is said of the map, whatever its limits."""
    if held_out < level:
        return (
            f"polynomials of degree {chosen.degree} are worse on samples held out than another kind of map "
            f"(p = {held_out:.2g}, required at least {level:g}); a class that is too small is too symmetric"
        )
    if leverage > bars.MOST_LEVERAGE:
        return (
            f"few samples far out carry the answer (leverage {leverage:.2f}, allowed {bars.MOST_LEVERAGE:g}); "
            "bring more samples, or name a domain among them"
        )
    if not chosen.wider:
        return (
            f"polynomials of degree {chosen.degree} could not be compared with wider ones; "
            "bring more samples, or allow a larger degree"
        )
    return ""
