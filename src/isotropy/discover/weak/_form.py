"""The weak form of an unknown polynomial field: integrals along tracks, in units of what noise does to them.

With test functions b that vanish at the ends of a track, ``-int b' x dt = int b v(x) dt``: no derivative of noisy
states is taken. Noise e of the states leaves ``int b' e + b Dv e``, of known covariance, in every row. Polynomials are
corrected so that their mean under the noise is that of the true state (Hermite polynomials take the place of powers).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...symmetry.learnt import PolynomialClass
from ._fit import WeakFit
from ._test_functions import integrals
from ._tracks import Noise, Track
from ._waves import Waves

_JITTER = 1e-10  # of the covariance of rows, relative to its mean: tests beyond the grid repeat each other


@dataclass(frozen=True)
class _Part:
    """One track, integrated: whitened velocities ``dz/dt`` for whitened coordinates z.

    Attributes
    ----------
    values, slopes : Tensor
        `(tests, T)` weights of integrals.
    design, target : Tensor
        `(tests, terms)` and `(tests, n)`.
    gradients : Tensor
        `(T, terms, n)` derivatives of the terms along the coordinates, in units of their noise.
    length : float
        Of the track in time.
    """

    values: Tensor
    slopes: Tensor
    design: Tensor
    target: Tensor
    gradients: Tensor
    length: float


class WeakForm:
    """Tracks in the weak form, for polynomials of a class.

    Parameters
    ----------
    tracks : sequence of Track
        Pieces of trajectories.
    noise : Noise
        Of single states.
    family : PolynomialClass
        Terms of the field; coefficients are those of the velocity of its whitened coordinates.
    """

    def __init__(self, tracks: Sequence[Track], noise: Noise, family: PolynomialClass) -> None:
        self.family = family
        # Columns: what one standard deviation of the noise of a coordinate does to the whitened coordinates.
        self._step = torch.linalg.solve_triangular(
            family.root, torch.diag(noise.variance.sqrt()), upper=True, left=False
        )
        self._unbiased = unbiased(family, self._step.T @ self._step)
        self.waves = Waves(family.size)
        weights: dict[bytes, tuple[Tensor, Tensor]] = {}
        self._parts = [self._part(track, weights) for track in tracks]

    def _part(self, track: Track, weights: dict[bytes, tuple[Tensor, Tensor]]) -> _Part:
        key = (track.times - track.times[0]).numpy().tobytes()
        if key not in weights:
            weights[key] = integrals(track.times)
        values, slopes = weights[key]
        length = float(track.times[-1] - track.times[0])
        smooth = self.family.whiten(track.smooth)
        # Waves follow the polynomials. They are only asked whether they are needed, so that a bias of theirs is none.
        terms = torch.cat([self.family.evaluate(track.states) @ self._unbiased, self.waves.values(smooth)], dim=1)
        slopes_of = torch.cat([self.family.slopes(smooth), self.waves.slopes(smooth)], dim=1)
        gradients = slopes_of @ self._step.T
        return _Part(values, slopes, values @ terms, -(slopes @ self.family.whiten(track.states)), gradients, length)

    def fit(self, coefficients: Tensor | None, drive: float = 0.0) -> WeakFit:
        """Rows in units of their noise, for a field whose coefficients `(terms, n)` are nearly known.

        Parameters
        ----------
        coefficients : Tensor or None
            Without any, only the noise of the slopes counts.
        drive : float
            Variance per unit of time by which states are driven beside the field, in whitened coordinates.
        """
        parts = [_whitened(part, self._step, coefficients, drive) for part in self._parts]
        blur, shift = (sum((part[k] for part in parts), torch.zeros(())) for k in (2, 3))
        if coefficients is not None:  # of the residual, that is at these coefficients; here of the target
            shift = shift + blur[:, : coefficients.numel()] @ coefficients.flatten()
        design, target, driven = (torch.cat([part[k] for part in parts]) for k in (0, 1, 4))
        waves = torch.cat([torch.arange(len(part.values)).repeat_interleave(self.family.size) for part in self._parts])
        return WeakFit(design, target, blur, shift, self.family.size, waves, driven, self.waves.count)

    def residual_drive(self, coefficients: Tensor) -> float:
        """Drive that would leave residuals of this size for a field with these coefficients `(terms, n)`."""
        squares = [
            (part.target - part.design[:, : len(coefficients)] @ coefficients).square().mean() / (part.length / 2)
            for part in self._parts
        ]
        return float(torch.stack(squares).median())


def unbiased(family: PolynomialClass, covariance: Tensor) -> Tensor:
    """Matrix `(terms, terms)` with ``evaluate(x + e) @ matrix`` of mean ``evaluate(x)``, for e of this covariance in z.

    ``E f(x + e) = exp(D) f(x)`` with ``D = sum_ij S_ij d_i d_j / 2`` for normal noise. On polynomials D is nilpotent,
    so that exp(-D) is a short sum.
    """
    basis = family.evaluate(family.centre + family.points @ family.root) * family.weights[:, None]
    first = torch.einsum("pr,pqn->nrq", basis, family.slopes(family.points))  # d_n phi_q = sum_r phi_r first[n, r, q]
    # A derivative is of lower degree. Where terms hardly differ, as near a cycle, rounding says otherwise.
    orders = torch.tensor([d for d in range(family.degree + 1) for _ in range(_added(family, d))])
    first = first * (orders[:, None] < orders)
    second = torch.einsum("ij,iab,jbc->ac", covariance, first, first) / 2
    total = term = torch.eye(len(second), dtype=torch.float64)
    for k in range(1, family.degree // 2 + 1):
        term = term @ second / -k
        total = total + term
    return total


def _added(family: PolynomialClass, degree: int) -> int:
    """How many terms have this degree."""
    return family.terms(degree) - (family.terms(degree - 1) if degree else 0)


def _whitened(
    part: _Part, step: Tensor, coefficients: Tensor | None, drive: float
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Design, target, blur and shift of one track in units of its noise, and which rows are noise of the drive."""
    tests, samples = part.values.shape
    terms, size = part.design.shape[1], len(step)
    effects = -torch.einsum("kt,ji->kitj", part.slopes, step)  # of the noise of coordinate j at t on row (k, i)
    if coefficients is not None:
        bent = torch.einsum("tqj,qi->tij", part.gradients[:, : len(coefficients)], coefficients)
        effects = effects - torch.einsum("kt,tij->kitj", part.values, bent)
    flat = effects.reshape(tests * size, samples * size)
    covariance = flat @ flat.T
    forced = drive * part.length / 2  # sines are orthogonal
    covariance = covariance + forced * torch.eye(tests * size, dtype=torch.float64)
    jitter = _JITTER * covariance.diagonal().mean() * torch.eye(tests * size, dtype=torch.float64)
    factor = torch.linalg.cholesky(covariance + jitter)
    unit = torch.eye(size, dtype=torch.float64)
    design = torch.einsum("kq,io->kiqo", part.design, unit).reshape(tests * size, terms * size)
    rows = torch.cat([design, part.target.reshape(-1, 1)], dim=1)
    white = torch.linalg.solve_triangular(factor, rows, upper=False)
    inverse = torch.cholesky_inverse(factor)
    weighted = (inverse @ flat).reshape(tests, size, samples, size)
    shift = torch.einsum("tqj,itj->qi", part.gradients, torch.einsum("kt,kitj->itj", part.values, weighted))
    blur = _blur(part, inverse.reshape(tests, size, tests, size))
    return white[:, :-1], white[:, -1], blur, shift.flatten(), forced > 0.5 * covariance.diagonal()


def _blur(part: _Part, inverse: Tensor) -> Tensor:
    """Expected Gram matrix `(K, K)` of the noise of the whitened design."""
    terms, size = part.gradients.shape[1], inverse.shape[1]
    weights = torch.einsum("kt,kitj->tij", part.values, torch.einsum("kilj,lt->kitj", inverse, part.values))
    gram = torch.einsum("tqa,tpa->tqp", part.gradients, part.gradients)
    blur = weights.flatten(1).T @ gram.flatten(1)
    return blur.reshape(size, size, terms, terms).permute(2, 0, 3, 1).reshape(terms * size, terms * size)
