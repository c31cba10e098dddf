"""Quadratic forms that an algebra leaves unchanged: the metrics that its group keeps."""

from __future__ import annotations

import torch
from torch import Tensor

from ..algebra._lie_algebra import LieAlgebra
from ..core._linalg import cut_spectrum
from ..errors import RepresentationMismatchError
from ._spectrum import Rank


def invariant_forms(algebra: LieAlgebra, *, rank: Rank = "gap", conformal: bool = False) -> Tensor:
    r"""Symmetric forms that every generator keeps, the best kept first.

    .. math:: A^T G + G A = 0

    The condition is linear in ``G``, so generators that are known up to noise, as discovered ones are, give the forms
    that they change least.

    Parameters
    ----------
    algebra : LieAlgebra
        Matrices, known or discovered.
    rank : "gap" or int or float
        How the spectrum, the changes of unit forms relative to the largest, is cut: at its largest step, to a
        dimension, or at a threshold.
    conformal : bool
        Allow generators to rescale the form: their traces are taken off first.

    Returns
    -------
    Tensor
        `(k, n, n)` float64, orthogonal to each other, each of the Frobenius norm ``sqrt(n)`` of the identity and with
        a sign that makes its trace positive.

    Raises
    ------
    RepresentationMismatchError
        If the algebra is not one of matrices.

    Examples
    --------
    >>> import isotropy as iso
    >>> invariant_forms(iso.so(1, 3))[0].diagonal().round().tolist()
    [-1.0, 1.0, 1.0, 1.0]
    >>> len(invariant_forms(iso.gl(3))), len(invariant_forms(iso.so(2) + iso.so(2)))
    (0, 2)
    """
    if not algebra.is_matrix:
        raise RepresentationMismatchError(
            "algebra: expected matrices, received vector fields; only linear generators keep quadratic forms"
        )
    n, generators = algebra.n, algebra.orthonormal().basis
    if conformal:
        trace = generators.diagonal(dim1=1, dim2=2).mean(1)
        generators = generators - trace[:, None, None] * torch.eye(n, dtype=torch.float64)
    forms = _symmetric(n)
    moved = torch.einsum("fab,kbc->fkac", forms, generators)
    changes = (moved + moved.transpose(2, 3)).flatten(1)  # (forms, equations)
    directions, sizes = _spectrum(changes)
    cut = cut_spectrum(sizes, rank=rank)
    kept = directions[len(directions) - cut.dim :].flip(0)
    return _signed(torch.einsum("kf,fab->kab", kept, forms)) * n**0.5


def _symmetric(n: int) -> Tensor:
    """Orthonormal basis `(n (n + 1) / 2, n, n)` of the symmetric matrices."""
    rows, columns = torch.triu_indices(n, n)
    forms = torch.zeros(len(rows), n, n, dtype=torch.float64)
    index = torch.arange(len(rows))
    forms[index, rows, columns] = forms[index, columns, rows] = 1.0
    return forms / forms.flatten(1).norm(dim=1)[:, None, None]


def _spectrum(changes: Tensor) -> tuple[Tensor, Tensor]:
    """Directions `(forms, forms)` and sizes in [0, 1], descending, of their changes."""
    directions, values, _ = torch.linalg.svd(changes, full_matrices=True)
    sizes = torch.zeros(len(changes), dtype=torch.float64)
    sizes[: len(values)] = values
    largest = float(sizes.max())
    return directions.T, sizes / largest if largest > 0 else sizes


def _signed(forms: Tensor) -> Tensor:
    """Forms with a sign that makes their traces positive."""
    trace = forms.diagonal(dim1=1, dim2=2).sum(1)
    return torch.where(trace < 0, -1.0, 1.0)[:, None, None] * forms
