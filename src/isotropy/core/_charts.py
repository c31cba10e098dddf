"""Encoder and decoder as one pair, with the scales of the data between them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import DataError
from ._networks import keep, read_network, take, write_network
from ._parts import Parts

_MOST_CORRECTIONS = 64
_FURTHEST = 0.2  # of the spread of the data: length of one step


class Charts(nn.Module):
    """``encode`` from points to latent points and ``decode`` back, between standardised points.

    Parameters
    ----------
    encoder, decoder : nn.Module
        From standardised points `(batch, *event)` to `(batch, latent_dim)` and back.
    mean, scale : Tensor
        `(*event)` of the data; the scale may be one number.
    center, unit : Tensor
        `(latent_dim,)` and `()`, what group elements turn about and the unit of latent points.
    corrections : int
        Newton steps of ``decode``, for as many latent coordinates as numbers in a point.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        mean: Tensor,
        scale: Tensor,
        center: Tensor,
        unit: Tensor,
        corrections: int = 0,
    ) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.corrections = corrections
        self.mean: Tensor
        self.scale: Tensor
        self.unit: Tensor
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.center = nn.Parameter(center)
        self.register_buffer("unit", unit)

    def encode(self, x: Tensor) -> Tensor:
        """Latent points `(batch, latent_dim)`."""
        return (self.encoder((x - self.mean) / self.scale) - self.center) / self.unit

    def decode(self, z: Tensor) -> Tensor:
        """Points `(batch, *event)`."""
        x = self.mean + self.scale * self.decoder(z * self.unit + self.center).reshape(-1, *self.mean.shape)
        return corrected(self.encode, x, z, self.scale, self.corrections) if self.corrections else x


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


def write_charts(charts: Charts, prefix: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Both networks as plain data; weights and scales as tensors.

    Raises
    ------
    NotRecordableError
        If a network holds a layer that is not in the list.
    """
    encoder, first = write_network(charts.encoder, f"{prefix}.encoder")
    decoder, second = write_network(charts.decoder, f"{prefix}.decoder")
    scales = {f"{prefix}.{name}": keep(getattr(charts, name)) for name in ("mean", "scale", "center", "unit")}
    words = {"encoder": encoder, "decoder": decoder, "corrections": charts.corrections}
    return words, {**first, **second, **scales}


def read_charts(parts: Parts, tensors: Mapping[str, Tensor], prefix: str) -> Charts:
    """The pair that ``write_charts`` wrote.

    Raises
    ------
    DataError
        If something is missing or does not fit.
    """
    mean, center = (take(tensors, f"{prefix}.{name}", None) for name in ("mean", "center"))
    scale, unit = take(tensors, f"{prefix}.scale", None), take(tensors, f"{prefix}.unit", ())
    if scale.shape not in ((), mean.shape) or center.ndim != 1:
        raise DataError(
            f"{parts.where}: expected one scale or one per coordinate, and a vector as center, received "
            f"{tuple(scale.shape)} for {tuple(mean.shape)} and {tuple(center.shape)}; keep file and weights together"
        )
    charts = Charts(
        read_network(parts.inner("encoder"), tensors, f"{prefix}.encoder"),
        read_network(parts.inner("decoder"), tensors, f"{prefix}.decoder"),
        mean=mean,
        scale=scale,
        center=center,
        unit=unit,
        corrections=parts.whole("corrections", 0, _MOST_CORRECTIONS),
    )
    parts.done()
    return charts.requires_grad_(False).eval()


def require_fit(where: str, encoder: nn.Module, decoder: nn.Module, event: tuple[int, ...], latent: int) -> None:
    """Refuse networks that do not lead from points `(*event)` to latent points `(latent,)` and back.

    Shapes alone are followed, on torch's device without memory.

    Raises
    ------
    DataError
        If they do not fit.
    """
    try:
        there = _through(encoder, (1, *event))
        back = _through(decoder, (1, latent))
    except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError) as error:
        raise DataError(f"{where}: expected networks for {event} and ({latent},), received: {error}; match") from error
    if there != (1, latent) or math.prod(back) != math.prod(event):
        raise DataError(
            f"{where}: expected latent points {(1, latent)} and points {(1, *event)}, received {there} and {back}; "
            "match networks, event and representation"
        )


def _through(network: nn.Module, shape: tuple[int, ...]) -> tuple[int, ...]:
    empty = torch.empty(shape, dtype=torch.float64, device="meta")
    return tuple(copy.deepcopy(network).to("meta")(empty).shape)
