"""Moments of whole graphs as features for any classifier of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..core._adjacency import Graph, as_graph, join
from ..core._estimator import Estimator
from ..core._propagation import Rule
from ..errors import DataError
from ._operator_words import DEFAULT_RULES, mean_degree, operator_words


class GraphMoments(Estimator):
    """Summaries over nodes of every word of propagation rules: mean, spread, extremes and quartiles.

    With gradient boosting behind it this is the reference that a trained graph network has to beat.

    Parameters
    ----------
    length : int
        Of the longest word.
    rules : sequence of str or callable
        As for ``operator_words``.

    Attributes
    ----------
    scale_ : float
        Mean degree of the graphs seen by ``fit``; edge weights are divided by it.

    References
    ----------
    dehmamy2019understanding

    Examples
    --------
    >>> graphs = [torch.ones(3, 3), torch.ones(5, 5)]
    >>> GraphMoments(length=1, rules=["adjacency"]).fit(graphs).transform(graphs)[:, 7].round(3).tolist()
    [0.706, 1.176]
    """

    scale_: float

    def __init__(self, length: int = 3, rules: Sequence[Rule] = DEFAULT_RULES) -> None:
        self.length = length
        self.rules = rules

    def fit(self, graphs: Sequence[Any], y: Any = None) -> GraphMoments:
        """Take the mean degree of the graphs; labels are not looked at."""
        self.scale_ = mean_degree(join(_bare(graphs))[0])
        return self

    def transform(self, graphs: Sequence[Any]) -> Any:
        """Features `(graphs, 7 * words)`: for each word mean, deviation, least, quartiles and largest."""
        scale = self.scale_
        whole, owner = join(_bare(graphs))
        words = operator_words(whole, self.length, self.rules, scale=scale)
        return torch.stack([_summary(part) for part in words.split(owner.bincount().tolist())]).numpy()

    def fit_transform(self, graphs: Sequence[Any], y: Any = None) -> Any:
        """Fit, then transform the same graphs."""
        return self.fit(graphs, y).transform(graphs)

    def __sklearn_is_fitted__(self) -> bool:
        return "scale_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(None, TargetTags(required=False), TransformerTags(), input_tags=InputTags(two_d_array=False))


def _summary(words: Tensor) -> Tensor:
    """Mean, deviation, least, quartiles and largest of each column `(nodes, words)`."""
    levels = torch.quantile(words, torch.linspace(0, 1, 5, dtype=words.dtype), dim=0)
    return torch.cat([words.mean(0)[None], words.std(0, correction=0)[None], levels]).T.flatten()


def _bare(graphs: Sequence[Any]) -> list[Graph]:
    """Graphs without node features, at least one."""
    if not len(graphs):
        raise DataError("graphs: expected at least one, received none; pass a list of graphs")
    return [Graph(g.edge_index, g.num_nodes, g.edge_weight) for g in map(as_graph, graphs)]
