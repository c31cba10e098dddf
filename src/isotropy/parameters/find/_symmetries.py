"""Finding the symmetries of a network by following one call."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ...errors import DataError, SymmetryError
from ..trace import _shape_rules as _shape_rules  # registers its rules
from ..trace._attention_rules import settle_packed
from ..trace._inference import Inference, Skipped
from ..trace._pointwise_rules import RULES
from ..trace._regions import find_packed, find_rotations, settle_rotation
from ..trace._trace import Operation, record
from ._collect import Part, read_blocks, read_parts, read_permutations
from ._on_batch import batch_blocks
from ._parameter_symmetry import ParameterSymmetry
from ._shifts_and_scales import normalised_blocks, shift_blocks
from ._verify import Twin, verified


def symmetries(
    model: nn.Module,
    example: Any,
    *,
    logits: bool = False,
    approximate: bool = False,
    verify: bool = True,
    seed: int = 0,
) -> ParameterSymmetry:
    """Find how the parameters of a model may move while its function stays.

    The model is called once on the example and every operation is followed: each axis of each parameter starts as
    movable by any matrix, and each operation leaves what commutes with it. What remains is checked by moving the
    parameters of a copy. Moves that keep the function on a batch only are listed in ``on_batch``.

    Parameters
    ----------
    model : Module
        In training or evaluation mode, as it will be used; it is not changed.
    example : Tensor or tuple
        Arguments of one call; a few samples will do. Rotary embeddings need several positions.
    logits : bool
        Whether the outputs go into a softmax, which does not see what they share. The check then compares softmaxes.
    approximate : bool
        Whether to include scales that a layer or batch normalisation divides out but for its ``eps``.
    verify : bool
        Whether every block is tried on a copy in double precision; blocks that change the outputs are skipped.
    seed : int
        Of the moves that are tried.

    Raises
    ------
    SymmetryError
        If the model cannot be called on the example, or parameters share storage without being the same object.
    DataError
        If the model has no parameters, or NaN or infinity among them.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4), nn.Linear(4, 2))
    >>> found = symmetries(net, torch.ones(1, 3))
    >>> [(block.kind, block.dim) for block in found.blocks]
    [('scaling', 5), ('linear', 16)]
    """
    _require_plain(model)
    state = infer(model, example)
    parts = read_parts(state)
    blocks, signs = read_blocks(parts)
    extra = [*(shift_blocks(state) if logits else ()), *(normalised_blocks(state) if approximate else ())]
    shapes = {name: tuple(p.shape) for name, p in model.named_parameters()}
    permutations = read_permutations(state, parts)
    found = ParameterSymmetry([*blocks, *extra], shapes, state.skipped, permutations, signs, [*batch_blocks(state)])
    return verified(found, Twin(model, example, logits, seed)) if verify else found


def infer(model: nn.Module, example: Any) -> Inference:
    """Follow one call and demand that the outputs stay."""
    state = Inference(record(model, example))
    packed = {one.linear: one for one in find_packed(state.record)}
    cuts = {operation for one in packed.values() for operation in one.inside}
    rotations = {one.inside[-1]: one for one in find_rotations(state.record, set(cuts))}
    passed = cuts | {operation for one in rotations.values() for operation in one.inside}
    for operation in state.record.operations:
        if operation in packed:
            settle_packed(state, packed[operation])
        elif operation in rotations:
            settle_rotation(state, rotations[operation])
        elif operation not in passed:
            _settle(state, operation)
    for node in state.record.outputs:
        typed = state.type_of(node)
        state.require_one(typed.gauges())
        for index in typed.indices():
            index.permutes = False
    _hold_frozen(model, state)
    return state


def _settle(state: Inference, operation: Operation) -> None:
    """Apply the rule of one operation; without one nothing moves."""
    known = RULES.get(operation.name)
    if known is None:
        state.opaque(operation, f"no rule for {operation.name}, so nothing that enters it moves")
    else:
        known(state, operation)


def _hold_frozen(model: nn.Module, state: Inference) -> None:
    """What does not require gradients does not move; what was not used is named."""
    parts = read_parts(state)
    for name, parameter in model.named_parameters():
        own = [part for part in parts if part.name == name]
        if not own:
            state.skipped.append(Skipped(name, "not used in the call on the example"))
        elif not parameter.requires_grad:
            _hold(own, state, name)
        elif any(part.rows is None for part in own) and len(own) > 1:
            for part in own:
                state.freeze(part.typed)
            state.skipped.append(Skipped(name, "used both whole and in parts"))


def _hold(parts: list[Part], state: Inference, name: str) -> None:
    """Freeze a parameter, and say so if it could have moved."""
    if any(part.typed.gauges() for part in parts):
        state.skipped.append(Skipped(name, "frozen (requires_grad is False), so what moves with it stays"))
    for part in parts:
        state.freeze(part.typed)


def _require_plain(model: nn.Module) -> None:
    """Refuse lazily made parameters, parameters that are not numbers, and different parameters in one storage."""
    owners: dict[int, str] = {}
    for name, parameter in model.named_parameters():
        if isinstance(parameter, nn.parameter.UninitializedParameter):
            raise SymmetryError(f"model: expected made parameters, received lazy {name!r}; call the model once before")
        if not parameter.is_meta and not bool(torch.isfinite(parameter).all()):
            raise DataError(f"model: expected finite parameters, received NaN or infinity in {name!r}; train it again")
        place = parameter.untyped_storage().data_ptr()
        if parameter.numel() and place and place in owners:
            raise SymmetryError(
                f"model: expected parameters with storage of their own, received {owners[place]!r} and {name!r} in "
                "one; tie them by assigning the same Parameter object"
            )
        owners[place] = name
    if not owners:
        raise DataError("model: expected a module with parameters, received none; pass a network")
