"""Assert on actions: everything that is derived from the fields agrees with them."""

from __future__ import annotations

import json
from collections.abc import Callable

import torch
from torch import Tensor

from ..action._action import Action
from ..actions._record import read_action, record_action
from ..algebra._lie_algebra import LieAlgebra
from ..core._checks import as_points
from ..errors import NotRecordableError
from ._elements import elements, paced
from ._numbers import SMOOTH, close, require, same_dtype, same_shape

_COPIED = 1e-12  # what a file may change of a field
_STEP = 1e-3  # of the fourth-order difference quotient in time


def assert_action(action: Action, points: Tensor, *, tolerance: float = SMOOTH, seed: int = 0) -> None:
    """Fields are linear in xi, flows integrate them, and every derived action agrees with its definition.

    Checked at points `(batch, *event)`: fields are linear in xi; the flow at time 0 is the identity, flows compose
    and start with the velocity of the field; brackets of fields are fields of brackets where the algebra closes;
    restriction, contraction, motion and tangent follow from the fields; the action comes back from plain data as
    the same, if its kind can be written at all; and points are not modified.

    Parameters
    ----------
    action : Action
        One whose fields do not need a base point; its ``tangent()`` is checked along with it.
    points : Tensor
        `(batch, *event)`.
    tolerance : float
        Largest relative difference.
    seed : int
        Of the elements that are tried.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> assert_action(iso.actions.Affine(iso.se(2)), torch.randn(5, 2))
    """
    given = as_points(points, "points", action.event)
    x, before = given.to(torch.float64), given.clone()
    same_shape(action.fields(x), (len(x), action.algebra.dim, *action.event), "fields(points)")
    same_dtype(action.fields(given), given.dtype, "fields(points)")
    _assert_linear(action, x, tolerance, seed)
    xi = paced(action, x, seed)[0]
    _assert_flow(action, xi, x, tolerance)
    _assert_tangent(action, xi, x, tolerance, seed)
    same_dtype(action.flow(xi, given), given.dtype, "flow(points)")
    _assert_brackets(action, x, tolerance, seed)
    _assert_derived(action, x, tolerance, seed)
    _assert_recorded(action, xi, x, seed)
    close(given, before, 0.0, "points after the checks")


def _assert_linear(action: Action, x: Tensor, tolerance: float, seed: int) -> None:
    """``field`` is linear in xi and its values at the basis are ``fields``."""
    first, second = elements(action.algebra.dim, seed)[:2].unbind()
    combined = 2.0 * action.field(first, x) - 3.0 * action.field(second, x)
    close(action.field(2.0 * first - 3.0 * second, x), combined, tolerance, "field, linear in xi")
    basis = torch.eye(action.algebra.dim, dtype=torch.float64)
    each = torch.stack([action.field(unit, x) for unit in basis], dim=1)
    close(each, action.fields(x), tolerance, "field of each generator against fields")


def _assert_flow(action: Action, xi: Tensor, x: Tensor, tolerance: float) -> None:
    """Identity at 0, composition, velocity at 0."""
    close(action.flow(xi, x, 0.0), x, tolerance, "flow at time 0 against the identity")
    twice = action.flow(xi, action.flow(xi, x, 0.4), 0.6)
    close(twice, action.flow(xi, x, 1.0), tolerance, "flow by 0.4 then 0.6 against flow by 1")
    close(_rate(lambda t: action.flow(xi, x, t)), action.field(xi, x), tolerance, "velocity of the flow against field")


def _assert_tangent(action: Action, xi: Tensor, x: Tensor, tolerance: float, seed: int) -> None:
    """Fields and flows of the tangent action are derivatives; its flow follows the base point.

    A rescaling of time, which moves velocities alone, is the part of the tangent field that is left over.
    """
    generator = torch.Generator().manual_seed(seed)
    v = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    tangent = action.tangent()
    still = action.fields(x).flatten(2).norm(dim=(0, 2)) == 0  # generators that leave points alone
    expected = torch.func.jvp(action.fields, (x,), (v,))[1]
    close(tangent.fields(v, x)[:, ~still], expected[:, ~still], tolerance, "tangent fields against derivatives")
    moving = torch.where(still, torch.zeros_like(xi), xi)
    pushed = torch.func.jvp(lambda z: action.flow(moving, z), (x,), (v,))[1]
    close(tangent.flow(moving, v, at=x), pushed, tolerance, "tangent flow against the derivative of the flow")
    rate = _rate(lambda t: tangent.flow(xi, v, t, at=x))
    close(rate, tangent.field(xi, v, x), tolerance, "velocity of the tangent flow against its field")
    halfway = tangent.flow(xi, v, 0.5, at=x)
    twice = tangent.flow(xi, halfway, 0.5, at=action.flow(xi, x, 0.5))
    close(twice, tangent.flow(xi, v, at=x), tolerance, "tangent flow in two halves against one")


