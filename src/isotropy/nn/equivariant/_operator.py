"""Integral operators on sampled fields that commute with an action."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ...core._checks import as_points
from ...enforce import FunctionBasis
from ...errors import DataError, RepresentationMismatchError

_MOST_KEPT = 2**24  # numbers of kernel values that are kept rather than computed in every pass


class IntegralOperator(nn.Module):
    """``(T u)(y) = sum_k c_k int K_k(y, x) u(x) dx + sum_l d_l b_l(y)`` on fields sampled with quadrature weights.

    Commutes with the action whatever the parameters, up to the error of the quadrature. What follows it point by
    point must commute with the representation of the values: any function of scalars; for vectors only what respects
    their rotation, such as a gate ``v -> s(|v|) v``, and not ReLU of each coordinate.

    Parameters
    ----------
    kernels : FunctionBasis
        From ``enforce.equivariant_kernels``.
    points : array_like
        `(points, n)` where input fields are sampled.
    weights : array_like
        `(points,)` of the quadrature.
    targets : array_like, optional
        `(targets, n)` where output fields are wanted; ``points`` if left out.
    bias : FunctionBasis, optional
        From ``enforce.equivariant_functions``: fields ``b_l`` that the action leaves as they are.
    generator : torch.Generator, optional
        Of the initial coefficients.

    Attributes
    ----------
    coefficients : Parameter
        `(k,)` free coefficients of kernels.
    shifts : Parameter
        `(l,)` free coefficients of bias fields.

    Raises
    ------
    DataError
        If weights are not one for each point, or points are not finite.
    RepresentationMismatchError
        If kernels, bias, points or fields do not fit one another.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> from isotropy.actions import Affine
    >>> G = iso.translation(1)
    >>> circle = iso.dictionary.custom(2, {"cos": lambda p: (p[:, 0] - p[:, 1]).cos(), "y": lambda p: p[:, 0]})
    >>> kernels = iso.enforce.equivariant_kernels(circle, Affine(G), G.scalar(), G.scalar())
    >>> x = 2 * torch.pi * torch.arange(8)[:, None] / 8
    >>> operator = iso.nn.IntegralOperator(kernels, x, torch.full((8,), 2 * torch.pi / 8))
    >>> operator(torch.randn(5, 8, 1)).shape, len(operator.coefficients)
    (torch.Size([5, 8, 1]), 1)
    """

    points: Tensor
    weights: Tensor
    targets: Tensor
    kept_values: Tensor | None
    bias_values: Tensor | None

    def __init__(
        self,
        kernels: FunctionBasis,
        points: Any,
        weights: Any,
        *,
        targets: Any = None,
        bias: FunctionBasis | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if len(kernels.event) != 2 or not kernels.dim:
            raise RepresentationMismatchError(
                f"kernels: expected at least one kernel with matrix values, received {kernels.dim} with values of "
                f"shape {kernels.event}; build them by enforce.equivariant_kernels"
            )
        if bias is not None and bias.event != kernels.event[:1]:
            raise RepresentationMismatchError(
                f"bias: expected fields of {kernels.event[0]} channels as the kernels give, received shape "
                f"{bias.event}; build it by enforce.equivariant_functions with the same rho_out"
            )
        self.kernels = kernels
        self.bias = bias
        self._sample(points, weights, targets)
        start = torch.randn(kernels.dim, generator=generator, dtype=torch.float64) / self._gains()
        self.coefficients = nn.Parameter(start.to(self.weights.dtype) / math.sqrt(kernels.dim))
        self.shifts = nn.Parameter(self.weights.new_zeros(bias.dim if bias else 0))

    def forward(self, u: Tensor) -> Tensor:
        """Fields `(batch, targets, c_out)` from fields `(batch, points, c_in)`."""
        expected = (len(self.points), self.kernels.event[1])
        if u.ndim != 3 or tuple(u.shape[1:]) != expected:
            raise RepresentationMismatchError(
                f"u: expected fields of shape (batch, {expected[0]}, {expected[1]}), received {tuple(u.shape)}; "
                "sample them at the operator's points, one column per channel"
            )
        weighted = u * self.weights[:, None].to(u)
        value = torch.cat([self._integrate(rows, weighted) for rows in self._blocks()], dim=1)
        return value if self.bias_values is None else value + torch.einsum("l,lto->to", self.shifts, self.bias_values)

    def on(self, points: Any, weights: Any, targets: Any = None) -> IntegralOperator:
        """The same operator, sharing its parameters, for fields sampled elsewhere."""
        other = IntegralOperator(self.kernels, points, weights, targets=targets, bias=self.bias)
        other.coefficients, other.shifts = self.coefficients, self.shifts
        return other

    def extra_repr(self) -> str:
        """Sizes."""
        return f"kernels={self.kernels.dim}, points={len(self.points)}, channels={self.kernels.event}"

    def _sample(self, points: Any, weights: Any, targets: Any) -> None:
        """Store where fields live, and kernel values if they fit."""
        size = self.kernels.dictionary.size // 2
        x = as_points(points, "points", (size,)).detach()
        y = x if targets is None else as_points(targets, "targets", (size,)).detach().to(x)
        w = torch.as_tensor(weights).detach().to(x)
        if w.shape != x.shape[:1]:
            raise DataError(f"weights: expected shape ({len(x)},), received {tuple(w.shape)}; one per point")
        self.register_buffer("points", x)
        self.register_buffer("weights", w)
        self.register_buffer("targets", y)
        self.register_buffer("bias_values", None if self.bias is None else self.bias.evaluate(y).detach())
        entries = self.kernels.dim * len(x) * len(y) * math.prod(self.kernels.event)
        self.register_buffer("kept_values", self._values(y) if entries <= _MOST_KEPT else None)

    def _blocks(self) -> tuple[slice, ...]:
        """Rows of targets that are handled together."""
        if self.kept_values is not None:
            return (slice(None),)
        per_row = self.kernels.dim * len(self.points) * math.prod(self.kernels.event)
        step = max(1, _MOST_KEPT // per_row)
        return tuple(slice(start, start + step) for start in range(0, len(self.targets), step))

    def _values(self, targets: Tensor) -> Tensor:
        """Kernel values `(k, targets, points, c_out, c_in)`."""
        y = targets[:, None].expand(-1, len(self.points), -1)
        x = self.points[None].expand(len(targets), -1, -1)
        pairs = torch.cat([y, x], dim=2).flatten(0, 1)
        return self.kernels.evaluate(pairs).unflatten(1, (len(targets), len(self.points))).detach()

    def _integrate(self, rows: slice, weighted: Tensor) -> Tensor:
        values = self.kept_values[:, rows] if self.kept_values is not None else self._values(self.targets[rows])
        kernel = torch.einsum("k,ktsoi->tsoi", self.coefficients.to(values), values)
        return torch.einsum("tsoi,bsi->bto", kernel, weighted)

    def _gains(self) -> Tensor:
        """Root mean square answer `(k,)` of each kernel to unit white noise."""
        squares = torch.zeros(self.kernels.dim, dtype=torch.float64)
        for rows in self._blocks():
            values = self._values(self.targets[rows]) * self.weights[:, None, None]
            squares += values.to(torch.float64).square().sum(dim=(1, 2, 3, 4)).cpu()
        return (squares / (len(self.targets) * self.kernels.event[0])).sqrt().clamp_min(1e-12)
