"""Penalties for training loops: how many dimensions of a candidate symmetry a network breaks."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ..action._action import Action
from ..algebra._lie_algebra import LieAlgebra
from ..core._autodiff import Map, evaluating
from ..core._checks import require_fraction
from ..derivative._lie_derivative import Terms, traced_terms
from ..errors import DataError
from ..symmetry import bars
from ..symmetry.claims import rows_of
from ._readout import Readout, read_claim, read_kernel, unit_generators

_KEPT = 1024  # of the last points


def nuclear_norm(f: Map, x: Any, rho_in: Action, rho_out: Action, metric: str = "trace") -> Tensor:
    """``|D_f|_*``, the sum of the singular values of ``xi -> L_xi f`` in root mean square over points.

    Differentiable in the parameters of ``f``. Zero exactly when f is symmetric under all candidates; convex in f.
    For a few hundred points at once: on small batches it is biased low, and where singular values meet zero its
    gradient jumps. In training loops ``LiePenalty`` avoids both.

    Parameters
    ----------
    f : callable
        `(batch, *event)` to `(batch, *out)`, differentiable.
    x : array_like
        `(batch, *event)` points.
    rho_in, rho_out : Action
        Candidate actions of one algebra on inputs and outputs.
    metric : str
        Inner product of generators, ``"trace"`` or ``"basis"``.

    Returns
    -------
    Tensor
        A scalar.

    Raises
    ------
    DataError
        If points are not finite, or the metric is not known.
    RepresentationMismatchError
        If shapes or algebras do not fit.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> G, x = iso.gl(2), torch.eye(2, dtype=torch.float64)
    >>> nuclear_norm(lambda x: x.square().sum(1), x, iso.so(2).vector(), iso.so(2).scalar()).item()
    0.0
    >>> round(nuclear_norm(lambda x: x[:, 0], x, G.vector(), G.scalar()).item(), 6)  # two values, both sqrt(1/2)
    1.414214
    """
    units = unit_generators(rho_in, metric)
    return torch.linalg.svdvals(_rows(traced_terms(f, x, rho_in, rho_out), units)).sum()


class LiePenalty(nn.Module):
    """The nuclear norm of ``xi -> L_xi f`` as a loss for minibatches, by its variational form.

    ``|D|_* = min_P 1/2 tr(P^-1 D^T D) + 1/2 tr P`` with the minimum at ``P = (D^T D)^(1/2)``. P is kept from a
    running mean of ``D^T D`` and held fixed, so each batch gives an unbiased, smooth loss without derivatives of a
    singular value decomposition. Directions of small P are pushed hard towards symmetry, broken ones are let be.

    Parameters
    ----------
    rho_in, rho_out : Action
        Candidate actions of one algebra on inputs and outputs.
    decay : float
        Of the running mean, in [0, 1); 0 takes each batch alone.
    eps : float
        ``P = (D^T D + eps^2)^(1/2)``: broken amounts below it count quadratically.
    metric : str
        As in ``BasisRegression``.
    rank : "gap", int or float
        Which directions ``algebra_`` keeps: those within the tolerance, so many of the least broken, or all up to a
        defect.
    tolerance : float
        Defect that is accepted: 0 is exact, 1 is what gradients shuffled among the points would give.
    level : float
        Probability with which a certified generator may have a true defect above the tolerance.

    Attributes
    ----------
    gram : Tensor
        `(dim, dim)` float64, running mean of ``D^T D`` over unit generators, before its correction for the start.

    Raises
    ------
    DataError
        If ``decay`` or ``eps`` is out of range, or a readout is asked for before any batch.

    References
    ----------
    otto2023unified

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> G, net = iso.so(2), torch.nn.Linear(2, 1).double()
    >>> penalty = LiePenalty(G.vector(), G.scalar())
    >>> x = torch.randn(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> loss = net(x).square().mean() + 0.1 * penalty(net, x)
    >>> loss.backward()
    >>> penalty.status_
    'none'
    """

    gram: Tensor
    steps: Tensor
    reach: Tensor

    def __init__(
        self,
        rho_in: Action,
        rho_out: Action,
        *,
        decay: float = 0.9,
        eps: float = 1e-3,
        metric: str = "trace",
        rank: str | int | float = "gap",
        tolerance: float = 0.05,
        level: float = 0.05,
    ) -> None:
        super().__init__()
        if not 0.0 <= decay < 1.0 or not eps > 0:
            raise DataError(
                f"expected 0 <= decay < 1 and eps > 0, received decay {decay} and eps {eps}; use e.g. 0.9 and 1e-3"
            )
        self.rho_in, self.rho_out = rho_in, rho_out
        self.decay, self.eps, self.rank = decay, eps, rank
        self.tolerance, self.level = require_fraction(tolerance, "tolerance"), require_fraction(level, "level")
        self._seen: tuple[Map, Tensor] | None = None  # a tuple, so that the network does not become a part of this
        self._units = unit_generators(rho_in, metric)
        dim = rho_in.algebra.dim
        self.register_buffer("gram", torch.zeros(dim, dim, dtype=torch.float64))
        self.register_buffer("reach", torch.zeros((), dtype=torch.float64))
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def forward(self, f: Map, x: Any) -> Tensor:
        """The penalty `()` at points `(batch, *event)`, in float64, with the graph of the parameters of ``f``.

        In training mode the running mean absorbs the batch first; in eval mode it is only used.
        """
        terms = traced_terms(f, x, self.rho_in, self.rho_out)
        rows = _rows(terms, self._units)
        batch = rows.T @ rows
        if self.training:
            self._absorb(batch.detach(), terms, torch.as_tensor(x))
            self._keep(f, torch.as_tensor(x).detach())
        root, inverse = self._roots()
        return 0.5 * (inverse.to(batch) * batch).sum() + 0.5 * root.trace().to(batch)

    @property
    def P(self) -> Tensor:
        """``(D^T D + eps^2)^(1/2)`` `(dim, dim)` over unit generators."""
        return self._roots()[0]

    @property
    def algebra_(self) -> LieAlgebra:
        """The candidates that f keeps at the last points."""
        return self.readout().algebra

    @property
    def spectrum_(self) -> Tensor:
        """Descending singular values `(dim,)` of ``xi -> L_xi f`` over unit generators."""
        return self._kernel().spectrum

    @property
    def status_(self) -> str:
        """``"certified"``, ``"undecided"`` or ``"none"``."""
        return self.readout().status

    def readout(self, f: Map | None = None, x: Any = None) -> Readout:
        """What f keeps at points `(batch, *event)`, as it is now; by default f and the points of the last batches.

        The spectrum is that of the running mean, which still remembers how f was before. A state that was loaded knows
        no f; what it shows is left undecided.

        Raises
        ------
        DataError
            If there was no batch in training mode, or one of f and x is missing.
        """
        if (f is None) != (x is None):
            raise DataError("readout: expected a function and points, received one of them; give both or none")
        kernel = self._kernel()
        seen = self._seen if f is None else (f, torch.as_tensor(x))
        if seen is None:
            return replace(kernel, status="undecided" if kernel.status == "certified" else kernel.status)
        with evaluating(seen[0]):
            rows = rows_of(*seen, self.rho_in, self.rho_out)
        size = None if isinstance(self.rank, str) else self.rank
        return read_claim(self.rho_in, rows, kernel, self.tolerance, self.level, size)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the function, which need not be one that can be copied."""
        return {**self.__dict__, "_seen": None}

    def _kernel(self) -> Readout:
        """Cut the spectrum of the running mean by the rank rule of the library."""
        sizes, axes = torch.linalg.eigh(self._mean())
        factor = (sizes.clamp_min(0.0).sqrt() * axes).T
        scale = math.sqrt(float(self.reach) / self._share())
        return read_kernel(self.rho_in, factor, self._units, scale, floor=bars.STREAMED_FLOOR, rank=self.rank)

    def enforced(self) -> tuple[Action, Action]:
        """The actions on inputs and outputs restricted to ``algebra_``, ready to be imposed by any verb."""
        found = self.readout()
        return (
            self.rho_in.restrict(found.coefficients, found.algebra),
            self.rho_out.restrict(found.coefficients, found.algebra),
        )

    def _absorb(self, batch: Tensor, terms: Terms, x: Tensor) -> None:
        """Move the running means of the Gram matrix and of the size it could have."""
        with torch.no_grad():
            fields = self.rho_in.fields(x.detach()).flatten(2).to("cpu", torch.float64)
            moved = torch.einsum("jk,bkn->bjn", self._units, fields).norm(dim=2)
            turned = terms.turned.detach().to("cpu", torch.float64)
            turned = torch.einsum("jk,bko->bjo", self._units, turned).norm(dim=2)
            reach = (terms.slope.to(moved)[:, None] * moved + turned).square().mean(0).sum()
            self.gram.lerp_(batch.to(self.gram), 1 - self.decay)
            self.reach.lerp_(reach.to(self.reach), 1 - self.decay)
            self.steps += 1

    def _keep(self, f: Map, x: Tensor) -> None:
        """Remember the function and the last points, for the readout."""
        same = self._seen is not None and self._seen[1].dtype == x.dtype and self._seen[1].device == x.device
        before = self._seen[1] if self._seen is not None and same else x[:0]
        self._seen = f, torch.cat([x, before])[:_KEPT]

    def _share(self) -> float:
        """Total weight of the batches in the running means."""
        return 1.0 - self.decay ** int(self.steps) if self.decay else 1.0

    def _mean(self) -> Tensor:
        if not int(self.steps):
            raise DataError(
                "LiePenalty: expected at least one batch in training mode, received none; call it on points first"
            )
        return self.gram.to("cpu", torch.float64) / self._share()

    def _roots(self) -> tuple[Tensor, Tensor]:
        """P and its inverse."""
        sizes, axes = torch.linalg.eigh(self._mean())
        roots = (sizes.clamp_min(0.0) + self.eps**2).sqrt()
        return (axes * roots) @ axes.T, (axes / roots) @ axes.T


def _rows(terms: Terms, units: Tensor) -> Tensor:
    """``D`` over unit generators, `(batch * out, dim)` float64, its squares summing to means over points."""
    derivative = terms.derivative.to(torch.float64)
    rows = torch.einsum("jk,bko->boj", units.to(derivative), derivative)
    return rows.flatten(0, 1) / math.sqrt(len(derivative))
