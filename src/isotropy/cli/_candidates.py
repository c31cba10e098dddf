"""From the text of ``--candidates`` to an action on the chosen columns."""

from __future__ import annotations

import re

from .._action import Action
from .._algebra import LieAlgebra
from .._catalogue import is_affine, named
from ..actions import Affine, Image, Points, PolynomialFields, Trivial
from ..errors import DataError, RepresentationMismatchError


def action_for(text: str, columns: int) -> Action:
    """The candidate action on ``columns`` coordinates.

    A matrix algebra on n coordinates also acts on several groups of n columns, each moved alike; ``aff(n)``,
    ``se(n)`` and their kin move points; ``poly(n,degree=d)`` are polynomial vector fields and
    ``image(h,w,se(2))`` moves pictures of h by w pixels.

    Raises
    ------
    DataError
        If the text names no candidates.
    RepresentationMismatchError
        If they do not act on that many columns.
    """
    compact = re.sub(r"\s+", "", text)
    if match := re.fullmatch(r"poly\((\d+),(?:degree=)?(\d+)\)", compact):
        return _fitting(PolynomialFields(int(match[1]), int(match[2])), columns, text)
    if match := re.fullmatch(r"image\((\d+),(\d+),(.+)\)", compact):
        return _fitting(Image(named(match[3]), int(match[1]), int(match[2])), columns, text)
    if compact.startswith(("poly", "image")):
        raise DataError(
            f"--candidates: expected poly(n,degree=d) or image(height,width,se(2)), received {text!r}; "
            "write e.g. poly(2,degree=2)"
        )
    algebra = named(compact)
    return _copies(algebra, columns, text)


def output_action(action: Action, outputs: int, how: str) -> Action:
    """How outputs move: not at all (``scalar``), as velocities of the inputs do (``vector``), or as fits."""
    if how == "scalar" or (how == "auto" and outputs != action.size):
        return Trivial(action.algebra, (outputs,))
    if outputs != action.size:
        raise RepresentationMismatchError(
            f"--outputs vector: expected {action.size} output columns, as many as inputs, received {outputs}; "
            "use --outputs scalar"
        )
    return action.tangent()


def _copies(algebra: LieAlgebra, columns: int, text: str) -> Action:
    size = algebra.n - 1 if is_affine(algebra) else algebra.n
    if columns % size:
        raise RepresentationMismatchError(
            f"--candidates {text}: expected {size} columns or a multiple, received {columns}; "
            "choose other columns or candidates of their number"
        )
    count = columns // size
    if is_affine(algebra):
        single = Affine(algebra)
        return single if count == 1 else Points(single, count)
    return algebra.vector() if count == 1 else count * algebra.vector()


def _fitting(action: Action, columns: int, text: str) -> Action:
    if action.size != columns:
        raise RepresentationMismatchError(
            f"--candidates {text}: expected {action.size} columns, received {columns}; "
            "choose other columns or candidates of their number"
        )
    return action
