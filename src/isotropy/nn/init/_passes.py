"""Batches with labels, and what a layer of a network receives from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import DataError
from ._patches import WEIGHTED

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
Batch = tuple[Tensor, Tensor]


class _ReachedError(Exception):
    """Stops a forward pass at the layer that was asked for."""


class Batches:
    """Labelled batches that can be read again and again, on the device and in the dtype of the model.

    Parameters
    ----------
    model : Module
        Its first parameter says where batches go.
    data : Tensor or iterable
        Inputs `(samples, ...)`, or a loader of pairs (inputs, labels).
    labels : Tensor, optional
        `(samples,)` integers; none with a loader, which has its own.
    size : int
        Samples of a batch, where ``data`` is a tensor.
    """

    def __init__(self, model: nn.Module, data: Any, labels: Any, size: int) -> None:
        self._example = next(model.parameters())
        self._data: Iterable[Any] = _split(data, labels, size)

    def __iter__(self) -> Iterator[Batch]:
        number = -1
        for number, batch in enumerate(self._data):
            x, y = _pair(batch, number)
            kind = self._example.dtype if x.dtype.is_floating_point else x.dtype
            yield x.to(self._example.device, kind), y
        if number < 0:
            raise DataError("data: expected at least one batch, received none; check the loader")


def _split(data: Any, labels: Any, size: int) -> Iterable[Any]:
    """Batches of tensors, or the loader itself once it is known to have no labels beside it."""
    if labels is None:
        if isinstance(data, Tensor) or not isinstance(data, Iterable):
            raise DataError(
                f"labels: expected one label for each sample, received none beside {type(data).__name__}; "
                "pass labels, or a loader of pairs (inputs, labels)"
            )
        if isinstance(data, Iterator):
            raise DataError(
                f"data: expected batches that can be read once for each layer, received a {type(data).__name__} "
                "that runs dry; pass a list or a DataLoader"
            )
        return data
    x, y = torch.as_tensor(data), torch.as_tensor(labels)
    return list(zip(x.split(size), y.split(size), strict=False)) if len(x) == len(y) else [(x, y)]


def _pair(batch: Any, number: int) -> Batch:
    """Inputs and labels of one batch, checked."""
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise DataError(
            f"batch {number}: expected a pair (inputs, labels), received {type(batch).__name__}"
            f"{f' of {len(batch)}' if isinstance(batch, tuple | list) else ''}; labels are missing there"
        )
    x, y = torch.as_tensor(batch[0]), torch.as_tensor(batch[1])
    if y.shape != x.shape[:1] or y.dtype.is_floating_point or y.dtype.is_complex:
        raise DataError(
            f"batch {number}: expected one integer label for each of {len(x)} samples, received {tuple(y.shape)} "
            f"of {y.dtype}; pass class indices"
        )
    if x.dtype.is_floating_point and not torch.isfinite(x).all():
        raise DataError(f"batch {number}: expected finite inputs, received NaN or infinity; remove or mend them")
    return x, y


@contextmanager
def still(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; every module gets its own mode back."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def executed_layers(model: nn.Module, x: Tensor) -> list[tuple[str, nn.Module]]:
    """Names and modules of weighted layers and batch norms, in the order in which they are first called."""
    order: list[tuple[str, nn.Module]] = []
    names: dict[nn.Module, str] = {
        module: name for name, module in model.named_modules() if isinstance(module, (*WEIGHTED, *_NORMS))
    }

    def note(called: nn.Module, _: Any) -> None:
        if all(module is not called for _, module in order):
            order.append((names[called], called))

    hooks = [module.register_forward_pre_hook(note) for module in names]
    try:
        model(x)
    finally:
        for hook in hooks:
            hook.remove()
    return order


def layer_inputs(model: nn.Module, layer: nn.Module, batches: Batches) -> Iterator[Batch]:
    """What the layer receives at its first call, batch by batch; the rest of the network is not run."""
    held: list[Tensor] = []

    def stop(_: nn.Module, arguments: tuple[Any, ...]) -> None:
        held.append(arguments[0])
        raise _ReachedError

    hook = layer.register_forward_pre_hook(stop)
    try:
        for x, y in batches:
            _run(model, x)
            yield held.pop(), y
    finally:
        hook.remove()


def _run(model: nn.Module, x: Tensor) -> None:
    """Run the model until the layer is reached."""
    try:
        model(x)
    except _ReachedError:
        return


def refresh_norm(model: nn.Module, norm: nn.Module, batches: Batches) -> None:
    """Set the running mean and variance of a batch norm to those of its present input."""
    if not isinstance(norm, _NORMS) or norm.running_mean is None or norm.running_var is None:
        return
    count, mean, scatter = 0, torch.zeros(norm.num_features, dtype=torch.float64), torch.tensor(0.0)
    for x, _ in layer_inputs(model, norm, batches):
        rows = x.detach().to("cpu", torch.float64).movedim(1, -1).reshape(-1, norm.num_features)
        step, total = rows.mean(0) - mean, count + len(rows)
        scatter = scatter + (rows - rows.mean(0)).square().sum(0) + step.square() * (count * len(rows) / total)
        mean, count = mean + step * (len(rows) / total), total
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(scatter / max(1, count - 1))
