"""Finding the symmetries of a network by following one call."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_map

from ..errors import DataError, SymmetryError
from . import _layer_rules as _layer_rules  # registers its rules
from ._blocks import Block
from ._collect import Part, read_blocks, read_parts, read_permutations
from ._inference import Inference, Skipped
from ._rules import RULES
from ._symmetry import ParameterSymmetry
from ._trace import record


def symmetries(model: nn.Module, example: Any, *, verify: bool = True, seed: int = 0) -> ParameterSymmetry:
    """Find how the parameters of a model may move while its function stays.

    The model is called once on the example and every operation is followed: each axis of each parameter starts as
    movable by any matrix, and each operation leaves what commutes with it. What remains is checked by moving the
    parameters of a copy.

    Parameters
    ----------
    model : Module
        In training or evaluation mode, as it will be used; it is not changed.
    example : Tensor or tuple
        Arguments of one call. Rotary embeddings need several positions.
    verify : bool
        Whether every block is tried on a copy in double precision; blocks that change the outputs are skipped.
    seed : int
        Of the moves that are tried.

    Raises
    ------
    SymmetryError
        If the model cannot be called on the example, or parameters share storage without being the same object.

    Examples
    --------
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
    shapes = {name: tuple(p.shape) for name, p in model.named_parameters()}
    permutations = read_permutations(state, parts)
    found = ParameterSymmetry(blocks, shapes, state.skipped, permutations, signs)
    return _verified(found, model, example, seed) if verify else found


def infer(model: nn.Module, example: Any) -> Inference:
    """Follow one call and demand that the outputs stay."""
    state = Inference(record(model, example))
    for operation in state.record.operations:
        if any(node in state.types for node in operation.outputs):
            continue
        known = RULES.get(operation.name)
        if known is None:
            state.opaque(operation, f"no rule for {operation.name}, so nothing that enters it moves")
        else:
            known(state, operation)
    for node in state.record.outputs:
        typed = state.type_of(node)
        state.require_one(typed.gauges())
        for index in typed.indices():
            index.permutes = False
    _hold_frozen(model, state)
    return state


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
    """Refuse lazily made parameters and different parameters in one storage."""
    owners: dict[int, str] = {}
    for name, parameter in model.named_parameters():
        if isinstance(parameter, nn.parameter.UninitializedParameter):
            raise SymmetryError(f"model: expected made parameters, received lazy {name!r}; call the model once before")
        place = parameter.untyped_storage().data_ptr()
        if parameter.numel() and place and place in owners:
            raise SymmetryError(
                f"model: expected parameters with storage of their own, received {owners[place]!r} and {name!r} in "
                "one; tie them by assigning the same Parameter object"
            )
        owners[place] = name
    if not owners:
        raise DataError("model: expected a module with parameters, received none; pass a network")


# -- verification --------------------------------------------------------------------------------------------------


class _Twin:
    """A copy of a model in double precision, where it can be, that is called with other parameters."""

    def __init__(self, model: nn.Module, example: Any, seed: int) -> None:
        self.model, self.seed = copy.deepcopy(model).double(), seed
        args = example if isinstance(example, tuple) else (example,)
        self.args = tree_map(_as_double, args)
        self.tolerance = 1e-8
        try:
            self.reference = self({})
        except Exception:  # a model that insists on its own precision is checked in it
            self.model, self.args, self.tolerance = copy.deepcopy(model), args, 1e-3
            self.reference = self({})

    @property
    def parameters(self) -> dict[str, Tensor]:
        """Parameters by name."""
        return {name: p.detach() for name, p in self.model.named_parameters()}

    def __call__(self, tensors: dict[str, Tensor]) -> Tensor:
        """All outputs, flat, with some tensors replaced."""
        buffers = {name: b.clone() for name, b in self.model.named_buffers()}
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(self.seed)
            result = torch.func.functional_call(self.model, {**buffers, **tensors}, self.args)
        leaves = [leaf for leaf in tree_flatten(result)[0] if isinstance(leaf, Tensor)]
        return torch.cat([leaf.reshape(-1).to(torch.float64) for leaf in leaves])

    def change(self, tensors: dict[str, Tensor]) -> float:
        """Relative change of the outputs."""
        moved = self(tensors)
        size = float(self.reference.norm()) or 1.0
        return float((moved - self.reference).norm()) / size if bool(torch.isfinite(moved).all()) else float("inf")


def _as_double(leaf: Any) -> Any:
    return leaf.double() if isinstance(leaf, Tensor) and leaf.dtype.is_floating_point else leaf


def _verified(found: ParameterSymmetry, model: nn.Module, example: Any, seed: int) -> ParameterSymmetry:
    """Drop blocks, permutations and signs that change the outputs of a copy."""
    twin = _Twin(model, example, seed)
    generator = torch.Generator().manual_seed(seed)
    skipped = list(found.skipped)

    def moved(block: Block) -> dict[str, Tensor]:
        step = torch.randn(block.dim, generator=generator, dtype=torch.float64)
        return block.act(block.exp(0.1 * step / max(block.group.size, 1) ** 0.5), twin.parameters)

    blocks = [block for block in found.blocks if _passes(twin, moved(block), block.label, skipped)]
    everything = {**twin.parameters, **dict(twin.model.named_buffers())}
    permutations = [
        one
        for one in found.permutations
        if _passes(twin, one.act(torch.randperm(one.size, generator=generator), everything), one.label, skipped)
    ]
    signs = [
        one
        for one in found.signs
        if _passes(twin, one.act(1 - 2 * (torch.arange(one.size) % 2), twin.parameters), one.label, skipped)
    ]
    return ParameterSymmetry(blocks, found.shapes, skipped, permutations, signs)


def _passes(twin: _Twin, tensors: dict[str, Tensor], label: str, skipped: list[Skipped]) -> bool:
    """Whether the outputs stay; a failure is noted."""
    change = twin.change(tensors)
    if change <= twin.tolerance:
        return True
    skipped.append(Skipped(label, f"inferred, but a trial move changed the outputs by {change:.2g}"))
    return False
