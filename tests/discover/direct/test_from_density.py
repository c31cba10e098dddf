"""Symmetries of densities: known score, known density, and learnt from points."""

import pytest
import torch

import isotropy as iso
from isotropy.actions import Affine, LogDensity, PolynomialFields
from isotropy.discover import FromDensity, FromModel
from isotropy.discover.surrogate._densities import fit_log_densities, score, score_loss
from isotropy.errors import DataError, RepresentationMismatchError

aff = Affine(iso.aff(3))


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def gaussian():
    """Points, precision and the rotations of the covariance about the mean."""
    mix = normal(3, 3, seed=1)
    x = normal(1000, 3, seed=2) @ mix.T + 1
    turns = mix @ iso.so(3).basis @ torch.linalg.inv(mix)
    homogeneous = torch.zeros(3, 4, 4, dtype=torch.float64)
    homogeneous[:, :3, :3], homogeneous[:, :3, 3] = turns, -turns.sum(2)
    return x, torch.linalg.inv(mix @ mix.T), iso.LieAlgebra(homogeneous)


def test_gaussian_by_its_score(gaussian):
    x, precision, truth = gaussian
    found = FromDensity(aff).fit_score(lambda z: -(z - 1) @ precision, x)
    assert (found.status_, found.algebra_.dim) == ("certified", 3)
    assert found.algebra_.distance(truth) < 1e-9


def test_gaussian_by_its_density_up_to_a_factor(gaussian):
    x, precision, truth = gaussian
    found = FromModel(aff, LogDensity(aff)).fit(lambda z: 7 - ((z - 1) @ precision * (z - 1)).sum(1) / 2, x)
    assert (found.status_, found.algebra_.dim) == ("certified", 3)
    assert found.algebra_.distance(truth) < 1e-9


def test_gaussian_from_points(gaussian):
    x, _, truth = gaussian
    found = FromDensity(aff, kinds=["polynomial-2", "polynomial-4"]).fit(x)
    assert found.algebra_.dim == 3
    assert found.algebra_.distance(truth) < 0.3
    assert any("every Gaussian" in sentence for sentence in found.limits_)


def test_ring_from_points():
    angle, radius = (
        2 * torch.pi * torch.rand(1500, generator=torch.Generator().manual_seed(0)).double(),
        1 + 0.2 * normal(1500),
    )
    x = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    found = FromDensity(iso.gl(2).vector(), kinds=["polynomial-2", "polynomial-4"]).fit(x)
    assert found.surrogate_.kind == "polynomial-4"
    assert found.algebra_.dim == 1
    assert found.algebra_.distance(iso.so(2)) < 0.1


def test_three_blobs_have_no_symmetry():
    centres = torch.tensor([[2.0, 0], [-1, 1], [0, -2]]).double()
    x = centres[torch.arange(1500) % 3] + 0.6 * normal(1500, 2)
    found = FromDensity(Affine(iso.aff(2)), kinds=["bumps"]).fit(x)
    assert (found.status_, found.algebra_.dim) == ("none", 0)


