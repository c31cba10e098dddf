"""Assert on maps: equivariance, infinitesimal and finite."""

from __future__ import annotations

import torch
from torch import Tensor

from ..action._action import Action
from ..core._autodiff import Map, evaluating
from ..core._checks import as_points
from ..derivative._finite_flow import finite_error
from ..derivative._lie_derivative import LieDerivative
from ._elements import paced
from ._numbers import at_most


def assert_equivariant(
    f: Map, x: Tensor, rho_in: Action, rho_out: Action, tolerance: float | None = None, *, seed: int = 0
) -> None:
    """``L_xi f = 0`` for every generator, and ``f(g x) = g f(x)`` for finite motions.

    Parameters
    ----------
    f : callable
        `(batch, *event)` to `(batch, *out)`; evaluated in the dtype of ``x``, a module in eval mode.
    x : Tensor
        `(batch, *event)`.
    rho_in, rho_out : Action
        Actions of one algebra.
    tolerance : float, optional
        Largest error in [0, 1]; the root of the working precision of ``x`` if left out.
    seed : int
        Of the motions, each moving the points by about half their spread.

    Raises
    ------
    AssertionError
        If an error is too large, or undefined (0/0) because nothing moves: then the check would say nothing.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> G = iso.so(3)
    >>> assert_equivariant(lambda x: x * x.norm(dim=1, keepdim=True), torch.randn(9, 3), G.vector(), G.vector())
    """
    points = as_points(x, "x", rho_in.event)
    limit = torch.finfo(points.dtype).eps ** 0.5 if tolerance is None else tolerance
    errors = _generator_errors(LieDerivative(f, rho_in, rho_out), points)
    defined = errors[~torch.isnan(errors)]
    if not len(defined):
        raise AssertionError("infinitesimal error: expected points or outputs that move, received 0/0 for every one")
    worst = int(errors.nan_to_num(-1.0).argmax())
    at_most(float(errors[worst]), limit, f"infinitesimal error of generator {worst}")
    for xi in paced(rho_in, points.to(torch.float64), seed):
        at_most(_finite_error(f, rho_in, rho_out, xi, points), limit, "error of a finite motion")


def _generator_errors(derivative: LieDerivative, x: Tensor) -> Tensor:
    """``|L_xi f| / (|Df| |xi_in x| + |xi_out f|)`` `(dim,)` in root mean square; NaN for 0/0."""
    squares = torch.zeros(3, derivative.dim, dtype=torch.float64)
    for chunk, terms in derivative.chunks(x, slopes=True):
        reach = terms.slope[:, None] * derivative.rho_in.fields(chunk).flatten(2).norm(dim=2)
        parts = (terms.derivative.norm(dim=2), reach, terms.turned.norm(dim=2))
        squares += torch.stack([part.to("cpu", torch.float64).square().sum(0) for part in parts])
    broken, moved, turned = squares.sqrt()
    return broken / (moved + turned)


def _finite_error(f: Map, rho_in: Action, rho_out: Action, xi: Tensor, x: Tensor) -> float:
    """Error of ``f(g x)`` against ``g f(x)``, both motions in float64."""
    wide = x.to(torch.float64)
    with evaluating(f), torch.no_grad():
        value = f(x).to(torch.float64).reshape(len(x), *rho_out.event)
        moved = f(rho_in.flow(xi, wide).to(x.dtype))
    return finite_error(moved, rho_out.flow(xi, value, at=wide))
