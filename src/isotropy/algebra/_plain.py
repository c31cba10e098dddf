"""Algebras as plain data and back."""

from __future__ import annotations

from typing import Any

import torch

from ..core._parts import Parts, plain_tensor
from ..dictionary import FieldBracket, Polynomials, all_fields, require_modest
from ..errors import DataError, NotRecordableError
from ._lie_algebra import Commutator, LieAlgebra


def write_plain(algebra: object) -> dict[str, Any]:
    """Name, blocks, generators and bracket; the generators are left out where they are all polynomial fields.

    Raises
    ------
    NotRecordableError
        If it is no ``LieAlgebra``, or has a bracket of its own.
    """
    if not isinstance(algebra, LieAlgebra) or type(algebra._bracket) not in (Commutator, FieldBracket):
        raise NotRecordableError(
            f"algebra: expected a LieAlgebra of matrices or polynomial fields, received {algebra!r}; "
            "write its generators as matrices"
        )
    words: dict[str, Any] = {"name": algebra.name, "blocks": list(algebra.blocks)}
    if algebra.polynomials is None:
        return {**words, "fields": None, "basis": plain_tensor(algebra.basis)}
    dictionary = Polynomials(*algebra.polynomials)
    whole = len(algebra.basis) == dictionary.size * len(dictionary) and torch.equal(
        algebra.basis, all_fields(dictionary)
    )
    fields = {"size": dictionary.size, "degree": dictionary.degree}
    return {**words, "fields": fields, "basis": None if whole else plain_tensor(algebra.basis)}


def read_plain(parts: Parts) -> LieAlgebra:
    """The algebra that ``write_plain`` wrote.

    Raises
    ------
    DataError
        If something is missing, of another type, or does not fit.
    """
    name = parts.text("name") if parts.has("name") else None
    algebra = _of_fields(parts, name) if parts.has("fields") else _of_matrices(parts, name)
    if sum(algebra.blocks) != algebra.basis.shape[-1]:
        raise DataError(
            f"{parts.where}.blocks: expected sizes that make {algebra.basis.shape[-1]}, received {algebra.blocks}; "
            "write the file again"
        )
    parts.done()
    return algebra


def _of_matrices(parts: Parts, name: str | None) -> LieAlgebra:
    return LieAlgebra(parts.tensor("basis", None, None, None), name, blocks=parts.wholes("blocks"))


def _of_fields(parts: Parts, name: str | None) -> LieAlgebra:
    dictionary = Polynomials.rebuild(fields := parts.inner("fields"))
    fields.done()
    if parts.has("basis"):
        basis = parts.tensor("basis", None, dictionary.size, len(dictionary))
    else:
        require_modest(parts.where, dictionary.size, dictionary.degree, whole=True)
        basis = all_fields(dictionary)
    return LieAlgebra(basis, name, blocks=parts.wholes("blocks"), bracket=FieldBracket(dictionary))
