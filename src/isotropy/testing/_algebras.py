"""Asserts on algebras and representations."""

from __future__ import annotations

import torch

from ..action._representation import Representation
from ..algebra._lie_algebra import LieAlgebra
from ._elements import elements
from ._numbers import EXACT, at_least, at_most, close, require, same_shape


def assert_algebra(algebra: LieAlgebra, tolerance: float = EXACT) -> None:
    """Independent generators, closed under the bracket, with antisymmetric constants that obey Jacobi.

    Parameters
    ----------
    algebra : LieAlgebra
        Anything of dimension 0 passes.
    tolerance : float
        Largest relative defect.

    Examples
    --------
    >>> import isotropy as iso
    >>> assert_algebra(iso.so(3))
    """
    if not algebra.dim:
        return
    values = torch.linalg.svdvals(algebra.basis.flatten(1))
    at_least(float(values[-1] / values[0]), 1e-10, "independence (smallest over largest singular value)")
    at_most(algebra.closure_defect(), tolerance, "closure defect")
    c = algebra.structure_constants
    scale = float(c.abs().amax()) or 1.0  # an abelian algebra has no scale
    at_most(float((c + c.transpose(0, 1)).abs().amax()) / scale, tolerance, "antisymmetry defect")
    nested = torch.einsum("ijl,lkm->ijkm", c, c)
    cyclic = nested + nested.permute(1, 2, 0, 3) + nested.permute(2, 0, 1, 3)
    at_most(float(cyclic.abs().amax()) / scale**2, tolerance, "Jacobi defect")


def assert_representation(rho: Representation, *, finite: bool = True, tolerance: float = EXACT, seed: int = 0) -> None:
    """``drho`` respects the bracket, and ``rho(exp xi) = exp(drho xi)``.

    Parameters
    ----------
    rho : Representation
        Of an algebra of matrices.
    finite : bool
        Whether to check ``rho`` on group elements too; say no for a representation given by ``drho`` alone.
    tolerance : float
        Largest relative difference.
    seed : int
        Of the elements that are tried.

    Examples
    --------
    >>> import isotropy as iso
    >>> V = iso.sl(2).vector()
    >>> assert_representation(V * V + V.T)
    """
    algebra = _lie_algebra(rho)
    matrices = rho.drho()
    same_shape(matrices, (algebra.dim, rho.size, rho.size), "drho")
    products = torch.einsum("iab,jbc->ijac", matrices, matrices)
    expected = torch.einsum("ijk,kab->ijab", algebra.structure_constants, matrices)
    close(products - products.transpose(0, 1), expected, tolerance, "[drho xi, drho eta] against drho [xi, eta]")
    if not finite:
        return
    first, second = (0.5 * elements(algebra.dim, seed)[:2]).unbind()
    g, h = algebra.exp(first), algebra.exp(second)
    same_shape(rho.rho(g), (rho.size, rho.size), "rho(g)")
    close(rho.rho(g), torch.linalg.matrix_exp(rho.drho(first)), tolerance, "rho(exp xi) against exp(drho xi)")
    close(rho.rho(g @ h), rho.rho(g) @ rho.rho(h), tolerance, "rho(g h) against rho(g) rho(h)")


def _lie_algebra(rho: Representation) -> LieAlgebra:
    require(isinstance(rho.algebra, LieAlgebra), f"algebra: expected a LieAlgebra, received {rho.algebra!r}")
    return rho.algebra  # type: ignore[return-value]
