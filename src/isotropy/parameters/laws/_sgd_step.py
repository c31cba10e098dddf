"""What one step of SGD does to conserved quantities, exactly and for any learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...errors import DataError, SymmetryError
from .. import bars
from ..moves._vectors import Parameters
from ._block_law import BlockLaw, ShiftLaw


@dataclass(frozen=True)
class SGDStep:
    """One step ``theta -> theta - lr * direction`` of SGD, split into its gradient and the rest.

    Attributes
    ----------
    start : mapping
        Parameters before the step.
    direction : mapping
        What is multiplied by minus the learning rate: gradient, weight decay and momentum together.
    rest : mapping
        ``direction`` without the present gradient: weight decay and the past.
    lr : mapping
        Learning rates by name.
    """

    start: Parameters
    direction: Parameters
    rest: Parameters
    lr: Mapping[str, float]

    @classmethod
    def of(cls, optimizer: torch.optim.Optimizer, names: Mapping[int, str]) -> SGDStep:
        """The step that ``optimizer.step()`` is about to take; ``names`` maps ``id(parameter)`` to its name.

        Raises
        ------
        SymmetryError
            If the optimizer is not SGD: an adaptive metric breaks the laws.
        DataError
            If a gradient is not finite.
        """
        require_sgd(optimizer)
        start: dict[str, Tensor] = {}
        direction: dict[str, Tensor] = {}
        rest: dict[str, Tensor] = {}
        lr: dict[str, float] = {}
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                name = names.get(id(parameter))
                if name is None:
                    continue
                start[name], lr[name] = _wide(parameter), float(group["lr"])
                direction[name], rest[name] = _direction(parameter, group, optimizer.state.get(parameter, {}), name)
        return cls(start, direction, rest, lr)

    def step(self) -> dict[str, Tensor]:
        """``- lr * direction``."""
        return {name: -self.lr[name] * value for name, value in self.direction.items()}

    def drift(self, law: BlockLaw | ShiftLaw) -> Tensor:
        """The change of the values of a law in this step, if the loss has the symmetry.

        ``dQ = Q(step) - <rest, xi(theta)>`` in units of the common learning rate: the gradient drops out of the
        first order, and the second order is the law itself at the step.

        Raises
        ------
        SymmetryError
            If the learning rates of the block are not those of the law up to one factor.
        """
        factor = self._factor(law)
        return law.second_order(self.step()) - factor * law.moment(self.rest, self.start)

    def _factor(self, law: BlockLaw | ShiftLaw) -> float:
        ratios = [self.lr[name] / law.rates.get(name, 1.0) for name in law.names if name in self.lr]
        if len(ratios) < len(law.names) or max(ratios) - min(ratios) > bars.MOST_RATE_SPREAD * max(ratios):
            raise SymmetryError(
                f"{law.name}: expected the learning rates of its parameters to be those of the law up to one factor, "
                f"received ratios {ratios} for {list(law.names)}; build the laws with rates= of this optimizer"
            )
        return ratios[0]


def require_sgd(optimizer: torch.optim.Optimizer) -> None:
    """Refuse optimizers without exact laws."""
    if not isinstance(optimizer, torch.optim.SGD):
        raise SymmetryError(
            f"optimizer: expected torch.optim.SGD, received {type(optimizer).__name__}; its metric is not constant, so "
            "that no quantity is conserved"
        )


def _direction(parameter: Tensor, group: dict[str, Any], state: Any, name: str) -> tuple[Tensor, Tensor]:
    """Direction and its part without the gradient, in float64, as torch.optim.SGD computes them."""
    if parameter.grad is None:
        return torch.zeros_like(_wide(parameter)), torch.zeros_like(_wide(parameter))
    gradient = _wide(parameter.grad)
    if not bool(torch.isfinite(gradient).all()):
        raise DataError(f"{name}: expected a finite gradient, received NaN or infinity; lower the learning rate")
    gradient = -gradient if group["maximize"] else gradient
    momentum, past = float(group["momentum"]), state.get("momentum_buffer")
    fresh = gradient + group["weight_decay"] * _wide(parameter)
    if not momentum:
        return fresh, fresh - gradient
    share = 1.0 if past is None else 1.0 - float(group["dampening"])
    buffer = share * fresh + (0.0 if past is None else momentum * _wide(past))
    if not group["nesterov"]:
        return buffer, buffer - share * gradient
    return fresh + momentum * buffer, fresh + momentum * buffer - (1.0 + momentum * share) * gradient


def _wide(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", torch.float64).clone()
