"""The weak form of trajectories: integrals, unbiased terms, and errors of the size that is said."""

import itertools

import numpy as np
import pytest
import torch

from isotropy.discover import bars
from isotropy.discover.weak._field import weak_doubt, weak_field
from isotropy.discover.weak._form import WeakForm, unbiased
from isotropy.discover.weak._target import extrapolation, points_over
from isotropy.discover.weak._test_functions import integrals
from isotropy.discover.weak._tracks import noise_of, tracks_of
from isotropy.errors import DataError
from isotropy.symmetry.learnt import PolynomialClass


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def spirals(noise, seed, tracks=6, samples=100):
    """Tracks of a linear spiral with a cubic pull, in closed form: ``r' = r - r^3``, ``angle' = 1``."""
    draw = np.random.default_rng(seed)
    times = torch.linspace(0, 2, samples, dtype=torch.float64)
    found = []
    for radius, angle in zip(draw.uniform(0.2, 1.8, tracks), draw.uniform(0, 2 * np.pi, tracks), strict=True):
        grown = (1 + (1 / radius**2 - 1) * torch.exp(-2 * times)).rsqrt()
        found.append(grown[:, None] * torch.stack([torch.cos(angle + times), torch.sin(angle + times)], dim=1))
    return [(x + noise * randn(*x.shape, seed=100 * seed + k), times) for k, x in enumerate(found)]


def velocity(x):
    return x - x * x.square().sum(1, keepdim=True) + torch.stack([-x[:, 1], x[:, 0]], dim=1)


@pytest.mark.parametrize("even", [True, False])
def test_integration_by_parts_holds_on_any_grid(even):
    times = torch.linspace(0, 3, 60, dtype=torch.float64)
    if not even:
        times = times + 0.3 * (times[1] - times[0]) * torch.sin(40 * times) * (times > 0) * (times < 3)
    values, slopes = integrals(times)
    assert values.shape == slopes.shape == (20, 60)
    torch.testing.assert_close(-(slopes @ torch.sin(2 * times)), values @ (2 * torch.cos(2 * times)), atol=2e-6, rtol=0)
    # The first test function is a half wave: its integral is 2 T / pi, and its product with itself T / 2.
    assert float(values[0].sum()) == pytest.approx(6 / np.pi, abs=1e-9)
    assert float(values[0] @ torch.sin(np.pi * times / 3)) == pytest.approx(1.5, abs=1e-8)


def test_unbiased_terms_have_the_mean_of_the_state_without_noise():
    """Under normal noise of any covariance, by a quadrature that is exact for these degrees."""
    family = PolynomialClass(randn(300, 2) @ torch.tensor([[2.0, 0.3], [0.0, 0.1]], dtype=torch.float64) + 5, 5)
    root = torch.tensor([[0.4, 0.1], [0.0, 0.2]], dtype=torch.float64)  # of the noise in whitened coordinates
    matrix = unbiased(family, root.T @ root)
    nodes, weights = np.polynomial.hermite_e.hermegauss(6)
    point, mean = family.centre[None] + 0.3, torch.zeros(1, len(family.change.T), dtype=torch.float64)
    for (a, p), (b, q) in itertools.product(zip(nodes, weights, strict=True), repeat=2):
        step = torch.tensor([[a, b]]) @ root @ family.root
        mean += p * q / (2 * np.pi) * family.evaluate(point + step) @ matrix
    torch.testing.assert_close(mean, family.evaluate(point), atol=1e-9, rtol=1e-9)


def test_coefficients_err_as_much_as_is_said():
    """Chi-square of the coefficients over their covariance has mean 1 per coefficient, at 2 % noise on the states."""
    found = []
    for seed in range(25):
        pairs = spirals(0.02, seed, tracks=10)
        field = weak_field(pairs, torch.cat([x for x, _ in pairs]), 1e-6)
        assert field.chosen.degree == 3
        points = field.family.centre + field.family.points @ field.family.root
        whitened = torch.linalg.solve_triangular(field.family.root, velocity(points), upper=True, left=False)
        truth = torch.linalg.lstsq(field.family.evaluate(points)[:, : field.terms], whitened).solution.flatten()
        error = field.fit.beta - truth
        found.append(float(error @ torch.linalg.solve(field.fit.covariance, error)) / len(error))
    # The standard error of the mean is (2 / (25 * 20))^(1/2) = 0.06.
    assert np.mean(found) == pytest.approx(1.0, abs=0.25)


