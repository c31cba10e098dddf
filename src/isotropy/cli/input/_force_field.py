"""From the words of ``isotropy probe`` to structures, a calculator and a rule."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...atoms import ase_module
from ...errors import DataError, SymmetryError
from ...quadrature import Rule, gauss, generated, grid, lebedev, polyhedral
from ._models import aside, imported

_RULE = re.compile(r"(?P<name>D2|T|O|I|lebedev|gauss|grid)(:(?P<size>\w+))?(?P<inversion>\+i)?")


def read_frames(path: str, select: str) -> list[Any]:
    """Structures of a file.

    Raises
    ------
    DataError
        If the file cannot be read, or no frame is chosen.
    """
    read = ase_module("io").read
    try:
        chosen = read(path, index=select)
    except Exception as error:  # whatever a reader makes of a strange file
        raise DataError(
            f"{path}: expected structures that ase can read, received {type(error).__name__} ({error}); check the "
            "file and --select"
        ) from error
    listed = chosen if isinstance(chosen, list) else [chosen]
    if not listed:
        raise DataError(f"--select: expected frames of {path}, received none by {select!r}; write e.g. :10")
    return listed


def load_calculator(text: str) -> Any:
    """The calculator that ``module:factory`` gives, or that it is.

    Raises
    ------
    DataError
        If there is no such object, or it gives no calculator.
    """
    found = imported(text, "--calculator")
    try:
        with aside(f"--calculator {text}"):
            made = found if hasattr(found, "get_property") and not isinstance(found, type) else found()
    except SymmetryError:
        raise
    except Exception as error:
        raise DataError(
            f"--calculator: expected {text} to give a calculator when called, received {type(error).__name__} "
            f"({error}); write a function without arguments"
        ) from error
    if not hasattr(made, "get_property"):
        raise DataError(
            f"--calculator: expected a calculator of ase from {text}, received {type(made).__name__}; return one"
        )
    return made


def read_rule(text: str) -> Rule:
    """A rule from its name on the command line, or the group of the single elements in a ``symmetry.json``.

    Raises
    ------
    DataError
        If there is no such rule, or the file holds no elements that turn space.
    """
    if text.endswith(".json"):
        return _stored_group(text)
    found = _RULE.fullmatch(text)
    if found is None or (found["size"] is None) != (found["name"] in ("D2", "T", "O", "I")):
        raise DataError(f"--rule: expected D2, T, O, I, lebedev:N, gauss:N or grid:NAME, received {text!r}; see --help")
    made = _made(found["name"], found["size"], text)
    return made.with_inversion() if found["inversion"] else made


def _stored_group(text: str) -> Rule:
    """The group that the elements of a file generate; a whole algebra of rotations has rules by name."""
    from ...symmetry import Symmetry

    found = Symmetry.load(text)
    if not len(found.elements):
        raise DataError(
            f"--rule {text}: expected a file with single elements, as discrete searches find, received "
            f"{found.name} without any; for all rotations use lebedev:N or gauss:N"
        )
    return generated(found.elements, Path(text).name)


def _made(name: str, size: str | None, text: str) -> Rule:
    if size is None:
        return polyhedral(name)
    if name == "grid":
        return grid(size)
    if not size.isdecimal():
        raise DataError(f"--rule: expected a degree after the colon, received {text!r}; write e.g. lebedev:7")
    return lebedev(int(size)) if name == "lebedev" else gauss(int(size))
