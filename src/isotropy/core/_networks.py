"""Networks as plain data and back: layers out of a list, by their options and weights.

Nothing is pickled, and no name in a file leads to an import: a layer that is not in the list is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..errors import DataError, NotRecordableError
from ._parts import Parts

_MOST = 2**16  # pixels or units along one axis
_MOST_PIXELS = 2**24  # of all axes: what a layer may blow a point up to when it is used
Options = dict[str, Any]


def _size(parts: Parts, name: str) -> int:
    return parts.whole(name, 1, _MOST)


def _sizes(parts: Parts, name: str) -> tuple[int, ...]:
    sizes = parts.wholes(name, 1, _MOST)
    if math.prod(sizes) > _MOST_PIXELS:
        raise DataError(f"{parts.where}.{name}: expected at most {_MOST_PIXELS} pixels, received {sizes}; use fewer")
    return sizes


def _steps(parts: Parts, name: str) -> tuple[int, ...]:
    return parts.wholes(name, 0, 2**10)


def _axis(parts: Parts, name: str) -> int:
    return parts.whole(name, -8, 8)


@dataclass(frozen=True)
class _Layer:
    """A kind of layer: options by the names of its constructor, and what must be as it is by default."""

    kind: Callable[..., nn.Module]
    options: Mapping[str, Callable[[Parts, str], object]] = field(default_factory=dict[str, Any])
    fixed: Mapping[str, object] = field(default_factory=dict[str, object])
    weight: Callable[[Options], tuple[int, ...]] | None = None
    axes: int = 0


def _dense_weight(options: Options) -> tuple[int, ...]:
    return options["out_features"], options["in_features"]


def _kernel(options: Options) -> tuple[int, ...]:
    return options["out_channels"], options["in_channels"] // options["groups"], *options["kernel_size"]


_PER_AXIS = ("kernel_size", "stride", "dilation", "padding")
_CONVOLUTION = {
    **dict.fromkeys(("in_channels", "out_channels", "groups"), _size),
    **dict.fromkeys(("kernel_size", "stride", "dilation"), _sizes),
    "padding": _steps,
}
_ZEROS = {"padding_mode": "zeros"}
_NO_FACTOR = {"scale_factor": None, "align_corners": None, "recompute_scale_factor": None}

LAYERS: dict[str, _Layer] = {
    "Linear": _Layer(nn.Linear, dict.fromkeys(("in_features", "out_features"), _size), weight=_dense_weight),
    "Conv1d": _Layer(nn.Conv1d, _CONVOLUTION, _ZEROS, _kernel, 1),
    "Conv2d": _Layer(nn.Conv2d, _CONVOLUTION, _ZEROS, _kernel, 2),
    "Identity": _Layer(nn.Identity),
    "Tanh": _Layer(nn.Tanh),
    "ReLU": _Layer(nn.ReLU),
    "SiLU": _Layer(nn.SiLU),
    "Sigmoid": _Layer(nn.Sigmoid),
    "GELU": _Layer(nn.GELU, {"approximate": lambda parts, name: parts.choice(name, ("none", "tanh"))}),
    "Softplus": _Layer(nn.Softplus, dict.fromkeys(("beta", "threshold"), Parts.number)),
    "ELU": _Layer(nn.ELU, {"alpha": Parts.number}),
    "LeakyReLU": _Layer(nn.LeakyReLU, {"negative_slope": Parts.number}),
    "Flatten": _Layer(nn.Flatten, dict.fromkeys(("start_dim", "end_dim"), _axis)),
    "Unflatten": _Layer(nn.Unflatten, {"dim": _axis, "unflattened_size": _sizes}),
    "Upsample": _Layer(
        nn.Upsample,
        {"size": _sizes, "mode": lambda parts, name: parts.choice(name, ("nearest", "linear", "bilinear"))},
        _NO_FACTOR,
    ),
}
_NAMES = ("Sequential", *LAYERS)


def write_network(network: object, prefix: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A network as plain data, and its weights by names that start with a prefix.

    Weights behind a parametrisation, such as orthogonal ones, are written as what they are.

    Raises
    ------
    NotRecordableError
        If it is a Python function, has hooks, or holds a layer that is not in the list.
    """
    if not isinstance(network, nn.Module):
        raise NotRecordableError(
            f"network: expected an nn.Sequential of known layers, received {_called(network)}; a Python function "
            f"cannot be kept in a file: build it from {', '.join(LAYERS)}"
        )
    kind = parametrize.type_before_parametrizations(network)
    _require_plain(network)
    if kind is nn.Sequential:
        children = [write_network(child, f"{prefix}.{i}") for i, child in enumerate(network.children())]
        tensors = {name: tensor for _, part in children for name, tensor in part.items()}
        return {"layer": "Sequential", "layers": [words for words, _ in children]}, tensors
    name = next((name for name, layer in LAYERS.items() if layer.kind is kind), None)
    if name is None:
        raise NotRecordableError(
            f"network: expected layers out of {', '.join(_NAMES)}, received {kind.__name__}; build it from these"
        )
    return _write_layer(network, name, prefix)


