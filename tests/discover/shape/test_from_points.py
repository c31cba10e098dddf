"""Symmetries of sets of points: exact dimensions with exact tangents, and honest answers from noisy clouds."""

import math
import warnings

import pytest
import torch

import isotropy as iso
from isotropy.actions import Affine
from isotropy.discover import FromPoints
from isotropy.errors import DataError, RepresentationMismatchError, TrivialResultWarning
from isotropy.testing import assert_algebra, assert_estimator


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def spread(count, low, high, seed=1):
    unit = torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return low + (high - low) * unit


def normals_of(tangents):
    """Projectors `(S, n, n)` onto the complement of tangent vectors `(S, n, d)`."""
    frame = torch.linalg.qr(tangents).Q
    return torch.eye(frame.shape[1], dtype=torch.float64) - frame @ frame.mT


def curve(x, dx):
    """Points and normals of a curve from its columns and their derivatives."""
    return torch.stack(x, 1), normals_of(torch.stack(dx, 1)[:, :, None])


def circle():
    u = spread(200, 0, 2 * math.pi)
    return curve([u.cos(), u.sin()], [-u.sin(), u.cos()])


def ellipse():
    u = spread(200, 0, 2 * math.pi)
    return curve([2 * u.cos() + 0.5, u.sin() - 0.3], [-2 * u.sin(), u.cos()])


def parabola():
    s = spread(200, -1, 1)
    return curve([s, s**2], [torch.ones_like(s), 2 * s])


def exponential():
    s = spread(200, -1, 1)
    return curve([s, s.exp()], [torch.ones_like(s), s.exp()])


def clover():
    u = spread(200, 0, 2 * math.pi)
    r, dr = 1 + 0.3 * u.cos() + 0.4 * (3 * u).sin(), -0.3 * u.sin() + 1.2 * (3 * u).cos()
    return curve([r * u.cos(), r * u.sin()], [dr * u.cos() - r * u.sin(), dr * u.sin() + r * u.cos()])


def sphere():
    x = torch.nn.functional.normalize(randn(200, 3), dim=1)
    return x, x[:, :, None] * x[:, None, :]


def cylinder():
    u, z = spread(200, 0, 2 * math.pi), spread(200, -1, 1, seed=2)
    normal = torch.stack([u.cos(), u.sin(), 0 * u], 1)
    return normal + torch.stack([0 * z, 0 * z, z], 1), normal[:, :, None] * normal[:, None, :]


def plane():
    x = torch.cat([randn(200, 2), torch.ones(200, 1, dtype=torch.float64)], 1)
    return x, torch.diag(torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)).expand(200, 3, 3)


def line():
    along = torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64)
    x = randn(200, 1) * along + torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    return x, normals_of(along[:, None].expand(200, 3, 1))


def rotations(count=200):
    """Points and normals of SO(3) in the space of matrices (3, 3)."""
    q = torch.linalg.qr(randn(count, 3, 3)).Q
    q = q * torch.linalg.det(q)[:, None, None]
    tangents = torch.einsum("kij,bjl->bilk", iso.so(3).basis, q).reshape(count, 9, 3)
    return q.reshape(count, 9), normals_of(tangents)


EXACT = [
    (circle, iso.aff(2), 1, 0),
    (ellipse, iso.aff(2), 1, 0),
    (parabola, iso.aff(2), 2, 0),
    (exponential, iso.aff(2), 1, 0),
    (clover, iso.aff(2), 0, 0),
    (sphere, iso.aff(3), 3, 0),
    (cylinder, iso.aff(3), 5, 0),
    (ellipse, iso.se(2), 0, 0),
    (sphere, iso.se(3), 3, 0),
    (cylinder, iso.se(3), 2, 0),
    (plane, iso.se(3), 3, 0),
    (line, iso.se(3), 1, 1),
]


