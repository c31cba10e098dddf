"""Lie algebras as spans of generators, known, candidate or discovered."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from ..action._action import Action
from ..action._finite import Finite
from ..action._representation import Representation
from ..core._checks import as_basis, require_finite
from ..core._linalg import numerical_rank, orthonormal_rows, principal_angles, sparse_rows
from ..dictionary import FieldBracket, Polynomials
from ..errors import NotAnAlgebraError, RepresentationMismatchError
from . import bars
from ._frame import Frame, balance, frame_of
from ._identity import Identity, identify
from ._storage import read_algebra, write_algebra
from ._structure import killing_form


class Bracket(Protocol):
    """The bracket of generators stored as arrays of some shape."""

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """All brackets `(i, j, ambient)` of generators `(i, *shape)` and `(j, *shape)`."""
        ...

    def embed(self, basis: Tensor) -> Tensor:
        """Generators `(k, *shape)` in the space `(k, ambient)` where brackets live."""
        ...


class Commutator:
    """``[A, B] = A B - B A`` for matrices `(n, n)`."""

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Brackets `(i, j, n * n)`."""
        a, b = first[:, None], second[None]
        return (a @ b - b @ a).flatten(2)

    def embed(self, basis: Tensor) -> Tensor:
        """Matrices, flattened."""
        return basis.flatten(1)


