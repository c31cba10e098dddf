"""L-conv: a first-order group convolution whose generators may be known, discovered or learnt."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...action._representation import Representation
from ...algebra._lie_algebra import LieAlgebra
from ...core._checks import require_finite
from ...core._linalg import numerical_rank
from ...errors import NotAnAlgebraError, RepresentationMismatchError
from ._generators import DenseGenerators, Generators
from ._low_rank import LowRankGenerators
from ._propagate import mix_channels
from ._span import Given


class LConv(nn.Module):
    """``y = W_0 f + sum_k W_k (L_k f) + b``: generators on space, small matrices on channels.

    With shifts for generators it is a convolution, with an adjacency matrix a graph convolution, with a basis of
    gl(points) a fully connected layer. Scrambling the points turns ``L`` into ``P L P^T`` and changes nothing else.

    It commutes with a group only if the generators do, or the ``W_k`` carry the adjoint representation:
    ``equivariance_audit`` says how far it is from that, and ``LiftedLConv`` commutes always.

    Parameters
    ----------
    channels_in, channels_out : int
        Channels of the fields.
    generators : Generators or Tensor or LieAlgebra or Action
        On the points. What is not yet a ``Generators`` is kept fixed; to learn from there, wrap it in
        ``DenseGenerators``, ``LowRankGenerators`` or ``SparseGenerators``.
    bias : bool
        Whether to add one number per channel.
    identity : bool
        Whether to keep the term ``W_0 f``; it needs as many points out as in.
    dtype, device
        Of parameters and of generators that are not wrapped.
    generator : torch.Generator, optional
        Of the initial weights, of variance ``2 / (terms * channels_in)``.

    Raises
    ------
    RepresentationMismatchError
        If the identity is asked for between different numbers of points.

    References
    ----------
    dehmamy2021automatic

    Examples
    --------
    >>> import isotropy as iso
    >>> layer = LConv(3, 32, iso.nn.LowRankGenerators(1024, 8, rank=8))
    >>> sum(p.numel() for p in layer.parameters()), layer(torch.randn(2, 3, 1024)).shape
    (131968, torch.Size([2, 32, 1024]))
    """

    bias: nn.Parameter | None
    identity: nn.Parameter | None

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        generators: Generators | Given,
        *,
        bias: bool = True,
        identity: bool = True,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(generators, Generators):
            generators = DenseGenerators(generators, frozen=True, dtype=dtype, device=device)
        count, points_out, points_in = generators.shape
        if identity and points_out != points_in:
            raise RepresentationMismatchError(
                f"identity: expected as many points out as in, received {points_out} and {points_in}; "
                "pass identity=False"
            )
        self.channels = (channels_in, channels_out)
        self.generators = generators
        kind = dtype or torch.get_default_dtype()
        empty = torch.empty(count, channels_out, channels_in, dtype=kind, device=device)
        self.weight = nn.Parameter(empty)
        self.identity = nn.Parameter(empty.new_empty(channels_out, channels_in)) if identity else None
        self.bias = nn.Parameter(empty.new_zeros(channels_out)) if bias else None
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw weights that keep the variance through a ReLU; zero the bias."""
        terms = len(self.weight) + (self.identity is not None)
        spread = math.sqrt(2 / (terms * self.channels[0]))
        with torch.no_grad():
            for weights in (self.weight, self.identity):
                if weights is not None:
                    draws = torch.randn(weights.shape, generator=generator, dtype=torch.float64)
                    weights.copy_(spread * draws)
            if self.bias is not None:
                self.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Map fields `(..., channels_in, points)` to `(..., channels_out, points)`."""
        if x.ndim < 2 or tuple(x.shape[-2:]) != (self.channels[0], self.generators.shape[2]):
            raise RepresentationMismatchError(
                f"x: expected fields of shape (..., {self.channels[0]}, {self.generators.shape[2]}), received "
                f"{tuple(x.shape)}; flatten images to (batch, channels, points)"
            )
        y = mix_channels(self.generators(x), self.weight)
        if self.identity is not None:
            y = y + self.identity @ x
        return y if self.bias is None else y + self.bias[:, None]

    def algebra(self, name: str | None = None) -> LieAlgebra:
        """The generators handed back as a LieAlgebra."""
        return self.generators.algebra(name)

    def canonicalise(self) -> LConv:
        """Fix what the layer does not determine, in place, and return self; the map stays the same.

        ``L -> A L`` with ``W -> A^-T W`` changes nothing, nor does moving a multiple of the identity from ``L_k`` into
        ``W_0``. In the canonical gauge the generators are traceless (dense ones without a constraint), orthonormal
        and the right singular vectors of ``sum_k W_k (x) L_k``, so that they come in the order of what they
        contribute; their largest entry is positive. Low-rank generators are scaled, ordered and given a sign only.

        Raises
        ------
        NotAnAlgebraError
            If the generators are linearly dependent.
        """
        self._drop_traces()
        L = self.generators.matrices().detach().to("cpu", torch.float64).flatten(1)
        W = self.weight.detach().to("cpu", torch.float64).flatten(1)
        change = _scaling(L, W) if isinstance(self.generators, LowRankGenerators) else _mixture(L, W)
        mixed = change @ L
        signs = mixed.gather(1, mixed.abs().argmax(1, keepdim=True)).sign()
        change = signs * change
        self.generators.combine_(change)
        with torch.no_grad():
            self.weight.copy_(torch.linalg.solve(change.T, W).reshape(self.weight.shape))
        return self

    def extra_repr(self) -> str:
        """Sizes."""
        return f"channels={self.channels}, identity={self.identity is not None}, bias={self.bias is not None}"

    def _drop_traces(self) -> None:
        """Move multiples of the identity out of the generators."""
        generators = self.generators
        if self.identity is None or not isinstance(generators, DenseGenerators) or generators.constraint is not None:
            return
        amounts = generators.matrices().detach().diagonal(dim1=1, dim2=2).mean(1)
        generators.add_identity_(-amounts)
        with torch.no_grad():
            self.identity.add_(torch.einsum("k,koi->oi", amounts.to(self.weight), self.weight))


class LiftedLConv(LConv):
    """L-conv of functions on the group itself, which commutes with the group for every weight.

    A function ``f(g) = sum_ij c_ij rho(g)_ij`` is kept by its coefficients, right index first: `(..., right, left)`.
    Generators act from the right, ``f(g) -> d/dt f(g e^{tL})``, and the group from the left, ``f(g) -> f(w^-1 g)``,
    so they commute; on the space itself they do so only for abelian groups.

    Parameters
    ----------
    rho : Representation
        Of the group, of any size n; functions have n^2 coefficients.
    channels_in, channels_out : int
        Channels.
    dtype, device, generator
        As for ``LConv``. There is no bias: a constant in every coefficient would break the symmetry.

    Attributes
    ----------
    action : Representation
        How the group moves the coefficients, flattened to `n^2`.

    Raises
    ------
    RepresentationMismatchError
        If coefficients are not of the size of the representation.

    Examples
    --------
    >>> import isotropy as iso
    >>> layer = LiftedLConv(iso.so(3).vector(), 2, 4)
    >>> layer(layer.lift(torch.randn(5, 2, 3), torch.eye(3)[2])).shape
    torch.Size([5, 4, 3, 3])
    >>> iso.nn.equivariance_audit(layer, layer.action).equivariant
    True
    """

    def __init__(
        self,
        rho: Representation,
        channels_in: int,
        channels_out: int,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        unit = torch.eye(rho.size, dtype=torch.float64)
        right = torch.stack([torch.kron(matrix, unit) for matrix in rho.drho().contiguous()])
        super().__init__(channels_in, channels_out, right, bias=False, dtype=dtype, device=device, generator=generator)
        self.rho = rho
        self.action = rho.size * rho.T

    def forward(self, x: Tensor) -> Tensor:
        """Map coefficients `(..., channels_in, n, n)` to `(..., channels_out, n, n)`."""
        if tuple(x.shape[-2:]) != (self.rho.size, self.rho.size):
            raise RepresentationMismatchError(
                f"x: expected coefficients of shape (..., {self.rho.size}, {self.rho.size}), received "
                f"{tuple(x.shape)}; lift points first"
            )
        return super().forward(x.flatten(-2)).unflatten(-1, x.shape[-2:])

    def lift(self, v: Tensor, origin: Tensor) -> Tensor:
        """Coefficients `(..., n, n)` of ``g -> v . rho(g) origin`` for linear functions ``v`` `(..., n)`."""
        require_finite(origin, "origin")
        return origin.to(v)[:, None] * v[..., None, :]

    def evaluate(self, coefficients: Tensor, matrices: Tensor) -> Tensor:
        """Values `(..., elements)` at group elements with matrices ``rho(g)`` `(elements, n, n)`."""
        return torch.einsum("...ji,eij->...e", coefficients, matrices.to(coefficients))


def _mixture(L: Tensor, W: Tensor) -> Tensor:
    """The change `(K, K)` to singular vectors of ``W^T L``, orthonormal."""
    if numerical_rank(L) < len(L):
        raise NotAnAlgebraError(
            f"generators: expected independent ones, received {len(L)} that span {numerical_rank(L)} dimensions; "
            "use fewer"
        )
    triangle = torch.linalg.qr(L.T, mode="r").R  # L = R^T Q with orthonormal rows of Q
    U = torch.linalg.svd(triangle @ W, full_matrices=True).U
    return torch.linalg.solve(triangle.T, U.T, left=False)


def _scaling(L: Tensor, W: Tensor) -> Tensor:
    """The scaled permutation `(K, K)` to unit generators, the heaviest weight first."""
    sizes = L.norm(dim=1).clamp_min(1e-300)
    order = (W.norm(dim=1) * sizes).argsort(descending=True)
    return torch.diag(1 / sizes)[order]
