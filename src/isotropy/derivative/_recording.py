"""What the leaf modules of a network take and give."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from torch import Tensor, nn


class Call(NamedTuple):
    """One call of a leaf module; a module called again is named ``name#2``."""

    name: str
    module: nn.Module
    given: Any  # a copy of its first input if that is a tensor and inputs are asked for, else None
    output: Any


@contextmanager
def recording(model: nn.Module, inputs: bool = False) -> Iterator[list[Call]]:
    """Note the calls of leaf modules, in order, while the context is open; hooks are removed after it."""
    seen: list[Call] = []

    def keep(name: str) -> Any:
        def hook(module: nn.Module, arguments: Any, output: Any) -> None:
            before = sum(call.module is module for call in seen)
            given = arguments[0] if inputs and arguments and isinstance(arguments[0], Tensor) else None
            copied = None if given is None else given.clone()  # a later layer may work in place
            seen.append(Call(f"{name}#{before + 1}" if before else name, module, copied, output))

        return hook

    leaves = [(name or type(m).__name__, m) for name, m in model.named_modules() if not list(m.children())]
    handles = [module.register_forward_hook(keep(name)) for name, module in leaves]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
