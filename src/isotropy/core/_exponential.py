"""Exponentials of matrices whose rows and columns have units."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_SWEEPS = 12  # each halves what is out of balance, in decades: of 400 a tenth is left
_MOST = 500.0  # bits of a scale, so that neither it nor its inverse overflows


def exponential(matrix: Tensor) -> Tensor:
    """``exp`` of a matrix `(n, n)`, taken in coordinates in which rows and columns are alike.

    An entry from a column in metres to one in picometres is huge, though the motion is not; squaring it overflows. The
    change of coordinates is diagonal, of powers of two, so that it rounds nothing, and is undone afterwards.

    Examples
    --------
    >>> import torch
    >>> turn = torch.tensor([[0.0, -1e200], [1e-200, 0.0]], dtype=torch.float64)
    >>> exponential(turn).diagonal()
    tensor([0.5403, 0.5403], dtype=torch.float64)
    """
    size = _balancing(matrix.detach())
    return torch.linalg.matrix_exp(matrix * size / size[:, None]) * size[:, None] / size


def _balancing(matrix: Tensor) -> Tensor:
    """Scales `(n,)`, powers of two, in which the largest entries of each row and its column off the diagonal are alike.

    Written with whole rows, as it also runs on many matrices at once; half of a step each time, as all change together.
    """
    rest = 1 - torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    sizes = (matrix.abs() * rest).log()
    scale = torch.zeros_like(sizes[0])
    for _ in range(_SWEEPS):
        seen = sizes + scale - scale[:, None]
        apart = seen.amax(1) - seen.amax(0)
        scale = scale + torch.where(apart.isfinite(), apart, 0.0) / 4
    return 2.0 ** (scale / math.log(2)).round().clamp(-_MOST, _MOST)