class LieAlgebra:
    """A span of generators with a bracket; immutable.

    Known (``so(3)``), candidate (``gl(6)``) and discovered algebras are one type. A discovered span need not close
    under the bracket exactly: ``closure_defect`` says how far it is from closing.

    Parameters
    ----------
    basis : array_like
        `(dim, n, n)` linearly independent generators, kept in float64 on the CPU. An empty span is `(0, n, n)`.
    name : str, optional
        Such as ``"so(3)"``.
    blocks : tuple of int, optional
        Sizes of the diagonal blocks, when this is a direct sum.
    bracket : Bracket, optional
        How generators are bracketed; the matrix commutator if left out.

    Raises
    ------
    NotAnAlgebraError
        If the generators are linearly dependent.

    Examples
    --------
    >>> import isotropy as iso
    >>> so3 = iso.so(3)
    >>> so3.dim, so3.n, so3.closure_defect() < 1e-12
    (3, 3, True)
    >>> so3.identify().name
    'so(3)'
    """

    def __init__(
        self,
        basis: Tensor,
        name: str | None = None,
        *,
        blocks: tuple[int, ...] | None = None,
        bracket: Bracket | None = None,
    ) -> None:
        rule = bracket or Commutator()
        stack = as_basis(basis) if bracket is None else require_finite(basis.detach().double().clone(), "basis")
        rank = _rank(stack, bracket is None)
        if rank < len(stack):
            raise NotAnAlgebraError(
                f"basis: expected independent generators, received {len(stack)} that span {rank} dimensions; drop the "
                "dependent ones"
            )
        self._basis = stack
        self._bracket = rule
        self.name = name
        self.blocks = blocks or (int(stack.shape[-1]),)

    @property
    def basis(self) -> Tensor:
        """A copy of the generators, `(dim, n, n)` float64."""
        return self._basis.clone()

    @property
    def dim(self) -> int:
        """Number of generators."""
        return len(self._basis)

    @property
    def n(self) -> int:
        """Size of the defining space."""
        return int(self._basis.shape[1])

    @property
    def is_matrix(self) -> bool:
        """Whether the generators are matrices under the commutator."""
        return isinstance(self._bracket, Commutator)

    @property
    def polynomials(self) -> list[int] | None:
        """Coordinates and degree of the dictionary, for an algebra of polynomial vector fields."""
        return list(self._bracket.shape()) if isinstance(self._bracket, FieldBracket) else None

    # -- elements ------------------------------------------------------------------------------------------------

    def element(self, xi: Tensor) -> Tensor:
        """The generator `(n, n)` with coordinates ``xi`` `(dim,)`."""
        return torch.einsum("k,k...->...", torch.as_tensor(xi, dtype=torch.float64), self._basis)

    def bracket(self, xi: Tensor, eta: Tensor) -> Tensor:
        """Coordinates `(dim,)` of ``[xi, eta]``, projected onto the span where it does not close."""
        return torch.einsum("ijk,i,j->k", self._structure, xi.double(), eta.double())

    def exp(self, xi: Tensor) -> Tensor:
        """The group element ``exp(xi)`` `(n, n)`."""
        self._require_matrices("exp")
        return torch.linalg.matrix_exp(self.element(xi))

    # -- structure -----------------------------------------------------------------------------------------------

    @cached_property
    def _brackets(self) -> tuple[Tensor, Tensor]:
        """Brackets `(dim, dim, ambient)` of an orthonormal basis, and that basis `(dim, ambient)`."""
        orthonormal = self.orthonormal()._basis
        return self._bracket(orthonormal, orthonormal), self._bracket.embed(orthonormal)

    @property
    def structure_constants(self) -> Tensor:
        """A copy of ``c`` `(dim, dim, dim)` with ``[e_i, e_j] = sum_k c_ijk e_k``, by least squares."""
        return self._structure.clone()

    @cached_property
    def _structure(self) -> Tensor:
        if not self.dim:
            return torch.zeros(0, 0, 0, dtype=torch.float64)
        brackets = self._bracket(self._basis, self._basis)
        frame = self._bracket.embed(self._basis)
        return brackets @ torch.linalg.pinv(frame)

    def closure_defect(self) -> float:
        """Relative part of the brackets that leaves the span, in [0, 1]; 0 for an algebra.

        ``sqrt(sum_ij |P_perp [e_i, e_j]|^2 / sum_ij |[e_i, e_j]|^2)`` over an orthonormal basis. Brackets that are
        tiny on average, as in an abelian algebra known up to noise, are compared with a fixed size instead.
        """
        if not self.dim:
            return 0.0
        brackets, frame = self._brackets
        outside = brackets - (brackets @ frame.T) @ frame
        return float(outside.norm()) / max(float(brackets.norm()), bars.ABELIAN_BRACKET * self.dim)

    def killing_form(self) -> Tensor:
        """``K(e_i, e_j) = tr(ad e_i ad e_j)``, `(dim, dim)`."""
        return killing_form(self.structure_constants)

    def identify(self) -> Identity:
        """Name the algebra, with its structural facts and a confidence in [0, 1]."""
        if not self.is_matrix:
            return identify(self.orthonormal().structure_constants, defect=self.closure_defect())
        return self.named_in(self.frame())

    def named_in(self, frame: Frame, noise: float = 0.0) -> Identity:
        """Name an algebra of matrices in the coordinates of a frame, in which neither units nor a far centre matter."""
        standard = LieAlgebra(frame.matrices(self.is_affine)).orthonormal() if self.dim else self
        return identify(standard.structure_constants, standard._basis, noise)

    @property
    def is_affine(self) -> bool:
        """Whether the generators are homogeneous matrices, with last row zero, some of which shift the origin."""
        return self.is_matrix and not bool(self._basis[:, -1].any()) and bool(self._basis[:, :, -1].any())

    def frame(self, noise: float = bars.FLOOR, base: Tensor | None = None, spread: Tensor | None = None) -> Frame:
        """The balanced coordinates, about the fixed point if there is one; see ``frame_of``."""
        self._require_matrices("frame")
        if not self.is_affine:
            return frame_of(self._basis, self._basis.new_zeros(self._basis.shape[:2]))
        return frame_of(self._basis[:, :-1, :-1], self._basis[:, :-1, -1], noise, base, spread)

    # -- subspaces -----------------------------------------------------------------------------------------------

    def span(self, coefficients: Tensor) -> LieAlgebra:
        """The span of combinations `(k, dim)` of the generators."""
        combos = torch.as_tensor(coefficients, dtype=torch.float64)
        if combos.ndim != 2 or combos.shape[1] != self.dim:
            raise RepresentationMismatchError(
                f"coefficients: expected shape (k, {self.dim}), received {tuple(combos.shape)}; one row per generator"
            )
        return self._like(torch.einsum("jk,k...->j...", combos, self._basis))

    def orthonormal(self) -> LieAlgebra:
        """The same span with generators orthonormal in ``<A, B> = tr(A^T B)``."""
        return self._with_rows(orthonormal_rows(self._basis.flatten(1)) if self.dim else self._basis.flatten(1))

    def sparsified(self, tolerance: float | None = None) -> LieAlgebra:
        """The same span with few non-zero entries, largest entry 1; entries below ``tolerance`` dropped."""
        return self._with_rows(sparse_rows(self._basis.flatten(1), tolerance) if self.dim else self._basis.flatten(1))

    def distance(self, other: LieAlgebra) -> float:
        """Grassmann distance between the spans: root of the sum of squared principal angles, in radians.

        A missing dimension counts as a right angle.
        """
        if self._basis.shape[1:] != other._basis.shape[1:]:
            raise RepresentationMismatchError(
                f"other: expected generators of shape {tuple(self._basis.shape[1:])}, received "
                f"{tuple(other._basis.shape[1:])}; compare algebras that act on the same space"
            )
        missing = abs(self.dim - other.dim) * (math.pi / 2) ** 2
        if not self.dim or not other.dim:
            return math.sqrt(missing)
        angles = principal_angles(self._basis.flatten(1), other._basis.flatten(1))
        return math.sqrt(float(angles.square().sum()) + missing)

    def conjugate(self, change: Tensor) -> LieAlgebra:
        """The algebra ``P X P^-1`` seen in new coordinates ``P x``, with ``P`` `(n, n)`."""
        self._require_matrices("conjugate")
        matrix = torch.as_tensor(change, dtype=torch.float64)
        return LieAlgebra(matrix @ self._basis @ torch.linalg.inv(matrix), self.name)

    def rewritten(self, basis: Tensor, name: str | None = None) -> LieAlgebra:
        """A span of generators `(k, *shape)` with the bracket and the blocks of this one."""
        return self._like(basis, name)

    def __add__(self, other: LieAlgebra) -> LieAlgebra:
        """The direct sum: block-diagonal generators, each summand acting on its own block."""
        self._require_matrices("+")
        other._require_matrices("+")
        size = self.n + other.n
        stack = torch.zeros(self.dim + other.dim, size, size, dtype=torch.float64)
        stack[: self.dim, : self.n, : self.n] = self._basis
        stack[self.dim :, self.n :, self.n :] = other._basis
        return LieAlgebra(stack, f"{self.name}+{other.name}", blocks=self.blocks + other.blocks)

    # -- representations -----------------------------------------------------------------------------------------

    def vector(self, factor: int | None = None) -> Representation:
        """The defining representation on `R^n`, or that of one block of a direct sum."""
        self._require_matrices("vector")
        return defining(self, self._basis, self.blocks, factor)

    def scalar(self) -> Representation:
        """The trivial representation on `R`: nothing moves."""
        return trivial(self)

    # -- files ---------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write a safetensors file with a JSON header."""
        header = {
            "name": self.name,
            "blocks": list(self.blocks),
            "polynomials": self.polynomials,
        }
        write_algebra(Path(path), self._basis, header)

    @classmethod
    def load(cls, path: str | Path) -> LieAlgebra:
        """Read what ``save`` wrote, or the ``symmetry.json`` of a discovery."""
        basis, header = read_algebra(Path(path))
        rule = FieldBracket(Polynomials(*header["polynomials"])) if header.get("polynomials") else None
        return cls(basis, header.get("name"), blocks=tuple(header.get("blocks") or ()) or None, bracket=rule)

    def __repr__(self) -> str:
        """Name or dimension."""
        return f"LieAlgebra({self.name or 'unnamed'}, dim={self.dim}, n={self.n})"

    def _like(self, basis: Tensor, name: str | None = None) -> LieAlgebra:
        rule = None if self.is_matrix else self._bracket
        return LieAlgebra(basis, name, blocks=self.blocks, bracket=rule)

    def _with_rows(self, rows: Tensor) -> LieAlgebra:
        return self._like(rows.reshape(self._basis.shape), self.name)

    def _require_matrices(self, what: str) -> None:
        if not self.is_matrix:
            raise RepresentationMismatchError(
                f"{what}: expected an algebra of matrices, received one of vector fields; use its action instead"
            )


