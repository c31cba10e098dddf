"""The propagation rules as a layer of torch_geometric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ...core._propagation import Rule, edge_values, require_rules
from ...errors import MissingExtraError
from ._modular_gcn import RULES


def message_passing(rules: Sequence[Rule] = RULES) -> Any:
    """A ``torch_geometric.nn.MessagePassing`` that applies every rule in one pass over the edges.

    Its ``forward(x, edge_index, edge_weight=None)`` maps `(nodes, channels)` to `(nodes, rules * channels)`, one block
    of channels for each rule. It has no parameters.

    Raises
    ------
    MissingExtraError
        Without torch_geometric.
    """
    try:
        from torch_geometric.nn import MessagePassing  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError(
            "message_passing: expected torch_geometric, received none; pip install 'isotropy[graphs]'"
        ) from error
    known = require_rules(rules)

    class RulePropagation(MessagePassing):  # pyright: ignore[reportUntypedBaseClass]
        """One pass over the edges for all rules."""

        def __init__(self) -> None:
            super().__init__(aggr="add", node_dim=0)

        def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None) -> Tensor:
            """Map `(nodes, channels)` to `(nodes, rules * channels)`."""
            values = edge_values(known, edge_index, edge_weight, len(x), x.dtype)
            return self.propagate(edge_index, x=x, values=values.T, size=(len(x), len(x)))

        def message(self, x_j: Tensor, values: Tensor) -> Tensor:  # type: ignore[override]
            """What one edge carries for each rule."""
            return (values[:, :, None] * x_j[:, None, :]).flatten(1)

    return RulePropagation()
