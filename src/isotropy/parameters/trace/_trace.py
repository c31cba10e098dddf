"""Recording what a network does to its example: a list of operations on numbered tensors."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map

from ...errors import SymmetryError

# Python's operators under the names of the functions they mean.
_SYNONYMS = {
    "__radd__": "add", "__add__": "add", "__iadd__": "add", "__mul__": "mul", "__rmul__": "mul", "__imul__": "mul",
    "__sub__": "sub", "__rsub__": "rsub", "__isub__": "sub", "__truediv__": "div", "__rdiv__": "rdiv",
    "__rtruediv__": "rdiv", "true_divide": "div", "divide": "div", "multiply": "mul", "subtract": "sub",
    "__itruediv__": "div", "__pow__": "pow", "__ipow__": "pow", "__rpow__": "rpow", "__neg__": "neg",
    "negative": "neg", "__matmul__": "matmul", "__rmatmul__": "rmatmul", "__getitem__": "getitem",
    "absolute": "abs", "__abs__": "abs", "concat": "cat", "concatenate": "cat", "linalg_norm": "norm",
}  # fmt: skip


@dataclass(eq=False)
class Node:
    """One tensor of the record.

    ``origin`` is ``"input"``, ``"parameter"``, ``"buffer"``, ``"constant"`` or ``"operation"``.
    """

    value: Tensor
    origin: str
    name: str = ""


@dataclass(eq=False)
class Operation:
    """One call: its name, its arguments with nodes for tensors, what came out, and the module it happened in."""

    name: str
    call: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any
    module: str

    @property
    def inputs(self) -> list[Node]:
        """Nodes among the arguments."""
        return nodes_in((self.args, self.kwargs))

    @property
    def outputs(self) -> list[Node]:
        """Nodes that came out."""
        return nodes_in(self.output)


@dataclass
class Record:
    """Everything that happened between the inputs and the outputs of one call."""

    operations: list[Operation]
    outputs: list[Node]
    parameters: dict[str, Node]
    training: bool
    buffers: dict[str, Node] = field(default_factory=dict)


def nodes_in(tree: Any) -> list[Node]:
    """Nodes anywhere in nested lists and dictionaries."""
    return [leaf for leaf in tree_flatten(tree)[0] if isinstance(leaf, Node)]


def record(model: nn.Module, example: Any) -> Record:
    """Call a copy of ``model`` on ``example`` (a tensor, or a tuple of arguments) and write down what it does.

    Raises
    ------
    SymmetryError
        If the model cannot be called on the example.
    """
    twin = copy.deepcopy(model)
    args = example if isinstance(example, tuple) else (example,)
    recorder = _Recorder(twin, args)
    try:
        with torch.no_grad(), torch.random.fork_rng(), _following(twin, recorder), recorder:
            result = twin(*args)
    except Exception as error:
        raise SymmetryError(
            f"example: expected arguments the model can be called on, received {type(error).__name__}: {error}; "
            "pass one batch, or a tuple of arguments"
        ) from error
    outputs = [recorder.node_of(leaf) for leaf in tree_flatten(result)[0] if isinstance(leaf, Tensor)]
    return Record(recorder.operations, outputs, recorder.parameters, model.training, recorder.buffers)


class _Recorder(TorchFunctionMode):
    """Sees every torch function that is called, and gives every tensor a node."""

    def __init__(self, model: nn.Module, args: tuple[Any, ...]) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.modules: list[str] = []
        self.parameters = {name: Node(p, "parameter", name) for name, p in model.named_parameters()}
        self.buffers = {name: Node(b, "buffer", name) for name, b in model.named_buffers()}
        inputs = [Node(leaf, "input") for leaf in tree_flatten(args)[0] if isinstance(leaf, Tensor)]
        known = [*self.parameters.values(), *self.buffers.values(), *inputs]
        self._nodes = {id(node.value): node for node in known}

    def node_of(self, tensor: Tensor) -> Node:
        """The latest node of a tensor; what was made unseen is a constant."""
        return self._nodes.setdefault(id(tensor), Node(tensor, "constant"))

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the call and write it down if tensors go in and come out."""
        given = kwargs or {}
        inside = self._as_nodes((args, given))
        result = func(*args, **given)
        if nodes_in(inside) and any(isinstance(leaf, Tensor) for leaf in tree_flatten(result)[0]):
            output = tree_map(self._new_node, result)
            module, name = self.modules[-1] if self.modules else "", _name(func)
            self.operations.append(Operation(name, func, _ordered(func, name, inside[0]), inside[1], output, module))
        return result

    def _as_nodes(self, tree: Any) -> Any:
        return tree_map(lambda leaf: self.node_of(leaf) if isinstance(leaf, Tensor) else leaf, tree)

    def _new_node(self, leaf: Any) -> Any:
        """A node for what came out, also where it was changed in place."""
        if not isinstance(leaf, Tensor):
            return leaf
        node = Node(leaf, "operation")
        self._nodes[id(leaf)] = node
        return node


@contextmanager
def _following(model: nn.Module, recorder: _Recorder) -> Iterator[None]:
    """Keep the name of the module that is running."""
    handles = []
    for name, module in model.named_modules():
        label = f"{name} ({type(module).__name__})" if name else type(module).__name__
        handles.append(module.register_forward_pre_hook(lambda *_, label=label: recorder.modules.append(label)))
        handles.append(module.register_forward_hook(lambda *_: _drop(recorder.modules)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _drop(names: list[str]) -> None:
    names.pop()


def _ordered(func: Callable[..., Any], name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments in the order of ``torch.nn.functional``, also of the operators of exported programs."""
    if name == "batch_norm" and isinstance(func, torch._ops.OpOverload) and len(args) > 5:
        x, weight, bias, mean, variance, *rest = args
        return (x, mean, variance, weight, bias, *rest)
    return args


def _name(func: Callable[..., Any]) -> str:
    """A function's plain name: operators by what they mean, in-place forms without the underscore."""
    name = getattr(getattr(func, "overloadpacket", func), "__name__", "")
    if name == "__get__":
        name = getattr(getattr(func, "__self__", None), "__name__", "")
    name = _SYNONYMS.get(name, name)
    return name if name.startswith("__") else name.rstrip("_")
