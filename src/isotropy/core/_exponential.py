"""Exponentials of matrices whose rows and columns have units."""

from __future__ import annotations

import torch
from torch import Tensor


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
    import numpy as np
    from scipy.linalg import matrix_balance

    plain = matrix.detach().to("cpu", torch.float64)
    if not bool(torch.isfinite(plain).all()):
        return torch.linalg.matrix_exp(matrix)
    with np.errstate(invalid="ignore"):  # scipy makes integers of scales, too, when it looks for a permutation
        _, (scale, _) = matrix_balance(plain.numpy(), permute=False, separate=True)
    size = torch.from_numpy(scale).to(matrix)
    return torch.linalg.matrix_exp(matrix * size / size[:, None]) * size[:, None] / size
