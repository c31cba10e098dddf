"""Blocks that are exact on a batch only: all matrices on a hidden layer, whatever its activation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import RepresentationMismatchError
from ..moves._batch_action import move_outgoing
from ..moves._blocks import Exactness
from ..moves._vectors import named
from ..trace._inference import Inference
from ..trace._layer_rules import argument
from ..trace._pointwise_rules import DROPOUTS, HOMOGENEOUS, ODD, PLAIN
from ..trace._trace import Node, Operation, Record, record
from ._shifts_and_scales import plain_maps, uses_of, weights_of

_ACROSS = {"softmax", "log_softmax", "softmin", "masked_fill", "tril", "triu", "glu_"}  # not entry by entry
_POINTWISE = {*HOMOGENEOUS.split(), *ODD.split(), *PLAIN.split()} - _ACROSS


@dataclass(frozen=True)
class Pointwise:
    """A function of single entries, as the network calls it."""

    name: str
    call: Callable[..., Tensor]
    others: tuple[Any, ...]
    options: dict[str, Any]

    def __call__(self, z: Tensor) -> Tensor:
        """Its values."""
        return self.call(z, *self.others, **self.options)


@dataclass(frozen=True)
class BatchBlock:
    """GL(h) between two linear layers with any activation: ``v -> g v``, ``u -> u + u (S - S') S'^+``.

    ``S`` `(h, samples)` are the hidden states of the batch and ``S'`` those after ``v`` has moved, see
    ``move_outgoing``. Outputs stay on the batch and change elsewhere.

    Attributes
    ----------
    weight, bias : str, str or None
        Parameters of the first layer, `(h, n)` and `(h,)`.
    following : str
        Weight of the second layer, `(m, h)`.
    size : int
        Hidden units ``h``.
    steps : tuple of Pointwise
        The activation.
    """

    weight: str
    bias: str | None
    following: str
    size: int
    steps: tuple[Pointwise, ...]
    kind: str = "batch"

    @property
    def label(self) -> str:
        """Which parameters move, and what stands between them."""
        return f"{self.weight}, {self.following} ({', '.join(step.name for step in self.steps)})"

    @property
    def name(self) -> str:
        """The group."""
        return f"GL({self.size})"

    @property
    def dim(self) -> int:
        """Number of generators."""
        return self.size**2

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that are moved."""
        return tuple(name for name in (self.weight, self.following, self.bias) if name is not None)

    @property
    def exactness(self) -> Exactness:
        """Exact while the moved hidden states of the batch are independent, so on at most ``h`` of them."""
        return Exactness(
            "exact-on-batch", "exact while the moved hidden states of the batch are independent", rank=self.size
        )

    def exp(self, xi: Tensor) -> Tensor:
        """Group element `(h, h)` with coordinates ``xi`` `(dim,)`."""
        if tuple(xi.shape) != (self.dim,):
            raise RepresentationMismatchError(
                f"xi: expected {self.dim} coordinates for {self.label}, received shape {tuple(xi.shape)}; "
                "pass one number per generator of the block"
            )
        return torch.linalg.matrix_exp(xi.reshape(self.size, self.size))

    def act(self, g: Tensor, model: nn.Module, batch: Any, *, strict: bool = True) -> dict[str, Tensor]:
        """The moved parameters, by name, with which ``model`` answers the same on the batch.

        Parameters
        ----------
        g : Tensor
            `(h, h)` invertible.
        model : Module
            At its present parameters; not changed.
        batch : Tensor or tuple
            Arguments of one call, with at most ``h`` hidden states.
        strict : bool
            Whether to refuse larger batches, rather than warn.

        Raises
        ------
        SymmetryError
            If the moved hidden states are dependent.
        """
        point = named(model)
        v, u, bias = point[self.weight], point[self.following], None if self.bias is None else point[self.bias]
        x = self._inputs(record(model, batch))
        new_v, new_u, new_bias = move_outgoing(g.to(v), v, u, x, self._activation, bias, strict=strict)
        moved = {self.weight: new_v, self.following: new_u}
        return moved if self.bias is None or new_bias is None else {**moved, self.bias: new_bias}

    def _inputs(self, seen: Record) -> Tensor:
        """What enters the first layer `(samples, n)`."""
        maps = (one for one in seen.operations if one.name == "linear")
        (own,) = (one for one in maps if argument(one, 1, "weight").name == self.weight)
        x = own.args[0].value.detach()
        return x.reshape(-1, x.shape[-1])

    def _activation(self, z: Tensor) -> Tensor:
        """The functions between the layers, one after the other."""
        value = z.clone()  # some change their argument
        for step in self.steps:
            value = step(value)
        return value


def batch_blocks(state: Inference) -> Iterator[BatchBlock]:
    """Pairs of linear layers with functions of single entries, and nothing else, in between."""
    uses, movable = uses_of(state.record), [one for one in plain_maps(state) if one.name == "linear"]
    for first in movable:
        steps = tuple(_chain(first.outputs[0], state.record, uses))
        end = steps[-1].outputs[0] if steps else first.outputs[0]
        alone = uses.get(end) == 1 and end not in state.record.outputs
        second = next((one for one in movable if alone and one.args[0] is end), None)
        weight, bias = weights_of(first)
        moving = [weight, bias, second and weights_of(second)[0]]
        if steps and second is not None and all(node is None or node.value.requires_grad for node in moving):
            light = tuple(Pointwise(one.name, one.call, one.args[1:], one.kwargs) for one in steps)
            yield BatchBlock(weight.name, bias and bias.name, weights_of(second)[0].name, len(weight.value), light)


def _chain(node: Node, seen: Record, uses: dict[Node, int]) -> Iterator[Operation]:
    """Functions of single entries that are applied to a node and to nothing else, one after the other."""
    allowed = _POINTWISE if seen.training else _POINTWISE | set(DROPOUTS.split())
    while uses.get(node) == 1 and node not in seen.outputs:
        step = next(one for one in seen.operations if node in one.inputs)
        if step.name not in allowed or len(step.inputs) > 1 or not step.args or step.args[0] is not node:
            return
        yield step
        node = step.outputs[0]
