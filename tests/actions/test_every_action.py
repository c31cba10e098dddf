"""Every kind of action, put to the test that users have for theirs, and what single kinds do."""

import math

import pytest
import torch

import isotropy as iso
from actions.kinds import EULER, KINDS, SE2, randn
from isotropy.actions import Affine, Points, PolynomialFields, Product, TimeScaled, Trivial
from isotropy.errors import FlowError, RepresentationMismatchError
from isotropy.testing import assert_action


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.accuracy < 1e-7])
def test_every_action(name):
    assert_action(KINDS[name].action, KINDS[name].points, seed=1)


@pytest.mark.parametrize("name", KINDS)
def test_every_action_says_what_it_does(name):
    action = KINDS[name].action
    assert action.describe(torch.zeros(action.algebra.dim)).startswith("0")
    texts = {action.describe(unit) for unit in torch.eye(action.algebra.dim)}
    assert len(texts) > 1 or action.algebra.dim == 1 or isinstance(action, Trivial)


@pytest.mark.parametrize("name", KINDS)
def test_points_of_another_algebra_are_refused(name):
    action = KINDS[name].action
    with pytest.raises(RepresentationMismatchError, match="coordinates, received shape"):
        action.field(torch.ones(action.algebra.dim + 1), randn(2, *action.event))


def test_flows_by_hand():
    angle = torch.tensor([math.pi / 2, 0.0, 0.0], dtype=torch.float64)
    corner = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    assert torch.allclose(SE2.flow(angle, corner), torch.tensor([[0.0, 1.0]], dtype=torch.float64), atol=1e-14)
    shift = torch.tensor([0.0, 2.0, -1.0], dtype=torch.float64)
    assert torch.allclose(SE2.flow(shift, corner, 0.5), torch.tensor([[2.0, -0.5]], dtype=torch.float64), atol=1e-14)
    square = PolynomialFields(1, 2)  # x^2 d/dx: x -> x / (1 - t x)
    xi = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    start = torch.tensor([[0.5], [-1.0]], dtype=torch.float64)
    assert torch.allclose(square.flow(xi, start), start / (1 - start), atol=1e-9)


def test_a_flow_that_runs_to_infinity_says_so():
    square = PolynomialFields(1, 2)
    xi = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    with pytest.raises(FlowError, match="shorter time"):
        square.flow(xi, torch.tensor([[2.0]], dtype=torch.float64))


def test_an_affine_tangent_only_turns_velocities():
    v = randn(4, 2)
    xi = torch.tensor([0.3, 5.0, -7.0], dtype=torch.float64)
    turned = v @ torch.linalg.matrix_exp(0.3 * iso.so(2).basis[0]).T
    assert torch.allclose(SE2.tangent().flow(xi, v), turned)


def test_time_moves_velocities_and_not_states():
    action = TimeScaled(iso.so(2).vector())
    x, v = randn(3, 2), randn(3, 2, seed=1)
    pace = torch.tensor([0.0, 1.0], dtype=torch.float64)
    assert torch.equal(action.flow(pace, x), x)
    assert torch.allclose(action.tangent().flow(pace, v, 2.0, at=x), math.exp(2.0) * v)
    assert action.describe(pace) == "-t d/dt"


@pytest.mark.parametrize(
    ("action", "xi", "names", "text"),
    [
        (iso.so(2).vector(), [1.0], None, "x d/dy - y d/dx"),
        (iso.so(2).vector(), [2.0], ["u", "v"], "2 u d/dv - 2 v d/du"),
        (SE2, [0.0, 1.0, -0.5], None, "d/dx - 0.5 d/dy"),
        (iso.so(1, 3).vector(), [1.0, 0, 0, 0, 0, 0], ["t", "x", "y", "z"], "x d/dt + t d/dx"),
        (PolynomialFields(1, 2), [0.0, 0.0, 1.0], ["u"], "u^2 d/du"),
    ],
)
def test_readable_fields(action, xi, names, text):
    assert action.describe(torch.tensor(xi), names) == text


def test_base_points_are_asked_for():
    with pytest.raises(RepresentationMismatchError, match="pass at=x"):
        EULER.tangent().fields(randn(2, 2))
    with pytest.raises(RepresentationMismatchError, match="pass at=x"):
        Points(SE2, 2).tangent().fields(randn(2, 4))


def test_actions_that_cannot_be_built():
    for build, text in [
        (lambda: Affine(iso.so(3)), "last row zero"),
        (lambda: Product(iso.so(3).vector(), iso.so(2).vector()), r"dimensions \[1, 3\]"),
        (lambda: TimeScaled(EULER), "vector fields"),
    ]:
        with pytest.raises(RepresentationMismatchError, match=text):
            build()
