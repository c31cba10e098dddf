"""How far a map is from commuting with infinitesimal motions."""

from __future__ import annotations

from typing import Any

import torch

from ..action._action import Action
from ..core._autodiff import Map
from ..core._checks import as_points, require_fraction
from ..derivative._lie_derivative import LieDerivative
from ._floor import rounding
from ._report import SymmetryReport
from ._summary import root_mean, summarise
from ._terms import frames, generator_names, term_squares


def equivariance(
    f: Map,
    x: Any,
    rho_in: Action,
    rho_out: Action,
    *,
    method: str = "auto",
    confidence: float = 0.95,
    seed: int = 0,
) -> SymmetryReport:
    """Infinitesimal equivariance error of a map, for each generator and over all of them.

    The error of a generator is ``|L_xi f| / (| |Df|_F |xi_in(x)| | + |xi_out(f)|)`` in root mean square over
    samples: 0 exactly when f intertwines the two motions, at most 1. The overall error sums the squares of every
    term over an orthonormal basis of the algebra, so that it does not depend on the generators chosen.

    Parameters
    ----------
    f : callable
        `(batch, *event)` to `(batch, *out)`, samples independent of one another. A module is evaluated in eval
        mode and left as it was found.
    x : array_like
        `(batch, *event)` points at which to measure.
    rho_in, rho_out : Action
        Actions of one algebra on inputs and on outputs.
    method : str
        Rung of the derivative ladder, or ``"auto"``.
    confidence : float
        Of the bootstrap intervals.
    seed : int
        Of the bootstrap.

    Raises
    ------
    DataError
        If points or values are not finite, or the algebra has no generator.
    RepresentationMismatchError
        If shapes or algebras do not fit one another.
    DerivativeUnavailableError
        If no method can differentiate the map.

    References
    ----------
    gruver2022lie

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> G = iso.so(3)
    >>> x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    >>> report = equivariance(lambda x: x * x.norm(dim=1, keepdim=True), x, G.vector(), G.vector())
    >>> report.at_floor
    True
    >>> equivariance(lambda x: x.abs(), x, G.vector(), G.vector()).relative_error > 0.1
    True
    """
    require_fraction(confidence, "confidence")
    points = as_points(x, "x", rho_in.event).detach()
    frame = frames(rho_in.algebra)
    derivative = LieDerivative(f, rho_in, rho_out, method)
    parts, values = [], []
    for chunk, terms in derivative.chunks(points, slopes=True):
        fields = rho_in.fields(chunk).flatten(2)
        parts.append(term_squares(fields, terms.slope, terms.moved, terms.turned, frame))
        values.append(terms.value.flatten(1).to("cpu", torch.float64).square().sum(1))
    squares = torch.cat(parts, dim=1)
    return summarise(
        squares,
        generator_names(rho_in),
        noise=rounding(derivative, points, root_mean(torch.cat(values)), root_mean(squares[1:, :, -1].sum(0))),
        method=derivative.method,
        dtype=points.dtype,
        confidence=confidence,
        seed=seed,
    )
