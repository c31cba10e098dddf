"""Rules on rotations: sizes, exact degrees, and what they integrate."""

import math

import pytest
import torch

import isotropy as iso
from isotropy.errors import DataError
from isotropy.quadrature import gauss, generated, haar, lebedev, polyhedral

RULES = [polyhedral("T"), polyhedral("I"), lebedev(5), lebedev(6), gauss(3), gauss(6), haar(20, seed=3)]


@pytest.mark.parametrize(("group", "size", "degree"), [("D2", 4, 1), ("T", 12, 2), ("O", 24, 3), ("I", 60, 5)])
def test_polyhedra(group, size, degree):
    rule = polyhedral(group)
    assert (len(rule), rule.degree) == (size, degree)
    products = rule.rotations[:, None] @ rule.rotations[None]
    nearest = (products[:, :, None] - rule.rotations).flatten(3).norm(dim=3).amin(2)
    assert float(nearest.max()) < 1e-12  # a group


def test_the_octahedron_leaves_what_lebedev_3_leaves():
    fine = [polyhedral("O").residual(degree) for degree in range(1, 7)]
    assert fine == pytest.approx([lebedev(3).residual(degree) for degree in range(1, 7)], abs=1e-6)


@pytest.mark.parametrize(("degree", "size"), [(1, 12), (5, 84), (6, 182), (7, 208), (8, 342), (9, 380), (11, 600)])
def test_lebedev(degree, size):
    rule = lebedev(degree)
    assert (len(rule), rule.degree) == (size, degree)


@pytest.mark.parametrize(("degree", "size"), [(0, 1), (1, 4), (2, 18), (3, 32), (4, 75), (6, 196), (7, 256)])
def test_gauss(degree, size):
    rule = gauss(degree)
    assert (len(rule), rule.degree) == (size, degree)


def test_residuals_of_coarse_grids():
    assert [gauss(2).residual(degree) for degree in (3, 4)] == pytest.approx([0.79, 0.55], abs=0.005)
    assert [gauss(4).residual(degree) for degree in (5, 6, 7)] == pytest.approx([0.60, 0.41, 0.075], abs=0.005)
    assert gauss(0).residual(3) == pytest.approx(math.sqrt(7))


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_elements_are_weighted_rotations(rule):
    gram = rule.rotations @ rule.rotations.transpose(1, 2)
    assert torch.allclose(gram, torch.eye(3, dtype=torch.float64).expand_as(gram), atol=1e-12)
    assert torch.allclose(torch.linalg.det(rule.rotations), torch.ones(len(rule), dtype=torch.float64))
    assert float(rule.weights.sum()) == pytest.approx(1.0)


@pytest.mark.parametrize("rule", [r for r in RULES if r.degree], ids=repr)
def test_polynomials_up_to_the_degree_are_averaged_exactly(rule):
    start = haar(1, seed=5).rotations[0]
    z = (rule.rotations @ start)[:, 2, 0]
    for power in range(rule.degree + 1):
        expected = 0.0 if power % 2 else 1 / (power + 1)
        assert float(rule.weights @ z**power) == pytest.approx(expected, abs=1e-12)


def test_random_rotations_are_seeded_and_unbiased():
    assert torch.equal(haar(5, seed=1).rotations, haar(5, seed=1).rotations)
    assert not torch.equal(haar(5, seed=1).rotations, haar(5, seed=2).rotations)
    assert haar(5).degree == 0
    assert float(haar(4000).rotations.mean(0).abs().max()) < 0.05


def test_inversion_doubles_and_keeps_the_degree():
    rule = iso.quadrature.polyhedral("T").with_inversion()
    assert (len(rule), rule.degree) == (24, 2)
    assert torch.equal(rule.rotations[12:], -rule.rotations[:12])
    assert float(rule.weights.sum()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: polyhedral("C5"), "group: expected"),
        (lambda: lebedev(0), "degree: expected 1 to 131"),
        (lambda: lebedev(132), "gauss has no upper end"),
        (lambda: gauss(-1), "degree: expected"),
        (lambda: haar(0), "n: expected"),
        (lambda: polyhedral("T").residual(-1), "degree: expected"),
        (lambda: polyhedral("T").with_inversion().with_inversion(), "it has both"),
    ],
)
def test_errors(call, text):
    with pytest.raises(DataError, match=text):
        call()


@pytest.mark.parametrize(
    ("label", "size", "degree"),
    [("0", 1, 0), ("i", 2, 0), ("2", 18, 2), ("2i", 36, 2), ("3", 75, 4), ("3i", 150, 4), ("4", 196, 6)],
)
def test_grids_of_the_study(label, size, degree):
    rule = iso.quadrature.grid(label)
    assert (len(rule), rule.degree, rule.has_inversion) == (size, degree, label.endswith("i"))
    assert rule.name == f"grid {label}"
    assert max([rule.residual(l) for l in range(1, degree + 1)], default=0.0) < 1e-7


