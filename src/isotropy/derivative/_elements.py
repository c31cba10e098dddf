"""Single group elements as conditions: one of each component that the exponential cannot reach, or candidates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor

from ..action._action import Action, RestrictedAction
from ..action._representation import Representation
from ..actions import Affine, Points, Product, Trivial
from ..core._checks import as_basis
from ..core._linalg import StreamedQR
from ..dictionary import Dictionary
from ..errors import RepresentationMismatchError
from ._family import FamilyDerivative


@singledispatch
def moved(action: Action, g: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
    """Where the group element with defining matrix ``g`` `(n, n)` takes points `(batch, *event)`."""
    raise RepresentationMismatchError(
        f"components: expected an action that knows finite elements, received a {type(action).__name__}; "
        "use a Representation, Affine, or Points and Products of these"
    )


@moved.register
def _(action: Representation, g: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
    return y @ action.rho(g).to(y).T


@moved.register
def _(action: Affine, g: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
    if g.shape[0] != action.size + 1:
        raise RepresentationMismatchError(
            f"components: expected homogeneous matrices of size {action.size + 1} for an affine action, received "
            f"{g.shape[0]}; put the linear part in the upper left block"
        )
    return action.features(y) @ g[:-1].to(y).T


@moved.register
def _(action: Points, g: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
    return moved(action.base, g, y.reshape(-1, action.base.size)).reshape(y.shape)


@moved.register
def _(action: Product, g: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
    pieces = y.split([part.size for part in action.parts], dim=1)
    return torch.cat([moved(part, g, piece) for part, piece in zip(action.parts, pieces, strict=True)], dim=1)


@moved.register
def _(action: Trivial, g: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
    return y


@moved.register
def _(action: RestrictedAction, g: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
    return moved(action.base, g, y, at)


def stretched(move: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """``|det Dg(x)|`` `(batch,)` of a map of points `(batch, n)`."""
    units = torch.eye(x.shape[1], dtype=x.dtype)
    columns = [torch.func.jvp(move, (x,), (unit.expand_as(x),))[1] for unit in units]
    return torch.linalg.det(torch.stack(columns, dim=2)).abs()


def components_of(actions: tuple[Action, ...], given: Any) -> Tensor:
    """Representatives `(k, n, n)`: those given, else those that a representation carries, else none."""
    if given is not None:
        return as_basis(given, "components")
    carried = [c for action in actions for c in _carried(action)]
    return carried[0] if carried else torch.zeros(0, 1, 1, dtype=torch.float64)


def _carried(action: Action) -> Iterator[Tensor]:
    """Components that an action or its parts were built with."""
    own = getattr(action, "components", None)
    if own is not None:
        yield own
    for part in (*getattr(action, "parts", ()), getattr(action, "base", None)):
        if isinstance(part, Action):
            yield from _carried(part)


def component_rows(dictionary: Dictionary, rho_in: Action, rho_out: Action, g: Tensor, x: Tensor) -> Tensor:
    """Triangular factor `(rows, m * terms)` of ``W -> F_W(g x) - rho_out(g) F_W(x)`` in root mean square."""
    units = torch.eye(rho_out.size, dtype=x.dtype)
    turned = torch.stack([moved(rho_out, g, unit.expand(len(x), -1), x) for unit in units])  # (m in, batch, m out)
    before, after = dictionary.evaluate(x), dictionary.evaluate(moved(rho_in, g, x))
    rows = torch.einsum("bp,oq->boqp", after, units) - torch.einsum("qbo,bp->boqp", turned, before)
    return StreamedQR(rows[0, 0].numel()).update(rows.flatten(2).flatten(0, 1) / len(x) ** 0.5).R


def difference_maps(family: FamilyDerivative, elements: Tensor) -> Tensor:
    """Maps `(count, rows, m * terms)` in an orthonormal basis of the functions, for matrices `(count, n, n)`.

    ``(K_g F)(x) = rho_out(g)^-1 F(rho_in(g) x)``, which equals F exactly when g is a symmetry of F.
    """
    inner, outer = _linear(family.rho_in, "rho_in"), _linear(family.rho_out, "rho_out")
    unit = torch.eye(family.outputs, dtype=torch.float64)
    stay = torch.kron(unit, family.basis_change)
    moved = [
        torch.kron(torch.linalg.inv(outer.rho(g)), family.basis_change @ family.substitution(inner.rho(g)))
        for g in elements
    ]
    return torch.stack(moved) - stay


def _linear(action: Action, name: str) -> Representation:
    if not isinstance(action, Representation):
        raise RepresentationMismatchError(
            f"{name}: expected a Representation when single elements are candidates, received "
            f"{type(action).__name__}; use algebra.vector() and algebra.scalar()"
        )
    return action
