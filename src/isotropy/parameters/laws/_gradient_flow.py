"""Gradient flow of a loss, integrated to a stated accuracy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from ...errors import DataError, FlowError
from ..moves._vectors import Parameters, flatten, unflatten

Loss = Callable[[dict[str, Tensor]], Tensor]


def gradient_flow(
    loss: Loss,
    parameters: Parameters,
    times: Sequence[float],
    *,
    rates: Mapping[str, float] | None = None,
    weight_decay: float = 0.0,
    friction: float | None = None,
    velocity: Parameters | None = None,
    tolerance: float = 1e-8,
) -> list[dict[str, Tensor]]:
    """Parameters at ``times`` along ``d theta/dt = -P (grad L + weight_decay theta)``.

    Integrated in float64 by an explicit Runge-Kutta pair of order 4(5). Kinks, as of ReLU, make the steps very
    small: test such networks by their exact discrete laws instead.

    Parameters
    ----------
    loss : callable
        Takes named parameters to a scalar.
    parameters : mapping
        Start.
    times : sequence of float
        Ascending; the first one is the start.
    rates : mapping, optional
        The diagonal of ``P`` by name, 1 where a name is missing.
    weight_decay : float
        Pull towards zero, apart from the loss.
    friction : float, optional
        If given, the second-order flow ``theta'' + friction theta' = -P (...)`` of momentum; velocities come back
        under the names ``"velocity:" + name``.
    velocity : mapping, optional
        At the first time, with friction; rest by default.
    tolerance : float
        Relative and absolute tolerance of a step.

    Raises
    ------
    FlowError
        If the flow cannot be continued to the last time.

    Examples
    --------
    >>> import torch
    >>> start = {"w": torch.tensor(1.0)}
    >>> end = gradient_flow(lambda p: p["w"] ** 2 / 2, start, [0.0, 1.0])[-1]
    >>> round(float(end["w"]), 6)  # exp(-1)
    0.367879
    """
    if len(times) < 2 or any(b <= a for a, b in pairwise(times)):
        raise DataError(f"times: expected at least two ascending times, received {list(times)}; pass e.g. [0.0, 1.0]")
    start = {name: value.detach().to(torch.float64) for name, value in parameters.items()}
    scale = flatten({name: torch.full_like(value, (rates or {}).get(name, 1.0)) for name, value in start.items()})

    def force(theta: Tensor) -> Tensor:
        slope = torch.func.grad(lambda z: loss(unflatten(z, start)))(theta)
        return -scale * (slope + weight_decay * theta)

    begin = flatten(start)
    if friction is not None:
        moving = {name: (velocity or {}).get(name, torch.zeros_like(value)) for name, value in start.items()}
        begin = torch.cat([begin, flatten(moving).to(begin)])
    states = _integrate(force, begin, times, friction, tolerance)
    return [_named(state, start, friction is not None) for state in states]


def _integrate(
    force: Callable[[Tensor], Tensor], start: Tensor, times: Sequence[float], friction: float | None, tolerance: float
) -> list[Tensor]:
    """States at the times; with friction, positions and then velocities."""
    from scipy.integrate import solve_ivp

    size = len(start) // 2

    def velocity(_: float, state: Any) -> Any:
        theta = torch.from_numpy(state)
        if friction is None:
            return force(theta).numpy()
        return torch.cat([theta[size:], force(theta[:size]) - friction * theta[size:]]).numpy()

    span, grid = (times[0], times[-1]), list(times)
    done: Any = solve_ivp(velocity, span, start.numpy(), t_eval=grid, rtol=tolerance, atol=tolerance)
    if not done.success:
        raise FlowError(
            f"expected a flow up to time {times[-1]}, received one up to {done.t[-1]:.3g} ({done.message}); shorten it"
        )
    return list(torch.from_numpy(done.y.T.copy()))


def _named(state: Tensor, like: Parameters, second_order: bool) -> dict[str, Tensor]:
    if not second_order:
        return unflatten(state, like)
    place, velocity = (unflatten(part, like) for part in state.chunk(2))
    return {**place, **{f"velocity:{name}": value for name, value in velocity.items()}}
