"""Linear motions of latent coordinates, pulled back to the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..action._action import Action, Algebra
from ..action._recorded import recorded
from ..action._representation import Representation
from ..core._charts import Charts, require_fit
from ..core._parts import Parts
from ..errors import DataError, RepresentationMismatchError

Chart = Callable[[Tensor], Tensor]


@recorded("latent")
class LatentAction(Action):
    """``x -> x + decode(rho(g) encode(x)) - decode(encode(x))``: linear in coordinates that a network finds.

    What the latent coordinates do not see of a point stays as it is, so the identity moves nothing even where the
    decoder is not quite the inverse of the encoder. Fields are ``D decode(z) [drho(xi) z]`` with ``z = encode(x)``.
    Where the two are inverse to one another, flows compose and brackets of fields are fields of brackets, exactly.

    Parameters
    ----------
    encode, decode : callable
        Between points `(batch, *event)` and latent points `(batch, size)`, float64, differentiable by torch.
    latent : Representation
        How latent points move.
    event : tuple of int
        Shape of one point of the data.

    Examples
    --------
    Rotations in coordinates that bend the plane:

    >>> import torch, isotropy as iso
    >>> bend = lambda x: torch.stack([x[:, 0], x[:, 1] + x[:, 0] ** 2], dim=1)
    >>> back = lambda z: torch.stack([z[:, 0], z[:, 1] - z[:, 0] ** 2], dim=1)
    >>> action = LatentAction(bend, back, iso.so(2).vector(), (2,))
    >>> action.field(torch.tensor([1.0]), torch.tensor([[0.0, 1.0]]))
    tensor([[-1., 0.]])
    """

    def __init__(self, encode: Chart, decode: Chart, latent: Representation, event: tuple[int, ...]) -> None:
        super().__init__(latent.algebra, event)
        self.encode = encode
        self.decode = decode
        self.latent = latent

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Latent velocities pushed through the decoder, `(batch, dim, *event)`."""
        z = self._encoded(y)
        velocities = self.latent.fields(z)
        moves = [self._pushed(z, velocities[:, k]) for k in range(self.algebra.dim)]
        return torch.stack(moves, dim=1).to(y.dtype) if moves else y.new_zeros(len(y), 0, *self.event)

    def field(self, xi: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Velocity of one element, with one derivative of the decoder."""
        z = self._encoded(y)
        return self._pushed(z, self.latent.field(self._coordinates(xi), z)).to(y.dtype)

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """Finite motion in closed form: no integration in the space of the data."""
        z = self._encoded(y)
        moved = self.latent.flow(self._coordinates(xi), z, t)
        return (y + self.decode(moved) - self.decode(z)).to(y.dtype)

    def describe(self, xi: Tensor, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """How latent coordinates ``z1``, ``z2``, ... move."""
        return self.latent.describe(xi, [f"z{i + 1}" for i in range(self.latent.size)], digits)

    def built_from(self) -> dict[str, Any]:
        """The latent representation, and the networks: a pair that knows its scales, or one of each."""
        common = {"latent": self.latent, "event": self.event}
        pair = getattr(self.encode, "__self__", None)
        if isinstance(pair, Charts) and self.encode == pair.encode and self.decode == pair.decode:
            return {**common, "charts": pair}
        return {**common, "encode": self.encode, "decode": self.decode}

    @classmethod
    def rebuild(cls, parts: Parts) -> LatentAction:
        """Put the networks around the representation again, after their sizes have been compared."""
        latent, event = parts.one("latent", Representation), parts.wholes("event", 1)
        if parts.has("charts"):
            pair = parts.one("charts", Charts)
            require_fit(parts.where, pair.encoder, pair.decoder, tuple(pair.mean.shape), latent.size)
            if tuple(pair.mean.shape) != event or len(pair.center) != latent.size:
                raise DataError(
                    f"{parts.where}: expected a mean of {event} and a center of {latent.size}, received "
                    f"{tuple(pair.mean.shape)} and {len(pair.center)}; keep file and weights together"
                )
            return cls(pair.encode, pair.decode, latent, event)
        encode, decode = parts.one("encode", nn.Module), parts.one("decode", nn.Module)
        require_fit(parts.where, encode, decode, event, latent.size)
        return cls(encode, decode, latent, event)

    def _restricted(self, algebra: Algebra, combos: Tensor) -> LatentAction:
        return LatentAction(self.encode, self.decode, self.latent._restricted(algebra, combos), self.event)

    def _pushed(self, z: Tensor, velocity: Tensor) -> Tensor:
        return torch.func.jvp(self.decode, (z,), (velocity,))[1]

    def _encoded(self, y: Tensor) -> Tensor:
        """Latent points, which have to fit the representation."""
        z = self.encode(y.to(torch.float64))
        if z.shape != (len(y), self.latent.size):
            raise RepresentationMismatchError(
                f"encode: expected latent points of shape {(len(y), self.latent.size)}, received {tuple(z.shape)}; "
                "use a representation of the size of the latent space"
            )
        return z
