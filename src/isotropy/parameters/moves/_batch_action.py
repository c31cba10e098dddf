"""Actions of GL(h) on a hidden layer with any activation, exact on one batch of at most so many samples.

Layers are ``z = x v^T + b`` and ``y = s(z) u^T``; samples are rows. Each form returns new weights with the same ``y``
on the batch. The first two add what is missing to the old weights, so that the identity leaves them bit for bit, and
what the batch does not see stays.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from ...errors import DataError, RepresentationMismatchError, SymmetryError, SymmetryWarning

Function = Callable[[Tensor], Tensor]


def move_outgoing(
    g: Tensor, v: Tensor, u: Tensor, x: Tensor, activation: Function, bias: Tensor | None = None, *, strict: bool = True
) -> tuple[Tensor, Tensor, Tensor | None]:
    """``v -> g v``, and ``u -> u + u (S - S') S'^+`` with ``S = s(z)^T`` and ``S' = s(z g^T)^T``.

    Parameters
    ----------
    g : Tensor
        `(h, h)` invertible.
    v, u : Tensor
        Weights `(h, n)` and `(m, h)`.
    x : Tensor
        The batch `(samples, n)`; at most ``h`` samples.
    activation : callable
        Any function of single entries.
    bias : Tensor, optional
        `(h,)` of the first layer.
    strict : bool
        Whether to refuse batches on which the move cannot be exact, rather than warn.

    Returns
    -------
    tuple of Tensor
        New ``v``, ``u`` and bias.

    Raises
    ------
    SymmetryError
        If the moved hidden states of the batch are linearly dependent, as for more than ``h`` samples.
    DataError
        If ``g`` or ``x`` are not finite.

    Examples
    --------
    >>> x, v, u = torch.eye(2), torch.ones(3, 2), torch.ones(1, 3)
    >>> same = move_outgoing(torch.eye(3), v, u, x[:1], torch.tanh)
    >>> bool((same[0] == v).all() and (same[1] == u).all())
    True
    """
    _require_shapes(g, v, u, x)
    z = x @ v.mT if bias is None else x @ v.mT + bias
    before, after = activation(z), activation(z @ g.mT)
    _require_rank(after, len(x), "moved hidden states", strict)
    moved = u + u @ (before - after).mT @ torch.linalg.pinv(after.mT)
    return g @ v, moved, None if bias is None else g @ bias


def move_incoming(
    g: Tensor, v: Tensor, u: Tensor, x: Tensor, activation: Function, inverse: Function, *, strict: bool = True
) -> tuple[Tensor, Tensor]:
    """``u -> u g^-1``, and ``v -> v + (s^-1(g s(Z)) - Z) X^+``.

    As ``move_outgoing``, for invertible activations and at most ``n`` samples, the width of the input.

    Parameters
    ----------
    g : Tensor
        `(h, h)` invertible.
    v, u : Tensor
        Weights of the first and of the second layer, `(h, n)` and `(m, h)`.
    x : Tensor
        `(samples, n)` the batch on which outputs stay.
    activation, inverse : callable
        Pointwise, and its inverse.
    strict : bool
        As for ``move_outgoing``.

    Raises
    ------
    SymmetryError
        If the samples are linearly dependent, or ``g`` moves hidden states out of the range of the activation.
    """
    _require_shapes(g, v, u, x)
    _require_rank(x, len(x), "samples", strict)
    z = x @ v.mT
    hidden = activation(z)
    change = inverse(hidden @ g.mT) - inverse(hidden)
    if not bool(torch.isfinite(change).all()):
        raise SymmetryError(
            "g: expected hidden states that stay in the range of the activation, received some outside; "
            "take a smaller step"
        )
    return v + (torch.linalg.pinv(x) @ change).mT, torch.linalg.solve(g.mT, u.mT).mT


def move_by_rotation(g: Tensor, v: Tensor, u: Tensor, x: Tensor, activation: Function) -> tuple[Tensor, Tensor]:
    """``v -> g v`` and ``u -> u R(s(z)) R(s(g z))^-1``, exact on one sample ``x`` `(n,)`.

    ``R(z)`` is the length of ``z`` times the rotation that takes the first axis to its direction, signs included, so
    that ``pi(g, z) = R(s(z)) R(s(g z))^-1`` obeys ``pi(g, z) pi(g', g z) = pi(g' g, z)``.

    Parameters
    ----------
    g : Tensor
        `(h, h)` invertible.
    v, u : Tensor
        Weights of the first and of the second layer, `(h, n)` and `(m, h)`.
    x : Tensor
        `(n,)` the sample on which outputs stay.
    activation : callable
        Pointwise.

    Raises
    ------
    SymmetryError
        If a hidden state is zero.
    """
    z = v @ x
    return g @ v, u @ scaled_rotation(activation(z)) @ torch.linalg.inv(scaled_rotation(activation(g @ z)))


def scaled_rotation(z: Tensor) -> Tensor:
    """``|z|`` times the least rotation `(h, h)` that takes the first axis to the direction of ``z`` `(h,)`.

    ``R = |z| (1 - (e + n)(e + n)^T / (1 + n_1) + 2 n e^T)``; continuous but for the direction opposite to ``e``.

    Raises
    ------
    SymmetryError
        If the state is zero, which has no direction.

    Examples
    --------
    >>> scaled_rotation(torch.tensor([3.0, -4.0])).round()
    tensor([[ 3.,  4.],
            [-4.,  3.]])
    """
    length = z.norm()
    if not float(length):
        raise SymmetryError("z: expected a hidden state other than zero, received zero; choose another sample")
    n, e = z / length, torch.zeros_like(z)
    e[0] = 1.0
    eye = torch.eye(len(z), dtype=z.dtype, device=z.device)
    # 1 + n_1 without cancellation where n_1 is near -1
    gap = 1 + n[0] if float(n[0]) > 0 else n[1:].square().sum() / (1 - n[0])
    if not float(gap):
        eye[0, 0] = eye[1, 1] = -1.0
        return length * eye
    w = torch.cat([gap[None], n[1:]])
    return length * (eye - torch.outer(w, w) / gap + 2 * torch.outer(n, e))


def drift_bound(
    before: tuple[Tensor, Tensor], after: tuple[Tensor, Tensor], distance: float, lipschitz: float = 1.0
) -> float:
    """Most that outputs move at an input ``distance`` away from one where they do not.

    ``L d (|u'| |v'| + |u| |v|)`` in spectral norms, for weights ``(v, u)`` before and after a move and an activation
    with Lipschitz constant ``L``.

    Parameters
    ----------
    before, after : tuple of Tensor
        Weights ``(v, u)``, `(h, n)` and `(m, h)`.
    distance : float
        Of the input from one where the outputs agree.
    lipschitz : float
        Of the activation; 1 for ReLU, tanh and their kin.
    """
    sizes = [float(torch.linalg.matrix_norm(u, 2) * torch.linalg.matrix_norm(v, 2)) for v, u in (before, after)]
    return lipschitz * distance * sum(sizes)


def _require_rank(rows: Tensor, samples: int, what: str, strict: bool) -> None:
    """Exact moves need independent rows."""
    rank = int(torch.linalg.matrix_rank(rows))
    if rank >= samples:
        return
    message = (
        f"x: expected at most {rank} independent {what}, received {samples} samples; the move is not exact on more, "
        "so pass a smaller batch"
    )
    if strict:
        raise SymmetryError(message)
    warnings.warn(message, SymmetryWarning, stacklevel=3)


def _require_shapes(g: Tensor, v: Tensor, u: Tensor, x: Tensor) -> None:
    h, n = v.shape
    if tuple(g.shape) != (h, h) or u.shape[-1] != h or x.ndim != 2 or x.shape[1] != n:
        raise RepresentationMismatchError(
            f"expected g ({h}, {h}), u (m, {h}) and x (samples, {n}) for v ({h}, {n}), received "
            f"{tuple(g.shape)}, {tuple(u.shape)} and {tuple(x.shape)}; samples are rows"
        )
    for name, value in (("g", g), ("x", x)):
        if not bool(torch.isfinite(value).all()):
            raise DataError(f"{name}: expected finite entries, received NaN or infinity; drop such samples or moves")
