"""Symmetries from conserved charges: exact answers from a few thin orbits."""

import math

import pytest
import torch

import isotropy as iso
from isotropy import datasets
from isotropy.actions import Affine
from isotropy.discover import FromNoether
from isotropy.errors import DataError
from isotropy.testing import assert_algebra, assert_estimator

TIMES = torch.linspace(0, 5, 80, dtype=torch.float64)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def free(size, count=8):
    """Straight lines at constant speed."""
    t = TIMES[:, None]
    return [torch.cat([a + t * b, b.expand(len(t), size)], 1) for a, b in randn(count, 2, size)]


def oscillating(*frequencies, count=6):
    w, t = torch.tensor(frequencies, dtype=torch.float64), TIMES[:, None]
    return [
        torch.cat([a * (w * t).cos() + b * (w * t).sin(), w * (b * (w * t).cos() - a * (w * t).sin())], 1)
        for a, b in randn(count, 2, len(w))
    ]


@pytest.mark.parametrize("candidates", ["so(3)", "sl(3)", "gl(3)"])
def test_planets_turn(candidates):
    found = FromNoether(iso.named(candidates).vector()).fit(datasets.load("planets").data.states)
    assert (found.status_, found.algebra_.dim, found.identify().name) == ("certified", 3, "so(3)")
    assert found.algebra_.distance(iso.so(3)) < 0.02


@pytest.mark.parametrize("size", [2, 3])
def test_free_particles_keep_momenta_and_angular_momenta(size):
    """Each orbit is a line: only together do they fill the space."""
    found = FromNoether(Affine(iso.aff(size))).fit(free(size))
    assert (found.status_, found.transversal_.dim, found.trivial_.dim) == ("certified", 0, 0)
    assert found.algebra_.distance(iso.se(size)) < 1e-8
    assert_algebra(found.algebra_, tolerance=1e-8)


def test_oscillators_turn_only_when_isotropic():
    turning = FromNoether(Affine(iso.aff(3))).fit(oscillating(1.0, 1.0, 1.0))
    assert (turning.status_, turning.identify().name, turning.algebra_.dim) == ("certified", "so(3)", 3)
    axis = FromNoether(Affine(iso.aff(3))).fit(oscillating(1.0, 1.0, 1.7))
    assert (axis.status_, axis.vector_fields()) == ("certified", ["x d/dy - y d/dx"])
    fixed = FromNoether(Affine(iso.aff(2))).fit(oscillating(1.0, 1.7))
    assert (fixed.status_, fixed.algebra_.dim) == ("none", 0)


def test_positions_and_times_do_as_well():
    problem = datasets.kepler()
    found = FromNoether(iso.gl(3).vector()).fit([s[:, :3] for s in problem.data.states], problem.data.times)
    assert (found.status_, found.algebra_.dim) == ("certified", 3)
    assert found.algebra_.distance(iso.so(3)) < 1e-4


def test_orbits_of_one_plane_say_nothing_about_leaving_it():
    orbits = [torch.cat([s[:, :2], 0 * s[:, :1], s[:, 2:], 0 * s[:, :1]], 1) for s in oscillating(1.0, 1.0)]
    found = FromNoether(iso.so(3).vector()).fit(orbits)
    assert (found.algebra_.dim, found.transversal_.dim) == (1, 2)
    assert "off the set" in " ".join(found.limits_)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_units_and_weights_change_nothing(unit):
    """Every trajectory weighs the same, whatever its size."""
    orbits = datasets.load("planets").data.states
    first = FromNoether(iso.gl(3).vector()).fit(orbits)
    second = FromNoether(iso.gl(3).vector()).fit([unit * s for s in orbits])
    assert torch.allclose(first.spectrum_, second.spectrum_, atol=1e-10)
    third = FromNoether(iso.gl(3).vector()).fit([10.0**k * s for k, s in enumerate(orbits)])
    assert torch.allclose(first.spectrum_, third.spectrum_, atol=1e-8)


def test_rotated_frame_conjugates_the_answer():
    turn = torch.linalg.qr(randn(3, 3, seed=4)).Q
    orbits = oscillating(1.0, 1.0, 1.7)
    moved = [torch.cat([s[:, :3] @ turn.T, s[:, 3:] @ turn.T], 1) for s in orbits]
    first, second = (FromNoether(iso.gl(3).vector()).fit(o) for o in (orbits, moved))
    assert second.algebra_.distance(first.algebra_.conjugate(turn)) < 1e-8


@pytest.mark.parametrize(
    ("stretch", "status", "grade"), [(0.0, "certified", "exact"), (1e-4, "certified", "approximate"), (0.1, "none", "")]
)
def test_a_broken_turn_is_told_in_numbers(stretch, status, grade):
    """Two frequencies that differ a little: the turn goes with the orbits, whose charge then drifts."""
    found = FromNoether(iso.so(2).vector()).fit(oscillating(1.0, 1.0 + stretch, count=20))
    assert (found.status_, found.grade_) == (status, grade)
    if grade == "approximate":
        assert 0 < found.lower_[0] <= found.upper_[0] < 0.05


def test_every_orbit_has_to_keep_it():
    """Nine round oscillators do not excuse a stretched one."""
    round_, stretched = oscillating(1.0, 1.0, count=10), oscillating(1.0, 1.2, count=10)
    found = FromNoether(iso.so(2).vector()).fit([*round_[:9], stretched[9]])
    assert found.status_ != "certified"


def test_few_orbits_do_not_tell_how_others_keep_it():
    few, many = (FromNoether(iso.so(2).vector()).fit(oscillating(1.0, 1.01, count=n)) for n in (2, 40))
    assert (few.status_, many.status_) == ("undecided", "certified")
    assert "a fresh one may" in few.certificates_["tolerance"].words


def test_contract_of_estimators():
    assert_estimator(lambda: FromNoether(iso.gl(2).vector(), seed=1), [oscillating(1.0, 1.0)])


@pytest.mark.parametrize(
    ("orbits", "times", "words"),
    [
        ([randn(20, 4)], None, "at least 2, received 1"),
        ([randn(20, 3), randn(20, 3)], None, "expected 4 columns (positions, velocities), or 2 with times"),
        ([randn(20, 2), randn(20, 2)], None, "or 2 with times, received [2]"),
        ([randn(20, 2), randn(20, 2)], [TIMES[:20]], "times: expected one per trajectory, 2, received 1"),
        ([randn(20, 4), torch.zeros(20, 4)], None, "expected motion"),
        ([randn(20, 4), math.nan * randn(20, 4)], None, "trajectories[1]: expected finite"),
    ],
)
def test_bad_input_is_refused(orbits, times, words):
    with pytest.raises(DataError) as caught:
        FromNoether(iso.gl(2).vector()).fit(orbits, times)
    assert words in str(caught.value)


def test_fractions_are_checked():
    with pytest.raises(DataError, match="tolerance: expected a number between 0 and 1"):
        FromNoether(iso.so(2).vector(), tolerance=0.0).fit(oscillating(1.0, 1.0))
