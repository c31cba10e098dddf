"""Dictionaries of functions: evaluation, derivatives, names. The only owner of the order of terms."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import combinations_with_replacement

import torch
from torch import Tensor

from .action._spanned import coordinate_names
from .core._parts import Parts
from .errors import DataError

Function = Callable[[Tensor], Tensor]

_MOST_POWERS = 2**22  # numbers in a table of exponents that a file may ask for, 32 MiB
_MOST_CANDIDATES = 2**12  # fields that a file may ask for without writing them out, 128 MiB of coefficients


class Dictionary:
    """Named functions of a point, evaluated together.

    Parameters
    ----------
    size : int
        Number of coordinates of a point.
    evaluate : callable
        `(batch, size)` to `(batch, terms)`, differentiable by torch.
    names : callable
        Coordinate names to term names.
    """

    def __init__(self, size: int, evaluate: Function, names: Callable[[Sequence[str]], list[str]]) -> None:
        self.size = size
        self._evaluate = evaluate
        self._names = names

    def __len__(self) -> int:
        """Number of terms."""
        return len(self.names())

    def __repr__(self) -> str:
        """Numbers of coordinates and terms."""
        return f"{type(self).__name__}(size={self.size}, terms={len(self)})"

    def names(self, coordinates: Sequence[str] | None = None) -> list[str]:
        """Names of the terms, in order."""
        return self._names(list(coordinates or coordinate_names(self.size)))

    def evaluate(self, x: Tensor) -> Tensor:
        """Values `(batch, terms)` at points `(batch, size)`."""
        if x.ndim != 2 or x.shape[1] != self.size:
            raise DataError(f"x: expected shape (batch, {self.size}), received {tuple(x.shape)}; one row per point")
        return self._evaluate(x)

    def jacobian(self, x: Tensor) -> Tensor:
        """Derivatives `(batch, terms, size)` at points `(batch, size)`."""
        units = torch.eye(self.size, dtype=x.dtype, device=x.device)
        columns = [torch.func.jvp(self.evaluate, (x,), (unit.expand_as(x),))[1] for unit in units]
        return torch.stack(columns, dim=2)

    def __add__(self, other: Dictionary) -> Dictionary:
        """The terms of both, ours first."""
        if other.size != self.size:
            raise DataError(f"expected dictionaries of {self.size} coordinates, received {other.size}; match them")
        return Dictionary(
            self.size,
            lambda x: torch.cat([self.evaluate(x), other.evaluate(x)], dim=1),
            lambda c: self.names(c) + other.names(c),
        )


class Polynomials(Dictionary):
    """All monomials up to a degree, by degree and then lexicographically: ``1, x, y, x^2, x y, y^2``.

    Attributes
    ----------
    exponents : Tensor
        `(terms, size)` integers.
    """

    def __init__(self, size: int, degree: int) -> None:
        if size < 1 or degree < 0:
            raise DataError(f"expected size >= 1 and degree >= 0, received size {size}, degree {degree}; raise them")
        self.degree = degree
        rows = [c for d in range(degree + 1) for c in combinations_with_replacement(range(size), d)]
        self.exponents = torch.tensor([[c.count(i) for i in range(size)] for c in rows], dtype=torch.long)
        super().__init__(size, self._monomials, self._written)

    def __len__(self) -> int:
        """Number of monomials."""
        return len(self.exponents)

    @classmethod
    def rebuild(cls, parts: Parts) -> Polynomials:
        """The dictionary that a file names by ``size`` and ``degree``.

        Raises
        ------
        DataError
            If its tables would be too large.
        """
        size, degree = parts.whole("size", 1, 4096), parts.whole("degree", 0, 64)
        require_modest(parts.where, size, degree)
        return cls(size, degree)

    @cached_property
    def index(self) -> dict[tuple[int, ...], int]:
        """Position of each exponent."""
        return {tuple(e): i for i, e in enumerate(self.exponents.tolist())}

    @cached_property
    def derivatives(self) -> Tensor:
        """Matrices `(size, terms, terms)`: coefficients `c` of a polynomial become ``c @ derivatives[i]``."""
        table = torch.zeros(self.size, len(self), len(self), dtype=torch.float64)
        for row, exponent in enumerate(self.exponents.tolist()):
            for i, power in enumerate(exponent):
                lowered = tuple(e - (j == i) for j, e in enumerate(exponent))
                if power and lowered in self.index:
                    table[i, row, self.index[lowered]] = power
        return table

    def jacobian(self, x: Tensor) -> Tensor:
        """Derivatives `(batch, terms, size)` at points `(batch, size)`: lower monomials times powers."""
        lowered = self.derivatives.argmax(dim=2).T.to(x.device)  # a row of a derivative has at most one entry
        return self.evaluate(x)[:, lowered] * self.exponents.to(x)

    def _monomials(self, x: Tensor) -> Tensor:
        powers = [torch.ones_like(x), x]  # products with a constant are slow in forward mode
        for _ in range(self.degree - 1):
            powers.append(powers[-1] * x)
        table = torch.stack(powers)  # (degree + 1, batch, size)
        value = table[self.exponents[:, 0].to(x.device), :, 0].T
        for i in range(1, self.size):
            value = value * table[self.exponents[:, i].to(x.device), :, i].T
        return value

    def _written(self, coordinates: Sequence[str]) -> list[str]:
        return [_monomial(e, coordinates) for e in self.exponents.tolist()]


class FieldBracket:
    """Bracket of polynomial vector fields stored as coefficients `(size, terms)`.

    ``[a, b] = Da[b] - Db[a]``, so that linear fields ``x -> A x`` bracket as their matrices do.
    """

    def __init__(self, dictionary: Polynomials) -> None:
        self.dictionary = dictionary
        self.wide = Polynomials(dictionary.size, max(2 * dictionary.degree - 1, dictionary.degree))

    def shape(self) -> tuple[int, int]:
        """Number of coordinates and degree of the dictionary."""
        return self.dictionary.size, self.dictionary.degree

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Brackets `(i, j, size * wide terms)`."""
        return (self._along(first, second) - self._along(second, first).transpose(0, 1)).flatten(2)

    def embed(self, basis: Tensor) -> Tensor:
        """Coefficients on the wide dictionary, flattened."""
        wide = torch.zeros(len(basis), self.dictionary.size, len(self.wide), dtype=torch.float64)
        places = [self.wide.index[tuple(e)] for e in self.dictionary.exponents.tolist()]
        wide[:, :, places] = basis
        return wide.flatten(1)

    @cached_property
    def _products(self) -> Tensor:
        """Where the product of two monomials lands, `(terms, terms)`, -1 beyond the wide dictionary."""
        sums = self.dictionary.exponents[:, None] + self.dictionary.exponents[None]
        rows = [[self.wide.index.get(tuple(e), -1) for e in row] for row in sums.tolist()]
        return torch.tensor(rows, dtype=torch.long)

    def _along(self, moved: Tensor, by: Tensor) -> Tensor:
        """``D moved[by]`` for all pairs, `(moved, by, size, wide terms)`."""
        slopes = torch.einsum("anp,ipq->aniq", moved, self.dictionary.derivatives)
        pairs = torch.einsum("aniq,bir->abnqr", slopes, by).flatten(3)
        result = torch.zeros(len(moved), len(by), moved.shape[1], len(self.wide) + 1, dtype=torch.float64)
        return result.index_add_(3, self._products.flatten() % (len(self.wide) + 1), pairs)[..., :-1]


