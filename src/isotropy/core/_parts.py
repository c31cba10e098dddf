"""Plain data read back part by part: what a file says is believed only as far as it fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from ..errors import DataError

MOST_NESTED = 16  # things inside things; real ones stay below five
MOST_SIZE = 2**20  # of one axis; what is built from sizes alone has tighter bounds of its own

T = TypeVar("T")
S = TypeVar("S", bound=str)
Make = Callable[[type[Any], object, str, int], object]


class Parts:
    """The parts of one thing that was written as plain data, each checked when it is asked for.

    Every method names a key and says what is expected there. Nothing is built from a size before the size is found
    to be sane, so a hostile file costs no memory.

    Parameters
    ----------
    words : Mapping
        What JSON gives back.
    where : str
        How messages name it.
    make : callable, optional
        Builds what ``one`` and ``many`` are asked for, from the kind, the plain value, its place and its depth.
    depth : int
        How deep it lies in other things.

    Raises
    ------
    DataError
        If it is no mapping, or lies too deep.
    """

    def __init__(self, words: object, where: str, make: Make | None = None, depth: int = 0) -> None:
        if depth > MOST_NESTED:
            raise DataError(f"{where}: expected at most {MOST_NESTED} things inside one another, received more; unnest")
        if not isinstance(words, Mapping):
            raise DataError(f"{where}: expected named parts, received {_shown(words)}; write the file again")
        self._words = cast(Mapping[str, object], words)
        self.where = where
        self._make = make
        self.depth = depth
        self._asked: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether a part that may be missing is there."""
        self._asked.add(name)
        return self._words.get(name) is not None

    def whole(self, name: str, least: int = 0, most: int = MOST_SIZE) -> int:
        """A whole number within bounds."""
        return self._whole(self._value(name), name, least, most)

    def wholes(self, name: str, least: int = 0, most: int = MOST_SIZE) -> tuple[int, ...]:
        """Whole numbers within bounds."""
        return tuple(self._whole(value, name, least, most) for value in self._list(name))

    def number(self, name: str) -> float:
        """A finite number."""
        return self._number(self._value(name), name)

    def text(self, name: str) -> str:
        """A text."""
        value = self._value(name)
        if not isinstance(value, str):
            raise self._unexpected(name, "a text", value)
        return value

    def choice(self, name: str, among: Sequence[S]) -> S:
        """A text out of those that are allowed."""
        value = self._value(name)
        for allowed in among:
            if allowed == value:
                return allowed
        raise self._unexpected(name, f"one of {', '.join(among)}", value)

    def texts(self, name: str) -> list[str]:
        """Several texts."""
        values = self._list(name)
        if not all(isinstance(value, str) for value in values):
            raise self._unexpected(name, "texts", values)
        return [str(value) for value in values]

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._value(name)
        if not isinstance(value, bool):
            raise self._unexpected(name, "true or false", value)
        return value

    def tensor(self, name: str, *shape: int | None) -> Tensor:
        """A float64 tensor of a shape, where None stands for any size."""
        inner = self.inner(name)
        axes = inner.wholes("shape")
        if len(axes) != len(shape) or any(n is not None and n != m for n, m in zip(shape, axes, strict=True)):
            wanted = tuple("any" if n is None else n for n in shape)
            raise DataError(f"{inner.where}: expected shape {wanted}, received {axes}; write the file again")
        flat: list[float] = []
        inner._flatten(inner._list("values"), axes, flat)
        inner.done()
        return torch.tensor(flat, dtype=torch.float64).reshape(axes)

    def inner(self, name: str) -> Parts:
        """The parts of a part."""
        return Parts(self._value(name), f"{self.where}.{name}", self._make, self.depth + 1)

    def inners(self, name: str) -> list[Parts]:
        """The parts of each of several."""
        return [
            Parts(value, f"{self.where}.{name}[{i}]", self._make, self.depth + 1)
            for i, value in enumerate(self._list(name))
        ]

    def one(self, name: str, kind: type[T]) -> T:
        """A thing of a kind, such as an action inside an action."""
        return self._made(self._value(name), f"{self.where}.{name}", kind)

    def many(self, name: str, kind: type[T]) -> list[T]:
        """One thing of a kind or more."""
        values = self._list(name)
        if not values:
            raise self._unexpected(name, f"at least one {kind.__name__}", values)
        return [self._made(value, f"{self.where}.{name}[{i}]", kind) for i, value in enumerate(values)]

    def done(self) -> None:
        """Refuse parts that nobody asked for: they would be lost.

        Raises
        ------
        DataError
            If there is one.
        """
        left = [str(name) for name in self._words if name not in self._asked]
        if left:
            raise DataError(
                f"{self.where}: expected {', '.join(sorted(self._asked)) or 'nothing'}, received also "
                f"{', '.join(left)[:80]}; update the library or write the file again"
            )

    def _value(self, name: str) -> object:
        self._asked.add(name)
        if name not in self._words:
            raise DataError(f"{self.where}: expected {name!r}, received none; write the file again")
        return self._words[name]

    def _list(self, name: str) -> list[object]:
        value = self._value(name)
        if not isinstance(value, list | tuple):
            raise self._unexpected(name, "a list", value)
        return list(cast(Sequence[object], value))

    def _made(self, value: object, where: str, kind: type[T]) -> T:
        made = None if self._make is None else self._make(kind, value, where, self.depth + 1)
        if not isinstance(made, kind):
            raise DataError(
                f"{where}: expected a {kind.__name__}, received a {type(made).__name__}; write the file again"
            )
        return made

    def _whole(self, value: object, name: str, least: int, most: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self._unexpected(name, f"a whole number from {least} to {most}", value)
        return value

    def _number(self, value: object, name: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._unexpected(name, "a number", value)
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self._unexpected(name, "a finite number", value)
        return number

    def _flatten(self, values: object, axes: tuple[int, ...], flat: list[float]) -> None:
        """Append the numbers of nested lists, which must have the lengths that were announced."""
        if not axes:
            raise self._unexpected("values", "at least one axis", axes)
        if not isinstance(values, list | tuple) or len(cast(Sequence[object], values)) != axes[0]:
            raise self._unexpected("values", f"a list of {axes[0]}", values)
        for value in cast(Sequence[object], values):
            if len(axes) == 1:
                flat.append(self._number(value, "values"))
            else:
                self._flatten(value, axes[1:], flat)

    def _unexpected(self, name: str, expected: str, value: object) -> DataError:
        return DataError(f"{self.where}.{name}: expected {expected}, received {_shown(value)}; write the file again")


def plain_tensor(tensor: Tensor) -> dict[str, Any]:
    """A tensor as plain data that ``Parts.tensor`` reads; every float64 keeps all of its digits in JSON."""
    return {"shape": list(tensor.shape), "values": tensor.detach().to("cpu", torch.float64).tolist()}


def _shown(value: object) -> str:
    """A short form of anything, without writing out what is long."""
    if isinstance(value, list | tuple):
        return f"a list of {len(cast(Sequence[object], value))}"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**18:
        return "a huge number"  # Python refuses to write out thousands of digits
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)[:60]
    return f"a {type(value).__name__}"
