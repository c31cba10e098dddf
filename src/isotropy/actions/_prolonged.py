"""Point transformations of functions, prolonged to their derivatives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Any

import torch
from torch import Tensor

from ..action._action import Action
from ..action._recorded import recorded
from ..core._parts import Parts
from ..dictionary import require_modest
from ..errors import DataError
from ._polynomial import PolynomialFields

Index = tuple[int, ...]

_MOST_INDICES = 2**12  # multi-indices that a file may ask for


@recorded("prolonged")
class Prolonged(Action):
    r"""Polynomial fields on ``(x, u)``, prolonged to the derivatives ``u_J`` up to an order.

    A field ``xi^j d/dx_j + phi^a d/du_a`` moves graphs ``u(x)``, and with them their derivatives, by

    .. math:: \phi^a_J = D_J \phi^a - \sum_j \sum_{0 < I \le J} \binom{J}{I} D_I \xi^j \, u^a_{J - I + e_j}

    with total derivatives ``D``. Points are jets: the independent variables, then each order of derivatives of
    all dependent variables, as ``names`` lists them. Total derivatives are exact, by Taylor arithmetic.

    Parameters
    ----------
    independent, dependent : sequence of str
        Names of the variables, such as ``("x", "t")`` and ``("u",)``; one letter each for the independent ones.
    order : int
        Largest order of derivatives.
    degree : int
        Largest degree of the polynomials in all variables.

    Raises
    ------
    DataError
        If there are no variables, or the order is below 1.

    References
    ----------
    olver1993applications

    Examples
    --------
    >>> action = Prolonged(("x", "t"), ("u",), order=2, degree=1)
    >>> action.names
    ['x', 't', 'u', 'u_x', 'u_t', 'u_xx', 'u_xt', 'u_tt']
    >>> scaling = action.generator({"x": {"x": 1.0}, "t": {"t": 2.0}})
    >>> action.field(scaling, torch.ones(1, 8, dtype=torch.float64)).tolist()
    [[1.0, 2.0, 0.0, -1.0, -2.0, -2.0, -3.0, -4.0]]
    """

    def __init__(self, independent: Sequence[str], dependent: Sequence[str], order: int, degree: int) -> None:
        if not independent or not dependent or order < 1:
            raise DataError(
                f"expected variables and an order of at least 1, received {list(independent)}, {list(dependent)} and "
                f"order {order}; name at least one of each"
            )
        self.independent, self.dependent = tuple(independent), tuple(dependent)
        self.order = order
        self.base = PolynomialFields(len(independent) + len(dependent), degree)
        self.indices = _indices(len(independent), order)
        super().__init__(self.base.algebra, (len(independent) + len(self.indices) * len(dependent),))

    @cached_property
    def names(self) -> list[str]:
        """Names of the coordinates of a jet."""
        written = ["".join(x * k for x, k in zip(self.independent, index, strict=True)) for index in self.indices]
        return [*self.independent, *(f"{u}_{w}" if w else u for w in written for u in self.dependent)]

    def place(self, variable: int, index: Index) -> int:
        """Position of the derivative ``index`` of a dependent variable in a jet."""
        return len(self.independent) + self._positions[index] * len(self.dependent) + variable

    def generator(self, terms: Mapping[str, Mapping[str, float]]) -> Tensor:
        """Coordinates `(dim,)` of ``sum value * monomial * d/dcoordinate``, as ``{coordinate: {monomial: value}}``.

        Raises
        ------
        DataError
            If a coordinate or a monomial is not among the candidates.
        """
        coordinates = [*self.independent, *self.dependent]
        monomials = self.base.dictionary.names(coordinates)
        matrix = torch.zeros(len(coordinates), len(monomials), dtype=torch.float64)
        for coordinate, part in terms.items():
            for monomial, value in part.items():
                if coordinate not in coordinates or monomial not in monomials:
                    raise DataError(
                        f"terms: expected coordinates {coordinates} and monomials up to degree "
                        f"{self.base.dictionary.degree}, received {monomial} d/d{coordinate}; raise the degree"
                    )
                matrix[coordinates.index(coordinate), monomials.index(monomial)] = value
        return matrix.flatten()

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Prolonged fields `(batch, dim, size)` at jets `(batch, size)`."""
        return self._prolong(self.algebra.basis.to(y), y)

    def field(self, xi: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
        """One prolonged field `(batch, size)`, without those of the other generators."""
        matrix = torch.einsum("k,knp->np", self._coordinates(xi), self.algebra.basis)
        return self._prolong(matrix[None].to(y), y)[:, 0]

    def describe(self, xi: Tensor, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """Write the field on ``(x, u)``; names of derivatives are not needed."""
        names = coordinates or [*self.independent, *self.dependent]
        return self.base.describe(xi, list(names)[: self.base.size], digits)

    def built_from(self) -> dict[str, Any]:
        """The variables, the order of derivatives and the degree of the fields."""
        variables = {"independent": self.independent, "dependent": self.dependent}
        return {**variables, "order": self.order, "degree": self.base.dictionary.degree}

    @classmethod
    def rebuild(cls, parts: Parts) -> Prolonged:
        """Prolong the same fields again.

        Raises
        ------
        DataError
            If there would be too many derivatives or candidates.
        """
        independent, dependent = parts.texts("independent"), parts.texts("dependent")
        order, degree = parts.whole("order", 1, 16), parts.whole("degree", 0, 64)
        require_modest(parts.where, len(independent) + len(dependent), degree, whole=True)
        if len(independent) > 12 or (order + 1) ** len(independent) > _MOST_INDICES:
            raise DataError(
                f"{parts.where}: expected at most {_MOST_INDICES} derivatives, received {len(independent)} variables "
                f"and order {order}; lower the order"
            )
        return cls(independent, dependent, order, degree)

    @cached_property
    def _positions(self) -> dict[Index, int]:
        return {index: i for i, index in enumerate(self.indices)}

    def _prolong(self, basis: Tensor, y: Tensor) -> Tensor:
        """Fields `(batch, k, size)` of coefficients `(k, variables, terms)`."""
        totals = torch.einsum("knp,bpi->bkni", basis, self._total_derivatives(y))
        count = len(self.independent)
        columns = [totals[:, :, j, 0] for j in range(count)]
        for index in self.indices:
            for a in range(len(self.dependent)):
                own = totals[:, :, count + a, self._positions[index]]
                columns.append(own - self._dragged(y, totals, a, index))
        return torch.stack(columns, dim=2)

    def _dragged(self, y: Tensor, totals: Tensor, variable: int, index: Index) -> Tensor:
        """What the motion of the independent variables does to a derivative, `(batch, k)`."""
        dragged = torch.zeros_like(totals[:, :, 0, 0])
        for part in product(*(range(k + 1) for k in index)):
            if any(part):
                ways = math.prod(map(math.comb, index, part))
                for j in range(len(index)):
                    rest = tuple(k - i + (n == j) for n, (k, i) in enumerate(zip(index, part, strict=True)))
                    slope = y[:, self.place(variable, rest), None]
                    dragged = dragged + ways * totals[:, :, j, self._positions[part]] * slope
        return dragged

    def _total_derivatives(self, y: Tensor) -> Tensor:
        """``D_J`` of every monomial, `(batch, terms, indices)`, by products of Taylor polynomials."""
        factorial = torch.tensor([math.prod(map(math.factorial, index)) for index in self.indices]).to(y)
        one = torch.zeros(len(y), len(self.indices), dtype=y.dtype, device=y.device)
        one[:, 0] = 1.0
        known: dict[Index, Tensor] = {(0,) * self.base.size: one}
        variables = self._taylor(y, factorial)
        for exponent in map(tuple, self.base.dictionary.exponents.tolist()):
            if any(exponent):
                last = max(i for i, power in enumerate(exponent) if power)
                lower = tuple(power - (i == last) for i, power in enumerate(exponent))
                known[exponent] = self._times(known[lower], variables[last])
        return torch.stack([known[tuple(e)] for e in self.base.dictionary.exponents.tolist()], dim=1) * factorial

    def _taylor(self, y: Tensor, factorial: Tensor) -> list[Tensor]:
        """Taylor coefficients `(batch, indices)` of every variable about the point."""
        count = len(self.independent)
        result: list[Tensor] = []
        for j in range(count):
            series = torch.zeros(len(y), len(self.indices), dtype=y.dtype, device=y.device)
            series[:, 0] = y[:, j]
            series[:, self._positions[tuple(int(i == j) for i in range(count))]] = 1.0
            result.append(series)
        places = [[self.place(a, index) for index in self.indices] for a in range(len(self.dependent))]
        return [*result, *(y[:, columns] / factorial for columns in places)]

    @cached_property
    def _pairs(self) -> tuple[Tensor, Tensor, Tensor]:
        """Indices whose sum is one of ours, and that one."""
        found = [
            (i, k, self._positions[total])
            for i, first in enumerate(self.indices)
            for k, second in enumerate(self.indices)
            if (total := tuple(a + b for a, b in zip(first, second, strict=True))) in self._positions
        ]
        first, second, total = (torch.tensor(part) for part in zip(*found, strict=True))
        return first, second, total

    def _times(self, a: Tensor, b: Tensor) -> Tensor:
        """Product of Taylor polynomials `(batch, indices)`, cut at the order."""
        first, second, total = (part.to(a.device) for part in self._pairs)
        return torch.zeros_like(a).index_add(1, total, a[:, first] * b[:, second])


def _indices(count: int, order: int) -> list[Index]:
    """Multi-indices up to an order, by order and then ``xx, xt, tt``."""
    found = [index for index in product(range(order + 1), repeat=count) if sum(index) <= order]
    return sorted(found, key=lambda index: (sum(index), tuple(-k for k in index)))