def _rank(stack: Tensor, matrices: bool) -> int:
    """Rank of generators `(k, *shape)`, each at unit size and, if need be, in balanced units.

    Columns in units of their own make some entries of a generator huge, and hide the others from any tolerance.
    """
    if not len(stack):
        return 0
    rank = numerical_rank(_unit_rows(stack))
    if rank == len(stack) or not matrices:
        return rank
    scale = balance(stack)
    return max(rank, numerical_rank(_unit_rows(stack * scale[:, None] / scale)))


def _unit_rows(stack: Tensor) -> Tensor:
    rows = stack.flatten(1)
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-300)


def defining(group: LieAlgebra, basis: Tensor, blocks: tuple[int, ...], factor: int | None) -> Representation:
    """Defining representation of an algebra on all blocks or on one."""
    if factor is None:
        return Representation(group, basis, rho=Finite("whole"), name="V")
    if not 0 <= factor < len(blocks):
        raise RepresentationMismatchError(
            f"factor: expected one of 0..{len(blocks) - 1}, received {factor}; build the direct sum with +"
        )
    rows = (sum(blocks[:factor]), sum(blocks[: factor + 1]))
    part = slice(*rows)
    return Representation(group, basis[:, part, part], rho=Finite("block", rows), name=f"V{factor}")


def trivial(group: LieAlgebra) -> Representation:
    """The trivial representation on one number."""
    zero = torch.zeros(group.dim, 1, 1, dtype=torch.float64)
    return Representation(group, zero, rho=Finite("one"), name="1")


def lie_algebra(action: Action) -> LieAlgebra:
    """The candidates of an action, which have to be a LieAlgebra."""
    if not isinstance(action.algebra, LieAlgebra):
        raise RepresentationMismatchError(
            f"action: expected one of a LieAlgebra, received one of {type(action.algebra).__name__}; build it from one"
        )
    return action.algebra
