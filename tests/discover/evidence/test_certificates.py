"""The kernel, its split and its certificates; for each certificate, evidence on which it alone fails."""

import pytest
import torch

import isotropy as iso
from isotropy.actions import Affine, Trivial
from isotropy.discover.evidence._conclude import conclude
from isotropy.discover.evidence._evidence import Evidence, Factors
from isotropy.discover.evidence._kernel import relative_kernel, subspace_sine
from isotropy.discover.evidence._question import Question
from isotropy.discover.evidence._split import affine_normal, split_kernel
from isotropy.discover.surrogate._contest import fit_surrogates
from isotropy.discover.surrogate._sampled import sampled_question
from isotropy.errors import AmbiguousRankWarning, FlowError
from isotropy.symmetry._domain import Seen

RULES = {"rank": "gap", "floor": 1e-12, "resolution": 1e-9, "tolerance": 0.2}
FOLDS = 4


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def diagonal(*values):
    return torch.diag(torch.tensor(values, dtype=torch.float64))


def factors(broken, moved, turned=None):
    return Factors(broken, moved, torch.zeros(0, moved.shape[1], dtype=torch.float64) if turned is None else turned)


# -- kernel ----------------------------------------------------------------------------------------------------------


def test_spectrum_is_broken_over_moved():
    kernel = relative_kernel(factors(diagonal(2, 0.3, 0), diagonal(4, 1, 5)), **RULES)
    assert torch.allclose(kernel.spectrum, torch.tensor([0.5, 0.3, 0.0], dtype=torch.float64))
    assert (kernel.cut.dim, len(kernel.trivial), kernel.smallest_broken) == (1, 0, pytest.approx(0.3))
    assert kernel.null[0, 2].abs() > 0
    assert float(kernel.null[0, :2].abs().max()) < 1e-12


def test_outputs_that_move_count_as_motion():
    kernel = relative_kernel(factors(diagonal(1, 1), diagonal(1, 0), diagonal(1, 4)), **RULES)
    assert sorted(kernel.spectrum.tolist()) == pytest.approx([0.25, 0.5])


def test_directions_that_move_nothing_are_trivial():
    kernel = relative_kernel(factors(diagonal(1, 0, 0), diagonal(1, 1, 0)), **RULES)
    assert (kernel.cut.dim, len(kernel.trivial), len(kernel.spectrum)) == (1, 1, 2)
    assert torch.allclose(kernel.trivial.abs(), torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64))


def test_nothing_that_moves_is_an_empty_kernel():
    kernel = relative_kernel(factors(torch.zeros(2, 2).double(), torch.zeros(2, 2).double()), **RULES)
    assert (len(kernel.spectrum), len(kernel.trivial), kernel.cut.dim) == (0, 2, 0)
    assert kernel.smallest_broken == 1.0


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_spectrum_does_not_depend_on_basis_or_units(scale):
    broken, moved = randn(6, 4) @ diagonal(1, 1, 1, 0), randn(9, 4, seed=1) * 3
    change = randn(4, 4, seed=2) * torch.tensor([1.0, scale, 1.0, 1.0], dtype=torch.float64)
    first = relative_kernel(factors(broken, moved), **RULES)
    second = relative_kernel(factors(scale * broken @ change, scale * moved @ change), **RULES)
    assert torch.allclose(first.spectrum, second.spectrum, rtol=1e-5, atol=1e-6)
    mapped = second.null @ change.T
    assert subspace_sine(mapped, first.null, moved) < 1e-5


def test_rank_given_as_dimension_or_threshold():
    pair = factors(diagonal(1, 0.3, 0.01), diagonal(1, 1, 1))
    sizes = [relative_kernel(pair, **{**RULES, "rank": rank}).cut.dim for rank in ("gap", 0, 2, 0.02, 0.5)]
    assert sizes == [1, 0, 2, 1, 2]


def test_sine_between_spans():
    e, metric = torch.eye(3, dtype=torch.float64), torch.eye(3, dtype=torch.float64)
    tilted = torch.tensor([[0.8, 0.6, 0.0]], dtype=torch.float64)
    assert subspace_sine(e[:1], tilted, metric) == pytest.approx(0.6)
    assert subspace_sine(e[:0], e[:0], metric) == 0.0
    assert subspace_sine(e[:1], tilted, diagonal(3, 4, 1)) == pytest.approx(2.4 / (2.4**2 + 2.4**2) ** 0.5)


# -- split -----------------------------------------------------------------------------------------------------------


def whole_kernel(size):
    return relative_kernel(factors(torch.zeros(1, size).double(), torch.eye(size).double()), **RULES)


