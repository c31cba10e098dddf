"""Blocks that no gauge describes: shifts before a softmax, and scales that a normalisation absorbs but for its eps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...errors import RepresentationMismatchError
from ..moves._blocks import Block, Exactness, Place
from ..moves._groups import Positive
from ..moves._vectors import Parameters
from ..trace._inference import Inference
from ..trace._layer_rules import argument
from ..trace._trace import Node, Operation, Record

_MAPS = ("linear", "conv1d", "conv2d", "conv3d")


@dataclass(frozen=True)
class ShiftBlock:
    """The same vector added to every row of the last weight, before a softmax: ``W -> W + 1 c^T``, ``b -> b + s``.

    Attributes
    ----------
    label : str
        Which parameters move.
    weight : str
        Name of the weight `(classes, n)`.
    bias : str or None
        Name of the bias `(classes,)`.
    size : int
        Columns ``n`` of the weight.

    Raises
    ------
    RepresentationMismatchError
        If ``xi`` is not of the dimension of the block.
    """

    label: str
    weight: str
    bias: str | None
    size: int
    kind: str = "shift"
    exactness: Exactness = field(default_factory=lambda: Exactness(why="a softmax ignores what all inputs share"))

    @property
    def dim(self) -> int:
        """Number of generators."""
        return self.size + (self.bias is not None)

    @property
    def name(self) -> str:
        """The group, vectors under addition."""
        return f"R^{self.dim}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that are moved."""
        return (self.weight,) if self.bias is None else (self.weight, self.bias)

    def exp(self, xi: Tensor) -> Tensor:
        """The shift itself `(dim,)`."""
        if tuple(xi.shape) != (self.dim,):
            raise RepresentationMismatchError(
                f"xi: expected {self.dim} coordinates for {self.label}, received shape {tuple(xi.shape)}; "
                "pass one number per column, and one for the bias"
            )
        return xi

    def identity(self, like: Tensor) -> Tensor:
        """No shift."""
        return like.new_zeros(self.dim)

    def field(self, xi: Tensor, parameters: Parameters) -> dict[str, Tensor]:
        """Velocities of the moved parameters, the same at every point."""
        shift, weight = self.exp(xi), parameters[self.weight]
        found = {self.weight: shift[: self.size].to(weight).expand_as(weight).clone()}
        if self.bias is not None:
            found[self.bias] = shift[self.size].to(weight).expand_as(parameters[self.bias]).clone()
        return found

    def act(self, g: Tensor, parameters: Parameters) -> dict[str, Tensor]:
        """The moved parameters."""
        return {name: parameters[name] + step for name, step in self.field(g, parameters).items()}

    def moment(self, covectors: Parameters, parameters: Parameters) -> Tensor:
        """``<q, xi_k>`` `(dim,)` for every generator."""
        columns = covectors[self.weight].sum(0)
        return columns if self.bias is None else torch.cat([columns, covectors[self.bias].sum().reshape(1)])


def shift_blocks(state: Inference) -> Iterator[ShiftBlock]:
    """Shifts of the layers that end in the outputs, which are taken for inputs of a softmax."""
    for operation in plain_maps(state):
        if operation.name == "linear" and operation.outputs[0] in state.record.outputs:
            weight, bias = weights_of(operation)
            if weight.value.requires_grad and (bias is None or bias.value.requires_grad):
                label = weight.name if bias is None else f"{weight.name}, {bias.name}"
                yield ShiftBlock(label, weight.name, bias and bias.name, int(weight.value.shape[1]))


def normalised_blocks(state: Inference) -> Iterator[Block]:
    """Scales of layers whose results are normalised by statistics of the same data; exact for eps = 0."""
    makers = {operation.outputs[0]: operation for operation in plain_maps(state)}
    for norm, node in state.absorbed:
        users = [operation for operation in state.record.operations if node in operation.inputs]
        if node not in makers or len(users) != 1:
            continue
        weight, bias = weights_of(makers[node])
        per_channel = norm.name == "batch_norm"
        owned = [weight] if bias is None else [weight, bias]
        if not all(one.value.requires_grad for one in owned):
            continue
        copies = (0,) if per_channel else ()
        places = tuple(Place(one.name, None, tuple(one.value.shape), copies, (), 1.0) for one in owned)
        bound = _bound(node.value, norm, per_channel)
        why = "the normalisation that follows divides the scale out, but for its eps"
        count = int(weight.value.shape[0]) if per_channel else 1
        yield Block("normalised", weight.name, Positive(1), count, places, Exactness("approximate", why, bound=bound))


def _bound(values: Tensor, norm: Operation, per_channel: bool) -> float:
    """Largest relative change of a normalised value for scales within a factor e: ``(e^2 - 1) eps / (2 var)``."""
    eps = float(argument(norm, 7 if per_channel else 4, "eps", 1e-5))
    axes = [0, *range(2, values.ndim)] if per_channel else [-1]
    spread = values.double().var(axes, correction=0).min()
    return float(0.5 * (torch.e**2 - 1) * eps / spread.clamp_min(eps * 1e-6))


def plain_maps(state: Inference) -> Iterator[Operation]:
    """Linear maps and convolutions whose parameters serve nowhere else."""
    uses = uses_of(state.record)
    for operation in state.record.operations:
        if operation.name in _MAPS:
            owned = [node for node in weights_of(operation) if node is not None]
            if all(node.origin == "parameter" and uses[node] == 1 for node in owned):
                yield operation


def uses_of(seen: Record) -> dict[Node, int]:
    """How many operations take each node."""
    uses: dict[Node, int] = {}
    for node in (node for operation in seen.operations for node in operation.inputs):
        uses[node] = uses.get(node, 0) + 1
    return uses


def weights_of(operation: Operation) -> tuple[Node, Node | None]:
    """Weight and bias of a linear map."""
    return argument(operation, 1, "weight"), argument(operation, 2, "bias")
