"""How outputs move beside the candidates on inputs."""

from __future__ import annotations

from ...action._action import Action
from ...actions import Trivial
from ...errors import DataError, RepresentationMismatchError

HOW = ("auto", "scalar", "vector")


def require_how(outputs: str) -> None:
    """Refuse an unknown word for how outputs move."""
    if outputs not in HOW:
        raise DataError(f"--outputs: expected scalar, vector or auto, received {outputs!r}; use auto if unsure")


def output_action(action: Action, outputs: int, how: str) -> tuple[Action, str]:
    """How outputs move: not at all (``scalar``), as velocities of the inputs do (``vector``), or as fits (``auto``).

    Returns
    -------
    tuple of Action and str
        The action, and ``"scalar"`` or ``"vector"``.
    """
    require_how(how)
    if how == "scalar" or (how == "auto" and outputs != action.size):
        return Trivial(action.algebra, (outputs,)), "scalar"
    if outputs != action.size:
        raise RepresentationMismatchError(
            f"--outputs vector: expected {action.size} outputs, as many as inputs, received {outputs}; "
            "use --outputs scalar"
        )
    return action.tangent(), "vector"
