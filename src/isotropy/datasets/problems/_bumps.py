"""Smooth images that can be turned by any angle exactly."""

import math
from typing import Any

import torch
from torch import Tensor

from isotropy.errors import DataError


def bump_images(
    count: int,
    angles: Any = 0.0,
    *,
    size: int = 11,
    bumps: int = 6,
    width: float = 0.28,
    radius: float = 0.55,
    seed: int = 0,
) -> Tensor:
    """Sums of Gaussian bumps at random places, turned about the centre by evaluating them at turned places.

    Nothing is interpolated, so a derivative by the angle is that of the image. The same seed gives the same images,
    whatever the angles; the first ones do not depend on how many are asked for.

    Parameters
    ----------
    count : int
        Number of images.
    angles : float or array_like
        One angle for all, or `(count,)`; x turns towards y, with y pointing down.
    size : int
        Pixels each way; the centres of the outer pixels are at -1 and 1.
    bumps : int
        Bumps of one image, with heights between 0.5 and 1.5.
    width, radius : float
        Standard deviation of a bump, and of the disc in which its centre lies, uniformly.
    seed : int
        Of places and heights.

    Returns
    -------
    Tensor
        `(count, size * size)` float64, row by row.

    Raises
    ------
    DataError
        If there is no image, pixel or bump, or the number of angles is another.

    Examples
    --------
    >>> x, half = bump_images(3), bump_images(3, math.pi)
    >>> bool(torch.allclose(half, x.flip(1)))
    True
    """
    if min(count, bumps) < 1 or size < 2:
        raise DataError(
            f"Expected images, bumps and at least 2 pixels, received {count}, {bumps}, {size}; ask for more."
        )
    turns = torch.as_tensor(angles, dtype=torch.float64)
    if turns.ndim and turns.shape != (count,):
        raise DataError(f"angles: Expected one, or {count}, received shape {tuple(turns.shape)}; one per image.")
    generator = torch.Generator().manual_seed(seed)
    draws = torch.rand(count, bumps, 3, generator=generator, dtype=torch.float64)
    distance, place = radius * draws[..., 0].sqrt(), 2 * math.pi * draws[..., 1] + turns.expand(count)[:, None]
    centres = torch.stack([distance * place.cos(), distance * place.sin()], dim=2)
    line = torch.linspace(-1.0, 1.0, size, dtype=torch.float64)
    pixels = torch.stack(torch.meshgrid(line, line, indexing="ij")[::-1], dim=2).reshape(-1, 2)
    squares = (pixels[None, :, None] - centres[:, None]).square().sum(3)
    return torch.einsum("bpk,bk->bp", torch.exp(-squares / (2 * width**2)), draws[..., 2] + 0.5)
