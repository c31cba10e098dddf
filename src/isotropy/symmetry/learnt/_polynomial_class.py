"""Polynomials as regressors without units: whitened coordinates, and an orthonormal basis on the domain."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...core._checks import as_points
from ...dictionary import Polynomials
from ...errors import DataError


class PolynomialClass:
    """Polynomials up to a degree, orthonormal on a domain; those of a smaller degree come first.

    The span of polynomials up to a degree is that of any other coordinates, so that nothing below depends on units
    or on an invertible linear change of coordinates.

    Parameters
    ----------
    domain : Tensor
        `(points, n)`: samples, or nodes of a quadrature.
    degree : int
        Largest degree; on a domain where its polynomials do not differ, as with one point very far out, it is lowered.
    weights : Tensor, optional
        `(points,)`, normalised here. Left out: all points alike.

    Attributes
    ----------
    points, weights : Tensor
        The domain in whitened coordinates `(points, n)`, and weights that add up to 1.
    centre, root : Tensor
        ``x = centre + z @ root`` for whitened coordinates z; `(n,)` and `(n, n)`.

    Raises
    ------
    DataError
        If the domain is flat, or polynomials of degree 1 do not differ on it.
    """

    def __init__(self, domain: Tensor, degree: int, weights: Tensor | None = None) -> None:
        domain = as_points(domain, "domain").to("cpu", torch.float64)
        weights = torch.ones(len(domain), dtype=torch.float64) if weights is None else weights.to(torch.float64)
        self.weights = weights / weights.sum()
        self.size = domain.shape[1]
        self.centre = self.weights @ domain
        self.root = _root(domain - self.centre, self.centre, self.weights)
        self.points = self.whiten(domain)
        values = Polynomials(self.size, degree).evaluate(self.points) * self.weights.sqrt()[:, None]
        triangle = torch.linalg.qr(values, mode="r").R
        self.degree = max(d for d in range(degree + 1) if self.terms(d) <= _independent(triangle))
        if self.degree == 0:
            raise DataError(f"domain: expected points that span a volume, received {len(domain)}; bring more")
        self._library = Polynomials(self.size, self.degree)
        # Upper triangular, so that the first columns span the smaller degrees.
        self.change = torch.linalg.inv(triangle[: len(self._library), : len(self._library)])

    def terms(self, degree: int) -> int:
        """Number of polynomials up to a degree."""
        return math.comb(self.size + degree, degree)

    def whiten(self, x: Tensor) -> Tensor:
        """Whitened coordinates `(batch, n)` of points `(batch, n)`."""
        return torch.linalg.solve_triangular(
            self.root, x.to("cpu", torch.float64) - self.centre, upper=True, left=False
        )

    def evaluate(self, x: Tensor) -> Tensor:
        """Values `(batch, terms)` at points `(batch, n)` in the user's coordinates."""
        return self._library.evaluate(self.whiten(x)) @ self.change

    def slopes(self, z: Tensor) -> Tensor:
        """Derivatives `(batch, terms, n)` along whitened coordinates, at whitened points `(batch, n)`."""
        return torch.einsum("pan,aq->pqn", self._library.jacobian(z), self.change)


def _root(centred: Tensor, centre: Tensor, weights: Tensor) -> Tensor:
    """Upper triangle R with ``R^T R`` the covariance; columns are scaled first, so that units cost no digits."""
    spread = (weights @ centred.square()).sqrt()
    if bool((spread <= 1e-12 * centre.abs()).any()):
        column = int(torch.nonzero(spread <= 1e-12 * centre.abs())[0, 0])
        raise DataError(f"domain: expected columns that vary, received a constant one, number {column}; leave it out")
    triangle = torch.linalg.qr(centred / spread * weights.sqrt()[:, None], mode="r").R
    if _independent(triangle) < len(spread):
        raise DataError("domain: expected columns of full rank, received dependent ones; leave out what follows")
    return triangle * spread


def _independent(triangle: Tensor) -> int:
    """Number of first columns that are independent: each keeps a part of its length beside those before it."""
    pivots = triangle.diagonal().abs() / triangle.norm(dim=0)[: len(triangle)].clamp_min(1e-300)
    return int((pivots > 1e-10).cumprod(0).sum())
