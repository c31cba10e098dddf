"""One graph as a list of edges, from whatever a graph comes as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import DataError


@dataclass(frozen=True)
class Graph:
    """Nodes and weighted edges; names and order are those of ``torch_geometric.data.Data``, which works in its place.

    Attributes
    ----------
    edge_index : Tensor
        `(2, edges)` int64: source and target. ``A[target, source]`` is the weight, so that ``A x`` adds up over
        incoming edges. An undirected edge stands there both ways; a self-loop once; equal edges add up.
    num_nodes : int
        Nodes, isolated ones included.
    edge_weight : Tensor or None
        `(edges,)`; all one if left out.
    x : Tensor or None
        `(nodes, features)`.

    Raises
    ------
    DataError
        If there is no node, or an edge names a node that is not there.

    Examples
    --------
    >>> triangle = Graph(torch.tensor([[0, 1, 2, 1, 2, 0], [1, 2, 0, 0, 1, 2]]), 3)
    >>> triangle.adjacency().sum(1).tolist()
    [2.0, 2.0, 2.0]
    """

    edge_index: Tensor
    num_nodes: int
    edge_weight: Tensor | None = None
    x: Tensor | None = None

    def __post_init__(self) -> None:
        edges = self.edge_index
        if self.num_nodes < 1:
            raise DataError(f"num_nodes: expected at least one node, received {self.num_nodes}; leave empty graphs out")
        if edges.ndim != 2 or edges.shape[0] != 2 or edges.dtype.is_floating_point:
            raise DataError(
                f"edge_index: expected integers (2, edges), received {tuple(edges.shape)} of {edges.dtype}; pass one "
                "column for each edge"
            )
        if edges.numel() and not 0 <= int(edges.min()) <= int(edges.max()) < self.num_nodes:
            raise DataError(
                f"edge_index: expected nodes 0 to {self.num_nodes - 1}, received {int(edges.min())} to "
                f"{int(edges.max())}; count nodes from 0"
            )
        _require_rows(self.edge_weight, edges.shape[1:], "edge_weight")
        _require_rows(self.x, (self.num_nodes,), "x")

    def adjacency(self, dtype: torch.dtype = torch.float64) -> Tensor:
        """Dense `(nodes, nodes)`."""
        values = torch.ones(self.edge_index.shape[1]) if self.edge_weight is None else self.edge_weight.flatten()
        matrix = torch.zeros(self.num_nodes, self.num_nodes, dtype=dtype)
        source, target = self.edge_index.cpu()
        return matrix.index_put((target, source), values.detach().to("cpu", dtype), accumulate=True)


def _require_rows(values: Tensor | None, shape: Sequence[int], name: str) -> None:
    """Refuse values that are not one finite entry for each row."""
    if values is None:
        return
    if values.shape[:1] != torch.Size(shape):
        raise DataError(f"{name}: expected {shape[0]} rows, received {tuple(values.shape)}; pass one for each")
    if not torch.isfinite(values).all():
        raise DataError(f"{name}: expected finite values, received NaN or infinity; remove or mend them")


def as_graph(given: Any) -> Graph:
    """A graph from an adjacency matrix (dense, or sparse of scipy or torch), networkx, or torch_geometric data.

    Raises
    ------
    DataError
        If a matrix is not square, has no node or holds NaN; or the object is none of these.
    """
    if isinstance(given, Graph):
        return given
    if hasattr(given, "edge_index") and hasattr(given, "num_nodes"):
        weight = getattr(given, "edge_weight", None)
        return Graph(given.edge_index, int(given.num_nodes), weight, getattr(given, "x", None))
    if hasattr(given, "to_undirected") and hasattr(given, "nodes"):
        return as_graph(_of_networkx(given))
    if hasattr(given, "tocoo"):
        found = given.tocoo()
        _require_square(found.shape)
        rows, columns = torch.as_tensor(found.row), torch.as_tensor(found.col)
        weight = torch.as_tensor(found.data)
        return Graph(torch.stack([columns, rows]).to(torch.int64), found.shape[0], _unless_ones(weight))
    return _of_matrix(_as_tensor(given))


def _as_tensor(given: Any) -> Tensor:
    """A matrix of numbers as a tensor."""
    try:
        return given if isinstance(given, Tensor) else torch.as_tensor(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"graph: expected an adjacency matrix, a networkx graph, or edge_index and num_nodes, received "
            f"{type(given).__name__}; convert it"
        ) from error


def _of_networkx(given: Any) -> Any:
    """Sparse adjacency, rows as targets."""
    import networkx

    return networkx.to_scipy_sparse_array(given, format="coo", dtype=float).T


def _of_matrix(matrix: Tensor) -> Graph:
    """Edges of a dense or sparse matrix."""
    _require_square(matrix.shape)
    found = (matrix if matrix.layout == torch.sparse_coo else matrix.to_sparse_coo()).coalesce()
    targets, sources = found.indices()
    return Graph(torch.stack([sources, targets]), matrix.shape[0], _unless_ones(found.values()))


def _require_square(shape: Sequence[int]) -> None:
    """Refuse what is no adjacency matrix."""
    if len(shape) != 2 or shape[0] != shape[1]:
        raise DataError(f"adjacency: expected a square matrix (n, n), received {tuple(shape)}; pass one row per node")


def _unless_ones(values: Tensor) -> Tensor | None:
    """Weights that say something."""
    numbers = values if values.dtype.is_floating_point else values.to(torch.float64)
    return None if bool((numbers == 1).all()) else numbers


def join(graphs: Sequence[Any]) -> tuple[Graph, Tensor]:
    """Graphs of any sizes as one without edges between them, and for each node the number of its graph.

    Raises
    ------
    DataError
        If there is no graph, or only some have features or features differ in length.

    Examples
    --------
    >>> whole, owner = join([torch.ones(2, 2), torch.zeros(1, 1)])
    >>> whole.num_nodes, owner.tolist()
    (3, [0, 0, 1])
    """
    parts = [as_graph(one) for one in graphs]
    widths = {None if part.x is None else tuple(part.x.shape[1:]) for part in parts}
    if len(widths) != 1:
        raise DataError(
            f"graphs: expected at least one, with equal features, received {len(parts)} with {sorted(map(str, widths))}"
            "; give all graphs the same features or none"
        )
    sizes = torch.tensor([part.num_nodes for part in parts])
    starts = (sizes.cumsum(0) - sizes).tolist()
    weights = [part.edge_weight for part in parts]
    filled = [
        torch.ones(part.edge_index.shape[1]) if weight is None else weight.flatten()
        for part, weight in zip(parts, weights, strict=True)
    ]
    features = [part.x for part in parts if part.x is not None]
    whole = Graph(
        torch.cat([part.edge_index + start for part, start in zip(parts, starts, strict=True)], dim=1),
        int(sizes.sum()),
        None if all(weight is None for weight in weights) else torch.cat(filled),
        torch.cat(features) if features else None,
    )
    return whole, torch.arange(len(parts)).repeat_interleave(sizes)
