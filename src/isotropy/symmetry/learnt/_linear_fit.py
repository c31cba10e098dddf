"""Least squares with what is known of its error: coefficients, their covariance, draws of the noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import DataError


@dataclass(frozen=True)
class LinearFit:
    """Coefficients of ``y = phi(x) beta + noise``, flattened term by term, outputs fastest.

    Attributes
    ----------
    beta : Tensor
        `(K,)`, K = terms * outputs.
    root : Tensor
        `(K, K)` with ``root @ root.T`` the covariance of ``beta``.
    freedom : float
        Degrees of freedom behind the variance of the noise.
    residuals : Tensor
        `(N, outputs)`.
    projector : Tensor
        `(terms, N)`: coefficients are ``projector @ y``.
    """

    beta: Tensor
    root: Tensor
    freedom: float
    residuals: Tensor
    projector: Tensor

    @property
    def covariance(self) -> Tensor:
        """Covariance `(K, K)` of the coefficients."""
        return self.root @ self.root.T

    def draws(self, count: int, seed: int) -> Tensor:
        """Errors `(count, K)` of the coefficients: normal, with a variance as uncertain as that of the noise."""
        generator = torch.Generator().manual_seed(seed)
        normal = torch.randn(count, len(self.beta), generator=generator, dtype=torch.float64)
        # A mean of so many squares is nearly the cube of a normal number (Wilson, Hilferty), from three on.
        narrow = 2 / (9 * max(self.freedom, 3.0))
        cube = torch.randn(count, generator=generator, dtype=torch.float64) * narrow**0.5 + 1 - narrow
        variance = cube.clamp_min(0.1) ** 3
        return normal @ self.root.T / variance.sqrt()[:, None]


def fit_linear(phi: Tensor, y: Tensor, robust: bool = False) -> LinearFit:
    """Fit by least squares.

    Parameters
    ----------
    phi : Tensor
        `(N, terms)` regressors.
    y : Tensor
        `(N, outputs)`.
    robust : bool
        Whether the noise may depend on the point. Then every residual speaks for its own variance (HC3).

    Raises
    ------
    DataError
        If there are not more samples than terms, or the terms are dependent on the samples.
    """
    samples, terms = phi.shape
    if samples <= terms:
        raise DataError(f"phi: expected more samples than terms, received {samples} for {terms}; take a smaller class")
    q, triangle = torch.linalg.qr(phi)
    pivots = triangle.diagonal().abs()
    if float(pivots.min()) <= 1e-10 * float(pivots.max()):
        raise DataError(f"phi: expected {terms} independent terms, received dependent ones; take a smaller class")
    inverse = torch.linalg.inv(triangle)
    projector = inverse @ q.T
    beta = projector @ y
    residuals = y - phi @ beta
    noise = residuals.T @ residuals / (samples - terms)
    if robust:
        leverage = q.square().sum(1, keepdim=True)
        parts = projector.T[:, :, None] * (residuals / (1 - leverage))[:, None, :]
        covariance = torch.einsum("nk,nl->kl", parts.flatten(1), parts.flatten(1))
        root = _symmetric_root(covariance)
    else:
        root = torch.kron(inverse.contiguous(), _symmetric_root(noise))
    # As many outputs as share the noise evenly count as so many samples more (Satterthwaite).
    squares = float(noise.square().sum())
    shared = float(noise.trace()) ** 2 / squares if squares > 0 else 1.0
    return LinearFit(beta.flatten(), root, shared * (samples - terms), residuals, projector)


def _symmetric_root(matrix: Tensor) -> Tensor:
    """Symmetric square root of a positive semidefinite matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.T
