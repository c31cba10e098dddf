"""A perceptron that is equivariant end to end."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from ...action._representation import Representation
from ...errors import RepresentationMismatchError
from ._linear import Bilinear, EquivariantLinear
from ._nonlinear import Gate
from ._summands import distinct_sum, leaves_of

_PAIRED = 2  # copies of each summand that enter products


class EMLP(nn.Module):
    """Linear and bilinear equivariant maps, gates, and a last linear map: equivariant for every parameter value.

    Nothing in it asks the group to be compact, as products supply the invariants and only scalars meet a pointwise
    function.

    Parameters
    ----------
    rho_in, rho_out : Representation
        Of one group.
    hidden : int or Representation
        The space between layers; a number takes that many scalars and copies of each building block of the inputs
        and outputs.
    layers : int
        Number of gated layers.
    rank, dtype, device, seed
        As for ``EquivariantLinear``.

    Raises
    ------
    RepresentationMismatchError
        If there is no layer or no hidden copy.

    Examples
    --------
    >>> import isotropy as iso
    >>> V, one = iso.so(1, 3).vector(), iso.so(1, 3).scalar()
    >>> EMLP(2 * V, one, hidden=8, layers=2)(torch.randn(5, 8)).shape
    torch.Size([5, 1])
    """

    def __init__(
        self,
        rho_in: Representation,
        rho_out: Representation,
        hidden: int | Representation = 32,
        layers: int = 3,
        rank: str | float = "gap",
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if layers < 1 or (isinstance(hidden, int) and hidden < 1):
            raise RepresentationMismatchError(
                f"expected at least one layer and one hidden copy, received layers={layers} and hidden={hidden}; "
                "ask for more"
            )
        if isinstance(hidden, int):
            hidden = distinct_sum(leaves_of(rho_in) + leaves_of(rho_out), hidden)
        options: dict[str, Any] = {"rank": rank, "dtype": dtype, "device": device, "seed": seed}
        spaces = [rho_in] + [hidden] * layers
        blocks = [GatedLayer(a, b, **options) for a, b in pairwise(spaces)]
        self.layers = nn.Sequential(*blocks)
        self.last = EquivariantLinear(hidden, rho_out, **options)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(..., size_in)` to `(..., size_out)`."""
        return self.last(self.layers(x))


class GatedLayer(nn.Module):
    """``gate(W x + B(P x, Q x))`` from one representation to another.

    Parameters
    ----------
    rho_in, rho_out : Representation
        Of one group; products are taken of a few copies of each summand of ``rho_in``.
    options
        As for ``EquivariantLinear``.

    Examples
    --------
    >>> import isotropy as iso
    >>> V, one = iso.so(3).vector(), iso.so(3).scalar()
    >>> GatedLayer(V, 4 * (V + one))(torch.randn(2, 3)).shape
    torch.Size([2, 16])
    """

    def __init__(self, rho_in: Representation, rho_out: Representation, **options: Any) -> None:
        super().__init__()
        self.gate = Gate(rho_out)
        pieces = list(rho_in.parts) if rho_in.kind == "sum" else [rho_in]
        paired = distinct_sum(pieces, _PAIRED)
        self.linear = EquivariantLinear(rho_in, self.gate.rho_in, **options)
        self.left = EquivariantLinear(rho_in, paired, **options)
        self.right = EquivariantLinear(rho_in, paired, **options)
        self.bilinear = Bilinear(paired, paired, self.gate.rho_in, **options)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(..., size_in)` to `(..., size_out)`."""
        return self.gate(self.linear(x) + self.bilinear(self.left(x), self.right(x)))
