import pytest
import torch

from isotropy.symmetry.learnt import LearntForms, fit_linear
from isotropy.symmetry.learnt._ellipsoid import ellipsoid_limits, largest_norm, smallest_norm

SEED = 5


def draw(*shape, seed=SEED):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def brute_force(a, b, radius, largest):
    """Projected gradient from many starts, over the ball."""
    u = draw(200, b.shape[1], seed=1)
    u = radius * u / u.norm(dim=1, keepdim=True)
    step = 0.45 / float(torch.linalg.matrix_norm(b, ord=2)) ** 2
    for _ in range(3000):
        slope = 2 * (a + u @ b.T) @ b
        u = u + (step if largest else -step) * slope
        u = u * (radius / u.norm(dim=1, keepdim=True)).clamp_max(1)
    norms = (a + u @ b.T).norm(dim=1)
    return float(norms.max() if largest else norms.min())


@pytest.mark.parametrize("shape", [(3, 3), (5, 2), (2, 4)])
@pytest.mark.parametrize("radius", [0.3, 3.0])
def test_secular_equation_agrees_with_brute_force(shape, radius):
    a, b = draw(shape[0], seed=shape[0]), draw(*shape)
    assert largest_norm(a, b, radius) == pytest.approx(brute_force(a, b, radius, True), rel=1e-6)
    assert smallest_norm(a, b, radius) == pytest.approx(brute_force(a, b, radius, False), rel=1e-4, abs=1e-5)


def test_hard_case_is_filled_up_with_the_top_eigenvector():
    b = torch.diag(torch.tensor([2.0, 1.0], dtype=torch.float64))
    a = torch.tensor([0.0, 0.6], dtype=torch.float64)  # no part in the top direction
    # max over the circle of 4 cos^2 + (0.6 + sin)^2: at sin = 0.2, 4 * 0.96 + 0.64
    assert largest_norm(a, b, 1.0) == pytest.approx((4 * 0.96 + 0.64) ** 0.5, rel=1e-12)


def test_no_offset_gives_the_largest_singular_value():
    b = draw(4, 3)
    zero = torch.zeros(4, dtype=torch.float64)
    assert largest_norm(zero, b, 2.0) == pytest.approx(2 * float(torch.linalg.matrix_norm(b, ord=2)), rel=1e-12)
    assert smallest_norm(zero, b, 2.0) == 0.0


def test_no_radius_gives_the_norm_itself():
    a, b = draw(4), draw(4, 3)
    assert largest_norm(a, b, 0.0) == smallest_norm(a, b, 0.0) == pytest.approx(float(a.norm()))


def forms_and_fit(seed):
    """Two candidates, four coefficients, made at random; truth and fit."""
    lie, chance = draw(2, 5, 4, seed=1), draw(2, 6, 4, seed=2)
    beta = draw(4, seed=3)
    phi = draw(50, 4, seed=4)
    y = (phi @ beta + 0.2 * draw(50, seed=100 + seed))[:, None]
    return LearntForms(lie, chance, torch.eye(2, dtype=torch.float64), 1), beta, fit_linear(phi, y)


@pytest.mark.parametrize("seed", range(5))
def test_limits_hold_for_all_directions_at_once(seed):
    forms, beta, fit = forms_and_fit(seed)
    limits = ellipsoid_limits(forms, fit, 0.05)
    thetas = draw(20, 2, seed=9)
    lie, chance = forms.lie @ beta, forms.chance @ beta
    true = (thetas @ lie).norm(dim=1) / (thetas @ chance).norm(dim=1)
    for theta, defect in zip(thetas, true.tolist(), strict=True):
        lower, upper = limits.direction(theta)
        assert lower <= defect <= upper
    assert limits.least() <= float(true.min())
    assert limits.span(torch.eye(2, dtype=torch.float64)) >= float(true.max())


def test_limits_widen_with_the_confidence_and_count_dimensions():
    forms, _, fit = forms_and_fit(0)
    theta = torch.tensor([1.0, 0.5], dtype=torch.float64)
    ends = [ellipsoid_limits(forms, fit, level).direction(theta) for level in (0.5, 0.05, 0.001)]
    assert ends[0][1] < ends[1][1] < ends[2][1]
    assert ends[0][0] >= ends[1][0] >= ends[2][0]
    limits = ellipsoid_limits(forms, fit, 0.05)
    both = torch.eye(2, dtype=torch.float64)
    first, second = limits.span(both[:1]), limits.span(both)
    assert limits.dimension(both, 0.99 * first) == 0
    assert limits.dimension(both, max(first, second)) == 2
