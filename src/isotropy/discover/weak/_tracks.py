"""Trajectories in pieces, the size of their noise, and states without most of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .. import bars

_STENCIL = 6  # neighbours from which a quartic is removed: what the quintic spline between samples would miss
_OVERLAP = 2.91  # sum of the squared correlations of overlapping stencils, from the binomials of order 5


@dataclass(frozen=True)
class Track:
    """A piece of a trajectory.

    Attributes
    ----------
    states, times : Tensor
        `(T, n)` and `(T,)`.
    smooth : Tensor
        `(T, n)` states without most of the noise: only for weights and slopes, so that their bias is of no account.
    """

    states: Tensor
    times: Tensor
    smooth: Tensor


@dataclass(frozen=True)
class Noise:
    """Independent errors of single states.

    Attributes
    ----------
    variance : Tensor
        `(n,)`.
    freedom : float
        Degrees of freedom behind it, of all coordinates together.
    """

    variance: Tensor
    freedom: float


def noise_of(pairs: Sequence[tuple[Tensor, Tensor]]) -> Noise:
    """Noise of states `(T, n)` at times `(T,)`, from what a local quartic leaves of six neighbours.

    States are never believed to more than a small share of their spread: solvers and sensors err smoothly, and a
    smooth error is none that neighbours can show.
    """
    left = torch.cat([_unlike_neighbours(x, t) for x, t in pairs])
    spread = torch.cat([x for x, _ in pairs]).var(0)
    return Noise(left.square().mean(0) + bars.LEAST_NOISE**2 * spread, max(left.numel() / _OVERLAP, 1.0))


def tracks_of(pairs: Sequence[tuple[Tensor, Tensor]], noise: Noise) -> list[Track]:
    """Cut trajectories into pieces of like length, and smooth them.

    Pieces share no sample, so that they are independent; of a piece only its two ends are lost. So many pieces are
    kept, evenly, that the cost stays within seconds.
    """
    cut: list[tuple[Tensor, Tensor]] = []
    for x, t in pairs:
        parts = math.ceil(len(x) / bars.LONGEST_TRACK)
        cut += zip(x.tensor_split(parts), t.tensor_split(parts), strict=True)
    kept = cut[:: math.ceil(len(cut) / bars.MOST_TRACKS)]
    return [Track(x, t, _smoothed(x, t, noise)) for x, t in kept]


def _unlike_neighbours(x: Tensor, t: Tensor) -> Tensor:
    """Fifth divided differences `(T - 5, n)`, of unit norm: they see noise and no quartic."""
    windows, stamps = x.unfold(0, _STENCIL, 1), t.unfold(0, _STENCIL, 1)
    gaps = (stamps[:, :, None] - stamps[:, None, :]) + torch.eye(_STENCIL, dtype=torch.float64)
    weights = 1 / (gaps / gaps.abs().mean()).prod(dim=2)
    return torch.einsum("tnk,tk->tn", windows, weights / weights.norm(dim=1, keepdim=True))


def _smoothed(x: Tensor, t: Tensor, noise: Noise) -> Tensor:
    """Straight line and sines up to the frequency of least expected error (Mallows' Cp), in units of the noise."""
    share = ((t - t[0]) / (t[-1] - t[0]))[:, None]
    waves = math.pi * torch.arange(1, max(2, len(t) // bars.SAMPLES_PER_TEST) + 1, dtype=torch.float64)
    shapes = torch.cat([torch.ones_like(share), share, torch.sin(waves * share)], dim=1)
    basis = torch.linalg.qr(shapes)[0]
    parts = basis.T @ (x / noise.variance.sqrt())
    gain = parts.square().sum(1) - 2 * x.shape[1]
    kept = int(gain[2:].cumsum(0).argmax()) + 3
    return basis[:, :kept] @ (basis[:, :kept].T @ x)
