"""Claims from noisy trajectories: what is found, what is not said, and over which domain."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import isotropy as iso
from isotropy import datasets
from isotropy.actions import Affine, TimeScaled
from isotropy.discover import FromDynamics
from isotropy.discover.weak._fit import WeakFit
from isotropy.errors import DataError

AFFINE = Affine(iso.aff(2))


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def followed(field, starts, time=2.0, samples=150, finer=4):
    """Tracks `(T, n)` from starts `(k, n)` by Runge and Kutta, and their times."""
    step, state, path = time / (samples - 1) / finer, starts, [starts]
    for _ in range(samples - 1):
        for _ in range(finer):
            first = field(state)
            second = field(state + step / 2 * first)
            third = field(state + step / 2 * second)
            state = state + step / 6 * (first + 2 * second + 2 * third + field(state + step * third))
        path.append(state)
    times = torch.linspace(0, time, samples, dtype=torch.float64)
    return list(torch.stack(path, dim=1)), [times] * len(starts)


def noisy(states, noise, seed=0):
    """States with noise of a share of their root mean square."""
    size = noise * float(torch.cat(states).square().mean().sqrt())
    return [x + size * randn(*x.shape, seed=1000 * seed + k) for k, x in enumerate(states)]


def pol(x):
    return torch.stack([x[:, 1], -x[:, 0] + x[:, 1] - x[:, 0].square() * x[:, 1]], dim=1)


def prey(x):
    return torch.stack([x[:, 0] * (1 - x[:, 1]), x[:, 1] * (x[:, 0] - 1)], dim=1)


def hopf(x):
    return x - x * x.square().sum(1, keepdim=True) + torch.stack([-x[:, 1], x[:, 0]], dim=1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("field", "place"), [(pol, 0.0), (prey, 1.0)], ids=["Van der Pol", "Lotka-Volterra"])
def test_much_noise_is_no_symmetry(field, place, seed):
    """Both were certified by surrogates at noise 0.3."""
    states, times = followed(field, place + 0.7 * randn(8, 2, seed=seed).clamp(-1, 1), time=4.0)
    found = FromDynamics(AFFINE, kinds=["polynomial-1"]).fit(noisy(states, 0.3, seed), times)
    assert found.status_ != "certified"


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_turns_of_a_noisy_hopf_form_have_limits(noise):
    states, times = followed(hopf, randn(12, 2, seed=3))
    found = FromDynamics(AFFINE).fit(noisy(states, noise), times)
    assert (found.status_, found.vector_fields()) == ("certified", ["x d/dy - y d/dx"])
    (one,) = found.symmetry_.generators
    assert 0 <= one.lower <= one.error <= one.upper <= (1e-3 if noise == 0 else 0.05)
    assert one.grade == "approximate"  # samples of states are never exact
    assert found.symmetry_.ladder[0.05] == 1 and found.symmetry_.ladder[0.0] == 0
    assert (found.symmetry_.tolerance, found.symmetry_.level) == (0.05, 0.05)


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("tracks", [1, 3])
def test_a_limit_cycle_says_nothing_of_what_is_beside_it(noise, tracks):
    """On the cycle any field ``(1 - r^2) w`` may be added, and most break the turns; so many tracks, one curve."""
    angles = torch.arange(tracks, dtype=torch.float64)
    starts = torch.stack([angles.cos(), angles.sin()], dim=1)
    states, times = followed(hopf, starts, time=12.0, samples=240)
    found = FromDynamics(AFFINE, kinds=["polynomial"]).fit(noisy(states, noise), times)
    assert found.status_ == "undecided"
    assert any("visit too little of the space" in words for words in found.limits_)


def test_a_sphere_is_enough_for_turns_but_not_for_stretches():
    data = datasets.load("stars").data
    found = FromDynamics(iso.gl(3).vector()).fit(noisy(list(data.states), 0.01), data.times)
    assert (found.status_, found.algebra_.dim) == ("certified", 1)
    turn = iso.LieAlgebra(iso.so(3).basis[:1])
    assert found.algebra_.distance(turn) < 0.02  # the stretch along the axis leaves the sphere
    stretches = iso.LieAlgebra(torch.diag_embed(torch.eye(3, dtype=torch.float64)))
    none = FromDynamics(stretches.vector()).fit(data.states, data.times)
    assert none.status_ == "undecided"


def test_a_broken_turn_of_a_sphere_is_refuted():
    def bumped(x):
        push = torch.stack([6 * x[:, 1], -6 * x[:, 0], 5 * x[:, 0] * x[:, 1]], dim=1)
        return push - (push * x).sum(1, keepdim=True) * x

    starts = randn(20, 3, seed=2)
    states, times = followed(bumped, starts / starts.norm(dim=1, keepdim=True), time=1.0, samples=60)
    assert FromDynamics(iso.so(3).vector()).fit(states, times).status_ == "none"


@pytest.mark.parametrize("seed", range(2))
def test_white_force_is_told_from_noise(seed):
    """A turning, decaying state that is pushed all the time, as the pole of the Earth is."""
    draw, step = randn(20, 4000, 2, seed=seed), 0.005
    turn = torch.tensor([[-0.05, 1.0], [-1.0, -0.05]], dtype=torch.float64)
    state, path = randn(20, 2, seed=50 + seed), []
    for push in draw.unbind(1):
        path.append(state)
        state = state + step * state @ turn + 0.1 * step**0.5 * push
    states = list(torch.stack(path, dim=1)[:, ::20])
    times = [20 * step * torch.arange(200, dtype=torch.float64)] * 20
    found = FromDynamics(iso.gl(2).vector()).fit(noisy(states, 0.005, seed), times)
    assert (found.status_, found.algebra_.dim) == ("certified", 2)
    assert any("white in time" in words for words in found.limits_)


def test_pace_of_time_is_a_generator():
    """``z' = z^2``: ``z -> c z`` with time running 1 / c as fast."""

    def square(x):
        return torch.stack([x[:, 0].square() - x[:, 1].square(), 2 * x[:, 0] * x[:, 1]], dim=1)

    states, times = followed(square, 0.5 * randn(10, 2, seed=4).clamp(-1, 1), time=1.0)
    seen = noisy(states, 0.002)
    found = FromDynamics(TimeScaled(iso.gl(2).vector())).fit(seen, times)
    assert (found.status_, found.algebra_.dim) == ("certified", 1)
    assert "t d/dt" in found.vector_fields()[0]
    assert FromDynamics(iso.gl(2).vector()).fit(seen, times).status_ == "none"


