import pytest
import torch

from isotropy.errors import DataError
from isotropy.symmetry.learnt import PolynomialClass, fit_linear
from isotropy.symmetry.learnt._class_gate import choose_degree, held_out_p_value


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_coefficients_and_covariance_are_those_of_least_squares():
    phi, y = draw(40, 3), draw(40, 2, seed=1)
    fit = fit_linear(phi, y)
    expected = torch.linalg.lstsq(phi, y).solution
    torch.testing.assert_close(fit.beta.reshape(3, 2), expected)
    rest = y - phi @ expected
    noise = rest.T @ rest / 37
    torch.testing.assert_close(fit.covariance, torch.kron(torch.linalg.inv(phi.T @ phi).contiguous(), noise))
    torch.testing.assert_close(fit.projector @ y, expected)


def test_freedom_counts_outputs_that_share_the_noise():
    phi, noise = draw(400, 3), draw(400, 2, seed=1)
    assert fit_linear(phi, noise).freedom == pytest.approx(2 * 397, rel=0.02)
    assert fit_linear(phi, noise * torch.tensor([1.0, 1e-3])).freedom == pytest.approx(397, rel=0.02)


def test_draws_have_the_covariance_and_the_seed():
    fit = fit_linear(draw(200, 2), draw(200, 1, seed=1))
    draws = fit.draws(20000, 3)
    torch.testing.assert_close(
        draws.T @ draws / 20000, fit.covariance, rtol=0.06, atol=0.03 * float(fit.covariance[0, 0])
    )
    assert torch.equal(draws, fit.draws(20000, 3))
    assert not torch.equal(draws, fit.draws(20000, 4))


def test_robust_covariance_sees_noise_that_depends_on_the_point():
    phi = torch.stack([torch.ones(4000, dtype=torch.float64), draw(4000)], dim=1)
    slopes = []
    for seed in range(200):
        noise = phi[:, 1:] * draw(4000, 1, seed=10 + seed)  # grows with the point
        slopes.append(float(fit_linear(phi, noise).beta[1]))
    true = torch.tensor(slopes).std()
    noise = phi[:, 1:] * draw(4000, 1, seed=5)
    plain, robust = (float(fit_linear(phi, noise, robust=r).covariance[1, 1]) ** 0.5 for r in (False, True))
    assert robust == pytest.approx(float(true), rel=0.2)
    assert plain < 0.7 * float(true)  # the fourth moment of a normal number is 3: 1 / 3^(1/2)


def test_dependent_or_too_many_terms_are_refused():
    with pytest.raises(DataError, match="3 for 3"):
        fit_linear(draw(3, 3), draw(3, 1))
    with pytest.raises(DataError, match="dependent ones"):
        fit_linear(draw(20, 2)[:, [0, 1, 0]], draw(20, 1))


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_gate_keeps_the_true_class_as_often_as_its_level_says(degree):
    """Four tests at most of level 0.025 each: of 60 draws, more than 12 rejections have a probability below 1 %."""
    chosen = []
    for seed in range(60):
        x = draw(150, 2, seed=seed)
        family = PolynomialClass(x, 5)
        phi = family.evaluate(x)
        beta = draw(family.terms(degree), 2, seed=1000)
        y = phi[:, : family.terms(degree)] @ beta + 0.1 * draw(150, 2, seed=2000 + seed)
        chosen.append(choose_degree(family, phi, y, 0.025).degree)
    assert min(chosen) == degree
    assert sum(d > degree for d in chosen) <= 12


def test_gate_does_not_depend_on_units_or_mixtures_of_outputs():
    x = draw(100, 2)
    family = PolynomialClass(x, 4)
    phi = family.evaluate(x)
    y = phi[:, :6] @ draw(6, 2, seed=1) + draw(100, 2, seed=2)
    mixed = y @ torch.tensor([[1e5, 2.0], [3e5, 1e-3]], dtype=torch.float64)
    one, other = (choose_degree(family, phi, values, 0.025) for values in (y, mixed))
    assert one.degree == other.degree
    assert list(one.p_values.values()) == pytest.approx(list(other.p_values.values()), rel=1e-6)


def test_gate_without_noise_takes_the_smallest_class_that_fits():
    x = draw(80, 2)
    family = PolynomialClass(x, 5)
    phi = family.evaluate(x)
    assert choose_degree(family, phi, phi[:, :6] @ draw(6, 1), 0.025).degree == 2


def test_held_out_errors_are_compared_in_pairs():
    ours = draw(100, seed=1).square()
    assert held_out_p_value(ours, ours) == 1.0
    assert held_out_p_value(ours + 1, ours) == 0.0
    gap = 0.3 + draw(100, seed=2)
    expected = 0.5 * torch.erfc(gap.mean() / gap.std() * 10 / 2**0.5)
    assert held_out_p_value(ours + gap, ours) == pytest.approx(float(expected), rel=1e-6)
