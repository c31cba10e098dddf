"""Pairs of random graphs that differ in how they were made, with more and more of what gives them away removed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..core._adjacency import Graph
from ..errors import DataError, MissingExtraError

KINDS = ("er", "gnm", "configuration", "swap")
_SWAPS = 3  # for each edge: as a swap moves two, one edge in e^6 stays where it was
_ATTEMPTS = 10  # for each swap; few enough that a complete graph, which has no swap, is given up within a second
Edges = set[tuple[int, int]]


@dataclass(frozen=True)
class RandomGraphs:
    """Pairs of graphs: one grown by preferential attachment (label 1), one that it is to be told from (label 0).

    Attributes
    ----------
    graphs : tuple of Graph
        Undirected and simple; twins stand side by side.
    labels : Tensor
        `(graphs,)` int64.
    groups : Tensor
        `(graphs,)` int64, equal for twins. A split that parts twins is a leak.
    """

    graphs: tuple[Graph, ...]
    labels: Tensor
    groups: Tensor

    def split(self, held_out: float = 0.2, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Indices of training and held-out graphs; twins stay together."""
        pairs = int(self.groups.max()) + 1
        order = torch.randperm(pairs, generator=torch.Generator().manual_seed(seed))
        chosen = torch.zeros(pairs, dtype=torch.bool).index_fill(0, order[: round(held_out * pairs)], True)[self.groups]
        return torch.nonzero(~chosen)[:, 0], torch.nonzero(chosen)[:, 0]


