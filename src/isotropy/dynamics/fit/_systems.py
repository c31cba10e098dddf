"""Linear systems for the coefficients of all equations, and their solution in a space of allowed coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ...errors import DataError
from .. import bars


@dataclass(frozen=True)
class System:
    """Rows ``A_i w_i = b_i`` of every equation i, weighted to noise of one size.

    Attributes
    ----------
    design : Tensor
        `(n, rows, terms)`, or `(1, rows, terms)` where all equations share it.
    target : Tensor
        `(n, rows)`.
    """

    design: Tensor
    target: Tensor

    @classmethod
    def joined(cls, parts: Sequence[System]) -> System:
        """The rows of all parts."""
        return cls(torch.cat([p.design for p in parts], dim=1), torch.cat([p.target for p in parts], dim=1))

    def drawn(self, rows: Tensor) -> System:
        """The rows with these numbers."""
        return System(self.design[:, rows], self.target[:, rows])

    @property
    def rows(self) -> int:
        """Rows of all equations together."""
        return self.target.numel()

    @cached_property
    def factors(self) -> Tensor:
        """Triangular factors `(n, r, terms + 1)` of ``[A_i, b_i]``."""
        n, terms = len(self.target), self.design.shape[2]
        if len(self.design) < n:  # one factorization of what all equations share
            R = torch.linalg.qr(torch.cat([self.design[0], self.target.T], dim=1), mode="r").R
            return torch.stack([torch.cat([R[:, :terms], R[:, terms + i : terms + i + 1]], dim=1) for i in range(n)])
        return torch.linalg.qr(torch.cat([self.design, self.target[:, :, None]], dim=2), mode="r").R


@dataclass(frozen=True)
class Solution:
    """Least squares in a space of coefficients.

    Attributes
    ----------
    coef : Tensor
        `(n, terms)`.
    errors : Tensor
        `(n, terms)` standard errors for noise of unit size.
    basis : Tensor
        `(k, n, terms)` orthonormal basis of the space.
    residual : float
        Sum of squares that is left.
    """

    coef: Tensor
    errors: Tensor
    basis: Tensor
    residual: float

    @property
    def dim(self) -> int:
        """Number of free parameters."""
        return len(self.basis)

    @property
    def alive(self) -> Tensor:
        """Entries `(n, terms)` that the space leaves free."""
        return self.basis.abs().amax(dim=0) > 0 if self.dim else torch.zeros_like(self.coef, dtype=torch.bool)


def solve(system: System, basis: Tensor, penalty: Tensor | None = None) -> Solution:
    """Minimise ``sum_i |A_i w_i - b_i|^2 + |P w|^2`` over the span of ``basis`` `(k, n, terms)`.

    ``P`` `(rows, n * terms)` is an optional penalty.

    Raises
    ------
    DataError
        If the data do not determine the free parameters.
    """
    factors = system.factors
    design = torch.einsum("irp,kip->irk", factors[..., :-1], basis).flatten(0, 1)
    target = factors[..., -1].flatten()
    if penalty is not None:
        design = torch.cat([design, penalty @ basis.flatten(1).T])
        target = torch.cat([target, target.new_zeros(len(penalty))])
    left, sizes, axes = torch.linalg.svd(design, full_matrices=False)
    known = int((sizes > bars.DETERMINED * sizes.amax()).sum()) if len(sizes) else 0
    if known < len(basis):
        raise DataError(
            f"states: expected data that determine {len(basis)} free coefficients, received data that determine "
            f"{known}; give more or longer trajectories, fewer terms, or a symmetry"
        )
    beta = axes.T @ ((left.T @ target) / sizes)
    spread = torch.einsum("sk,kip->sip", axes / sizes[:, None], basis)
    residual = float((design @ beta - target).square().sum())
    return Solution(torch.einsum("k,kip->ip", beta, basis), spread.norm(dim=0), basis, residual)


def without(basis: Tensor, dropped: Tensor, tolerance: float | None = None) -> Tensor:
    """The part of a space `(k, n, terms)` that is zero in the entries ``dropped`` `(n, terms)`, exactly.

    Directions whose dropped entries are below ``tolerance`` (that of exact generators if left out) count as zero
    there: learned symmetries are inexact.
    """
    if not len(basis) or not bool(dropped.any()):
        return basis
    left, sizes, _ = torch.linalg.svd(basis[:, dropped], full_matrices=True)
    taken = int((sizes > (bars.EXACT_ENTRIES if tolerance is None else tolerance)).sum())
    rest = torch.einsum("kj,kip->jip", left[:, taken:], basis)
    rest[:, dropped] = 0.0
    return orthonormal(rest)


def settled(basis: Tensor, tolerance: float | None = None) -> Tensor:
    """The same space with entries that are zero up to rounding, or to ``tolerance``, set to zero."""
    zero = bars.EXACT_ENTRIES if tolerance is None else tolerance
    return without(basis, basis.square().sum(0).sqrt() <= zero, zero) if len(basis) else basis


def orthonormal(basis: Tensor) -> Tensor:
    """Orthonormal basis of the same span; exact zeros stay exact."""
    if not len(basis):
        return basis
    flat = basis.flatten(1)
    rows = torch.linalg.qr(flat.T).Q.T
    return torch.where((flat == 0).all(dim=0), 0.0, rows).reshape(basis.shape)
