"""Teleportation: moving parameters along a level set of the loss, to where a next step is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ...errors import SymmetryError
from ..find._parameter_symmetry import ParameterSymmetry
from ..moves._blocks import Block
from ._journey import Journey, Walk, allowed_change
from ._objectives import OBJECTIVES, Options, Probe, write
from ._optimizer_moments import StateMode, carry_state


@dataclass(frozen=True)
class TeleportReport:
    """What a teleport did.

    Attributes
    ----------
    objective : str
        What was asked for.
    accepted : bool
        Whether the parameters were moved; if not, they are as before.
    why : str
        Why not, or why the walk along the orbit ended.
    loss_before, loss_after : float
        Equal up to rounding.
    ratio : float
        ``|grad L|^2`` after over before; NaN where it was not computed.
    distance : float
        Length of the path in the algebra, ``|log g|`` for a single step.
    cost : float
        In gradients of the loss.
    moves : tuple of (Block, Tensor)
        Group elements that were applied, in order.
    """

    objective: str
    accepted: bool
    why: str
    loss_before: float
    loss_after: float
    ratio: float
    distance: float
    cost: float
    moves: tuple[tuple[Block, Tensor], ...] = field(default=(), repr=False)

    @property
    def loss_change(self) -> float:
        """Relative change of the loss."""
        return abs(self.loss_after - self.loss_before) / max(abs(self.loss_before), torch.finfo(torch.float64).tiny)

    def __str__(self) -> str:
        """One line."""
        done = "moved" if self.accepted else "not moved"
        return (
            f"{self.objective}: {done} ({self.why}), loss {self.loss_before:.6g}, relative change "
            f"{self.loss_change:.1g}, gradient ratio {self.ratio:.3g}, distance {self.distance:.3g}, "
            f"cost {self.cost:.2g} gradients"
        )


def teleport(
    model: nn.Module,
    loss: Callable[[], Tensor],
    symmetry: ParameterSymmetry,
    objective: str = "balance_grad",
    *,
    cap: float = 2.0,
    radius: float = 1.0,
    steps: int = 10,
    learning_rate: float | None = None,
    distance: float = 0.1,
    directions: int = 8,
    tolerance: float | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    state: StateMode = "transport",
    seed: int = 0,
) -> TeleportReport:
    """Move the parameters in place along their symmetry, so that the loss stays and the objective gains.

    Parameters
    ----------
    model : Module
        Whose parameters are moved; they stay the same objects.
    loss : callable
        ``loss()`` returns the loss at the present parameters, on one batch, without calling ``backward``.
    symmetry : ParameterSymmetry
        From ``symmetries(model, example)``; only its exact blocks are used.
    objective : str
        ``"balance_grad"`` smallest gradient norm, ``"balance_weight"`` smallest weight norm, ``"grad_norm"`` larger
        gradient norm within ``cap``, ``"decrement"`` best decrease of one step along the gradient, ``"fixed_lr"``
        the same at ``learning_rate``, ``"sharpness"`` smaller loss at ``distance`` around, ``"curvature"`` more curved
        orbits.
    cap : float
        Largest growth of ``|grad L|^2`` under ``"grad_norm"``.
    radius : float
        Longest path in the algebra; balancing by scales has a unique optimum and goes there.
    steps : int
        Steps of the path where there is no closed form.
    learning_rate : float, optional
        Needed by ``"fixed_lr"``.
    distance, directions, seed
        Of ``"sharpness"`` and ``"curvature"``: how far, how many random directions, and their seed.
    tolerance : float, optional
        Largest relative change of the loss; by default the precision of the loss to the power 2/3.
    optimizer : Optimizer, optional
        Whose state is carried along.
    state : str
        ``"transport"`` moves the state as gradients move, ``"reset"`` forgets it, ``"keep"`` leaves it.
    seed : int
        Of random directions.

    Returns
    -------
    TeleportReport
        With ``accepted`` False, and everything as before, if the loss would have changed.

    Raises
    ------
    DataError
        If the loss is not finite, or not a number.
    SymmetryError
        If the objective is unknown, the loss has no graph, or the symmetry is of another network.

    References
    ----------
    zhao2022teleportation

    Examples
    --------
    >>> import torch
    >>> from isotropy.parameters import symmetries, teleport
    >>> _ = torch.manual_seed(0)
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1)).double()
    >>> x = torch.randn(20, 2, dtype=torch.float64)
    >>> report = teleport(net, lambda: net(x).square().mean(), symmetries(net, x), "balance_grad")
    >>> report.accepted, report.loss_change < 1e-12, report.ratio < 1
    (True, True, True)
    """
    parameters = _owned(model, symmetry)
    _require_choices(objective, cap, radius, steps, learning_rate)
    probe = Probe(loss, parameters, [])
    options = Options(learning_rate or 0.0, distance, directions, seed)
    closed = objective in ("grad_norm", "balance_grad") and any(block.kind == "scaling" for block in symmetry.blocks)
    before, slopes = probe.gradient() if closed else (probe.value(), {})
    kept = {name: p.detach().clone() for name, p in parameters.items()}
    exact = symmetry.select(exactness="exact")
    journey = Journey(probe, exact, objective, Walk(cap, radius, steps), options, slopes)
    try:
        journey.rescale()
        journey.climb()
        after = _value_after(probe)
    except BaseException:
        write(parameters, kept)
        raise
    allowed = allowed_change(parameters) if tolerance is None else tolerance
    accepted = bool(journey.moves) and abs(after - before) <= allowed * (abs(before) + torch.finfo(torch.float64).eps)
    why = journey.why if accepted else "nothing to move" if not journey.moves else _complaint(before, after, allowed)
    if not accepted:
        write(parameters, kept)
        after = before
    elif optimizer is not None:
        carry_state(optimizer, parameters, journey.moves, state)
    ratio, length = (journey.ratio, journey.distance) if accepted else (1.0, 0.0)
    moves = tuple(journey.moves) if accepted else ()
    return TeleportReport(objective, accepted, why, before, after, ratio, length, sum(probe.spent), moves)


def _value_after(probe: Probe) -> float:
    """The loss at the end; NaN where it is not finite."""
    probe.spent.append(1 / 3)
    with torch.no_grad():
        return float(probe.loss())


def _complaint(before: float, after: float, allowed: float) -> str:
    return f"the loss went from {before:.9g} to {after:.9g}, more than {allowed:.1g}; is it of one fixed batch?"


def _owned(model: nn.Module, symmetry: ParameterSymmetry) -> dict[str, nn.Parameter]:
    """Parameters that require gradients, if the symmetry is of this network."""
    shapes = {name: tuple(p.shape) for name, p in model.named_parameters()}
    if shapes != symmetry.shapes:
        raise SymmetryError(
            f"symmetry: expected one of this model's {len(shapes)} parameters, received one of "
            f"{len(symmetry.shapes)} with other names or shapes; call symmetries(model, example) again"
        )
    owned = {name: p for name, p in model.named_parameters() if p.requires_grad}
    frozen = {name for block in symmetry.blocks for name in block.parameters} - set(owned)
    if frozen:
        raise SymmetryError(
            f"model: expected the parameters that move to require gradients, received frozen {sorted(frozen)[0]!r}; "
            "call symmetries(model, example) again after freezing"
        )
    return owned


def _require_choices(objective: str, cap: float, radius: float, steps: int, rate: float | None) -> None:
    """Refuse what cannot be meant."""
    if objective not in OBJECTIVES:
        raise SymmetryError(f"objective: expected one of {', '.join(OBJECTIVES)}, received {objective!r}; choose one")
    if not cap > 1 or not radius > 0 or steps < 1:
        raise SymmetryError(
            f"expected cap > 1, radius > 0 and steps >= 1, received {cap}, {radius} and {steps}; "
            "the gradient norm is unbounded on the orbit, so some bound is needed"
        )
    if objective == "fixed_lr" and not (rate and rate > 0):
        raise SymmetryError(f"learning_rate: expected a positive number for 'fixed_lr', received {rate}; pass yours")