def all_fields(dictionary: Polynomials) -> Tensor:
    """Every monomial along every coordinate, `(size * terms, size, terms)`."""
    entries = dictionary.size * len(dictionary)
    return torch.eye(entries, dtype=torch.float64).reshape(entries, dictionary.size, len(dictionary))


def require_modest(where: str, size: int, degree: int, *, whole: bool = False) -> None:
    """Refuse polynomials whose tables a few numbers in a file would make huge, before they are made.

    Parameters
    ----------
    where : str
        What asks for them.
    size, degree : int
        Of the dictionary.
    whole : bool
        Whether all fields are asked for, without their coefficients in the file.

    Raises
    ------
    DataError
        If they are too large.
    """
    wide = math.comb(size + max(2 * degree - 1, degree), size)  # brackets of fields raise the degree
    candidates = size * math.comb(size + degree, size) if whole else 0
    if size * wide > _MOST_POWERS or candidates > _MOST_CANDIDATES:
        raise DataError(
            f"{where}: expected at most {_MOST_POWERS} exponents in brackets and {_MOST_CANDIDATES} candidates, "
            f"received {size} coordinates and degree {degree}; use a lower degree"
        )


def polynomials(size: int, degree: int) -> Polynomials:
    """All monomials of ``size`` coordinates up to ``degree``, the constant included.

    Examples
    --------
    >>> polynomials(2, degree=2).names(["x", "y"])
    ['1', 'x', 'y', 'x^2', 'x y', 'y^2']
    """
    return Polynomials(size, degree)


def fourier(size: int, frequencies: int) -> Dictionary:
    """``sin(k x_i), cos(k x_i)`` for every coordinate and ``k = 1..frequencies``."""
    orders = torch.arange(1, frequencies + 1, dtype=torch.float64)

    def evaluate(x: Tensor) -> Tensor:
        angles = (x[:, :, None] * orders.to(x)).flatten(1)
        return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)

    def names(coordinates: Sequence[str]) -> list[str]:
        return [f"{f}({k} {c})" for c in coordinates for k in range(1, frequencies + 1) for f in ("sin", "cos")]

    return Dictionary(size, evaluate, names)


def radial(centres: Tensor, width: float) -> Dictionary:
    """Gaussian bumps ``exp(-|x - c|^2 / (2 width^2))`` about centres `(terms, size)`."""
    points = centres.detach().clone()

    def evaluate(x: Tensor) -> Tensor:
        squares = (x[:, None, :] - points.to(x)).square().sum(2)
        return torch.exp(-squares / (2 * width**2))

    return Dictionary(points.shape[1], evaluate, lambda _: [f"bump{i}" for i in range(len(points))])


def custom(size: int, functions: dict[str, Function]) -> Dictionary:
    """Functions `(batch, size)` to `(batch,)` by name, written in torch."""
    if not functions:
        raise DataError("functions: expected at least one named function, received none; pass {'name': f}")
    return Dictionary(size, lambda x: torch.stack([f(x) for f in functions.values()], dim=1), lambda _: list(functions))


def _monomial(exponent: Sequence[int], coordinates: Sequence[str]) -> str:
    parts = [f"{c}^{e}" if e > 1 else c for c, e in zip(coordinates, exponent, strict=True) if e]
    return " ".join(parts) or "1"