def test_a_domain_beyond_the_states_costs_certainty():
    states, times = followed(hopf, 0.5 * randn(12, 2, seed=5))
    seen = noisy(states, 0.01)
    near = FromDynamics(AFFINE).fit(seen, times)
    box = FromDynamics(AFFINE).fit(seen, times, domain=(-3.0, 3.0))
    assert near.status_ == "certified"
    assert box.symmetry_.generators[0].upper > 2 * near.symmetry_.generators[0].upper
    assert any("over the domain errors may be" in words for words in box.limits_)
    ball = FromDynamics(AFFINE).fit(seen, times, domain=([0.0, 0.0], 1.0))
    assert ball.status_ == "certified"


def test_a_known_field_is_judged_over_a_domain():
    """Turns of the unit ball are kept by a field that breaks them outside it."""

    def field(x):
        outside = (x.norm(dim=1) - 1).clamp_min(0)[:, None]
        return hopf(x) + outside * torch.stack([x[:, 0], 0 * x[:, 0]], dim=1)

    road = FromDynamics(iso.so(2).vector())
    assert road.fit_field(field, domain=([0.0, 0.0], 1.0)).status_ == "certified"
    assert road.fit_field(field, domain=(-3.0, 3.0)).status_ == "none"
    with pytest.raises(DataError, match="received both or neither"):
        road.fit_field(field)
    with pytest.raises(DataError, match="received both or neither"):
        road.fit_field(field, randn(20, 2), domain=(-1.0, 1.0))


def test_units_of_states_and_time_do_not_matter():
    states, times = followed(hopf, randn(10, 2, seed=6))
    seen = noisy(states, 0.01)
    scale = torch.tensor([1e6, 1e-5], dtype=torch.float64)
    first = FromDynamics(AFFINE).fit(seen, times)
    second = FromDynamics(AFFINE).fit([x * scale + 3 * scale for x in seen], [1e3 * t for t in times])
    assert first.status_ == second.status_ == "certified"
    # Terms may change their signs, and with them which of the draws is which.
    np.testing.assert_allclose(
        [g.upper for g in first.symmetry_.generators], [g.upper for g in second.symmetry_.generators], rtol=0.15
    )


@pytest.mark.parametrize("numbers", [{"tolerance": 0.0}, {"level": 1.0}])
def test_fractions_are_demanded(numbers):
    states, times = followed(hopf, randn(4, 2))
    with pytest.raises(DataError, match="between 0 and 1"):
        FromDynamics(AFFINE, **numbers).fit(states, times)


def test_too_short_and_flat_tracks_are_undecided():
    short = [randn(6, 2, seed=k).cumsum(0) for k in range(10)]
    times = [torch.arange(6, dtype=torch.float64)] * 10
    found = FromDynamics(iso.so(2).vector(), kinds=["polynomial-1"]).fit(short, times)
    assert found.status_ == "undecided" and any("8 samples" in words for words in found.limits_)


def test_a_degree_that_brings_nothing_is_not_needed():
    """On a closed curve a further degree may have the same functions: there is nothing to test then."""
    rows: Any = SimpleNamespace()
    assert WeakFit.p_value(rows, 11, 11) == 1.0
