"""Finite motions as a stack of L-conv layers that share their generators."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...algebra._lie_algebra import LieAlgebra
from ...errors import DataError, RepresentationMismatchError
from ._generators import DenseGenerators, Generators
from ._span import Given

STEPS = ("exp", "cayley", "euler")


class LConvFlow(nn.Module):
    """``y = exp(sum_k t_k L_k) x``, or an approximation by ``steps`` equal layers.

    ``"euler"`` is the stack ``(1 + tL/n)^n`` of L-conv layers, with an error of order ``1/n`` and a growth of every
    wave; ``"cayley"`` is ``((1 - tL/2n)^-1 (1 + tL/2n))^n``, of order ``1/n^2`` and orthogonal for antisymmetric
    generators; ``"exp"`` is exact.

    Parameters
    ----------
    generators : Generators or Tensor or LieAlgebra or Action
        As for ``LConv``; square.
    step : str
        ``"exp"``, ``"cayley"`` or ``"euler"``.
    steps : int
        Number of layers of the latter two.
    dtype, device
        Of generators that are not wrapped.

    Raises
    ------
    DataError
        If the step is unknown or there is none.

    References
    ----------
    dehmamy2021automatic

    Examples
    --------
    >>> flow = LConvFlow(circular_shift(5), dtype=torch.float64)
    >>> moved = flow(torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]]).double(), torch.tensor([2.0]))
    >>> [round(value, 6) for value in moved[0].tolist()]
    [4.0, 5.0, 1.0, 2.0, 3.0]
    """

    def __init__(
        self,
        generators: Generators | Given,
        *,
        step: str = "exp",
        steps: int = 1,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        if step not in STEPS or steps < 1:
            raise DataError(
                f"expected step out of {', '.join(STEPS)} and at least one, received {step!r} and {steps}; "
                "use 'exp' if unsure"
            )
        if not isinstance(generators, Generators):
            generators = DenseGenerators(generators, frozen=True, dtype=dtype, device=device)
        if generators.shape[1] != generators.shape[2]:
            raise RepresentationMismatchError(
                f"generators: expected square ones, received shape {generators.shape}; a flow stays in its space"
            )
        self.generators = generators
        self.step = step
        self.steps = steps

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Move `(batch, ..., points)` by ``t``, `(K,)` for all samples or `(batch, K)`."""
        expected = (self.generators.shape[0],)
        if tuple(t.shape) not in (expected, (len(x), *expected)):
            raise RepresentationMismatchError(
                f"t: expected shape {expected} or {(len(x), *expected)}, received {tuple(t.shape)}; "
                "one number per generator"
            )
        times = t.to(x)
        if self.step == "euler":
            return self._stack(x, times)
        fields = x.reshape(len(x), -1, x.shape[-1])
        move = self.matrix(times).transpose(-2, -1)
        for _ in range(self.steps if self.step == "cayley" else 1):
            fields = fields @ move
        return fields.reshape(x.shape)

    def matrix(self, t: Tensor) -> Tensor:
        """The matrix `(..., points, points)` of one step for times `(..., K)`; of the whole flow with ``"exp"``."""
        element = torch.tensordot(t.to(self._matrices), self._matrices, dims=1)
        if self.step == "exp":
            return torch.linalg.matrix_exp(element)
        unit = torch.eye(element.shape[-1], dtype=element.dtype, device=element.device)
        if self.step == "euler":
            return unit + element / self.steps
        half = element / (2 * self.steps)
        return torch.linalg.solve(unit - half, unit + half)

    def extra_repr(self) -> str:
        """Kind and number of steps."""
        return f"step={self.step}, steps={self.steps}"

    @property
    def _matrices(self) -> Tensor:
        return self.generators.matrices()

    def _stack(self, x: Tensor, times: Tensor) -> Tensor:
        """Shared L-conv layers ``x + sum_k t_k L_k x / n``."""
        paces = times.movedim(-1, 0) / self.steps
        paces = paces.reshape(*paces.shape, *[1] * (x.ndim + 1 - paces.ndim))
        for _ in range(self.steps):
            x = x + (paces * self.generators(x)).sum(0)
        return x


def circular_shift(points: int) -> LieAlgebra:
    """The generator of shifts of a closed row of points: ``exp(t L)`` moves every wave by ``t`` points.

    For odd ``points`` integer shifts are exact. For even ones the highest wave has no sine on the grid and stays.

    Raises
    ------
    DataError
        If there are fewer than two points.

    Examples
    --------
    >>> L = circular_shift(7).basis[0]
    >>> bool((torch.linalg.matrix_exp(2 * L) - torch.eye(7).roll(2, 0)).abs().max() < 1e-12)
    True
    """
    if points < 2:
        raise DataError(f"points: expected at least 2, received {points}; one point cannot move")
    waves = 2 * torch.pi * torch.fft.rfftfreq(points, dtype=torch.float64)
    if points % 2 == 0:
        waves[-1] = 0.0
    spectrum = torch.fft.rfft(torch.eye(points, dtype=torch.float64), dim=0)
    return LieAlgebra(torch.fft.irfft(-1j * waves[:, None] * spectrum, n=points, dim=0)[None], "shift")
