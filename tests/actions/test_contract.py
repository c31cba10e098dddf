"""What every action promises, one promise a test."""

import pytest
import torch

import isotropy as iso
from actions.kinds import KINDS
from isotropy import actions


@pytest.fixture(params=list(KINDS))
def case(request):
    kind = KINDS[request.param]
    return kind.action, kind.points, kind.accuracy


def element(action, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(action.algebra.dim, generator=generator, dtype=torch.float64)


def close(a, b, accuracy):
    return float((a - b).norm()) <= accuracy * max(1e-12, float(a.norm()), float(b.norm()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fields_have_one_entry_per_generator(case, dtype):
    action, y, _ = case
    fields = action.fields(y.to(dtype))
    assert fields.shape == (len(y), action.algebra.dim, *action.event)
    assert fields.dtype == dtype
    assert y[0].numel() == action.size


def test_field_is_linear_in_the_generator(case):
    action, y, _ = case
    a, b = element(action, 1), element(action, 2)
    assert close(action.field(2 * a - 3 * b, y), 2 * action.field(a, y) - 3 * action.field(b, y), 1e-12)
    one = torch.eye(action.algebra.dim, dtype=torch.float64)[0]
    assert close(action.field(one, y), action.fields(y)[:, 0], 1e-12)


def test_flow_starts_at_rest(case):
    action, y, _ = case
    assert close(action.flow(element(action), y, t=0.0), y, 1e-12)


def test_flow_starts_along_the_field(case):
    action, y, accuracy = case
    xi, h = 0.3 * element(action), 1e-4
    slope = (action.flow(xi, y, t=h) - action.flow(xi, y, t=-h)) / (2 * h)
    assert close(slope, action.field(xi, y), max(accuracy, 1e-7))


def test_flow_composes(case):
    action, y, accuracy = case
    xi = 0.2 * element(action)
    assert close(action.flow(xi, action.flow(xi, y, t=0.3), t=0.4), action.flow(xi, y, t=0.7), accuracy)


def test_brackets_of_fields_are_fields_of_brackets(case):
    """Left actions: ``D theta_b [theta_a] - D theta_a [theta_b] = -theta_[a, b]``."""
    action, y, accuracy = case
    if action.algebra.closure_defect() > 1e-9:
        pytest.skip("a span whose brackets leave it")
    a, b = element(action, 1), element(action, 2)
    one = torch.func.jvp(lambda z: action.field(b, z), (y,), (action.field(a, y),))[1]
    other = torch.func.jvp(lambda z: action.field(a, z), (y,), (action.field(b, y),))[1]
    expected = -action.field(action.algebra.bracket(a, b), y)
    scale = float(one.norm() + other.norm())
    assert float((one - other - expected).norm()) <= 2 * accuracy * scale + 1e-12


def test_tangent_is_the_derivative(case):
    action, y, _ = case
    xi, v, h = element(action), torch.sin(7 * y), 1e-5
    xi[action.fields(y).flatten(2).norm(dim=(0, 2)) == 0] = 0.0  # the pace of time moves velocities alone
    slope = (action.field(xi, y + h * v) - action.field(xi, y - h * v)) / (2 * h)
    assert close(action.tangent().field(xi, v, at=y), slope, 1e-6)


def test_restriction_keeps_the_motion(case):
    action, y, _ = case
    rows = torch.eye(action.algebra.dim, dtype=torch.float64)[:1]
    part = action.restrict(rows)
    assert part.algebra.dim == 1
    assert close(part.fields(y), action.fields(y)[:, :1], 1e-12)


def test_points_are_left_alone(case):
    action, y, _ = case
    kept = y.clone()
    action.fields(y)
    action.flow(element(action), y, t=0.1)
    assert torch.equal(y, kept)


def test_generators_can_be_read(case):
    action, _, _ = case
    assert isinstance(action.describe(element(action)), str)


def test_wrong_element_is_refused(case):
    action, y, _ = case
    if isinstance(action, actions.Trivial | actions.Product | actions.Points):
        pytest.skip("the parts check the element, or nothing moves")
    with pytest.raises(iso.errors.RepresentationMismatchError, match="coordinates"):
        action.flow(torch.ones(action.algebra.dim + 1), y)


def test_divergence_is_the_trace_of_the_slope(case):
    action, y, _ = case
    if action.size > 100:
        pytest.skip("one pass per coordinate")
    slopes = torch.func.vmap(torch.func.jacrev(lambda z: action.fields(z[None])[0].flatten(1)))(y)
    traces = slopes.reshape(len(y), action.algebra.dim, action.size, action.size).diagonal(dim1=2, dim2=3).sum(2)
    assert close(action.divergence(y), traces, 1e-12)
    part = torch.ones(1, action.algebra.dim, dtype=torch.float64)
    assert close(action.restrict(part).divergence(y), traces.sum(1, keepdim=True), 1e-12)
