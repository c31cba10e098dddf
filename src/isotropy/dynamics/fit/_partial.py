"""Partial differential equations: rates of fields from their derivatives at a point, under a symmetry of these."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...action._spanned import write_sum
from ...core._estimator import Estimator
from ...dictionary import Dictionary
from ...enforce import FunctionBasis, equivariant_functions
from ...errors import DataError
from ._selection import select_terms
from ._systems import System

_STENCIL = torch.tensor([1 / 12, -2 / 3, 0.0, 2 / 3, -1 / 12], dtype=torch.float64)  # fourth order in time


class FieldSINDy(Estimator):
    """Sparse equations ``u_t = offset + W phi(jets)`` of fields, at every point of space and time alike.

    Jets are what is known of the fields at a point: values and derivatives. A symmetry of space or of the fields moves
    jets by ``rho_in`` and rates by ``rho_out``; ``W`` stays in the space of equivariant functions. That the terms do
    not depend on place and time is the symmetry under translations. A Galilean boost moves rates by ``-c u_x``, too:
    give that part as ``offset``, ``-u u_x``, and shifts of u as ``rho_in``.

    Parameters
    ----------
    dictionary : Dictionary
        Terms of the jets.
    rho_in : Action, optional
        On jets `(n,)`.
    rho_out : Action, optional
        Linear, on rates `(m,)`.
    threshold : float
        See ``select``.
    select : "share", "threshold" or "evidence"
        See ``SINDy``.

    Attributes
    ----------
    coef_ : Tensor
        `(m, terms)`.
    symmetry_ : FunctionBasis or None
        All functions that the symmetry allows.
    free_parameters_ : int
        Parameters left after selection.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> jets = torch.randn(200, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> model = FieldSINDy(iso.dictionary.polynomials(3, 2)).fit(jets, 0.1 * jets[:, 2] - jets[:, 0] * jets[:, 1])
    >>> model.equations(["u"], ["u", "u_x", "u_xx"])
    ['u_t = 0.1 u_xx - u u_x']
    """

    coef_: Tensor
    symmetry_: FunctionBasis | None
    free_parameters_: int

    def __init__(
        self,
        dictionary: Dictionary,
        rho_in: Action | None = None,
        rho_out: Action | None = None,
        *,
        threshold: float = 0.02,
        select: str = "share",
    ) -> None:
        self.dictionary = dictionary
        self.rho_in = rho_in
        self.rho_out = rho_out
        self.threshold = threshold
        self.select = select

    def fit(self, jets: Any, rates: Any, offset: Any = None) -> FieldSINDy:
        """Fit jets `(S, n)` against rates `(S, m)` or `(S,)`, of which ``offset`` of the same shape is known.

        Raises
        ------
        DataError
            If shapes do not fit, numbers are not finite, only one of the actions is given, or nothing but zero obeys
            them.
        """
        x, v = _samples(jets, rates, self.dictionary.size)
        target = v if offset is None else v - _samples(jets, offset, self.dictionary.size)[1]
        basis = self._allowed(v.shape[1])
        found = select_terms(
            System(self.dictionary.evaluate(x)[None], target.T.contiguous()), basis, self.threshold, self.select, 1e-10
        )
        self.coef_, self.free_parameters_ = found.coef, found.dim
        return self

    def predict(self, jets: Any) -> Tensor:
        """Rates `(S, m)` without the offset."""
        return self.dictionary.evaluate(torch.as_tensor(jets, dtype=torch.float64)) @ self.coef_.T

    def equations(self, fields: Sequence[str], jets: Sequence[str] | None = None, digits: int = 3) -> list[str]:
        """``u_t = 0.1 u_xx - u u_x`` for every field, without the offset."""
        names = self.dictionary.names(jets)
        rows = [
            write_sum([(float(c), "" if n == "1" else n) for c, n in zip(row, names, strict=True) if c], digits)
            for row in self.coef_
        ]
        return [f"{field}_t = {row}" for field, row in zip(fields, rows, strict=True)]

    def _allowed(self, count: int) -> Tensor:
        """Basis `(k, m, terms)` of the allowed coefficients."""
        if (self.rho_in is None) != (self.rho_out is None):
            raise DataError(
                "rho_in, rho_out: expected both or neither, received one; a scalar rate is algebra.scalar()"
            )
        self.symmetry_ = None
        if self.rho_in is None or self.rho_out is None:
            entries = count * len(self.dictionary)
            return torch.eye(entries, dtype=torch.float64).reshape(entries, count, -1)
        if self.rho_out.size != count:
            raise DataError(f"rho_out: expected an action on {count} rates, received one on {self.rho_out.size}; match")
        self.symmetry_ = equivariant_functions(self.dictionary, self.rho_in, self.rho_out)
        if not self.symmetry_.dim:
            raise DataError("dictionary: expected some term that obeys the symmetry, received none; add terms")
        return self.symmetry_.coefficients.reshape(self.symmetry_.dim, count, len(self.dictionary))


def periodic_jets(u: Any, lengths: Sequence[float], order: int) -> Tensor:
    """Derivatives `(T, *grid, jets)` of a field `(T, *grid)` on a periodic grid, up to an order, by Fourier series.

    By order, and then as monomials come: ``u, u_x, u_y, u_xx, u_xy, u_yy``. They are exact for resolved fields; smooth
    noisy ones first.

    Parameters
    ----------
    u : array_like
        `(T, *grid)`, one field.
    lengths : sequence of float
        Period of each axis of the grid.
    order : int
        Highest derivative.

    Raises
    ------
    DataError
        If there is not one length for each axis, or the order is negative.

    Examples
    --------
    >>> import math, torch
    >>> x = torch.arange(16, dtype=torch.float64) * 2 * math.pi / 16
    >>> jets = periodic_jets(x.sin()[None], [2 * math.pi], 2)
    >>> torch.allclose(jets[0, :, 1], x.cos()) and torch.allclose(jets[0, :, 2], -x.sin())
    True
    """
    field = torch.as_tensor(u, dtype=torch.float64)
    if field.ndim != len(lengths) + 1 or order < 0:
        raise DataError(
            f"u: expected (T, *grid) with one length per axis and an order >= 0, received {tuple(field.shape)}, "
            f"{len(lengths)} lengths and order {order}; match them"
        )
    waves = [_waves(n, length) for n, length in zip(field.shape[1:], lengths, strict=True)]
    grid = torch.meshgrid(*waves, indexing="ij")
    axes = tuple(range(1, field.ndim))
    spectrum = torch.fft.fftn(field, dim=axes)
    found: list[Tensor] = []
    for degree in range(order + 1):
        for chosen in combinations_with_replacement(range(len(lengths)), degree):
            factor = torch.ones_like(grid[0], dtype=torch.complex128)
            for axis in chosen:
                factor = factor * 1j * grid[axis]
            found.append(torch.fft.ifftn(spectrum * factor, dim=axes).real)
    return torch.stack(found, dim=-1)


def time_rates(u: Any, step: float) -> Tensor:
    """Rates `(T - 4, ...)` of fields `(T, ...)` at even steps, by central differences of fourth order.

    Raises
    ------
    DataError
        If there are fewer than five times, or the step is not positive.
    """
    field = torch.as_tensor(u, dtype=torch.float64)
    if len(field) < len(_STENCIL) or step <= 0:
        raise DataError(f"u: expected five times or more and a step > 0, received {len(field)} and {step}; add times")
    return torch.einsum("t...k,k->t...", field.unfold(0, len(_STENCIL), 1), _STENCIL) / step


def _waves(count: int, length: float) -> Tensor:
    """Wave numbers, the highest of an even grid left out: it has no odd derivative."""
    found = torch.fft.fftfreq(count, length / count, dtype=torch.float64) * 2 * torch.pi
    if count % 2 == 0:
        found[count // 2] = 0.0
    return found


def _samples(jets: Any, rates: Any, size: int) -> tuple[Tensor, Tensor]:
    x, v = (torch.as_tensor(a, dtype=torch.float64) for a in (jets, rates))
    v = v[:, None] if v.ndim == 1 else v
    if x.ndim != 2 or v.ndim != 2 or x.shape[1] != size or len(x) != len(v):
        raise DataError(
            f"jets, rates: expected (S, {size}) and (S, m), received {tuple(x.shape)} and {tuple(v.shape)}; flatten "
            "space and time into rows"
        )
    if not bool(torch.isfinite(x).all() and torch.isfinite(v).all()):
        raise DataError("jets, rates: expected finite numbers, received NaN or infinity; drop those points")
    return x, v
