"""Claims under an assumption of smoothness: the process knows its errors, and limits hold what they should."""

import pytest
import torch

import isotropy as iso
from isotropy.errors import DataError
from isotropy.symmetry.smooth import affordable, fit_process, judge_smooth
from isotropy.symmetry.smooth._process import PROFILES, _prior, _values

G = iso.gl(2)


def cloud(samples, size=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(samples, size, dtype=torch.float64, generator=generator), generator


def noisy(y, share, generator):
    return y + share * y.std(0) * torch.randn(y.shape, dtype=torch.float64, generator=generator)


def bell(x):
    return torch.exp(-x.square().sum(1, keepdim=True) / 3)


def claimed(f, samples, share, seed=0, **options):
    x, generator = cloud(samples, seed=seed)
    return judge_smooth(x, noisy(f(x), share, generator), G.vector(), G.scalar(), **options)


# -- The process -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trend", [1, 2])
@pytest.mark.parametrize("kernel", PROFILES)
def test_slopes_vary_as_derivatives_of_the_values_do(kernel, trend):
    x, _ = cloud(4)
    profile, step = PROFILES[kernel], 1e-4
    moved = torch.cat([x[:, None] + step * sign * torch.eye(2, dtype=torch.float64) for sign in (1, -1)], 1)
    values = _values(profile, moved.flatten(0, 1), moved.flatten(0, 1), 1.3, trend).reshape(4, 2, 2, 4, 2, 2)
    second = (values[:, 0] - values[:, 1])[:, :, :, 0] - (values[:, 0] - values[:, 1])[:, :, :, 1]
    mixed = _values(profile, x, moved.flatten(0, 1), 1.3, trend).reshape(4, 4, 2, 2)
    first = (mixed[:, :, 0] - mixed[:, :, 1]) / (2 * step)
    whole = _prior(profile, x, 1.3, trend).reshape(4, 3, 4, 3)
    assert torch.allclose(whole[:, 0, :, 1:], first, atol=1e-6)
    assert torch.allclose(whole[:, 1:, :, 1:], second / (2 * step) ** 2, atol=1e-4)


def test_errors_of_slopes_are_as_large_as_the_process_says():
    x, generator = cloud(300)
    y = noisy(bell(x)[:, 0], 0.05, generator)
    process = fit_process(x, y - y.mean(), 0)
    points, _ = cloud(100, seed=5)
    mean, root, _ = process.posterior(points)
    true = -2 / 3 * points * bell(points)
    said = root.square().sum(1).unflatten(0, (-1, 3))[:, 1:]
    ratio = float((mean[:, 1:] - true).square().sum() / said.sum())
    assert 0.2 < ratio < 3


def test_residuals_left_out_are_those_of_a_fit_without_the_sample():
    x, generator = cloud(40)
    y = noisy(bell(x)[:, 0], 0.1, generator)
    process = fit_process(x, y - y.mean(), 0)
    gram = process.factor @ process.factor.T
    kept = torch.arange(1, 40)
    values = (process.factor @ process.factor.T @ process.weights)[kept]
    guess = gram[0, kept] @ torch.linalg.solve(gram[kept][:, kept], values)
    target = (gram @ process.weights)[0]
    assert float(process.left_out[0]) == pytest.approx(float(target - guess), rel=1e-6, abs=1e-9)


# -- What is claimed ---------------------------------------------------------------------------------------------------


def test_rotations_of_a_bell_are_found_and_nothing_else():
    found = claimed(bell, 300, 0.02)
    claim = found.claim
    assert claim.status == "certified" and len(claim.directions) == 1 and claim.grades == ("approximate",)
    assert float(G.span(claim.directions).distance(iso.so(2))) < 0.05
    assert claim.span.upper <= 0.05 and claim.ladder[0.1] == 1 and claim.ladder[0.0] == 0


def test_an_exact_symmetry_is_not_excluded_but_a_small_break_is():
    """The direction that is found is a little off; that does not exclude one beside it."""
    exact, broken = claimed(bell, 300, 0.01).claim, claimed(lambda x: bell(x) + 0.03 * x[:, :1], 800, 0.01).claim
    assert exact.span.lower == 0 and "allow an exact" in exact.why
    assert broken.span.lower > 0.01


@pytest.mark.parametrize("seed", range(3))
def test_a_clear_break_is_excluded(seed):
    found = claimed(lambda x: bell(x) + 0.3 * torch.sin(2 * x[:, :1]), 400, 0.02, seed)
    assert found.claim.status == "none" and not len(found.claim.directions)
    assert found.claim.span.lower > 0.05


def test_breaks_above_the_tolerance_are_not_certified():
    """A bell that is broken by one and a half times the tolerance, in 20 draws."""
    statuses = [
        claimed(lambda x: bell(x) + 0.035 * torch.sin(2 * x[:, :1]), 200, 0.1, seed).claim.status for seed in range(20)
    ]
    assert statuses.count("certified") <= 2


def test_what_the_map_ignores_has_a_small_effect():
    found = claimed(lambda x: torch.sin(x[:, :1]), 400, 0.02)
    assert len(found.claim.ignored) == 2 and not len(found.claim.directions)
    members = found.members(found.claim.ignored)
    assert all(error.upper == 0 for error in members.errors)
    assert all(0 <= effect.lower <= effect.value <= effect.upper <= 0.05 for effect in members.effects)
    assert set(members.grades) == {"approximate"} and 0 < found.claim.ignored_effect <= 0.05


def test_noise_alone_is_silent():
    x, generator = cloud(200)
    y = torch.randn(200, 1, dtype=torch.float64, generator=generator)
    claim = judge_smooth(x, y, G.vector(), G.scalar()).claim
    assert claim.status == "undecided" and not len(claim.ignored) and not len(claim.directions)


def test_velocities_turn_with_the_points():
    x, generator = cloud(300)
    y = noisy(x * bell(x) + 0.5 * x, 0.02, generator)
    action = G.vector()
    claim = judge_smooth(x, y, action, action.tangent()).claim
    assert claim.status == "certified"
    assert float(G.span(claim.directions).distance(iso.so(2))) < 0.05


def test_outputs_may_shift():
    """The same map with values about another point, which affine outputs can follow."""
    action = iso.actions.Affine(iso.se(2))
    x, generator = cloud(300)
    y = noisy(x * bell(x) + 0.5 * x, 0.02, generator)
    one = judge_smooth(x, y, action, action).claim
    shifted = judge_smooth(x, y + 3.0, action, action).claim
    assert one.status == "certified" and shifted.status == "none"


def test_members_are_broken_no_more_than_their_span():
    x, generator = cloud(400, 3)
    y = noisy(bell(x), 0.02, generator)
    found = judge_smooth(x, y, iso.gl(3).vector(), iso.gl(3).scalar())
    assert len(found.claim.directions) == 3
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=generator))[0]
    members = found.members(turn @ found.claim.directions)
    assert all(0 == one.lower < one.value <= one.upper < 1.1 * members.span.upper for one in members.errors)
    assert all(one.upper > 0 for one in members.effects)
    assert 0 < found.sine < 0.05


