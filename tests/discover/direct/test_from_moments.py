"""Symmetries from moments: no labels, no pairs."""

import pytest
import torch

import isotropy as iso
from isotropy.actions import Affine
from isotropy.discover import FromMoments
from isotropy.errors import DataError, NotFittedError


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def uniform(*shape, seed=0):
    return torch.rand(*shape, generator=generator(seed), dtype=torch.float64)


def waves(count, modes=(1, 2), seed=0):
    """A wave at random places of the circle; the shift turns mode m m times as fast."""
    angle = 2 * torch.pi * uniform(count, 1, seed=seed)
    return torch.cat([f(m * angle) for m in modes for f in (torch.cos, torch.sin)], dim=1)


def shift(modes=(1, 2)):
    basis = torch.zeros(1, 2 * len(modes), 2 * len(modes))
    for i, m in enumerate(modes):
        basis[0, 2 * i, 2 * i + 1], basis[0, 2 * i + 1, 2 * i] = -m, m
    return iso.LieAlgebra(basis)


def test_shifts_of_a_wave():
    found = FromMoments(iso.gl(4).vector()).fit(waves(20000))
    assert (found.status_, found.algebra_.dim) == ("certified", 1)
    assert found.algebra_.distance(shift()) < 0.05


def test_frequencies_come_out_as_integers():
    found = FromMoments(iso.gl(6).vector()).fit(waves(10000, (1, 2, 3)))
    frequencies = torch.linalg.eigvals(found.algebra_.basis[0]).imag.sort().values[3:]
    assert torch.allclose(frequencies / frequencies[0], torch.tensor([1.0, 2.0, 3.0]).double(), atol=0.03)


def test_coordinates_do_not_matter():
    change = torch.tensor([[1.0, 0.3, 0, 0], [0, 2, -0.5, 0], [0, 0, 0.4, 0.1], [0.2, 0, 0, 1]]).double()
    found = FromMoments(iso.gl(4).vector()).fit(waves(4000) @ change.T)
    assert found.algebra_.dim == 1
    assert found.algebra_.distance(shift().conjugate(change)) < 0.1


def test_a_torus_has_two_generators():
    one, other = waves(4000, seed=1), waves(4000, seed=2)
    found = FromMoments(iso.gl(8).vector()).fit(torch.cat([one, other], dim=1))
    assert found.algebra_.dim == 2
    first = torch.zeros(2, 8, 8, dtype=torch.float64)
    first[0, :4, :4], first[1, 4:, 4:] = shift().basis[0], shift().basis[0]
    assert found.algebra_.distance(iso.LieAlgebra(first)) < 0.2


def test_an_affine_symmetry_is_found_about_its_centre():
    found = FromMoments(Affine(iso.aff(4))).fit(waves(4000) + 3)
    assert found.algebra_.dim == 1
    centre = torch.tensor([3.0, 3, 3, 3, 1]).double()
    motion = found.algebra_.basis[0]
    assert float((motion @ centre).norm()) < 0.2 * float(motion[:4, :4].norm())


def test_second_moments_alone_are_refused():
    with pytest.raises(DataError, match="rotations of any covariance"):
        FromMoments(iso.gl(2).vector(), order=2).fit(uniform(100, 2))


def test_a_cube_is_not_a_ball():
    """Third moments of both vanish; the fourth ones, which the search did not see, tell them apart."""
    cube = FromMoments(iso.gl(3).vector()).fit(uniform(4000, 3) - 0.5)
    assert cube.status_ == "undecided"
    assert not cube.certificates_["finite_flow"].passed
    assert FromMoments(iso.gl(3).vector(), order=4).fit(uniform(4000, 3) - 0.5).status_ == "none"
    ball = torch.randn(80000, 3, generator=generator(), dtype=torch.float64)
    found = FromMoments(iso.gl(3).vector(), order=4).fit(ball)
    assert (found.status_, found.algebra_.dim) == ("certified", 3)
    assert found.algebra_.distance(iso.so(3)) < 0.2


