"""The simulation environment: ``ase`` is imported when it is first needed, and its classes are joined then."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from ...errors import MissingExtraError


def ase_module(name: str) -> Any:
    """A module of ase.

    Raises
    ------
    MissingExtraError
        Without ase.
    """
    try:
        return importlib.import_module(f"ase.{name}")
    except ImportError as missing:
        raise MissingExtraError("expected ase, found none; run pip install 'isotropy[atoms]'") from missing


class Joined:
    """A class that inherits from one of ase as well, from its first instance on."""

    ase_base: tuple[str, str]

    def __new__(cls, *_: Any, **__: Any) -> Any:
        """An instance of this class and of the one in ase."""
        return object.__new__(_joined(cls))

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)  # of the class in ase


class AseCalculator(Joined):
    """A calculator of our own."""

    ase_base = ("calculators.calculator", "Calculator")
    results: dict[str, Any]


@cache
def _joined(cls: type[Joined]) -> type:
    module, name = cls.ase_base
    base = getattr(ase_module(module), name)
    if issubclass(cls, base):
        return cls
    return type(cls.__name__, (cls, base), {"__module__": cls.__module__, "__doc__": cls.__doc__})