@pytest.mark.parametrize(
    ("shape", "candidates", "moving", "still"), EXACT, ids=[f"{e[0].__name__}-{e[1].name}" for e in EXACT]
)
def test_exact_tangents_give_exact_dimensions(shape, candidates, moving, still):
    found = FromPoints(Affine(candidates), tolerance=1e-3).fit(*shape())  # an exponential is near a parabola
    assert (found.algebra_.dim, found.trivial_.dim, found.transversal_.dim) == (moving, still, 0)
    assert found.status_ == ("certified" if moving else "none")
    assert_algebra(found.algebra_, tolerance=1e-8)


def test_fields_of_the_cylinder_span_what_they_should():
    found = FromPoints(Affine(iso.aff(3))).fit(*cylinder())
    expected = torch.zeros(5, 4, 4, dtype=torch.float64)
    expected[0, 0, 1], expected[0, 1, 0] = -1, 1
    for row, column in enumerate(range(4), start=1):
        expected[row, 2, column] = 1  # z may change by anything affine
    assert found.algebra_.distance(iso.LieAlgebra(expected)) < 1e-8


def test_rotations_among_matrices_move_from_both_sides():
    found = FromPoints(iso.gl(9).vector()).fit(*rotations())
    assert (found.status_, found.algebra_.dim, found.dimension_) == ("certified", 6, 3)
    assert found.algebra_.identify().name == "so(3)+so(3)"


def noisy_sphere(count=1000, noise=0.01, seed=0):
    x = torch.nn.functional.normalize(randn(count, 3, seed=seed), dim=1)
    return x + noise * randn(count, 3, seed=seed + 1)


def test_noisy_sphere_has_a_wide_gap():
    found = FromPoints(Affine(iso.aff(3))).fit(noisy_sphere())
    assert found.spectrum_[-4] / found.spectrum_[-3] > 20
    assert (found.status_, found.algebra_.dim, found.dimension_) == ("certified", 3, 2)
    assert found.identify().name == "so(3)"


def test_more_points_under_the_same_noise_never_hurt():
    u = spread(3000, 0, 2 * math.pi)
    x = torch.stack([u.cos(), u.sin()], 1) + 0.05 * randn(3000, 2)
    smallest = []
    for count, status in ((200, "undecided"), (800, "certified"), (3000, "certified")):
        found = FromPoints(Affine(iso.aff(2))).fit(x[:count])
        assert (found.status_, found.algebra_.dim, found.grade_ != "exact") == (status, 1, True)
        smallest.append(float(found.spectrum_[-1]))
    assert max(smallest) < 0.05
    assert smallest[2] < smallest[0]


def bumpy(height, waves, count=1500, noise=0.0):
    """A circle with waves."""
    u = spread(count, 0, 2 * math.pi)
    r, dr = 1 + height * (waves * u).cos(), -height * waves * (waves * u).sin()
    x, normals = curve([r * u.cos(), r * u.sin()], [dr * u.cos() - r * u.sin(), dr * u.sin() + r * u.cos()])
    return x + noise * randn(count, 2), normals


@pytest.mark.parametrize(
    ("height", "status", "grade"), [(0.0, "certified", "exact"), (0.005, "certified", "approximate"), (0.1, "none", "")]
)
def test_exact_normals_are_judged_by_how_much_they_are_broken(height, status, grade):
    found = FromPoints(iso.so(2).vector()).fit(*bumpy(height, 4))
    assert (found.status_, found.grade_) == (status, grade)
    assert float(found.spectrum_[-1]) == pytest.approx(height * 4, rel=0.1, abs=1e-12)  # two roots of one half cancel


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_estimated_normals_are_never_exact(noise):
    kept, broken = (FromPoints(iso.so(2).vector()).fit(bumpy(height, 4, noise=noise)[0]) for height in (0.0, 0.1))
    assert (kept.status_, kept.grade_) == ("certified", "approximate")
    assert broken.status_ != "certified"
    assert kept.lower_[0] == 0.0
    assert "narrower than their neighbourhood" in kept.limits_[0]


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_units_of_single_columns_change_nothing_about_exact_normals(unit):
    x, normals = bumpy(0.005, 4)
    units = torch.tensor([1.0, unit], dtype=torch.float64)
    first = FromPoints(Affine(iso.aff(2))).fit(x, normals)
    direction = torch.linalg.eigh(normals)[1][:, :, 1] / units
    direction = torch.nn.functional.normalize(direction)
    second = FromPoints(Affine(iso.aff(2))).fit(x * units, direction[:, :, None] * direction[:, None, :])
    assert (second.status_, second.algebra_.dim) == (first.status_, first.algebra_.dim) == ("certified", 1)
    assert torch.allclose(second.spectrum_, first.spectrum_, rtol=1e-4)