def test_volume_counts():
    """``p ~ 1 / x`` on the half-line is invariant under dilation as a measure; a constant is not."""
    G = iso.scaling(1).vector()
    x = torch.rand(100, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.5
    assert FromDensity(G).fit_score(lambda z: -1 / z, x).algebra_.dim == 1
    still = FromDensity(G).fit_score(torch.zeros_like, x)
    assert still.status_ != "certified"
    assert float(still.spectrum_[0]) == pytest.approx(1.0)


def test_nonlinear_fields_that_keep_a_density():
    """Shears ``y -> y + c x^2`` pushed through ``y - x^2``: the flow is finite and bends."""
    action = PolynomialFields(2, degree=2)
    x = normal(400, 2)
    points = torch.stack([x[:, 0], x[:, 1] + x[:, 0] ** 2], dim=1)

    def log_p(z):
        return -(z[:, 0] ** 2) / 2 - (z[:, 1] - z[:, 0] ** 2) ** 2 / 2

    known = FromDensity(action).fit_score(lambda z: torch.func.grad(lambda w: log_p(w).sum())(z), points)
    model = FromModel(action, LogDensity(action)).fit(log_p, points)
    assert known.algebra_.dim == model.algebra_.dim
    assert known.algebra_.distance(model.algebra_) < 1e-8


@pytest.mark.parametrize(
    ("broken", "status", "grade"), [(0.0, "certified", "exact"), (0.02, "certified", "approximate"), (0.2, "none", "")]
)
def test_a_known_score_is_judged_by_how_much_it_is_broken(broken, status, grade):
    """``exp(-r^2 / 2) (1 + ...)`` with two waves along the turn."""

    def log_p(z):
        return -z.square().sum(1) / 2 + broken * z[:, 0] * z[:, 1]

    def slope(z):
        return torch.func.grad(lambda w: log_p(w).sum())(z)

    found = FromDensity(iso.so(2).vector()).fit_score(slope, normal(400, 2))
    assert (found.status_, found.grade_) == (status, grade)
    true = broken * 8**0.5 / 2  # of x^2 - y^2, over 2^(1/2) of a turn, each in root mean square; about 1.4 times broken
    assert float(found.spectrum_[0]) == pytest.approx(true, rel=0.2, abs=1e-12)
    scaled = FromDensity(iso.gl(2).vector()).fit_score(lambda z: slope(z * 1e6) * 1e6, normal(400, 2) / 1e6)
    plain = FromDensity(iso.gl(2).vector()).fit_score(slope, normal(400, 2))
    assert torch.allclose(scaled.spectrum_, plain.spectrum_, rtol=1e-6, atol=1e-9)


def test_points_certify_where_they_are_many():
    """A normal law in a plane: its turn is certified by forty thousand points, not by one."""
    few, many = (
        FromDensity(iso.gl(2).vector(), kinds=["polynomial-2", "polynomial-4"]).fit(normal(n, 2)) for n in (1000, 40000)
    )
    assert (few.status_, few.algebra_.dim) == ("undecided", 1)
    assert (many.status_, many.algebra_.dim, many.grade_) == ("certified", 1, "approximate")
    assert many.upper_[0] <= 0.05 < few.upper_[0]
    assert any("as smooth as these" in sentence for sentence in many.limits_)


def test_log_density_flow_follows_its_field():
    output = LogDensity(Affine(iso.aff(2)))
    at, y, xi = normal(5, 2), normal(5, 1), 0.3 * normal(6)
    h = 1e-5
    slope = (output.flow(xi, y, h, at) - output.flow(xi, y, -h, at)) / (2 * h)
    assert torch.allclose(slope, output.field(xi, y, at), atol=1e-8)
    with pytest.raises(RepresentationMismatchError, match="base points"):
        output.fields(y)


@pytest.mark.parametrize("kind", ["polynomial-2", "polynomial-4", "bumps", "kernel-1"])
def test_kinds_come_near_the_score(kind):
    x = normal(1500, 2) * torch.tensor([1.0, 3.0])
    cross = fit_log_densities(x, kinds=[kind])
    model = cross.models[0]
    held = x[cross.fold == 0]
    exact = -held / torch.tensor([1.0, 9.0])
    learnt = score(lambda z: model(z)[:, 0], held)
    limit = {"polynomial-2": 0.1, "polynomial-4": 0.25, "bumps": 0.5, "kernel-1": 0.6}[kind]
    assert float((learnt - exact).norm() / exact.norm()) < limit


def test_score_loss_is_least_at_the_truth():
    x = normal(2000, 2)
    losses = [score_loss(lambda z, a=a: -a * z.square().sum(1) / 2, x) for a in (0.8, 1.0, 1.25)]
    assert losses[1] < min(losses[0], losses[2])
    assert losses[1] == pytest.approx(-1.0, abs=0.1)


def test_what_has_no_score_is_refused():
    x = normal(100, 2)
    with pytest.raises(DataError, match="FromPoints"):
        FromDensity(iso.gl(3).vector()).fit(torch.cat([x, x[:, :1]], dim=1))
    with pytest.raises(DataError, match="tolerance: expected a number between 0 and 1"):
        FromDensity(iso.gl(2).vector(), tolerance=0.0).fit(x)
    with pytest.raises(DataError, match="kinds"):
        FromDensity(iso.gl(2).vector(), kinds=["spline"]).fit(x)
    with pytest.raises(RepresentationMismatchError, match="one vector per point"):
        FromDensity(iso.gl(2).vector()).fit_score(lambda z: z.sum(1), x)
