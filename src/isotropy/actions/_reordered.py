"""An action on the same coordinates in another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..action._action import Action, Algebra
from ..action._recorded import recorded
from ..action._representation import Representation
from ..algebra._lie_algebra import LieAlgebra
from ..core._parts import Parts
from ..errors import RepresentationMismatchError
from ._affine import Affine
from ._polynomial import PolynomialFields


@recorded("reordered")
class Reordered(Action):
    """An action on points `(batch, n)` whose coordinate ``i`` is coordinate ``order[i]`` of another action.

    Parameters
    ----------
    action : Action
        The action in its own order.
    order : sequence of int
        A permutation of its coordinates.

    Raises
    ------
    RepresentationMismatchError
        If the action does not move flat points, or the order is no permutation of their coordinates.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> turn = Reordered(iso.so(2).vector(), [1, 0])
    >>> turn.field(torch.ones(1), torch.tensor([[1.0, 2.0]]))
    tensor([[ 2., -1.]])
    """

    def __init__(self, action: Action, order: Sequence[int]) -> None:
        if len(action.event) != 1 or sorted(order) != list(range(action.size)):
            raise RepresentationMismatchError(
                f"order: expected a permutation of the coordinates of points of shape {action.event}, received "
                f"{list(order)}; name each coordinate once"
            )
        super().__init__(action.algebra, action.event)
        self.base = action
        self.order = tuple(order)

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Fields in the new order."""
        return self.base.fields(self._back(y), None if at is None else self._back(at))[..., list(self.order)]

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """Flow in the new order."""
        return self.base.flow(xi, self._back(y), t, None if at is None else self._back(at))[..., list(self.order)]

    def tangent(self) -> Action:
        """Velocities come in the same order."""
        return Reordered(self.base.tangent(), self.order)

    def describe(self, xi: Tensor, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """The field with the names that its coordinates now have."""
        if coordinates is None:
            return self.base.describe(xi, None, digits)
        return self.base.describe(xi, [coordinates[place] for place in self._inverse], digits)

    def built_from(self) -> dict[str, Any]:
        """The action in its own order, and the order."""
        return {"action": self.base, "order": list(self.order)}

    @classmethod
    def rebuild(cls, parts: Parts) -> Reordered:
        """Put the coordinates into the order again."""
        return cls(parts.one("action", Action), parts.wholes("order"))

    def _restricted(self, algebra: Algebra, combos: Tensor) -> Action:
        return Reordered(self.base._restricted(algebra, combos), self.order)

    def _back(self, y: Tensor) -> Tensor:
        return y[..., self._inverse]

    @property
    def _inverse(self) -> list[int]:
        return [self.order.index(place) for place in range(len(self.order))]


def reordered(action: Action, order: Sequence[int]) -> Action:
    """The action on coordinates ``order``, of the same kind where matrices or polynomials can be permuted.

    A linear action that is not the defining one keeps its algebra and permutes its matrices; the defining one, an
    affine and a polynomial one are conjugated, algebra and all.
    """
    if isinstance(action.algebra, LieAlgebra) and _is_own(action):
        algebra = reordered_algebra(action.algebra, action, order)
        if isinstance(action, PolynomialFields):
            return PolynomialFields(action.size, action.dictionary.degree, algebra)
        return Affine(algebra) if isinstance(action, Affine) else algebra.vector()
    if isinstance(action, Representation):
        rows = list(order)
        return Representation(action.algebra, lambda: action.tensor[:, rows][:, :, rows], action.size, name=action.name)
    return Reordered(action, order)


def reordered_algebra(algebra: LieAlgebra, action: Action, order: Sequence[int]) -> LieAlgebra:
    """A span of generators of such an action, as ``reordered`` sees it."""
    if not _is_own(action):
        return algebra
    rows = torch.tensor(list(order))
    if isinstance(action, PolynomialFields):
        powers = action.dictionary.exponents[:, rows].tolist()
        own = action.dictionary.exponents.tolist()
        columns = torch.tensor([powers.index(power) for power in own])
    else:
        rows = torch.cat([rows, torch.tensor([action.size])]) if isinstance(action, Affine) else rows
        columns = rows
    return algebra.rewritten(algebra.basis[:, rows][:, :, columns], algebra.name)


def _is_own(action: Action) -> bool:
    """Whether the entries of the algebra are those that move the coordinates."""
    if isinstance(action, PolynomialFields):
        return True
    algebra = action.algebra
    if not isinstance(algebra, LieAlgebra) or len(algebra.blocks) > 1:
        return False
    if isinstance(action, Affine):
        return torch.equal(action.tensor, algebra.basis[:, :-1])
    return (
        isinstance(action, Representation)
        and action.size == algebra.n
        and torch.equal(action.tensor, algebra.basis)
        and action.components is None
    )
