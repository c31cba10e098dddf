"""Equivariant linear and bilinear layers, whose parameters are coefficients of a basis."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...action._representation import Representation
from ...enforce import Block, equivariant_blocks
from ...errors import RepresentationMismatchError
from ._summands import scalar_of


class EquivariantLinear(nn.Module):
    """``y = W x + b`` with ``W rho_in = rho_out W`` and ``rho_out b = b`` for every weight the parameters can take.

    The parameters are the coefficients of an orthonormal basis of such maps; the basis is a buffer and belongs to
    the state, since coefficients mean nothing without it.

    Parameters
    ----------
    rho_in, rho_out : Representation
        Of one group; its further components count where a ``MatrixGroup`` built them.
    bias : bool
        Whether to add an invariant vector; it starts at zero.
    rank : "gap" or float
        How the spectrum of a generator known up to noise is cut.
    dtype, device
        Of parameters and buffers. Ask for float64 here rather than later, so that the basis keeps its digits.
    seed : int
        Of the basis; initial coefficients follow torch's own random state, as in ``torch.nn``.

    Raises
    ------
    RepresentationMismatchError
        If the representations are of different groups, or no such map but zero exists.

    Examples
    --------
    >>> import isotropy as iso
    >>> V, one = iso.so(3).vector(), iso.so(3).scalar()
    >>> layer = EquivariantLinear(2 * V + one, 3 * V)
    >>> sum(p.numel() for p in layer.parameters()), layer(torch.ones(5, 7)).shape
    (6, torch.Size([5, 9]))
    """

    def __init__(
        self,
        rho_in: Representation,
        rho_out: Representation,
        bias: bool = True,
        rank: str | float = "gap",
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.rho_in, self.rho_out = rho_in, rho_out
        kind = dtype or torch.get_default_dtype()
        maps = equivariant_blocks(rho_in, rho_out, rank=rank, seed=seed)
        if not maps:
            raise RepresentationMismatchError(
                f"expected representations with equivariant maps between them, received {rho_in!r} and {rho_out!r} "
                "with none but zero; add a common summand"
            )
        self.weight = _Combination(maps, (rho_out.size, rho_in.size), kind, device)
        still = equivariant_blocks(scalar_of(rho_out), rho_out, rank=rank, seed=seed) if bias else []
        self.bias = _Combination(still, (rho_out.size, 1), kind, device) if still else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw coefficients that keep the variance of isotropic inputs; zero the bias."""
        self.weight.reset()
        if self.bias is not None:
            self.bias.zero()

    def forward(self, x: Tensor) -> Tensor:
        """Map `(..., size_in)` to `(..., size_out)`."""
        offset = None if self.bias is None else self.bias()[:, 0]
        return nn.functional.linear(x, self.weight(), offset)

    def extra_repr(self) -> str:
        """The representations."""
        return f"{self.rho_in!r} -> {self.rho_out!r}"


class Bilinear(nn.Module):
    """``y = B(u, v)``, any equivariant bilinear map, such as cross, inner and tensor products.

    Parameters
    ----------
    rho_left, rho_right, rho_out : Representation
        Of one group. The cost grows with the product of all three sizes: project to few copies before.
    rank, dtype, device, seed
        As for ``EquivariantLinear``.

    Examples
    --------
    >>> import isotropy as iso
    >>> V = iso.so(3).vector()
    >>> cross = Bilinear(V, V, V)
    >>> u, v = torch.eye(3)[0], torch.eye(3)[1]
    >>> bool(cross(u, v)[:2].norm() < 1e-6), torch.allclose(cross(u, v), -cross(v, u))
    (True, True)
    """

    def __init__(
        self,
        rho_left: Representation,
        rho_right: Representation,
        rho_out: Representation,
        rank: str | float = "gap",
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        pairs = rho_left * rho_right
        self.linear = EquivariantLinear(pairs, rho_out, bias=False, rank=rank, dtype=dtype, device=device, seed=seed)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Map `(..., size_left)` and `(..., size_right)` to `(..., size_out)`."""
        return self.linear((left[..., :, None] * right[..., None, :]).flatten(-2))


class _Combination(nn.Module):
    """A matrix as a combination of equivariant blocks."""

    places: Tensor

    def __init__(
        self, blocks: list[Block], shape: tuple[int, int], dtype: torch.dtype, device: torch.device | str | None
    ) -> None:
        super().__init__()
        self.shape = shape
        self.coefficients = nn.ParameterList()
        self._spreads = _spreads(blocks)
        for index, block in enumerate(blocks):
            k, copies = len(block.basis), (len(block.rows), len(block.columns))
            self.coefficients.append(nn.Parameter(torch.empty(*copies, k, dtype=dtype, device=device)))
            self.register_buffer(f"basis{index}", block.basis.to(device, dtype))
        places = [(b.rows[:, :, None, None] * shape[1] + b.columns[None, None]).flatten() for b in blocks]
        self.register_buffer("places", torch.cat(places).to(device), persistent=False)

    def forward(self) -> Tensor:
        """The matrix `(size_out, size_in)`."""
        entries = [
            torch.einsum("rck,kij->ricj", weights, getattr(self, f"basis{index}")).flatten()
            for index, weights in enumerate(self.coefficients)
        ]
        values = torch.cat(entries)
        return values.new_zeros(math.prod(self.shape)).scatter(0, self.places, values).reshape(self.shape)

    def reset(self) -> None:
        """Independent normal coefficients of the right size."""
        with torch.no_grad():
            for weights, spread in zip(self.coefficients, self._spreads, strict=True):
                weights.normal_(0.0, spread)

    def zero(self) -> None:
        """Coefficients zero."""
        with torch.no_grad():
            for weights in self.coefficients:
                weights.zero_()


def _spreads(blocks: list[Block]) -> list[float]:
    """Standard deviations with ``E|W x|^2 = size_out`` for ``x`` of unit variance, summand by summand."""
    totals: dict[int, int] = {}
    for block in blocks:
        first = int(block.rows[0, 0])  # blocks of one target share their rows
        totals[first] = totals.get(first, 0) + len(block.columns) * len(block.basis)
    return [math.sqrt(b.rows.shape[1] / totals[int(b.rows[0, 0])]) for b in blocks]
