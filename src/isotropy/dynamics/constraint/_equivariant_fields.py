"""From a symmetry, however it is given, to the vector fields in a dictionary that obey it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from ...action._action import Action
from ...action._representation import Representation
from ...algebra._catalogue import diagonal
from ...algebra._lie_algebra import LieAlgebra
from ...core._linalg import cut_spectrum
from ...dictionary import Dictionary
from ...discover.evidence._result import Discovery
from ...enforce import FunctionBasis, equivariant_functions
from ...errors import DataError, RepresentationMismatchError
from ...symmetry import Symmetry
from .. import bars
from ._closure import missing_terms

Field = Callable[[Tensor], Tensor]
SymmetryLike = Action | LieAlgebra | Symmetry | Discovery | FunctionBasis | Field | Sequence[Any]


class VectorFields(Action):
    """The action of vector fields given as functions, such as a network or a formula.

    The fields need not be polynomial nor linear; they are only ever differentiated and combined linearly. The algebra
    is that of as many commuting generators: brackets of such fields are not looked at.

    Parameters
    ----------
    size : int
        Number of coordinates.
    functions : callable
        Each `(batch, size)` to `(batch, size)`, written in torch.

    Examples
    --------
    >>> import torch
    >>> turn = VectorFields(2, lambda x: torch.stack([-x[:, 1], x[:, 0]], dim=1))
    >>> turn.fields(torch.ones(1, 2)).tolist()
    [[[-1.0, 1.0]]]
    """

    def __init__(self, size: int, *functions: Field) -> None:
        super().__init__(diagonal(len(functions)), (size,))
        self.functions = functions

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Velocities `(batch, dim, size)`."""
        return torch.stack([f(y) for f in self.functions], dim=1)


def equivariant_fields(
    dictionary: Dictionary,
    symmetry: SymmetryLike,
    *,
    rank: str | int | float = "gap",
    uncertainty: float | None = None,
    points: Any = None,
) -> FunctionBasis:
    """All vector fields ``h = W phi`` in a dictionary that commute with a symmetry, ``[v, h] = 0``.

    The condition is linear in ``W`` for any fields v. Polynomials under polynomial v are handled exactly, anything else
    at points; the dictionary need not be closed under v.

    Parameters
    ----------
    dictionary : Dictionary
        Terms ``phi``.
    symmetry : Action, LieAlgebra, Symmetry, Discovery, FunctionBasis, callable or a list of these
        Actions on states. An algebra acts by its defining matrices, a discovery by what it found, a callable
        `(batch, n)` to `(batch, n)` as a vector field. A list asks for all of its members; a basis made before is
        taken as it is.
    rank : "gap", int or float
        How to cut the spectrum of the constraint.
    uncertainty : float, optional
        Relative error of the generators; taken from a discovery, else zero if left out. Singular values up to about
        this size are then no evidence against a field.
    points : array_like, optional
        `(batch, n)` where to compare, instead of exactly or at normally distributed points.

    Raises
    ------
    DataError
        If no field but zero obeys the symmetry; the message names the terms that the dictionary lacks.

    Examples
    --------
    >>> import isotropy as iso
    >>> fields = equivariant_fields(iso.dictionary.polynomials(2, degree=3), iso.so(2))
    >>> fields.dim, fields.coefficients.shape
    (4, torch.Size([4, 2, 10]))
    """
    if isinstance(symmetry, FunctionBasis):
        return _fitting(symmetry, dictionary)
    parts = list(symmetry) if isinstance(symmetry, Sequence) else [symmetry]
    if not parts:
        raise DataError("symmetry: expected at least one, received an empty list; pass None for no symmetry")
    found = [_of_one(dictionary, part, rank, uncertainty, points) for part in parts]
    basis = found[0]
    for other in found[1:]:
        basis = _common(basis, other)
    if not basis.dim:
        _refuse(dictionary, parts, found)
    return basis


