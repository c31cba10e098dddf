"""Representations: linear actions, with arithmetic."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from functools import cached_property, reduce
from typing import Any, Literal

import torch
from torch import Tensor

from ..core._checks import as_basis
from ..core._exponential import exponential
from ..core._parts import Parts
from ..errors import DataError, NotRecordableError, RepresentationMismatchError
from ._action import Action, Algebra
from ._finite import Finite
from ._recorded import recorded
from ._spanned import SpannedAction

Kind = Literal["one", "sum", "product"]
KINDS: tuple[Kind, ...] = ("one", "sum", "product")


@recorded("linear")
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

    Attributes
    ----------
    shape : tuple of int
        How the coordinates are laid out: `(dim_out, dim_in)` for ``V >> W``, else `(size,)`.
    kind : "one", "sum" or "product"
        What it was built as; sums and products act part by part, without their own matrices.
    parts : tuple of Representation
        Summands or factors, flattened; empty for ``"one"``.
    components : Tensor or None
        `(k, n, n)` further group elements, when it was built by a ``MatrixGroup``.

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
        rho: Callable[[Tensor], Tensor] | None = None,
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
        self.shape: tuple[int, ...] = self.event
        self.kind: Kind = "one"
        self.parts: tuple[Representation, ...] = ()
        self.components: Tensor | None = None

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

    def field(self, xi: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
        """``drho(xi) y`` of points `(batch, size)`, part by part."""
        if self.kind == "one":
            return y @ self.matrix(xi).to(y).T
        if self.kind == "sum":
            pieces = y.split([part.size for part in self.parts], dim=1)
            return torch.cat([part.field(xi, piece) for part, piece in zip(self.parts, pieces, strict=True)], dim=1)
        total, sizes = torch.zeros_like(y), [part.size for part in self.parts]
        for axis, part in enumerate(self.parts):
            factors = y.reshape(len(y), *sizes).movedim(axis + 1, -1)
            turned = part.field(xi, factors.reshape(-1, part.size)).reshape(factors.shape)
            total = total + turned.movedim(-1, axis + 1).reshape(y.shape)
        return total

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """``exp(t drho(xi)) y``."""
        return y @ exponential(t * self.matrix(xi)).to(y).T

    def tangent(self) -> Representation:
        """A linear action moves velocities as it moves points."""
        return self

    @property
    def T(self) -> Representation:
        """The dual, ``-drho^T`` and ``rho^{-T}``."""
        if self.kind != "one":
            dual = _joined(self.kind, [part.T for part in self.parts])
        else:
            rho = self._rho
            dual = Representation(
                self.algebra,
                lambda: -self.tensor.transpose(1, 2).contiguous(),
                self.size,
                rho=_dual(rho),
            )
        return dual._called(f"{_grouped(self.name)}.T", self.components)

    def __add__(self, other: Representation) -> Representation:
        """Stack the coordinates of two representations."""
        return _joined("sum", [self, other])._called(f"{self.name} + {other.name}", self._common(other))

    def __mul__(self, other: Representation | int) -> Representation:
        """Tensor product, or with an integer the sum of that many copies."""
        if isinstance(other, int):
            return other * self
        name = f"{_grouped(self.name)}*{_grouped(other.name)}"
        return _joined("product", [self, other])._called(name, self._common(other))

    def __rmul__(self, count: int) -> Representation:
        """The sum of ``count`` copies."""
        return self._repeated("sum", count)._called(f"{count}*{_grouped(self.name)}" if count > 1 else self.name)

    def __pow__(self, count: int) -> Representation:
        """The tensor product of ``count`` copies."""
        return self._repeated("product", count)._called(f"{_grouped(self.name)}**{count}" if count > 1 else self.name)

    def __rshift__(self, other: Representation) -> Representation:
        """Linear maps from this representation to ``other``, flattened from `(dim_out, dim_in)`."""
        maps = other * self.T
        maps.shape = (other.size, self.size)
        return maps._called(f"{_grouped(self.name)} >> {_grouped(other.name)}")

    def __repr__(self) -> str:
        """The expression it was made from."""
        return self.name

    def built_from(self) -> dict[str, Any]:
        """Its matrices, left out where they are those of the algebra; or the parts of a sum or product.

        Raises
        ------
        NotRecordableError
            If finite elements are read by a Python function.
        """
        common = {"built": self.kind, "name": self.name, "shape": self.shape, "components": self.components}
        if self.kind != "one":
            return {**common, "parts": self.parts}
        if not isinstance(self._rho, Finite | None):
            raise NotRecordableError(
                f"rho: expected a representation made by vector(), scalar(), +, * or .T, received {self.name!r} with a "
                "Python function; make it of these, or leave rho out"
            )
        matrices = None if _equal(self.tensor, self.algebra.basis) else self.tensor
        finite = None if self._rho is None else self._rho.built_from()
        return {**common, "algebra": self.algebra, "matrices": matrices, "finite": finite}

    @classmethod
    def rebuild(cls, parts: Parts) -> Representation:
        """Join the parts again, or take the matrices.

        Raises
        ------
        DataError
            If sizes do not fit.
        """
        kind = parts.choice("built", KINDS)
        made = _one(parts) if kind == "one" else _joined(kind, parts.many("parts", Representation))
        made.shape = parts.wholes("shape")
        if math.prod(made.shape) != made.event[0]:
            raise DataError(
                f"{parts.where}.shape: expected one that fits the matrices, received {made.shape}; write the file again"
            )
        has = parts.has("components")
        return made._called(parts.text("name"), parts.tensor("components", None, None, None) if has else None)

    def _restricted(self, algebra: Algebra, combos: Tensor) -> Representation:
        if self.kind != "one":
            other = _joined(self.kind, [part._restricted(algebra, combos) for part in self.parts])
        else:
            other = Representation(
                algebra, lambda: torch.einsum("jk,knp->jnp", combos, self.tensor), self.size, rho=self._rho
            )
        other.shape = self.shape
        return other._called(self.name)

    def _called(self, name: str, components: Tensor | None = None) -> Representation:
        """The same object under a name, with the components it acts for."""
        self.name = name
        self.components = self.components if components is None else components
        return self

    def _repeated(self, kind: Kind, count: int) -> Representation:
        if count < 1:
            raise RepresentationMismatchError(f"expected at least one copy, received {count}; use scalar() for none")
        repeated = copy.copy(self) if count == 1 else _joined(kind, [self] * count)
        return repeated._called(self.name, self.components)

    def _common(self, other: Representation) -> Tensor | None:
        """Components of the group of both; one that knows none follows the other."""
        first, second = self.components, other.components
        if first is None or second is None or torch.equal(first, second):
            return second if first is None else first
        raise RepresentationMismatchError(
            f"expected representations of one group, received {len(first)} and {len(second)} components that differ; "
            "build both from the same group"
        )

    def _same_algebra(self, other: Representation) -> None:
        if self.algebra is other.algebra or _equal(self.algebra.basis, other.algebra.basis):
            return
        raise RepresentationMismatchError(
            f"expected representations of one algebra, received {self.algebra!r} and {other.algebra!r}; "
            "build both from the same algebra, or from factors of one direct sum"
        )


def _one(parts: Parts) -> Representation:
    """A representation by its own matrices, or by those of its algebra."""
    algebra = parts.one("algebra", Algebra)
    own = parts.has("matrices")
    matrices = parts.tensor("matrices", algebra.dim, None, None) if own else algebra.basis
    rho = Finite.rebuild(parts.inner("finite")) if parts.has("finite") else None
    return Representation(algebra, matrices, rho=rho)


def _dual(rho: Callable[[Tensor], Tensor] | None) -> Callable[[Tensor], Tensor] | None:
    """The inverse transpose of what is known of finite elements."""
    if rho is None or isinstance(rho, Finite):
        return None if rho is None else rho.dual
    return lambda g: torch.linalg.inv(rho(g)).T.contiguous()


def _equal(first: Tensor, second: Tensor) -> bool:
    return first.shape == second.shape and bool(torch.equal(first, second))


def _joined(kind: Kind, members: Sequence[Representation]) -> Representation:
    """Sum or product, with the parts of members of the same kind spliced in."""
    for member in members[1:]:
        members[0]._same_algebra(member)
    parts = [part for member in members for part in (member.parts if member.kind == kind else (member,))]
    sizes = [part.size for part in parts]
    rhos = [part._rho for part in parts if part._rho is not None]
    joined = Representation(
        parts[0].algebra,
        lambda: (_blocks if kind == "sum" else _kronecker_sum)([part.tensor for part in parts]),
        sum(sizes) if kind == "sum" else math.prod(sizes),
        rho=None if len(rhos) < len(parts) else lambda g: _join(kind, [rho(g) for rho in rhos]),
    )
    joined.kind, joined.parts = kind, tuple(parts)
    return joined


def _join(kind: Kind, matrices: list[Tensor]) -> Tensor:
    return torch.block_diag(*matrices) if kind == "sum" else reduce(_kron, matrices)


def _blocks(stacks: list[Tensor]) -> Tensor:
    size = sum(stack.shape[1] for stack in stacks)
    blocks = [torch.block_diag(*matrices) for matrices in zip(*stacks, strict=True)]
    return torch.stack(blocks) if blocks else torch.zeros(0, size, size, dtype=torch.float64)


def _kronecker_sum(stacks: list[Tensor]) -> Tensor:
    return reduce(_kronecker_pair, stacks)


def _kronecker_pair(a: Tensor, b: Tensor) -> Tensor:
    left, right = (torch.eye(s.shape[1], dtype=s.dtype) for s in (a, b))
    sums = [_kron(p, right) + _kron(left, q) for p, q in zip(a, b, strict=True)]
    size = a.shape[1] * b.shape[1]
    return torch.stack(sums) if sums else torch.zeros(0, size, size, dtype=torch.float64)


def _kron(a: Tensor, b: Tensor) -> Tensor:
    """Kronecker product; torch refuses transposed views, such as those of a dual."""
    return torch.kron(a.contiguous(), b.contiguous())


def _grouped(name: str) -> str:
    return f"({name})" if any(s in name for s in " >") else name
