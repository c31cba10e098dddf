"""Directions of a learnt map, least broken first, from squares that the noise of the coefficients no longer inflates.

The square of a noisy vector is too large by the trace of its covariance, which is known, so that
``|L beta_hat|^2 - tr(L S L^T)`` has the right mean. The error that it leaves in the length of ``L beta`` grows like the
fourth root of the number of coefficients, that of a confidence ellipsoid like the second.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from . import bars
from ._forms import LearntForms
from ._linear_fit import LinearFit


@dataclass(frozen=True)
class Directions:
    """Candidates in the order in which they are claimed.

    Attributes
    ----------
    order : Tensor
        `(k, dim)`, least broken first, orthonormal in what they are compared with.
    squares : Tensor
        `(k,)` squared defects; noise may leave them below zero.
    quiet : Tensor
        `(j, dim)`: the response of the map to them is not above the noise; the quietest first.
    trivial : Tensor
        `(i, dim)`: they do not move the domain.
    lie, chance : Tensor
        `(dim, dim)` the forms of what is broken, and of what that is compared with.
    """

    order: Tensor
    squares: Tensor
    quiet: Tensor
    trivial: Tensor
    lie: Tensor
    chance: Tensor


def directions_of(forms: LearntForms, fit: LinearFit) -> Directions:
    """Order the candidates by their defects, those that no defect belongs to set apart."""
    moving, trivial = moving_rows(forms.motion)
    lie, chance = debiased(forms.lie, fit), debiased(forms.chance, fit)
    sizes, axes = torch.linalg.eigh(moving @ chance @ moving.T)
    answering = axes.T @ moving
    spread = torch.stack([response_error(forms.chance, fit, row) for row in answering])
    heard = sizes > torch.maximum(bars.RESPONSE_ERRORS * spread, bars.ROUNDING * sizes.amax())
    basis = answering[heard] / sizes[heard].sqrt()[:, None]
    squares, turn = torch.linalg.eigh(basis @ lie @ basis.T)
    return Directions(turn.T @ basis, squares, answering[~heard], trivial, lie, chance)


def is_rigid(forms: LearntForms, seed: int) -> bool:
    """Whether any map of the class has a symmetry among the candidates, as any linear field commutes with itself."""
    any_map = torch.randn(forms.lie.shape[2], generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    moving, _ = moving_rows(forms.motion)
    lie, chance = moving @ (forms.lie @ any_map), moving @ (forms.chance @ any_map)
    sizes, axes = torch.linalg.eigh(chance @ chance.T)
    heard = sizes > bars.TRIVIAL * sizes.amax()
    broken = (axes.T[heard] @ lie) / sizes[heard].sqrt()[:, None]
    return bool((torch.linalg.eigvalsh(broken @ broken.T) <= bars.TRIVIAL).any())


def debiased(part: Tensor, fit: LinearFit) -> Tensor:
    """Gram matrix `(dim, dim)` of ``part[k] @ beta`` without what noise adds, for `(dim, rows, K)`."""
    seen, noise = part @ fit.beta, (part @ fit.root).flatten(1)
    return seen @ seen.T - noise @ noise.T


def response_error(part: Tensor, fit: LinearFit, theta: Tensor) -> Tensor:
    """Standard deviation of the debiased square along one direction: ``(2 tr(V^2) + 4 s^T V s)^(1/2)``."""
    along = torch.einsum("drk,d->rk", part, theta)
    noise, seen = along @ fit.root, along @ fit.beta
    # The signal is seen with its noise, so that its part is a little too large; that is the safe side.
    square = 2 * (noise.T @ noise).square().sum() + 4 * (seen @ noise).square().sum()
    return square.sqrt()


def orthonormal(rows: Tensor, gram: Tensor) -> Tensor:
    """Rows `(k, dim)` with the same span, orthonormal in a form `(dim, dim)`; dependent ones go."""
    rows = rows / (rows @ gram @ rows.T).diagonal().clamp_min(1e-300).sqrt()[:, None]
    sizes, axes = torch.linalg.eigh(rows @ gram @ rows.T)
    kept = sizes > bars.TRIVIAL * sizes.amax()
    return axes.T[kept] @ rows / sizes[kept].sqrt()[:, None]


def factor_of(gram: Tensor) -> Tensor:
    """Factor `(dim, dim)` of a Gram matrix; columns are scaled first, as units of candidates may be far apart."""
    scale = gram.diagonal().clamp_min(0).sqrt()
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    sizes, axes = torch.linalg.eigh(gram / scale / scale[:, None])
    return sizes.clamp_min(0).sqrt()[:, None] * axes.T * scale


def moving_rows(motion: Tensor) -> tuple[Tensor, Tensor]:
    """Directions of motion one `(k, dim)`, and those that move nothing `(j, dim)`."""
    scale = motion.diagonal().sqrt()
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    sizes, axes = torch.linalg.eigh(motion / scale / scale[:, None])
    rows = axes.T / scale
    kept = sizes > bars.TRIVIAL * sizes.amax()
    return rows[kept] / sizes[kept].sqrt()[:, None], rows[~kept]