def test_points_of_a_plane_split_rotations():
    points = torch.cat([randn(50, 2), torch.zeros(50, 1, dtype=torch.float64)], 1)
    split = split_kernel(iso.so(3).vector(), whole_kernel(3).null, points)
    assert (len(split.tangent), len(split.transversal)) == (1, 2)
    turning = split.tangent[0] / split.tangent[0].norm()
    assert float(iso.so(3).element(turning)[:, 2].norm()) < 1e-10


def test_points_that_fill_the_space_split_nothing():
    split = split_kernel(iso.so(3).vector(), whole_kernel(3).null, randn(50, 3))
    assert (len(split.tangent), len(split.transversal)) == (3, 0)


def test_given_normals_decide():
    x = torch.nn.functional.normalize(randn(60, 3), dim=1)
    split = split_kernel(iso.gl(3).vector(), whole_kernel(9).null, x, x[:, :, None] * x[:, None, :])
    assert (len(split.tangent), len(split.transversal)) == (3, 6)
    assert iso.gl(3).span(split.tangent).distance(iso.so(3)) < 1e-8


def test_affine_span_of_few_points_is_not_judged():
    assert not bool(affine_normal(randn(3, 3)).any())
    plane = torch.cat([randn(20, 2), torch.full((20, 1), 7.0, dtype=torch.float64)], 1)
    assert torch.allclose(affine_normal(plane), diagonal(0, 0, 1), atol=1e-12)


# -- certificates ----------------------------------------------------------------------------------------------------


def no_error(xi, x):
    return torch.tensor(0.0)


def concluded(candidates, broken_by_fold, check=no_error, rank="gap", floor=1e-12):
    """The symmetry from the broken factors of each fold, on points that fill the space."""
    action = Affine(candidates) if iso.algebra._catalogue.is_affine(candidates) else candidates.vector()
    evidence = Evidence(action, Trivial(candidates, (1,)), FOLDS)
    points = randn(400, action.size)
    for index, broken in enumerate(broken_by_fold):
        x = points[index::FOLDS]
        ones = torch.ones(len(x), dtype=torch.float64)
        evidence.add_to(index, x, broken.expand(len(x), *broken.shape), ones, 0 * ones[:, None])
    domain = Seen.of(points).domain()
    return conclude(Question("Test", action, evidence, points[::FOLDS], domain, check, rank=rank, floor=floor))


def by_gap(G, f, x, rank="gap"):
    """The symmetry of a function as a road without a claim would conclude it."""
    evidence = iso.discover.FromModel(G.vector(), G.scalar()).partial_fit(f, x).evidence_
    return conclude(Question("Test", G.vector(), evidence, x[::8], Seen.of(x).domain(), no_error, rank=rank))


def broken_on(candidates, *pairs):
    """Rows `(k, dim)` that weigh candidate directions: (index, weight)."""
    rows = torch.zeros(len(pairs), candidates.dim, dtype=torch.float64)
    for row, (index, weight) in enumerate(pairs):
        rows[row, index] = weight
    return rows


def failed(found):
    return {name for name, certificate in found.certificates.items() if not certificate.passed}


TRANSLATIONS = iso.translation(3)


def test_good_evidence_is_certified():
    found = concluded(TRANSLATIONS, [broken_on(TRANSLATIONS, (0, 1.0))] * FOLDS)
    assert (found.status, failed(found), found.algebra.dim) == ("certified", set(), 2)
    assert set(found.certificates) == {"gap", "held_out", "closure", "finite_flow", "stability", "identifiability"}


def test_only_gap_fails():
    rows = broken_on(TRANSLATIONS, (0, 0.2), (1, 0.1))
    with pytest.warns(AmbiguousRankWarning, match="gap of at least 3"):
        found = concluded(TRANSLATIONS, [rows] * FOLDS, rank=1, floor=0.05)
    assert (found.status, failed(found)) == ("undecided", {"gap"})


