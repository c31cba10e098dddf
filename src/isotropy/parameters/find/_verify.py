"""Trying moves on a copy of the network: what changes the outputs is no symmetry."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_map

from .. import bars
from ..moves._blocks import Block
from ..trace._inference import Skipped
from ._parameter_symmetry import ParameterSymmetry
from ._shifts_and_scales import ShiftBlock

_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


class Twin:
    """A copy of a model in double precision, where it can be, that is called with other parameters."""

    def __init__(self, model: nn.Module, example: Any, logits: bool, seed: int) -> None:
        self.logits = logits
        self.model, self.seed = copy.deepcopy(model).double(), seed
        for module in self.model.modules():
            if isinstance(module, _DROPOUTS):  # a symmetry of what dropout does on average
                module.eval()
        args = example if isinstance(example, tuple) else (example,)
        self.args = tree_map(_as_double, args)
        self.tolerance = bars.MOST_CHANGE  # models may hold parts in single precision
        try:
            self.reference = self({})
        except Exception:  # a model that insists on its own precision is checked in it
            self.model, self.args, self.tolerance = self.model.to(_dtype(model)), args, bars.MOST_CHANGE_SINGLE
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
        if self.logits:
            leaves = [leaf.softmax(-1) for leaf in leaves]
        return torch.cat([leaf.reshape(-1).to(torch.float64) for leaf in leaves])

    def change(self, tensors: dict[str, Tensor]) -> float:
        """Relative change of the outputs."""
        moved = self(tensors)
        size = float(self.reference.norm()) or 1.0
        return float((moved - self.reference).norm()) / size if bool(torch.isfinite(moved).all()) else float("inf")


def _dtype(model: nn.Module) -> torch.dtype:
    """Precision of the first parameter."""
    return next(model.parameters()).dtype


def _as_double(leaf: Any) -> Any:
    return leaf.double() if isinstance(leaf, Tensor) and leaf.dtype.is_floating_point else leaf


def verified(found: ParameterSymmetry, twin: Twin) -> ParameterSymmetry:
    """Drop blocks, permutations and signs that change the outputs of a copy by more than they promise."""
    generator, skipped = torch.Generator().manual_seed(twin.seed), list(found.skipped)

    def passes(tensors: dict[str, Tensor], label: str, allowed: float = 0.0) -> bool:
        """Whether the outputs stay; a failure is noted."""
        change = twin.change(tensors)
        most = max(twin.tolerance, allowed)
        if change > most:
            words = f"inferred, but a trial move changed the outputs by {change:.2g} (at most {most:.2g})"
            skipped.append(Skipped(label, words))
            return False
        return True

    def moved(block: Block | ShiftBlock) -> dict[str, Tensor]:
        """A random move of moderate size."""
        step = 0.3 * torch.randn(block.dim, generator=generator, dtype=torch.float64)
        damped = step if isinstance(block, ShiftBlock) else step / block.group.size**0.5
        return block.act(block.exp(damped), twin.parameters)

    blocks = [b for b in found.blocks if passes(moved(b), b.label, bars.SLACK * b.exactness.bound)]
    everything = {**twin.parameters, **dict(twin.model.named_buffers())}
    permutations = [
        one
        for one in found.permutations
        if passes(one.act(torch.randperm(one.size, generator=generator), everything), one.label)
    ]
    signs = [one for one in found.signs if passes(one.act(_alternating(one.size), twin.parameters), one.label)]
    return ParameterSymmetry(blocks, found.shapes, skipped, permutations, signs, found.on_batch)


def _alternating(size: int) -> Tensor:
    return 1 - 2 * (torch.arange(size) % 2)
