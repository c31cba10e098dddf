"""The weak form: no derivative of the data, weights from what noise does to every row."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...dictionary import Dictionary
from ...errors import DataError
from ..constraint._equivariant_fields import SymmetryLike
from ._governing import Governing
from ._noise import block_means, correlation_steps, moving_mean, noise_variance, unbiased_terms
from ._systems import System
from ._trajectories import Pair

_POWER = 4  # of the bump (1 - u^2)^p
_ENOUGH = 400  # samples per trajectory; more are averaged in blocks, which loses nothing but cost
_SHARE = 10  # a half-window is at most this part of a trajectory
_SMALLEST = 8  # samples in a half-window
_ROUNDS = 2  # of weights from the last fit
_JITTER = 1e-9


class WeakSINDy(Governing):
    """Sparse governing equations from integrals against compact test functions.

    With bumps ``b`` that vanish at both ends, ``-int b' x dt = int b W phi(x) dt``: no derivative of noisy data is
    taken. Noise e of the states leaves in row k of equation i ``sum_t (b_k' e_i + b_k J_i e)``, J the Jacobian of the
    field; rows are weighted by the inverse of that covariance, with noise variances estimated from the data and J from
    the last fit. Terms are corrected so that their mean under the noise is that of the noise-free state.

    Parameters
    ----------
    dictionary : Dictionary
        Terms ``phi``.
    symmetry, threshold, select, constraint, weight, uncertainty, rank
        See ``SINDy``. Rows have noise of known size, so terms are selected by evidence unless asked otherwise.
    window : int, optional
        Samples in half a test function; a tenth of a trajectory or a third of a period, whichever is
        less, if left out.
    average : int, optional
        Samples averaged before anything else; so many that about 400 remain, if left out.
    unbiased : bool
        Whether terms are corrected for the noise. Needs terms that torch evaluates at complex numbers, polynomials
        apart.

    Attributes
    ----------
    noise_ : Tensor
        `(n,)` standard deviation of the noise on single samples.

    Raises
    ------
    DataError
        If a window is longer than a trajectory allows, or the data do not determine the coefficients.

    References
    ----------
    yang2024equations

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> t = torch.linspace(0, 20, 100, dtype=torch.float64)
    >>> x = torch.exp(-t / 10)[:, None] * torch.stack([t.cos(), t.sin()], dim=1)
    >>> x += 0.1 * torch.randn(100, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> model = WeakSINDy(iso.dictionary.polynomials(2, degree=2), iso.so(2)).fit([x], [t])
    >>> (model.coef_ != 0).tolist()[0]  # 1, x, y, x^2, x y, y^2
    [False, True, True, False, False, False]
    """

    noise_: Tensor
    _fewest = 2 * _SMALLEST + 4

    def __init__(
        self,
        dictionary: Dictionary,
        symmetry: SymmetryLike | None = None,
        *,
        threshold: float = 0.0,
        select: str = "evidence",
        constraint: str = "hard",
        weight: float | None = None,
        uncertainty: float | None = None,
        rank: str | int | float = "gap",
        window: int | None = None,
        average: int | None = None,
        unbiased: bool = True,
    ) -> None:
        self.dictionary = dictionary
        self.symmetry = symmetry
        self.threshold = threshold
        self.select = select
        self.constraint = constraint
        self.weight = weight
        self.uncertainty = uncertainty
        self.rank = rank
        self.window = window
        self.average = average
        self.unbiased = unbiased

    def systems(self, pairs: Sequence[Pair]) -> list[System]:
        """Whitened rows, one system per trajectory, after a few rounds of weights."""
        parts = [self._prepared(*pair) for pair in pairs]
        raw = torch.stack([p.variance.mean(0) * p.averaged for p in parts])
        self.noise_ = raw.mean(0).sqrt()
        systems = [part.weighted(None) for part in parts]
        for _ in range(_ROUNDS):
            found = self.selected(System.joined(systems))
            systems = [part.weighted(found.coef) for part in parts]
        return systems

    def _prepared(self, x: Tensor, t: Tensor) -> _Part:
        width = self.average or max(1, len(x) // _ENOUGH)
        variance = noise_variance(x, t)
        states, times = block_means(x, t, width)
        spread = block_means(variance, t, width)[0] / width
        half = self.window or _half_window(states, spread)
        if 2 * half + 2 > len(states):
            raise DataError(
                f"window: expected at most {(len(states) - 2) // 2} samples for a trajectory of {len(states)} (after "
                f"averaging {width}), received {half}; take a smaller window or a longer trajectory"
            )
        terms = unbiased_terms(self.dictionary, states, spread) if self.unbiased else self.dictionary.evaluate(states)
        values, slopes = _test_functions(times, half)
        return _Part(self.dictionary, states, spread, terms, values, slopes, width, half)


class _Part:
    """One trajectory, tested."""

    def __init__(
        self,
        dictionary: Dictionary,
        states: Tensor,
        variance: Tensor,
        terms: Tensor,
        values: Tensor,
        slopes: Tensor,
        averaged: int,
        half: int,
    ) -> None:
        self.variance = variance
        self.averaged = averaged
        self.values, self.slopes = values, slopes
        self.design, self.target = values @ terms, -(slopes @ states)
        self.jacobian = dictionary.jacobian(moving_mean(states, half // 2))  # (T, terms, n)

    def weighted(self, coefficients: Tensor | None) -> System:
        """Rows in units of their noise: of the slopes alone at first, of the whole residual for known coefficients."""
        designs, targets = [], []
        for i in range(self.target.shape[1]):
            effects = self._effects(i, coefficients)
            factor = _factor(effects * self.variance.T.sqrt()[:, None])
            rows = torch.cat([self.design, self.target[:, i : i + 1]], dim=1)
            white = torch.linalg.solve_triangular(factor, rows, upper=False)
            design, target = white[:, :-1], white[:, -1]
            if coefficients is not None:
                target = target + self._shift(design, factor, effects)
            designs.append(design)
            targets.append(target)
        return System(torch.stack(designs), torch.stack(targets))

    def _effects(self, i: int, coefficients: Tensor | None) -> Tensor:
        """How noise of coordinate j moves the residual of equation i, `(n, tests, T)`."""
        if coefficients is None:
            effects = torch.zeros(self.variance.shape[1], *self.slopes.shape, dtype=torch.float64)
        else:
            effects = self.values * (coefficients[i] @ self.jacobian).T[:, None]
        effects[i] += self.slopes
        return effects

    def _shift(self, design: Tensor, factor: Tensor, effects: Tensor) -> Tensor:
        """Change of the target that undoes ``E[A^T r]``: noise enters design and residual together and shrinks fits."""
        white = torch.linalg.solve_triangular(factor, self.values, upper=False)
        moved = torch.linalg.solve_triangular(factor, effects, upper=False)
        both = torch.einsum("kt,jkt->tj", white, moved) * self.variance
        slant = torch.einsum("tpj,tj->p", self.jacobian, both)
        return torch.linalg.lstsq(design.T, slant[:, None], driver="gelsd").solution[:, 0]


def _half_window(states: Tensor, variance: Tensor) -> int:
    """A third of a period at most: over a whole one the signal in the terms cancels and the noise does not."""
    return max(_SMALLEST, min(len(states) // _SHARE, 2 * correlation_steps(states, variance)))


def _factor(effects: Tensor) -> Tensor:
    """Cholesky factor `(tests, tests)` of the covariance of rows, from independent effects `(n, tests, T)`."""
    rows = effects.movedim(0, 1).flatten(1)
    covariance = rows @ rows.T
    return torch.linalg.cholesky(covariance + _JITTER * covariance.diagonal().mean() * torch.eye(len(rows)))


def _test_functions(t: Tensor, half: int) -> tuple[Tensor, Tensor]:
    """Bumps and their slopes `(tests, T)`, times the weights of the trapezoidal rule.

    Centres are half a half-window apart: closer ones repeat what is known.
    """
    steps = t.diff()
    weights = torch.zeros_like(t)
    weights[:-1] += steps / 2
    weights[1:] += steps / 2
    reach = half * float(steps.mean())
    count = max(2, int(2 * (float(t[-1] - t[0]) - 2 * reach) / reach) + 1)
    centres = torch.linspace(float(t[0]) + reach, float(t[-1]) - reach, count, dtype=torch.float64)
    u = (t - centres[:, None]) / reach
    inside = (1 - u.square()).clamp_min(0.0)
    values = inside**_POWER
    slopes = -2 * _POWER * u * inside ** (_POWER - 1) / reach
    return values * weights, slopes * weights
