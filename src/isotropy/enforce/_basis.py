"""Bases of invariants and of equivariant linear maps, and the projection onto their span."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..action._representation import Representation
from ..errors import DataError, RepresentationMismatchError
from ._invariants import Group, InvariantSolver, Monomial
from ._spectrum import Rank


def equivariant_basis(rep: Representation, *, group: Group = None, rank: Rank = "gap", seed: int = 0) -> Tensor:
    """Orthonormal basis of what a group leaves fixed: ``drho(xi) v = 0`` and ``rho(h) v = v``.

    Ask for equivariant linear maps with ``equivariant_basis(rho_in >> rho_out)``; any other representation gives its
    invariant vectors. Sums are split into their summands, and each kind of summand is solved once: by Schur's lemma
    where generators are closed under transposition, by a full decomposition where it is small, otherwise by a
    filtered subspace iteration.

    Parameters
    ----------
    rep : Representation
        Of dimension ``size``.
    group : LieAlgebra or MatrixGroup, optional
        The group, whose further components count too; that which built ``rep`` if left out. Pass the algebra to
        leave out the components.
    rank : "gap" or int or float
        How the spectrum (singular values in [0, 1] of all conditions together) is cut: at its largest step, to a
        dimension, or at a threshold.
    seed : int
        Of random elements and starting vectors.

    Returns
    -------
    Tensor
        `(k, dim_out, dim_in)` float64 for ``rho_in >> rho_out``, else `(k, size)`; orthonormal in the sum of squares.

    Raises
    ------
    RepresentationMismatchError
        If the group is not that of the representation, or its components cannot be represented.
    DataError
        If ``rank`` is out of range.

    Warns
    -----
    AmbiguousRankWarning
        If the spectrum has no clear step; nothing doubtful is counted.
    NotClosedWarning
        If the generators are far from closed under the bracket.

    Examples
    --------
    >>> import isotropy as iso
    >>> V = iso.so(3).vector()
    >>> equivariant_basis(V >> V).shape, equivariant_basis(V**3).shape
    (torch.Size([1, 3, 3]), torch.Size([1, 27]))
    """
    solver = InvariantSolver(rep, group, rank, seed)
    monomials = solver.expand(rep)
    fixed = isinstance(rank, int)
    kernels = _smallest(solver, monomials, int(rank)) if fixed else [solver.kernel(m.leaves) for m in monomials]
    return _assembled(monomials, kernels, rep.size).unflatten(1, rep.shape)


def equivariant_projector(
    rep: Representation, *, group: Group = None, rank: Rank = "gap", seed: int = 0
) -> Callable[[Tensor], Tensor]:
    """The orthogonal projection onto what a group leaves fixed, as a function of `(*batch, *rep.shape)`.

    For a compact group in orthogonal matrices it is the average over the group.

    Parameters
    ----------
    rep, group, rank, seed
        As for ``equivariant_basis``.

    Raises
    ------
    RepresentationMismatchError
        When the projector is called, if values do not have the shape of the representation.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> V = iso.so(3).vector()
    >>> project = equivariant_projector(V >> V)
    >>> torch.allclose(project(torch.diag(torch.tensor([3.0, 0.0, 0.0]))), torch.eye(3))
    True
    """
    basis = equivariant_basis(rep, group=group, rank=rank, seed=seed).flatten(1)
    shape = rep.shape

    def project(values: Tensor) -> Tensor:
        if tuple(values.shape[-len(shape) :]) != shape:
            raise RepresentationMismatchError(
                f"expected shape (*batch, {', '.join(map(str, shape))}), received {tuple(values.shape)}; "
                "project what the representation acts on"
            )
        rows = basis.to(values)
        flat = values.reshape(-1, rows.shape[1])
        return ((flat @ rows.T) @ rows).reshape(values.shape)

    return project


def equivariant_spectrum(rep: Representation, *, group: Group = None) -> Tensor:
    """Singular values `(size,)` of all conditions, ascending, relative to the largest possible in each summand.

    Parameters
    ----------
    rep, group
        As for ``equivariant_basis``; summands of moderate size.

    Examples
    --------
    >>> import isotropy as iso
    >>> V = iso.so(3).vector()
    >>> bool((equivariant_spectrum(V >> V)[:2] > 0.1).tolist() == [False, True])
    True
    """
    solver = InvariantSolver(rep, group, "gap", 0)
    return torch.cat([solver.spectrum(m.leaves).values for m in solver.expand(rep)]).sort().values


@dataclass(frozen=True)
class Block:
    """Equivariant maps between all copies of one summand on either side.

    Attributes
    ----------
    basis : Tensor
        `(k, d_out, d_in)` orthonormal.
    rows, columns : Tensor
        `(m_out, d_out)` and `(m_in, d_in)` positions of each copy.
    """

    basis: Tensor
    rows: Tensor
    columns: Tensor


def equivariant_blocks(
    rho_in: Representation, rho_out: Representation, *, group: Group = None, rank: Rank = "gap", seed: int = 0
) -> list[Block]:
    """The basis of ``rho_in >> rho_out`` with each pair of summands stored once, however many copies there are.

    Parameters
    ----------
    rho_in, rho_out : Representation
        Of one group.
    group, rank, seed
        As for ``equivariant_basis``; ``rank`` is "gap" or a threshold.

    Raises
    ------
    DataError
        If the rank is a dimension, which cannot be split among blocks.

    Examples
    --------
    >>> import isotropy as iso
    >>> V, one = iso.so(3).vector(), iso.so(3).scalar()
    >>> [tuple(b.basis.shape) for b in equivariant_blocks(64 * V + 8 * one, 32 * V)]
    [(1, 3, 3)]
    """
    if isinstance(rank, int):
        raise DataError(f'rank: expected "gap" or a threshold for blocks, received {rank}; dimensions are not split')
    solver = InvariantSolver(rho_in >> rho_out, group, rank, seed)
    sources, targets = _gathered(solver.expand(rho_in.T)), _gathered(solver.expand(rho_out))
    blocks: list[Block] = []
    for target, rows in targets.items():
        for source, columns in sources.items():
            basis = solver.kernel(target + source).unflatten(1, (rows.shape[1], columns.shape[1]))
            if len(basis):
                blocks.append(Block(basis, rows, columns))
    return blocks


@dataclass(frozen=True)
class Summands:
    """All copies of one tensor product of leaves inside a representation.

    Attributes
    ----------
    positions : Tensor
        `(copies, d)` coordinates of each copy.
    still : bool
        Whether nothing moves them: true scalars.
    """

    positions: Tensor
    still: bool


def summands(rho: Representation, *, group: Group = None) -> list[Summands]:
    """The representation as a sum of tensor products, equal ones together.

    Parameters
    ----------
    rho : Representation
        What to split.
    group : LieAlgebra or MatrixGroup, optional
        In place of the one that the representation remembers.

    Examples
    --------
    >>> import isotropy as iso
    >>> V, one = iso.so(3).vector(), iso.so(3).scalar()
    >>> [(tuple(s.positions.shape), s.still) for s in summands(2 * V + one + V * V)]
    [((2, 3), False), ((1, 1), True), ((1, 9), False)]
    """
    solver = InvariantSolver(rho, group, "gap", 0)
    return [Summands(positions, not leaves) for leaves, positions in _gathered(solver.expand(rho)).items()]


def _gathered(monomials: list[Monomial]) -> dict[tuple[int, ...], Tensor]:
    """Positions `(copies, d)` of each kind of summand."""
    found: dict[tuple[int, ...], list[Tensor]] = {}
    for monomial in monomials:
        found.setdefault(monomial.leaves, []).append(monomial.index)
    return {leaves: torch.stack(places) for leaves, places in found.items()}


def _smallest(solver: InvariantSolver, monomials: list[Monomial], rank: int) -> list[Tensor]:
    """The vectors of the ``rank`` smallest singular values over all summands."""
    size = sum(len(m.index) for m in monomials)
    if rank > size:
        raise DataError(f"rank: expected at most {size} (the size), received {rank}; ask for fewer")
    spectra = [solver.spectrum(m.leaves) for m in monomials]
    owners = torch.cat([torch.full_like(s.values, i, dtype=torch.int64) for i, s in enumerate(spectra)])
    order = torch.cat([s.values for s in spectra]).argsort(stable=True)[:rank]
    counts = torch.bincount(owners[order], minlength=len(spectra)).tolist()
    return [s.vectors[:count] for s, count in zip(spectra, counts, strict=True)]


def _assembled(monomials: list[Monomial], kernels: list[Tensor], size: int) -> Tensor:
    """Kernels of the summands as rows `(k, size)`."""
    if len(monomials) == 1 and torch.equal(monomials[0].index, torch.arange(size)):
        return kernels[0].clone()
    basis = torch.zeros(sum(map(len, kernels)), size, dtype=torch.float64)
    row = 0
    for monomial, kernel in zip(monomials, kernels, strict=True):
        basis[row : row + len(kernel), monomial.index] = kernel
        row += len(kernel)
    return basis
