"""Teleportation inside a training loop, around any torch optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ...errors import SymmetryError
from ..find._parameter_symmetry import ParameterSymmetry
from ._objectives import Options, Probe, UndefinedScoreError
from ._optimizer_moments import StateMode
from ._teleport import TeleportReport, teleport

_AUTO = ("grad_norm", "decrement", "fixed_lr")  # objectives whose gain is a faster decrease
Schedule = int | Collection[int] | Literal["auto"]


class Teleport:
    """An optimizer that teleports before some of its steps.

    Teleporting seldom pays in training; see the guide for when it does. The default moves once, before the first
    step, to the smallest gradient norm on the orbit, which keeps badly scaled networks from diverging.

    Parameters
    ----------
    optimizer : Optimizer
        Any of torch's, over parameters of ``model``.
    symmetry : ParameterSymmetry
        From ``symmetries(model, example)``.
    model : Module
        The network.
    objective : str
        As for ``teleport``.
    schedule : int, collection of int, or "auto"
        Before every so many steps, before the steps listed (counted from 0), or when the gain predicted from the
        slope of the score along the orbit exceeds what the same cost gains by plain steps.
    state : str
        ``"transport"``, ``"reset"`` or ``"keep"``, what becomes of the optimizer's state.
    horizon : int
        Steps over which ``"auto"`` expects a gain to last.
    every : int
        Steps between two looks of ``"auto"``.
    **options
        Further arguments of ``teleport``, such as ``cap`` or ``radius``.

    Attributes
    ----------
    reports : list of (int, TeleportReport)
        Step and report of each teleport.

    Raises
    ------
    SymmetryError
        If the schedule is none of these, or "auto" is asked for a balancing or flatness objective.

    Examples
    --------
    >>> import torch
    >>> from isotropy.parameters import Teleport, symmetries
    >>> _ = torch.manual_seed(0)
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    >>> x = torch.randn(20, 2)
    >>> optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    >>> training = Teleport(optimizer, symmetries(net, x), net, schedule=[0, 2])
    >>> losses = [training.step(lambda: net(x).square().mean()) for _ in range(4)]
    >>> [step for step, report in training.reports if report.accepted]
    [0, 2]
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        symmetry: ParameterSymmetry,
        model: nn.Module,
        objective: str = "balance_grad",
        *,
        schedule: Schedule = (0,),
        state: StateMode = "transport",
        horizon: int = 10,
        every: int = 10,
        **options: Any,
    ) -> None:
        self.optimizer, self.symmetry, self.model = optimizer, symmetry, model
        self.objective = objective
        self.schedule: Schedule = schedule
        self.state: StateMode = state
        self.horizon, self.every, self.options = horizon, every, options
        self.reports: list[tuple[int, TeleportReport]] = []
        self._count, self._looks = 0, 0.0
        self._require_schedule()

    def step(self, loss: Callable[[], Tensor]) -> float:
        """Teleport if it is due, then take one step of the optimizer; returns the loss before the step.

        ``loss()`` returns the loss of the present batch and does not call ``backward``.
        """
        if self._is_due(loss):
            choices: dict[str, Any] = {"optimizer": self.optimizer, "state": self.state, **self.options}
            report = teleport(self.model, loss, self.symmetry, self.objective, **choices)
            self.reports.append((self._count, report))

        def closure() -> float:
            """Loss with fresh gradients, as torch's optimizers call it."""
            self.optimizer.zero_grad()
            value = loss()
            value.backward()
            return float(value.detach())

        self._count += 1
        return float(self.optimizer.step(closure))

    def zero_grad(self) -> None:
        """Forget gradients."""
        self.optimizer.zero_grad()

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Those of the optimizer, for schedulers."""
        return self.optimizer.param_groups

    @property
    def cost(self) -> float:
        """What all teleports have cost, and the looks of ``"auto"``, in gradients."""
        return self._looks + sum(report.cost for _, report in self.reports)

    def _require_schedule(self) -> None:
        unknown = isinstance(self.schedule, str) and self.schedule != "auto"
        if unknown or (isinstance(self.schedule, int) and self.schedule < 1):
            raise SymmetryError(
                f"schedule: expected a positive number, a list of steps or 'auto', received {self.schedule!r}; "
                "try [0], before the first step"
            )
        if self.schedule == "auto" and self.objective not in _AUTO:
            raise SymmetryError(
                f"schedule: expected one of {', '.join(_AUTO)} with 'auto', received {self.objective!r}; "
                "its gain is not a faster decrease, so list the steps"
            )

    def _is_due(self, loss: Callable[[], Tensor]) -> bool:
        if isinstance(self.schedule, int):
            return self._count % self.schedule == 0
        if isinstance(self.schedule, str):
            return self._count % self.every == 0 and self._pays(loss)
        return self._count in self.schedule

    def _pays(self, loss: Callable[[], Tensor]) -> bool:
        """Whether the predicted growth of the decrease, over the horizon, exceeds the cost in steps.

        A score ``f`` of unit slope ``|Df|`` grows by about ``|Df| radius``, at most by the cap.
        """
        exact = self.symmetry.select("scaling", "linear", "orthogonal", "rotary", exactness="exact")
        parameters = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        radius, cap = float(self.options.get("radius", 1.0)), float(self.options.get("cap", 2.0))
        probe = Probe(loss, parameters, [])
        try:
            score, slopes = probe.score(self.objective, Options(float(self.options.get("learning_rate") or 0.0)))
        except UndefinedScoreError:  # the step along the gradient has no best length here
            return False
        finally:
            self._looks += sum(probe.spent)
        slope = float(exact.moment(slopes, {name: p.detach() for name, p in parameters.items()}).norm())
        relative = slope / abs(score) if self.objective == "fixed_lr" and score else slope
        growth = min(math.exp(min(relative * radius, 50.0)), cap) - 1.0
        scales_only = all(block.kind == "scaling" for block in exact.blocks) and self.objective == "grad_norm"
        cost = 2.0 if scales_only else sum(probe.spent) * float(self.options.get("steps", 10))
        return growth * self.horizon > cost
