"""``I(z) = int sigma / sigma' dz`` of elementwise activations, the potential of the data-dependent symmetry."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ...errors import SymmetryError

Elementwise = Callable[[Tensor], Tensor]


def _arctan(z: Tensor) -> Tensor:
    return (z + z**3 / 3) * torch.arctan(z) - z**2 / 6 - torch.log1p(z**2) / 3


def _softplus(z: Tensor) -> Tensor:
    """No elementary form: Gauss-Legendre quadrature of ``softplus (1 + e^-z)`` from 0."""
    from scipy.special import roots_legendre

    places, weights = (torch.as_tensor(part, dtype=z.dtype) for part in roots_legendre(96)[:2])
    nodes = z[..., None] * (places + 1) / 2
    return (torch.nn.functional.softplus(nodes) * (1 + torch.exp(-nodes)) @ weights) * z / 2


ACTIVATIONS: dict[str, tuple[Elementwise, Elementwise]] = {
    "identity": (lambda z: z, lambda z: z**2 / 2),
    "relu": (torch.relu, lambda z: torch.relu(z) ** 2 / 2),
    "leakyrelu": (torch.nn.functional.leaky_relu, lambda z: z**2 / 2),
    "tanh": (torch.tanh, lambda z: torch.sinh(z) ** 2 / 2),
    "sigmoid": (torch.sigmoid, lambda z: z + torch.exp(z)),
    "exp": (torch.exp, lambda z: z),
    "sin": (torch.sin, lambda z: -torch.log(torch.cos(z).abs())),
    "arctan": (torch.arctan, _arctan),
    "cube": (lambda z: z**3, lambda z: z**2 / 6),
    "square": (torch.square, lambda z: z**2 / 4),
    "softplus": (torch.nn.functional.softplus, _softplus),
}
_WITHOUT = {"gelu", "silu", "mish", "elu", "celu", "selu", "hardtanh", "relu6", "hardswish", "hardsigmoid"}


def primitive(activation: str) -> Elementwise:
    """``I`` of an activation by name, up to a constant.

    Raises
    ------
    SymmetryError
        If there is none (the slope of the activation vanishes, so ``I`` is singular), or it is not known.

    Examples
    --------
    >>> import torch
    >>> primitive("cube")(torch.tensor(3.0))
    tensor(1.5000)
    """
    key = activation.lower()
    if key in ACTIVATIONS:
        return ACTIVATIONS[key][1]
    reason = "its slope vanishes or jumps, so int sigma / sigma' is singular" if key in _WITHOUT else "it is unknown"
    raise SymmetryError(
        f"activation: expected one of {sorted(ACTIVATIONS)}, received {activation!r}; it has no law ({reason})"
    )


def normal_moments(function: Elementwise, deviation: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of a function of normal numbers of standard ``deviation`` (any shape), by quadrature."""
    from scipy.special import roots_hermitenorm

    nodes, weights = (torch.as_tensor(part, dtype=torch.float64) for part in roots_hermitenorm(80)[:2])
    values = function(deviation.to(torch.float64)[..., None] * nodes)
    mean = values @ weights / math.sqrt(2 * math.pi)
    return mean, (values - mean[..., None]).square() @ weights / math.sqrt(2 * math.pi)
