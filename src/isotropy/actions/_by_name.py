"""An action by the name of its algebra, on as many columns as there are."""

from __future__ import annotations

import math
import re

from ..action._action import Action
from ..algebra._catalogue import is_affine, named
from ..algebra._lie_algebra import LieAlgebra
from ..errors import DataError, RepresentationMismatchError, SymmetryError
from ._affine import Affine
from ._image import Image
from ._points import Points
from ._polynomial import PolynomialFields

LONGEST = 200  # letters of a name; numbers of a thousand digits are no sizes
LARGEST = 32  # size of matrices; gl(32) has 1024 generators, and the work grows with their cube
_POLYNOMIALS = re.compile(r"poly\((\d+),(?:degree=)?(\d+)\)")
_PICTURES = re.compile(r"image\((\d+),(\d+),(.+)\)")


def action_by_name(text: str, columns: int, option: str = "candidates") -> Action:
    """The action of an algebra, given by name, on ``columns`` coordinates.

    A matrix algebra on n coordinates also acts on several groups of n columns, each moved alike; ``aff(n)``,
    ``se(n)`` and their kin move points; ``poly(n,degree=d)`` are polynomial vector fields and
    ``image(h,w,se(2))`` moves pictures of h by w pixels.

    Raises
    ------
    DataError
        If the text names no algebra.
    RepresentationMismatchError
        If it does not act on that many columns.
    """
    if len(text) > LONGEST:
        raise DataError(f"{option}: expected the name of an algebra, received {len(text)} letters; write e.g. gl(3)")
    compact = re.sub(r"\s+", "", text)
    try:
        action = _named_action(compact, columns)
    except SymmetryError as error:
        raise type(error)(f"{option} {text}: {error}") from error
    if action.size != columns:
        raise _misfit(f"{option} {text}: ", f"{action.size} columns", columns)
    return action


def _named_action(text: str, columns: int) -> Action:
    """Polynomial fields, motions of pictures, or a matrix algebra."""
    if match := _POLYNOMIALS.fullmatch(text):
        return _polynomials(int(match[1]), int(match[2]))
    if match := _PICTURES.fullmatch(text):
        height, width = int(match[1]), int(match[2])
        if columns != height * width:  # before anything of that size is made
            raise _misfit("", f"{height * width} columns", columns)
        return Image(_matrices(match[3]), height, width)
    if text.startswith(("poly", "image")):
        raise DataError("expected poly(n,degree=d) or image(height,width,se(2)); write e.g. poly(2,degree=2)")
    return _copies(_matrices(text), columns)


def _polynomials(size: int, degree: int) -> PolynomialFields:
    # Of one more column or degree there is at least one more generator, so that numbers beyond are not multiplied out.
    count = size * math.comb(size + degree, degree) if max(size, degree) <= LARGEST**2 else max(size, degree)
    if count > LARGEST**2:
        raise DataError(f"expected at most {LARGEST**2} generators, received {count}; lower the degree")
    return PolynomialFields(size, degree)


def _matrices(text: str) -> LieAlgebra:
    """An algebra by name, refused before it is built if it is too large to search."""
    largest = max(map(int, re.findall(r"\d+", text.replace("scaling", ""))), default=0)
    if largest > LARGEST:
        raise DataError(
            f"expected matrices of size {LARGEST} at most, received size {largest}; choose fewer columns, or an "
            "algebra that moves groups of them alike, such as so(3)"
        )
    return named(text)


def _copies(algebra: LieAlgebra, columns: int) -> Action:
    """One algebra on every group of as many columns as it moves."""
    size = algebra.n - 1 if is_affine(algebra) else algebra.n
    if columns % size:
        raise _misfit("", f"{size} columns or a multiple", columns)
    count = columns // size
    if is_affine(algebra):
        single = Affine(algebra)
        return single if count == 1 else Points(single, count)
    return algebra.vector() if count == 1 else count * algebra.vector()


def _misfit(start: str, needed: str, columns: int) -> RepresentationMismatchError:
    return RepresentationMismatchError(
        f"{start}expected {needed}, received {columns} columns; choose other columns or an algebra of their number"
    )
