"""How far an L-conv is from commuting with an action, exactly and without data."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import RepresentationMismatchError
from .. import bars
from ._lconv import LConv
from ._span import Given, matrices_of


@dataclass(frozen=True)
class EquivarianceAudit:
    """The answer of ``equivariance_audit``.

    Attributes
    ----------
    per_generator : Tensor
        `(dim,)` errors in [0, 1] of the linear part, one for each generator of the action.
    bias : Tensor
        `(dim,)` how far each generator moves a constant, relative to what it could; zero without a bias.
    absolute : Tensor
        `(dim,)` the Frobenius norm of the commutators, a bound on ``|L_xi f| / |x|``.
    relative_error : float
        The error over all generators together.
    equivariant : bool
        Whether every error is below the tolerance.
    """

    per_generator: Tensor
    bias: Tensor
    absolute: Tensor
    relative_error: float
    equivariant: bool


def equivariance_audit(
    layer: LConv, action: Given, action_out: Given | None = None, *, tolerance: float = bars.MOST_LAYER_ERROR
) -> EquivarianceAudit:
    """Size of ``X_out M - M X_in`` for the linear map ``M = 1 (x) W_0 + sum_k L_k (x) W_k`` of a layer.

    The error is ``|X M - M X| / (|M| |X (x) 1| + |X M|)`` in Frobenius norms, the ``relative_error``
    that ``measure.equivariance`` finds on white noise. Channels do not move.

    Parameters
    ----------
    layer : LConv
        The layer; for a ``LiftedLConv`` pass its ``action``.
    action : Tensor or LieAlgebra or Action
        On the points of the input.
    action_out : Tensor or LieAlgebra or Action, optional
        On the points of the output; the same if left out.
    tolerance : float
        Errors below it are rounding.

    Raises
    ------
    RepresentationMismatchError
        If the action does not fit the points.

    Examples
    --------
    >>> import isotropy as iso
    >>> turns = iso.so(3)
    >>> audit = equivariance_audit(iso.nn.LConv(1, 1, turns), turns)  # so(3) is not abelian
    >>> audit.equivariant, audit.relative_error > 0.1
    (False, True)
    """
    X_in = matrices_of(action)
    X_out = X_in if action_out is None else matrices_of(action_out)
    _require_fit(layer, X_in, X_out)
    mixed = _mixed_operators(layer)
    before, after = (torch.einsum("xpq,kqr->xkpr", X_out, mixed), torch.einsum("kpq,xqr->xkpr", mixed, X_in))
    moved_in = _norms(X_in) * layer.channels[0] ** 0.5
    wrong, sizes = _norms(after - before), moved_in * float(mixed.norm()) + _norms(after)
    errors = wrong / sizes.clamp_min(1e-300)
    ones = torch.ones(X_out.shape[2], dtype=torch.float64)
    moved = (X_out @ ones).norm(dim=1) / (torch.linalg.matrix_norm(X_out) * ones.norm()).clamp_min(1e-300)
    bias = moved if layer.bias is not None else torch.zeros_like(moved)
    whole = float(wrong.norm() / sizes.norm().clamp_min(1e-300))
    passed = bool((errors <= tolerance).all() and (bias <= tolerance).all())
    return EquivarianceAudit(errors, bias, wrong, whole, passed)


def _mixed_operators(layer: LConv) -> Tensor:
    """Operators `(k, out, in)` whose norms are those of the layer: ``sum_k C_kj L_k`` with ``W = C Q``."""
    L = layer.generators.matrices().detach().to("cpu", torch.float64)
    W = layer.weight.detach().to("cpu", torch.float64).flatten(1)
    if layer.identity is not None:
        L = torch.cat([L, torch.eye(L.shape[1], dtype=torch.float64)[None]])
        W = torch.cat([W, layer.identity.detach().to("cpu", torch.float64).reshape(1, -1)])
    return torch.tensordot(torch.linalg.qr(W.T, mode="r").R, L, dims=1)


def _norms(stack: Tensor) -> Tensor:
    return stack.flatten(1).norm(dim=1)


def _require_fit(layer: LConv, X_in: Tensor, X_out: Tensor) -> None:
    _, points_out, points_in = layer.generators.shape
    fit_in, fit_out = (tuple(X.shape[1:]) for X in (X_in, X_out))
    if fit_in != (points_in, points_in) or fit_out != (points_out, points_out) or len(X_in) != len(X_out):
        raise RepresentationMismatchError(
            f"action: expected generators on {points_in} points of the input and {points_out} of the output, received "
            f"{tuple(X_in.shape)} and {tuple(X_out.shape)}; use the action that moves the points of this layer"
        )