def as_action(symmetry: Any, size: int) -> Action:
    """The action on states that a symmetry stands for."""
    if isinstance(symmetry, Discovery):
        symmetry = symmetry.symmetry_
    if isinstance(symmetry, Symmetry):
        if not symmetry.dim:
            raise DataError(
                f"symmetry: expected one with at least one generator, received one with status {symmetry.status!r} "
                "and none; pass None for no symmetry"
            )
        return symmetry.action
    action: Any = symmetry.vector() if isinstance(symmetry, LieAlgebra) else symmetry
    if not isinstance(action, Action) and callable(action):
        action = VectorFields(size, cast(Field, action))
    if not isinstance(action, Action):
        raise RepresentationMismatchError(
            f"symmetry: expected an Action, LieAlgebra, Symmetry, Discovery or vector field, received "
            f"{type(symmetry).__name__}; pass e.g. iso.so(2).vector()"
        )
    return action


def uncertainty_of(symmetry: Any, given: float | None) -> float:
    """Relative error of the generators of a symmetry."""
    if given is not None:
        return float(given)
    if isinstance(symmetry, Discovery):
        symmetry = symmetry.symmetry_
    if isinstance(symmetry, Symmetry):
        return symmetry.doubt
    members = symmetry if isinstance(symmetry, Sequence) and not isinstance(symmetry, str) else ()
    return max((uncertainty_of(member, None) for member in members), default=0.0)


def _of_one(
    dictionary: Dictionary, symmetry: Any, rank: str | int | float, given: float | None, points: Any
) -> FunctionBasis:
    if isinstance(symmetry, FunctionBasis):
        return _fitting(symmetry, dictionary)
    action, doubt = as_action(symmetry, dictionary.size), uncertainty_of(symmetry, given)
    exact = isinstance(action, Representation) and action.algebra.dim > 0
    measure = "samples" if points is not None and not exact else None
    at = points if measure else None
    tangent = action.tangent()
    found = equivariant_functions(dictionary, action, tangent, rank=rank, measure=measure, points=at)
    if rank != "gap" or doubt <= bars.EXACT_GENERATORS:
        return found
    # Below the error of the generators a gap means nothing: an exact zero is no better than what they miss.
    cut = cut_spectrum(found.spectrum.clamp_max(1.0), floor=doubt, tolerance=max(bars.MOST_INEXACT, doubt))
    if cut.dim == found.dim:
        return found
    return equivariant_functions(dictionary, action, tangent, rank=cut.dim, measure=measure, points=at)


def _common(first: FunctionBasis, second: FunctionBasis) -> FunctionBasis:
    """What two spaces share."""
    a, b = first.coefficients.flatten(1), second.coefficients.flatten(1)
    left, sizes, _ = torch.linalg.svd(a - a @ b.T @ b, full_matrices=True)
    taken = int((sizes > bars.SAME_DIRECTION).sum())
    rows = (left[:, taken:].T @ a).reshape(-1, *first.coefficients.shape[1:])
    constraints = torch.cat([first.constraints, second.constraints])
    gap = min(first.gap, second.gap)
    return FunctionBasis(first.dictionary, rows, first.event, first.spectrum, gap, constraints)


def _fitting(basis: FunctionBasis, dictionary: Dictionary) -> FunctionBasis:
    expected = (dictionary.size, len(dictionary))
    if tuple(basis.coefficients.shape[1:]) == expected:
        return basis
    raise RepresentationMismatchError(
        f"symmetry: expected a basis of coefficients {expected}, received {tuple(basis.coefficients.shape[1:])}; "
        "make it with the same dictionary"
    )


def _refuse(dictionary: Dictionary, parts: list[Any], found: list[FunctionBasis]) -> None:
    """Say why nothing is left: symmetries that contradict one another, or a dictionary that does not close."""
    if all(basis.dim for basis in found):
        raise DataError(
            f"symmetry: expected symmetries that some field obeys together, received {len(parts)} that leave "
            f"{[basis.dim for basis in found]} fields each and none in common; drop one, or add terms to the dictionary"
        )
    empty = next(part for part, basis in zip(parts, found, strict=True) if not basis.dim)
    lacking = missing_terms(dictionary, as_action(empty, dictionary.size))
    advice = f"add the terms that close it: {', '.join(lacking)}" if lacking else "take a richer dictionary"
    raise DataError(
        f"dictionary: expected some field of {len(dictionary)} terms that obeys the symmetry, received none; {advice}"
    )
