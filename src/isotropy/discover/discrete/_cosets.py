"""Candidates for the discrete part: one element of every coset of the connected group that was found."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor

from ...algebra._lie_algebra import LieAlgebra
from ...core._checks import as_basis
from ...errors import DataError
from .. import bars

_MOST_PERMUTED = 4  # coordinates of which all signed permutations are tried
_LARGEST_ORDER = 12
_SHIFTS = (0.3, 1.0, 3.0)  # sizes of random elements, in generators of unit spectral norm
_TRIES = 8  # of each size


def simple_elements(n: int) -> Tensor:
    """Matrices `(k, n, n)` that data are often symmetric under: signed permutations and k-fold turns of coordinates.

    Up to four coordinates all signed permutations; beyond, single flips, all flips at once, and swaps. Turns by whole
    fractions of a circle, down to a twelfth, in every plane of two coordinates.
    """
    one = torch.eye(n, dtype=torch.float64)
    if n <= _MOST_PERMUTED:
        orders = list(itertools.permutations(range(n)))
        signs = torch.tensor(list(itertools.product([1.0, -1.0], repeat=n)), dtype=torch.float64)
        found = [sign[:, None] * one[list(order)] for order in orders for sign in signs]
    else:
        swaps = [one[[j if k == i else i if k == j else k for k in range(n)]] for i, j in _planes(n)]
        found = [one, -one, *(one - 2 * torch.outer(e, e) for e in one), *swaps]
    return torch.stack([*found, *(_turn(n, plane, angle) for plane in _planes(n) for angle in _angles())])


def cosets(algebra: LieAlgebra, elements: Any = None) -> Tensor:
    """One matrix `(k, n, n)` for every coset of the connected group of ``algebra`` among ``elements`` that keep it.

    An element g of the symmetry group keeps the algebra, ``g A g^-1`` is in it for every A, and two elements that
    differ by one of the connected group are symmetries together or not at all. Put what comes back to
    `DiscreteSymmetries`; the coset of the identity is left out.

    Parameters
    ----------
    algebra : LieAlgebra
        Of matrices, as a discovery found it; it may have dimension 0.
    elements : array_like, optional
        Invertible matrices `(k, n, n)` to choose from; ``simple_elements`` if left out.

    Raises
    ------
    DataError
        If the algebra does not consist of matrices of that size.

    Examples
    --------
    >>> import isotropy as iso
    >>> len(cosets(iso.so(2))), len(cosets(iso.so(1, 3)))  # a mirror; mirrors of space, of time, and of both
    (1, 3)
    """
    if not algebra.is_matrix:
        raise DataError("algebra: expected matrices, received vector fields; search among linear candidates")
    candidates = simple_elements(algebra.n) if elements is None else as_basis(elements, "elements")
    if candidates.shape[1] != algebra.n:
        raise DataError(f"elements: expected size {algebra.n} as in the algebra, received {candidates.shape[1]}")
    moves = _shifts(algebra)
    rows = algebra.orthonormal().basis.flatten(1)
    kept = [torch.eye(algebra.n, dtype=torch.float64)]
    for g in candidates:
        if _keeps(g, algebra.basis, rows) and not any(_connected(g @ torch.linalg.inv(h), rows, moves) for h in kept):
            kept.append(g)
    return torch.stack(kept)[1:]


def _keeps(g: Tensor, basis: Tensor, rows: Tensor) -> bool:
    """Whether conjugation by ``g`` maps the algebra to itself."""
    return _outside((g @ basis @ torch.linalg.inv(g)).flatten(1), rows) <= bars.MOST_OFF_ALGEBRA


def _connected(g: Tensor, rows: Tensor, moves: Tensor) -> bool:
    """Whether ``g`` is in the connected group: then some ``g h`` has its logarithm in the algebra.

    Principal logarithms leave the algebra where an angle passes half a turn, so several ``h`` are tried.
    """
    one = torch.eye(len(g), dtype=g.dtype)
    if not len(rows):
        return bool(torch.allclose(g, one, atol=bars.MOST_OFF_ALGEBRA))
    logarithms = _logarithms(g @ torch.cat([one[None], moves])).flatten(1)
    rest = logarithms - logarithms @ rows.T @ rows
    return bool((rest.norm(dim=1) <= bars.MOST_OFF_ALGEBRA).any())


def _logarithms(elements: Tensor) -> Tensor:
    """Real principal logarithms of diagonalisable matrices `(k, n, n)`; those without one are left out."""
    values, vectors = torch.linalg.eig(elements)
    logs = vectors @ torch.diag_embed(values.log()) @ torch.linalg.pinv(vectors)
    back = torch.linalg.matrix_exp(logs.real)
    off = (back - elements).flatten(1).norm(dim=1) / elements.flatten(1).norm(dim=1)
    return logs.real[off <= bars.REAL_LOGARITHM]


def _outside(vectors: Tensor, rows: Tensor) -> float:
    """Largest share of vectors `(k, N)` outside the span of orthonormal rows."""
    if not len(vectors):
        return 0.0
    rest = vectors - vectors @ rows.T @ rows
    return float((rest.norm(dim=1) / vectors.norm(dim=1).clamp_min(1e-300)).max())


def _shifts(algebra: LieAlgebra) -> Tensor:
    """Random elements of the connected group, near and far."""
    rng = torch.Generator().manual_seed(0)
    basis = algebra.orthonormal().basis
    basis = basis / torch.linalg.matrix_norm(basis, 2).amax() if len(basis) else basis
    sizes = [size for size in _SHIFTS for _ in range(_TRIES)]
    xi = torch.stack([size * torch.randn(len(basis), generator=rng, dtype=torch.float64) for size in sizes])
    return torch.linalg.matrix_exp(torch.einsum("sk,kij->sij", xi, basis))


def _planes(n: int) -> list[tuple[int, int]]:
    return list(itertools.combinations(range(n), 2))


def _angles() -> list[float]:
    """Whole fractions of a circle, each once; halves and quarters are signed permutations."""
    fractions = {(k // math.gcd(j, k), j // math.gcd(j, k)) for k in range(3, _LARGEST_ORDER + 1) for j in range(1, k)}
    return [2 * math.pi * j / k for k, j in sorted(fractions) if k not in (1, 2, 4)]


def _turn(n: int, plane: tuple[int, int], angle: float) -> Tensor:
    i, j = plane
    g = torch.eye(n, dtype=torch.float64)
    g[i, i] = g[j, j] = math.cos(angle)
    g[i, j], g[j, i] = -math.sin(angle), math.sin(angle)
    return g