def test_a_dimension_that_is_asked_for_is_judged():
    claim = claimed(bell, 300, 0.02, size=2).claim
    assert claim.status == "undecided" and len(claim.directions) == 2
    assert claimed(bell, 300, 0.02, size=1).claim.status == "certified"


def test_a_better_kind_of_map_silences_the_process():
    x, generator = cloud(300)
    y = noisy(bell(x), 0.1, generator)
    beaten = judge_smooth(x, y, G.vector(), G.scalar(), rivals=0.7 * (y - bell(x)))
    assert beaten.claim.status == "undecided" and "worse on samples held out" in beaten.claim.why


def test_a_map_that_no_single_process_describes_gets_no_limits():
    """Waves that get shorter far out, under a law with far samples: one length knows none of them."""
    x, generator = cloud(400, seed=1)
    x = x / (torch.randn(400, 4, dtype=torch.float64, generator=generator).square().mean(1, keepdim=True)).sqrt()
    y = noisy(torch.sin(x.square().sum(1, keepdim=True)), 0.02, generator)
    found = judge_smooth(x, y, G.vector(), G.scalar())
    assert found.claim.status == "undecided" and "one smooth process" in found.claim.why
    assert not found.claim.span.known and not any(error.known for error in found.claim.errors)
    assert not any(error.known for error in found.members(found.claim.directions).errors)


def test_a_quadratic_trend_carries_a_quadratic_form_in_many_dimensions():
    x, generator = cloud(160, 6)
    form = (x[:, :3] * x[:, 3:]).sum(1, keepdim=True)
    y = noisy(form, 0.02, generator)
    vector = iso.gl(6).vector()
    rivals = 0.02 * form.std() * torch.randn(160, 1, dtype=torch.float64, generator=generator)
    found = judge_smooth(x, y, vector, iso.gl(6).scalar(), rivals=rivals)
    assert found.claim.status == "certified" and len(found.claim.directions) == 15  # so(3, 3)


def test_refusals():
    x, _ = cloud(60)
    with pytest.raises(DataError, match="tolerance"):
        judge_smooth(x, bell(x), G.vector(), G.scalar(), tolerance=2.0)
    with pytest.raises(DataError, match="full rank"):
        judge_smooth(x[:, :1].expand(-1, 2), bell(x), G.vector(), G.scalar())
    assert affordable(3, 3) and not affordable(30, 10)