def test_noise_of_neighbours_is_that_of_the_states():
    noise = noise_of(spirals(0.05, 1))
    torch.testing.assert_close(noise.variance.sqrt(), torch.full((2,), 0.05, dtype=torch.float64), rtol=0.1, atol=0)
    clean = noise_of(spirals(0.0, 1))
    spread = torch.cat([x for x, _ in spirals(0.0, 1)]).std(0)
    assert bool((clean.variance.sqrt() < 1.1 * bars.LEAST_NOISE * spread).all())


def test_noise_beside_a_cycle_is_not_taken_for_a_visit():
    """Off a limit cycle the states stand by their noise alone; ordinary least squares would call that a measurement."""
    times = torch.linspace(0, 20, 400, dtype=torch.float64)
    x = torch.stack([times.cos(), times.sin()], dim=1) + 0.02 * randn(400, 2)
    noise = noise_of([(x, times)])
    family = PolynomialClass(x, 2)
    rows = WeakForm(tracks_of([(x, times)], noise), noise, family).fit(None)
    assert rows.blurred(family.terms(1)) < 0.01
    assert rows.blurred(family.terms(2)) > 0.8
    assert rows.usable(family.terms(1)) and not rows.usable(family.terms(2))


def test_what_no_polynomial_gives_is_noticed():
    times = torch.linspace(0, 3, 150, dtype=torch.float64)
    pairs = []
    for k in range(8):
        state, path = 2 * randn(1, 2, seed=k), []
        for _ in times:
            path.append(state)
            for _ in range(4):  # a spiral with a ripple, midpoint rule
                half = state + 0.0025 * rippled(state)
                state = state + 0.005 * rippled(half)
        pairs.append((torch.cat(path) + 0.002 * randn(150, 2, seed=50 + k), times))
    field = weak_field(pairs, torch.cat([x for x, _ in pairs]), 0.025)
    assert "polynomial" in weak_doubt(field, 0.025)


def rippled(x):
    return torch.stack([-x[:, 1], x[:, 0] + 0.3 * torch.sin(6 * x[:, 0])], dim=1)


@pytest.mark.parametrize(
    ("domain", "lower", "upper"),
    [
        ((-1.0, 2.0), [-1, -1], [2, 2]),
        (([-1.0, 0.0], [1.0, 5.0]), [-1, 0], [1, 5]),
        (([3.0, 4.0], 2.0), [1, 2], [5, 6]),
    ],
    ids=["numbers", "box", "ball"],
)
def test_points_fill_a_domain(domain, lower, upper):
    points = points_over(domain, 2)
    lower, upper = (torch.tensor(end, dtype=torch.float64) for end in (lower, upper))
    assert points is not None and bool(((points >= lower) & (points <= upper)).all())
    torch.testing.assert_close(points.mean(0), (lower + upper) / 2, atol=0.05, rtol=0)
    assert float((points.amax(0) - points.amin(0) - (upper - lower)).abs().amax()) < 0.1


def test_a_ball_is_filled_evenly():
    points = points_over(([0.0, 0.0, 0.0], 2.0), 3)
    assert points is not None and float((points.norm(dim=1) < 1).double().mean()) == pytest.approx(1 / 8, abs=0.01)


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        ((1.0, -1.0), "above the lower"),
        (([0.0, 0.0, 0.0], [1.0, 1.0, 1.0]), "2 coordinates"),
        (([0.0, 0.0], -1.0), "positive radius"),
        ((1.0, 2.0, 3.0), "received 3 parts"),
    ],
)
def test_no_domain_is_refused(domain, message):
    with pytest.raises(DataError, match=message):
        points_over(domain, 2)


def test_extrapolation_is_one_at_home_and_has_no_bound_from_a_cycle():
    x = randn(500, 2)
    assert extrapolation(x, x, 3) == pytest.approx(1.0)
    # A square grows by 4 and a constant by 1; combinations that are small at home grow more.
    assert 4 < extrapolation(x, 2 * x, 2) < 8
    turn = torch.linspace(0, 6, 400, dtype=torch.float64)
    assert extrapolation(torch.stack([turn.cos(), turn.sin()], dim=1), x, 2) == float("inf")
