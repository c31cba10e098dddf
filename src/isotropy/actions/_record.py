"""Any kind of action as plain data, and the same thing back.

``words`` hold ``{"action": {"kind": ..., its parts}, "algebras": [...]}``; algebras are named by their place in the
list, so that actions that share one still do. Weights of networks are kept apart, as tensors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, nn

from ..action._action import Action, Algebra
from ..action._recorded import KINDS, Recorded, name_of
from ..algebra._lie_algebra import LieAlgebra
from ..algebra._plain import read_plain, write_plain
from ..core._charts import Charts, read_charts, write_charts
from ..core._networks import read_network, write_network
from ..core._parts import Parts, plain_tensor
from ..errors import DataError, NotRecordableError, SymmetryError

_MOST_NUMBERS = 2**31  # in one point: copies of copies soon make a point that no machine holds


@dataclass(frozen=True)
class Record:
    """An action as data.

    Attributes
    ----------
    words : dict
        What JSON can hold: the kind and its numbers, all digits of every float64.
    tensors : dict of Tensor
        Weights of networks by name, for safetensors; empty for most kinds.
    """

    words: dict[str, Any]
    tensors: dict[str, Tensor]


def record_action(action: Action) -> Record:
    """Write an action as plain data.

    The record is read back once: what cannot be read is no record.

    Raises
    ------
    NotRecordableError
        If a part is of a kind that files do not know, or a Python function.
    DataError
        If a part is too large for a file, or holds numbers that are not finite.
    """
    writer = _Writer()
    words = {"action": writer.plain(action, "action"), "algebras": writer.algebras}
    record = Record(words, writer.tensors)
    read_action(record.words, record.tensors)
    return record


def read_action(words: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None) -> Action:
    """The action that ``record_action`` wrote.

    Nothing is executed or imported by a name in it, and sizes are checked before anything is built from them.

    Raises
    ------
    DataError
        If a part is missing, unknown, of another type, too large or does not fit.
    """
    reader = _Reader(tensors or {})
    parts = Parts(words, "record", reader.make)
    reader.algebras = parts.inners("algebras")
    action = parts.one("action", Action)  # pyright: ignore[reportAbstractUsage]
    parts.done()
    return action


class _Writer:
    """Parts as plain data, algebras and tensors collected."""

    def __init__(self) -> None:
        self.algebras: list[dict[str, Any]] = []
        self.tensors: dict[str, Tensor] = {}
        self._places: dict[int, int] = {}  # of algebras that have been written, by identity
        self._networks: dict[int, dict[str, Any]] = {}

    def plain(self, value: object, where: str) -> Any:
        """One part."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, Tensor):
            return plain_tensor(value)
        if isinstance(value, list | tuple):
            items = cast("list[object]", value)
            return [self.plain(item, f"{where}[{i}]") for i, item in enumerate(items)]
        if isinstance(value, dict):
            return {key: self.plain(item, f"{where}.{key}") for key, item in cast("dict[str, object]", value).items()}
        if isinstance(value, Action):
            return self._action(value, where)
        return self._network(value, where) if callable(value) else self._algebra(value)

    def _action(self, action: Action, where: str) -> dict[str, Any]:
        name = name_of(type(action))
        if name is None:
            raise NotRecordableError(
                f"{where}: expected one of {', '.join(sorted(KINDS))}, received {type(action).__name__}; give the "
                "class built_from, rebuild and @recorded as in actions/_template.py, or save its algebra"
            )
        made_of = cast(Recorded, action).built_from()
        return {"kind": name, **{key: self.plain(part, f"{where}.{key}") for key, part in made_of.items()}}

    def _algebra(self, algebra: object) -> int:
        """Place in the list; one algebra is written once."""
        if id(algebra) not in self._places:
            self.algebras.append(write_plain(algebra))
            self._places[id(algebra)] = len(self.algebras) - 1
        return self._places[id(algebra)]

    def _network(self, network: object, where: str) -> dict[str, Any]:
        """The layers, and the prefix of the names of their weights; one network is written once."""
        if id(network) not in self._networks:
            prefix = f"network{len(self._networks)}"
            try:
                charts = isinstance(network, Charts)
                layers, tensors = write_charts(network, prefix) if charts else write_network(network, prefix)
            except NotRecordableError as error:
                raise NotRecordableError(f"{where}: {str(error).removeprefix('network: ')}") from error
            self.tensors.update(tensors)
            self._networks[id(network)] = {"weights": prefix, "layers": layers}
        return self._networks[id(network)]


class _Reader:
    """Things from plain data, by the kind that is asked for."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = tensors
        self.algebras: list[Parts] = []
        self._made: dict[int, LieAlgebra] = {}

    def make(self, kind: type[Any], value: object, where: str, depth: int) -> object:
        """An algebra, a network or an action."""
        try:
            if kind in (Algebra, LieAlgebra):
                return self._algebra(value, where)
            parts = Parts(value, where, self.make, depth)
            return self._network(kind, parts) if issubclass(kind, nn.Module) else self._action(parts)
        except DataError:
            raise
        except SymmetryError as error:  # what a constructor refuses
            raise DataError(f"{where}: expected parts that fit, received others: {error}") from error

    def _algebra(self, value: object, where: str) -> LieAlgebra:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < len(self.algebras):
            raise DataError(
                f"{where}: expected the place of one of {len(self.algebras)} algebras, received {value!r:.60}; "
                "write the file again"
            )
        if value not in self._made:
            self._made[value] = read_plain(self.algebras[value])
        return self._made[value]

    def _network(self, kind: type[Any], parts: Parts) -> nn.Module:
        prefix, layers = parts.text("weights"), parts.inner("layers")
        parts.done()
        return (read_charts if kind is Charts else read_network)(layers, self.tensors, prefix)

    def _action(self, parts: Parts) -> Action:
        name = parts.text("kind")
        if name not in KINDS:
            raise DataError(
                f"{parts.where}.kind: expected one of {', '.join(sorted(KINDS))}, received {name!r:.60}; update the "
                "library, or import the module that brings this kind"
            )
        action: Action = KINDS[name].rebuild(parts)
        parts.done()
        if math.prod(action.event) > _MOST_NUMBERS:
            raise DataError(
                f"{parts.where}: expected points of at most {_MOST_NUMBERS} numbers, received more; use fewer copies"
            )
        return action
