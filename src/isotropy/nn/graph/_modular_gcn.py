"""Graph networks of several propagation rules whose layers are all seen by the readout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...core._adjacency import as_graph, join
from ...core._propagation import Rule, edge_values, require_rules
from ...errors import DataError

_WIRINGS = ("per_rule", "full")
_SKIPS = ("concat", "sum", "none")
_READOUTS = ("probability", "moments")
RULES: tuple[Rule, ...] = ("adjacency", "random_walk", "symmetric")


class ModularBlock(nn.Module):
    """``h' = mix(act(W_r (P_r h) + b_r))`` over propagation rules r: one module of a modular graph network.

    Parameters
    ----------
    channels : int
        Of the input, at every node.
    rules : sequence of str or callable
        ``"adjacency"`` A, ``"random_walk"`` D^-1 A, ``"symmetric"`` D^-1/2 A D^-1/2, ``"triangles"`` A * A^2 entry by
        entry, or a callable of edges `(2, edges)`, weights `(edges,)` and the number of nodes that returns weights.
    units : int
        Channels of each rule before they are mixed to one output for each rule.
    wiring : "full" or "per_rule"
        Whether every rule receives all channels or only its own; the latter needs as many channels as rules.
    activation : callable, optional
        Applied entry by entry after each rule and after the mixing; none makes the module linear.

    Raises
    ------
    DataError
        If a rule or the wiring is not known, or channels do not fit the wiring.

    Examples
    --------
    >>> block = ModularBlock(1, units=2)
    >>> block(torch.ones(3, 1), torch.tensor([[0, 1], [1, 0]])).shape
    torch.Size([3, 3])
    """

    def __init__(
        self,
        channels: int,
        rules: Sequence[Rule] = RULES,
        units: int = 1,
        *,
        wiring: str = "full",
        activation: Any = None,
    ) -> None:
        super().__init__()
        self.rules = require_rules(rules)
        if wiring not in _WIRINGS or (wiring == "per_rule" and channels != len(self.rules)):
            raise DataError(
                f"wiring: expected one of {_WIRINGS}, with one channel for each of {len(self.rules)} rules for "
                f'"per_rule", received {wiring!r} and {channels} channels; use "full"'
            )
        self.wiring, self.activation = wiring, activation
        inputs = 1 if wiring == "per_rule" else channels
        self.weight = nn.Parameter(torch.empty(len(self.rules), units, inputs))
        self.bias = nn.Parameter(torch.zeros(len(self.rules), units))
        self.mix = nn.Linear(len(self.rules) * units, len(self.rules))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Glorot's uniform weights, and biases of zero."""
        bound = math.sqrt(6 / (self.weight.shape[1] + self.weight.shape[2]))
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.zeros_(self.bias)
        nn.init.xavier_uniform_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None) -> Tensor:
        """Map `(nodes, channels)` to `(nodes, rules)`."""
        values = edge_values(self.rules, edge_index, edge_weight, len(x), x.dtype)
        return self.propagated(x.T, edge_index, values).T

    def propagated(self, x: Tensor, edge_index: Tensor, values: Tensor) -> Tensor:
        """Map `(channels, nodes)` to `(rules, nodes)`, with the weights of the rules `(rules, edges)` at hand.

        Nodes come last, as edges do, so that each channel is carried along the edges in one stretch of memory.
        """
        source, target = edge_index
        if self.wiring == "per_rule":
            mapped = torch.bmm(self.weight, x[:, None]).flatten(0, 1)
        else:
            mapped = self.weight.flatten(0, 1) @ x
        # Mapping first, as W (P h) = P (W h), leaves only the units of each rule to be carried along the edges.
        units = self.bias.shape[1]
        weights = values if units == 1 else values.repeat_interleave(units, dim=0)
        carried = mapped.index_select(1, source) * weights
        moved = self.bias.flatten()[:, None].expand_as(mapped).index_add(1, target, carried)
        return self._activated(_mapped(self.mix, self._activated(moved)))

    def _activated(self, x: Tensor) -> Tensor:
        return x if self.activation is None else self.activation(x)


