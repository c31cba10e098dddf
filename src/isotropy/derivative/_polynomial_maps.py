"""Polynomials as coefficients: the fields of actions, and orthonormal bases under the measures of the field."""

from __future__ import annotations

import math
from functools import singledispatch

import torch
from torch import Tensor

from ..action._action import Action, RestrictedAction
from ..action._representation import Representation
from ..action._spanned import _SpannedTangent
from ..actions import Affine, Points, PolynomialFields, Trivial
from ..dictionary import Polynomials

MEASURES = ("fischer", "cube", "gaussian")


@singledispatch
def field_coefficients(action: Action) -> Tensor | None:
    """Coefficients `(dim, size, terms)` of the fields on a library of polynomials; None if they are not polynomial.

    The library is that of ``degree_of_terms``: all monomials of ``action.size`` coordinates up to a degree.
    """
    return None


@field_coefficients.register
def _(action: Representation) -> Tensor:
    return torch.cat([torch.zeros_like(action.tensor[..., :1]), action.tensor], dim=2)


@field_coefficients.register
def _(action: Affine) -> Tensor:
    return torch.cat([action.tensor[..., -1:], action.tensor[..., :-1]], dim=2)


@field_coefficients.register
def _(action: PolynomialFields) -> Tensor:
    return action.tensor


@field_coefficients.register
def _(action: Trivial) -> Tensor:
    return torch.zeros(action.algebra.dim, action.size, 1, dtype=torch.float64)


@field_coefficients.register
def _(action: RestrictedAction) -> Tensor | None:
    wide = field_coefficients(action.base)
    return None if wide is None else torch.einsum("jk,knp->jnp", action.combos, wide)


@field_coefficients.register
def _(action: Points) -> Tensor | None:
    one = field_coefficients(action.base)
    if one is None:
        return None
    small = Polynomials(action.base.size, degree_of_terms(action.base.size, one.shape[2]))
    wide = Polynomials(action.size, small.degree)
    result = torch.zeros(len(one), action.size, len(wide), dtype=torch.float64)
    for point in range(action.count):
        before, after = point * small.size, (action.count - point - 1) * small.size
        padded = torch.nn.functional.pad(small.exponents, (before, after))
        places = [wide.index[tuple(e)] for e in padded.tolist()]
        result[:, before : before + small.size, places] = one
    return result


def output_coefficients(action: Action) -> Tensor | None:
    """Coefficients `(dim, m, m, terms)` of the matrices ``B(x)`` of outputs moving as ``y -> B(x) y``; else None.

    Constant matrices for a linear action, derivatives of the fields for a tangent action.
    """
    if isinstance(action, Representation):
        return action.tensor[..., None]
    if isinstance(action, Trivial):
        return torch.zeros(action.algebra.dim, action.size, action.size, 1, dtype=torch.float64)
    if isinstance(action, RestrictedAction):
        wide = output_coefficients(action.base)
        return None if wide is None else torch.einsum("jk,knmp->jnmp", action.combos, wide)
    if isinstance(action, _SpannedTangent) and isinstance(action.base, PolynomialFields):
        library = action.base.dictionary
        return torch.einsum("kip,jpq->kijq", action.tensor, library.derivatives)
    return None


def degree_of_terms(size: int, terms: int) -> int:
    """The degree whose library of ``size`` coordinates has that many terms."""
    degree = 0
    while math.comb(size + degree, degree) < terms:
        degree += 1
    return degree


def orthonormal_change(library: Polynomials, measure: str) -> Tensor:
    """Matrix `(terms, terms)` from coefficients of monomials to those in an orthonormal basis.

    ``"fischer"``: ``<x^a, x^b> = a!`` if ``a = b``, which rotations preserve; ``"cube"``: uniform on ``[-1, 1]^n``;
    ``"gaussian"``: standard normal. The bases are products of monomials, Legendre or Hermite polynomials.
    """
    table = _one_coordinate(library.degree, measure)
    change = torch.ones(len(library), len(library), dtype=torch.float64)
    for column in library.exponents.T:
        change *= table[column[:, None], column[None]]
    return change


def _one_coordinate(degree: int, measure: str) -> Tensor:
    """Column a holds ``x^a`` in orthonormal polynomials of one coordinate."""
    orders = torch.arange(1, degree + 1, dtype=torch.float64)
    if measure == "fischer":
        return torch.diag(torch.cat([orders.new_ones(1), orders.cumprod(0).sqrt()]))
    steps = orders.sqrt() if measure == "gaussian" else orders / (4 * orders.square() - 1).sqrt()
    times = torch.diag(steps, 1) + torch.diag(steps, -1)  # multiplication by x
    columns = [torch.eye(degree + 1, dtype=torch.float64)[0]]
    for _ in range(degree):
        columns.append(times @ columns[-1])
    return torch.stack(columns, dim=1)
