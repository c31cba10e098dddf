"""Landscapes with a known symmetry: actions keep the loss, orbit maxima are exact, and what they buy."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isotropy.datasets import Booth, Quadratic, Rosenbrock
from isotropy.errors import DataError, RepresentationMismatchError

CORNER = torch.tensor([[-1.0, -1.0]], dtype=torch.float64)
FAR = torch.tensor([[5.0, -5.0]], dtype=torch.float64)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def turned(landscape, angles, x):
    cos, sin = torch.cos(angles), torch.sin(angles)
    return landscape.act(torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2), x)


@pytest.mark.parametrize("landscape", [Rosenbrock(), Booth()])
def test_turning_keeps_the_loss(landscape):
    x, angles = randn(1000, 2), 7 * randn(1000, seed=1)
    before, after = landscape.loss(x), landscape.loss(turned(landscape, angles, x))
    assert float(((after - before) / before).abs().max()) < 1e-12


@pytest.mark.parametrize("landscape", [Rosenbrock(), Booth(), Quadratic(torch.eye(4) + 1)])
def test_point_inverts_the_chart(landscape):
    x = randn(50, landscape.n)
    assert torch.allclose(landscape.point(landscape.chart(x)), x, rtol=0, atol=1e-12)


@given(st.tuples(st.floats(-2, 2), st.floats(-2, 2)))
@settings(max_examples=15, deadline=None)
def test_no_point_of_the_orbit_is_steeper(start):
    rosenbrock, x = Rosenbrock(), torch.tensor([start], dtype=torch.float64)
    best = rosenbrock.gradient(rosenbrock.steepest(x)).norm()
    angles = torch.linspace(0, 2 * torch.pi, 2001, dtype=torch.float64)
    orbit = rosenbrock.turn(angles, x.expand(2001, 2))
    assert float(best) >= float(rosenbrock.gradient(orbit).norm(dim=1).max()) * (1 - 1e-9)


def test_steepest_point_of_a_quadratic_is_an_eigenvector():
    bowl = Quadratic(torch.diag(torch.tensor([1.0, 2.0, 5.0])), torch.ones(3))
    best = bowl.steepest(randn(20, 3))
    assert torch.allclose(bowl.loss(best), bowl.loss(randn(20, 3)))
    assert torch.allclose(bowl.gradient(best).square().sum(1), 2 * 5.0 * bowl.loss(best))


def test_booth_after_one_teleport_goes_straight_to_the_minimum():
    booth = Booth()
    best = booth.steepest(FAR)
    slope = booth.gradient(best)
    assert torch.allclose(slope.square().sum(1), 36 * booth.loss(best), rtol=1e-12)
    pushed = slope @ booth.hessian
    assert float(torch.cosine_similarity(pushed, slope)) == pytest.approx(1, abs=1e-12)
    assert float(booth.loss(best - slope / 18)) < 1e-25


def test_booth_falls_by_the_published_ratio():
    losses = Booth().descend(FAR, 0.08, 10, move=Booth().steepest, at=[4])[:, 0]
    assert (losses[6:] / losses[5:-1]).tolist() == pytest.approx([(1 - 0.08 * 18) ** 2] * 4, rel=1e-10)
    assert float(losses[9]) == pytest.approx(0.004881, rel=1e-3)


def test_rosenbrock_with_exact_maxima_against_plain_descent():
    rosenbrock = Rosenbrock()
    moved = rosenbrock.descend(CORNER, 1e-3, 501, move=rosenbrock.steepest, at=range(99, 501, 100))[:, 0]
    plain = rosenbrock.descend(CORNER, 1e-3, 501)[:, 0]
    assert float(moved[499]) < 1e-8
    assert float(plain[500]) == pytest.approx(0.2572, abs=5e-5)
    assert torch.equal(moved[:100], plain[:100])


def test_maximum_at_step_99_is_the_known_one():
    rosenbrock = Rosenbrock()
    x = CORNER
    for _ in range(99):
        x = x - 1e-3 * rosenbrock.gradient(x)
    best = rosenbrock.steepest(x)
    assert float(rosenbrock.gradient(x).square().sum()) == pytest.approx(2.875, abs=1e-3)
    assert float(rosenbrock.gradient(best).square().sum()) == pytest.approx(2208.31, abs=0.01)


def test_the_minimum_is_its_own_orbit():
    x = torch.ones(1, 2, dtype=torch.float64)
    assert torch.allclose(Rosenbrock().steepest(x), x)


@pytest.mark.parametrize("form", [torch.ones(2, 3), -torch.eye(2), torch.tensor([[1.0, 1.0], [0.0, 1.0]])])
def test_a_form_that_is_no_bowl_is_refused(form):
    with pytest.raises(DataError, match="symmetric positive definite"):
        Quadratic(form)


def test_shapes_are_checked():
    with pytest.raises(RepresentationMismatchError, match="matrices of shape"):
        Booth().act(torch.eye(3), FAR)
    with pytest.raises(RepresentationMismatchError, match="events of shape"):
        Booth().descend(torch.zeros(1, 3), 0.1, 2)
