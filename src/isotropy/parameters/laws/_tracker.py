"""Watching training: every step of SGD against the exact law, with an alarm."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import DataError, SymmetryError, SymmetryWarning
from .. import bars
from ..moves._vectors import named
from ._block_law import BlockLaw, ShiftLaw
from ._sgd_step import SGDStep, require_sgd

ALARMS = ("raise", "warn", "record")


@dataclass(frozen=True)
class Departure:
    """One law in one step.

    Attributes
    ----------
    step : int
        Counted from 0.
    law : str
        Name of the law.
    observed, predicted : Tensor
        Change of its values, and what the exact law of the step says.
    violation : float
        Largest difference of the two.
    allowed : float
        What rounding may make of it.
    """

    step: int
    law: str
    observed: Tensor
    predicted: Tensor
    violation: float
    allowed: float

    @property
    def rings(self) -> bool:
        """Whether the difference is more than rounding."""
        return not self.violation <= self.allowed


class Tracker:
    """Compares the change of conserved quantities in each ``optimizer.step()`` with the exact law of SGD.

    The law holds for any learning rate, weight decay, momentum and per-group learning rates. A difference beyond
    rounding means that gradient, update or weights are not those of the network that the laws were built for: a
    gradient that is wrong or detached, weights that are tied or overwritten by hand, a silent loss of precision.

    Parameters
    ----------
    model : Module
        The network.
    laws : sequence of BlockLaw and ShiftLaw
        What is watched, with the relative learning rates of the optimizer.
    optimizer : torch.optim.SGD
        Watched until ``close``; the tracker is a context manager, too.
    tolerance : float
        Units of rounding that are allowed, relative to ``|theta|^2`` of the block.
    alarm : "raise", "warn" or "record"
        What happens at a violation.

    Attributes
    ----------
    last : tuple of Departure
        Of the latest step.
    worst : Departure or None
        The one of largest violation relative to what is allowed, over all steps.

    Raises
    ------
    DataError
        If the alarm is not known, or a step is given a closure.
    SymmetryError
        If the optimizer is not SGD; at a step that breaks a law, with ``alarm="raise"``.
    """

    def __init__(
        self,
        model: nn.Module,
        laws: Sequence[BlockLaw | ShiftLaw],
        optimizer: torch.optim.SGD,
        *,
        tolerance: float = bars.MOST_ROUNDINGS,
        alarm: str = "raise",
    ) -> None:
        if alarm not in ALARMS:
            raise DataError(f"alarm: expected one of {ALARMS}, received {alarm!r}; use 'raise' if unsure")
        require_sgd(optimizer)
        self.optimizer = optimizer
        self.model, self.laws, self.tolerance, self.alarm = model, tuple(laws), tolerance, alarm
        self.last: tuple[Departure, ...] = ()
        self.worst: Departure | None = None
        self._count = 0
        self._step: SGDStep | None = None
        self._names = {id(parameter): name for name, parameter in model.named_parameters()}
        before, after = optimizer.register_step_pre_hook, optimizer.register_step_post_hook
        self._hooks = [before(self._before), after(self._after)]

    def close(self) -> None:
        """Stop watching."""
        for hook in self._hooks:
            hook.remove()

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _before(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if len(args) > 1 or kwargs.get("closure") is not None or (args and args[0] is not optimizer):
            raise DataError(
                "closure: expected optimizer.step() without one, received a closure, whose gradients cannot be seen "
                "beforehand; call loss.backward() first"
            )
        self._step = SGDStep.of(optimizer, self._names)

    def _after(self, *_: Any) -> None:
        step = self._step
        if step is None:
            return
        end = {name: value.to("cpu", torch.float64) for name, value in named(self.model).items()}
        self.last = tuple(self._compare(law, step, end) for law in self.laws)
        self._count += 1
        for departure in self.last:
            if (
                self.worst is None
                or departure.violation * self.worst.allowed > self.worst.violation * departure.allowed
            ):
                self.worst = departure
            if departure.rings:
                self._ring(departure)

    def _compare(self, law: BlockLaw | ShiftLaw, step: SGDStep, end: dict[str, Tensor]) -> Departure:
        observed, predicted = law.values(end) - law.values(step.start), step.drift(law)
        eps = max(torch.finfo(self.model.get_parameter(name).dtype).eps for name in law.names)
        size = law.size(step.start) ** 0.5 + law.size(step.step()) ** 0.5
        violation = float((observed - predicted).abs().max())
        return Departure(self._count, law.name, observed, predicted, violation, self.tolerance * eps * size**2)

    def _ring(self, departure: Departure) -> None:
        if self.alarm == "record":
            return
        message = (
            f"{departure.law}: expected the exact law of SGD to within {departure.allowed:.2g} in step "
            f"{departure.step}, received a change that is off by {departure.violation:.2g}; check gradients, tied or "
            "overwritten weights and precision"
        )
        if self.alarm == "raise":
            raise SymmetryError(message)
        warnings.warn(message, SymmetryWarning, stacklevel=3)
