"""Polynomials on a set that states do not leave, such as a sphere."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from ...dictionary import Polynomials
from ...symmetry.learnt import PolynomialClass
from .. import bars


class SetPolynomials(PolynomialClass):
    """Polynomials up to a degree as functions on a domain where some of them vanish, up to noise.

    Terms are those that the ones before them do not give on the domain; what they are off it is a choice, on which
    nothing may depend.

    Parameters
    ----------
    domain : Tensor
        `(points, n)`.
    degree : int
        Largest degree.
    variance : Tensor
        `(n,)` of the noise of the points.

    Attributes
    ----------
    normals : Tensor
        `(points, v, n)` gradients, in whitened coordinates, of the polynomials of least degree that vanish; of mean
        square 1 each.

    Raises
    ------
    DataError
        If the domain is flat.
    """

    def __init__(self, domain: Tensor, degree: int, variance: Tensor) -> None:
        self._orders = Polynomials(domain.shape[1], 1).exponents.sum(1)
        super().__init__(domain, 1)
        self.degree = degree
        self._library = Polynomials(self.size, degree)
        values, slopes = self._library.evaluate(self.points), self._library.jacobian(self.points)
        step = torch.linalg.solve_triangular(self.root, torch.diag(variance.sqrt()), upper=True, left=False)
        kept, vanishing = _split(values, slopes @ step.T)
        orders = self._library.exponents.sum(1)
        places = [int(column.nonzero()[-1, 0]) for column in kept]
        self._orders = orders[places]
        self.change = torch.stack(kept, dim=1)
        least = min((int(orders[int(c.nonzero()[-1, 0])]) for c in vanishing), default=0)
        lowest = [c for c in vanishing if int(orders[int(c.nonzero()[-1, 0])]) == least]
        columns = torch.stack(lowest, dim=1) if lowest else self.change[:, :0]
        normals = torch.einsum("pan,av->pvn", slopes, columns)
        self.normals = normals / normals.square().sum(2).mean(0).sqrt()[:, None].clamp_min(1e-300)

    def terms(self, degree: int) -> int:
        """Number of terms up to a degree."""
        return int((self._orders <= degree).sum())

    @property
    def curve(self) -> bool:
        """Whether the domain is a curve: with every degree no more terms are added than with the one before."""
        counts = [self.terms(d) for d in range(self.degree + 1)]
        added = [b - a for a, b in pairwise(counts)]
        return self.degree > 1 and added[-1] <= added[-2]


def _split(values: Tensor, blurred: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Coefficients of an orthonormal system, and of combinations that vanish.

    From values `(points, terms)` and gradients `(points, terms, n)` in units of the noise. A combination vanishes if it
    varies by no more than so many times what the noise makes of it.
    """
    basis: list[Tensor] = []
    kept: list[Tensor] = []
    vanishing: list[Tensor] = []
    for place in range(values.shape[1]):
        column = torch.zeros(values.shape[1], dtype=torch.float64)
        column[place] = 1.0
        rest = values[:, place]
        for _ in range(2):  # twice is enough
            for unit, coefficients in zip(basis, kept, strict=True):
                part = unit @ rest / len(values)
                rest, column = rest - part * unit, column - part * coefficients
        size = float(rest.square().mean().sqrt())
        noise = float(torch.einsum("pan,a->pn", blurred, column).square().sum(1).mean().sqrt())
        if size > bars.MOST_VANISHING * noise:
            basis.append(rest / size)
            kept.append(column / size)
        else:
            vanishing.append(column)
    return kept, vanishing
