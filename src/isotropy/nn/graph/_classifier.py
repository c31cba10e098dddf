"""The modular graph network as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...core._adjacency import Graph, as_graph, join
from ...core._estimator import Estimator
from ...core._propagation import Rule
from ...errors import DataError
from ._modular_gcn import RULES, ModularGCN

_SHUFFLE = 10  # epochs after which graphs are dealt into new batches; batches themselves are shuffled every epoch


class ModularGCNClassifier(Estimator):
    """Classify graphs of any and mixed size by a ``ModularGCN`` trained with Adam.

    Parameters
    ----------
    depth, rules, units, wiring, hidden, readout
        As for ``ModularGCN``, whose scale is the mean degree of the training graphs.
    epochs, batch_size : int
        Of the training.
    learning_rate : float
        The largest of a schedule that rises and falls once.
    seed : int
        Of weights and batches.

    Attributes
    ----------
    model_ : ModularGCN
        The trained network, in evaluation mode.
    classes_ : ndarray
        The labels.
    loss_ : float
        Mean over the last epoch.

    Raises
    ------
    DataError
        If labels are not one for each graph, or of one class only.

    References
    ----------
    dehmamy2019understanding

    Examples
    --------
    >>> import isotropy as iso
    >>> data = iso.graphs.random_graphs("er", 60, 10)
    >>> iso.nn.ModularGCNClassifier(epochs=3).fit(data.graphs, data.labels).predict(data.graphs).shape
    (60,)
    """

    model_: ModularGCN
    classes_: Any
    loss_: float

    def __init__(
        self,
        depth: int = 3,
        *,
        rules: Sequence[Rule] = RULES,
        units: int = 2,
        wiring: str = "full",
        hidden: int = 32,
        readout: str = "moments",
        epochs: int = 40,
        batch_size: int = 64,
        learning_rate: float = 1e-2,
        seed: int = 0,
    ) -> None:
        self.depth = depth
        self.rules = rules
        self.units = units
        self.wiring = wiring
        self.hidden = hidden
        self.readout = readout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.seed = seed

    def fit(self, graphs: Sequence[Any], y: Any) -> ModularGCNClassifier:
        """Fit graphs, whatever ``graphs.as_graph`` takes, with one label each."""
        known, codes = self._labelled(graphs, y)
        whole, _ = join(known)
        weight = whole.edge_index.shape[1] if whole.edge_weight is None else float(whole.edge_weight.abs().sum())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.model_ = ModularGCN(
                self.depth,
                len(self.classes_),
                rules=self.rules,
                units=self.units,
                channels=1 if whole.x is None else whole.x.shape[1],
                wiring=self.wiring,
                hidden=self.hidden,
                readout=self.readout,
                scale=weight / whole.num_nodes or 1.0,
            )
        self._train(known, codes)
        return self

    def predict_proba(self, graphs: Sequence[Any]) -> Any:
        """Probabilities `(graphs, classes)`."""
        model, known = self.model_, [as_graph(graph) for graph in graphs]
        with torch.no_grad():
            parts = [model(known[i : i + 256]) for i in range(0, len(known), 256)]
        return torch.cat(parts).exp().to(torch.float64).numpy()

    def predict(self, graphs: Sequence[Any]) -> Any:
        """Labels `(graphs,)`."""
        return self.classes_[self.predict_proba(graphs).argmax(1)]

    def score(self, graphs: Sequence[Any], y: Any) -> float:
        """Share of labels that are right."""
        import numpy as np

        return float((self.predict(graphs) == np.asarray(y)).mean())

    def __sklearn_is_fitted__(self) -> bool:
        return "model_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            "classifier",
            TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(two_d_array=False),
        )

    def _labelled(self, graphs: Sequence[Any], y: Any) -> tuple[list[Graph], Tensor]:
        """Graphs and codes of their labels; the labels become ``classes_``."""
        import numpy as np

        labels = np.asarray(y)
        if labels.shape != (len(graphs),):
            raise DataError(
                f"y: expected one label for each of {len(graphs)} graphs, received shape {labels.shape}; match them"
            )
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(f"y: expected at least two classes, received {list(self.classes_)}; pass graphs of both")
        return [as_graph(graph) for graph in graphs], torch.as_tensor(codes)

    def _train(self, graphs: list[Graph], codes: Tensor) -> None:
        """Adam with one rise and fall of the learning rate."""
        model, generator = self.model_.train(), torch.Generator().manual_seed(self.seed)
        count = max(1, -(-len(graphs) // self.batch_size))
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.learning_rate, total_steps=max(2, self.epochs * count)
        )
        batches: list[tuple[Graph, Tensor, Tensor]] = []
        losses: list[float] = []
        for epoch in range(self.epochs):
            if epoch % _SHUFFLE == 0:
                batches = _dealt(graphs, codes, count, generator)
            losses = []
            for index in torch.randperm(count, generator=generator).tolist():
                whole, owner, targets = batches[index]
                x = torch.ones(whole.num_nodes, 1) if whole.x is None else whole.x
                loss = torch.nn.functional.nll_loss(model(x, whole.edge_index, whole.edge_weight, owner), targets)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                losses.append(float(loss.detach()))
        model.eval()
        self.loss_ = sum(losses) / max(1, len(losses))


def _dealt(
    graphs: list[Graph], codes: Tensor, count: int, generator: torch.Generator
) -> list[tuple[Graph, Tensor, Tensor]]:
    """Batches of nearly equal size, joined."""
    order = torch.randperm(len(graphs), generator=generator)
    return [(*join([graphs[i] for i in part.tolist()]), codes[part]) for part in order.tensor_split(count)]
