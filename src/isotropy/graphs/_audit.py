"""Whether something trivial already tells the classes of a graph data set apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..core._adjacency import Graph, as_graph
from ..errors import DataError
from ._operator_words import moments, operator_words


def leak_audit(
    graphs: Sequence[Any], labels: Any, groups: Any = None, *, folds: int = 5, seed: int = 0
) -> dict[str, float]:
    """Cross-validated accuracy of gradient boosting on what no graph network is needed for.

    A score well above chance says that the data set is about that feature. Without ``groups`` twins that fall on both
    sides of a split give scores far from chance in either direction.

    Parameters
    ----------
    graphs : sequence
        Whatever ``as_graph`` takes.
    labels : Tensor
        `(graphs,)`.
    groups : Tensor, optional
        `(graphs,)`; graphs of one group stay on one side of every split.
    folds : int
        Of the cross-validation.
    seed : int
        Of the boosting and of the folds.

    Returns
    -------
    dict of str to float
        ``"chance"`` (the share of the most frequent class), ``"nodes"``, ``"edges"``, ``"degrees"`` (sorted) and
        ``"triangles, assortativity"``.

    Raises
    ------
    DataError
        If labels are not one for each graph, or a class has fewer members than there are folds.
    """
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_score

    known, targets = [as_graph(graph) for graph in graphs], torch.as_tensor(labels)
    counts = targets.unique(return_counts=True)[1]
    if targets.shape != (len(known),) or len(counts) < 2 or int(counts.min()) < folds:
        raise DataError(
            f"labels: expected one for each of {len(known)} graphs and at least {folds} of each class, received "
            f"{tuple(targets.shape)} with counts {counts.tolist()}; pass more graphs or fewer folds"
        )
    splitter: Any = (StratifiedKFold if groups is None else GroupKFold)(folds, shuffle=True, random_state=seed)
    found = {"chance": float(counts.max()) / len(known)}
    for name, features in _TRIVIAL.items():
        rows = _padded([features(graph) for graph in known]).numpy()
        model = GradientBoostingClassifier(n_estimators=50, random_state=seed)
        scores = cross_val_score(model, rows, targets.numpy(), groups=_as_array(groups), cv=splitter)
        found[name] = float(scores.mean())
    return found


def _as_array(groups: Any) -> Any:
    return None if groups is None else torch.as_tensor(groups).numpy()


def _padded(rows: list[Tensor]) -> Tensor:
    """Rows of one length, filled with -1."""
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1.0)


def _edge_count(graph: Graph) -> Tensor:
    return torch.tensor([float(graph.edge_index.shape[1])], dtype=torch.float64)


def _sorted_degrees(graph: Graph) -> Tensor:
    return moments(graph, 1)[:, 0].sort(descending=True).values


def _shape(graph: Graph) -> Tensor:
    """Triangles, and the correlation of degrees along edges (0 where it is not defined)."""
    triangles = operator_words(graph, 1, ["triangles"])[:, 1].sum() / 6
    degrees = moments(graph, 1)[:, 0]
    ends = (
        degrees[graph.edge_index] - degrees[graph.edge_index].mean() if graph.edge_index.numel() else torch.zeros(2, 1)
    )
    spread = ends[0].norm() * ends[1].norm()
    return torch.stack([triangles, (ends[0] @ ends[1] / spread if spread > 1e-9 else spread * 0).to(torch.float64)])


_TRIVIAL: dict[str, Callable[[Graph], Tensor]] = {
    "nodes": lambda graph: torch.tensor([float(graph.num_nodes)], dtype=torch.float64),
    "edges": _edge_count,
    "degrees": _sorted_degrees,
    "triangles, assortativity": _shape,
}
