"""How often an element has to be repeated to come back."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_LARGEST_ORDER = 32
_ANGLE = 0.01  # relative: a whole fraction of a turn is recognised within it


def order_of(g: Tensor) -> int:
    """How often an element `(n, n)` has to be repeated to come back to the identity, or 0.

    Angles of its eigenvalues count as whole fractions of a turn within one per cent.
    """
    values = torch.linalg.eigvals(g.to(torch.float64))
    angles = values.angle()
    if float((values.abs().log()).abs().max()) > 0.1 or float(angles.abs().max()) < _ANGLE:
        return 0
    for order in range(2, _LARGEST_ORDER + 1):
        turns = (order * angles / (2 * math.pi)).round()
        off = (angles - 2 * math.pi * turns / order).abs()
        if bool((off <= torch.maximum(_ANGLE * angles.abs(), torch.tensor(_ANGLE / order))).all()):
            return order
    return 0
