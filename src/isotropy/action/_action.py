"""Actions: how an element of a Lie algebra moves a point.

An action needs only the idea of an algebra (a basis and subspaces of it), so it stands below ``LieAlgebra``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from ..core._flow import integrate
from ..core._linalg import StreamedQR
from ..core._parts import Parts
from ..errors import RepresentationMismatchError
from ._recorded import recorded


@runtime_checkable
class Algebra(Protocol):
    """What an action asks of an algebra."""

    @property
    def dim(self) -> int:
        """Number of generators."""
        ...

    @property
    def basis(self) -> Tensor:
        """Generators `(dim, n, n)`."""
        ...

    def span(self, coefficients: Tensor) -> Algebra:
        """The span `(k, ...)` of combinations `(k, dim)` of the generators."""
        ...


class Action(ABC):
    """How the generators of an algebra move points, infinitesimally (``field``) and finitely (``flow``).

    A new kind implements ``fields``; everything else is derived. Points are batches `(batch, *event)`.

    Parameters
    ----------
    algebra : Algebra
        The algebra that acts, of dimension ``dim``.
    event : tuple of int
        Shape of one point.
    """

    def __init__(self, algebra: Algebra, event: tuple[int, ...]) -> None:
        self.algebra = algebra
        self.event = event

    @property
    def size(self) -> int:
        """Number of coordinates of one point."""
        return int(torch.Size(self.event).numel())

    @abstractmethod
    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Velocity of points `(batch, *event)` under every generator: `(batch, dim, *event)`.

        ``at`` `(batch, *base)` is the base point, for actions that depend on one.
        """

    def field(self, xi: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Velocity `(batch, *event)` of points under the element with coordinates ``xi`` `(dim,)`."""
        return torch.einsum("k,bk...->b...", self._coordinates(xi).to(y), self.fields(y, at))

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """Where the flow of ``xi`` `(dim,)` takes points `(batch, *event)` in time ``t``.

        Raises
        ------
        FlowError
            If a point runs to infinity before time ``t``.
        """
        return integrate(lambda z: self.field(xi, z, at), y, t)

    def divergence(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """``div theta`` `(batch, dim)` at points `(batch, *event)`: how fast each generator stretches volume."""
        units = torch.eye(self.size, dtype=y.dtype, device=y.device).reshape(self.size, *self.event)
        total = y.new_zeros(len(y), self.algebra.dim)
        for i, unit in enumerate(units):
            slope = torch.func.jvp(lambda z: self.fields(z, at), (y,), (unit.expand_as(y),))[1]
            total = total + slope.flatten(2)[:, :, i]
        return total

    def tangent(self) -> Action:
        """The action on velocities at a base point: ``y -> D theta(at)[y]``."""
        return TangentAction(self)

    def restrict(self, coefficients: Tensor, algebra: Algebra | None = None) -> Action:
        """The action of the algebra spanned by combinations `(k, dim)` of the generators.

        Any linear map into the algebra will do: a subalgebra, or a larger algebra projected onto this one.
        """
        combos = torch.as_tensor(coefficients, dtype=torch.float64)
        return self._restricted(algebra or self.algebra.span(combos), combos)

    def factor_of(self, algebra: Algebra, offset: int = 0) -> Action:
        """The same action seen as one of a direct sum ``algebra`` whose generators ``offset...`` are ours."""
        combos = torch.zeros(algebra.dim, self.algebra.dim, dtype=torch.float64)
        combos[offset : offset + self.algebra.dim] = torch.eye(self.algebra.dim, dtype=torch.float64)
        return self._restricted(algebra, combos)

    def _restricted(self, algebra: Algebra, combos: Tensor) -> Action:
        return RestrictedAction(self, algebra, combos)

    def contract(self, jacobian: Tensor, x: Tensor) -> Tensor:
        """``Df[xi_in]`` for every generator, `(batch, dim, out)`, from a Jacobian `(batch, out, size)`."""
        return torch.einsum("bon,bkn->bko", jacobian, self.fields(x).flatten(2))

    def motion(self) -> Motion:
        """A fresh accumulator of how far the generators move weighted points."""
        return Motion(self)

    def describe(self, xi: Tensor, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """Readable form of one generator; here its coordinates in the basis."""
        return " + ".join(f"{float(c):.{digits}g} g{i}" for i, c in enumerate(xi) if abs(float(c)) > 1e-12) or "0"

    def _coordinates(self, xi: Tensor) -> Tensor:
        element = torch.as_tensor(xi, dtype=torch.float64)
        if tuple(element.shape) != (self.algebra.dim,):
            raise RepresentationMismatchError(
                f"xi: expected {self.algebra.dim} coordinates, received shape {tuple(element.shape)}; "
                "pass one number per generator of the algebra"
            )
        return element


class Motion:
    """Streamed factor ``R`` with ``|R xi|^2 = sum_s w_s^2 |xi(x_s)|^2`` over weighted points."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self._streamed = StreamedQR(action.algebra.dim)

    def update(self, y: Tensor, weights: Tensor, at: Tensor | None = None) -> None:
        """Absorb points `(batch, *event)` with weights `(batch,)`."""
        fields = self.action.fields(y, at).flatten(2).to(torch.float64)  # (batch, dim, size)
        rows = fields * weights.to(fields)[:, None, None]
        self._streamed.update(rows.transpose(1, 2).reshape(-1, fields.shape[1]))

    def merge(self, other: Motion) -> None:
        """Absorb what another accumulator has seen."""
        self.absorb(other.state())

    def state(self) -> Tensor:
        """What has been seen, as a plain tensor that another process can ``absorb``."""
        return self._streamed.R

    def absorb(self, state: Tensor) -> None:
        """Absorb the ``state`` of another accumulator of the same action."""
        self._streamed.update(state)

    def factor(self) -> Tensor:
        """``R`` `(rows, dim)`."""
        return self._streamed.R


@recorded("restricted")
class RestrictedAction(Action):
    """An action pulled back along a linear map of algebras `(k, dim)`."""

    def __init__(self, action: Action, algebra: Algebra, combos: Tensor) -> None:
        super().__init__(algebra, action.event)
        self.base = action
        self.combos = combos

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Combine the fields of the wider action."""
        return torch.einsum("jk,bk...->bj...", self.combos.to(y), self.base.fields(y, at))

    def field(self, xi: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Field of the combined element of the wider action."""
        return self.base.field(self._coordinates(xi) @ self.combos, y, at)

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """Flow of the combined element of the wider action."""
        return self.base.flow(self._coordinates(xi) @ self.combos, y, t, at)

    def divergence(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Combine the divergences of the wider action."""
        return self.base.divergence(y, at) @ self.combos.to(y).T

    def tangent(self) -> Action:
        """Tangent of the wider action, restricted alike."""
        return RestrictedAction(self.base.tangent(), self.algebra, self.combos)

    def describe(self, xi: Tensor, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """Readable form in the wider action."""
        return self.base.describe(self._coordinates(xi) @ self.combos, coordinates, digits)

    def built_from(self) -> dict[str, Any]:
        """The wider action, the algebra that acts and its map into the other."""
        return {"action": self.base, "algebra": self.algebra, "combos": self.combos}

    @classmethod
    def rebuild(cls, parts: Parts) -> RestrictedAction:
        """Restrict the wider action again."""
        action, algebra = parts.one("action", Action), parts.one("algebra", Algebra)
        return cls(action, algebra, parts.tensor("combos", algebra.dim, action.algebra.dim))


@recorded("tangent")
class TangentAction(Action):
    """Velocities ``y`` at a base point ``at``, moved by the derivative of an action.

    With it the Lie derivative of a vector field is the commutator ``Dv theta - D theta v``.
    """

    def __init__(self, action: Action) -> None:
        super().__init__(action.algebra, action.event)
        self.base = action

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """``D theta(at)[y]`` for every generator."""
        return torch.func.jvp(self.base.fields, (_base_point(at, y),), (y,))[1]

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """``D(flow)(at)[y]``."""
        base = self.base
        return torch.func.jvp(lambda z: base.flow(xi, z, t), (_base_point(at, y),), (y,))[1]

    def describe(self, xi: Tensor, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """Readable form of the underlying generator."""
        return self.base.describe(xi, coordinates, digits)

    def built_from(self) -> dict[str, Any]:
        """The action on points."""
        return {"action": self.base}

    @classmethod
    def rebuild(cls, parts: Parts) -> TangentAction:
        """Take the derivative again."""
        return cls(parts.one("action", Action))


def _base_point(at: Tensor | None, y: Tensor) -> Tensor:
    if at is None:
        raise RepresentationMismatchError(
            "at: expected the base points of these velocities, received None; pass at=x with one point per velocity"
        )
    return at.to(y)
