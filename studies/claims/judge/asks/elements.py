"""The road that asks about single elements."""

from typing import Any

import torch
from torch import Tensor

import isotropy as iso
from isotropy.discover import DiscreteSymmetries

from .. import answers, truth
from ..answers import said
from ..families.draws import Draw, Field, frame, tensor
from ..families.groups import GROUPS
from ..families.laws import LAWS
from ..families.maps import MAPS
from ..families.planted import breaking, spread
from ..question import Run
from .problem import FRESH

INNER = ("chaos series", "spectral lines", "attention")  # what is averaged over a group


def ask_elements(run: Run, draw: Draw) -> dict[str, Any]:
    """Elements of a list, some of which a map keeps; the map is an average over a group, or belongs to no group."""
    planted = run.part != "nothing"
    group = GROUPS[run.family] if planted else torch.eye(run.size, dtype=torch.float64)[None]
    n = group.shape[1]
    law, turn = LAWS[run.law](draw, n), frame(draw, n, 2.5)
    inner = MAPS[INNER[int(draw.integers(len(INNER)))] if planted else run.family](draw, n)
    other = breaking(draw, n, 1)
    unit = spread(_averaged(inner, group, tensor(draw.normal(size=(4000, n)))))

    def f(x: Tensor) -> Tensor:
        u = x @ turn.T
        return _averaged(inner, group, u) / unit + run.broken * other(u)[:, 0]

    decoys = [torch.linalg.qr(tensor(draw.normal(size=(n, n)))).Q for _ in range(5)]
    signs = [torch.diag(tensor([-1.0, *[1.0] * (n - 1)])), -torch.eye(n, dtype=torch.float64)] if not planted else []
    elements = torch.linalg.inv(turn) @ torch.stack([*group[1:], *decoys, *signs]) @ turn
    x, fresh = law.sample(draw, run.samples), law.sample(draw, FRESH)
    G = iso.gl(n)
    found = DiscreteSymmetries(G.vector(), G.scalar()).fit(f, x, elements)
    return _judged(found, f, fresh, elements, len(group) - 1)


def _averaged(inner: Field, group: Tensor, u: Tensor) -> Tensor:
    return torch.stack([inner(u @ g.T) for g in group]).mean(0)


def _judged(found: Any, f: Field, fresh: Tensor, elements: Tensor, planted: int) -> dict[str, Any]:
    """The truth of an element: the change, relative to chance.

    That is the change between samples paired at random, or, if less, by the motion of one carried out at another.
    """
    values, other = f(fresh), fresh.roll(1, 0)
    elsewhere = [(f(other + fresh @ g.T - fresh) - values.roll(1, 0)).square() for g in elements]
    true = [_defect(values, f(fresh @ g.T), near) for g, near in zip(elements, elsewhere, strict=True)]
    kept = [int(k) for k in found.kept_]
    known = said(found, span=torch.zeros(len(kept), 1))
    return {
        **answers.describe(known),
        "spans": [[known.status, *max((true[k] for k in kept), default=(None, 0.0))]],
        "single": [true[k] for k in kept],
        "quiet": [None, 0.0],
        "least": min(value for value, _ in true),
        "planted": max(value for value, _ in true[:planted]) if planted else None,
        "planted_dimension": planted or None,
        "planted_silent": 0,
    }


def _defect(value: Tensor, moved: Tensor, near: Tensor) -> tuple[float, float]:
    """The defect of an element, and its Monte Carlo error."""

    def of(i: int, step: int) -> float:
        a, b, c = (part[i::step] for part in (value, moved, near))
        far = a.var() + b.var() + (a.mean() - b.mean()).square()
        return float(((b - a).square().mean() / torch.minimum(far, c.mean())).sqrt())

    pieces = tensor([of(i, truth.PARTS) for i in range(truth.PARTS)])
    return of(0, 1), float(pieces.std()) / truth.PARTS**0.5
