"""Being one array of samples: into which modules it is handed while something runs, and by which."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

import isotropy

HOUSE = Path(isotropy.__file__).parent
INNER = ("<module>", "<genexpr>", "<listcomp>", "<dictcomp>", "<lambda>")


def walk(x: Tensor, run: Callable[[], Any]) -> dict[str, list[str]]:
    """Modules that are handed rows of `x` `(S, n)`, in order, each with the modules that hand them over.

    A module is entered when another one calls it with rows of `x` in its arguments, or in the fields of one of them.
    The same door counts once, however often a loop passes it.
    """
    rows = {tuple(row) for row in x.tolist()}
    doors: dict[str, list[str]] = defaultdict(list)

    def look(frame: FrameType, event: str, _: Any) -> None:
        module = _module(frame)
        if event != "call" or module is None or not _holds(frame, rows):
            return
        caller = _caller(frame)
        if caller != module and caller not in doors[module]:
            doors[module].append(caller)

    sys.setprofile(look)
    try:
        run()
    finally:
        sys.setprofile(None)
    return {module: found for module, found in doors.items() if found}


def _caller(frame: FrameType) -> str:
    """The nearest module of the library below a frame; empty for the test itself."""
    outer = frame.f_back
    while outer is not None:
        if (module := _module(outer)) is not None:
            return module
        outer = outer.f_back
    return ""


def _module(frame: FrameType) -> str | None:
    return _module_of(frame.f_code.co_filename) if frame.f_code.co_name not in INNER else None


@cache
def _module_of(file: str) -> str | None:
    path = Path(file)
    return ".".join(path.relative_to(HOUSE).with_suffix("").parts) if path.is_relative_to(HOUSE) else None


def _holds(frame: FrameType, rows: set[tuple[float, ...]]) -> bool:
    """Whether rows of the samples are among the arguments of a call."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    values = (frame.f_locals.get(name) for name in code.co_varnames[:count] if name != "self")
    return any(_is_part(tensor, rows) for value in values for tensor in _tensors(value))


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif hasattr(value, "__dataclass_fields__"):
        yield from (inner for inner in vars(value).values() if isinstance(inner, Tensor))


def _is_part(tensor: Tensor, rows: set[tuple[float, ...]]) -> bool:
    """Whether the first and the last row of a tensor are rows of the samples."""
    if torch._C._functorch.is_functorch_wrapped_tensor(tensor) or tensor.ndim != 2 or not len(tensor):
        return False
    return all(tuple(tensor[end].detach().tolist()) in rows for end in (0, -1))
