"""Labelled graphs in the text files of the TU collection, from a folder the user has."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from isotropy.datasets.files._reading import require_file
from isotropy.errors import DataError
from isotropy.graphs import Graph


@dataclass(frozen=True)
class GraphSet:
    """Labelled graphs.

    Attributes
    ----------
    graphs : tuple of Graph
        With node features where the files have them: attributes, then labels as indicators.
    labels : Tensor
        `(graphs,)` int64, counted from 0.
    classes : tuple of str
        The label of each number as the file has it.
    """

    graphs: tuple[Graph, ...]
    labels: torch.Tensor
    classes: tuple[str, ...]


def tu_graphs(folder: str | Path) -> GraphSet:
    """Return the set in a folder ``NAME`` with ``NAME_A.txt``, ``NAME_graph_indicator.txt``, ``NAME_graph_labels.txt``.

    Node labels and attributes are read where they are; nothing is downloaded. Edges are taken as they stand: the
    collection writes an undirected edge both ways.

    Raises
    ------
    DataError
        A file is missing, a line is not made of numbers, or the files do not fit one another.
    """
    home = Path(folder)
    members = _read(home, "graph_indicator", np.int64)[:, 0]
    labels = _read(home, "graph_labels", np.int64)[:, 0]
    edges = _read(home, "A", np.int64, 2) - 1
    _require_members(home, members, len(labels))
    _require_edges(home, edges, members)
    values, codes = np.unique(labels, return_inverse=True)
    return GraphSet(
        tuple(_split(members, edges, _features(home, len(members)))),
        torch.from_numpy(codes.astype(np.int64)),
        tuple(map(str, values)),
    )


def _read(home: Path, part: str, kind: type, columns: int | None = None) -> np.ndarray:
    """Rows of numbers `(lines, columns)` of one file."""
    file = home / f"{home.name}_{part}.txt"
    require_file(file)
    rows: list[list[float]] = []
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        try:
            rows.append([kind(cell) for cell in line.split(",")])
        except ValueError as error:
            raise DataError(
                f"{file}: expected numbers separated by commas, received {line[:40]!r} in line {number}; mend it."
            ) from error
    width = columns or len(rows[0])
    if any(len(row) != width for row in rows):
        number = next(i for i, row in enumerate(rows, 1) if len(row) != width)
        raise DataError(
            f"{file}: expected {width} numbers in each line, received {len(rows[number - 1])} in line {number}; mend."
        )
    return np.array(rows, kind)


def _require_members(home: Path, members: np.ndarray, graphs: int) -> None:
    """Refuse nodes that are not listed graph by graph, and a count that differs from the labels'."""
    steps = np.diff(members, prepend=0)
    if not np.isin(steps, (0, 1)).all() or members[0] != 1 or members[-1] != graphs:
        raise DataError(
            f"{home}: expected nodes listed graph by graph from 1 to {graphs} (the labels), received graphs "
            f"{members.min()} to {members.max()}{'' if (steps >= 0).all() else ' out of order'}; fetch the set again."
        )


def _require_edges(home: Path, edges: np.ndarray, members: np.ndarray) -> None:
    """Refuse edges to nowhere or to another graph."""
    if edges.min() < 0 or edges.max() >= len(members):
        raise DataError(
            f"{home}: expected edges between nodes 1 to {len(members)}, received {edges.min() + 1} to "
            f"{edges.max() + 1}; fetch the set again."
        )
    apart = np.flatnonzero(members[edges[:, 0]] != members[edges[:, 1]])
    if len(apart):
        raise DataError(
            f"{home}: expected edges inside one graph, received one between two in line {apart[0] + 1} of the edges; "
            "fetch the set again."
        )


def _features(home: Path, nodes: int) -> torch.Tensor | None:
    """Node attributes and indicators of node labels `(nodes, features)`."""
    parts: list[np.ndarray] = []
    for part, kind in (("node_attributes", np.float64), ("node_labels", np.int64)):
        if not (home / f"{home.name}_{part}.txt").is_file():
            continue
        rows = _read(home, part, kind)
        if len(rows) != nodes:
            raise DataError(f"{home}: expected {nodes} {part}, received {len(rows)}; fetch the set again.")
        parts.append(rows if kind is np.float64 else _indicators(rows))
    return torch.from_numpy(np.concatenate(parts, axis=1)).to(torch.float32) if parts else None


def _indicators(rows: np.ndarray) -> np.ndarray:
    """One column for each value of each label."""
    return np.concatenate([(column[:, None] == np.unique(column)).astype(np.float64) for column in rows.T], axis=1)


def _split(members: np.ndarray, edges: np.ndarray, features: torch.Tensor | None) -> list[Graph]:
    """One graph for each run of members."""
    starts = np.searchsorted(members, np.arange(1, members[-1] + 2))
    order = np.argsort(members[edges[:, 0]], kind="stable")
    sorted_edges = edges[order]
    cuts = np.searchsorted(members[sorted_edges[:, 0]], np.arange(1, members[-1] + 2))
    return [
        Graph(
            torch.from_numpy((sorted_edges[cuts[i] : cuts[i + 1]] - starts[i]).T.copy()),
            int(starts[i + 1] - starts[i]),
            x=None if features is None else features[starts[i] : starts[i + 1]],
        )
        for i in range(members[-1])
    ]
