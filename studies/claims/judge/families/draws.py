"""Small random ingredients that all families of the judge set share."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

Draw = np.random.Generator
Field = Callable[[Tensor], Tensor]


def tensor(values: np.ndarray | list[float] | float) -> Tensor:
    """Contiguous float64."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64))


def frame(draw: Draw, n: int, condition: float = 4.0) -> Tensor:
    """A random matrix `(n, n)` of condition number at most ``condition``, of determinant about one."""
    left, right = (np.linalg.qr(draw.normal(size=(n, n)))[0] for _ in range(2))
    half = math.log(condition) / 2
    return tensor(left * np.exp(draw.uniform(-half, half, n)) @ right)


def units(draw: Draw, n: int, decades: float) -> Tensor:
    """Units `(n,)` of columns, ``10^U(-decades, decades)``."""
    return tensor(10 ** draw.uniform(-decades, decades, n))


def linear_forms(draw: Draw, n: int, count: int, pace: float = 1.0) -> Field:
    """Linear forms `(batch, count)` with shifts, of variance ``2 pace^2`` on unit samples, whatever ``n`` is."""
    weights, shift = tensor(pace * draw.normal(size=(n, count)) / math.sqrt(n)), tensor(pace * draw.normal(size=count))
    return lambda x: math.sqrt(2) * (x @ weights) + shift


def gaussian_process(draw: Draw, n: int, outputs: int = 1, length: float = 1.3, terms: int = 48) -> Field:
    """A draw of a Gaussian process with a squared exponential kernel, by random features; unit variance."""
    pace, phase = tensor(draw.normal(size=(n, terms)) / length), tensor(draw.uniform(0, 2 * np.pi, terms))
    weights = tensor(draw.normal(size=(terms, outputs)) * math.sqrt(2 / terms))
    return lambda x: torch.cos(x @ pace + phase) @ weights


def scalar(field: Field) -> Field:
    """The only column of a field."""
    return lambda x: field(x)[:, 0]


def jacobian(f: Field, x: Tensor) -> tuple[Tensor, Tensor]:
    """Values `(S, m)` and derivatives `(S, m, n)` of a map whose rows do not see one another."""
    points = x.detach().requires_grad_(True)
    values = f(points)
    values = values[:, None] if values.ndim == 1 else values
    slopes = [
        torch.autograd.grad(values[:, j].sum(), points, retain_graph=True, materialize_grads=True)[0]
        for j in range(values.shape[1])
    ]
    return values.detach(), torch.stack(slopes, dim=1)
