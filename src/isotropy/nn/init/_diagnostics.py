"""Does training do what class-based PCA predicts: in which order layers settle, and along which directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...core._checks import as_points, require_fraction
from ...core._linalg import numerical_rank, orthonormal_rows
from ...errors import DataError
from .. import bars
from ._filters import Filters, choose_filters
from ._moments import ClassMoments, Summary


def half_times(history: Sequence[Mapping[str, Tensor]]) -> dict[str, float]:
    """When each parameter has gone half of its way, ``|W_t - W_end| = |W_0 - W_end| / 2``, in steps of the history.

    That lower layers settle first is a claim to be tested, not a rule; this is the test.

    Parameters
    ----------
    history : sequence of mappings
        Copies of ``state_dict`` from the start of training to its end, such as one for each epoch.

    Returns
    -------
    dict of str to float
        By name of the parameter, with a fraction of a step by linear interpolation; NaN for one that never moved.

    Raises
    ------
    DataError
        If there are fewer than three states.

    Examples
    --------
    >>> half_times([{"w": torch.tensor([v])} for v in (0.0, 4.0, 7.0, 8.0)])
    {'w': 1.0}
    """
    if len(history) < 3:
        raise DataError(f"history: expected at least three states, received {len(history)}; keep one for each epoch")
    names = [name for name, value in history[0].items() if value.dtype.is_floating_point]
    return {name: _half_time([state[name].detach().to(torch.float64) for state in history]) for name in names}


def _half_time(path: list[Tensor]) -> float:
    """First crossing of half the initial distance to the end."""
    distances = [float((value - path[-1]).norm()) for value in path]
    half = distances[0] / 2
    if not half:
        return float("nan")
    step = next(i for i, distance in enumerate(distances) if distance <= half)
    return step - 1 + (distances[step - 1] - half) / (distances[step - 1] - distances[step])


def alignment(weight: Tensor, x: Any, labels: Any, size: int | None = None) -> dict[str, float]:
    """Share of a weight's squared norm inside subspaces that the layer's input singles out.

    Parameters
    ----------
    weight : Tensor
        `(units, n)`, such as that of a trained first layer.
    x, labels : Tensor
        `(samples, n)` the layer's input, `(samples,)` its labels.
    size : int, optional
        Dimension of the subspaces; the number of classes if left out.

    Returns
    -------
    dict of str to float
        ``"class"`` and ``"class - all"`` for class-based PCA with ``lam`` 0 and 1, ``"all"`` for PCA of all samples,
        ``"means"`` for the span of the class means (at most classes - 1), ``"random"`` for what a random subspace
        holds on average.

    Raises
    ------
    DataError
        If the weight does not fit the samples.
    """
    points = as_points(x).to("cpu", torch.float64)
    if weight.ndim != 2 or weight.shape[1] != points.shape[1]:
        raise DataError(
            f"weight: expected (units, {points.shape[1]}) as the samples have, received {tuple(weight.shape)}; pass "
            "the input of this layer"
        )
    summary = ClassMoments(points.shape[1]).update(points, torch.as_tensor(labels)).summary()
    dim = len(summary.labels) if size is None else size
    away = summary.means - summary.mean
    spans = {
        "class": _filters(summary, dim, 0.0).weight,
        "class - all": _filters(summary, dim, 1.0).weight,
        "all": torch.linalg.eigh(summary.covariance).eigenvectors[:, -dim:].T,
        "means": torch.linalg.svd(away, full_matrices=False).Vh[: min(dim, numerical_rank(away))],
    }
    rows = weight.detach().to("cpu", torch.float64)
    whole = float(rows.square().sum())
    shares = {name: float((rows @ orthonormal_rows(span).T).square().sum()) / whole for name, span in spans.items()}
    return {**shares, "random": dim / points.shape[1]}


@dataclass(frozen=True)
class Convergence:
    """Filters of a part of the samples, beside those of all.

    Attributes
    ----------
    samples : int
        From which the filters come.
    overlap : float
        Mean cosine between each filter of all samples and the nearest one of this part.
    accuracy : float
        On held-out samples, of logistic regression on the rectified features; its own samples are the same
        throughout.
    """

    samples: int
    overlap: float
    accuracy: float


def sample_convergence(
    x: Any,
    labels: Any,
    counts: Sequence[int],
    *,
    units: int = 40,
    lam: float = 1.0,
    held_out: float = 0.4,
    seed: int = 0,
) -> list[Convergence]:
    """How many labelled samples the filters need: one entry for each of ``counts``, and one for all.

    The samples are split once; filters come from the first few of the training part, the last layer from all of it.

    Parameters
    ----------
    x : array_like
        `(samples, ...)`, flattened.
    labels : array_like
        `(samples,)` classes.
    counts : sequence of int
        Samples from which filters are computed.
    units : int
        Filters.
    lam : float
        Share of the common covariance that is taken away, see ``class_pca_``.
    held_out : float
        Share of the samples on which accuracies are measured.
    seed : int
        Of the split.

    Raises
    ------
    DataError
        If a count is larger than the training part, or so small that it holds one class only.
    """
    train, test = _split(x, labels, require_fraction(held_out, "held_out"), seed)
    if max(counts) > len(train[0]) or min(counts) < 2:
        raise DataError(
            f"counts: expected numbers from 2 to {len(train[0])} (the training part), received {list(counts)}; "
            "ask for fewer"
        )
    whole = _fitted(*train, units, lam)
    entries: list[Convergence] = []
    for count in [*counts, len(train[0])]:
        part = _fitted(train[0][:count], train[1][:count], units, lam)
        entries.append(Convergence(count, _overlap(whole, part), _accuracy(part, train, test)))
    return entries


Labelled = tuple[Tensor, Tensor]


def _split(x: Any, labels: Any, held_out: float, seed: int) -> tuple[Labelled, Labelled]:
    """Training and held-out samples, with the shares of the classes kept."""
    from sklearn.model_selection import train_test_split

    points, targets = as_points(x).to("cpu", torch.float64), torch.as_tensor(labels)
    first, second = train_test_split(
        range(len(points)), test_size=held_out, stratify=targets.numpy(), random_state=seed
    )
    return (points[first], targets[first]), (points[second], targets[second])


def _fitted(x: Tensor, y: Tensor, units: int, lam: float) -> Filters:
    """Filters of samples."""
    return _filters(ClassMoments(x.shape[1]).update(x, y).summary(), units, lam)


def _filters(summary: Summary, count: int, lam: float) -> Filters:
    """Filters with the usual bound on duplicates."""
    return choose_filters(summary, count, lam, bars.MOST_ALIKE, torch.Generator().manual_seed(0))


def _overlap(whole: Filters, part: Filters) -> float:
    """Mean over the filters of ``whole`` of the largest cosine with one of ``part``."""
    rows = [torch.nn.functional.normalize(fit.weight, dim=1) for fit in (whole, part)]
    return float((rows[0] @ rows[1].T).abs().amax(1).mean())


def _accuracy(fit: Filters, train: Labelled, test: Labelled) -> float:
    """Held-out accuracy of logistic regression on rectified features."""
    from sklearn.linear_model import LogisticRegression

    def features(x: Tensor) -> Any:
        return torch.relu(x @ fit.weight.T + fit.bias).numpy()

    head = LogisticRegression(max_iter=1000).fit(features(train[0]), train[1].numpy())
    return float(head.score(features(test[0]), test[1].numpy()))
