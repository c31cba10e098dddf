"""A symmetry on the command line: by name, or from a file that a verb wrote."""

from __future__ import annotations

import re
from pathlib import Path

from ...action._action import Action
from ...actions import Affine, PolynomialFields
from ...actions._by_name import action_by_name
from ...algebra._lie_algebra import LieAlgebra
from ...errors import DataError
from ...symmetry import Symmetry

_FILE = re.compile(r"\.(json|safetensors)$")


def action_for(text: str, names: list[str], option: str) -> Action:
    """The action on the columns ``names`` that a name or a file stands for."""
    found = symmetry_for(text, names, option)
    return found.action if isinstance(found, Symmetry) else found


def symmetry_for(text: str, names: list[str], option: str) -> Action | Symmetry:
    """A known action by name, or what a file holds: a whole symmetry from JSON, matched to the columns by name.

    Raises
    ------
    DataError
        If the file is missing or damaged, holds no generators, or was found on other columns.
    RepresentationMismatchError
        If a name stands for an algebra that does not act on that many columns.
    """
    if not _FILE.search(text):
        return action_by_name(text, len(names), option)
    path = Path(text)
    if not path.is_file():
        raise DataError(f"{option}: expected a file written by isotropy discover, received {text}, which is not there")
    if path.suffix == ".safetensors":
        return _acting(LieAlgebra.load(path), len(names), f"{option} {text}")
    return _matched(Symmetry.load(path), names, f"{option} {text}")


def _matched(found: Symmetry, names: list[str], source: str) -> Symmetry:
    """The symmetry on the columns in the order of ``names``; one without names takes them in its own order."""
    if not found.dim:
        raise DataError(f"{source}: expected a symmetry with generators, received one with none; leave it out")
    if found.columns:
        try:
            return found.on(names)
        except DataError as error:
            raise DataError(f"{source}: {error}") from error
    size = found.candidates.size
    if size != len(names):
        raise DataError(
            f"{source}: expected generators that act on {len(names)} columns, received those of {size}; discover it on "
            "the same columns"
        )
    return found.named(names)


def _acting(algebra: LieAlgebra, size: int, source: str) -> Action:
    """The action of stored generators on ``size`` coordinates; an algebra alone has no names of columns."""
    if not algebra.dim:
        raise DataError(f"{source}: expected a symmetry with generators, received one with none; leave it out")
    if algebra.is_matrix and algebra.n == size:
        return algebra.vector()
    if algebra.is_matrix and algebra.n == size + 1:
        return Affine(algebra)
    if algebra.polynomials and algebra.polynomials[0] == size:
        return PolynomialFields(size, algebra.polynomials[1], algebra)
    raise DataError(
        f"{source}: expected generators that act on {size} coordinates, received {algebra!r}; discover it on the same "
        "columns"
    )
