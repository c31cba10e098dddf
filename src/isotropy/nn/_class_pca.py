"""Class-based PCA as estimators of scikit-learn: features, and a classifier on stacked features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..core._estimator import Estimator
from ..errors import DataError
from . import bars
from .init._fit import Rule, fit_filters

_BLOCK = 4096  # rows at once
_ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": torch.relu,
    "crelu": lambda z: torch.relu(torch.cat([z, -z], dim=1)),
}


class ClassPCA(Estimator):
    """Features ``max(0, w . x + b)`` along the leading directions of ``S_c - lam S`` for each class c.

    ``S_c = E[(x - mean)(x - mean)^T | c]`` about the mean of all samples, S their covariance; every filter has mean
    zero and variance one, and points towards the mean of its class.

    Parameters
    ----------
    n_components : int
        Filters, shared evenly between the classes.
    lam : float
        How much of the covariance of all is taken away.
    activation : "relu", "crelu" or "identity"
        ``"crelu"`` gives both halves, and so twice as many features.
    balanced : bool
        Whether rare classes weigh as much as frequent ones.
    duplicate : float
        Cosine above which two filters count as one.
    max_size : int
        Samples longer than this are projected first on the directions that a sketch of each class finds.
    seed : int
        Of the random filters that fill up where the classes have no direction left.

    Attributes
    ----------
    components_ : ndarray
        `(n_components, n_features)`.
    offsets_ : ndarray
        `(n_components,)`.
    eigenvalues_ : ndarray
        `(n_components,)`; NaN where a filter is random.
    component_classes_ : ndarray
        `(n_components,)` index of the class behind each filter; -1 where it is random.
    classes_ : ndarray
        The labels.

    Raises
    ------
    DataError
        If the number of components is not positive, or the activation is not known.

    References
    ----------
    dehmamy2019direct

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> x, y = load_digits(return_X_y=True)
    >>> ClassPCA(n_components=40).fit(x, y).transform(x).shape
    (1797, 40)
    """

    components_: Any
    offsets_: Any
    eigenvalues_: Any
    component_classes_: Any
    classes_: Any
    n_features_in_: int

    def __init__(
        self,
        n_components: int = 40,
        *,
        lam: float = 1.0,
        activation: str = "relu",
        balanced: bool = False,
        duplicate: float = bars.MOST_ALIKE,
        max_size: int = 2048,
        seed: int = 0,
    ) -> None:
        self.n_components = n_components
        self.lam = lam
        self.activation = activation
        self.balanced = balanced
        self.duplicate = duplicate
        self.max_size = max_size
        self.seed = seed

    def fit(self, X: Any, y: Any) -> ClassPCA:
        """Fit samples `(samples, n_features)` with labels `(samples,)`."""
        x, labels = _labelled(self, X, y)
        if self.n_components < 1 or self.activation not in _ACTIVATIONS:
            raise DataError(
                f"n_components, activation: expected a positive number and one of {list(_ACTIVATIONS)}, received "
                f"{self.n_components} and {self.activation!r}; use 40 and 'relu'"
            )
        rule = Rule(self.lam, self.duplicate, self.balanced, self.max_size, torch.Generator().manual_seed(self.seed))
        blocks = list(zip(x[None].split(_BLOCK, dim=1), labels.split(_BLOCK), strict=True))
        (fit,), _ = fit_filters(lambda: iter(blocks), 1, x.shape[1], self.n_components, rule)
        self.components_, self.offsets_ = fit.weight.numpy(), fit.bias.numpy()
        self.eigenvalues_, self.component_classes_ = fit.eigenvalues.numpy(), fit.classes.numpy()
        return self

    def transform(self, X: Any) -> Any:
        """Features `(samples, n_components)`, or twice as many with ``"crelu"``."""
        x = _points(self, X)
        z = x @ torch.from_numpy(self.components_).T + torch.from_numpy(self.offsets_)
        return _ACTIVATIONS[self.activation](z).numpy()

    def fit_transform(self, X: Any, y: Any) -> Any:
        """Fit, then transform the same samples."""
        return self.fit(X, y).transform(X)

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(None, TargetTags(required=True), TransformerTags(), input_tags=InputTags())


class ClassPCAClassifier(Estimator):
    """Layers of class-based PCA features, each fitted to the one before, and logistic regression on the last.

    No gradient passes through the layers: each is two moments and one eigenvalue problem for every class.

    Parameters
    ----------
    hidden : sequence of int
        Filters of each layer.
    lam, activation, balanced, seed
        As for ``ClassPCA``.
    C : float
        Inverse weight decay of the logistic regression.
    max_iter : int
        Most iterations of the logistic regression.

    Attributes
    ----------
    layers_ : list of ClassPCA
        The fitted features.
    head_ : sklearn.linear_model.LogisticRegression
        The fitted last layer.
    n_iter_ : int
        Its iterations.
    classes_ : ndarray
        The labels.

    References
    ----------
    dehmamy2019direct

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> x, y = load_digits(return_X_y=True)
    >>> ClassPCAClassifier(hidden=(40,)).fit(x[:1200], y[:1200]).score(x[1200:], y[1200:]) > 0.9
    True
    """

    layers_: list[ClassPCA]
    head_: Any
    n_iter_: int
    classes_: Any
    n_features_in_: int

    def __init__(
        self,
        hidden: Sequence[int] = (40,),
        *,
        lam: float = 1.0,
        activation: str = "relu",
        balanced: bool = False,
        C: float = 1.0,
        max_iter: int = 1000,
        seed: int = 0,
    ) -> None:
        self.hidden = hidden
        self.lam = lam
        self.activation = activation
        self.balanced = balanced
        self.C = C
        self.max_iter = max_iter
        self.seed = seed

    def fit(self, X: Any, y: Any) -> ClassPCAClassifier:
        """Fit samples `(samples, n_features)` with labels `(samples,)`."""
        from sklearn.linear_model import LogisticRegression

        x, labels = _labelled(self, X, y)
        values, codes = x.numpy(), labels.numpy()
        self.layers_ = []
        for count in self.hidden:
            layer = ClassPCA(count, lam=self.lam, activation=self.activation, balanced=self.balanced, seed=self.seed)
            values = layer.fit_transform(values, codes)
            self.layers_.append(layer)
        weight = "balanced" if self.balanced else None
        self.head_ = LogisticRegression(C=self.C, max_iter=self.max_iter, class_weight=weight).fit(values, codes)
        self.n_iter_ = int(self.head_.n_iter_.max())
        return self

    def decision_function(self, X: Any) -> Any:
        """Scores `(samples, classes)`, or `(samples,)` for two classes."""
        features = self._features(X)
        return self.head_.decision_function(features)

    def predict_proba(self, X: Any) -> Any:
        """Probabilities `(samples, classes)`."""
        features = self._features(X)
        return self.head_.predict_proba(features)

    def predict(self, X: Any) -> Any:
        """Labels `(samples,)`."""
        features = self._features(X)
        return self.classes_[self.head_.predict(features)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of labels that are right."""
        from sklearn.metrics import accuracy_score

        return float(accuracy_score(y, self.predict(X), sample_weight=sample_weight))

    def _features(self, X: Any) -> Any:
        """Features of the last layer `(samples, features)`."""
        values = _points(self, X).numpy()
        for layer in self.layers_:
            values = layer.transform(values)
        return values

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            "classifier",
            TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(),
        )


def _labelled(estimator: ClassPCA | ClassPCAClassifier, X: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Checked samples and codes of their labels; the labels become ``classes_``."""
    import numpy as np
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import validate_data

    x, targets = validate_data(estimator, X, y, dtype=np.float64, ensure_min_samples=2)
    check_classification_targets(targets)
    estimator.classes_, codes = np.unique(targets, return_inverse=True)
    if len(estimator.classes_) < 2:
        raise DataError(
            f"y: expected at least two classes, received one class ({estimator.classes_[0]!r}); class-based PCA "
            "compares classes"
        )
    return torch.tensor(x), torch.tensor(codes)


def _points(estimator: ClassPCA | ClassPCAClassifier, X: Any) -> Tensor:
    """Checked samples for a fitted estimator."""
    import numpy as np
    from sklearn.utils.validation import check_is_fitted, validate_data

    check_is_fitted(estimator)
    return torch.tensor(validate_data(estimator, X, dtype=np.float64, reset=False))
