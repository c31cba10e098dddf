"""Actions whose fields are linear in features of the point: linear, affine, polynomial and their tangents."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..core._linalg import StreamedQR
from ..core._parts import Parts
from ..errors import DataError
from ._action import Action, Algebra, Motion, _base_point
from ._recorded import recorded

_MOST_ENTRIES = 2**24  # of one intermediate tensor, 128 MiB in float64


class SpannedAction(Action):
    """Fields ``theta_k(y) = T_k phi(y)`` with a fixed tensor ``T`` and features ``phi``.

    Parameters
    ----------
    algebra : Algebra
        The algebra that acts, of dimension ``dim``.
    tensor : Tensor
        `(dim, size, features)` float64.
    """

    def __init__(self, algebra: Algebra, tensor: Tensor) -> None:
        super().__init__(algebra, (tensor.shape[1],))
        self.tensor = tensor

    @abstractmethod
    def features(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Features `(batch, features)` of points `(batch, size)`."""

    @abstractmethod
    def feature_names(self, coordinates: Sequence[str]) -> list[str]:
        """How each feature is written in terms of the coordinates."""

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """``T phi(y)``, `(batch, dim, size)`."""
        return torch.einsum("knp,bp->bkn", self.tensor.to(y), self.features(y, at))

    def field(self, xi: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
        """``(xi . T) phi(y)``, `(batch, size)`, without the fields of the other generators."""
        return self.features(y, at) @ self.matrix(xi).to(y).T

    def matrix(self, xi: Tensor) -> Tensor:
        """Coefficients `(size, features)` of one element `(dim,)`."""
        return torch.einsum("k,knp->np", self._coordinates(xi), self.tensor)

    def divergence(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """``sum_i T_ki . d phi / d y_i``, `(batch, dim)`, exact."""
        units, tensor = torch.eye(self.size, dtype=y.dtype, device=y.device), self.tensor.to(y)
        total = y.new_zeros(len(y), len(tensor))
        for i, unit in enumerate(units):
            slope = torch.func.jvp(lambda z: self.features(z, at), (y,), (unit.expand_as(y),))[1]
            total = total + slope @ tensor[:, i].T
        return total

    def contract(self, jacobian: Tensor, x: Tensor) -> Tensor:
        """``Df[xi_in]``, `(batch, dim, out)`: one matrix product on outer products of gradient and feature."""
        batch, out, _ = jacobian.shape
        phi = self.features(x)
        rows = torch.einsum("bon,bp->bonp", jacobian, phi).reshape(batch * out, -1)
        product = rows @ self.tensor.to(rows).reshape(len(self.tensor), -1).T
        return product.reshape(batch, out, -1).transpose(1, 2)

    def motion(self) -> Motion:
        """An accumulator that only keeps the factor of the features."""
        return _SpannedMotion(self)

    def tangent(self) -> Action:
        """The same tensor on derivatives of the features."""
        return _SpannedTangent(self)

    def describe(self, xi: Tensor, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """Write one element as a vector field, such as ``x d/dy - y d/dx``."""
        names = list(coordinates or coordinate_names(self.size))
        return write_field(self.matrix(xi), self.feature_names(names), names, digits)

    def _restricted(self, algebra: Algebra, combos: Tensor) -> Action:
        other = copy.copy(self)
        other.algebra = algebra
        other.tensor = torch.einsum("jk,knp->jnp", combos, self.tensor)
        return other


@recorded("spanned tangent")
class _SpannedTangent(SpannedAction):
    """Tangent of a spanned action: features are ``D phi(at)[y]``."""

    def __init__(self, base: SpannedAction) -> None:
        super().__init__(base.algebra, base.tensor)
        self.base = base

    def features(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Derivative of the features along ``y``."""
        return torch.func.jvp(self.base.features, (_base_point(at, y),), (y,))[1]

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """Derivative of the flow along ``y``."""
        moving = copy.copy(self.base)
        moving.algebra, moving.tensor = self.algebra, self.tensor
        return torch.func.jvp(lambda z: moving.flow(xi, z, t), (_base_point(at, y),), (y,))[1]

    def feature_names(self, coordinates: Sequence[str]) -> list[str]:
        """Names of the underlying features."""
        return self.base.feature_names(coordinates)

    def _restricted(self, algebra: Algebra, combos: Tensor) -> Action:
        restricted = self.base._restricted(algebra, combos)
        return restricted.tangent()

    def built_from(self) -> dict[str, Any]:
        """The action on points."""
        return {"action": self.base}

    @classmethod
    def rebuild(cls, parts: Parts) -> _SpannedTangent:
        """Take the derivative again."""
        return cls(parts.one("action", SpannedAction))  # pyright: ignore[reportAbstractUsage]


class _SpannedMotion(Motion):
    """Motion from the weighted features alone, ``|T_xi phi|^2 = |T_xi R^T|^2``."""

    def __init__(self, action: SpannedAction) -> None:
        self.spanned = action
        super().__init__(action)
        self._streamed = StreamedQR(action.tensor.shape[2])

    def update(self, y: Tensor, weights: Tensor, at: Tensor | None = None) -> None:
        """Absorb weighted features."""
        phi = self.spanned.features(y, at).to(torch.float64)
        self._streamed.update(phi * weights.to(phi)[:, None])

    def factor(self) -> Tensor:
        """Factor `(dim, dim)` of all coordinates' rows together."""
        streamed = StreamedQR(len(self.spanned.tensor))
        block = max(1, _MOST_ENTRIES // (len(self.spanned.tensor) * max(1, len(self._streamed.R))))
        for part in self.spanned.tensor.split(block, dim=1):
            rows = torch.einsum("knp,rp->nrk", part, self._streamed.R)
            streamed.update(rows.reshape(-1, rows.shape[2]))
        return streamed.R


def coordinate_names(size: int) -> list[str]:
    """``x, y, z`` up to three coordinates, else ``x0, x1, ...``."""
    return list("xyz"[:size]) if size <= 3 else [f"x{i}" for i in range(size)]


def write_field(matrix: Tensor, features: Sequence[str], coordinates: Sequence[str], digits: int = 3) -> str:
    """Write coefficients `(size, features)` as a vector field, positive terms first."""
    terms: list[tuple[float, str]] = []
    for i, p in torch.nonzero(matrix).tolist():
        name = features[p]
        terms.append((float(matrix[i, p]), f"{name} d/d{coordinates[i]}" if name != "1" else f"d/d{coordinates[i]}"))
    terms.sort(key=lambda term: term[0] < 0)  # positive terms first: x d/dy - y d/dx
    return write_sum(terms, digits)


def read_field(text: str, features: Sequence[str], coordinates: Sequence[str]) -> Tensor:
    """Coefficients `(size, features)` of a vector field that ``write_field`` wrote, to the digits that it shows.

    Raises
    ------
    DataError
        If a term is none of a feature along a coordinate.

    Examples
    --------
    >>> read_field("x d/dy - 0.5 d/dx", ["x", "y", "1"], ["x", "y"]).tolist()
    [[0.0, 0.0, -0.5], [1.0, 0.0, 0.0]]
    """
    matrix = torch.zeros(len(coordinates), len(features), dtype=torch.float64)
    pieces = text.replace(" - ", " + -").split(" + ") if text != "0" else []
    for piece in pieces:
        front, along, target = piece.strip().rpartition("d/d")
        sign, front = (-1.0, front.strip()[1:]) if front.startswith("-") else (1.0, front.strip())
        size, name = _size_and_feature(front, features)
        if name is None or not along or target not in coordinates:
            raise DataError(
                f"text: expected terms such as '2 {features[0]} d/d{coordinates[0]}', received {piece!r}; write a "
                f"number, one of {', '.join(features)} and d/d with one of {', '.join(coordinates)}"
            )
        matrix[coordinates.index(target), features.index(name)] += sign * size
    return matrix


def _size_and_feature(front: str, features: Sequence[str]) -> tuple[float, str | None]:
    """Number and feature of a term without its sign and its direction."""
    if front in features:
        return 1.0, front
    number, _, name = front.partition(" ")
    try:
        size = float(number) if number else 1.0
    except ValueError:
        return 0.0, None
    name = name or "1"
    return size, name if name in features else None


def write_sum(terms: Sequence[tuple[float, str]], digits: int = 3) -> str:
    """Write ``[(2.0, "x"), (-1.0, "y")]`` as ``2 x - y``."""
    text = ""
    for value, name in terms:
        size = f"{abs(value):.{digits}g}"
        if size == "0":
            continue
        term = name if size == "1" and name else f"{size} {name}".strip()
        text += (" - " if value < 0 else " + ") + term if text else ("-" if value < 0 else "") + term
    return text or "0"