class ModularGCN(nn.Module):
    """A network of ``depth`` modules on graphs of any and mixed size, with the outputs of all modules in its readout.

    Through the skip connections, ``depth`` linear modules represent every moment ``A^p 1`` with p up to ``depth``, with
    a number of units that does not grow with the graph.

    Parameters
    ----------
    depth : int
        Modules.
    classes : int
        Outputs.
    rules, units, activation
        As for ``ModularBlock``; by default modules are linear.
    channels : int
        Features of each node; graphs without features have the constant 1.
    wiring : "per_rule" or "full"
        Whether the channel that belongs to a rule is all that this rule receives in the next module.
    skip : "concat", "sum" or "none"
        What the readout sees: every module side by side, their sum, or the last one alone.
    hidden : int
        Units of the readout.
    readout : "probability" or "moments"
        ``"probability"`` averages the class probabilities that each node gives. ``"moments"`` normalises the channels,
        takes mean and deviation over nodes of a hidden layer of two, and classifies those.
    scale : float
        Edge weights are divided by it first; the mean degree of the training graphs keeps deep networks trainable and
        changes nothing that they can represent.

    Raises
    ------
    DataError
        If a setting is not known or not positive, or node features do not fit the channels.

    References
    ----------
    dehmamy2019understanding

    Examples
    --------
    >>> net = ModularGCN(depth=3)
    >>> sum(p.numel() for p in net.parameters())
    176
    >>> net([torch.ones(3, 3), torch.ones(5, 5)]).exp().sum(1).round().tolist()
    [1.0, 1.0]
    """

    scale: Tensor

    def __init__(
        self,
        depth: int,
        classes: int = 2,
        *,
        rules: Sequence[Rule] = RULES,
        units: int = 1,
        channels: int = 1,
        wiring: str = "per_rule",
        skip: str = "concat",
        activation: Any = None,
        hidden: int = 10,
        readout: str = "probability",
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        known = require_rules(rules)
        if depth < 1 or wiring not in _WIRINGS or skip not in _SKIPS or readout not in _READOUTS or not scale > 0:
            raise DataError(
                f"expected depth of at least 1, wiring in {_WIRINGS}, skip in {_SKIPS}, readout in {_READOUTS} and a "
                f"positive scale, received {depth}, {wiring!r}, {skip!r}, {readout!r} and {scale}; correct it"
            )
        self.channels, self.skip = channels, skip
        self.register_buffer("scale", torch.tensor(float(scale)))
        first = wiring if channels == len(known) else "full"
        self.blocks = nn.ModuleList(
            ModularBlock(
                len(known) if i else channels, known, units, wiring=wiring if i else first, activation=activation
            )
            for i in range(depth)
        )
        width = depth * len(known) if skip == "concat" else len(known)
        self.head = (
            _Probability(width, hidden, classes) if readout == "probability" else _Moments(width, hidden, classes)
        )

    def forward(
        self, x: Any, edge_index: Tensor | None = None, edge_weight: Tensor | None = None, batch: Tensor | None = None
    ) -> Tensor:
        """Log-probabilities `(graphs, classes)`.

        Parameters
        ----------
        x : list of graphs, torch_geometric data, or Tensor
            A list takes whatever ``graphs.as_graph`` takes. A tensor holds node features `(nodes, channels)`, with the
            rest in the arguments that follow, as in torch_geometric.
        edge_index, edge_weight, batch : Tensor, optional
            `(2, edges)` sources and targets, `(edges,)`, `(nodes,)` the number of each node's graph.
        """
        if edge_index is None:
            x, edge_index, edge_weight, batch = self._unpacked(x)
        nodes = torch.zeros(len(x), dtype=torch.int64, device=x.device) if batch is None else batch
        return self.head(self.node_features(x, edge_index, edge_weight), nodes)

    def node_features(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None) -> Tensor:
        """What the readout sees of each node `(nodes, width)`."""
        if x.ndim != 2 or x.shape[1] != self.channels:
            raise DataError(
                f"x: expected node features (nodes, {self.channels}), received {tuple(x.shape)}; set channels="
            )
        blocks = [block for block in self.blocks if isinstance(block, ModularBlock)]
        values = edge_values(blocks[0].rules, edge_index, edge_weight, len(x), x.dtype, self.scale.to(x.dtype))
        outputs: list[Tensor] = []
        h = x.T
        for block in blocks:
            h = block.propagated(h, edge_index, values)
            outputs.append(h)
        if self.skip == "concat":
            return torch.cat(outputs).T
        return torch.stack(outputs).sum(0).T if self.skip == "sum" else h.T

    def _unpacked(self, given: Any) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        """Tensors of one batch of torch_geometric, one graph or many."""
        example = next(self.parameters())
        batch = getattr(given, "batch", None)
        if isinstance(given, list | tuple):
            whole, owner = join(given)
        else:
            whole = as_graph(given)
            owner = torch.zeros(whole.num_nodes, dtype=torch.int64) if batch is None else batch
        x = torch.ones(whole.num_nodes, self.channels) if whole.x is None else whole.x
        weight = None if whole.edge_weight is None else whole.edge_weight.to(example)
        return x.to(example), whole.edge_index.to(example.device), weight, owner.to(example.device)


class _Probability(nn.Module):
    """Class probabilities of each node, averaged over the nodes of each graph."""

    def __init__(self, width: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(width, hidden), nn.Linear(hidden, classes)

    def forward(self, x: Tensor, batch: Tensor) -> Tensor:
        """Log-probabilities `(graphs, classes)`."""
        scores = _mapped(self.second, nn.functional.leaky_relu(_mapped(self.first, x.T), 0.3))
        return _mean(scores.softmax(0).T, batch).clamp(min=torch.finfo(x.dtype).tiny).log()


class _Moments(nn.Module):
    """Mean and deviation over nodes of a hidden layer, classified."""

    def __init__(self, width: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.nodes = nn.Sequential(
            nn.BatchNorm1d(width), nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU()
        )
        self.graphs = nn.Sequential(
            nn.BatchNorm1d(2 * hidden), nn.Linear(2 * hidden, hidden), nn.SiLU(), nn.Linear(hidden, classes)
        )

    def forward(self, x: Tensor, batch: Tensor) -> Tensor:
        """Log-probabilities `(graphs, classes)`."""
        h = self.nodes(x)
        mean = _mean(h, batch)
        spread = (_mean((h - mean[batch]).square(), batch) + 1e-6).sqrt()
        return self.graphs(torch.cat([mean, spread], dim=1)).log_softmax(1)


def _mean(x: Tensor, batch: Tensor) -> Tensor:
    """Mean over the nodes of each graph `(graphs, channels)`."""
    count = int(batch.max()) + 1
    sizes = torch.bincount(batch, minlength=count).clamp(min=1)
    return x.new_zeros(x.shape[1], count).index_add(1, batch, x.T).T / sizes[:, None]


def _mapped(layer: nn.Linear, x: Tensor) -> Tensor:
    """A linear layer on `(channels, nodes)`."""
    return torch.addmm(layer.bias[:, None], layer.weight, x)