def test_a_noisy_plane_lets_motions_along_it_be():
    """Nothing leads off a plane along it but noise, which is no break."""
    x = torch.cat([randn(1000, 2), 0.01 * randn(1000, 1, seed=1)], dim=1)
    assert FromPoints(Affine(iso.se(3))).fit(x).status_ != "none"


def test_a_cloud_that_fills_its_space_cannot_answer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrivialResultWarning)
        found = FromPoints(Affine(iso.aff(2))).fit(torch.stack([spread(1000, 0, 1, s) for s in (1, 2)], 1))
    assert (found.status_, found.algebra_.dim, found.dimension_) == ("undecided", 0, 2)
    assert "fill the space" in found.limits_[0]


def test_change_of_basis_conjugates_the_answer():
    change = torch.tensor([[1.0, 0.5, 0.0], [0.0, 2.0, -0.3], [0.4, 0.0, 0.7]], dtype=torch.float64)
    x, normals = sphere()
    moved = torch.einsum("ij,bjk->bik", torch.linalg.inv(change).T, normals)
    directions = torch.nn.functional.normalize(moved[:, :, 0], dim=1)
    found = FromPoints(iso.gl(3).vector()).fit(x @ change.T, directions[:, :, None] * directions[:, None, :])
    assert found.algebra_.distance(iso.so(3).conjugate(change)) < 1e-8


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_units_change_nothing(unit):
    x = noisy_sphere(400)
    first, second = (FromPoints(iso.gl(3).vector()).fit(scale * x) for scale in (1.0, unit))
    assert torch.allclose(first.spectrum_, second.spectrum_, rtol=1e-4, atol=1e-9)
    assert first.algebra_.distance(second.algebra_) < 1e-6


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_units_change_nothing_where_translations_are_candidates(unit):
    x, normals = circle()
    first, second = (FromPoints(Affine(iso.aff(2))).fit(scale * x, normals) for scale in (1.0, unit))
    assert torch.allclose(first.spectrum_, second.spectrum_, atol=1e-9)
    assert (first.status_, second.status_) == ("certified", "certified")


def test_given_dimension_is_used():
    found = FromPoints(Affine(iso.aff(3)), dimension=2).fit(noisy_sphere(400))
    assert (found.dimension_, found.algebra_.dim) == (2, 3)


def test_contract_of_estimators():
    assert_estimator(lambda: FromPoints(Affine(iso.aff(3)), seed=3), [noisy_sphere(300)])


@pytest.mark.parametrize(
    ("x", "normals", "error", "words"),
    [
        (torch.ones(30, 3), None, RepresentationMismatchError, "received (3,)"),
        (torch.randn(5, 2), None, DataError, "at least 20 distinct points, received 5"),
        (torch.full((30, 2), math.nan), None, DataError, "received NaN"),
        (torch.randn(30, 2), torch.eye(2), RepresentationMismatchError, r"expected shape (30, 2, 2), received (2, 2)"),
        (torch.randn(30, 2), torch.full((30, 2, 2), math.nan), DataError, "normals: expected finite values"),
    ],
)
def test_bad_input_is_refused(x, normals, error, words):
    with pytest.raises(error) as caught:
        FromPoints(Affine(iso.aff(2))).fit(x, normals)
    assert words in str(caught.value)


def test_fractions_are_checked():
    with pytest.raises(DataError, match="level: expected a number between 0 and 1"):
        FromPoints(iso.so(2).vector(), level=1.5).fit(*circle())
