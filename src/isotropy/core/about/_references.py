"""BibTeX of the papers behind the methods that were used.

A class or function names its papers in the section ``References`` of its docstring, one key a line; the entries
stand in ``references.bib``.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from importlib.resources import files
from typing import Any, cast

from ...errors import DataError

_SECTION = re.compile(r"^References\n-+\n((?:[a-z]+\d{4}[a-z]*\n?)+)", re.MULTILINE)
_ENTRY = re.compile(r"^@\w+\{([^,]+),\n.*?^\}$", re.MULTILINE | re.DOTALL)


def cite(*objects: Any) -> str:
    """BibTeX entries of the papers behind classes, functions or fitted estimators of this library.

    Parameters
    ----------
    *objects
        What was used, such as a fitted discovery or ``iso.measure.equivariance``. What is ours alone names no
        paper and adds nothing.

    Returns
    -------
    str
        Each entry once, in the order of the objects.

    Raises
    ------
    DataError
        If an object does not come from this library.

    Examples
    --------
    >>> import isotropy as iso
    >>> print(cite(iso.discover.FromNoether).splitlines()[0])
    @article{noether1918,
    """
    keys = [key for thing in objects for key in reference_keys(thing)]
    return "\n\n".join(_entries()[key] for key in dict.fromkeys(keys))


def reference_keys(thing: Any) -> list[str]:
    """Keys of the papers that a class, a function or an instance names, those of its bases included."""
    known: bool = inspect.isclass(thing) or inspect.isroutine(thing)
    named = thing if known else cast(Any, type(thing))
    family: tuple[Any, ...] = inspect.getmro(named) if inspect.isclass(named) else (named,)
    ours = [one for one in family if (one.__module__ or "").split(".")[0] == "isotropy"]
    if not ours:
        raise DataError(
            f"expected a class, function or instance of isotropy, received {thing!r}; cite what you used of it"
        )
    sections = [_SECTION.search(inspect.cleandoc(one.__doc__ or "") + "\n") for one in ours]
    return [key for section in sections if section for key in section[1].split()]


@cache
def _entries() -> dict[str, str]:
    """Entries by key."""
    text = files("isotropy").joinpath("references.bib").read_text(encoding="utf-8")
    return {match[1]: match[0] for match in _ENTRY.finditer(text)}
