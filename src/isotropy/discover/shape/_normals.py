"""Exact normal spaces of sets that are given by a formula or a decoder, for ``FromPoints``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...core._autodiff import choose_rung, evaluating, jacobian
from ...core._checks import as_points
from ...errors import DataError
from .. import bars


def normals_of_level_set(h: Callable[[Tensor], Tensor], x: Any) -> Tensor:
    """Projectors `(S, n, n)` onto the normal spaces of ``{h = 0}``: the row space of ``Dh``.

    Parameters
    ----------
    h : callable
        `(batch, n)` to `(batch,)` or `(batch, m)`; equations may be redundant.
    x : array_like
        `(S, n)` points of the set.

    Raises
    ------
    DataError
        If the rank of ``Dh`` changes among the points, as at a singular point.

    Examples
    --------
    >>> import torch
    >>> normals_of_level_set(lambda x: x.square().sum(1) - 1, torch.tensor([[1.0, 0.0]]))
    tensor([[[1., 0.],
             [0., 0.]]], dtype=torch.float64)
    """
    return _row_projectors(_jacobian(h, x), "h")


def normals_of_chart(chart: Callable[[Tensor], Tensor], u: Any) -> Tensor:
    """Projectors `(S, n, n)` onto the normal spaces of the image of a chart, or of a decoder, at ``chart(u)``.

    Parameters
    ----------
    chart : callable
        `(batch, d)` to `(batch, n)`, such as the decoder of an autoencoder.
    u : array_like
        `(S, d)` coordinates.

    Raises
    ------
    DataError
        If the rank of the chart's Jacobian changes among the points.

    Examples
    --------
    >>> import torch
    >>> normals_of_chart(lambda u: torch.cat([u, u.square()], 1), torch.zeros(1, 1))
    tensor([[[0., 0.],
             [0., 1.]]], dtype=torch.float64)
    """
    tangents = _row_projectors(_jacobian(chart, u).transpose(1, 2), "chart")
    return torch.eye(tangents.shape[1], dtype=torch.float64) - tangents


def _jacobian(f: Callable[[Tensor], Tensor], x: Any) -> Tensor:
    """Jacobians `(S, out, n)` in float64."""
    points = as_points(x).detach()
    with evaluating(f):
        method = choose_rung(f, points, "jacobian")
        return jacobian(f, points, method)[1].detach().to("cpu", torch.float64)


def _row_projectors(rows: Tensor, name: str) -> Tensor:
    """Projectors onto the row spaces of `(S, m, n)`, which must all have one dimension."""
    _, sizes, axes = torch.linalg.svd(rows, full_matrices=False)
    kept = sizes > bars.LOST_DIRECTION * sizes.amax()
    ranks = kept.sum(1)
    if int(ranks.min()) != int(ranks.max()):
        raise DataError(
            f"{name}: expected a Jacobian of one rank at all points, received ranks {int(ranks.min())} to "
            f"{int(ranks.max())}; leave out the singular points"
        )
    frame = axes * kept[..., None]
    return frame.transpose(1, 2) @ frame
