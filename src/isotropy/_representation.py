"""Representations: linear actions, with arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, reduce

import torch
from torch import Tensor

from ._action import Action, Algebra
from ._checks import as_basis
from ._spanned import SpannedAction
from .errors import RepresentationMismatchError

Finite = Callable[[Tensor], Tensor]


class Representation(SpannedAction):
    """A linear action of an algebra on `R^size`, ``drho(xi)``, and of its group, ``rho(g)``.

    ``V + W`` stacks coordinates, ``V * W`` is the tensor product with index order ``(v, w)`` flattened row by row,
    ``2 * V`` and ``V ** 2`` repeat these, ``V.T`` is the dual and ``V >> W`` the linear maps from V to W,
    flattened from `(dim_out, dim_in)`.

    Parameters
    ----------
    algebra : Algebra
        The algebra, of dimension ``dim``.
    drho : Tensor or callable
        `(dim, size, size)` float64, or a function that computes it when first needed.
    size : int, optional
        Needed when ``drho`` is a function.
    rho : callable, optional
        Matrix `(size, size)` of a group element given by its defining matrix `(n, n)`; needed for the components
        of a group that the algebra cannot reach.
    name : str, optional
        How the representation is written.

    Raises
    ------
    RepresentationMismatchError
        If the number of matrices is not the dimension of the algebra.

    Examples
    --------
    >>> import isotropy as iso
    >>> G = iso.so(3)
    >>> V, one = G.vector(), G.scalar()
    >>> 2 * V + one, (2 * V + one).size, (V >> V).size
    (2*V + 1, 7, 9)
    """

    def __init__(
        self,
        algebra: Algebra,
        drho: Tensor | Callable[[], Tensor],
        size: int | None = None,
        *,
        rho: Finite | None = None,
        name: str = "W",
    ) -> None:
        if not callable(drho):
            stack = as_basis(drho, "drho")
            if len(stack) != algebra.dim:
                raise RepresentationMismatchError(
                    f"drho: expected {algebra.dim} matrices, received {len(stack)}; give one per generator"
                )
            drho, size = (lambda: stack), stack.shape[1]
        if size is None:
            raise RepresentationMismatchError("size: expected the dimension, received None; give it with a function")
        Action.__init__(self, algebra, (size,))
        self._drho = drho
        self._rho = rho
        self.name = name

    @cached_property
    def tensor(self) -> Tensor:  # type: ignore[override]
        """Matrices of the generators `(dim, size, size)`; the same as ``drho()``."""
        return self._drho()

    def drho(self, xi: Tensor | None = None) -> Tensor:
        """Matrix `(size, size)` of one element `(dim,)`, or all generators `(dim, size, size)`."""
        return self.tensor if xi is None else self.matrix(xi)

    def rho(self, g: Tensor) -> Tensor:
        """Matrix `(size, size)` of a group element given as its defining matrix `(n, n)`."""
        if self._rho is None:
            raise RepresentationMismatchError(
                f"rho: expected a representation that knows finite elements, received {self.name!r} given by drho "
                "alone; pass rho= when it is made"
            )
        return self._rho(torch.as_tensor(g, dtype=torch.float64))

    def features(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """The coordinates themselves."""
        return y

    def feature_names(self, coordinates: Sequence[str]) -> list[str]:
        """Names of the coordinates."""
        return list(coordinates)

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """``exp(t drho(xi)) y``."""
        return y @ torch.linalg.matrix_exp(t * self.matrix(xi)).to(y).T

    def tangent(self) -> Representation:
        """A linear action moves velocities as it moves points."""
        return self

    @property
    def T(self) -> Representation:
        """The dual, ``-drho^T`` and ``rho^{-T}``."""
        rho = self._rho
        return Representation(
            self.algebra,
            lambda: -self.tensor.transpose(1, 2).contiguous(),
            self.size,
            rho=None if rho is None else (lambda g: torch.linalg.inv(rho(g)).T.contiguous()),
            name=f"{_grouped(self.name)}.T",
        )

    def __add__(self, other: Representation) -> Representation:
        """Stack the coordinates of two representations."""
        self._same_algebra(other)
        return Representation(
            self.algebra,
            lambda: _blocks(self.tensor, other.tensor),
            self.size + other.size,
            rho=_both(self._rho, other._rho, lambda a, b: torch.block_diag(a, b)),
            name=f"{self.name} + {other.name}",
        )

    def __mul__(self, other: Representation | int) -> Representation:
        """Tensor product, or with an integer the sum of that many copies."""
        if isinstance(other, int):
            return other * self
        self._same_algebra(other)
        return Representation(
            self.algebra,
            lambda: _kronecker_sum(self.tensor, other.tensor),
            self.size * other.size,
            rho=_both(self._rho, other._rho, _kron),
            name=f"{_grouped(self.name)}*{_grouped(other.name)}",
        )

    def __rmul__(self, count: int) -> Representation:
        """The sum of ``count`` copies."""
        total = _repeat(self, count, lambda a, b: a + b)
        total.name = f"{count}*{_grouped(self.name)}" if count > 1 else self.name
        return total

    def __pow__(self, count: int) -> Representation:
        """The tensor product of ``count`` copies."""
        total = _repeat(self, count, lambda a, b: a * b)
        total.name = f"{_grouped(self.name)}**{count}" if count > 1 else self.name
        return total

    def __rshift__(self, other: Representation) -> Representation:
        """Linear maps from this representation to ``other``, flattened from `(dim_out, dim_in)`."""
        maps = other * self.T
        maps.name = f"{_grouped(self.name)} >> {_grouped(other.name)}"
        return maps

    def __repr__(self) -> str:
        """The expression it was made from."""
        return self.name

    def _restricted(self, algebra: Algebra, combos: Tensor) -> Representation:
        return Representation(
            algebra,
            lambda: torch.einsum("jk,knp->jnp", combos, self.tensor),
            self.size,
            rho=self._rho,
            name=self.name,
        )

    def _same_algebra(self, other: Representation) -> None:
        if self.algebra is other.algebra or (
            self.algebra.basis.shape == other.algebra.basis.shape
            and bool(torch.equal(self.algebra.basis, other.algebra.basis))
        ):
            return
        raise RepresentationMismatchError(
            f"expected representations of one algebra, received {self.algebra!r} and {other.algebra!r}; "
            "build both from the same algebra, or from factors of one direct sum"
        )


def _repeat(
    one: Representation, count: int, join: Callable[[Representation, Representation], Representation]
) -> Representation:
    if count < 1:
        raise RepresentationMismatchError(f"expected at least one copy, received {count}; use scalar() for none")
    first = Representation(one.algebra, lambda: one.tensor, one.size, rho=one._rho, name=one.name)
    return reduce(join, [one] * (count - 1), first)


def _blocks(a: Tensor, b: Tensor) -> Tensor:
    stack = torch.zeros(len(a), a.shape[1] + b.shape[1], a.shape[1] + b.shape[1], dtype=a.dtype)
    stack[:, : a.shape[1], : a.shape[1]] = a
    stack[:, a.shape[1] :, a.shape[1] :] = b
    return stack


def _kronecker_sum(a: Tensor, b: Tensor) -> Tensor:
    left, right = (torch.eye(s.shape[1], dtype=s.dtype) for s in (a, b))
    return torch.stack([_kron(p, right) + _kron(left, q) for p, q in zip(a, b, strict=True)])


def _kron(a: Tensor, b: Tensor) -> Tensor:
    """Kronecker product; torch refuses transposed views, such as those of a dual."""
    return torch.kron(a.contiguous(), b.contiguous())


def _both(a: Finite | None, b: Finite | None, join: Callable[[Tensor, Tensor], Tensor]) -> Finite | None:
    if a is None or b is None:
        return None
    return lambda g: join(a(g), b(g))


def _grouped(name: str) -> str:
    return f"({name})" if any(s in name for s in " >") else name
