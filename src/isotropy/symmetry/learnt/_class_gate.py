"""The smallest class of maps that the samples do not speak against.

A class that is too small is more symmetric than the truth, so that nothing may be claimed in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from . import bars
from ._polynomial_class import PolynomialClass


@dataclass(frozen=True)
class ChosenClass:
    """A degree, and what spoke against smaller ones.

    Attributes
    ----------
    degree : int
        Smallest degree that no larger one improves on.
    p_values : dict
        By degree, up to the chosen one: the smallest p-value of a nested F test against a larger degree.
    wider : tuple of int
        Larger degrees that the samples allow to fit, at most two.
    level : float
        Of each test.
    """

    degree: int
    p_values: dict[int, float]
    wider: tuple[int, ...]
    level: float


def choose_degree(family: PolynomialClass, phi: Tensor, y: Tensor, level: float) -> ChosenClass:
    """Choose the smallest degree that is not rejected at a level against any larger one.

    Not corrected for the number of larger degrees: a class that is rejected without need costs width, one that is kept
    without right costs truth.

    Parameters
    ----------
    family : PolynomialClass
        Up to the largest degree to try.
    phi : Tensor
        `(N, terms)` its values at the samples.
    y : Tensor
        `(N, outputs)`.
    level : float
        Of each test.
    """
    fitted = [d for d in range(1, family.degree + 1) if affordable(family.terms(d), len(y))]
    tried = [d for d in fitted if d <= bars.MOST_DEGREE]
    squares = {d: _residual_squares(phi[:, : family.terms(d)], y) for d in tried}
    found: dict[int, float] = {}
    for degree in tried:
        found[degree] = min(
            (
                _f_test(squares[degree], squares[d], family.terms(degree), family.terms(d), y)
                for d in tried
                if d > degree
            ),
            default=1.0,
        )
        if found[degree] >= level:
            break
    degree = max(found, default=0)
    wider = tuple(d for d in fitted if degree < d <= degree + bars.WIDER)
    return ChosenClass(degree, found, wider, level)


def affordable(terms: int, samples: int) -> bool:
    """Whether a class of so many terms per output leaves enough samples for the noise."""
    return terms <= min(bars.MOST_TERMS, bars.MOST_SHARE * samples)


def held_out_p_value(ours: Tensor, best: Tensor) -> float:
    """One-sided paired test that held-out squared errors `(N,)` are worse than those of the best kind."""
    gap = ours - best
    error = float(gap.std()) / len(gap) ** 0.5
    if error == 0.0:
        return 1.0 if float(gap.mean()) <= 0 else 0.0
    return float(0.5 * torch.erfc(gap.mean() / error / 2**0.5))


def _residual_squares(phi: Tensor, y: Tensor) -> Tensor:
    """Matrix `(outputs, outputs)` of products of residuals."""
    q = torch.linalg.qr(phi)[0]
    rest = y - q @ (q.T @ y)
    rest = rest - q @ (q.T @ rest)  # once more, as samples without noise leave rounding only
    return rest.T @ rest


def _f_test(small: Tensor, large: Tensor, few: int, many: int, y: Tensor) -> float:
    """p-value of Hotelling's and Lawley's trace, in which units and correlations of the outputs cancel."""
    from scipy.stats import f

    samples, outputs = y.shape
    more = many - few
    # Samples without noise: residuals are rounding of the values, and no class is better than rounding.
    floor = torch.diag(bars.SMALLEST_NOISE**2 * y.square().sum(0).clamp_min(1e-300))
    trace = float(torch.linalg.solve(large + floor, small - large).trace())
    side = min(outputs, more)
    left = max(samples - many - outputs - 1, 1)
    first, second = outputs * more, side * left + 2
    return float(f.sf(max(trace, 0.0) * second / (side * first), first, second))
