"""Kinds of action that can be written as plain data, by the name that files use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from ..core._parts import Parts
from ..errors import DataError


class Recorded(Protocol):
    """What a kind of action brings along to be written to a file and read back."""

    def built_from(self) -> dict[str, Any]:
        """The parts that make it, by name.

        Plain values (None, bool, int, float, str), float64 tensors, algebras, actions, networks, and lists of these.
        """
        ...

    @classmethod
    def rebuild(cls, parts: Parts) -> Any:
        """The same action from its parts, each asked for by name and checked."""
        ...


Kind = TypeVar("Kind", bound=type[Recorded])

KINDS: dict[str, type[Recorded]] = {}


def recorded(name: str) -> Callable[[Kind], Kind]:
    """Let a kind of action be written to files, under a name of its own.

    Examples
    --------
    >>> from isotropy.actions import Points
    >>> KINDS["points"] is Points
    True
    """

    def enter(kind: Kind) -> Kind:
        known = KINDS.get(name)
        if known is not None and _path(known) != _path(kind):
            raise DataError(f"name: expected one of its own, received {name!r} of {known.__name__}; choose another")
        KINDS[name] = kind
        return kind

    return enter


def name_of(kind: type[Any]) -> str | None:
    """The name that files use for a class; None for one that has none, such as a subclass."""
    return next((name for name, known in KINDS.items() if known is kind), None)


def _path(kind: type[Any]) -> tuple[str, str]:
    return kind.__module__, kind.__qualname__
