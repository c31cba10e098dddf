"""Directions of a candidate algebra, least broken first, and the worst member of a span."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from . import bars
from ._forms import Forms
from ._resamples import Interval


@dataclass(frozen=True)
class Factors:
    """Triangular factors `(rows, dim)` of the three forms over some samples.

    Everything that may be called exact is judged on these: the singular values of ``lie chance^-1`` are right to
    rounding, where those from Gram matrices would end at 1e-8.
    """

    lie: Tensor
    chance: Tensor
    motion: Tensor

    def along(self, directions: Tensor) -> Factors:
        """The same in the coordinates of directions `(k, dim)`."""
        return Factors(self.lie @ directions.T, self.chance @ directions.T, self.motion @ directions.T)


@dataclass(frozen=True)
class Candidates:
    """The candidates in three parts, as combinations `(count, dim)`.

    Attributes
    ----------
    active : Tensor
        Those to which the map responds; orthonormal in the metric of chance.
    ignored : Tensor
        Those that move the samples without any response: 0/0, the map does not depend on them.
    trivial : Tensor
        Those that do not move the samples.
    """

    active: Tensor
    ignored: Tensor
    trivial: Tensor


def factors_of(forms: Forms) -> Factors:
    """Factors of root mean squares over the samples of the forms."""
    lie, chance, motion = (
        torch.linalg.qr(part.flatten(0, 1), mode="r").R / math.sqrt(len(part))
        for part in (forms.lie, forms.chance, forms.motion)
    )
    return Factors(lie, chance, motion)


def merged(parts: Sequence[Factors], counts: Sequence[int]) -> Factors:
    """Factors of all samples from those of parts of them, with the numbers of samples in each."""
    names, shares = ("lie", "chance", "motion"), [math.sqrt(count / sum(counts)) for count in counts]
    stacks = [
        torch.cat([share * getattr(part, name) for part, share in zip(parts, shares, strict=True)]) for name in names
    ]
    return Factors(*[torch.linalg.qr(stack, mode="r").R for stack in stacks])


def split_candidates(factors: Factors, outputs: int, floor: float) -> Candidates:
    """Set apart what does not move the samples and what the map ignores.

    Response is what chance would give for one standard deviation of motion, in spreads of the map; a direction is
    ignored when that and its effect are no more than ``bars.IGNORED`` or a hundred floors.
    """
    both = torch.cat([factors.chance / math.sqrt(outputs), factors.motion])
    scale = both.square().sum(0).sqrt()
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    _, sizes, axes = torch.linalg.svd(torch.linalg.qr(both / scale, mode="r").R, full_matrices=True)
    moving = torch.zeros(len(axes), dtype=torch.bool)
    moving[: len(sizes)] = sizes > bars.TRIVIAL * sizes[0].clamp_min(1e-300)
    frame = axes[moving] / sizes[moving[: len(sizes)], None] / scale
    _, turned = _singular(factors.chance @ frame.T / math.sqrt(outputs))
    frame = turned @ frame
    inside = factors.along(frame)
    answered = responds(inside, outputs, floor)
    active = frame[answered] / inside.chance.norm(dim=0)[answered, None]
    return Candidates(active, frame[~answered], axes[~moving] / scale)


def responds(factors: Factors, outputs: int, floor: float) -> Tensor:
    """Whether the map responds `(c,)` to each of the directions along which factors were taken."""
    chance, motion, lie = (part.norm(dim=0) for part in (factors.chance, factors.motion, factors.lie))
    least = max(bars.IGNORED, bars.IGNORED_ROUNDINGS * floor) * math.sqrt(outputs) * motion
    return (chance > 0) & ((chance > least) | (lie > least))


def effects_of(factors: Factors, outputs: int) -> tuple[Interval, ...]:
    """Effects of the directions along which factors were taken, to which a map that can be evaluated hardly responds.

    The upper limit is the larger of what the map does and what chance would give, which is as small.
    """
    lie, chance, motion = (part.norm(dim=0) for part in (factors.lie, factors.chance, factors.motion))
    scale = (motion * math.sqrt(outputs)).clamp_min(1e-300)
    tops = torch.maximum(lie, chance) / scale
    return tuple(Interval(value, 0.0, top) for value, top in zip((lie / scale).tolist(), tops.tolist(), strict=True))


def worst_effect(factors: Factors, outputs: int) -> float:
    """Upper limit of the effect of the worst member of the span of these directions, 0 where there are none."""
    if not factors.motion.shape[1]:
        return 0.0
    scale = factors.motion.norm(dim=0).clamp_min(1e-300)
    _, sizes, axes = torch.linalg.svd(factors.motion / scale, full_matrices=False)
    kept = sizes > bars.TRIVIAL * sizes[0]
    white = (axes[kept] / sizes[kept, None] / scale).T
    tops = [float(torch.linalg.matrix_norm(part @ white, ord=2)) for part in (factors.lie, factors.chance)]
    return max(tops) / math.sqrt(outputs)


def least_broken_first(factors: Factors, active: Tensor) -> Tensor:
    """Directions `(r, dim)`, orthonormal in the metric of chance over these samples, by ascending defect.

    The first k span the k-dimensional space whose worst member is least broken.
    """
    inside = factors.along(active)
    sizes, axes = _singular(inside.chance)
    seen = sizes > bars.TRIVIAL * sizes[:1].clamp_min(1e-300)
    white = axes[seen] / sizes[seen, None]
    _, turned = _singular(inside.lie @ white.T)
    return (turned @ white @ active).flip(0)


def nested_defects(factors: Factors, directions: Tensor, most: float = math.inf) -> Tensor:
    """Defect `(sizes,)` of the worst member of the span of the first k directions `(r, dim)`, up to one above ``most``.

    For every k, in ascending order: a wider span is never less broken. It is infinite from where these samples do not
    show a direction at all.
    """
    inside = factors.along(directions)
    broken, chance = (_triangle(part) for part in (inside.lie, inside.chance))
    # Leading blocks of triangular factors belong to leading directions, and so do those of their quotient.
    quotient = torch.linalg.solve_triangular(chance, broken, upper=True, left=False)
    found: list[Tensor] = []
    for k in range(1, len(directions) + 1):
        leading = quotient[:k, :k]
        finite = bool(torch.isfinite(leading).all())
        found.append(torch.linalg.matrix_norm(leading, 2) if finite else leading.new_tensor(torch.inf))
        if found[-1] > most:
            break
    return torch.stack(found)


def _singular(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Singular values `(c,)`, descending, and right singular vectors `(c, c)`, zeros filled up."""
    _, sizes, axes = torch.linalg.svd(matrix, full_matrices=True)
    return torch.cat([sizes, sizes.new_zeros(len(axes) - len(sizes))]), axes


def _triangle(matrix: Tensor) -> Tensor:
    """Square triangular factor `(c, c)`, filled up with zeros."""
    factor = torch.linalg.qr(matrix, mode="r").R
    return torch.cat([factor, factor.new_zeros(matrix.shape[1] - len(factor), matrix.shape[1])])
