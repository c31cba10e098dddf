"""How far brackets of a span leave it, by what they do to the map."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from . import bars
from ._span import Factors

_MOST_COMPARED = 64  # candidates whose brackets tell what is usual


def closure_of(brackets: Tensor, factors: Factors, active: Tensor, directions: Tensor) -> float:
    """Part of the brackets of directions `(k, dim)` outside their span, relative to all of them; 0 for an algebra.

    Measured in the metric of chance, which no unit enters and in which directions that the map ignores count nothing.
    Brackets that are tiny, as in an abelian algebra known up to noise, are compared with those of the candidates
    ``active`` `(r, dim)`.
    """
    if len(directions) < 2:
        return 0.0
    frame, change = torch.linalg.qr((directions @ factors.chance.T).T)
    unit = torch.linalg.solve_triangular(change.T, directions, upper=False)
    inside = _moved(brackets, unit, unit, factors)
    outside = inside - inside @ frame @ frame.T
    some = active[:: math.ceil(len(active) / _MOST_COMPARED)]
    usual = float(_moved(brackets, unit, some, factors).square().sum(2).mean().sqrt())
    size = max(float(inside.norm()), bars.ABELIAN * usual * len(unit))
    return float(outside.norm()) / size if size > 0 else 0.0


def _moved(brackets: Tensor, first: Tensor, second: Tensor, factors: Factors) -> Tensor:
    """Responses `(i, j, rows)` to the brackets of `(i, dim)` and `(j, dim)`."""
    responses = brackets @ factors.chance.T  # (dim, dim, rows); pair by pair, not all at once
    half = (first @ responses.flatten(1)).reshape(len(first), *responses.shape[1:])
    return second @ half
