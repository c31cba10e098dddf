"""Conserved quantities: the dual problem, the kernel of ``h -> dh(v)`` over a dictionary of functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...action._spanned import write_sum
from ...core import bars as cuts
from ...core._checks import as_points, require_finite
from ...core._estimator import Estimator
from ...core._linalg import EPSILON, StreamedQR, sparse_rows
from ...dictionary import Dictionary
from ...errors import DataError, RepresentationMismatchError
from ...symmetry import bars
from ..evidence._evidence import Factors
from ..evidence._kernel import Kernel, relative_kernel


class ConservedQuantities(Estimator):
    """Functions ``h = sum_k c_k phi_k`` that stay constant along the motion, ``dh(v) = 0``.

    From a known field ``h`` is judged by ``|dh(v)| / (|dh| |v|)``; from trajectories by its spread along each
    trajectory relative to its spread over all of them. Constants are counted apart, as trivial.

    Parameters
    ----------
    dictionary : Dictionary
        Functions to combine, such as ``dictionary.polynomials(n, degree=2)``.
    rank : "gap", int or float
        How to cut the spectrum.

    Attributes
    ----------
    coefficients_ : Tensor
        `(k, terms)` a sparse basis of the conserved quantities that vary over the data.
    trivial_ : Tensor
        `(l, terms)` combinations that are constant over all data.
    spectrum_ : Tensor
        Descending relative variations in [0, 1].
    gap_ : float
        Ratio across the cut.
    status_ : str
        ``"certified"`` if the gap is clear, ``"undecided"`` if not, ``"none"`` without any.

    Raises
    ------
    DataError
        If values are not finite, or there are fewer than two trajectories.
    RepresentationMismatchError
        If points or velocities do not have the size of the dictionary.

    References
    ----------
    otto2023unified

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> x = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> found = ConservedQuantities(iso.dictionary.polynomials(2, degree=2))
    >>> found.fit_field(lambda s: torch.stack([s[:, 1], -s[:, 0]], 1), x).equations(["q", "p"])
    ['q^2 + p^2']
    """

    coefficients_: Tensor
    trivial_: Tensor
    spectrum_: Tensor
    gap_: float
    status_: str

    def __init__(self, dictionary: Dictionary, *, rank: str | int | float = "gap") -> None:
        self.dictionary = dictionary
        self.rank = rank

    @property
    def dim_(self) -> int:
        """Number of independent conserved quantities, constants included."""
        return len(self.coefficients_) + len(self.trivial_)

    def fit_field(self, v: Callable[[Tensor], Tensor], x: Any) -> ConservedQuantities:
        """Find quantities conserved by the field ``v``, `(batch, n)` to `(batch, n)`, at states `(S, n)`."""
        states = as_points(x, "x", (self.dictionary.size,)).to(torch.float64)
        velocity = require_finite(v(states).detach().to(torch.float64), "v")
        if velocity.shape != states.shape:
            raise RepresentationMismatchError(
                f"v: expected velocities of shape {tuple(states.shape)}, received {tuple(velocity.shape)}; return one "
                "per state"
            )
        slopes = self.dictionary.jacobian(states)  # (S, terms, n)
        changing = StreamedQR(slopes.shape[1]).update(torch.einsum("bpn,bn->bp", slopes, velocity))
        sizes = slopes * velocity.norm(dim=1)[:, None, None]
        moving = StreamedQR(slopes.shape[1]).update(sizes.transpose(1, 2).reshape(-1, slopes.shape[1]))
        return self._conclude(changing, moving, bars.MANY_ROUNDINGS * EPSILON)

    def fit(self, trajectories: Sequence[Any]) -> ConservedQuantities:
        """Find quantities conserved along trajectories of states `(T_i, n)`, at least two of them."""
        states = [as_points(s, f"trajectories[{i}]", (self.dictionary.size,)) for i, s in enumerate(trajectories)]
        if len(states) < 2:
            raise DataError(
                f"trajectories: expected at least 2, received {len(states)}; on one orbit a constant of the motion "
                "cannot be told from a number"
            )
        values = [self.dictionary.evaluate(s.to(torch.float64)) for s in states]
        means = [value.mean(0) for value in values]
        centre = torch.stack(means).mean(0)
        within, overall = StreamedQR(len(centre)), StreamedQR(len(centre))
        for value, mean in zip(values, means, strict=True):
            within.update(_departure(value, mean))
            overall.update(_departure(value, centre))
        return self._conclude(within, overall, bars.MANY_ROUNDINGS * EPSILON)

    def equations(self, coordinates: Sequence[str] | None = None, digits: int = 3) -> list[str]:
        """Write every quantity that varies over the data."""
        names = self.dictionary.names(coordinates)
        return [
            write_sum(
                [(float(c), "" if name == "1" else name) for c, name in zip(row, names, strict=True) if c], digits
            )
            for row in self.coefficients_
        ]

    def _conclude(self, changing: StreamedQR, moving: StreamedQR, floor: float) -> ConservedQuantities:
        factors = Factors(changing.R, moving.R, torch.zeros(0, moving.columns, dtype=torch.float64))
        kernel = relative_kernel(
            factors, rank=self.rank, floor=floor, resolution=bars.TRIVIAL_MOTION, tolerance=cuts.LARGEST_ZERO
        )
        self.spectrum_ = kernel.spectrum
        self.gap_ = kernel.cut.gap
        self.coefficients_ = _readable(kernel)
        self.trivial_ = kernel.trivial
        self.status_ = ("certified" if kernel.cut.clear else "undecided") if kernel.cut.dim else "none"
        return self


def _departure(value: Tensor, centre: Tensor) -> Tensor:
    """Departures `(T, terms)` from a centre, each trajectory of weight one, with rounding set to zero."""
    rounding = bars.MANY_ROUNDINGS * EPSILON * value.abs().amax(0)
    departure = value - centre
    return torch.where(departure.abs() > rounding, departure, torch.zeros_like(departure)) / len(value) ** 0.5


def _readable(kernel: Kernel) -> Tensor:
    """Sparse basis of the kernel, with the part along constants removed."""
    if not kernel.cut.dim:
        return kernel.null
    null = kernel.null / torch.linalg.vector_norm(kernel.null, dim=1, keepdim=True)
    if len(kernel.trivial):
        constants = torch.linalg.qr(kernel.trivial.T).Q
        null = null - null @ constants @ constants.T
    return sparse_rows(null, tolerance=max(cuts.ZERO_ENTRY, bars.KEPT_RESIDUALS * kernel.cut.residual))
