"""Training steps per second of the modular graph network: against dense batches, and against a plain GCN.

All three have three modules of three channels on Barabási-Albert graphs (m = 2) of one size, three rules for ours and
the dense one. The dense one does what the published code does: it takes adjacency matrices `(batch, n, n)` and makes
every rule anew in every layer by products with diagonal matrices. The plain one stacks ``GCNConv`` of torch_geometric,
which has one rule, and averages over nodes. Prints one line of JSON.

    python benchmarks/modular_gcn.py --nodes 100
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from isotropy.graphs import join, random_graphs
from isotropy.nn import ModularGCN

DEPTH, RULES, DENSE_TARGET, PLAIN_TARGET = 3, 3, 3.0, 1.3


class DenseGCN(nn.Module):
    """Three rules as dense matrices, made in every layer."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.ModuleList(nn.Linear(1, 1) for _ in range(RULES)) for _ in range(DEPTH))
        self.mixes = nn.ModuleList(nn.Linear(RULES, RULES) for _ in range(DEPTH))
        self.first, self.second = nn.Linear(DEPTH * RULES, 10), nn.Linear(10, 2)

    def forward(self, A: Tensor) -> Tensor:
        """Log-probabilities `(batch, 2)` of adjacency matrices `(batch, n, n)`."""
        x = torch.ones(*A.shape[:2], 1)
        outputs = []
        for maps, mix in zip(self.maps, self.mixes, strict=True):
            degrees = A.sum(2)
            inverse = torch.diag_embed(torch.where(degrees > 0, 1 / degrees.clamp(min=1), 0.0))
            operators = [A, inverse @ A, inverse.sqrt() @ A @ inverse.sqrt()]
            parts = [
                linear(P @ (x if x.shape[2] == 1 else x[..., k : k + 1]))
                for k, (P, linear) in enumerate(zip(operators, maps, strict=True))
            ]
            x = mix(torch.cat(parts, dim=2))
            outputs.append(x)
        nodes = self.second(nn.functional.leaky_relu(self.first(torch.cat(outputs, dim=2)), 0.3))
        return nodes.softmax(2).mean(1).log()


class PlainGCN(nn.Module):
    """One rule of torch_geometric, equally deep and wide."""

    def __init__(self) -> None:
        super().__init__()
        from torch_geometric.nn import GCNConv

        self.convolutions = nn.ModuleList(GCNConv(RULES if i else 1, RULES) for i in range(DEPTH))
        self.first, self.second = nn.Linear(DEPTH * RULES, 10), nn.Linear(10, 2)

    def forward(self, x: Tensor, edges: Tensor, batch: Tensor) -> Tensor:
        """Log-probabilities `(graphs, 2)`."""
        from torch_geometric.nn import global_mean_pool

        outputs = []
        for convolution in self.convolutions:
            x = convolution(x, edges)
            outputs.append(x)
        nodes = self.second(nn.functional.leaky_relu(self.first(torch.cat(outputs, dim=1)), 0.3))
        return global_mean_pool(nodes.softmax(1), batch).log()


def measure(nodes: int, graphs: int, repeats: int) -> dict[str, Any]:
    data = random_graphs("swap", graphs, nodes, attachments=[2])
    whole, owner = join(data.graphs)
    dense = torch.stack([graph.adjacency(torch.float32) for graph in data.graphs])
    x = torch.ones(whole.num_nodes, 1)
    ours, full, matrices, plain = ModularGCN(DEPTH), ModularGCN(DEPTH, wiring="full"), DenseGCN(), PlainGCN()
    steps: dict[str, tuple[nn.Module, Callable[[], Tensor]]] = {
        "modular": (ours, lambda: ours(x, whole.edge_index, None, owner)),
        "modular, full wiring": (full, lambda: full(x, whole.edge_index, None, owner)),
        "dense": (matrices, lambda: matrices(dense)),
        "plain GCN": (plain, lambda: plain(x, whole.edge_index, owner)),
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for round_ in range(repeats + 2):  # in turns, each first in its turn, so that the machine slows all alike
        for name in rotated(list(steps), round_):
            model, forward = steps[name]
            start = time.process_time()
            model.zero_grad()
            nn.functional.nll_loss(forward(), data.labels).backward()
            if round_ >= 2:
                times[name].append(time.process_time() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    dense_ratio = medians["dense"] / medians["modular"]
    plain_ratio = medians["modular"] / medians["plain GCN"]
    return {
        "question": "training steps of the modular graph network",
        "nodes": nodes,
        "graphs": graphs,
        "graphs_per_second": {name: round(graphs / value) for name, value in medians.items()},
        "times_faster_than_dense": round(dense_ratio, 2),
        "times_slower_than_plain_gcn": round(plain_ratio, 2),
        "targets": {"faster_than_dense": DENSE_TARGET, "slower_than_plain_gcn": PLAIN_TARGET},
        "met": dense_ratio >= DENSE_TARGET and plain_ratio <= PLAIN_TARGET,
        "load": os.getloadavg()[0],
    }


def rotated(names: list[str], by: int) -> list[str]:
    first = by % len(names)
    return names[first:] + names[:first]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--graphs", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=40)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print(json.dumps(measure(chosen.nodes, chosen.graphs, chosen.repeats)))


if __name__ == "__main__":
    main()