def read_network(parts: Parts, tensors: Mapping[str, Tensor], prefix: str) -> nn.Module:
    """The network that ``write_network`` wrote, ready for use, without gradients of its weights.

    Sizes are compared with the weights before anything is built, and nothing is allocated but copies of these.

    Raises
    ------
    DataError
        If something is missing, unknown or does not fit.
    """
    name = parts.choice("layer", _NAMES)
    if name == "Sequential":
        children = [read_network(p, tensors, f"{prefix}.{i}") for i, p in enumerate(parts.inners("layers"))]
        made: nn.Module = nn.Sequential(*children)
    else:
        made = _read_layer(parts, LAYERS[name], tensors, prefix)
    parts.done()
    return made.eval()


def take(tensors: Mapping[str, Tensor], name: str, shape: tuple[int, ...] | None) -> Tensor:
    """A copy of a stored tensor, after its shape, type and values have been checked.

    Raises
    ------
    DataError
        If it is missing, or not what was expected.
    """
    tensor = tensors.get(name)
    if not isinstance(tensor, Tensor):
        raise DataError(f"{name}: expected a tensor of weights, received none; keep the weights beside the file")
    if (shape is not None and tuple(tensor.shape) != shape) or tensor.dtype not in (torch.float32, torch.float64):
        wanted = "any shape" if shape is None else f"shape {shape}"
        raise DataError(
            f"{name}: expected {wanted} in float32 or float64, received {tuple(tensor.shape)} in {tensor.dtype}; "
            "keep file and weights together"
        )
    if not bool(torch.isfinite(tensor).all()):
        raise DataError(f"{name}: expected finite weights, received NaN or infinity; train again")
    return tensor.detach().to("cpu").clone()


def keep(tensor: Tensor) -> Tensor:
    """A copy of a weight that can be stored."""
    return tensor.detach().to("cpu").contiguous().clone()


def _write_layer(network: nn.Module, name: str, prefix: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    layer = LAYERS[name]
    changed = [key for key, value in layer.fixed.items() if getattr(network, key) != value]
    if changed:
        raise NotRecordableError(f"network: expected {name} with {dict(layer.fixed)}, received another; leave it out")
    words: dict[str, Any] = {"layer": name}
    for option in layer.options:
        value = getattr(network, option)
        one = option == "size" and isinstance(value, int)
        words[option] = [value] if one else list(value) if isinstance(value, tuple) else value
    if layer.weight is None:
        return words, {}
    weights = {key: getattr(network, key) for key in ("weight", "bias")}
    stored = {f"{prefix}.{key}": keep(tensor) for key, tensor in weights.items() if tensor is not None}
    return {**words, "bias": weights["bias"] is not None}, stored


def _read_layer(parts: Parts, layer: _Layer, tensors: Mapping[str, Tensor], prefix: str) -> nn.Module:
    options: Options = {name: read(parts, name) for name, read in layer.options.items()}
    if any(len(options[name]) != layer.axes for name in _PER_AXIS if name in options):
        raise DataError(f"{parts.where}: expected sizes for each of {layer.axes} axes, received others; write it again")
    if layer.weight is None:
        return _built(parts, layer, options)
    shape, bias = layer.weight(options), parts.flag("bias")
    weights = {"weight": take(tensors, f"{prefix}.weight", shape)}
    if bias:
        weights["bias"] = take(tensors, f"{prefix}.bias", shape[:1])
    made = _built(parts, layer, {**options, "bias": bias, "device": "meta"})  # no memory for weights that are replaced
    for name, weight in weights.items():
        setattr(made, name, nn.Parameter(weight, requires_grad=False))
    return made


def _built(parts: Parts, layer: _Layer, options: Options) -> nn.Module:
    try:
        return layer.kind(**options)
    except (ValueError, TypeError) as error:  # such as groups that do not divide the channels
        raise DataError(f"{parts.where}: expected options that fit, received: {error}; write the file again") from error


def _require_plain(network: nn.Module) -> None:
    """Refuse hooks: they change what a layer does and cannot be seen in its options."""
    if network._forward_hooks or network._forward_pre_hooks:
        raise NotRecordableError(
            f"network: expected layers without hooks, received {type(network).__name__} with some; remove the hooks"
        )


def _called(network: object) -> str:
    name = getattr(network, "__name__", None) or cast(Any, type(network)).__name__
    return f"the function {name}" if callable(network) else str(name)
