"""Points behind latent points, where the encoder alone says which they are."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_FURTHEST = 0.2  # of the spread of the data: length of one step


def corrected(encode: Callable[[Tensor], Tensor], points: Tensor, latent: Tensor, scale: Tensor, steps: int) -> Tensor:
    """Points `(batch, *event)` closer to ``encode(points) = latent`` by Newton's method, with as many unknowns.

    Steps are short, and none is taken that leads further away, so points outside of the data stay near their start.
    """
    flat = points.flatten(1)
    event = points.shape[1:]

    def one(point: Tensor) -> Tensor:
        return encode(point.reshape(1, *event))[0]

    for _ in range(steps):
        missed = latent - encode(flat.reshape(-1, *event))
        slopes = torch.func.vmap(torch.func.jacrev(one))(flat)
        step = torch.linalg.solve_ex(slopes, missed[..., None]).result[..., 0]
        length = (step / scale).norm(dim=1, keepdim=True).clamp_min(1e-30)
        step = step * (_FURTHEST / length).clamp_max(1.0)
        left = latent - encode((flat + step).reshape(-1, *event))
        better = left.norm(dim=1, keepdim=True) < missed.norm(dim=1, keepdim=True)  # False for nan
        flat = torch.where(better, flat + step, flat)
    return flat.reshape(points.shape)
