"""Invariants and equivariant fields of a symmetry as formulas: what a symmetric field can be built from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...action._spanned import coordinate_names
from ...core._linalg import sparse_rows
from ...dictionary import Polynomials
from ...enforce import FunctionBasis, equivariant_functions
from ...errors import DataError
from .. import bars

_SEED_POINTS = 50


@dataclass(frozen=True)
class Blocks:
    """``h = sum_j f_j(I) E_j`` with any functions ``f_j`` is symmetric, and almost every symmetric field is such.

    Attributes
    ----------
    symbols : list of sympy.Symbol
        Coordinates.
    invariants : list of sympy.Expr
        Functionally independent ``I``, polynomial or rational.
    fields : list of sympy.Matrix
        ``E_j``, independent at almost every point, one column each.
    """

    symbols: list[Any]
    invariants: list[Any]
    fields: list[Any]


def building_blocks(action: Action, degree: int = 3) -> Blocks:
    """Invariants and equivariant fields of polynomial degree at most ``degree``.

    Fields beyond those that span at almost every point are combinations of these, with invariants for coefficients:
    so rational invariants come out, too, such as ``x / y^2`` of a scaling.

    Raises
    ------
    DataError
        If there is no equivariant field up to that degree.

    Examples
    --------
    >>> import isotropy as iso
    >>> blocks = building_blocks(iso.so(2).vector())
    >>> blocks.invariants, len(blocks.fields)
    ([x**2 + y**2], 2)
    """
    import sympy

    library = Polynomials(action.size, degree)
    symbols = [sympy.Symbol(name) for name in coordinate_names(action.size)]
    monomials = [sympy.prod(s**e for s, e in zip(symbols, row, strict=True)) for row in library.exponents.tolist()]
    scalars = equivariant_functions(library, action, action.algebra.scalar())  # type: ignore[attr-defined]
    fields = equivariant_functions(library, action, action.tangent())
    vectors = [sympy.Matrix([_formula(row, monomials) for row in f]) for f in _ordered(fields, library)]
    if not vectors:
        raise DataError(f"degree: expected equivariant fields up to degree {degree}, received none; raise it")
    chosen, rest = _independent(vectors, symbols)
    known = [_formula(f[0], monomials) for f in _ordered(scalars, library)]
    candidates = [i for i in known if i.free_symbols]
    for other in rest:
        candidates += [c for c in _combination(chosen, other, symbols) if c.free_symbols]
    return Blocks(symbols, _functionally_independent(candidates, symbols), chosen)


def _ordered(basis: FunctionBasis, library: Polynomials) -> list[Tensor]:
    """Sparse members `(m, terms)`, those of low degree first."""
    if not basis.dim:
        return []
    rows = sparse_rows(basis.coefficients.flatten(1)).reshape(basis.dim, -1, len(library))
    degrees = library.exponents.sum(1)
    return sorted(rows, key=lambda r: int(degrees[(r.abs() > bars.ZERO_COEFFICIENT).any(dim=0)].max()))


def _formula(row: Tensor, monomials: list[Any]) -> Any:
    """A polynomial with exact coefficients, as far as they are simple fractions."""
    import sympy

    zero = bars.ZERO_COEFFICIENT
    pairs = zip(row.tolist(), monomials, strict=True)
    return sympy.Add(*[sympy.nsimplify(c, rational=True, tolerance=zero) * m for c, m in pairs if abs(c) > zero])


def _independent(vectors: list[Any], symbols: list[Any]) -> tuple[list[Any], list[Any]]:
    """Fields that span at almost every point, the first that do, and the others."""
    points = _points(len(symbols))
    chosen: list[Any] = []
    rest: list[Any] = []
    for vector in vectors:
        table = torch.stack([_values([*v], symbols, points) for v in [*chosen, vector]], dim=2)
        sizes = torch.linalg.svdvals(table)  # (points, k)
        room = len(chosen) < len(symbols)
        independent = room and float((sizes[:, -1] / sizes[:, 0].clamp_min(1e-300)).median()) > bars.INDEPENDENT_FIELDS
        (chosen if independent else rest).append(vector)
    return chosen, rest


def _combination(chosen: list[Any], other: Any, symbols: list[Any]) -> list[Any]:
    """Coefficients of a field in the chosen ones, from as many equations as there are unknowns."""
    import sympy

    table = sympy.Matrix.hstack(*chosen)
    if table.shape[0] != table.shape[1]:
        gram = table.T * table
        return [sympy.cancel(c) for c in gram.LUsolve(table.T * other)]
    return [sympy.cancel(c) for c in table.LUsolve(other)]


def _functionally_independent(candidates: list[Any], symbols: list[Any]) -> list[Any]:
    """Invariants whose gradients are independent, the simplest first."""
    points = _points(len(symbols))
    chosen: list[Any] = []
    slopes: list[Tensor] = []
    for candidate in sorted(candidates, key=lambda c: (c.count_ops(), str(c))):
        slope = _values([candidate.diff(s) for s in symbols], symbols, points)
        table = torch.stack([*slopes, slope], dim=2)
        sizes = torch.linalg.svdvals(table)
        full = len(chosen) < len(symbols)
        if full and float((sizes[:, -1] / sizes[:, 0].clamp_min(1e-300)).median()) > bars.INDEPENDENT_FIELDS:
            chosen.append(candidate)
            slopes.append(slope)
    return chosen


def _points(size: int) -> Tensor:
    draw = torch.Generator().manual_seed(0)
    return 0.5 + torch.rand(_SEED_POINTS, size, generator=draw, dtype=torch.float64)


def _values(expressions: list[Any], symbols: list[Any], points: Tensor) -> Tensor:
    """Values `(points, expressions)`."""
    import sympy

    function = sympy.lambdify(symbols, expressions, "math")
    return torch.tensor([[float(v) for v in function(*row)] for row in points.tolist()], dtype=torch.float64)
