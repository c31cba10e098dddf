"""Coordinates in which an algebra of matrices is named: balanced units, about its fixed point."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (torch.linalg carries no annotations)

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from . import bars

_SWEEPS = 40  # of balancing; a span that holds rotations rests after three or four
_RESTED = 1.001  # factor by which a scale may still change
_MOST_FORM = 16  # coordinates up to which quadratic forms are looked for: n (n + 1) / 2 unknowns


@dataclass(frozen=True)
class Frame:
    """How motions look in coordinates that suit them.

    Attributes
    ----------
    scale : Tensor
        `(n,)` factors of the coordinates that bring the entries of the motions to one size.
    centre : Tensor
        `(n,)` the point, in the coordinates as they were given, that the motions shift least.
    fixed : bool
        Whether they shift it by no more than the noise: then they are linear about it.
    linear : Tensor
        `(k, n, n)` the linear parts in the coordinates as they were given, each motion of unit size in balanced ones.
    shift : Tensor
        `(k, n)` what is left of the shifts at the centre.
    moved : Tensor
        `(r, n)` orthonormal rows, in balanced coordinates, that no common kernel of the linear parts enters.
    """

    scale: Tensor
    centre: Tensor
    fixed: bool
    linear: Tensor
    shift: Tensor
    moved: Tensor

    @property
    def determined(self) -> Tensor:
        """Which coordinates `(n,)` of the centre the motions determine; along an axis of rotation any would do."""
        return (self.moved.square().sum(0) - 1).abs() < bars.DETERMINED

    def balanced(self, values: Tensor) -> Tensor:
        """Linear maps `(..., n, n)` in the balanced coordinates."""
        return values * self.scale[:, None] / self.scale

    def matrices(self, homogeneous: bool) -> Tensor:
        """The motions `(k, m, m)` about the centre in balanced coordinates, independent of where and in what units."""
        linear = self.balanced(self.linear)
        if not homogeneous:
            return linear
        count, size = linear.shape[:2]
        stack = torch.zeros(count, size + 1, size + 1, dtype=torch.float64)
        stack[:, :size, :size] = linear
        if not self.fixed:
            shift = self.shift * self.scale
            # Any unit of length will do; the one in which shifts are as large as turns loses the fewest digits.
            turning, moving = float(linear.norm()), float(shift.norm())
            stack[:, :size, size] = shift * (turning / moving if turning > 0 and moving > 0 else 1.0)
        return stack


def frame_of(
    linear: Tensor,
    shift: Tensor,
    noise: float = bars.FLOOR,
    base: Tensor | None = None,
    spread: Tensor | None = None,
) -> Frame:
    """The frame of motions ``x -> A x + b``.

    Parameters
    ----------
    linear, shift : Tensor
        `(k, n, n)` and `(k, n)`.
    noise : float
        Relative size of what is unknown about them.
    base, spread : Tensor, optional
        `(n,)` means and spreads of the points they move: far from the origin, the shift there is what is known.
    """
    size = linear.shape[1]
    scale = balance(linear, spread)
    where = linear.new_zeros(size) if base is None else base
    turns = linear * scale[:, None] / scale
    shifts = (shift + linear @ where) * scale
    cloud = 0.0 if spread is None else float((spread * scale).norm())
    turning, moving = float(turns.norm()), float(shifts.norm())
    reach = cloud or (moving / turning if turning > 0 and moving > 0 else 1.0)  # a length, to weigh shifts by turns
    both = torch.cat([turns.flatten(1), shifts / reach], dim=1)
    size_of = both.norm(dim=1).clamp_min(1e-300)
    turns, shifts = turns / size_of[:, None, None], shifts / size_of[:, None]
    stack = turns.flatten(0, 1)
    _, values, axes = torch.linalg.svd(stack, full_matrices=False)
    kept = values > max(bars.SLACK * noise, bars.KEPT) * values[:1].clamp_min(1e-300)
    moved = axes[kept]
    offset = -(moved.T @ torch.linalg.lstsq(stack @ moved.T, shifts.flatten()[:, None]).solution[:, 0])
    left = shifts + turns @ offset
    allowed = bars.SLACK * max(noise, bars.FLOOR) * float(turns.norm()) * math.hypot(float(offset.norm()), cloud)
    return Frame(
        scale=scale,
        centre=where + offset / scale,
        fixed=float(left.norm()) <= allowed or not bool(left.any()),
        linear=linear / size_of[:, None, None],
        shift=left / scale,
        moved=moved,
    )


def balance(linear: Tensor, spread: Tensor | None = None) -> Tensor:
    """Scales `(n,)` of the coordinates in which rows and columns of linear maps `(k, n, n)` are of one size.

    Osborne's iteration, with every map at unit size. Columns in units of their own, ``S A S^-1``, come out as ``A``
    does, up to one factor. Coordinates that only push or are only pushed have no scale of their own and keep that of
    the ``spread`` `(n,)` of the points, in which entries that are rounding can be told, too.
    """
    log = torch.zeros(linear.shape[1], dtype=torch.float64)
    off = linear - torch.diag_embed(linear.diagonal(dim1=1, dim2=2))
    if spread is not None and bool((spread > 0).all()):
        log = -spread.log()
        sizes = linear.abs() * torch.exp(log[:, None] - log)
        off = torch.where(sizes > bars.FLOOR * sizes.amax((1, 2), keepdim=True), off, 0.0)
    for _ in range(_SWEEPS):
        before = log.clone()
        for place in range(len(log)):
            seen = off * torch.exp(log[:, None] - log)
            seen = seen / seen.flatten(1).norm(dim=1)[:, None, None].clamp_min(1e-300)
            size = seen.square().sum(0)
            row, column = float(size[place].sum()), float(size[:, place].sum())
            if row > 0 and column > 0:
                log[place] += math.log(column / row) / 4
        if float((log - before).abs().amax()) < math.log(_RESTED):
            break
    log = log - log.mean()
    return torch.exp(log) if float(log.max() - log.min()) > math.log(bars.UNBALANCED) else torch.ones_like(log)


def invariant_form(frame: Frame, noise: float) -> Tensor | None:
    """The quadratic form `(n, n)` that motions keep, in the coordinates as they were given, or None.

    None where they keep no form or several; up to a factor, and only on what they move.
    """
    rank, size = frame.moved.shape
    if not rank or size > _MOST_FORM:
        return None
    inside = frame.moved @ frame.balanced(frame.linear) @ frame.moved.T
    first, second = torch.triu_indices(rank, rank)
    units = torch.zeros(len(first), rank, rank, dtype=torch.float64)
    units[torch.arange(len(first)), first, second] = 1.0
    units = (units + units.transpose(1, 2)) / 2
    units = units / units.flatten(1).norm(dim=1)[:, None, None]
    broken = torch.einsum("kji,ujl->ukil", inside, units)
    rows = (broken + broken.transpose(2, 3)).flatten(1)
    values, axes = torch.linalg.eigh(rows @ rows.T)
    sizes = values.clamp_min(0).sqrt() / float(inside.norm()) if float(inside.norm()) > 0 else values
    open_to = max(bars.SLACK * noise, bars.KEPT)
    if float(sizes[0]) > open_to or (len(sizes) > 1 and float(sizes[1]) <= open_to):
        return None
    form = torch.einsum("u,uij->ij", axes[:, 0], units)
    whole = frame.moved.T @ form @ frame.moved
    return whole * frame.scale[:, None] * frame.scale
