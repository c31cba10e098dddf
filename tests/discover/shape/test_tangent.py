"""Tangent frames of sampled shapes, and the affine symmetries their normal components leave visible."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isotropy.discover.shape._tangent import tangent_frames
from isotropy.errors import DataError

DOUBLE = torch.float64


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def uniform(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def noisy(points, sigma, seed=91):
    return points + sigma * normal(*points.shape, seed=seed)


def sphere(count, n=3, seed=0):
    points = normal(count, n, seed=seed)
    return points / points.norm(dim=1, keepdim=True)


def offset_ellipse(count):
    turn = 2 * math.pi * uniform(count)
    return torch.stack([2 * turn.cos() + 1, turn.sin() - 0.5], 1)


def parabola(count):
    t = 3 * uniform(count) - 1.5
    return torch.stack([t, t**2], 1)


def cylinder(count):
    turn = 2 * math.pi * uniform(count)
    return torch.stack([turn.cos(), turn.sin(), 4 * uniform(count, seed=1) - 2], 1)


def torus(count):
    u, v = 2 * math.pi * uniform(2, count)
    return torch.stack([(2 + 0.7 * v.cos()) * u.cos(), (2 + 0.7 * v.cos()) * u.sin(), 0.7 * v.sin()], 1)


def tilted_plane(count):
    basis = torch.linalg.qr(normal(5, 2, seed=7)).Q
    return (4 * uniform(count, 2) - 2) @ basis.T + 0.3, basis


def rotations(count):
    return torch.linalg.matrix_exp(_skew(_uniform_rotation_vectors(count))).reshape(count, 9)


def _uniform_rotation_vectors(count):
    q = sphere(count, 4)
    axis = q[:, 1:] / q[:, 1:].norm(dim=1, keepdim=True)
    return 2 * torch.atan2(q[:, 1:].norm(dim=1), q[:, 0])[:, None] * axis


def _skew(v):
    zero = torch.zeros(len(v), dtype=DOUBLE)
    x, y, z = v.T
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).reshape(-1, 3, 3)


def spectrum(frames, *, translations=True):
    """Singular values, ascending, of (I - P_z)(A z + b) over the unit matrices of (A, b)."""
    z = frames.anchors
    moved = torch.cat([z, torch.ones(len(z), 1, dtype=DOUBLE)], 1) if translations else z
    rows = torch.einsum("aki,aj->akij", frames.normals, moved).flatten(2)
    return torch.linalg.svdvals((frames.weights.sqrt()[:, None, None] * rows).flatten(0, 1)).flip(0)


def sphere_angle(frames):
    """Weighted rms angle error on the unit sphere, whose normal at z is z / |z|."""
    z = frames.anchors / frames.anchors.norm(dim=1, keepdim=True)
    tangent = torch.eye(z.shape[1], dtype=DOUBLE) - z[:, :, None] * z[:, None]
    errors = (tangent @ frames.normals).square().sum((1, 2)) / frames.dimension
    return math.sqrt((frames.weights * errors).sum() / frames.weights.sum())


def next_to_null(frames, nullity, **options):
    values = spectrum(frames, **options)
    return float(values[nullity] / values[nullity - 1])


def test_projectors_are_orthogonal_of_the_right_rank():
    frames = tangent_frames(noisy(sphere(400), 0.02), n_anchors=60)
    assert frames.anchors.shape == (60, 3)
    assert frames.normals.dtype == DOUBLE
    torch.testing.assert_close(frames.normals @ frames.normals, frames.normals)
    torch.testing.assert_close(frames.normals.mT, frames.normals)
    torch.testing.assert_close(torch.einsum("aii->a", frames.normals), torch.ones(60, dtype=DOUBLE))
    assert (frames.weights > 0).all() and (frames.weights <= 1).all()


@pytest.mark.parametrize(("n", "power"), [(2, 3.0), (3, 1.2)])
def test_without_noise_the_error_falls_as_points_are_added(n, power):
    errors = [sphere_angle(tangent_frames(sphere(count, n))) for count in (100, 400, 1600)]
    assert errors[1] < errors[0] / 4 ** (power / 2)
    assert errors[2] < errors[0] / 4**power


def test_noisy_circle_improves_with_more_data():
    clouds = [noisy(sphere(count, 2), 0.05) for count in (200, 1000, 4000)]
    found = [tangent_frames(cloud) for cloud in clouds]
    ratios = [next_to_null(frames, 1) for frames in found]
    assert ratios[0] > 40 and ratios[1] > 100 and ratios[2] > 150
    errors = [sphere_angle(frames) for frames in found]
    assert errors[2] < errors[1] < errors[0]
    assert all(frames.noise == pytest.approx(0.05, rel=0.15) for frames in found)
    assert found[2].weights.gt(0.1).double().mean() > 0.9


def test_sphere_with_small_noise_shows_so3():
    assert next_to_null(tangent_frames(noisy(sphere(1000), 0.01)), 3) > 100


def test_sphere_with_large_noise_shows_so3():
    values = spectrum(tangent_frames(noisy(sphere(4000), 0.05), n_anchors=300))
    assert values[2] < 0.01 * values[-1] and values[3] > 0.4 * values[-1]


@pytest.mark.parametrize(
    ("points", "sigma", "dimension", "nullity", "ratio"),
    [
        (offset_ellipse(1000), 0.02, 1, 1, 25),
        (parabola(1000), 0.01, 1, 2, 20),
        (cylinder(2000), 0.02, 2, 5, 40),
        (torus(3000), 0.02, 2, 1, 7),
    ],
    ids=["ellipse", "parabola", "cylinder", "torus"],
)
def test_affine_symmetries_of_shapes(points, sigma, dimension, nullity, ratio):
    frames = tangent_frames(noisy(points, sigma), n_anchors=300)
    assert frames.dimension == dimension
    assert next_to_null(frames, nullity) > ratio


def test_rotation_matrices_are_a_three_dimensional_manifold():
    frames = tangent_frames(noisy(rotations(3000), 0.01), n_anchors=300)
    assert frames.dimension == 3
    assert next_to_null(frames, 6, translations=False) > 50


def test_plane_in_five_dimensions():
    points, basis = tilted_plane(600)
    exact = torch.eye(5, dtype=DOUBLE) - basis @ basis.T
    torch.testing.assert_close(tangent_frames(points).normals, exact.expand(500, 5, 5), atol=1e-10, rtol=0)
    frames = tangent_frames(noisy(points, 0.02))
    assert frames.dimension == 2
    assert (frames.normals.mean(0) - exact).norm() < 0.01


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_points_that_fill_the_space_have_no_normals(n):
    frames = tangent_frames(normal(800, n))
    assert frames.dimension == n
    assert not frames.normals.any()
    assert frames.weights.all()


def test_shapes_as_thick_as_the_noise_stay_undecided():
    frames = tangent_frames(noisy(sphere(1000, 2), 0.25))
    assert frames.dimension is None
    assert not frames.weights.any() and math.isnan(frames.angle)
    assert tangent_frames(noisy(sphere(1000, 2), 0.25), dimension=1).normals.any()


def test_anchors_land_nearer_to_the_circle():
    frames = tangent_frames(noisy(sphere(2000, 2), 0.05))
    assert (frames.anchors.norm(dim=1) - 1).square().mean().sqrt() < 0.01


def test_estimated_angle_is_the_true_one_within_a_factor():
    for sigma in (0.01, 0.05):
        frames = tangent_frames(noisy(sphere(1000), sigma))
        assert 1 / 3 < frames.angle / sphere_angle(frames) < 3


def test_ends_of_an_open_arc_weigh_less():
    frames = tangent_frames(noisy(parabola(1000), 0.01))
    end = frames.anchors[:, 0].abs() > 1.45
    assert frames.weights[end].mean() < 0.5 * frames.weights[~end].mean()


def test_outliers_are_discounted():
    points = noisy(sphere(1000), 0.01)
    points[:50] = 3 * uniform(50, 3) - 1.5
    assert sphere_angle(tangent_frames(points)) < 0.01


def test_uneven_density_keeps_the_tangents():
    turn = 2 * math.pi * uniform(1500) ** 2
    frames = tangent_frames(noisy(torch.stack([turn.cos(), turn.sin()], 1), 0.02))
    assert frames.dimension == 1
    assert sphere_angle(frames) < 0.01


def test_duplicates_count_once():
    points = noisy(sphere(300, 2), 0.02)
    once, twice = tangent_frames(points), tangent_frames(torch.cat([points, points]))
    assert torch.equal(once.normals, twice.normals)


@given(shift=st.floats(-50, 50), scale=st.floats(0.01, 100))
@settings(max_examples=5, deadline=None)
def test_moving_and_scaling_the_points_moves_and_scales_the_answer(shift, scale):
    points = noisy(sphere(200, 2), 0.02)
    plain, moved = tangent_frames(points), tangent_frames(scale * points + shift)
    torch.testing.assert_close(moved.anchors, scale * plain.anchors + shift, atol=1e-6 * scale, rtol=1e-8)
    torch.testing.assert_close(moved.normals, plain.normals, atol=1e-6, rtol=0)
    assert moved.radius == pytest.approx(scale * plain.radius)


def test_seed_chooses_the_anchors_and_the_input_stays():
    points = noisy(sphere(300, 2), 0.02).float()
    before = points.clone()
    first, again, other = (tangent_frames(points, n_anchors=20, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(points, before)
    assert torch.equal(first.anchors, again.anchors)
    assert not torch.equal(first.anchors, other.anchors)


def test_scan_lists_growing_radii_around_the_chosen_one():
    frames = tangent_frames(noisy(sphere(500), 0.02))
    radii = [row.radius for row in frames.scan]
    assert radii == sorted(radii) and frames.radius in radii
    assert frames.scan[radii.index(frames.radius)].angle == min(row.angle for row in frames.scan)
    assert frames.spectrum.shape == (3,)


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        (torch.zeros(30), {}, r"shape \(N, n\), received \(30,\)"),
        (torch.full((30, 2), math.nan), {}, "finite points"),
        (torch.ones(30, 2), {}, "at least 20 distinct points, received 1"),
        (sphere(30), {"dimension": 4}, r"dimension in 1\.\.3, received 4"),
        (sphere(30), {"n_anchors": 0}, "n_anchors >= 1, received 0"),
        (sphere(30, 9), {"dimension": 5}, "points for dimension 5, received 30"),
    ],
)
def test_bad_input_is_refused(points, options, message):
    with pytest.raises(DataError, match=message):
        tangent_frames(points, **options)
