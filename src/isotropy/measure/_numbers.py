"""The two numbers of given generators and of their worst combination, with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..symmetry.claims import bars
from ..symmetry.claims._resamples import Interval, interval
from ..symmetry.claims._span import Factors, responds, split_candidates
from ._evidence import Evidence

_NOTHING = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Numbers:
    """Defects and effects.

    Attributes
    ----------
    defects, effects : tuple of Interval
        Of every generator; NaN for 0/0.
    defect, effect : Interval
        Of the worst combination of them.
    active : Tensor
        `(r, dim)` combinations to which the map responds, each of which chance breaks by 1.
    effective : float
        How many samples carry the sums.
    """

    defects: tuple[Interval, ...]
    effects: tuple[Interval, ...]
    defect: Interval
    effect: Interval
    active: Tensor
    effective: float


def numbers(evidence: Evidence, rounding: float, level: float) -> Numbers:
    """Measure every generator, and all of them together; ``rounding`` is relative, of a derivative."""
    factors, outputs = evidence.factors, evidence.outputs
    candidates = split_candidates(factors, outputs, rounding)
    active = candidates.active
    size = factors.chance.norm(dim=0)
    units = torch.diag(1 / torch.where(size > 0, size, torch.ones_like(size)))
    single = torch.eye(len(units), dtype=torch.float64)
    each = evidence.draw(units)
    defects, effects = each.defects(single), each.effects(single, outputs)
    known = responds(factors, outputs, rounding).tolist()
    moving = (factors.motion.norm(dim=0) > 0).tolist()
    few = evidence.samples < 2

    def told(values: Tensor, seen: bool) -> Interval:
        if not seen:
            return _NOTHING
        return Interval(float(values[0]), math.nan, math.nan) if few else interval(values, level / 2)

    some = bool(len(active))
    worst = _most_effective(factors, torch.cat([active, candidates.ignored]))
    alone = torch.eye(1, dtype=torch.float64)
    return Numbers(
        defects=tuple(told(values, seen) for values, seen in zip(defects.T, known, strict=True)),
        effects=tuple(told(values, seen) for values, seen in zip(effects.T, moving, strict=True)),
        defect=told(evidence.draw(active).spans(torch.eye(len(active), dtype=torch.float64)), some)
        if some
        else _NOTHING,
        effect=_NOTHING if worst is None else told(evidence.draw(worst).effects(alone, outputs)[:, 0], True),
        active=active,
        effective=evidence.effective(active) if some else 0.0,
    )


def _most_effective(factors: Factors, directions: Tensor) -> Tensor | None:
    """The combination `(1, dim)` of directions `(k, dim)` along which one standard deviation changes the map most."""
    if not len(directions):
        return None
    inside = factors.along(directions)
    _, sizes, axes = torch.linalg.svd(inside.motion, full_matrices=False)
    seen = sizes > bars.TRIVIAL * sizes[:1].clamp_min(1e-300)
    if not seen.any():
        return None
    white = axes[seen] / sizes[seen, None]
    _, _, turned = torch.linalg.svd(inside.lie @ white.T, full_matrices=False)
    return turned[:1] @ white @ directions
