"""Pairs of random graphs that differ in how they were made, with more and more of what gives them away removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..core._adjacency import Graph
from ..errors import DataError

KINDS = ("er", "gnm", "configuration", "swap")
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
        grown = _attached(nodes, steps[place], random)
        probability = float(np.linspace(1 / nodes, 0.5, len(steps))[place])
        graphs += [_undirected(edges, nodes) for edges in _twins(kind, grown, nodes, probability, random)]
    labels = torch.tensor([1, 0]).repeat(count // 2)
    return RandomGraphs(tuple(graphs), labels, torch.arange(count // 2).repeat_interleave(2))


def double_edge_swap(A: Any, swaps: int | None = None, seed: int = 0) -> Graph:
    """A simple undirected graph after random swaps of two edges, ``a-b, c-d`` to ``a-d, c-b``, which keep all degrees.

    Parameters
    ----------
    A : matrix or graph
        Weights are not kept.
    swaps : int, optional
        Attempts; twenty for each edge if left out. An attempt that would make a loop or repeat an edge is dropped.
    seed : int
        Of the generator.

    Raises
    ------
    DataError
        If the graph has self-loops.
    """
    import numpy as np

    from ..core._adjacency import as_graph

    graph = as_graph(A)
    pairs = {(min(a, b), max(a, b)) for a, b in graph.edge_index.T.tolist()}
    if any(a == b for a, b in pairs):
        raise DataError("graph: expected no self-loops, received some; remove them before swapping")
    tries = 20 * len(pairs) if swaps is None else swaps
    return _undirected(_swapped(pairs, tries, np.random.default_rng(seed)), graph.num_nodes)


def _twins(kind: str, grown: Edges, nodes: int, probability: float, random: Any) -> tuple[Edges, Edges]:
    """The grown graph and its twin."""
    if kind == "er":
        every = [(i, j) for i in range(nodes) for j in range(i + 1, nodes)]
        return grown, {pair for pair, u in zip(every, random.random(len(every)), strict=True) if u < probability}
    if kind == "gnm":
        every = [(i, j) for i in range(nodes) for j in range(i + 1, nodes)]
        return grown, {every[i] for i in random.choice(len(every), len(grown), replace=False)}
    if kind == "swap":
        return grown, _swapped(grown, 20 * len(grown), random)
    joined = _joined_anew(grown, random)
    return _pruned(grown, joined, nodes, random), joined


def _attached(nodes: int, m: int, random: Any) -> Edges:
    """Preferential attachment, starting from m nodes without edges: ``m (nodes - m)`` edges."""
    edges: Edges = set()
    ends: list[int] = []
    targets = set(range(m))
    for new in range(m, nodes):
        edges |= {(old, new) for old in targets}
        ends += [*targets, *[new] * m]
        targets = set()
        while len(targets) < m:
            targets.add(ends[int(random.integers(len(ends)))])
    return edges


def _joined_anew(edges: Edges, random: Any) -> Edges:
    """The second ends of all edges dealt out again; loops and repeated edges are dropped."""
    first = [a for a, _ in edges] + [b for _, b in edges]
    dealt = random.permutation([b for _, b in edges] + [a for a, _ in edges]).tolist()
    half = sorted(zip(first, dealt, strict=True))
    kept = [half[i] for i in random.permutation(len(half))[: len(edges)]]
    return {(min(a, b), max(a, b)) for a, b in kept if a != b}


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


def _swapped(edges: Edges, tries: int, random: Any) -> Edges:
    """Edges after so many attempted swaps."""
    pairs, there = sorted(edges), set(edges)
    if len(pairs) < 2:
        return there
    for i, j, turn in zip(
        random.integers(len(pairs), size=tries).tolist(),
        random.integers(len(pairs), size=tries).tolist(),
        random.integers(2, size=tries).tolist(),
        strict=True,
    ):
        (a, b), (c, d) = pairs[i], pairs[j][::-1] if turn else pairs[j]
        first, second = (min(a, d), max(a, d)), (min(c, b), max(c, b))
        if len({a, b, c, d}) < 4 or first in there or second in there:
            continue
        there -= {pairs[i], pairs[j]}
        there |= {first, second}
        pairs[i], pairs[j] = first, second
    return there


def _undirected(edges: Edges, nodes: int) -> Graph:
    """Each edge both ways."""
    once = torch.tensor(sorted(edges), dtype=torch.int64).reshape(-1, 2).T
    return Graph(torch.cat([once, once.flip(0)], dim=1), nodes)
