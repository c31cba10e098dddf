"""All equivariant functions in a dictionary: the kernel of the Lie derivative on coefficients."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..action._action import Action
from ..action._spanned import write_sum
from ..core._checks import as_points
from ..core._linalg import StreamedQR, cut_spectrum, sparse_rows
from ..derivative._elements import component_rows, components_of
from ..derivative._family import FamilyDerivative
from ..dictionary import Dictionary
from ..errors import AmbiguousRankWarning, DataError
from ..symmetry import bars


@dataclass(frozen=True)
class FunctionBasis:
    """A basis of functions ``F_k(x) = C_k phi(x)``.

    Attributes
    ----------
    dictionary : Dictionary
        The terms ``phi``.
    coefficients : Tensor
        `(k, m, terms)`, orthonormal.
    event : tuple of int
        Shape of one value, of size m.
    spectrum : Tensor
        Descending singular values of the constraints, in units of the size of what they compare.
    gap : float
        Ratio across the cut between broken and kept combinations.
    constraints : Tensor
        `(rows, m * terms)` a factor E with ``|E w|`` the size of the Lie derivatives and finite defects of ``F_w``.
    """

    dictionary: Dictionary
    coefficients: Tensor
    event: tuple[int, ...]
    spectrum: Tensor
    gap: float
    constraints: Tensor

    @property
    def dim(self) -> int:
        """Number of independent functions."""
        return len(self.coefficients)

    def evaluate(self, x: Tensor) -> Tensor:
        """Values `(k, batch, *event)` at points `(batch, n)`, differentiable."""
        values = torch.einsum("kmp,bp->kbm", self.coefficients.to(x), self.dictionary.evaluate(x))
        return values.reshape(self.dim, len(x), *self.event)

    def equations(self, coordinates: Sequence[str] | None = None, digits: int = 3) -> list[list[str]]:
        """Every function of a sparse basis, one text per output."""
        names = self.dictionary.names(coordinates)
        sparse = sparse_rows(self.coefficients.flatten(1)).reshape(self.coefficients.shape) if self.dim else ()
        return [[_written(row, names, digits) for row in function] for function in sparse]


def equivariant_functions(
    dictionary: Dictionary,
    rho_in: Action,
    rho_out: Action,
    *,
    components: Any = None,
    rank: str | int | float = "gap",
    measure: str | None = None,
    points: Any = None,
    seed: int = 0,
) -> FunctionBasis:
    """Find all functions of a dictionary that intertwine two actions.

    The kernel of ``W -> (L_xi F_W for every generator, F_W o h - rho_out(h) F_W for every component)``. Two generic
    generators of a semisimple algebra already give all its conditions.

    Parameters
    ----------
    dictionary : Dictionary
        Functions to combine.
    rho_in, rho_out : Action
        Actions of one algebra on points `(n,)` and, linearly, on values `(m,)`.
    components : array_like, optional
        `(k, n, n)` one group element of each further component; those of a ``MatrixGroup`` that the representations
        were built by, if left out.
    rank : "gap", int or float
        How to cut the spectrum.
    measure, points, seed
        The inner product of functions; see ``FamilyDerivative``.

    Warns
    -----
    AmbiguousRankWarning
        If the spectrum has no clear gap where it was cut.

    Raises
    ------
    DataError
        If points are not finite, the measure does not fit, or nothing in the dictionary is equivariant.
    RepresentationMismatchError
        If the dictionary and the actions are of different sizes or algebras.

    Examples
    --------
    >>> import isotropy as iso
    >>> G = iso.so(2)
    >>> found = equivariant_functions(iso.dictionary.polynomials(2, degree=4), G.vector(), G.scalar())
    >>> found.dim, found.equations()[1]
    (3, ['x^2 + y^2'])
    """
    given = None if points is None else as_points(points, "points", rho_in.event).detach().to("cpu", torch.float64)
    samples = _samples(dictionary, measure, seed) if given is None else given
    constraints = StreamedQR(rho_out.size * len(dictionary))
    if rho_in.algebra.dim:
        family = FamilyDerivative(dictionary, rho_in, rho_out, measure, given, seed)
        constraints.update(family.matrices.flatten(0, 1))
    elements = components_of((rho_in, rho_out), components)
    for h in elements:
        constraints.update(component_rows(dictionary, rho_in, rho_out, h, samples))
    sizes = _sizes(dictionary, rho_in, rho_out, samples, bool(len(elements)))
    return _kernel(dictionary, rho_out.event, constraints.R, sizes, rank)


def _samples(dictionary: Dictionary, measure: str | None, seed: int) -> Tensor:
    """Points on which finite elements are compared and terms are sized."""
    generator = torch.Generator().manual_seed(seed + 1)
    shape = (4 * len(dictionary), dictionary.size)
    if measure == "cube":
        return 2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def _sizes(dictionary: Dictionary, rho_in: Action, rho_out: Action, x: Tensor, compared: bool) -> Tensor:
    """Size `(m * terms,)` of what the constraint compares for each coefficient; rounding is relative to it."""
    values, slopes = dictionary.evaluate(x), dictionary.jacobian(x).norm(dim=2)
    squares = values.square() if compared else torch.zeros_like(values)
    if rho_in.algebra.dim:
        units = torch.eye(rho_out.size, dtype=x.dtype)
        turns = [rho_out.fields(unit.expand(len(x), -1), at=x).flatten(1).square().sum(1) for unit in units]
        speeds = rho_in.fields(x).flatten(1).square().sum(1)
        squares = squares + slopes.square() * speeds[:, None]
        squares = squares + values.square() * torch.stack(turns).sum(0)[:, None]
    sizes = squares.mean(0).sqrt()
    return torch.where(sizes > 0, sizes, torch.ones_like(sizes)).repeat(rho_out.size)


def _kernel(
    dictionary: Dictionary, event: tuple[int, ...], constraints: Tensor, sizes: Tensor, rank: str | int | float
) -> FunctionBasis:
    """Null space, with every column in units of its own size."""
    _, values, axes = torch.linalg.svd(constraints / sizes, full_matrices=True)
    spectrum = torch.zeros(len(sizes), dtype=torch.float64)
    spectrum[: len(values)] = values
    cut = cut_spectrum(spectrum.clamp_max(1.0), rank=rank, floor=bars.FUNCTION_FLOOR, tolerance=bars.ZERO_FUNCTION)
    _warn(cut.dim, cut.clear, cut.gap)
    null = axes[len(axes) - cut.dim :] / sizes
    rows = torch.linalg.qr(null.T).Q.T if cut.dim else null
    shape = (cut.dim, *event, len(dictionary))
    return FunctionBasis(dictionary, rows.reshape(shape), event, spectrum, cut.gap, constraints)


def _warn(dim: int, clear: bool, gap: float) -> None:
    if dim and not clear:
        text = f"expected a clear gap in the spectrum of the constraints, received a ratio of {gap:.2g}"
        warnings.warn(AmbiguousRankWarning(f"{text}; look at spectrum or give rank="), stacklevel=4)


def _written(row: Tensor, names: Sequence[str], digits: int) -> str:
    pairs = zip(row.tolist(), names, strict=True)
    return write_sum([(c, "" if name == "1" else name) for c, name in pairs if c], digits)


def require_some(basis: FunctionBasis) -> FunctionBasis:
    """Refuse a dictionary in which nothing but zero is equivariant."""
    if basis.dim:
        return basis
    raise DataError(
        f"dictionary: expected some equivariant function in the span of {len(basis.dictionary)} terms, received none; "
        "take a richer dictionary, such as a higher degree, or a smaller algebra"
    )
