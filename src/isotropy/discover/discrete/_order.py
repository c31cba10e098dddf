"""How often an element has to be repeated to come back."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .. import bars


def order_of(g: Tensor) -> int:
    """How often an element `(n, n)` has to be repeated to come back to the identity, or 0.

    Angles of its eigenvalues count as whole fractions of a turn within one per cent.
    """
    values = torch.linalg.eigvals(g.to(torch.float64))
    angles = values.angle()
    if float((values.abs().log()).abs().max()) > bars.MOST_GROWTH or float(angles.abs().max()) < bars.WHOLE_TURN:
        return 0
    for order in range(bars.LEAST_ORDER, bars.LARGEST_ORDER + 1):
        turns = (order * angles / (2 * math.pi)).round()
        off = (angles - 2 * math.pi * turns / order).abs()
        if bool((off <= torch.maximum(bars.WHOLE_TURN * angles.abs(), torch.tensor(bars.WHOLE_TURN / order))).all()):
            return order
    return 0
