"""An L-conv as a field theory: its Lagrangian, field equation and currents."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ...errors import RepresentationMismatchError
from ._lconv import LConv
from ._propagate import mix_channels, propagate_dense

Density = Callable[[Tensor, Tensor], Tensor]


class Lagrangian:
    """``|W_0 phi + W_i L_i phi|^2 = phi m phi + (L_i phi) h^ij (L_j phi) + 2 phi v^i (L_i phi)``, summed over points.

    The mass is ``m = W_0^T W_0``, the metric on the algebra ``h^ij = W_i^T W_j`` and the coupling ``v^i = W_0^T W_i``.
    For antisymmetric generators the symmetric part of ``v^i`` is a total derivative and adds nothing; its
    antisymmetric part acts like a background gauge field.

    Parameters
    ----------
    layer : LConv
        With or without the identity term; its bias is left out.

    Attributes
    ----------
    mass : Tensor
        `(channels, channels)`.
    metric : Tensor
        `(K, K, channels, channels)`.
    coupling : Tensor
        `(K, channels, channels)`.

    Raises
    ------
    RepresentationMismatchError
        If fields are not of the shape of the layer.

    References
    ----------
    dehmamy2021automatic

    Examples
    --------
    >>> import isotropy as iso
    >>> layer = iso.nn.LConv(2, 4, iso.nn.circular_shift(5), bias=False)
    >>> phi = torch.randn(3, 2, 5)
    >>> bool(torch.allclose(Lagrangian(layer)(phi), layer(phi).square().sum((1, 2)), rtol=1e-4))
    True
    """

    def __init__(self, layer: LConv) -> None:
        W = layer.weight.detach()
        W0 = W.new_zeros(W.shape[1:]) if layer.identity is None else layer.identity.detach()
        self.generators = layer.generators.matrices().detach()
        self.mass = W0.T @ W0
        self.metric = torch.einsum("ioc,jod->ijcd", W, W)
        self.coupling = torch.einsum("oc,iod->icd", W0, W)

    def __call__(self, phi: Tensor) -> Tensor:
        """The action `(batch,)` of fields `(batch, channels, points)`: all terms together."""
        return sum(self.terms(phi).values(), torch.zeros_like(phi[:, 0, 0]))

    def terms(self, phi: Tensor) -> dict[str, Tensor]:
        """The terms `(batch,)` one by one: ``mass``, ``metric``, ``symmetric`` and ``antisymmetric`` coupling."""
        moved = self._moved(phi)
        even, odd = (self.coupling + s * self.coupling.transpose(1, 2) for s in (1, -1))
        return {
            "mass": torch.einsum("bcp,cd,bdp->b", phi, self.mass, phi),
            "metric": torch.einsum("ibcp,ijcd,jbdp->b", moved, self.metric, moved),
            "symmetric": torch.einsum("bcp,icd,ibdp->b", phi, even, moved),
            "antisymmetric": torch.einsum("bcp,icd,ibdp->b", phi, odd, moved),
        }

    def field_equation(self, phi: Tensor) -> Tensor:
        """``dS/dphi = 2 (m phi + L_i^T h^ij L_j phi + v^i L_i phi + L_i^T v^iT phi)`` `(batch, channels, points)`.

        Zero where the loss of the layer does not change with its input.
        """
        moved, back = self._moved(phi), self.generators.transpose(1, 2)
        fluxes = torch.einsum("ijcd,jbdp->ibcp", self.metric, moved) + self.coupling.transpose(1, 2)[:, None] @ phi
        divergence = torch.einsum("ipq,ibcq->bcp", back, fluxes)
        return 2 * (self.mass @ phi + divergence + mix_channels(moved, self.coupling))

    def _moved(self, phi: Tensor) -> Tensor:
        if phi.ndim != 3 or phi.shape[1] != len(self.mass):
            raise RepresentationMismatchError(
                f"phi: expected shape (batch, {len(self.mass)}, {self.generators.shape[2]}), received "
                f"{tuple(phi.shape)}; flatten images to points"
            )
        return propagate_dense(self.generators, phi)


def noether_current(
    density: Density, phi: Tensor, slopes: Tensor, change: Tensor, flow: Tensor | None = None
) -> Tensor:
    """``J^a = dL/d(d_a phi) . delta phi - L xi^a``, without divergence where ``phi`` solves its field equation.

    Parameters
    ----------
    density : callable
        ``L(phi, slopes)``, `(points,)`.
    phi : Tensor
        `(points, channels)`.
    slopes : Tensor
        `(points, dimensions, channels)`, the derivatives ``d_a phi``.
    change : Tensor
        `(points, channels)`, ``delta phi`` at the moved point: for a motion of space alone, ``xi^a d_a phi``.
    flow : Tensor, optional
        `(points, dimensions)`, ``xi^a``; none if the values alone are moved.

    Returns
    -------
    Tensor
        `(points, dimensions)`.

    Raises
    ------
    RepresentationMismatchError
        If shapes do not fit one another.

    References
    ----------
    noether1918

    Examples
    --------
    A spring: shifts of time keep the energy.

    >>> t = torch.linspace(0, 6, 7, dtype=torch.float64)[:, None]
    >>> spring = lambda phi, slopes: slopes[:, 0, 0] ** 2 / 2 - phi[:, 0] ** 2 / 2
    >>> energy = noether_current(spring, t.cos(), -t.sin()[:, None], -t.sin(), torch.ones(7, 1).double())
    >>> bool((energy - 0.5).abs().max() < 1e-12)
    True
    """
    if slopes.ndim != 3 or slopes.shape[::2] != phi.shape or change.shape != phi.shape:
        raise RepresentationMismatchError(
            f"expected phi and change (points, channels) and slopes (points, dimensions, channels), received "
            f"{tuple(phi.shape)}, {tuple(change.shape)} and {tuple(slopes.shape)}; add the missing axes"
        )
    with torch.enable_grad():
        free = slopes.detach().requires_grad_()
        values = density(phi, free)
        momenta = torch.autograd.grad(values.sum(), free)[0]
    current = torch.einsum("pac,pc->pa", momenta, change)
    return current if flow is None else current - values.detach()[:, None] * flow
