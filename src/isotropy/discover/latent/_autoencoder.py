"""Autoencoders whose last encoding layer is orthogonal and whose centre is learnt, not taken from a batch."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

from ...core._charts import Charts
from ...errors import DataError, RepresentationMismatchError

NETWORKS = ("auto", "mlp", "conv")
_CHANNELS = (8, 16, 32)
_CORRECTIONS = 3
_FEWEST = 1e-6  # of the largest spread: coordinates that vary less are not blown up


class Autoencoder(Charts):
    """``encode`` to latent points with the mean at zero and unit spread at the start, ``decode`` back.

    Data are standardised first. The centre that group elements turn about is a weight, so it does not change with the
    batch.

    Parameters
    ----------
    encoder, decoder : nn.Module
        From standardised points `(batch, *event)` to `(batch, latent_dim)` and back.
    like : Tensor
        `(S, *event)` points that set means and scales.
    latent_dim : int
        Size of a latent point.

    Raises
    ------
    RepresentationMismatchError
        If the networks have other sizes.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, like: Tensor, latent_dim: int) -> None:
        points = like.to(torch.get_default_dtype())
        mean, scale = points.mean(0), _scale(points)
        latent = _tried(encoder, decoder, (points - mean) / scale, latent_dim)
        center = latent.mean(0)
        unit = (latent - center).square().mean().sqrt().clamp_min(1e-12)
        super().__init__(encoder, decoder, mean=mean, scale=scale, center=center, unit=unit)

    def settled(self) -> Autoencoder:
        """A float64 copy without gradients of its weights, ready for any kind of derivative by its inputs."""
        return copy.deepcopy(self).to("cpu", torch.float64).requires_grad_(False).eval()

    def inverted(self) -> Autoencoder:
        """A settled copy; with as many latent coordinates as numbers in a point, ``decode`` inverts ``encode``.

        The decoder is a start of Newton's method then, and what it misses does not count.
        """
        settled = self.settled()
        _make_plain(settled)
        settled.corrections = _CORRECTIONS if self.center.numel() == self.mean.numel() else 0
        return settled


def build(
    network: str,
    event: tuple[int, ...],
    latent_dim: int,
    hidden: int,
    layers: int,
    seed: int,
) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder of a kind: layers of ``hidden`` units on vectors, convolutions on series and images.

    Raises
    ------
    DataError
        If the kind is unknown or does not fit the points.
    """
    if network not in NETWORKS or (network == "conv" and len(event) not in (2, 3)):
        raise DataError(
            f"network: expected 'auto', 'mlp', or 'conv' for points (channels, length) or (channels, height, width), "
            f"received {network!r} for {event}; use 'auto' if unsure"
        )
    kind = _convolutional if network == "conv" or (network == "auto" and len(event) in (2, 3)) else _dense
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(event, latent_dim, hidden, layers)


def _tried(encoder: nn.Module, decoder: nn.Module, points: Tensor, latent_dim: int) -> Tensor:
    """Latent points of networks that have been found to fit the points and one another."""
    words = f"encoder, decoder: expected latent points of shape {(len(points), latent_dim)} and points back of shape"
    try:
        with torch.no_grad():
            latent = encoder(points)
            back = decoder(latent)
    except RuntimeError as error:
        raise RepresentationMismatchError(f"{words} {tuple(points.shape)}, received: {error}; match them") from error
    if latent.shape != (len(points), latent_dim) or back.numel() != points.numel():
        raise RepresentationMismatchError(
            f"{words} {tuple(points.shape)}, received {tuple(latent.shape)} and {tuple(back.shape)}; match them"
        )
    return latent


def _dense(event: tuple[int, ...], latent_dim: int, hidden: int, layers: int) -> tuple[nn.Module, nn.Module]:
    size = int(torch.Size(event).numel())
    encoder = [nn.Flatten(), *_stack(size, hidden, layers), _orthogonal(hidden, latent_dim)]
    return nn.Sequential(*encoder), nn.Sequential(*_stack(latent_dim, hidden, layers), nn.Linear(hidden, size))


def _convolutional(event: tuple[int, ...], latent_dim: int, hidden: int, layers: int) -> tuple[nn.Module, nn.Module]:
    """Three halvings, then dense layers; the decoder runs the same way back."""
    convolve: Callable[..., nn.Module] = nn.Conv1d if len(event) == 2 else nn.Conv2d
    mode = "linear" if len(event) == 2 else "bilinear"
    sizes, channels = [event[1:]], [event[0], *_CHANNELS]
    down: list[nn.Module] = []
    for before, after in itertools.pairwise(channels):
        down += [convolve(before, after, 3, stride=2, padding=1), nn.SiLU()]
        sizes.append(tuple((n + 1) // 2 for n in sizes[-1]))
    small = (channels[-1], *sizes[-1])
    flat = int(torch.Size(small).numel())
    up: list[nn.Module] = []
    for step in reversed(range(len(_CHANNELS))):
        up += [nn.Upsample(sizes[step], mode=mode), convolve(channels[step + 1], channels[step], 3, padding=1)]
        up += [nn.SiLU()] if step else []
    encoder = [*down, nn.Flatten(), *_stack(flat, hidden, max(layers - 2, 1)), _orthogonal(hidden, latent_dim)]
    decoder = [*_stack(latent_dim, hidden, max(layers - 2, 1)), nn.Linear(hidden, flat), nn.Unflatten(1, small), *up]
    return nn.Sequential(*encoder), nn.Sequential(*decoder)


def _stack(size: int, hidden: int, layers: int) -> list[nn.Module]:
    """Dense layers with smooth activations, so that fields exist everywhere."""
    widths = [size, *[hidden] * layers]
    return [part for a, b in itertools.pairwise(widths) for part in (nn.Linear(a, b), nn.SiLU())]


def _orthogonal(hidden: int, latent_dim: int) -> nn.Module:
    """A layer with orthonormal rows: latent points cannot fall onto a subspace."""
    return parametrizations.orthogonal(nn.Linear(hidden, latent_dim, bias=False))


def _make_plain(module: nn.Module) -> None:
    """Replace orthogonal layers by plain ones with the same weight, which can be stored and are quicker."""
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Linear) and parametrize.is_parametrized(child, "weight"):
            plain = nn.Linear(child.in_features, child.out_features, bias=False).to(child.weight)
            plain.weight = nn.Parameter(child.weight.detach().clone(), requires_grad=False)
            setattr(module, name, plain)
        else:
            _make_plain(child)


def _scale(points: Tensor) -> Tensor:
    """Spread of each coordinate of vectors; one spread for all pixels of a field."""
    if points.ndim == 2 and points.shape[1] <= 16:
        spread = points.std(0)
        return spread.clamp_min(_FEWEST * spread.amax())
    return (points - points.mean(0)).square().mean().sqrt()
