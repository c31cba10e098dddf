"""Noise of sampled states: how large it is, and what it does to functions of the state."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...dictionary import Dictionary, Polynomials
from ...errors import DataError

_STENCIL = 5  # samples from which a cubic is removed
_FLOOR = 1e-24  # of the variance, relative to that of the states: data without noise still have weights
_VISIBLE = 0.1  # share of the noise that a signal needs to be timed
_NODES = 4  # of the Gauss-Hermite rule per coordinate
_MOST_COORDINATES = 4  # of a grid of nodes


def noise_variance(x: Tensor, t: Tensor) -> Tensor:
    """Variance `(T, n)` of the noise on states `(T, n)`, from what a local cubic leaves, averaged over a quarter.

    Five neighbours are combined with the weights of a fourth divided difference, of unit norm, which see noise and no
    cubic, on even and uneven grids alike.
    """
    windows, stamps = x.unfold(0, _STENCIL, 1), t.unfold(0, _STENCIL, 1)  # (T - 4, n, 5) and (T - 4, 5)
    gaps = (stamps[:, :, None] - stamps[:, None, :]) + torch.eye(_STENCIL, dtype=torch.float64)
    weights = 1 / (gaps / gaps.abs().mean()).prod(dim=2)
    weights = weights / weights.norm(dim=1, keepdim=True)
    squares = torch.einsum("tnk,tk->tn", windows, weights).square()
    local = moving_mean(squares, max(25, len(x) // 4))
    ends = [local[:1].expand(2, -1), local, local[-1:].expand(2, -1)]
    return torch.cat(ends) + _FLOOR * x.var(dim=0) + torch.finfo(torch.float64).tiny


def moving_mean(x: Tensor, width: int) -> Tensor:
    """Mean `(T, n)` over windows of about ``width`` samples, shorter at the ends."""
    half = min(width, len(x)) // 2
    sums = torch.cat([torch.zeros_like(x[:1]), x.cumsum(0)])
    places = torch.arange(len(x))
    upper, lower = (places + half + 1).clamp_max(len(x)), (places - half).clamp_min(0)
    return (sums[upper] - sums[lower]) / (upper - lower)[:, None]


def correlation_steps(x: Tensor, variance: Tensor) -> int:
    """Steps after which the fastest coordinate has changed by half: ``E|x(t + L) - x(t)|^2 - 2 s^2 = var x``.

    A sixth of the period of an oscillation; the length of the trajectory where nothing changes so much.
    """
    noise = variance.mean(0)
    signal = (x.var(dim=0) - noise).clamp_min(0.0)
    for lag in range(1, len(x) // 2):
        change = (x[lag:] - x[:-lag]).square().mean(0) - 2 * noise
        if bool((change >= signal).logical_and(signal > noise * _VISIBLE).any()):
            return lag
    return len(x)


def block_means(x: Tensor, t: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Means of ``width`` neighbouring samples; the rest at the end is dropped."""
    whole = len(x) // width * width
    return x[:whole].reshape(-1, width, x.shape[1]).mean(1), t[:whole].reshape(-1, width).mean(1)


def unbiased_terms(dictionary: Dictionary, x: Tensor, variance: Tensor) -> Tensor:
    """Terms `(T, terms)` whose mean under the noise is that of the noise-free state.

    ``E f(x + e) = exp(s^2 Laplace / 2) f(x)`` for normal noise is undone: Hermite polynomials take the place of powers,
    and any other analytic function is averaged over imaginary noise, ``E f(x + i e)``.
    """
    if isinstance(dictionary, Polynomials):
        return _hermite(dictionary, x, variance)
    if dictionary.size > _MOST_COORDINATES:
        raise DataError(
            f"dictionary: expected polynomials, or at most {_MOST_COORDINATES} coordinates, for unbiased terms, "
            f"received other terms of {dictionary.size} coordinates; pass unbiased=False"
        )
    nodes, weights = _gauss_hermite(dictionary.size)
    root, total = variance.sqrt(), torch.zeros(len(x), len(dictionary), dtype=torch.float64)
    for node, weight in zip(nodes, weights, strict=True):
        total += weight * dictionary.evaluate(torch.complex(x, root * node)).real
    return total


def _hermite(dictionary: Polynomials, x: Tensor, variance: Tensor) -> Tensor:
    powers = [torch.ones_like(x), x]
    for k in range(1, dictionary.degree):
        powers.append(x * powers[-1] - k * variance * powers[-2])
    table = torch.stack(powers)  # (degree + 1, T, n)
    columns = [table[dictionary.exponents[:, i], :, i] for i in range(dictionary.size)]
    return torch.stack(columns).prod(dim=0).T


def _gauss_hermite(size: int) -> tuple[Tensor, Tensor]:
    """Nodes `(q, size)` and weights `(q,)` of the standard normal distribution."""
    import numpy

    points, weights = (torch.as_tensor(a) for a in numpy.polynomial.hermite_e.hermegauss(_NODES))
    grid = torch.cartesian_prod(*[points] * size).reshape(-1, size)
    product = torch.cartesian_prod(*[weights / math.sqrt(2 * math.pi)] * size).reshape(-1, size)
    return grid, product.prod(dim=1)
