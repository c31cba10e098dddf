"""What samples say about a map under every candidate generator, sample by sample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...action._representation import Representation
from ...actions import Trivial
from ...algebra._lie_algebra import LieAlgebra
from ...core._autodiff import Map
from ...core._checks import as_points
from ...derivative._lie_derivative import LieDerivative

_ROUNDINGS = 8.0
_DIFFERENCE = 1e-7  # relative error that differences of float64 keep to, in any units


@dataclass(frozen=True)
class Rows:
    """A map at samples, and what the generators do to it; everything float64 on the CPU.

    Attributes
    ----------
    lie : Tensor
        ``L_xi f``, `(S, m, dim)`.
    jacobian : Tensor
        ``Df``, `(S, m, n)`.
    moved : Tensor
        ``xi_in(x)``, `(S, dim, n)`.
    turned : Tensor
        ``xi_out(f(x))``, `(S, dim, m)`.
    values, points : Tensor
        `(S, m)` and `(S, n)`.
    blocks : tuple of int
        Sizes of the summands of the outputs, in order; each is measured in its own covariance. Empty where ``lie`` is
        no change of an output, as for densities and normals: then it is taken as it is, and so is the effect.
    brackets : Tensor or None
        Structure constants `(dim, dim, dim)` of the candidates; without them closure is not judged.
    rounding : float
        Relative rounding of the derivative.
    """

    lie: Tensor
    jacobian: Tensor
    moved: Tensor
    turned: Tensor
    values: Tensor
    points: Tensor
    blocks: tuple[int, ...]
    brackets: Tensor | None
    rounding: float

    @property
    def samples(self) -> int:
        """Number of samples ``S``."""
        return len(self.points)

    def taken(self, index: Tensor) -> Rows:
        """The same of some samples."""
        parts = ("lie", "jacobian", "moved", "turned", "values", "points")
        return replace(self, **{name: getattr(self, name)[index] for name in parts})

    def along(self, directions: Tensor) -> Rows:
        """The same of combinations `(k, dim)` of the candidates."""
        return replace(
            self,
            lie=self.lie @ directions.T,
            moved=torch.einsum("kd,sdn->skn", directions, self.moved),
            turned=torch.einsum("kd,sdm->skm", directions, self.turned),
            brackets=None,
        )


def rows_of(f: Map, x: Any, rho_in: Action, rho_out: Action, method: str = "auto") -> Rows:
    """The rows of a map `f` at points `(S, *event)`.

    Raises
    ------
    DataError
        If points or values are not finite.
    RepresentationMismatchError
        If shapes do not fit the actions.
    DerivativeUnavailableError
        If the map cannot be differentiated.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> G = iso.gl(3)
    >>> rows_of(lambda x: x.square().sum(1), torch.ones(5, 3), G.vector(), G.scalar()).lie.shape
    torch.Size([5, 1, 9])
    """
    return rows_at(LieDerivative(f, rho_in, rho_out, method), as_points(x, "x", rho_in.event))


def rows_at(derivative: LieDerivative, points: Tensor) -> Rows:
    """The rows of a Lie derivative at points `(S, *event)`."""
    parts: list[tuple[Tensor, ...]] = []
    for chunk, matrix, fields, terms in derivative.with_jacobians(points):
        lie = terms.derivative.transpose(1, 2)
        parts.append((lie, matrix, fields, terms.turned, terms.value.flatten(1), chunk.flatten(1)))
    lie, matrix, fields, turned, values, flat = (
        torch.cat(part).detach().to("cpu", torch.float64) for part in zip(*parts, strict=True)
    )
    algebra = derivative.rho_in.algebra
    return Rows(
        lie=lie,
        jacobian=matrix,
        moved=fields,
        turned=turned,
        values=values,
        points=flat,
        blocks=output_blocks(derivative.rho_out),
        brackets=algebra.structure_constants if isinstance(algebra, LieAlgebra) else None,
        rounding=_DIFFERENCE if derivative.method == "difference" else _ROUNDINGS * torch.finfo(points.dtype).eps,
    )


def output_blocks(rho_out: Action) -> tuple[int, ...]:
    """Sizes of the summands of an action on outputs; what nothing moves is measured number by number."""
    if isinstance(rho_out, Trivial):
        return (1,) * rho_out.size
    if not isinstance(rho_out, Representation):
        return (rho_out.size,)
    if rho_out.kind == "sum":
        return tuple(size for part in rho_out.parts for size in output_blocks(part))
    return (1,) * rho_out.size if not rho_out.tensor.any() else (rho_out.size,)
