"""Norms along the orbit of positive scales, in closed form from one set of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import RepresentationMismatchError
from ..find._parameter_symmetry import ParameterSymmetry
from ..moves._blocks import Block
from ..moves._vectors import Parameters

_HALF = (torch.float16, torch.bfloat16)
_SMALL = 1e-12  # root mean square below which squares of small numbers would vanish in single precision


@dataclass(frozen=True)
class _Factor:
    """A block that scales some axes of a term."""

    block: int
    axes: tuple[int, ...]
    power: float


@dataclass(frozen=True)
class _Term:
    """Squares of one part of a parameter over a unit, summed over axes that no block scales."""

    squares: Tensor
    factors: tuple[_Factor, ...]
    unit: float


class OrbitProfile:
    """``|T(s)|^2`` for tensors that scale with the logarithms ``s`` of a rescaling; a convex function.

    Gradients scale inversely, ``|grad L(s)|^2 = sum_j G_j^2 exp(-2 sum_b p_bj s_b)``, weights directly. Everything
    follows from the squares, so no further pass through the network is needed.

    Parameters
    ----------
    symmetry : ParameterSymmetry
        Its blocks of kind ``"scaling"`` are used.
    tensors : dict of str to Tensor
        Gradients or parameters by name.
    gradients : bool
        Whether they are gradients.

    Raises
    ------
    RepresentationMismatchError
        If logarithms are not one for each scaled unit.
    """

    def __init__(self, symmetry: ParameterSymmetry, tensors: Parameters, gradients: bool = True) -> None:
        self.blocks = [b for b in symmetry.blocks if isinstance(b, Block) and b.kind == "scaling"]
        self._sign = -2.0 if gradients else 2.0
        self._terms = _terms(self.blocks, tensors)
        own = {key for block in self.blocks for key in ((place.name, place.rows) for place in block.places)}
        self.constant = sum(_unscaled(tensors[name], name, own) for name in symmetry.shapes if name in tensors)
        self._like = next(iter(tensors.values()))

    @property
    def dim(self) -> int:
        """Number of scales."""
        return sum(block.dim for block in self.blocks)

    def value(self, s: Tensor) -> float:
        """The squared norm at logarithms ``s`` `(dim,)`."""
        logs = self._logs(s)
        return self.constant + sum(float(_contract(term, logs, None)) for term in self._terms)

    def gradient(self, s: Tensor) -> Tensor:
        """Derivative `(dim,)` of ``value``."""
        logs = self._logs(s)
        slopes = [s.new_zeros(block.copies) for block in self.blocks]
        for term in self._terms:
            for factor in term.factors:
                slopes[factor.block] += self._sign * factor.power * _contract(term, logs, factor).flatten()
        return torch.cat(slopes) if slopes else s.new_zeros(0)

    def minimise(self, sweeps: int = 100, tolerance: float = 1e-10) -> Tensor:
        """Logarithms `(dim,)` of the smallest norm, by exact minimisation over one block after the other.

        Sweeps end when the steps of one, weighted by the shares of the units, are below ``tolerance`` on average.
        Units without weights or gradients on one side have no minimum and stay as they are.
        """
        s = self._like.new_zeros(self.dim, dtype=torch.float64)
        parts = list(s.split([block.dim for block in self.blocks]))
        for _ in range(sweeps):
            moved = total = 0.0
            for k in range(len(self.blocks)):
                step, share = self._best_step(k, self._logs(s))
                parts[k] += step
                moved, total = moved + float(share @ step.square()), total + float(share.sum())
            if moved <= tolerance**2 * total or len(self.blocks) == 1:
                break
        return s

    def ascend(self, cap: float, radius: float, steps: int = 50) -> Tensor:
        """Logarithms `(dim,)` of a larger norm, at most ``cap`` times as large and at most ``radius`` away."""
        s = self._like.new_zeros(self.dim, dtype=torch.float64)
        start, length = self.value(s), radius / steps
        for _ in range(steps):
            slope = self.gradient(s)
            if float(slope.norm()) <= 1e-12 * start:
                break
            step = length * slope / slope.norm()
            if self.value(s + step) > cap * start:
                return s + self._within(s, step, cap * start) * step
            s = s + step
        return s

    def _within(self, s: Tensor, step: Tensor, most: float) -> float:
        """Largest fraction of a step that keeps the value below a bound."""
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self.value(s + middle * step) <= most else (low, middle)
        return low

    def _best_step(self, k: int, logs: list[Tensor]) -> tuple[Tensor, Tensor]:
        """The exact minimiser in one block, and the share of each unit in the norm.

        Half the step where the block scales both sides of one tensor: that never raises the norm.
        """
        up, down = torch.zeros_like(logs[k]), torch.zeros_like(logs[k])
        rise = fall = 1.0
        coupled = False
        for term in self._terms:
            own = [factor for factor in term.factors if factor.block == k]
            coupled = coupled or len(own) > 1
            for factor in own:
                share = _contract(term, logs, factor).flatten()
                if self._sign * factor.power > 0:
                    up, rise = up + share, abs(factor.power)
                else:
                    down, fall = down + share, abs(factor.power)
        known = (up > 0) & (down > 0)
        ratio = torch.where(known, fall * down / (rise * up).clamp_min(1e-300), torch.ones_like(up))
        return ratio.log() / (2 * (rise + fall)) / (2.0 if coupled else 1.0), up + down

    def _logs(self, s: Tensor) -> list[Tensor]:
        """Logarithms of what each block multiplies the tensors by."""
        if tuple(s.shape) != (self.dim,):
            raise RepresentationMismatchError(
                f"s: expected {self.dim} logarithms, received shape {tuple(s.shape)}; pass one for each scaled unit"
            )
        signed = 0.5 * self._sign * s
        return list(signed.split([block.dim for block in self.blocks]))


def _unscaled(tensor: Tensor, name: str, own: set[tuple[str, tuple[int, int] | None]]) -> float:
    """Squared norm of the rows of a tensor that no block scales."""
    cuts = sorted(rows for key, rows in own if key == name and rows is not None)
    if (name, None) in own:
        return 0.0
    ends = [0, *(end for rows in cuts for end in rows), len(tensor) if tensor.ndim else 1]
    parts = [tensor[a:b] for a, b in zip(ends[::2], ends[1::2], strict=True)] if cuts else [tensor]
    return sum(float(torch.linalg.vector_norm(part.detach(), dtype=torch.float64)) ** 2 for part in parts)


def _terms(blocks: Sequence[Block], tensors: Parameters) -> list[_Term]:
    """Squares of every part that is scaled, with the factors that scale it."""
    found: dict[tuple[str, tuple[int, int] | None], tuple[tuple[int, ...], list[_Factor]]] = {}
    for k, block in enumerate(blocks):
        for place in block.places:
            if place.name in tensors:
                _, factors = found.setdefault((place.name, place.rows), (place.shape, []))
                factors.append(_Factor(k, place.copies, place.power))
    return [_term(tensors[name], rows, shape, factors) for (name, rows), (shape, factors) in found.items()]


def _term(tensor: Tensor, rows: tuple[int, int] | None, shape: tuple[int, ...], factors: list[_Factor]) -> _Term:
    """Sum squares over what no factor touches."""
    part = (tensor if rows is None else tensor[rows[0] : rows[1]]).detach()
    wide = (part.float() if part.dtype in _HALF else part).reshape(shape)
    unit = _unit(wide)
    scaled = wide if unit == 1.0 else wide * unit**-0.5
    used = sorted({axis for factor in factors for axis in factor.axes})
    gone = [axis for axis in range(len(shape)) if axis not in used]
    reduced = (torch.linalg.vector_norm(scaled, dim=gone) if gone else scaled).square()
    renamed = [_Factor(f.block, tuple(used.index(axis) for axis in f.axes), f.power) for f in factors]
    return _Term(reduced, tuple(renamed), unit)


def _unit(part: Tensor) -> float:
    """1, or the mean square of numbers so small or large that their squares would vanish or overflow."""
    count = max(1, part.numel()) ** 0.5
    if _SMALL < float(torch.linalg.vector_norm(part)) / count < 1 / _SMALL:
        return 1.0
    return (float(torch.linalg.vector_norm(part, dtype=torch.float64)) / count) ** 2 or 1.0


def _contract(term: _Term, logs: list[Tensor], target: _Factor | None) -> Tensor:
    """Weighted sum of squares, left open along the axes of one factor."""

    def weight(factor: _Factor) -> Tensor:
        """What a factor multiplies the squares by, along its axes."""
        extent = [term.squares.shape[axis] for axis in factor.axes]
        return (2.0 * factor.power * logs[factor.block]).exp().reshape(extent).to(term.squares.dtype)

    summed, axes = term.squares, [*range(term.squares.ndim)]
    others = [factor for factor in term.factors if factor is not target]
    for place, factor in enumerate(others):  # pair by pair, as planning the order of many costs more than it saves
        later = {axis for one in [*others[place + 1 :], *([target] if target else [])] for axis in one.axes}
        left = [axis for axis in axes if axis in later or axis not in factor.axes]
        summed, axes = torch.einsum(summed, axes, weight(factor), list(factor.axes), left), left
    summed = torch.einsum(summed, axes, [] if target is None else list(target.axes))
    return (summed if target is None else summed * weight(target)).double() * term.unit
