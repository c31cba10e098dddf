"""Equations of motion from the sky and from made orbits."""

import math

import pytest
import torch

import isotropy as iso
from isotropy.dynamics import SecondOrder, central, choose_symmetry
from isotropy.errors import DataError


@pytest.fixture(scope="module")
def sky():
    return iso.datasets.load("planets").data


def test_planets_obey_kepler_with_and_without_rotations(sky):
    for symmetry in (None, iso.so(3)):
        model = SecondOrder(central(3), symmetry).fit(sky.states, sky.times)
        names = central(3).names()
        places = [(i, names.index(f"{a}/r^3")) for i, a in enumerate("xyz")]
        assert torch.nonzero(model.coef_).tolist() == [list(p) for p in places]
        for place in places:
            assert float(model.coef_[place]) == pytest.approx(-4 * math.pi**2, rel=1e-3)  # au^3 per year^2
        assert model.equations() == ["x'' = -39.5 x/r^3", "y'' = -39.5 y/r^3", "z'' = -39.5 z/r^3"]
        assert model.latex().splitlines()[1] == r"\ddot{x} &= - \frac{39.5 x}{r^{3}} \\"


def test_rotations_are_chosen_for_planets(sky):
    found = choose_symmetry(
        SecondOrder(central(3)), sky.states, sky.times, {"so(3)": iso.so(3), "size": iso.scaling(3)}
    )
    assert found.chosen.name == "so(3)" and found.chosen.dim == 6 and found.model.free_parameters_ == 1


def test_simulation_closes_the_orbit_of_mercury(sky):
    model = SecondOrder(central(3), iso.so(3)).fit(sky.states, sky.times)
    path = model.simulate(sky.states[0][0], sky.times[0])
    assert path.shape == sky.states[0].shape
    assert float((path - sky.states[0])[:, :3].norm() / sky.states[0][:, :3].norm()) < 0.02


def test_one_circle_does_not_tell_the_power():
    t = torch.linspace(0, 6, 100, dtype=torch.float64)
    circle = torch.stack([t.cos(), t.sin(), -t.sin(), t.cos()], dim=1)
    with pytest.raises(DataError, match="data that determine"):
        SecondOrder(central(2), iso.so(2)).fit([circle], [t])


def test_straight_lines_have_no_force():
    t = torch.linspace(0, 6, 100, dtype=torch.float64)
    line = torch.stack([t, 2 * t, torch.ones_like(t), 2 * torch.ones_like(t)], dim=1)
    with pytest.raises(DataError, match=r"there is no force|determine"):
        SecondOrder(central(2)).fit([line], [t])


def test_powers_are_needed():
    with pytest.raises(DataError, match="some powers"):
        central(3, ())