def random_graphs(
    kind: str, count: int, nodes: int, *, attachments: Sequence[int] | None = None, seed: int = 0
) -> RandomGraphs:
    """Barabási-Albert graphs beside graphs of another kind, two by two.

    Parameters
    ----------
    kind : str
        ``"er"``: Erdős-Rényi with probabilities from 1 / nodes to 1 / 2; the number of edges gives them away.
        ``"gnm"``: as many edges as the twin, anywhere. ``"configuration"``: the twin's half-edges joined anew, without
        loops and repeated edges, and the twin pruned to as many edges; degrees still differ a little. ``"swap"``: the
        twin after many swaps of two edges, so that all degrees are the same.
    count : int
        Graphs, an even number.
    nodes : int
        Of each graph.
    attachments : sequence of int, optional
        Edges that a new node brings; pairs take them in turn. 1, N/8, N/4, 3N/8 and N/2 if left out.
    seed : int
        Of the generator.

    Raises
    ------
    DataError
        If the kind is not known, or the numbers cannot be met.
    MissingExtraError
        Without networkx.

    Examples
    --------
    >>> data = random_graphs("swap", 4, 12, attachments=[2])
    >>> degrees = [sorted(graph.adjacency().sum(0).tolist()) for graph in data.graphs]
    >>> degrees[0] == degrees[1], data.labels.tolist(), data.groups.tolist()
    (True, [1, 0, 1, 0], [0, 0, 1, 1])
    """
    import numpy as np

    if kind not in KINDS or count < 2 or count % 2 or nodes < 4:
        raise DataError(
            f"kind, count, nodes: expected one of {', '.join(KINDS)}, an even number and at least 4, received "
            f"{kind!r}, {count} and {nodes}; choose e.g. 'swap', 1000, 30"
        )
    steps = attachments or sorted({max(1, nodes * eighth // 8) for eighth in range(5)})
    if not all(1 <= m < nodes for m in steps):
        raise DataError(f"attachments: expected numbers from 1 to {nodes - 1}, received {list(steps)}; ask for fewer")
    random = np.random.default_rng(seed)
    graphs: list[Graph] = []
    for pair in range(count // 2):
        place = pair % len(steps)
        grown = _networkx().barabasi_albert_graph(nodes, steps[place], seed=random)
        probability = float(np.linspace(1 / nodes, 0.5, len(steps))[place])
        graphs += [_undirected(edges, nodes) for edges in _twins(kind, grown, probability, random)]
    labels = torch.tensor([1, 0]).repeat(count // 2)
    return RandomGraphs(tuple(graphs), labels, torch.arange(count // 2).repeat_interleave(2))


def double_edge_swap(A: Any, swaps: int | None = None, seed: int = 0) -> Graph:
    """A simple undirected graph after random swaps of two edges, ``a-b, c-d`` to ``a-d, c-b``, which keep all degrees.

    Parameters
    ----------
    A : matrix or graph
        Weights are not kept.
    swaps : int, optional
        How many; three for each edge if left out. Fewer are done where the graph leaves no room for them: a swap that
        would make a loop or repeat an edge is never done.
    seed : int
        Of the generator.

    Raises
    ------
    DataError
        If the graph has self-loops.
    MissingExtraError
        Without networkx.
    """
    import numpy as np

    from ..core._adjacency import as_graph

    graph = as_graph(A)
    pairs = graph.edge_index.T.tolist()
    if any(a == b for a, b in pairs):
        raise DataError("graph: expected no self-loops, received some; remove them before swapping")
    plain = _networkx().Graph()
    plain.add_nodes_from(range(graph.num_nodes))
    plain.add_edges_from(pairs)
    return _undirected(_pairs(_swapped(plain, swaps, np.random.default_rng(seed))), graph.num_nodes)


def _networkx() -> Any:
    """The package of graphs, or the extra that brings it."""
    try:
        import networkx
    except ImportError as missing:
        raise MissingExtraError("expected networkx, found none; run pip install 'isotropy[graphs]'") from missing
    return networkx


def _twins(kind: str, grown: Any, probability: float, random: Any) -> tuple[Edges, Edges]:
    """Edges of the grown graph and of its twin."""
    package, nodes, edges = _networkx(), len(grown), _pairs(grown)
    if kind == "er":
        return edges, _pairs(package.gnp_random_graph(nodes, probability, seed=random))
    if kind == "gnm":
        return edges, _pairs(package.gnm_random_graph(nodes, len(edges), seed=random))
    if kind == "swap":
        return edges, _pairs(_swapped(grown, None, random))
    degrees = [degree for _, degree in grown.degree()]
    joined = {pair for pair in _pairs(package.configuration_model(degrees, seed=random)) if pair[0] != pair[1]}
    return _pruned(edges, joined, nodes, random), joined


def _pairs(graph: Any) -> Edges:
    """Every edge once, smaller end first."""
    return {(min(a, b), max(a, b)) for a, b in graph.edges()}


def _pruned(edges: Edges, twin: Edges, nodes: int, random: Any) -> Edges:
    """As many edges as the twin; those between nodes with a degree above the twin's go first."""
    kept = sorted(edges)
    surplus = [0] * nodes
    for pair in edges:
        for node in pair:
            surplus[node] += 1
    for pair in twin:
        for node in pair:
            surplus[node] -= 1
    while len(kept) > len(twin):
        order = random.permutation(len(kept))
        worst = max(order.tolist(), key=lambda i: (surplus[kept[i][0]] > 0) + (surplus[kept[i][1]] > 0))
        for node in kept.pop(worst):
            surplus[node] -= 1
    return set(kept)


def _swapped(graph: Any, swaps: int | None, random: Any) -> Any:
    """A copy of a graph of networkx after so many swaps, or as many as it has room for."""
    package, swapped = _networkx(), graph.copy()
    count = _SWAPS * graph.number_of_edges() if swaps is None else swaps
    if len(graph) < 4 or graph.number_of_edges() < 2:  # nothing can be swapped, which networkx takes for an error
        return swapped
    with suppress(package.NetworkXAlgorithmError):  # attempts run out: a complete graph has no swap, a star none either
        package.double_edge_swap(swapped, count, _ATTEMPTS * count, seed=random)
    return swapped


def _undirected(edges: Edges, nodes: int) -> Graph:
    """Each edge both ways."""
    once = torch.tensor(sorted(edges), dtype=torch.int64).reshape(-1, 2).T
    return Graph(torch.cat([once, once.flip(0)], dim=1), nodes)
