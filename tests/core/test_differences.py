"""Derivatives do not depend on units: every column has its own step, and exact rungs are believed."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import isotropy as iso
from isotropy.core._differences import central_differences, column_spread
from isotropy.errors import DerivativeUnavailableError

quick = settings(deadline=None, max_examples=25, derandomize=True)
G = iso.gl(3)
METHODS = ["auto", "forward", "jacobian", "double_backward", "difference"]


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def waves(scale, shift):
    """Eight plane waves in other units, and their exact gradient."""
    frequencies, heights = randn(8, 3, seed=1), randn(8, seed=2)

    def f(x):
        return torch.sin((x - shift) / scale @ frequencies.T) @ heights

    def gradient(x):
        return torch.cos((x - shift) / scale @ frequencies.T) * heights @ frequencies / scale

    return f, gradient


def errors(f, gradient, x, method):
    """Relative error of every generator."""
    exact = torch.einsum("sn,skn->sk", gradient(x), G.vector().fields(x))
    found = iso.lie_derivative(f, x, G.vector(), G.scalar(), method)[..., 0]
    return (found - exact).norm(dim=0) / exact.norm(dim=0)


@quick
@given(powers=st.lists(st.floats(-9, 9), min_size=3, max_size=3), method=st.sampled_from(METHODS))
def test_derivatives_are_right_in_any_units(powers, method):
    scale = 10 ** torch.tensor(powers, dtype=torch.float64)
    f, gradient = waves(scale, 0.0)
    assert float(errors(f, gradient, scale * randn(300, 3), method).max()) < 1e-6


@quick
@given(powers=st.lists(st.floats(-9, 9), min_size=3, max_size=3), far=st.floats(-1e3, 1e3))
def test_differences_see_a_cloud_far_from_the_origin(powers, far):
    scale = 10 ** torch.tensor(powers, dtype=torch.float64)
    f, gradient = waves(scale, far * scale)
    assert float(errors(f, gradient, scale * (randn(300, 3) + far), "difference").max()) < 1e-6


@pytest.mark.parametrize("scale", [1.0, 1e2, 1e4, 1e6])
@pytest.mark.parametrize("method", ["auto", "forward", "jacobian", "difference"])
def test_one_column_in_other_units(scale, method):
    units = torch.tensor([scale, 1.0, 1.0], dtype=torch.float64)
    f, gradient = waves(units, 0.0)
    x = units * randn(300, 3, seed=3)
    assert float(errors(f, gradient, x, method).max()) < 1e-9
    derivative = iso.LieDerivative(f, G.vector(), G.scalar())
    derivative(x)
    assert derivative.method == "jacobian"


def test_directions_have_steps_of_their_own_where_no_jacobian_is_formed():
    scale = 10 ** torch.linspace(-9, 9, 40, dtype=torch.float64)
    x, weights = scale * randn(50, 40, seed=4), randn(40, 5, seed=5)

    def f(x):
        return (x / scale @ weights / 6).tanh()

    directions = scale * randn(3, 50, 40, seed=6)
    exact = torch.func.vmap(lambda v: torch.func.jvp(f, (x,), (v,))[1])(directions)
    found = central_differences(f, x, directions)[1]
    assert float((found - exact).norm() / exact.norm()) < 1e-9


@pytest.mark.parametrize(
    ("f", "slope", "limit"),
    [
        (lambda x: x.float().sin().double().sum(1), torch.cos, 1e-3),  # rounds the point: longer steps
        (lambda x: (1e4 * x).sin().sum(1) / 1e4, lambda x: (1e4 * x).cos(), 1e-5),  # faster than the data: shorter
    ],
)
def test_steps_fit_the_map(f, slope, limit):
    x = randn(100, 3, seed=7)
    directions = randn(1, 100, 3, seed=8)
    exact = (slope(x) * directions[0]).sum(1)
    found = central_differences(f, x, directions)[1][0]
    assert float((found - exact).norm() / exact.norm()) < limit


def test_an_outlier_does_not_lengthen_the_steps_of_the_others():
    x = randn(100, 3, seed=9)
    x[0] *= 1e8
    found = central_differences(lambda x: x.sin().sum(1), x, torch.ones(1, 100, 3, dtype=torch.float64))[1][0]
    assert float((found - x.cos().sum(1))[1:].abs().max()) < 1e-9


def test_exact_derivatives_are_believed_where_no_two_steps_agree():
    """At a jump every quotient is another; it used to overrule the exact slope."""
    x = randn(24, 3, seed=10)
    x[:4] = 1e-12
    derivative = iso.LieDerivative(lambda x: (x + (x > 0)).sum(1), G.vector(), G.scalar())
    found = derivative(x)[..., 0]
    assert derivative.method == "jacobian"
    assert torch.equal(found, G.vector().fields(x).sum(2))


@quick
@given(powers=st.lists(st.floats(-9, 9), min_size=3, max_size=3), column=st.integers(0, 2))
def test_a_derivative_lost_in_one_column_is_seen_in_any_units(powers, column):
    scale = 10 ** torch.tensor(powers, dtype=torch.float64)
    keep = torch.ones(3, dtype=torch.float64)
    keep[column] = 0

    def f(x):
        return ((x * keep + x.detach() * (1 - keep)) / scale).square().sum(1)

    with pytest.raises(DerivativeUnavailableError, match="jacobian: disagrees"):
        iso.lie_derivative(f, scale * randn(50, 3), G.vector(), G.scalar(), "jacobian")


def test_spread_of_a_column_is_never_zero():
    x = torch.tensor([[0.0, 5.0, 1.0, 0.0], [0.0, 5.0, 3.0, 1.0], [0.0, 5.0, 2.0, 0.0]], dtype=torch.float64)
    # Of a column of zeros what the others have, their median.
    assert column_spread(x).tolist() == pytest.approx([1.4826, 5.0, 1.4826, 2**0.5 / 3])
    assert column_spread(torch.zeros(2, 3)).tolist() == [1.0, 1.0, 1.0]
