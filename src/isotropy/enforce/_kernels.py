"""Kernels of integral operators that commute with an action on fields."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor

from ..action._action import Action, _base_point
from ..action._representation import Representation
from ..actions import Product
from ..derivative._elements import moved, stretched
from ..dictionary import Dictionary
from ..errors import RepresentationMismatchError
from ._functions import FunctionBasis, equivariant_functions


class KernelFibre(Action):
    """How values ``K(y, x)`` `(c_out * c_in,)` of a kernel move over pairs of points.

    ``K -> t_out K - K t_in - K div theta(x)``: the last term is the change of ``dx`` in ``int K(y, x) u(x) dx``. An
    isometry has none; for any other motion an operator without it does not commute.

    Parameters
    ----------
    action : Action
        How points of the domain move.
    rho_in, rho_out : Representation
        How values of input and output fields move.
    """

    def __init__(self, action: Action, rho_in: Representation, rho_out: Representation) -> None:
        super().__init__(action.algebra, (rho_out.size * rho_in.size,))
        self.base = action
        self.rho_in, self.rho_out = rho_in, rho_out

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Field at pairs ``at`` `(batch, 2 n)`, outputs first."""
        source = _base_point(at, y)[:, self.base.size :]
        return (self.rho_in >> self.rho_out).fields(y) - y[:, None] * self.base.divergence(source)[..., None]


@moved.register
def _(action: KernelFibre, g: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
    source = _base_point(at, y)[:, action.base.size :]
    stretch = stretched(lambda z: moved(action.base, g, z), source)
    return moved(action.rho_in >> action.rho_out, g, y) / stretch[:, None]


def equivariant_kernels(
    dictionary: Dictionary,
    action: Action,
    rho_in: Representation,
    rho_out: Representation,
    *,
    components: Any = None,
    rank: str | int | float = "gap",
    points: Any = None,
    seed: int = 0,
) -> FunctionBasis:
    """Find all kernels ``K(y, x)`` in a dictionary whose operators ``(T u)(y) = int K(y, x) u(x) dx`` commute.

    ``K(g y, g x) |det Dg(x)| = rho_out(g) K(y, x) rho_in(g)^-1``, infinitesimally
    ``dK[theta(y), theta(x)] + K div theta(x) - t_out K + K t_in = 0``.

    Parameters
    ----------
    dictionary : Dictionary
        Functions of `(y, x)`, `2 n` coordinates with the output point first.
    action : Action
        How points `(n,)` of the domain move.
    rho_in, rho_out : Representation
        How values of input and output fields move.
    components, rank, seed
        As in ``equivariant_functions``.
    points : array_like, optional
        `(batch, 2 n)` pairs of the domain, where the dictionary is not defined everywhere.

    Returns
    -------
    FunctionBasis
        Values `(k, batch, c_out, c_in)`.

    Raises
    ------
    RepresentationMismatchError
        If the dictionary does not take an output point and an input point, or algebras differ.

    Examples
    --------
    >>> import isotropy as iso
    >>> G = iso.so(2)
    >>> equivariant_kernels(iso.dictionary.polynomials(4, degree=2), G.vector(), G.scalar(), G.scalar()).dim
    5
    """
    if dictionary.size != 2 * action.size:
        raise RepresentationMismatchError(
            f"dictionary: expected functions of {2 * action.size} coordinates (output point, then input point), "
            f"received {dictionary.size}; build it on pairs of points"
        )
    fibre = KernelFibre(action, rho_in, rho_out)
    pairs = Product(action, action)
    found = equivariant_functions(dictionary, pairs, fibre, components=components, rank=rank, points=points, seed=seed)
    return replace(found, event=(rho_out.size, rho_in.size))
