"""Averages of any map over a group: projection onto equivariant maps without retraining."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..action._representation import Representation
from ..core._checks import as_basis
from ..errors import DataError, RepresentationMismatchError
from ..quadrature import Rule


class Symmetrized(nn.Module):
    """``x -> sum_i w_i rho_out(g_i)^-1 f(rho_in(g_i) x)``; made by ``symmetrize``.

    Parameters
    ----------
    f : callable
        `(batch, n)` to `(batch, m)`.
    turns : Tensor
        `(elements, n, n)` matrices of the inputs.
    returns : Tensor
        `(elements, m, m)` weighted inverse matrices of the outputs.
    chunk : int
        Rows, samples times elements, that ``f`` is given at once.

    Raises
    ------
    RepresentationMismatchError
        If inputs or outputs are not of the size of the representations.
    """

    turns: Tensor
    returns: Tensor

    def __init__(self, f: Callable[[Tensor], Tensor], turns: Tensor, returns: Tensor, chunk: int) -> None:
        super().__init__()
        self.f = f
        self.chunk = chunk
        self.register_buffer("turns", turns, persistent=False)
        self.register_buffer("returns", returns, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Average `(batch, size)` to what ``f`` gives for it."""
        if x.ndim != 2 or x.shape[1] != self.turns.shape[1]:
            raise RepresentationMismatchError(
                f"x: expected shape (batch, {self.turns.shape[1]}), received {tuple(x.shape)}; one row per sample"
            )
        step = max(1, self.chunk // max(1, len(x)))
        parts = [
            self._part(x, turns, returns)
            for turns, returns in zip(self.turns.to(x).split(step), self.returns.to(x).split(step), strict=True)
        ]
        return torch.stack(parts).sum(0)

    def _part(self, x: Tensor, turns: Tensor, returns: Tensor) -> Tensor:
        """Weighted sum over some of the elements."""
        moved = torch.einsum("gij,bj->gbi", turns, x)
        values = self.f(moved.flatten(0, 1))
        if values[0].numel() != returns.shape[1]:
            raise RepresentationMismatchError(
                f"f: expected {returns.shape[1]} outputs per sample, received {values[0].numel()}; "
                "use the rho_out of its values"
            )
        rows = values.reshape(len(turns), len(x), -1)
        return torch.einsum("gij,gbj->bi", returns, rows).reshape(len(x), *values.shape[1:])


def symmetrize(
    f: Callable[[Tensor], Tensor],
    rho_in: Representation,
    rho_out: Representation,
    rule: Rule | Tensor | Any,
    *,
    chunk: int = 4096,
) -> Symmetrized:
    """The average ``x -> sum_i w_i rho_out(g_i)^-1 f(rho_in(g_i) x)`` of any map over a group.

    Parameters
    ----------
    f : callable
        `(batch, size)` to `(batch, size_out)`, or to `(batch,)` for one output. Of a module the parameters, mode and
        device stay its own: the average is a module that holds it.
    rho_in, rho_out : Representation
        Of one group, and knowing its finite elements.
    rule : Rule or array_like
        A quadrature rule, or group elements `(k, n, n)` of equal weight (all of a finite group, or a sample).
    chunk : int
        Most rows given to ``f`` at once.

    Returns
    -------
    Symmetrized
        A differentiable ``nn.Module``; exactly equivariant where the elements form a group.

    Raises
    ------
    RepresentationMismatchError
        If sizes do not fit, or a representation does not know finite elements.
    DataError
        If there is no element, or ``chunk`` is not positive.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> V = iso.so(3).vector()
    >>> mean = symmetrize(lambda x: x[:, 0] ** 2, V, iso.so(3).scalar(), iso.quadrature.polyhedral("T"))
    >>> mean(torch.tensor([[3.0, 0.0, 0.0], [0.0, 2.0, 2.0]]))
    tensor([3.0000, 2.6667])
    """
    elements = rule.rotations if isinstance(rule, Rule) else as_basis(rule, "rule")
    if not len(elements) or chunk < 1:
        raise DataError(f"expected elements and a positive chunk, received {len(elements)} and {chunk}; give some")
    _require_size(elements, rho_in)
    weights = rule.weights if isinstance(rule, Rule) else torch.full((len(elements),), 1 / len(elements)).double()
    turns = torch.stack([rho_in.rho(g) for g in elements])
    back = torch.linalg.inv(torch.stack([rho_out.rho(g) for g in elements]))
    return Symmetrized(f, turns, weights[:, None, None] * back, chunk)


def _require_size(elements: Tensor, rho: Representation) -> None:
    size = rho.algebra.basis.shape[-1]
    if elements.shape[1] != size:
        raise RepresentationMismatchError(
            f"rule: expected elements of size {size}, those of the group, received {elements.shape[1]}; "
            "use a rule for this group"
        )
