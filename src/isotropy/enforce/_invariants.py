"""Invariants of any representation, summand by summand, each kind of summand solved once."""

from __future__ import annotations

import itertools
import math
import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from ..action._representation import Representation
from ..algebra import bars
from ..algebra._lie_algebra import LieAlgebra
from ..algebra._matrix_group import MatrixGroup
from ..errors import DataError, NotClosedWarning, RepresentationMismatchError
from ._filtered import filtered_kernel
from ._schur import is_selfadjoint, schur_invariants
from ._spectrum import Rank, Spectrum, decide, dense_spectrum
from ._tensor_product import TensorProduct

Group = LieAlgebra | MatrixGroup | None
SMALL = 100  # coordinates up to which the full decomposition is the quickest
DENSE = 1200  # coordinates up to which it is affordable


@dataclass(frozen=True)
class Monomial:
    """A tensor product of leaves inside a representation: its leaves and the positions of its coordinates."""

    leaves: tuple[int, ...]
    index: Tensor


class InvariantSolver:
    """Kernels of tensor products of leaves under one group; equal leaves are recognised, kernels are kept.

    Parameters
    ----------
    rep : Representation
        Any representation of the group.
    group : LieAlgebra or MatrixGroup, optional
        The group; that of the representation if left out.
    rank : "gap" or int or float
        How spectra are cut.
    seed : int
        Of random elements.
    """

    def __init__(self, rep: Representation, group: Group, rank: Rank, seed: int) -> None:
        self.rank, self.seed = rank, seed
        self._components = _components_of(rep, group)
        self._combos = _orthonormal(rep)
        self._leaves: list[tuple[Tensor, Tensor]] = []
        self._kernels: dict[tuple[int, ...], Tensor] = {}
        self._noise = _noise_of(rep)
        _require_rank(rank)

    def expand(self, rep: Representation) -> list[Monomial]:
        """The representation as a sum of tensor products of leaves."""
        if rep.kind == "one":
            leaf = self._leaf(rep)
            return [Monomial(() if leaf is None else (leaf,), torch.arange(rep.size))]
        parts = [self.expand(part) for part in rep.parts]
        if rep.kind == "sum":
            starts = itertools.accumulate((part.size for part in rep.parts), initial=0)
            pairs = zip(starts, parts, strict=False)
            return [Monomial(m.leaves, m.index + start) for start, part in pairs for m in part]
        sizes = [part.size for part in rep.parts]
        return [_product(chosen, sizes) for chosen in itertools.product(*parts)]

    def kernel(self, leaves: tuple[int, ...]) -> Tensor:
        """Orthonormal invariants `(k, size)` of the tensor product of these leaves, in this order."""
        order = sorted(range(len(leaves)), key=leaves.__getitem__)
        ordered = tuple(leaves[axis] for axis in order)
        if ordered not in self._kernels:
            self._kernels[ordered] = self._solve(ordered)
        basis = self._kernels[ordered]
        if ordered == leaves:
            return basis
        sizes = [self._leaves[leaf][0].shape[1] for leaf in ordered]
        places = [1 + order.index(axis) for axis in range(len(order))]
        return basis.reshape(-1, *sizes).permute(0, *places).reshape(basis.shape)

    def spectrum(self, leaves: tuple[int, ...]) -> Spectrum:
        """All singular values of one tensor product of leaves, in this order."""
        product = self._product(leaves)
        if product.size > DENSE:
            raise DataError(
                f"expected summands of at most {DENSE} coordinates for a full spectrum, received {product.size}; "
                'use rank="gap" or a threshold'
            )
        return dense_spectrum(product)

    def _solve(self, leaves: tuple[int, ...]) -> Tensor:
        product = self._product(leaves)
        exact = self.rank == "gap" and product.size > SMALL and is_selfadjoint(product)
        found = schur_invariants(product, self.seed) if exact else None
        if found is not None:
            return found
        if product.size <= DENSE:
            return decide(dense_spectrum(product), self.rank, self._noise)
        return filtered_kernel(product, self.rank, self._noise, self.seed)

    def _product(self, leaves: tuple[int, ...]) -> TensorProduct:
        if not leaves:
            none = torch.zeros(self._combos.shape[0], 1, 1, dtype=torch.float64)
            return TensorProduct((none,), (torch.ones(len(self._components), 1, 1, dtype=torch.float64),))
        stacks = [self._leaves[leaf] for leaf in leaves]
        return TensorProduct(tuple(s[0] for s in stacks), tuple(s[1] for s in stacks))

    def _leaf(self, rep: Representation) -> int | None:
        """Number of a leaf, equal for equal matrices; None for one that nothing moves."""
        generators = torch.einsum("jk,knp->jnp", self._combos, rep.tensor)
        elements = torch.zeros(0, rep.size, rep.size, dtype=torch.float64)
        if len(self._components):
            elements = torch.stack([rep.rho(h) for h in self._components])
        still = rep.size == 1 and not bool(generators.any()) and bool((elements == 1).all())
        if still:
            return None
        for number, (known, moved) in enumerate(self._leaves):
            if known.shape == generators.shape and torch.equal(known, generators) and torch.equal(moved, elements):
                return number
        self._leaves.append((generators, elements))
        return len(self._leaves) - 1


