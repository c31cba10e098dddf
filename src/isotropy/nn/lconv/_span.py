"""What generators are given by, and what they may be held to."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...algebra._lie_algebra import LieAlgebra
from ...core._checks import require_finite
from ...errors import DataError, RepresentationMismatchError
from .. import bars

Given = Tensor | LieAlgebra | Action
CONSTRAINTS = (None, "antisymmetric", "zero_row_sum")


def matrices_of(given: Given | Any) -> Tensor:
    """Matrices `(dim, out, in)` float64 of generators given as a tensor, an algebra or an action linear in its points.

    Raises
    ------
    RepresentationMismatchError
        If the shape is wrong or the action is not linear.
    DataError
        If an entry is not finite.

    Examples
    --------
    >>> import isotropy as iso
    >>> matrices_of(iso.actions.Image(["rotation"], 8, 8)).shape
    torch.Size([1, 64, 64])
    """
    if isinstance(given, LieAlgebra):
        return matrices_of(given.vector())
    if isinstance(given, Action):
        return _matrices_of_action(given)
    stack = torch.as_tensor(given).detach().to("cpu", torch.float64)
    if stack.ndim != 3 or not stack.numel():
        raise RepresentationMismatchError(
            f"generators: expected shape (K, out, in), received {tuple(stack.shape)}; "
            "stack matrices along the first axis"
        )
    return require_finite(stack.clone(), "generators")


def _matrices_of_action(action: Action) -> Tensor:
    """Fields at the unit vectors, if that is all there is to the action."""
    units = torch.eye(action.size, dtype=torch.float64).reshape(action.size, *action.event)
    matrices = action.fields(units).flatten(2).permute(1, 2, 0)
    probe = torch.linspace(-1.0, 2.0, action.size, dtype=torch.float64).square()
    expected = matrices @ probe
    received = action.fields(probe.reshape(1, *action.event)).flatten(2)[0]
    if not bool((received - expected).norm() <= bars.LINEAR_ACTION * expected.norm().clamp_min(1.0)):
        raise RepresentationMismatchError(
            "generators: expected an action that is linear in its points, received one that is not; "
            "use a representation, or motions of images"
        )
    return matrices


def constrained(matrices: Tensor, constraint: str | None) -> Tensor:
    """The nearest matrices that meet the constraint."""
    kind = known(constraint, matrices.shape[1] == matrices.shape[2])
    if kind == "antisymmetric":
        return (matrices - matrices.transpose(1, 2)) / 2
    if kind == "zero_row_sum":
        return matrices - matrices.mean(2, keepdim=True)
    return matrices


def known(constraint: str | None, square: bool) -> str | None:
    """The constraint, if there is one of that name for such operators."""
    if constraint not in CONSTRAINTS or (constraint == "antisymmetric" and not square):
        raise DataError(
            f"constraint: expected None, 'zero_row_sum' or, for square operators, 'antisymmetric', received "
            f"{constraint!r}; choose one of these"
        )
    return constraint


def combined(change: Tensor, stack: Tensor) -> Tensor:
    """Combinations of operators, in float64."""
    mixed = torch.tensordot(change.to("cpu", torch.float64), stack.to("cpu", torch.float64), dims=1)
    return mixed.to(stack)


def shape_of(matrices: Tensor) -> tuple[int, int, int]:
    """`(K, points_out, points_in)`."""
    count, rows, columns = matrices.shape
    return count, rows, columns


def require_counts(points: int, count: int) -> None:
    """Refuse random operators on no point, or none of them."""
    if points < 1 or count < 1:
        raise DataError(f"expected at least one point and one generator, received {points} and {count}; ask for more")
