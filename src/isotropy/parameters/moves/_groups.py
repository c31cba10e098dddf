"""Matrix groups that act along an axis of a parameter: coordinates, elements, exponentials and their adjoints."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import NotAnAlgebraError
from .. import bars


@dataclass(frozen=True)
class Group(ABC):
    """A connected matrix group on `size` coordinates, `copies` times independently."""

    size: int

    @property
    @abstractmethod
    def dim(self) -> int:
        """Dimension of one copy."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What one copy is called."""

    @abstractmethod
    def element(self, xi: Tensor) -> Tensor:
        """Algebra elements `(copies, size, size)` from coordinates `(copies, dim)`."""

    @abstractmethod
    def coordinates(self, gradient: Tensor) -> Tensor:
        """Adjoint of ``element``: `(copies, dim)` from a gradient `(copies, size, size)`."""

    @abstractmethod
    def defect(self, g: Tensor) -> Tensor:
        """How far matrices `(copies, size, size)` are from the group, relative to their size."""

    def exp(self, xi: Tensor) -> Tensor:
        """Group elements `(copies, size, size)`."""
        return torch.linalg.matrix_exp(self.element(xi))

    def require(self, g: Tensor, copies: int) -> Tensor:
        """Return ``g`` if it is a stack of group elements.

        Raises
        ------
        NotAnAlgebraError
            If a matrix is singular, or is outside the group.
        """
        wanted = (copies, self.size, self.size)
        if tuple(g.shape) != wanted or not bool(torch.isfinite(g).all()):
            raise NotAnAlgebraError(f"g: expected finite matrices of shape {wanted}, received {tuple(g.shape)}")
        defect = float(self.defect(g).max()) if g.numel() else 0.0
        if defect > bars.MOST_OUTSIDE:
            raise NotAnAlgebraError(
                f"g: expected elements of {self}, received one {defect:.2g} outside "
                f"(at most {bars.MOST_OUTSIDE:g}); "
                "build it as block.exp(xi), which stays inside"
            )
        return g


class GeneralLinear(Group):
    """All invertible matrices."""

    @property
    def dim(self) -> int:
        """``size ** 2``."""
        return self.size**2

    @property
    def name(self) -> str:
        """``GL(size)``."""
        return f"GL({self.size})"

    def element(self, xi: Tensor) -> Tensor:
        """The matrix, row by row."""
        return xi.reshape(-1, self.size, self.size)

    def coordinates(self, gradient: Tensor) -> Tensor:
        """The entries."""
        return gradient.flatten(1)

    def defect(self, g: Tensor) -> Tensor:
        """1 for a singular matrix."""
        values = torch.linalg.svdvals(g)
        return (values[..., -1] <= torch.finfo(g.dtype).eps * values[..., 0]).to(g)


class Orthogonal(Group):
    """Rotations; the other component is reached by sign flips."""

    @property
    def dim(self) -> int:
        """``size (size - 1) / 2``."""
        return self.size * (self.size - 1) // 2

    @property
    def name(self) -> str:
        """``SO(size)``."""
        return f"SO({self.size})"

    def element(self, xi: Tensor) -> Tensor:
        """Antisymmetric matrices of Frobenius norm equal to that of ``xi``."""
        rows, columns = torch.triu_indices(self.size, self.size, 1, device=xi.device)
        upper = xi.new_zeros(len(xi), self.size, self.size)
        upper[:, rows, columns] = xi * 0.5**0.5
        return upper - upper.mT

    def coordinates(self, gradient: Tensor) -> Tensor:
        """Antisymmetric part of the gradient."""
        rows, columns = torch.triu_indices(self.size, self.size, 1, device=gradient.device)
        return (gradient - gradient.mT)[:, rows, columns] * 0.5**0.5

    def defect(self, g: Tensor) -> Tensor:
        """Size of ``g^T g - 1``."""
        return (g.mT @ g - torch.eye(self.size, dtype=g.dtype, device=g.device)).abs().amax((-1, -2))


@dataclass(frozen=True)
class Commutant(Group):
    """What commutes with rotations of disjoint planes: a complex number for each plane, any matrix on the rest.

    Parameters
    ----------
    size : int
        Coordinates in all.
    planes : tuple of (int, int)
        Pairs of coordinates that are rotated together.
    rest : tuple of int
        Coordinates that are not rotated.
    """

    planes: tuple[tuple[int, int], ...]
    rest: tuple[int, ...] = ()

    @property
    def dim(self) -> int:
        """Two for each plane, and the square of the rest."""
        return 2 * len(self.planes) + len(self.rest) ** 2

    @property
    def name(self) -> str:
        """Numbers other than zero, and a free block."""
        rest = f" x GL({len(self.rest)})" if self.rest else ""
        return f"(C*)^{len(self.planes)}{rest}"

    def element(self, xi: Tensor) -> Tensor:
        """Blocks ``[[a, -b], [b, a]]``, scaled to keep norms, and a free block."""
        first, second, rest = self._places(xi)
        m, k = xi.new_zeros(len(xi), self.size, self.size), len(self.planes)
        a, b = xi[:, :k] * 0.5**0.5, xi[:, k : 2 * k] * 0.5**0.5
        m[:, first, first], m[:, second, second] = a, a
        m[:, first, second], m[:, second, first] = -b, b
        m[:, rest[:, None], rest] = xi[:, 2 * k :].reshape(len(xi), len(rest), len(rest))
        return m

    def coordinates(self, gradient: Tensor) -> Tensor:
        """Projections on the same blocks."""
        first, second, rest = self._places(gradient)
        a = gradient[:, first, first] + gradient[:, second, second]
        b = gradient[:, second, first] - gradient[:, first, second]
        free = gradient[:, rest[:, None], rest].flatten(1)
        return torch.cat([a * 0.5**0.5, b * 0.5**0.5, free], dim=1)

    def defect(self, g: Tensor) -> Tensor:
        """Size of what does not commute."""
        projected = self.element(self.coordinates(g))
        return (g - projected).abs().amax((-1, -2)) / g.abs().amax((-1, -2))

    def _places(self, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Indices of the first and second coordinates of the planes, and of the rest."""
        pairs = torch.tensor(self.planes, dtype=torch.long, device=like.device).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1], torch.tensor(self.rest, dtype=torch.long, device=like.device)


class Positive(Group):
    """Positive numbers, as matrices of size one."""

    @property
    def dim(self) -> int:
        """One."""
        return 1

    @property
    def name(self) -> str:
        """Positive numbers."""
        return "R+"

    def element(self, xi: Tensor) -> Tensor:
        """The logarithm of the scale."""
        return xi.reshape(-1, 1, 1)

    def coordinates(self, gradient: Tensor) -> Tensor:
        """The number itself."""
        return gradient.flatten(1)

    def exp(self, xi: Tensor) -> Tensor:
        """The scale."""
        return xi.reshape(-1, 1, 1).exp()

    def defect(self, g: Tensor) -> Tensor:
        """1 where the number is not positive."""
        return (g <= 0).to(g).amax((-1, -2))
