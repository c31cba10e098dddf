"""Generators and further group elements on a tensor product, kept factor by factor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

_MERGED = 64  # factors are multiplied out up to this size: fewer passes over memory


@dataclass(frozen=True)
class TensorProduct:
    """What must vanish on invariants: ``drho(xi_i) v`` and ``rho(h_j) v - v``, without forming either matrix.

    Attributes
    ----------
    generators : tuple of Tensor
        Per factor, `(generators, n, n)`.
    elements : tuple of Tensor
        Per factor, `(elements, n, n)`.
    """

    generators: tuple[Tensor, ...]
    elements: tuple[Tensor, ...]

    @property
    def sizes(self) -> list[int]:
        """Size of each factor."""
        return [stack.shape[1] for stack in self.generators]

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return math.prod(self.sizes)

    @property
    def count(self) -> int:
        """Number of conditions."""
        return len(self.generators[0]) + len(self.elements[0])

    def bound(self) -> float:
        """An upper bound of the largest singular value of all conditions together."""
        norms = sum(torch.linalg.matrix_norm(stack, 2) for stack in self.generators)
        moves = 1 + math.prod(torch.linalg.matrix_norm(stack, 2) for stack in self.elements)  # type: ignore[arg-type]
        return math.sqrt(float(torch.as_tensor(norms).square().sum() + torch.as_tensor(moves).square().sum()))

    def apply(self, index: int, v: Tensor, *, transposed: bool = False) -> Tensor:
        """Condition ``index`` (or its transpose) of vectors `(batch, size)`."""
        first = len(self.generators[0])
        if index >= first:
            moved = v
            for axis, stack in enumerate(self.elements):
                moved = self._along(axis, stack[index - first], moved, transposed)
            return moved - v
        turned = [self._along(axis, stack[index], v, transposed) for axis, stack in enumerate(self.generators)]
        return reduce(torch.add, turned)

    def _along(self, axis: int, matrix: Tensor, v: Tensor, transposed: bool) -> Tensor:
        sizes = self.sizes
        rows = v.reshape(-1, sizes[axis], math.prod(sizes[axis + 1 :]))
        acting = matrix.T if transposed else matrix
        return (rows[:, :, 0] @ acting.T if rows.shape[2] == 1 else acting @ rows).reshape(v.shape)

    def matrices(self) -> tuple[Tensor, Tensor]:
        """``drho(xi_i)`` and ``rho(h_j)`` in full, `(generators, size, size)` and `(elements, size, size)`."""
        return reduce(_kronecker_sum, self.generators), reduce(_kronecker, self.elements)

    def merged(self) -> TensorProduct:
        """The same conditions with small neighbouring factors multiplied out."""
        generators, elements = [self.generators[0]], [self.elements[0]]
        for more, moved in zip(self.generators[1:], self.elements[1:], strict=True):
            if generators[-1].shape[1] * more.shape[1] <= _MERGED:
                generators[-1] = _kronecker_sum(generators[-1], more)
                elements[-1] = _kronecker(elements[-1], moved)
            else:
                generators.append(more)
                elements.append(moved)
        return TensorProduct(tuple(generators), tuple(elements))

    def part(self, axes: list[int]) -> TensorProduct:
        """Some of the factors; none leave one factor on which nothing moves."""
        if axes:
            return TensorProduct(tuple(self.generators[i] for i in axes), tuple(self.elements[i] for i in axes))
        still = torch.zeros(len(self.generators[0]), 1, 1, dtype=torch.float64)
        return TensorProduct((still,), (torch.ones(len(self.elements[0]), 1, 1, dtype=torch.float64),))


def _kronecker(a: Tensor, b: Tensor) -> Tensor:
    """Kronecker products of two stacks, pair by pair."""
    size = a.shape[1] * b.shape[1]
    return torch.einsum("kij,kpq->kipjq", a, b).reshape(len(a), size, size)


def _kronecker_sum(a: Tensor, b: Tensor) -> Tensor:
    ones = [torch.eye(stack.shape[1], dtype=stack.dtype).expand(len(stack), -1, -1) for stack in (a, b)]
    return _kronecker(a, ones[1]) + _kronecker(ones[0], b)
