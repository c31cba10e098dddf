"""What becomes of an optimizer's state when the parameters move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn

from ...errors import SymmetryError
from ..find._shifts_and_scales import ShiftBlock
from ..moves._blocks import Block

StateMode = Literal["transport", "reset", "keep"]
Moves = Sequence[tuple[Block | ShiftBlock, Tensor]]

_COVECTORS = {"momentum_buffer", "exp_avg"}
_SQUARES = {"exp_avg_sq", "max_exp_avg_sq", "square_avg", "sum"}


def carry_state(
    optimizer: torch.optim.Optimizer, parameters: dict[str, nn.Parameter], moves: Moves, mode: StateMode
) -> None:
    """Make the state fit moved parameters, in place.

    Gradients move by the inverse transpose of what moves the parameters. ``"transport"`` moves averages of gradients
    so, and averages of squares by its square where it is diagonal; a parameter whose squares are mixed, or whose
    state is of an unknown kind, starts anew. ``"reset"`` forgets the state of what moved, ``"keep"`` leaves it.

    Raises
    ------
    SymmetryError
        If the mode is none of the three.
    """
    if mode not in ("transport", "reset", "keep"):
        raise SymmetryError(f"state: expected 'transport', 'reset' or 'keep', received {mode!r}; choose one")
    moved = {name for block, _ in moves for name in block.parameters}
    if mode == "keep":
        return
    if mode == "reset":
        for name in moved:
            optimizer.state.pop(parameters[name], None)
        return
    for name in _not_carried(optimizer, parameters, moves):
        optimizer.state.pop(parameters[name], None)
    for block, g in moves:
        if isinstance(block, Block):
            _carry(optimizer, parameters, block, g, _COVECTORS, -1.0)
            if block.kind == "scaling":
                _carry(optimizer, parameters, block, g, _SQUARES, -2.0)


def _not_carried(optimizer: torch.optim.Optimizer, parameters: dict[str, nn.Parameter], moves: Moves) -> set[str]:
    """Parameters whose state cannot be moved exactly."""
    found: set[str] = set()
    for block, _ in moves:
        for name in block.parameters if isinstance(block, Block) else ():
            kept = optimizer.state.get(parameters[name], {})
            arrays = {key for key, value in kept.items() if isinstance(value, Tensor) and value.ndim}
            carried = _COVECTORS | (_SQUARES if block.kind == "scaling" else set())
            if arrays - carried:
                found.add(name)
    return found


def _carry(
    optimizer: torch.optim.Optimizer,
    parameters: dict[str, nn.Parameter],
    block: Block,
    g: Tensor,
    keys: set[str],
    power: float,
) -> None:
    """Move the entries of some keys by a power of the block."""
    dual = replace(block, places=tuple(replace(place, power=power * place.power) for place in block.places))
    for key in keys:
        held = {name: optimizer.state.get(parameters[name], {}).get(key) for name in block.parameters}
        known = {name: value for name, value in held.items() if isinstance(value, Tensor)}
        kept = tuple(place for place in dual.places if place.name in known)
        for name, value in replace(dual, places=kept).act(g, known).items():
            optimizer.state[parameters[name]][key].copy_(value)