def test_skew_data_without_symmetry_have_none():
    x = torch.randn(4000, 3, generator=generator(), dtype=torch.float64)
    found = FromMoments(iso.gl(3).vector()).fit((x / 2).exp() @ uniform(3, 3, seed=5))
    assert (found.status_, found.algebra_.dim) == ("none", 0)
    heavy = FromMoments(iso.gl(3).vector()).fit(x.exp() @ uniform(3, 3, seed=5))
    assert heavy.status_ == "undecided"
    assert "blocks of points carry the answer" in heavy.certificates_["tolerance"].words


def ring(count, height, waves, seed=0):
    """A ring of density ``1 + height cos(waves angle)``."""
    angle = 2 * torch.pi * uniform(4 * count, seed=seed)
    kept = angle[uniform(4 * count, seed=seed + 1) * (1 + height) < 1 + height * (waves * angle).cos()][:count]
    radius = 1 + 0.2 * torch.randn(len(kept), generator=generator(seed + 2), dtype=torch.float64)
    return torch.stack([radius * kept.cos(), radius * kept.sin()], dim=1)


@pytest.mark.parametrize(("order", "waves"), [(3, 2), (3, 3), (4, 4)])
def test_the_defect_is_the_height_of_the_waves_times_half_their_number(order, waves):
    found = FromMoments(iso.so(2).vector(), order=order).fit(ring(20000, 0.1, waves))
    assert found.status_ == "none"
    assert float(found.spectrum_[0]) == pytest.approx(0.1 * waves / 2, rel=0.35)


@pytest.mark.parametrize("waves", [2, 3, 4, 5])
@pytest.mark.parametrize("candidates", ["so(2)", "gl(2)"])
def test_a_modulated_density_is_not_certified(waves, candidates):
    """Third moments do not see four waves, nor five: those of two further orders do."""
    assert FromMoments(iso.named(candidates).vector()).fit(ring(20000, 0.3, waves)).status_ != "certified"


def test_more_points_narrow_the_limits():
    few, many = (FromMoments(iso.so(2).vector()).fit(ring(count, 0.0, 2)) for count in (4000, 64000))
    assert (few.status_, many.status_, many.grade_) == ("undecided", "certified", "approximate")
    assert many.upper_[0] < 0.05 < few.upper_[0]
    assert "about moments up to order 3" in many.limits_[0]
    loose = FromMoments(iso.so(2).vector(), tolerance=0.3).fit(ring(4000, 0.0, 2))
    assert loose.status_ == "certified"


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_units_change_nothing(unit):
    x = ring(8000, 0.1, 3)
    units = torch.tensor([1.0, unit], dtype=torch.float64)
    first = FromMoments(iso.gl(2).vector()).fit(x)
    second = FromMoments(iso.gl(2).vector()).fit(x * units)
    assert (second.status_, second.algebra_.dim) == (first.status_, first.algebra_.dim)
    assert torch.allclose(second.spectrum_, first.spectrum_, rtol=1e-3)


def test_chunks_give_the_same_answer():
    x = waves(4000)
    whole, chunked = FromMoments(iso.gl(4).vector()).fit(x), FromMoments(iso.gl(4).vector()).fit(iter(x.split(1000)))
    assert chunked.algebra_.distance(whole.algebra_) < 0.05
    again = FromMoments(iso.gl(4).vector()).fit(iter([x]))
    assert torch.equal(again.spectrum_, whole.spectrum_)


def test_nonlinear_candidates_are_allowed():
    found = FromMoments(iso.actions.PolynomialFields(2, 1)).fit(
        torch.randn(600, 2, generator=generator(), dtype=torch.float64)
    )
    assert found.algebra_.dim == 1


def test_data_that_cannot_answer_are_refused():
    flat = uniform(100, 2)
    with pytest.raises(DataError, match="principal components"):
        FromMoments(iso.gl(3).vector()).fit(torch.cat([flat, flat[:, :1]], dim=1))
    with pytest.raises(DataError, match="level: expected a number between 0 and 1"):
        FromMoments(iso.gl(2).vector(), level=2.0).fit(flat)
    with pytest.raises(DataError, match="points"):
        FromMoments(iso.gl(2).vector()).conclude()
    with pytest.raises(NotFittedError):
        _ = FromMoments(iso.gl(2).vector()).algebra_