def _product(chosen: tuple[Monomial, ...], sizes: list[int]) -> Monomial:
    """One summand of a product of sums."""
    index = torch.zeros(1, dtype=torch.int64)
    for monomial, size in zip(chosen, sizes, strict=True):
        index = (index[:, None] * size + monomial.index[None]).flatten()
    return Monomial(tuple(itertools.chain.from_iterable(m.leaves for m in chosen)), index)


def _components_of(rep: Representation, group: Group) -> Tensor:
    if group is None:
        known = rep.components
        return torch.zeros(0, 1, 1, dtype=torch.float64) if known is None else known
    algebra = group.algebra if isinstance(group, MatrixGroup) else group
    if algebra.basis.shape != rep.algebra.basis.shape or not torch.equal(algebra.basis, rep.algebra.basis):
        raise RepresentationMismatchError(
            f"group: expected the group that {rep!r} represents, with algebra {rep.algebra!r}, received {group!r}; "
            "build the representation from the group"
        )
    return group.components if isinstance(group, MatrixGroup) else torch.zeros(0, 1, 1, dtype=torch.float64)


def _orthonormal(rep: Representation) -> Tensor:
    """Combinations `(dim, dim)` that make the generators orthonormal, so that none is preferred by its size."""
    rows = rep.algebra.basis.flatten(1)
    if not len(rows):
        return torch.zeros(0, 0, dtype=torch.float64)
    lower = torch.linalg.qr(rows.T).R.T
    return torch.linalg.solve_triangular(lower, torch.eye(len(rows), dtype=torch.float64), upper=False)


def _noise_of(rep: Representation) -> float:
    """How far the generators are from closing, taken as noise; a set far from closing generates a larger algebra."""
    defect = rep.algebra.closure_defect() if isinstance(rep.algebra, LieAlgebra) else 0.0
    if defect > bars.MOST_OPEN:
        warnings.warn(
            f"expected generators closed under the bracket, received a closure defect of {defect:.2g} (at most "
            f"{bars.MOST_OPEN:g}); the result "
            "respects the whole algebra that they generate",
            NotClosedWarning,
            stacklevel=5,
        )
    return defect if defect <= bars.MOST_OPEN else 0.0


def _require_rank(rank: Rank) -> None:
    known = rank == "gap" or (isinstance(rank, int | float) and not isinstance(rank, bool))
    if not known or (not isinstance(rank, str) and not 0 <= rank <= (math.inf if isinstance(rank, int) else 1)):
        raise DataError(
            f'rank: expected "gap", a dimension or a threshold in [0, 1], received {rank!r}; use "gap" if unsure'
        )
