"""Columns matched by name."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import DataError


def order_of(known: Sequence[str], asked: Sequence[str]) -> list[int]:
    """Where each asked column stands among the known ones.

    Raises
    ------
    DataError
        If the known columns have no names, one is missing from the asked ones, or one is asked for that is not known.
    """
    if not known:
        raise DataError(
            f"columns: expected a symmetry that knows the names of its columns, received one without names for "
            f"{', '.join(asked)}; name them in its own order first, symmetry.named([...])"
        )
    missing = [name for name in known if name not in asked]
    if missing:
        raise DataError(
            f"columns: expected {', '.join(known)}, on which the symmetry was found, in any order, received "
            f"{', '.join(asked)} without {', '.join(missing)}; a symmetry cannot be cut down to some of its columns"
        )
    strange = [name for name in asked if name not in known]
    if strange or len(set(asked)) < len(asked):
        raise DataError(
            f"columns: expected {', '.join(known)}, on which the symmetry was found, each once, received "
            f"{', '.join(asked)}; it says nothing about {', '.join(strange) or 'repeated columns'}, so leave them out "
            "or look for a symmetry of all"
        )
    return [list(known).index(name) for name in asked]
