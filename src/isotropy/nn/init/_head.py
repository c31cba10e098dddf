"""The last layer, solved on frozen features."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ...core._linalg import StreamedQR
from ...errors import DataError
from ._passes import Batches, layer_inputs


def fit_head(kind: str, model: nn.Module, name: str, head: nn.Module, batches: Batches, strength: float) -> None:
    """Fit the last linear layer to its present input, in place.

    Raises
    ------
    DataError
        If the layer is not linear with a bias, or its outputs are not one for each label 0, 1, ...
    """
    if not isinstance(head, nn.Linear) or "bias" not in dict(head.named_parameters()):
        raise DataError(
            f"head: expected a linear layer with a bias at the end, received {name!r} ({type(head).__name__}); "
            'use head="keep"'
        )
    features, labels = _collect(model, head, batches)
    if int(labels.min()) < 0 or int(labels.max()) >= head.out_features:
        raise DataError(
            f"labels: expected 0 to {head.out_features - 1} (the outputs of {name!r}), received "
            f"{int(labels.min())} to {int(labels.max())}; renumber them"
        )
    solver = _ridge if kind == "ridge" else _logistic
    weight, bias = solver(features, labels, head.out_features, strength)
    head.weight.copy_(weight)
    head.bias.copy_(bias)


def _collect(model: nn.Module, head: nn.Module, batches: Batches) -> tuple[Tensor, Tensor]:
    """All inputs of the last layer `(samples, n)`, with their labels."""
    parts = [(x.detach().to("cpu", torch.float64), y.cpu()) for x, y in layer_inputs(model, head, batches)]
    features = torch.cat([x for x, _ in parts])
    if features.ndim != 2:
        raise DataError(f"head: expected features (samples, n), received {tuple(features.shape)}; pool or flatten them")
    return features, torch.cat([y for _, y in parts])


def _ridge(x: Tensor, y: Tensor, classes: int, strength: float) -> tuple[Tensor, Tensor]:
    """Least squares on one-hot labels with ``strength |W|^2``, by QR of the stacked rows."""
    mean, target = x.mean(0), nn.functional.one_hot(y, classes).to(torch.float64)
    centred = target - target.mean(0)
    n = x.shape[1]
    streamed = StreamedQR(n + classes).update(torch.cat([x - mean, centred], dim=1))
    streamed.update(strength**0.5 * torch.eye(n, n + classes, dtype=torch.float64))
    factor = streamed.R
    weight = torch.linalg.lstsq(factor[:n, :n], factor[:n, n:], driver="gelsd").solution.T
    return weight, target.mean(0) - weight @ mean


def _logistic(x: Tensor, y: Tensor, classes: int, strength: float) -> tuple[Tensor, Tensor]:
    """Multinomial logistic regression; a class without samples gets a bias that never wins."""
    from sklearn.linear_model import LogisticRegression

    fitted: Any = LogisticRegression(C=1 / strength, max_iter=1000).fit(x.numpy(), y.numpy())
    weight, bias = torch.from_numpy(fitted.coef_), torch.from_numpy(fitted.intercept_)
    if len(fitted.classes_) == 2:
        weight, bias = torch.cat([-weight, weight]) / 2, torch.cat([-bias, bias]) / 2
    rows = torch.zeros(classes, x.shape[1], dtype=torch.float64)
    offsets = torch.full((classes,), -1e3, dtype=torch.float64)
    rows[fitted.classes_], offsets[fitted.classes_] = weight.to(torch.float64), bias.to(torch.float64)
    return rows, offsets
