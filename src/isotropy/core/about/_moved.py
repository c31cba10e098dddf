"""Public names that moved to another page, and still answer at the old one."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any


def moved(page: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """A module ``__getattr__`` that follows names to where they are now, and says so.

    The new page is imported when an old name is asked for, so a page of a smaller row may point to one of a larger.

    Parameters
    ----------
    page : str
        ``__name__`` of the page that held the names.
    places : mapping of str
        Old name to new dotted place, such as ``{"Booth": "isotropy.datasets.Booth"}``.

    Examples
    --------
    >>> look_up = moved("isotropy.old", {"pi": "math.pi"})
    >>> look_up("tau")
    Traceback (most recent call last):
    AttributeError: module 'isotropy.old' has no attribute 'tau'
    """

    def look_up(name: str) -> Any:
        place = places.get(name)
        if place is None:
            raise AttributeError(f"module {page!r} has no attribute {name!r}")
        warnings.warn(
            f"expected {place}, received its former place {page}.{name}; import the new one, the old one will go",
            DeprecationWarning,
            stacklevel=2,
        )
        module, _, attribute = place.rpartition(".")
        return getattr(importlib.import_module(module), attribute)

    return look_up
