"""Least squares for ``y = exp(sum_k t_k L_k) x``: flows, generators for known times, times for known generators."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...core._linalg import StreamedQR, numerical_rank

_TERMS = 18  # of the exponential, for steps of size 2
_MOST_STEPS = 64
_CHUNK = 4096
_STALLED = 1e-3  # relative improvement of a round below which it was the last
_START = 0.2  # root mean square of unknown times
_DAMPING = 1e-3  # of Gauss-Newton steps: a direction that moves no point gets no time
_START_SIZE = 16  # components that start unknown times


def flow(generators: Tensor, times: Tensor, x: Tensor) -> Tensor:
    """``exp(sum_k t_k L_k) x`` `(batch, n)` for times `(batch, K)`, by its series in small steps."""
    steps = max(1, math.ceil(_reach(generators, times) / 2))
    paces = times / steps
    for _ in range(steps):
        term = x
        for power in range(1, _TERMS + 1):
            term = _field(generators, paces, term) / power
            x = x + term
    return x


def fit_generators(
    x: Tensor, y: Tensor, times: Tensor, start: Tensor, antisymmetric: bool, rounds: int
) -> tuple[Tensor, float]:
    """Generators `(K, n, n)` for known times `(pairs, K)`, and the error ``|exp(t L) x - y|`` they leave.

    Each round moves x forward and y back to their middle, where what is left is linear in the change of L up to
    third order. A round that does not help, or whose flow explodes, is not taken.
    """
    best, error = start, float((flow(start, times, x) - y).norm())
    for _ in range(rounds):
        change = _middle_change(best, x, y, times, antisymmetric)
        if not _reach(best + change, times) < 2 * _MOST_STEPS:
            break
        left = float((flow(best + change, times, x) - y).norm())
        if not left < error:
            break
        stalled = left > (1 - _STALLED) * error
        best, error = best + change, left
        if stalled:
            break
    return best, error


def fit_times(generators: Tensor, x: Tensor, y: Tensor, start: Tensor, rounds: int = 2) -> Tensor:
    """Times `(pairs, K)` that move each x closest to its y, by Gauss-Newton steps."""
    times = start
    for _ in range(rounds):
        moved = flow(generators, times, x)
        slopes = torch.einsum("kij,bj->bik", generators, moved)
        times = _bounded(generators, times + _small_least_squares(slopes, y - moved))
    return times


def fit_both(x: Tensor, y: Tensor, count: int, antisymmetric: bool, rounds: int) -> tuple[Tensor, Tensor]:
    """Generators and times when both are unknown, from x in principal components; norm 1 and orthogonal."""
    times = start_times(x, y, count)
    generators = x.new_zeros(count, x.shape[1], x.shape[1])
    error = math.inf
    for _ in range(rounds):
        generators, _ = fit_generators(x, y, times, generators, antisymmetric, 1)
        times = fit_times(generators, x, y, times)
        left = float((flow(generators, times, x) - y).norm())
        if left > (1 - _STALLED) * error:
            break
        error = left
    return unit_generators(generators, times)


def start_times(x: Tensor, y: Tensor, count: int) -> Tensor:
    """Times `(pairs, K)` from the leading directions of ``(y - x) x^T``, whatever their signs.

    To first order ``(y - x) (L x)^T`` has the sign of t, and among unit matrices M on white x the square of
    ``(y - x) . M x`` is on average largest for M along L.
    """
    size = min(_START_SIZE, x.shape[1])
    near, move = x[:, :size], (y - x)[:, :size]
    triangle = StreamedQR(size).update(near).R
    white = torch.linalg.solve_triangular(triangle, near, upper=True, left=False) * math.sqrt(len(x))
    products = StreamedQR(size * size)
    for d, w in zip(move.split(_CHUNK), white.split(_CHUNK), strict=True):
        products.update((d[:, :, None] * w[:, None]).flatten(1))
    leading = torch.linalg.svd(products.R, full_matrices=False).Vh[:count].reshape(count, size, size)
    slopes = torch.einsum("kij,bj->bik", leading, white)
    times = _small_least_squares(slopes, move)
    U, _, _ = torch.linalg.svd(times, full_matrices=False)
    return U * (_START * math.sqrt(len(x)))


def unit_generators(generators: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
    """The same motions by orthonormal generators, in the order of how much they are used; dependent ones stay."""
    triangle = torch.linalg.qr(generators.flatten(1).T, mode="r").R
    if numerical_rank(triangle) < len(generators):
        return generators, times
    U, S, V = torch.linalg.svd(times @ triangle.T, full_matrices=False)
    rows = torch.linalg.solve(triangle.T, generators.flatten(1))
    return (V @ rows).reshape(generators.shape), U * S


def _middle_change(generators: Tensor, x: Tensor, y: Tensor, times: Tensor, antisymmetric: bool) -> Tensor:
    """Change of the generators by least squares between ``exp(tL/2) x`` and ``exp(-tL/2) y``."""
    count, size = generators.shape[:2]
    streamed = StreamedQR((count + 1) * size)
    for a, b, t in zip(x.split(_CHUNK), y.split(_CHUNK), times.split(_CHUNK), strict=True):
        forward, back = flow(generators, t / 2, a), flow(generators, -t / 2, b)
        features = (t[:, :, None] * forward[:, None]).flatten(1)
        streamed.update(torch.cat([features, back - forward], dim=1))
    known, target = streamed.R.split([count * size, size], dim=1)
    if antisymmetric:
        return _antisymmetric(known, target, count)
    solution = torch.linalg.lstsq(known, target, driver="gelsd").solution
    return solution.reshape(count, size, size).transpose(1, 2)


def _antisymmetric(known: Tensor, target: Tensor, count: int) -> Tensor:
    """Antisymmetric least squares, one generator after the other until they settle; one alone is exact at once."""
    parts, size = known.split(target.shape[1], dim=1), target.shape[1]
    stack = target.new_zeros(count, size, size)
    for _ in range(1 if count == 1 else 50):
        for k, part in enumerate(parts):
            rest = target - sum((p @ stack[i].T for i, p in enumerate(parts) if i != k), torch.zeros_like(target))
            stack[k] = nearest_antisymmetric(part, rest)
    return stack


def nearest_antisymmetric(known: Tensor, target: Tensor) -> Tensor:
    """The antisymmetric L with least ``|known L^T - target|``: a Lyapunov equation, diagonal in singular vectors."""
    U, S, V = torch.linalg.svd(known, full_matrices=False)
    mixed = (V @ target.T @ U) * S
    weights = S[:, None].square() + S.square()
    ratios = torch.where(weights > 1e-24 * weights.max(), (mixed - mixed.T) / weights.clamp_min(1e-300), 0.0)
    return V.T @ ratios @ V


def _small_least_squares(slopes: Tensor, target: Tensor) -> Tensor:
    """Solutions `(batch, K)` for slopes `(batch, n, K)`; where nothing moves, zero."""
    squares = slopes.transpose(1, 2) @ slopes
    sizes = squares.diagonal(dim1=1, dim2=2).sum(1).clamp_min(1e-300)[:, None, None]
    unit = torch.eye(squares.shape[1], dtype=squares.dtype)
    return torch.linalg.solve(squares / sizes + _DAMPING * unit, (slopes.transpose(1, 2) @ target[:, :, None]) / sizes)[
        :, :, 0
    ]


def _field(generators: Tensor, times: Tensor, x: Tensor) -> Tensor:
    """``sum_k t_k L_k x``."""
    return sum((t[:, None] * (x @ L.T) for t, L in zip(times.T, generators, strict=True)), torch.zeros_like(x))


def _bounded(generators: Tensor, times: Tensor) -> Tensor:
    """Times no longer than a flow goes: pairs without a common motion would send them anywhere."""
    sizes = torch.linalg.matrix_norm(generators, ord=2)
    return times * (2 * _MOST_STEPS / (times.abs() @ sizes).clamp_min(2 * _MOST_STEPS))[:, None]


def _reach(generators: Tensor, times: Tensor) -> float:
    """A bound on the norm of ``sum_k t_k L_k``."""
    return float(times.abs().amax(0) @ torch.linalg.matrix_norm(generators, ord=2))
