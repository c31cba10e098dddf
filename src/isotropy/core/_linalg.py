"""Numerics that every verb shares: streamed QR, kernels with their gap, angles between subspaces."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import DataError
from . import bars

EPSILON = torch.finfo(torch.float64).eps
_WAITING = 2**16  # entries per factorization: tall enough to be efficient, small enough for the cache


class StreamedQR:
    """The triangular factor of a tall matrix seen block by block, in float64.

    After any sequence of updates ``R.T @ R`` equals the sum of ``block.T @ block``, but the condition number is
    never squared: ``R <- qr([R; block]).R``. Rows wait until there are enough for one factorization, so the height
    of the blocks changes neither the result nor the speed. Memory is that of the factor and of the waiting rows,
    whatever the number of rows. Two factors merge into one, in any order, so workers can share the rows.

    Parameters
    ----------
    columns : int
        Number of columns of the tall matrix.

    Examples
    --------
    >>> import torch
    >>> tall = torch.randn(100, 3, dtype=torch.float64)
    >>> streamed = StreamedQR(3).update(tall[:40]).update(tall[40:])
    >>> bool(torch.allclose(streamed.R.T @ streamed.R, tall.T @ tall))
    True
    """

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows = 0
        self._stack = torch.zeros(0, columns, dtype=torch.float64)  # rows of the factor, then those that wait
        self._factor = 0
        self._filled = 0

    @property
    def R(self) -> Tensor:
        """The factor `(min(rows, columns), columns)` of all rows so far, on the CPU."""
        self._reduce()
        return self._stack[: self._factor].clone().cpu()

    def update(self, block: Tensor) -> StreamedQR:
        """Absorb rows `(rows, columns)` and return self."""
        if block.ndim != 2 or block.shape[1] != self.columns:
            raise DataError(
                f"block: expected shape (rows, {self.columns}), received {tuple(block.shape)}; "
                "pass one column per unknown"
            )
        self.rows += block.shape[0]
        rest = block.detach()
        while rest.shape[0]:
            rest = self._absorb(rest)
        return self

    def merge(self, other: StreamedQR) -> StreamedQR:
        """Absorb another factor of the same width and return self."""
        rows = self.rows + other.rows
        self.update(other.R)
        self.rows = rows
        return self

    def _absorb(self, block: Tensor) -> Tensor:
        """Let rows wait, as many as fit, and return the others."""
        height = self._stack.shape[0]
        if not height:
            height = self.columns + max(self.columns, _WAITING // max(1, self.columns))
            self._stack = self._stack.new_empty(height, self.columns, device=block.device)
        if self._filled == height:
            self._reduce()
        end = min(height, self._filled + block.shape[0])
        taken = end - self._filled
        self._stack[self._filled : end] = block[:taken]
        self._filled = end
        return block[taken:]

    def _reduce(self) -> None:
        """Factorize the waiting rows."""
        if self._filled > self._factor:
            R = torch.linalg.qr(self._stack[: self._filled], mode="r").R
            self._factor = self._filled = R.shape[0]
            self._stack[: self._factor] = R

    @classmethod
    def merged(cls, parts: list[StreamedQR]) -> StreamedQR:
        """One factor of all rows that the parts have seen."""
        total = cls(parts[0].columns)
        for part in parts:
            total.merge(part)
        return total


@dataclass(frozen=True)
class Cut:
    """Where a spectrum is cut into broken directions and a kernel.

    Attributes
    ----------
    dim : int
        Number of directions counted as kernel, from the small end.
    gap : float
        Ratio of the smallest broken value to the largest kernel value (both raised to the floor).
    residual : float
        Largest value counted as zero; 0 for an empty kernel.
    floor : float
        Values below it cannot be told from rounding or noise.
    clear : bool
        Whether the gap reaches ``bars.MIN_GAP``.
    """

    dim: int
    gap: float
    residual: float
    floor: float
    clear: bool


def cut_spectrum(
    values: Tensor, *, rank: str | int | float = "gap", floor: float = EPSILON, tolerance: float | None = None
) -> Cut:
    """Decide how many of the descending ``values`` `(q,)`, errors in [0, 1], are zero.

    Parameters
    ----------
    values : Tensor
        `(q,)` descending, dimensionless.
    rank : "gap" or int or float
        The largest gap on a log scale; or the dimension of the kernel; or a threshold below which values are zero.
    floor : float
        Values are raised to it before gaps are taken, so that rounding makes no gaps.
    tolerance : float
        With ``rank="gap"``, values above it are never counted as zero; ``bars.LARGEST_ZERO`` if left out.
    """
    raised = [max(float(v), floor) for v in values]
    ascending = [1.0, *raised][::-1]  # 1 stands above the largest: all directions may be kernel
    above = max(rank, floor) if isinstance(rank, float) and rank >= 0 else rank  # zero means below the floor
    sizes = _kernel_sizes(ascending[:-1], above, bars.LARGEST_ZERO if tolerance is None else tolerance)
    gaps = {size: ascending[size] / ascending[size - 1] if size else math.inf for size in sizes}
    dim = max(sizes, key=lambda size: (gaps[size], size) if size else (1.0, 0))
    if rank == "gap" and dim and gaps[dim] < bars.MIN_GAP and ascending[dim - 1] > bars.CLEARLY_BROKEN * floor:
        dim = 0  # nothing stands out, and even the smallest value is well above rounding and noise
    residual = float(values[len(values) - dim]) if dim else 0.0
    gap = gaps[dim] if dim else (ascending[0] / floor if len(ascending) > 1 else math.inf)
    return Cut(dim, gap, residual, floor, gap >= bars.MIN_GAP)


def _kernel_sizes(ascending: list[float], rank: str | int | float, tolerance: float) -> list[int]:
    """Kernel dimensions that the rule allows."""
    count = len(ascending)
    if rank == "gap":
        return [0, *(k for k in range(1, count + 1) if ascending[k - 1] <= tolerance)]
    require_rank(rank, count)
    if isinstance(rank, int):
        return [rank]
    return [sum(v <= float(rank) for v in ascending)]


def require_rank(rank: str | int | float, count: int) -> None:
    """Refuse a rank that is no way to cut the spectrum of ``count`` candidates.

    Raises
    ------
    DataError
        If it is neither "gap", nor a dimension up to ``count``, nor a threshold in [0, 1].
    """
    if isinstance(rank, str):
        known = rank == "gap"
    else:
        known = not isinstance(rank, bool) and 0 <= rank <= (math.inf if isinstance(rank, int) else 1)
    if not known:
        raise DataError(
            f'rank: expected "gap", a dimension or a threshold in [0, 1], received {rank!r}; use "gap" if unsure'
        )
    if isinstance(rank, int) and rank > count:
        raise DataError(f"rank: expected at most {count} (the candidates), received {rank}; ask for fewer")


def principal_angles(first: Tensor, second: Tensor) -> Tensor:
    """Angles in radians, ascending, `(min(k, l),)`, between the row spaces of `(k, N)` and `(l, N)`.

    Small angles come from sines, large ones from cosines, so that both ends are accurate.
    """
    a, b = orthonormal_rows(first), orthonormal_rows(second)
    if len(a) > len(b):
        a, b = b, a
    cosines = torch.linalg.svdvals(a @ b.T).clamp(0.0, 1.0)
    sines = torch.linalg.svdvals(a - a @ b.T @ b).clamp(0.0, 1.0).flip(0)
    return torch.where(cosines > 0.7, torch.arcsin(sines), torch.arccos(cosines))


def orthonormal_rows(rows: Tensor) -> Tensor:
    """Orthonormal basis `(k, N)` of the span of independent rows `(k, N)`."""
    return torch.linalg.qr(rows.to(torch.float64).T).Q.T


def numerical_rank(rows: Tensor, tolerance: float | None = None) -> int:
    """Number of singular values above ``tolerance``, or ``bars.INDEPENDENT``, times the largest."""
    if not rows.numel():
        return 0
    matrix = rows.to(torch.float64)
    # Rows that share no column, such as all matrices or all monomials, are orthogonal: their lengths are the singular
    # values. A span of thousands of candidates is then checked at once, instead of in half a minute.
    apart = bool((matrix.count_nonzero(dim=0) <= 1).all())
    values = matrix.norm(dim=1) if apart else torch.linalg.svdvals(matrix)
    least = bars.INDEPENDENT if tolerance is None else tolerance
    return int((values > least * values.max()).sum())


def sparse_rows(rows: Tensor, tolerance: float | None = None) -> Tensor:
    """A readable basis `(k, N)` of the span of ``rows``: reduced echelon form on well-conditioned pivots.

    Pivots are the columns chosen by a QR with column pivoting; entries below ``tolerance`` (``bars.ZERO_ENTRY`` if left
    out) become zero and each row is scaled so that its largest entry is 1.
    """
    from scipy.linalg import qr

    span = orthonormal_rows(rows)
    # Weights break near ties between columns towards the last: x d/dy - y d/dx rather than y d/dx - x d/dy.
    weights = 1 + torch.linspace(0.0, 0.05, span.shape[1], dtype=torch.float64)
    factors: Any = qr((span * weights).numpy(), mode="r", pivoting=True)
    pivots = sorted(factors[1][: len(span)].tolist())
    reduced = torch.linalg.solve(span[:, pivots], span)
    scaled = reduced / reduced.abs().amax(dim=1, keepdim=True)
    zero = bars.ZERO_ENTRY if tolerance is None else tolerance
    return torch.where(scaled.abs() < zero, torch.zeros_like(scaled), scaled)
