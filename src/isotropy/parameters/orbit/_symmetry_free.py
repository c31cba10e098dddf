"""Teleportation without a symmetry: along the level set of the loss, and in the null space of layer inputs."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import DataError, TrivialResultWarning
from .. import bars
from ..moves._vectors import Parameters, flatten, named, unflatten

Loss = Callable[[dict[str, Tensor]], Tensor]
_HALVINGS = 20
_RESTORATIONS = 8
_HVP = 2  # gradients that a Hessian-vector product costs


@dataclass(frozen=True)
class Ascent:
    """What a move to larger gradients did.

    Attributes
    ----------
    parameters : dict
        Where it ended.
    loss_before, loss_after : float
        Losses at start and end.
    ratio : float
        Squared norm of the gradient at the end over that at the start.
    steps : int
        Accepted steps.
    cost : int
        In gradients; a Hessian-vector product counts as two.
    dims : dict
        Dimensions of the null space by name of weight; empty for level sets.
    """

    parameters: dict[str, Tensor]
    loss_before: float
    loss_after: float
    ratio: float
    steps: int
    cost: int
    dims: dict[str, int]


def level_set_teleport(
    loss: Loss, parameters: Parameters, *, steps: int = 50, radius: float = 0.1, cap: float = 2.0
) -> Ascent:
    """Increase ``|grad L|`` among points with at most the present loss, whatever the network.

    Each step follows ``H grad L``, linearised along the level set, and is brought back to it by Newton steps along
    the gradient; it is halved until the gradient grows. No group is needed and new inputs give new outputs. The
    gradient norm may be unbounded on a level set, so ``cap`` bounds its growth.

    Parameters
    ----------
    loss : callable
        Takes named parameters to a scalar, on fixed data.
    parameters : mapping
        Start; not changed.
    steps : int
        At most.
    radius : float
        Length of the first step, relative to ``|theta|`` or 1.
    cap : float
        Largest allowed growth of ``|grad L|^2``; infinity for none.

    Raises
    ------
    DataError
        If loss or gradient are not finite at the start.

    References
    ----------
    mishkin2024levelset

    Examples
    --------
    >>> import torch
    >>> def bowl(p):
    ...     return (p["w"] ** 2 * torch.tensor([1.0, 9.0], dtype=torch.float64)).sum() / 2
    >>> moved = level_set_teleport(bowl, {"w": torch.tensor([3.0, 0.1], dtype=torch.float64)}, cap=100.0)
    >>> round(moved.ratio, 2), round(moved.loss_after / moved.loss_before, 6)  # up to the stiff axis
    (8.34, 1.0)
    """
    climb = _Climb(loss, parameters)
    return climb.run(climb.tangent, climb.restored, steps, radius, cap)


def null_space_teleport(
    model: nn.Module,
    x: Any,
    loss: Loss,
    *,
    energy: float = 1.0,
    steps: int = 10,
    radius: float = 0.1,
    cap: float = 2.0,
) -> Ascent:
    """Increase ``|grad L|`` by changes of weights that no input in ``x`` can see.

    The inputs of every linear layer and of every plain convolution are collected, and weights move only across the
    directions that these inputs span, so that all activations on ``x`` stay as they are. With as many independent
    inputs as input features nothing is left to move: this is said by a warning and in ``dims``. The first layer never
    moves, as the gradient norm depends on it through its outputs alone.

    Parameters
    ----------
    model : Module
        In the mode in which it is used; not changed.
    x : Tensor
        The batch, in float64 for exactness.
    loss : callable
        Takes named parameters to a scalar, on the same batch.
    energy : float
        Share of the squared inputs that counts as seen; below 1 outputs move.
    steps, radius, cap
        As in ``level_set_teleport``.

    Raises
    ------
    DataError
        If ``energy`` is not in (0, 1], or loss or gradient are not finite.

    References
    ----------
    wu2025nullspace
    """
    if not 0.0 < energy <= 1.0:
        raise DataError(f"energy: expected a share in (0, 1], received {energy}; 1 keeps outputs exactly")
    unseen = {name: _complement(rows, energy) for name, rows in layer_inputs(model, x).items()}
    climb = _Climb(loss, named(model))
    dims = {name: len(rows) for name, rows in unseen.items()}
    if not any(dims.values()):
        warnings.warn(
            "x: expected fewer independent inputs than features in some layer, received none; nothing moves, so pass "
            "fewer samples",
            TrivialResultWarning,
            stacklevel=2,
        )
        return climb.finish(dims)

    def across(direction: Tensor) -> Tensor:
        parts = unflatten(direction, climb.like)
        return flatten({name: _projected(part, unseen.get(name)) for name, part in parts.items()})

    return climb.run(across, lambda theta: theta, steps, radius, cap, dims)


def layer_inputs(model: nn.Module, x: Any) -> dict[str, Tensor]:
    """Inputs `(samples, features)` of each linear layer and convolution, by the name of its weight."""
    seen: dict[str, list[Tensor]] = {}

    def watch(name: str) -> Callable[..., None]:
        def keep(layer: nn.Module, inputs: tuple[Tensor, ...], _: Any) -> None:
            seen.setdefault(f"{name}.weight" if name else "weight", []).append(_rows(layer, inputs[0].detach()))

        return keep

    hooks = [layer.register_forward_hook(watch(name)) for name, layer in model.named_modules() if _plain(layer)]
    try:
        with torch.no_grad():
            model(x)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: torch.cat(rows) for name, rows in seen.items()}


class _Climb:
    """Projected ascent of ``log |grad L|`` on flat parameters."""

    def __init__(self, loss: Loss, parameters: Parameters) -> None:
        self.like = {name: value.detach() for name, value in parameters.items()}
        self.value = lambda theta: loss(unflatten(theta, self.like))
        self.theta = flatten(self.like)
        self.cost, self.steps = 0, 0
        self.loss, self.slope = self.at(self.theta)
        if not math.isfinite(self.loss) or not bool(torch.isfinite(self.slope).all()):
            raise DataError("loss: expected finite loss and gradient at the start, received NaN or infinity; restart")
        self.first_loss, self.first_size = self.loss, self.size

    @property
    def size(self) -> float:
        """``|grad L|^2``."""
        return float(self.slope.square().sum())

    def at(self, theta: Tensor) -> tuple[float, Tensor]:
        """Loss and gradient."""
        self.cost += 1
        slope, value = torch.func.grad_and_value(self.value)(theta)
        return float(value), slope

    def tangent(self, direction: Tensor) -> Tensor:
        """Part of a direction along the level set."""
        return direction - (direction @ self.slope) / self.size * self.slope if self.size else direction

    def restored(self, theta: Tensor) -> Tensor:
        """Newton steps along the gradient, back to the level set."""
        for _ in range(_RESTORATIONS):
            value, slope = self.at(theta)
            size = float(slope.square().sum())
            excess = value - self.first_loss
            if not math.isfinite(value) or not size or abs(excess) <= 1e-9 * abs(self.first_loss):
                break
            theta = theta - excess / size * slope
        return theta

    def run(
        self,
        project: Callable[[Tensor], Tensor],
        restore: Callable[[Tensor], Tensor],
        steps: int,
        radius: float,
        cap: float,
        dims: dict[str, int] | None = None,
    ) -> Ascent:
        """Take steps until the direction vanishes, the cap is reached, or no step is accepted."""
        length = radius * max(float(self.theta.norm()), 1.0)
        for _ in range(steps):
            pushed = torch.func.jvp(torch.func.grad(self.value), (self.theta,), (self.slope,))[1]
            self.cost += _HVP
            direction = project(pushed)
            if not float(direction.norm()) > 1e-6 * float(pushed.norm()):
                break
            taken = self._search(direction / direction.norm(), restore, length, cap)
            if not taken:
                break
            length = 2 * taken
        return self.finish(dims or {})

    def finish(self, dims: dict[str, int]) -> Ascent:
        """The report."""
        ratio = self.size / self.first_size if self.first_size else 1.0
        end = unflatten(self.theta, self.like)
        return Ascent(end, self.first_loss, self.loss, ratio, self.steps, self.cost, dims)

    def _search(self, unit: Tensor, restore: Callable[[Tensor], Tensor], length: float, cap: float) -> float:
        """Halve the step until the gradient grows at no more loss; the accepted length or 0."""
        for _ in range(_HALVINGS):
            theta = restore(self.theta + length * unit)
            value, slope = self.at(theta)
            size = float(slope.square().sum())
            allowed = self.first_loss + bars.MOST_GROWTH * abs(self.first_loss)
            if value <= allowed and self.size < size <= cap * self.first_size:
                self.theta, self.loss, self.slope = theta, value, slope
                self.steps += 1
                return length
            length /= 2
        return 0.0


def _plain(layer: nn.Module) -> bool:
    if isinstance(layer, nn.Conv2d):
        return layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    return isinstance(layer, nn.Linear)


def _rows(layer: nn.Module, x: Tensor) -> Tensor:
    if isinstance(layer, nn.Conv2d):
        geometry: Any = {"dilation": layer.dilation, "padding": layer.padding, "stride": layer.stride}
        patches = nn.functional.unfold(x, layer.kernel_size, **geometry)  # type: ignore[arg-type]
        return patches.transpose(1, 2).flatten(0, 1)
    return x.reshape(-1, x.shape[-1])


def _complement(rows: Tensor, energy: float) -> Tensor:
    """Orthonormal directions `(k, features)` outside the span of the rows."""
    _, values, axes = torch.linalg.svd(rows.to(torch.float64), full_matrices=True)
    if energy == 1.0:
        seen = int((values > bars.SEEN * values.amax().clamp_min(1e-300)).sum())
    else:
        share = values.square().cumsum(0) / values.square().sum().clamp_min(1e-300)
        seen = int((share < energy).sum()) + 1
    return axes[seen:]


def _projected(part: Tensor, unseen: Tensor | None) -> Tensor:
    """Rows of a weight projected on directions that the inputs do not see; other parameters stay."""
    if unseen is None:
        return torch.zeros_like(part)
    axes = unseen.to(part)
    return (part.flatten(1) @ axes.T @ axes).reshape(part.shape)
