"""How far a map is from commuting with finite motions."""

from __future__ import annotations

import torch
from torch import Tensor

from ..action._action import Action
from ..core._autodiff import Map, evaluating


def finite_error(left: Tensor, right: Tensor) -> float:
    """Difference of ``f(g x)`` and ``g f(x)`` `(batch, out)` relative to their spread, in [0, 1]; NaN for 0/0.

    ``|a - b| / (|a - c| + |b - c|)`` in root mean square, with ``c`` the mean of both.
    """
    a, b = left.to(torch.float64).reshape(len(left), -1), right.to(torch.float64).reshape(len(right), -1)
    centre = 0.5 * (a.mean(0) + b.mean(0))
    spread = (a - centre).norm() + (b - centre).norm()
    return float((a - b).norm() / spread) if spread > 0 else float("nan")


def flow_error(f: Map, rho_in: Action, rho_out: Action, xi: Tensor, x: Tensor, t: float = 1.0) -> float:
    """``finite_error`` of ``f(flow(x))`` against ``flow(f(x))`` at points `(batch, *event)`."""
    with evaluating(f), torch.no_grad():
        value = f(x)
        moved = f(rho_in.flow(xi, x, t))
        shaped = value.reshape(len(x), *rho_out.event)
        turned = rho_out.flow(xi, shaped, t, at=x)
    return finite_error(moved, turned)