def _assert_brackets(action: Action, x: Tensor, tolerance: float, seed: int) -> None:
    """``theta_[xi, eta] = D theta_xi[theta_eta] - D theta_eta[theta_xi]``, where the algebra closes."""
    algebra = action.algebra
    if not isinstance(algebra, LieAlgebra) or algebra.closure_defect() > tolerance:
        return
    first, second = elements(algebra.dim, seed)[:2].unbind()
    a, b = action.field(first, x), action.field(second, x)
    left = torch.func.jvp(lambda z: action.field(first, z), (x,), (b,))[1]
    right = torch.func.jvp(lambda z: action.field(second, z), (x,), (a,))[1]
    expected = action.field(algebra.bracket(first, second), x)
    close(left - right, expected, tolerance, "bracket of fields against the field of the bracket")


def _assert_derived(action: Action, x: Tensor, tolerance: float, seed: int) -> None:
    """Restriction, contraction with a Jacobian, and motion, each from the fields."""
    generator = torch.Generator().manual_seed(seed)
    fields = action.fields(x)
    combos = torch.eye(action.algebra.dim, dtype=torch.float64)[:2] + 0.25
    restricted = action.restrict(combos)
    expected = torch.einsum("jk,bk...->bj...", combos, fields)
    close(restricted.fields(x), expected, tolerance, "fields of a restriction")
    jacobian = torch.randn(len(x), 2, action.size, generator=generator, dtype=torch.float64)
    contracted = torch.einsum("bon,bkn->bko", jacobian, fields.flatten(2))
    close(action.contract(jacobian, x), contracted, tolerance, "contract against Df applied to fields")
    weights = torch.rand(len(x), generator=generator, dtype=torch.float64)
    motion = action.motion()
    motion.update(x, weights)
    rows = (fields.flatten(2) * weights[:, None, None]).transpose(1, 2).reshape(-1, action.algebra.dim)
    close(motion.factor().T @ motion.factor(), rows.T @ rows, tolerance, "motion against weighted fields")


def _assert_recorded(action: Action, xi: Tensor, x: Tensor, seed: int) -> None:
    """What a file says of an action makes the same one, alone and restricted; kinds that files do not know are left."""
    try:
        whole = _reread(action)
        part, back = (one.restrict(elements(action.algebra.dim, seed)[:1]) for one in (action, whole))
        again = _reread(part)
    except NotRecordableError:
        return
    close(whole.flow(xi, x), action.flow(xi, x), _COPIED, "flow after a file")
    for one, other in ((whole, action), (back, part), (again, part)):
        close(one.fields(x), other.fields(x), _COPIED, "fields after a file")
        close(one.tangent().fields(x, x), other.tangent().fields(x, x), _COPIED, "tangent fields after a file")
        close(one.algebra.basis, other.algebra.basis, _COPIED, "basis of the algebra after a file")
        unit = torch.eye(other.algebra.dim, dtype=torch.float64)[0]
        said, meant = one.describe(unit), other.describe(unit)
        require(said == meant, f"describe after a file: expected {meant!r}, received {said!r}")


def _reread(action: Action) -> Action:
    """The action as JSON brings it back."""
    record = record_action(action)
    return read_action(json.loads(json.dumps(record.words, allow_nan=False)), record.tensors)


def _rate(curve: Callable[[float], Tensor]) -> Tensor:
    """Derivative at 0 by a fourth-order difference."""
    near = curve(_STEP) - curve(-_STEP)
    far = curve(2 * _STEP) - curve(-2 * _STEP)
    return (8 * near - far) / (12 * _STEP)
