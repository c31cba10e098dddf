"""Arithmetic of named parameters: dictionaries of tensors as points of one flat space."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ...errors import DataError

Parameters = Mapping[str, Tensor]


def named(model: nn.Module) -> dict[str, Tensor]:
    """Detached parameters of a model by name; shared ones stand once."""
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def flatten(parameters: Parameters) -> Tensor:
    """All entries in one vector `(n,)`, in the order of the names."""
    return torch.cat([value.reshape(-1) for value in parameters.values()])


def unflatten(vector: Tensor, like: Mapping[str, Tensor | tuple[int, ...]]) -> dict[str, Tensor]:
    """The inverse of ``flatten``, with the names and shapes of ``like``: of tensors, or shapes themselves."""
    shapes = {name: torch.Size(one if isinstance(one, tuple) else one.shape) for name, one in like.items()}
    parts = vector.split([shape.numel() for shape in shapes.values()])
    return {name: part.reshape(shape) for part, (name, shape) in zip(parts, shapes.items(), strict=True)}


def inner(first: Parameters, second: Parameters) -> Tensor:
    """Inner product `()` over the names of ``first``."""
    return torch.stack([(value * second[name]).sum() for name, value in first.items()]).sum()


def moved(parameters: Parameters, step: Parameters, size: float | Tensor = 1.0) -> dict[str, Tensor]:
    """``parameters + size * step``; names without a step stay."""
    return {name: value + size * step[name] if name in step else value for name, value in parameters.items()}


def random_like(parameters: Parameters, generator: torch.Generator) -> dict[str, Tensor]:
    """Normal entries of the same shapes."""
    return {
        name: torch.randn(value.shape, generator=generator, dtype=torch.float64).to(value)
        for name, value in parameters.items()
    }


def require_names(parameters: Parameters, wanted: Mapping[str, object], what: str) -> None:
    """Refuse parameters that lack a name."""
    missing = [name for name in wanted if name not in parameters]
    if missing:
        raise DataError(
            f"parameters: expected all that {what} touches, received none named {missing}; pass "
            "dict(model.named_parameters()) of the model it was built for"
        )
