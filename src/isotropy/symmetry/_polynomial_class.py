"""Polynomials as regressors without units: whitened coordinates, and an orthonormal basis on the domain."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..core._checks import as_points
from ..dictionary import Polynomials
from ..errors import DataError


class PolynomialClass:
    """Polynomials up to a degree, orthonormal on a domain; those of a smaller degree come first.

    The span of polynomials up to a degree is that of any other coordinates, so that nothing below depends on units
    or on an invertible linear change of coordinates.

    Parameters
    ----------
    domain : Tensor
        `(points, n)`: samples, or nodes of a quadrature.
    degree : int
        Largest degree.
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
        If the domain is flat, or has too few points for the degree.
    """

    def __init__(self, domain: Tensor, degree: int, weights: Tensor | None = None) -> None:
        domain = as_points(domain, "domain").to("cpu", torch.float64)
        weights = torch.ones(len(domain), dtype=torch.float64) if weights is None else weights.to(torch.float64)
        self.weights = weights / weights.sum()
        self.degree = degree
        self.size = domain.shape[1]
        self.centre = self.weights @ domain
        self.root = _root(domain - self.centre, self.weights)
        self._library = Polynomials(self.size, degree)
        self.points = self.whiten(domain)
        values = self._library.evaluate(self.points) * self.weights.sqrt()[:, None]
        triangle = torch.linalg.qr(values, mode="r").R
        if len(triangle) < len(self._library) or _worst_pivot(triangle) < 1e-10:
            raise DataError(
                f"domain: expected points on which polynomials of degree {degree} differ, received {len(domain)} "
                "on which they do not; take a smaller degree or more points"
            )
        # Upper triangular, so that the first columns span the smaller degrees.
        self.change = torch.linalg.inv(triangle)

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


def _root(centred: Tensor, weights: Tensor) -> Tensor:
    """Upper triangle R with ``R^T R`` the covariance; columns are scaled first, so that units cost no digits."""
    spread = (weights @ centred.square()).sqrt()
    if bool((spread == 0).any()):
        column = int(torch.nonzero(spread == 0)[0, 0])
        raise DataError(f"domain: expected columns that vary, received a constant one, number {column}; leave it out")
    triangle = torch.linalg.qr(centred / spread * weights.sqrt()[:, None], mode="r").R
    if len(triangle) < len(spread) or _worst_pivot(triangle) < 1e-10:
        raise DataError("domain: expected columns of full rank, received dependent ones; leave out what follows")
    return triangle * spread


def _worst_pivot(triangle: Tensor) -> float:
    """Smallest diagonal entry relative to the length of its column."""
    return float((triangle.diagonal().abs() / triangle.norm(dim=0).clamp_min(1e-300)).min())
