"""Random group elements with learnt generators: the half of an adversarial game that proposes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...action._action import Action
from ...action._representation import Representation
from ...actions import Affine, Points, Product, Trivial
from ...core._checks import as_points
from ...errors import DataError
from .. import bars

LAWS = ("normal", "uniform", "integer")
ANTI_IDENTITY = ("motion", "unit", "cosine")


class Law(nn.Module):
    """Coefficients ``z = F e + m`` of the generators, ``e`` drawn anew each time.

    Parameters
    ----------
    kind : "normal", "uniform" or "integer"
        ``e`` is standard normal, uniform in [-1, 1], or whole and uniform from ``-width`` to ``width`` without zero.
    channels : int
        Number of coefficients.
    width : float
        Initial ``F`` is ``width`` times the identity (the identity for whole numbers); initial ``m`` is zero.
    learn : bool
        Whether ``F`` and ``m`` are learnt.

    Raises
    ------
    DataError
        If the kind is unknown, the width does not suit it, or whole numbers should be learnt.
    """

    def __init__(self, kind: str, channels: int, width: float = 1.0, *, learn: bool = False) -> None:
        super().__init__()
        _require_law(kind, width, learn)
        self.kind = kind
        self.width = width
        scale = 1.0 if kind == "integer" else width
        self.factor = nn.Parameter(scale * torch.eye(channels), requires_grad=learn)
        self.shift = nn.Parameter(torch.zeros(channels), requires_grad=learn)

    def draw(self, count: int, rng: torch.Generator) -> Tensor:
        """Coefficients `(count, channels)`; the random numbers are the same on every device."""
        shape = (count, len(self.shift))
        if self.kind == "normal":
            e = torch.randn(shape, generator=rng)
        elif self.kind == "uniform":
            e = 2 * torch.rand(shape, generator=rng) - 1
        else:
            signs = 2 * torch.randint(2, shape, generator=rng) - 1
            e = (signs * torch.randint(1, int(self.width) + 1, shape, generator=rng)).to(torch.get_default_dtype())
        return e.to(self.factor) @ self.factor.T + self.shift


class Generator(nn.Module):
    """Elements ``sum_i z_i w_i A`` of an algebra, with learnt rows ``w_i`` or with a learnt law of ``z``.

    Parameters
    ----------
    frame : Tensor
        `(r, dim)` rows ``A``: directions of the candidates that move the data by unit amounts, see ``unit_frame``.
        What lies outside their span, masked entries included, is never reached.
    law : Law
        Of the coefficients.
    weight : Tensor
        `(channels, r)` initial rows.
    learn : bool
        Whether the rows are learnt.
    anti_identity : "motion", "unit", "cosine" or None
        What keeps elements from shrinking to the identity: a penalty on rows shorter than ``least``, rows of exactly
        unit length, or a penalty on moved points that point the same way as before.
    least : float
        Shortest row without penalty.
    """

    def __init__(
        self,
        frame: Tensor,
        law: Law,
        weight: Tensor,
        *,
        learn: bool = True,
        anti_identity: str | None = "motion",
        least: float = 1.0,
    ) -> None:
        super().__init__()
        if anti_identity is not None and anti_identity not in ANTI_IDENTITY:
            raise DataError(
                f"anti_identity: expected one of {', '.join(ANTI_IDENTITY)} or None, received {anti_identity!r}; "
                "use 'motion' if unsure"
            )
        self.law = law
        self.frame: Tensor
        self.register_buffer("frame", frame.to(torch.get_default_dtype()))
        self.weight = nn.Parameter(weight.detach().clone().to(self.frame), requires_grad=learn)
        self.anti_identity = anti_identity
        self.least = least
        self.active = len(weight)
        self.fixed = 0

    def rows(self) -> Tensor:
        """Rows `(active, r)`; the first ``fixed`` of them are not learnt."""
        rows = self.weight[: self.active]
        if self.fixed:
            rows = torch.cat([rows[: self.fixed].detach(), rows[self.fixed :]])
        if self.anti_identity == "unit":
            rows = rows / rows.norm(dim=1, keepdim=True)
        return rows

    def draw(self, count: int, rng: torch.Generator) -> Tensor:
        """Random elements `(count, dim)` in the generators of the candidates."""
        return self.law.draw(count, rng)[:, : self.active] @ self.rows() @ self.frame

    def directions(self) -> Tensor:
        """Learnt directions `(k, dim)` in the generators of the candidates, float64.

        With a learnt law, the axes along which its coefficients spread.
        """
        rows = self.rows().detach()
        if self.law.factor.requires_grad:
            rows = _spread(self.law) @ rows
        return (rows @ self.frame).to("cpu", torch.float64)

    def lengths(self) -> Tensor:
        """How far each channel moves the data `(active,)`, in spreads of the data."""
        return self.rows().detach().norm(dim=1).cpu()

    def rescale(self, factors: Sequence[float]) -> None:
        """Multiply the rows by ``factors``."""
        with torch.no_grad():
            self.weight[: self.active] *= torch.tensor(factors).to(self.weight)[:, None]

    def place(self, directions: Tensor) -> None:
        """Set the rows to directions `(active, dim)`, as far as they move the data."""
        with torch.no_grad():
            self.weight[: self.active] = directions.to(self.frame) @ torch.linalg.pinv(self.frame)

    def penalty(self, decorrelation: float) -> Tensor:
        """Price of rows that are too short, and of rows that point the same way."""
        rows = self.rows()
        price = rows.new_zeros(())
        if self.anti_identity == "motion":
            sizes = self.law.factor.norm(p=2) if self.law.factor.requires_grad else rows.norm(dim=1)
            price = (
                price + (self.least - sizes).relu().square().sum() + 0.1 * (sizes - self.least).relu().square().sum()
            )
        if len(rows) > 1 and self.weight.requires_grad:
            unit = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
            price = price + decorrelation * (unit @ unit.T).triu(1).abs().sum() / len(rows)
        return price


def start_weight(channels: int, size: int, seed: int) -> Tensor:
    """Random rows `(channels, size)` of length about one."""
    return torch.randn(channels, size, generator=torch.Generator().manual_seed(seed)) / size**0.5


def unit_frame(motion: Tensor, spread: float) -> Tensor:
    """Directions `(r, dim)` that move the data by ``spread`` in root mean square, orthogonal in that motion.

    ``motion`` `(rows, dim)` is a factor with ``|motion xi|`` the root mean square motion by ``xi``. Directions that do
    not move the data, such as matrices that vanish on their span, are left out.

    Raises
    ------
    DataError
        If nothing moves the data.
    """
    _, sizes, axes = torch.linalg.svd(motion, full_matrices=False)
    kept = sizes > bars.STILL_DIRECTION * sizes[:1]
    if not len(sizes) or not bool(sizes[0] > 0):
        raise DataError("x: expected data that some candidate moves, received data at rest; choose other candidates")
    return spread * axes[kept] / sizes[kept, None]


def moved(action: Action, elements: Tensor, x: Tensor, at: Tensor | None = None) -> Tensor:
    """Points `(batch, *event)` moved by group elements ``exp(xi)``, differentiable in ``elements`` `(k, dim)`.

    The batch is split into ``k`` equal groups; each element moves one group.
    """
    if isinstance(action, Trivial):
        return x
    if isinstance(action, Representation | Affine):
        return _moved_by_matrices(action, elements, x)
    if isinstance(action, Points):
        flat = x.reshape(len(x) * action.count, action.base.size)
        return moved(action.base, elements, flat).reshape(x.shape)
    if isinstance(action, Product):
        pieces = x.split([part.size for part in action.parts], dim=1)
        return torch.cat([moved(p, elements, piece) for p, piece in zip(action.parts, pieces, strict=True)], dim=1)
    count = len(elements)
    places = [None] * count if at is None else at.chunk(count)
    groups = zip(elements, x.chunk(count), places, strict=True)
    return torch.cat([action.flow(xi, part, at=place) for xi, part, place in groups])


def _moved_by_matrices(action: Representation | Affine, elements: Tensor, x: Tensor) -> Tensor:
    matrices = torch.einsum("ck,knp->cnp", elements, action.tensor.to(elements))
    features = action.features(x)
    if isinstance(action, Affine):
        matrices = torch.nn.functional.pad(matrices, (0, 0, 0, 1))
    groups = features.reshape(len(elements), -1, features.shape[1])
    turned = groups @ torch.linalg.matrix_exp(matrices).transpose(1, 2)
    return turned.reshape(len(x), -1)[:, : action.size]


def motion_factor(rho_in: Action, x: Tensor, rho_out: Action, y: Tensor) -> Tensor:
    """Factor `(rows, dim)` of the root mean square motion of inputs and outputs together."""
    parts: list[Tensor] = []
    for action, points, base in ((rho_in, as_points(x), None), (rho_out, as_points(y), x)):
        motion = action.motion()
        motion.update(points, torch.ones(len(points), dtype=torch.float64), base)
        parts.append(motion.factor() / len(points) ** 0.5)
    return torch.cat(parts)


def _spread(law: Law) -> Tensor:
    """Axes of a learnt law, scaled by its spread, without those that nearly rest."""
    _, sizes, axes = torch.linalg.svd(torch.cat([law.factor.detach().T, law.shift.detach()[None]]), full_matrices=False)
    kept = sizes > bars.RESTING_AXIS * sizes[0]
    return sizes[kept, None] * axes[kept]


def _require_law(kind: str, width: float, learn: bool) -> None:
    if kind not in LAWS:
        raise DataError(f"law: expected one of {', '.join(LAWS)}, received {kind!r}; use 'normal' if unsure")
    whole = kind != "integer" or (float(width).is_integer() and width >= 1)
    if not width > 0 or not whole:
        raise DataError(f"width: expected a positive number, whole for law 'integer', received {width}; give e.g. 1")
    if learn and kind == "integer":
        raise DataError("law: expected 'normal' or 'uniform' to be learnt, received 'integer'; choose one of those")