def test_grids_leave_what_the_study_leaves():
    grid = iso.quadrature.grid
    assert [grid("2").residual(l) for l in (3, 4)] == pytest.approx([0.79, 0.55], abs=0.005)
    assert [grid("3").residual(l) for l in (5, 6, 7)] == pytest.approx([0.60, 0.41, 0.075], abs=0.005)
    assert grid("4").residual(7) == pytest.approx(0.46, abs=0.005)
    assert grid("0").residual(4) == pytest.approx(3.0)


def test_grid_angles_are_those_about_z_x_z():
    turn = 2 * math.pi / 3
    beta = math.acos(1 / math.sqrt(3))
    about_x = [[1, 0, 0], [0, math.cos(beta), -math.sin(beta)], [0, math.sin(beta), math.cos(beta)]]
    about_z = [[math.cos(turn), -math.sin(turn), 0], [math.sin(turn), math.cos(turn), 0], [0, 0, 1]]
    x, z = (torch.tensor(m, dtype=torch.float64) for m in (about_x, about_z))
    distances = (iso.quadrature.grid("2").rotations - z @ x @ z).flatten(1).norm(dim=1)
    assert float(distances.min()) < 1e-12


@pytest.mark.parametrize(("degree", "size"), [(3, 24), (5, 84), (7, 208), (9, 380), (11, 600), (13, 1036), (15, 1376)])
def test_one_turn_less_costs_one_degree(degree, size):
    rule = lebedev(degree)
    assert len(rule) == size
    points = size // (degree + 1)
    axes = rule.rotations.reshape(points, degree + 1, 3, 3)[:, 0]
    weights = rule.weights.reshape(points, degree + 1).sum(1)
    fewer = iso.quadrature._with_turns(axes, weights, degree, "fewer")
    assert fewer.degree == degree - 1


def test_a_random_start_keeps_the_degree_and_is_unbiased():
    rule = polyhedral("T")
    start = rule.randomised(3)
    assert (len(start), start.degree) == (12, 2)
    assert torch.equal(start.rotations, rule.randomised(3).rotations)
    generator = torch.Generator().manual_seed(0)
    cubes = torch.stack([(rule.weights @ rule.randomised(generator).rotations[:, 0, 0] ** 4) for _ in range(2000)])
    assert float(cubes.mean()) == pytest.approx(1 / 5, abs=4 * float(cubes.std()) / 2000**0.5)
    assert float(cubes.std()) > 0.01


@pytest.mark.parametrize(("rank", "moment", "enough"), [(0, 1, True), (1, 1, True), (2, 1, False), (0, 2, False)])
def test_rank_and_moment_ask_for_more(rank, moment, enough):
    rule = polyhedral("O")
    if enough:
        assert rule.require(2, rank, moment)
        return
    with pytest.warns(iso.errors.CoarseRuleWarning, match=r"expected degree 4 or more .* received O of degree 3"):
        assert not rule.require(2, rank, moment)


@pytest.mark.parametrize("label", ["", "1", "x", "i2", "2j"])
def test_unknown_grids_are_refused(label):
    with pytest.raises(DataError, match="label: expected"):
        iso.quadrature.grid(label)


@pytest.mark.parametrize(
    ("band_limit", "ours", "turns", "legendre"),
    [(2, 12, 30, 18), (3, 24, 42, 75), (5, 60, 154, 196), (7, 208, 390, 405), (9, 380, 722, 726)],
)
def test_fewer_evaluations_than_peers_for_the_same_band_limit(band_limit, ours, turns, legendre):
    """The table of docs/atoms.md."""
    rules = {2: polyhedral("T"), 3: polyhedral("O"), 5: polyhedral("I")}
    rule = rules.get(band_limit) or lebedev(band_limit)
    points = len(lebedev(band_limit if band_limit % 2 else band_limit + 1)) // (band_limit + 1 + (band_limit + 1) % 2)
    assert rule.degree >= band_limit
    assert (len(rule), points * (2 * band_limit + 1)) == (ours, turns)
    nodes = math.ceil((band_limit + 2) / 2)
    assert nodes * (2 * nodes - 1) ** 2 == legendre
    assert ours < min(turns, legendre)


def test_matrices_generate_their_group():
    spin = torch.tensor([[[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]], dtype=torch.float64)
    half = torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64))[None]
    tetrahedral = generated(torch.cat([spin, half]))
    assert (len(tetrahedral), tetrahedral.degree) == (12, polyhedral("T").degree)
    assert len(generated(-half)) == 2
    assert len(generated(torch.zeros(0, 3, 3))) == 1


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        (torch.eye(2)[None], r"expected orthogonal matrices \(k, 3, 3\), received shape \(1, 2, 2\)"),
        (2 * torch.eye(3)[None], "matrices that stretch"),
        (torch.linalg.matrix_exp(0.1 * iso.so(3).basis[:1]), "at most 1000 elements"),
    ],
)
def test_no_finite_group_is_refused(elements, reason):
    with pytest.raises(DataError, match=reason):
        generated(elements)