def test_held_out_fails_on_too_few_samples():
    """Nine equations for ten unknowns leave a spurious direction that no other sample confirms."""
    G = iso.gl(4)
    x = torch.randn(9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = by_gap(G, lambda p: p.square().sum(1), x)
    assert found.status == "undecided"
    assert "held_out" in failed(found)


def test_only_closure_fails():
    """Two rotations without the third."""
    so3 = iso.so(3)
    found = concluded(so3, [broken_on(so3, (2, 1.0))] * FOLDS)
    assert (found.status, failed(found), found.algebra.dim) == ("undecided", {"closure"}, 2)
    assert found.certificates["closure"].value > 0.4


@pytest.mark.parametrize("answer", [torch.tensor(0.5), FlowError("ran away")])
def test_only_finite_flow_fails(answer):
    def check(xi, x):
        if isinstance(answer, Exception):
            raise answer
        return answer

    found = concluded(TRANSLATIONS, [broken_on(TRANSLATIONS, (0, 1.0))] * FOLDS, check)
    assert (found.status, failed(found)) == ("undecided", {"finite_flow"})


def test_flows_that_run_away_are_followed_for_less():
    seen = []

    def check(xi, x):
        seen.append(float(xi.norm()))
        if len(seen) % 3:
            raise FlowError("too far")
        return torch.tensor(0.0)

    found = concluded(TRANSLATIONS, [broken_on(TRANSLATIONS, (0, 1.0))] * FOLDS, check)
    assert failed(found) == set()
    assert seen[2] == pytest.approx(seen[0] / 4)


def test_only_stability_fails():
    """One direction of many rests on a single fold; among so many, its error on that fold goes under."""
    many = iso.translation(45)
    folds = [broken_on(many, (0, 1.0))] + [broken_on(many, (1, 0.03))] * (FOLDS - 1)
    found = concluded(many, folds, rank=44)
    assert (found.status, failed(found)) == ("undecided", {"stability"})
    assert found.certificates["stability"].value > 0.9


@pytest.mark.parametrize(("thickness", "passed"), [(1.0, True), (0.001, False)])
def test_identifiability_needs_data_of_some_extent(thickness, passed):
    """Moves along y are kept to a percent; on points close to the axis, moves by y are hardly seen."""
    x = torch.randn(400, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x[:, 1] *= thickness
    found = by_gap(iso.gl(2), lambda p: p[:, 0].sin() + 0.03 * (3 * p[:, 0]).sin() * p[:, 1] / thickness, x, rank=2)
    assert found.certificates["identifiability"].passed == passed
    assert (found.status == "certified") <= passed


def test_identifiability_bounds_what_the_moon_leaves_open():
    """The Moon keeps to a thin shell, so stretches across it hardly move the data."""
    data, vectors = iso.datasets.load("moon").data, iso.sl(3).vector()
    cross = fit_surrogates(data.x, data.y, kinds=["polynomial-5"])
    found = conclude(sampled_question("by the gap", cross, data.x.double(), vectors, vectors, "gap", 0))
    assert 0.1 < found.algebra.distance(iso.so(3)) < found.certificates["identifiability"].value


def test_statuses_without_a_kernel():
    everything = broken_on(TRANSLATIONS, (0, 1.0), (1, 1.0), (2, 1.0))
    found = concluded(TRANSLATIONS, [everything] * FOLDS)
    assert (found.status, found.certificates, found.algebra.dim) == ("none", {}, 0)


@pytest.mark.filterwarnings("ignore::isotropy.errors.SymmetryWarning")
def test_two_points_that_repeat_give_an_answer():
    """Kept points that are all alike do not move along half of the candidates."""
    x = torch.eye(2, dtype=torch.float64).repeat(20, 1)
    road = iso.discover.FromModel(iso.gl(2).vector(), iso.gl(2).scalar())
    assert road.fit(lambda p: p.square().sum(1), x).status_ == "undecided"


@pytest.mark.parametrize("decades", [6, 24])
def test_finite_flows_do_not_depend_on_units(decades):
    """Nor on how long the generators are written: they are followed as far, in spreads of the columns."""
    x = torch.randn(200, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    unit = 10 ** (decades * torch.tensor([-0.5, 0.0, 0.5], dtype=torch.float64))
    action, still = iso.gl(3).vector(), iso.gl(3).scalar()
    f = lambda x: x.square().sum(1).exp().reciprocal()  # noqa: E731
    plain = iso.discover.FromModel(action, still).fit(f, x)
    scaled = iso.discover.FromModel(action, still).fit(lambda x: f(x / unit), x * unit)
    assert (plain.status_, plain.algebra_.dim) == (scaled.status_, scaled.algebra_.dim) == ("certified", 3)
    assert scaled.certificates_["finite_flow"].value < 1e-9


@pytest.mark.parametrize("decades", [0, 14, 20])
def test_no_unit_makes_a_column_look_empty(decades):
    """A line in the plane leaves its normal out in any unit, and a cloud leaves nothing out."""
    unit = 10 ** (decades * torch.tensor([-0.5, 0.5], dtype=torch.float64))
    cloud, action = randn(60, 2), iso.gl(2).vector()
    every = torch.diag((unit[:, None] / unit).flatten())  # which move as far, whatever the units
    assert len(split_kernel(action, every, cloud * unit).transversal) == 0
    line = torch.stack([cloud[:, 0], cloud[:, 0]], 1)
    found = split_kernel(action, every, line * unit)
    assert (len(found.tangent), len(found.transversal)) == (3, 1)
