"""Four equivalent conditions for a symmetry of an autonomous system, each measured at points."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ...action._action import Action
from ...core._checks import as_points
from ...core._flow import integrate
from .. import bars

Field = Callable[[Tensor], Tensor]


def symmetry_conditions(
    field: Field, action: Action, x: Tensor, *, time: float = 0.1, amount: float = 0.1
) -> dict[str, Tensor]:
    """Relative error of each form of the condition, per generator, in [0, 1].

    With the flow f of the field h over ``time`` and the motion g of a generator v by ``amount``: finite, of the flow,
    ``f(g x) = g f(x)``, beyond ``g x + f(x) - x``; infinitesimal and of the flow, ``Df v = v(f)``; finite
    and of the field, ``Dg h = h(g)``; infinitesimal and of the field, ``Dh v = Dv h``. All are zero together, and only
    the last needs neither a flow nor a finite motion, and is linear in h.

    Parameters
    ----------
    field : callable
        `(batch, n)` to `(batch, n)`, such as ``model.predict``.
    action : Action
        Of the symmetry on states.
    x : Tensor
        `(batch, n)` where to compare.
    time, amount : float
        Lengths of the flow and of the motion.

    Returns
    -------
    dict of str to Tensor
        `(dim,)` for ``"finite flow"``, ``"infinitesimal flow"``, ``"finite field"`` and ``"infinitesimal field"``.

    Raises
    ------
    RepresentationMismatchError
        If points do not fit the action.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> x = torch.randn(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> errors = symmetry_conditions(lambda x: -x, iso.so(2).vector(), x)
    >>> all(float(e) < 1e-8 for e in errors.values())
    True
    """
    points = as_points(x, "x", action.event)
    units = torch.eye(action.algebra.dim, dtype=torch.float64)
    rows = [_one(field, action, unit, points, time, amount) for unit in units]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def _one(field: Field, action: Action, xi: Tensor, x: Tensor, time: float, amount: float) -> dict[str, Tensor]:
    def generator(y: Tensor) -> Tensor:
        return action.field(xi, y)

    def motion(y: Tensor) -> Tensor:
        return action.flow(xi, y, amount)

    def flow(y: Tensor) -> Tensor:
        return integrate(field, y, time)

    v, h = generator(x), field(x)
    moved, later = motion(x), flow(x)
    corner = moved + later - x
    return {
        "finite flow": _relative(flow(moved) - corner, motion(later) - corner, at_least=later - x),
        "infinitesimal flow": _relative(_along(flow, x, v) - v, generator(later) - v),
        "finite field": _relative(_along(motion, x, h), field(moved)),
        "infinitesimal field": _relative(
            torch.func.jvp(field, (x,), (v,))[1], torch.func.jvp(generator, (x,), (h,))[1]
        ),
    }


def _along(function: Field, x: Tensor, direction: Tensor) -> Tensor:
    """Derivative of a function along a direction."""
    return torch.func.jvp(function, (x,), (direction,))[1]


def _relative(left: Tensor, right: Tensor, at_least: Tensor | None = None) -> Tensor:
    """``|left - right| / (|left| + |right|)``, with rounding of both sides' makings counted as zero."""
    size = left.norm() + right.norm()
    floor = 0.0 if at_least is None else bars.STILL_FLOW * float(at_least.norm())
    return (left - right).norm() / size.clamp_min(floor + torch.finfo(left.dtype).tiny)
