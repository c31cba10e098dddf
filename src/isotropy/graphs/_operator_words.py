"""Graph moments, and words of propagation rules applied to the constant."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor

from ..core._adjacency import as_graph
from ..core._propagation import Rule, edge_values, require_rules, rule_name
from ..errors import DataError

DEFAULT_RULES: tuple[Rule, ...] = ("adjacency", "random_walk", "symmetric")


def moments(A: Any, order: int) -> Tensor:
    """Walks from each node, ``A^p 1`` for p from 1 to ``order``.

    Parameters
    ----------
    A : matrix or graph
        Dense or sparse adjacency, networkx graph, torch_geometric data, or ``Graph``.
    order : int
        Length of the longest walk.

    Returns
    -------
    Tensor
        `(nodes, order)` float64; column p - 1 holds ``A^p 1``, so the first is the degree.

    Raises
    ------
    DataError
        If the order is below 1, or ``A`` is no graph.

    References
    ----------
    dehmamy2019understanding

    Examples
    --------
    >>> path = torch.tensor([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    >>> moments(path, 3).tolist()
    [[1.0, 2.0, 2.0], [2.0, 2.0, 4.0], [1.0, 2.0, 2.0]]
    """
    _require_length(order, "order")
    return operator_words(A, order, ["adjacency"])[:, 1:]


def operator_words(A: Any, length: int, rules: Sequence[Rule] = DEFAULT_RULES, scale: float = 1.0) -> Tensor:
    """Every product of up to ``length`` operators applied to the constant 1.

    With linear activations, biases and skip connections their span is all that so many layers can compute, whatever
    the weights.

    Parameters
    ----------
    A : matrix or graph
        As for ``moments``.
    length : int
        Of the longest product.
    rules : sequence of str or callable
        The operators; see ``isotropy.nn.ModularGCN``.
    scale : float
        Edge weights are divided by it; the mean degree keeps long words of ``"adjacency"`` near one without changing
        their span.

    Returns
    -------
    Tensor
        `(nodes, words)` float64, shorter words first, in the order of ``word_names``.

    Raises
    ------
    DataError
        If the length is below 1, a rule is not known, or ``A`` is no graph.

    References
    ----------
    dehmamy2019understanding
    """
    _require_length(length, "length")
    graph, known = as_graph(A), require_rules(rules)
    source, target = graph.edge_index
    values = edge_values(known, graph.edge_index, graph.edge_weight, graph.num_nodes, torch.float64, scale)
    level = torch.ones(graph.num_nodes, 1, dtype=torch.float64, device=values.device)
    words = [level]
    for _ in range(length):
        carried = level[source]
        level = torch.cat([torch.zeros_like(level).index_add(0, target, v[:, None] * carried) for v in values], dim=1)
        words.append(level)
    return torch.cat(words, dim=1)


def word_names(length: int, rules: Sequence[Rule] = DEFAULT_RULES) -> list[str]:
    """Name of each column of ``operator_words``; the operator applied last stands first.

    Raises
    ------
    DataError
        If a rule is not known.

    Examples
    --------
    >>> word_names(2, ["adjacency", "random_walk"])[:5]
    ['1', 'adjacency', 'random_walk', 'adjacency adjacency', 'adjacency random_walk']
    """
    names = [rule_name(rule) for rule in require_rules(rules)]
    return ["1", *(" ".join(word) for size in range(1, length + 1) for word in product(names, repeat=size))]


def mean_degree(A: Any) -> float:
    """Mean row sum of |A|, or 1 for a graph without edges."""
    graph = as_graph(A)
    edges = graph.edge_index.shape[1] if graph.edge_weight is None else float(graph.edge_weight.abs().sum())
    return edges / graph.num_nodes or 1.0


def _require_length(length: int, name: str) -> None:
    if length < 1:
        raise DataError(f"{name}: expected at least 1, received {length}; the constant itself is word 0")
