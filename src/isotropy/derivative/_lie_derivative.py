"""The Lie derivative of a map: the one object that every verb looks at from its own side."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..action._action import Action
from ..core._autodiff import Map, along, choose_rung, evaluating, jacobian, traced_along, traced_jacobian, value_of
from ..core._checks import as_points
from ..core._linalg import StreamedQR
from ..errors import DataError, DerivativeUnavailableError, RepresentationMismatchError

_MOST_ENTRIES = 2**24  # of the largest intermediate tensor in one chunk
_MOST_ROWS = 2**14  # of one chunk: its rows should stay in the cache
_PROBES = 16  # random directions that estimate |Df| when the whole Jacobian is too dear


@dataclass(frozen=True)
class Terms:
    """The parts of a Lie derivative at one chunk of points.

    Attributes
    ----------
    value : Tensor
        ``f(x)``, `(batch, *out)`.
    moved : Tensor
        ``Df(x)[xi_in(x)]``, `(batch, dim, out)`, outputs flattened.
    turned : Tensor
        ``xi_out(f(x))``, `(batch, dim, out)`.
    slope : Tensor
        ``|Df(x)|_F``, `(batch,)`; NaN unless it was asked for.
    """

    value: Tensor
    moved: Tensor
    turned: Tensor
    slope: Tensor

    @property
    def derivative(self) -> Tensor:
        """``L_xi f``, `(batch, dim, out)`."""
        return self.moved - self.turned


class LieDerivative:
    """``(L_xi f)(x) = Df(x)[xi_in(x)] - xi_out(f(x))`` for every generator of an algebra.

    Zero for all x exactly when f intertwines the two flows. Linear in xi and linear in f; with left actions
    ``L_[A,B] = -[L_A, L_B]``.

    Parameters
    ----------
    f : callable
        `(batch, *event)` to `(batch, *out)`, samples independent of one another. A module is evaluated in eval
        mode and left as it was found.
    rho_in, rho_out : Action
        Actions of one algebra on inputs and on outputs; ``rho_out`` may depend on the base point.
    method : str
        ``"auto"``, or a rung: ``"forward"``, ``"jacobian"``, ``"double_backward"``, ``"difference"``.

    Attributes
    ----------
    method : str
        The rung in use, once points have been seen.

    References
    ----------
    otto2023unified

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> G = iso.so(3)
    >>> L = LieDerivative(lambda x: x.square().sum(1), G.vector(), G.scalar())
    >>> float(L(torch.randn(5, 3)).abs().max()) < 1e-5
    True
    """

    def __init__(self, f: Map, rho_in: Action, rho_out: Action, method: str = "auto") -> None:
        _require_one_algebra(rho_in, rho_out)
        self.f = f
        self.rho_in = rho_in
        self.rho_out = rho_out
        self.method = method
        self._outputs = 0

    @property
    def dim(self) -> int:
        """Number of generators."""
        return self.rho_in.algebra.dim

    def __call__(self, x: Tensor) -> Tensor:
        """``L_xi f`` `(batch, dim, outputs)` at points `(batch, *event)`, in their dtype."""
        return torch.cat([terms.derivative for _, terms in self.chunks(x)])

    def chunks(self, x: Tensor, slopes: bool = False) -> Iterator[tuple[Tensor, Terms]]:
        """Walk over points in chunks of bounded memory, yielding each chunk and its terms.

        ``slopes`` asks for ``|Df|`` too, which costs further passes when the whole Jacobian is too dear.
        """
        points = as_points(x, "x", self.rho_in.event)
        probes = _PROBES if slopes else 0
        with evaluating(self.f):
            self._prepare(points, probes)
            for chunk in points.split(self._chunk_rows(probes)):
                yield chunk, self._terms(chunk, probes)

    def scaled(self, x: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """Chunk, rows of ``L`` `(batch * out, dim)` in float64, ``|Df|`` `(batch,)` and value, chunk by chunk."""
        for chunk, terms in self.chunks(x, slopes=True):
            rows = terms.derivative.to(torch.float64).transpose(1, 2).reshape(-1, self.dim)
            yield chunk, rows, terms.slope.to(torch.float64), terms.value

    def with_jacobians(self, x: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor, Terms]]:
        """Chunk, ``Df`` `(batch, out, size)`, fields `(batch, dim, size)` and terms, in float64, chunk by chunk.

        The whole Jacobian is formed, whatever it costs.
        """
        points = as_points(x, "x", self.rho_in.event)
        with evaluating(self.f):
            self._prepare(points, self.rho_in.size)
            for chunk in points.split(self._chunk_rows(self.rho_in.size)):
                value, matrix = (part.to(torch.float64) for part in jacobian(self.f, chunk, self.method))
                precise = chunk.to(torch.float64)
                fields = self.rho_in.fields(precise).flatten(2)
                moved = torch.einsum("bon,bkn->bko", matrix, fields)
                turned = _turned(self.rho_out, value, precise)
                yield chunk, matrix, fields, Terms(value, moved, turned, matrix.flatten(1).norm(dim=1))

    def singular_values(self, x: Tensor) -> Tensor:
        """Singular values `(dim,)`, descending, of ``xi -> L_xi f`` in root mean square over points.

        The generators are first made orthonormal in ``tr(A^T B)``; no scale is divided out.
        """
        streamed = StreamedQR(self.dim)
        for _, terms in self.chunks(x):
            streamed.update(terms.derivative.to(torch.float64).transpose(1, 2).reshape(-1, self.dim))
        basis = self.rho_in.algebra.basis.flatten(1)
        triangle = torch.linalg.qr(basis.T, mode="r").R
        values = torch.linalg.svdvals(streamed.R @ torch.linalg.inv(triangle)) / math.sqrt(len(x))
        return torch.cat([values, values.new_zeros(self.dim - len(values))])

    def _prepare(self, points: Tensor, probes: int) -> None:
        """See one sample's outputs, check the action on them, and settle on a rung."""
        if self._outputs:
            return
        with torch.no_grad():
            value = value_of(self.f, points[:1])
        if not value.is_floating_point():
            raise DerivativeUnavailableError(
                f"f: expected real values, which have a derivative, received {value.dtype}; give the map before it "
                "rounds or decides, such as logits"
            )
        outputs = value[0].numel()
        _require_outputs(outputs, self.rho_out)
        cheap = min(outputs, self.rho_in.size) <= self.dim + probes
        preferred = "jacobian" if cheap and outputs <= self.rho_in.size else "forward"
        self.method = choose_rung(self.f, points, preferred, self.method)
        self._outputs = outputs

    def _whole_jacobian(self, probes: int) -> bool:
        """Whether the Jacobian costs no more passes than the generators and the probes."""
        passes = self._outputs if self.method == "jacobian" else self.rho_in.size
        return self.method == "jacobian" or passes <= self.dim + probes

    def _chunk_rows(self, probes: int) -> int:
        size, out = self.rho_in.size, self._outputs
        per_sample = out * size * max(1, size) if size <= 512 else (out if self._whole_jacobian(probes) else 1) * size
        return max(1, min(_MOST_ROWS, _MOST_ENTRIES // max(1, max(per_sample, self.dim * max(out, size)))))

    def _terms(self, x: Tensor, probes: int) -> Terms:
        if self._whole_jacobian(probes):
            value, matrix = jacobian(self.f, x, self.method)
            moved, slope = self.rho_in.contract(matrix, x), matrix.flatten(1).norm(dim=1)
        else:
            fields = self.rho_in.fields(x).transpose(0, 1)  # (dim, batch, *event)
            value, slopes = along(self.f, x, fields, self.method)
            moved = slopes.reshape(*slopes.shape[:2], -1).transpose(0, 1)
            slope = self._probed_slope(x, probes) if probes else x.new_full((len(x),), math.nan)
        return Terms(value, moved, _turned(self.rho_out, value, x), slope)

    def _probed_slope(self, x: Tensor, count: int) -> Tensor:
        """``|Df|_F`` from random directions: ``E |Df v|^2 = |Df|_F^2`` for standard normal v."""
        generator = torch.Generator().manual_seed(0)
        shape = (count, *x.shape)
        directions = torch.randn(shape, generator=generator, dtype=torch.float64).to(x)
        slopes = along(self.f, x, directions, self.method)[1].reshape(count, len(x), -1)
        return slopes.square().sum(2).mean(0).sqrt()


def traced_terms(f: Map, x: Any, rho_in: Action, rho_out: Action) -> Terms:
    """The terms at points `(batch, *event)` with the graph of the parameters of ``f``, for losses.

    ``f`` runs once, in the mode (training or not) it is in, and the slope is an estimate from one random direction
    where the Jacobian is dearer than the generators. The map has to be twice differentiable.

    Raises
    ------
    DerivativeUnavailableError
        If torch cannot differentiate the map, or its parameters are lost on the way.
    DataError
        If values are not finite.
    """
    _require_one_algebra(rho_in, rho_out)
    points = as_points(x, "x", rho_in.event)
    try:
        terms = _traced(f, points, rho_in, rho_out)
    except RuntimeError as error:
        raise DerivativeUnavailableError(
            "f: expected a map that torch can differentiate, received one that fails "
            f"({str(error).splitlines()[0][:200]}); keep to smooth torch operations, without detach or numpy"
        ) from error
    if not torch.isfinite(terms.value).all():
        raise DataError("f: expected finite values, received NaN or infinity; check the map on these samples")
    if torch.is_grad_enabled() and _trains(f) and not terms.derivative.requires_grad:
        raise DerivativeUnavailableError(
            "f: expected a derivative that depends on the parameters, received one that does not; keep to smooth "
            "torch operations, without detach or numpy"
        )
    return terms


def _traced(f: Map, points: Tensor, rho_in: Action, rho_out: Action) -> Terms:
    """By the whole Jacobian where it is no dearer than the generators."""
    if rho_out.size <= rho_in.algebra.dim + 1:
        value, matrix = traced_jacobian(f, points)
        _require_outputs(value.shape[1], rho_out)
        moved, slope = rho_in.contract(matrix, points), matrix.flatten(1).norm(dim=1)
    else:
        directions = torch.cat([rho_in.fields(points).transpose(0, 1), torch.randn_like(points)[None]])
        value, slopes = traced_along(f, points, directions)
        _require_outputs(value[0].numel(), rho_out)
        moved = slopes[:-1].flatten(2).transpose(0, 1)
        slope = slopes[-1].flatten(1).norm(dim=1)
    return Terms(value, moved, _turned(rho_out, value, points), slope.detach())


def _trains(f: Map) -> bool:
    return isinstance(f, nn.Module) and any(p.requires_grad for p in f.parameters())


def _turned(rho_out: Action, value: Tensor, x: Tensor) -> Tensor:
    """``xi_out(f(x))`` `(batch, dim, out)`."""
    return rho_out.fields(value.reshape(len(x), *rho_out.event), at=x).flatten(2)


def _require_one_algebra(rho_in: Action, rho_out: Action) -> None:
    if rho_in.algebra.dim != rho_out.algebra.dim:
        raise RepresentationMismatchError(
            f"rho_out: expected an action of the algebra of rho_in (dimension {rho_in.algebra.dim}), received "
            f"dimension {rho_out.algebra.dim}; build both from one algebra"
        )


def _require_outputs(outputs: int, rho_out: Action) -> None:
    if outputs != rho_out.size:
        raise RepresentationMismatchError(
            f"rho_out: expected an action on {outputs} outputs (what f returns), received one on "
            f"{rho_out.size}; use scalar() for an invariant, count * scalar() for several"
        )


def lie_derivative(f: Map, x: Any, rho_in: Action, rho_out: Action, method: str = "auto") -> Tensor:
    """Lie derivative `(batch, dim, outputs)` of ``f`` at points `(batch, *event)`; see ``LieDerivative``.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> G = iso.gl(2)
    >>> iso.lie_derivative(lambda x: x.square().sum(1), torch.tensor([[1.0, 2.0]]), G.vector(), G.scalar()).shape
    torch.Size([1, 4, 1])
    """
    return LieDerivative(f, rho_in, rho_out, method)(as_points(x))
