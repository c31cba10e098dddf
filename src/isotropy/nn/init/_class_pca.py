"""Class-based PCA as an initialiser of networks."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import DataError
from .. import bars
from ._filters import Filters
from ._fit import Rule, Stream, fit_filters
from ._head import fit_head
from ._passes import Batches, executed_layers, layer_inputs, refresh_norm, still
from ._patches import WEIGHTED, Weighted, group_count, layer_rows, thinned

_HEADS = ("keep", "ridge", "logistic")


@dataclass(frozen=True)
class LayerFit:
    """How one layer was initialised.

    Attributes
    ----------
    eigenvalues : Tensor
        `(filters,)` of the class moment less ``lam`` times the covariance; NaN where a filter is random.
    classes : Tensor
        `(filters,)` index of the class behind each filter, in ascending order of labels; -1 where it is random.
    duplicates : int
        Eigenvectors left out because an earlier filter has the same direction.
    random : int
        Filters for which the classes had no direction left.
    rows : int
        Inputs seen; for a convolution its patches.
    seconds : float
        Time taken.
    """

    eigenvalues: Tensor
    classes: Tensor
    duplicates: int
    random: int
    rows: int
    seconds: float


@torch.no_grad()
def class_pca_(
    model: nn.Module,
    data: Any,
    labels: Any = None,
    *,
    layers: str | int | Sequence[str] = "all",
    lam: float = 1.0,
    head: str = "keep",
    strength: float = 1.0,
    duplicate: float = bars.MOST_ALIKE,
    balanced: bool = False,
    patches: int | None = None,
    max_size: int = 2048,
    batch_size: int = 512,
    seed: int = 0,
) -> dict[str, LayerFit]:
    """Fill the weights of a network with class-based principal components of each layer's input, in place.

    From the first layer to the last, ``w = v / sigma`` and ``b = -w . mean``, where v runs over the leading
    eigenvectors of ``S_c - lam S`` for each class c: ``S_c = E[(h - mean)(h - mean)^T | c]`` of the layer's input h
    (patches, for a convolution), S the covariance of all of it, and sigma the standard deviation of ``v . h``.
    Inputs are caught by hooks, so that branches, residual sums and batch norms are what the network makes of them.
    Batch norms after the first filled layer take the mean and variance of their new input.

    Parameters
    ----------
    model : Module
        Its layers ``Linear`` and ``Conv1d``, ``Conv2d``, ``Conv3d`` are filled; one that is called twice is fitted to
        its first input.
    data : Tensor or iterable
        Inputs `(samples, ...)`, or batches of pairs (inputs, labels) that can be read once for each layer.
    labels : Tensor, optional
        `(samples,)` integers, where ``data`` is a tensor.
    layers : "all", int or list of str
        All but the last, the first few, or those named.
    lam : float
        How much of the covariance of all is taken away; 0 repeats what the classes share, once for each class.
    head : "keep", "ridge" or "logistic"
        Whether and how to fit the last layer in closed form, with weight decay ``strength``.
    strength : float
        Weight decay of the fitted head.
    duplicate : float
        Cosine above which two filters count as one.
    balanced : bool
        Whether rare classes weigh as much as frequent ones.
    patches : int, optional
        At most so many patches of each image.
    max_size : int
        Inputs longer than this are projected first on the directions that a sketch of each class finds.
    batch_size : int
        Where ``data`` is a tensor.
    seed : int
        Of random patches and filters.

    Returns
    -------
    dict of str to LayerFit
        One entry for each filled layer, by name.

    Raises
    ------
    DataError
        If labels are missing, there is one class only, an input does not vary, or a layer is unknown.

    References
    ----------
    dehmamy2019direct

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> x = torch.randn(90, 4, generator=generator)
    >>> y = x[:, :3].argmax(1)
    >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3))
    >>> report = class_pca_(net, x, y)
    >>> list(report), report["0"].classes.tolist()
    (['0'], [0, 1, 2])
    """
    _check(head, lam, strength, patches)
    rule = Rule(lam, duplicate, balanced, max_size, torch.Generator().manual_seed(seed))
    batches = Batches(model, data, labels, batch_size)
    report: dict[str, LayerFit] = {}
    with still(model):
        order = executed_layers(model, next(iter(batches))[0])
        wanted, last = _wanted(layers, order, model)
        for name, module in order:
            if name in wanted and isinstance(module, WEIGHTED):
                report[name] = _fill(model, module, batches, patches, rule)
            elif report and not isinstance(module, WEIGHTED):
                refresh_norm(model, module, batches)
        if head != "keep":
            fit_head(head, model, last[0], last[1], batches, strength)
    return report


def _check(head: str, lam: float, strength: float, patches: int | None) -> None:
    """Refuse options that mean nothing."""
    if head not in _HEADS:
        raise DataError(f"head: expected one of {_HEADS}, received {head!r}; choose one of these")
    if not math.isfinite(lam) or not (0 < strength < math.inf):
        raise DataError(f"lam, strength: expected finite, strength above 0, received {lam} and {strength}; use 1 and 1")
    if patches is not None and patches < 1:
        raise DataError(f"patches: expected a positive number, or None for all, received {patches}; use None")


def _wanted(
    layers: str | int | Sequence[str], order: list[tuple[str, nn.Module]], model: nn.Module
) -> tuple[set[str], tuple[str, nn.Module]]:
    """Names of the layers to fill, and the last weighted layer."""
    weighted = [(name, module) for name, module in order if isinstance(module, WEIGHTED)]
    names = [name for name, _ in weighted]
    if isinstance(layers, str) and layers != "all":
        raise DataError(f'layers: expected "all", a number or a list of names, received {layers!r}; pass [{layers!r}]')
    chosen = names[:-1] if isinstance(layers, str) else names[:layers] if isinstance(layers, int) else list(layers)
    unknown = [name for name in chosen if name not in names]
    if unknown or not chosen:
        raise DataError(
            f"layers: expected some of {names} (Linear and Conv layers that {type(model).__name__} calls), received "
            f"{unknown or layers!r}; name layers to fill, the last one too if there is no other"
        )
    return set(chosen), weighted[-1]


def _stream(model: nn.Module, layer: Weighted, batches: Batches, patches: int | None, seed: int) -> Stream:
    """Rows `(groups, rows, size)` of the layer's input and their labels `(rows,)`, as often as asked for."""

    def read() -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(seed)  # anew, so that every reading gives the same patches
        for x, y in layer_inputs(model, layer, batches):
            rows = thinned(layer_rows(layer, x), patches, generator)
            yield rows.flatten(1, 2), y.to(rows.device).repeat_interleave(rows.shape[2])

    return read


def _fill(model: nn.Module, layer: Weighted, batches: Batches, patches: int | None, rule: Rule) -> LayerFit:
    """Fit one layer to its present input."""
    start = time.perf_counter()
    groups, size = group_count(layer), layer.weight[0].numel()
    stream = _stream(model, layer, batches, patches, rule.generator.initial_seed())
    fits, rows = fit_filters(stream, groups, size, len(layer.weight) // groups, rule)
    return _write(layer, fits, rows, start)


def _write(layer: Weighted, fits: list[Filters], rows: int, start: float) -> LayerFit:
    """Copy filters into the layer; one without a bias leaves the centring to what follows."""
    layer.weight.copy_(torch.cat([fit.weight for fit in fits]).reshape(layer.weight.shape))
    if layer.bias is not None:
        layer.bias.copy_(torch.cat([fit.bias for fit in fits]))
    classes = torch.cat([fit.classes for fit in fits])
    return LayerFit(
        torch.cat([fit.eigenvalues for fit in fits]),
        classes,
        sum(fit.duplicates for fit in fits),
        int((classes < 0).sum()),
        rows,
        time.perf_counter() - start,
    )
