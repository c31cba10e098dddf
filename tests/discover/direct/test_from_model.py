"""Symmetries of maps: exact dimensions on problems whose answer is known, and honest answers elsewhere."""

import warnings

import pytest
import torch
from torch import nn

import isotropy as iso
from isotropy.actions import Affine, Points, TimeScaled
from isotropy.discover import FromModel
from isotropy.errors import AmbiguousRankWarning, DataError, TrivialResultWarning
from isotropy.testing import assert_action, assert_algebra, assert_equivariant, assert_estimator

DTYPES = pytest.mark.parametrize("dtype", [torch.float64, torch.float32])


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def square(x):
    return x.square().sum(1)


def cross(x):
    return torch.linalg.cross(x[:, :3], x[:, 3:])


def linear(algebra):
    return algebra.vector(), algebra.scalar()


def shared(candidates, f, points, expected, name=None):
    """A problem: candidate actions, map, points, dimension and name of the answer."""
    return candidates, f, points, expected, name


def affine(n):
    G = iso.aff(n)
    return Affine(G), G.scalar()


def cross_shared():
    V = iso.gl(3).vector()
    return 2 * V, V


def cross_independent():
    G = iso.gl(3) + iso.gl(3) + iso.gl(3)
    return G.vector(0) + G.vector(1), G.vector(2)


def intertwiners():
    G = iso.gl(3) + iso.gl(3)
    return G.vector(0), G.vector(1)


def potential(x):
    """Three bodies that attract each other by 1/r."""
    r = x.reshape(-1, 3, 3)
    return sum(1 / (r[:, i] - r[:, j]).norm(dim=1) for i, j in [(0, 1), (0, 2), (1, 2)])


def bodies():
    G = iso.aff(3)
    return Points(Affine(G), 3), G.scalar()


def bodies_scaled():
    G = iso.aff(3) + iso.scaling(1)
    return Points(Affine(G, factor=0), 3), G.vector(1)


def flow(action):
    return action, action.tangent()


def oscillator(x):
    half = x.shape[1] // 2
    return torch.cat([x[:, half:], -x[:, :half]], dim=1)


def kepler(x):
    q, p = x[:, :3], x[:, 3:]
    return torch.cat([p, -q / q.norm(dim=1, keepdim=True) ** 3], dim=1)


def hopf(x):
    u, v = x[:, 0], x[:, 1]
    r2 = u**2 + v**2
    return torch.stack([u - v - u * r2, u + v - v * r2], dim=1)


def lorenz(x):
    u, v, w = x.T
    return torch.stack([10 * (v - u), u * (28 - w) - v, u * v - 8 / 3 * w], dim=1)


METRIC = torch.tensor([1.0, -1.0, -1.0, -1.0], dtype=torch.float64)
EUCLIDEAN = {n: shared(linear(iso.gl(n)), square, randn(200, n), n * (n - 1) // 2, f"so({n})") for n in (2, 3, 4)}
PROBLEMS = {
    "norm in gl(2)": EUCLIDEAN[2],
    "norm in gl(3)": EUCLIDEAN[3],
    "norm in gl(4)": EUCLIDEAN[4],
    "norm in aff(2)": shared(affine(2), square, randn(200, 2), 1),
    "norm in aff(3)": shared(affine(3), square, randn(200, 3), 3, "so(3)"),
    "norm in aff(4)": shared(affine(4), square, randn(200, 4), 6),
    "interval": shared(linear(iso.gl(4)), lambda x: (METRIC.to(x) * x**2).sum(1), randn(200, 4), 6, "so(1,3)"),
    "cross product, shared": shared(cross_shared(), cross, randn(200, 6), 3, "so(3)"),
    "cross product, independent": shared(cross_independent(), cross, randn(200, 6), 10),
    "identity": shared(intertwiners(), lambda x: 1.0 * x, randn(200, 3), 9),
    "three bodies": shared(bodies(), potential, randn(400, 9), 6, "se(3)"),
    "three bodies, scaled": shared(bodies_scaled(), potential, randn(400, 9), 7),
    "oscillator 2": shared(flow(iso.gl(4).vector()), oscillator, randn(200, 4), 8),
    "oscillator 3": shared(flow(iso.gl(6).vector()), oscillator, randn(200, 6), 18),
    "oscillator 2, symplectic": shared(flow(iso.sp(4).vector()), oscillator, randn(200, 4), 4, "u(2)"),
    "oscillator 3, symplectic": shared(flow(iso.sp(6).vector()), oscillator, randn(200, 6), 9, "u(3)"),
    "kepler": shared(flow(iso.gl(6).vector()), kepler, randn(400, 6), 3, "so(3)"),
    "kepler, own pace": shared(flow(TimeScaled(iso.gl(6).vector())), kepler, randn(400, 6), 4),
    "hopf": shared(flow(Affine(iso.aff(2))), hopf, randn(200, 2), 1),
}


# -- exact dimensions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROBLEMS)
@DTYPES
def test_known_symmetries_are_certified(name, dtype):
    (rho_in, rho_out), f, x, expected, identity = PROBLEMS[name]
    found = FromModel(rho_in, rho_out).fit(f, x.to(dtype))
    assert (found.algebra_.dim, found.cut_) == (expected, expected)
    assert found.status_ == "certified", found.certificates_
    assert_algebra(found.algebra_, 1e-9 if dtype == torch.float64 else 1e-3)
    if identity:
        names = found.algebra_.identify()
        assert identity in (names.name, *names.aliases)


def test_norm_and_interval_are_told_apart_by_their_killing_forms():
    def negatives(name):
        (rho_in, rho_out), f, x, _, _ = PROBLEMS[name]
        values = torch.linalg.eigvalsh(FromModel(rho_in, rho_out).fit(f, x).algebra_.killing_form())
        return int((values < 0).sum()), int((values > 0).sum())

    assert negatives("norm in gl(4)") == (6, 0)
    assert negatives("interval") == (3, 3)


@pytest.mark.parametrize("n", [2, 3])
def test_spectrum_under_the_gaussian_measure(n):
    nodes = 3**0.5 * torch.tensor([-1.0, 0, 0, 0, 0, 1.0], dtype=torch.float64)  # moments of N(0, 1) up to the fifth
    x = torch.cartesian_prod(*[nodes] * n)
    squares = iso.LieDerivative(square, *linear(iso.gl(n))).singular_values(x) ** 2
    exact = [4.0 * (n + 2)] + [8.0] * (n * (n + 1) // 2 - 1) + [0.0] * (n * (n - 1) // 2)
    assert torch.allclose(squares, torch.tensor(exact, dtype=torch.float64), atol=1e-12)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_fewest_samples(n):
    enough = n * (n + 1) // 2
    for samples, spurious in [(enough, 0), (enough - 1, 1)]:
        values = iso.LieDerivative(square, *linear(iso.gl(n))).singular_values(randn(samples, n, seed=n))
        assert int((values < 1e-12 * values[0]).sum()) == n * (n - 1) // 2 + spurious


def test_closure_is_sharp_in_the_dimension():
    (rho_in, rho_out), f, x, _, _ = EUCLIDEAN[4]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AmbiguousRankWarning)
        defects = {k: FromModel(rho_in, rho_out, rank=k).fit(f, x).algebra_.closure_defect() for k in range(4, 9)}
    assert defects[6] < 1e-9
    assert all(defects[k] > 0.3 for k in (4, 5, 7, 8))


LAYERS = {
    "linear": (lambda x: x @ randn(3, 3, seed=7).to(x), 9),
    "relu": (torch.relu, 3),
    "leaky relu": (nn.LeakyReLU(), 3),
    "x|x|": (lambda x: x * x.abs(), 3),
    "tanh": (torch.tanh, 0),
    "softplus": (nn.Softplus(), 0),
    "norm gate": (lambda x: x * torch.sigmoid(x.norm(dim=1, keepdim=True)), 3),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    layer, expected = LAYERS[name]
    found = FromModel(*intertwiners(), tolerance=1e-3).fit(layer, randn(200, 3))
    assert found.algebra_.dim == expected
    assert found.status_ == ("certified" if expected else "none")


def test_softmax_is_invariant_under_one_translation():
    G = iso.translation(3)
    found = FromModel(Affine(G), 3 * G.scalar()).fit(lambda x: x.softmax(1), randn(200, 3))
    assert found.status_ == "certified"
    assert found.algebra_.distance(G.span(torch.ones(1, 3))) < 1e-9


# -- no symmetry -------------------------------------------------------------------------------------------------


@DTYPES
def test_lorenz_has_no_affine_symmetry(dtype):
    found = FromModel(*flow(Affine(iso.aff(3))), tolerance=0.01).fit(lorenz, randn(200, 3).to(dtype))
    assert (found.status_, found.algebra_.dim) == ("none", 0)


def test_what_is_within_the_tolerance_is_not_denied():
    """One affine motion breaks the Lorenz system by 3 % here."""
    found = FromModel(*flow(Affine(iso.aff(3)))).fit(lorenz, randn(200, 3))
    assert (found.status_, found.grade_, found.algebra_.dim) == ("certified", "approximate", 1)
    assert 0.01 < found.lower_[0] < found.upper_[0] < 0.05
    assert (found.ladder_[0.0], found.ladder_[0.01], found.ladder_[0.05]) == (0, 0, 1)


@pytest.mark.parametrize("seed", range(5))
def test_random_networks_have_none(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)).double()
    found = FromModel(iso.gl(4).vector(), iso.gl(4).scalar()).fit(model, 2 * randn(400, 4, seed=seed))
    assert (found.status_, found.algebra_.dim) == ("none", 0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("candidates", ["gl", "aff"])
def test_random_cubics_have_none(seed, candidates):
    library = iso.dictionary.polynomials(4, 3)
    weights = randn(len(library), seed=seed)
    actions = linear(iso.gl(4)) if candidates == "gl" else affine(4)
    found = FromModel(*actions).fit(lambda x: library.evaluate(x) @ weights, randn(400, 4, seed=seed + 10))
    assert (found.status_, found.algebra_.dim) == ("none", 0)


def test_a_constant_map_leaves_the_question_open():
    with pytest.warns(TrivialResultWarning, match="constant"):
        found = FromModel(*linear(iso.gl(3))).fit(lambda x: 1.0 + 0 * x[:, 0], randn(100, 3))
    assert (found.status_, found.algebra_.dim) == ("undecided", 0)
    assert "constant" in found.certificates_["tolerance"].words


# -- coordinates and units ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("known", [iso.so(3), iso.so(1, 2), iso.so(4)])
def test_a_planted_algebra_is_found_in_any_coordinates(known, unit):
    n = known.n
    change = unit * (randn(n, n, seed=n) + 2 * torch.eye(n, dtype=torch.float64))
    metric = METRIC[:n] if known.name == "so(1,2)" else torch.ones(n, dtype=torch.float64)
    inverse = torch.linalg.inv(change)

    def f(x):
        return torch.tanh(0.3 * ((x @ inverse.T) ** 2 @ metric))

    x = randn(300, n) @ change.T
    found = FromModel(*linear(iso.gl(n))).fit(f, x)
    assert found.status_ == "certified"
    assert found.algebra_.distance(known.conjugate(change)) < 1e-6


@pytest.mark.parametrize("unit", [1e-3, 1e3])
@DTYPES
def test_units_of_outputs_and_inputs_do_not_matter(unit, dtype):
    x = randn(200, 3).to(dtype)
    for actions in (linear(iso.gl(3)), affine(3)):
        found = FromModel(*actions).fit(lambda x: unit**2 * square(x / unit), unit * x)
        assert (found.status_, found.algebra_.dim) == ("certified", 3)


def test_the_basis_of_the_candidates_does_not_matter():
    scrambled = iso.gl(3).span(randn(9, 9))
    found = FromModel(*linear(scrambled)).fit(square, randn(200, 3))
    assert found.algebra_.distance(iso.so(3)) < 1e-9
    assert torch.allclose(
        torch.einsum("kj,jab->kab", found.coefficients_, scrambled.basis), found.algebra_.basis, atol=1e-9
    )


# -- data on a subspace ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turned", [False, True])
def test_data_on_a_plane_split_the_kernel(turned):
    frame = torch.linalg.qr(randn(5, 5)).Q if turned else torch.eye(5, dtype=torch.float64)
    found = FromModel(*linear(iso.gl(5))).fit(square, randn(300, 3) @ frame[:3])
    assert (found.trivial_.dim, found.transversal_.dim, found.algebra_.dim) == (10, 6, 3)
    assert len(found.limits_) == 2
    moved = found.action_.fields(randn(4, 3) @ frame[:3])
    assert float((moved @ frame[3:].T).abs().max()) < 1e-9  # they keep the plane


# -- streaming ---------------------------------------------------------------------------------------------------


def fits():
    """The same evidence in four ways."""
    x, f = randn(240, 3), lambda x: square(x) + 0.5 * x[:, 0]
    V, one = linear(iso.gl(3))
    whole = FromModel(V, one).fit(f, x)
    chunks = FromModel(V, one).fit(f, iter(x.split(37)))
    steps = FromModel(V, one)
    for block in x.split(50):
        steps.partial_fit(f, block)
    first, second = FromModel(V, one).partial_fit(f, x[:80]), FromModel(V, one).partial_fit(f, x[80:])
    return whole, {"chunks": chunks, "steps": steps.conclude(f), "merged": first.merge(second).conclude(f)}


def test_partial_fits_and_merges_equal_one_fit():
    whole, others = fits()
    for name, other in others.items():
        assert torch.allclose(other.spectrum_, whole.spectrum_, rtol=0, atol=1e-10), name
        assert other.cut_ == whole.cut_ == 1
        assert other.algebra_.distance(whole.algebra_) < 1e-10, name
        assert other.evidence_.samples == whole.evidence_.samples == 240


def test_finite_flows_are_checked_on_the_held_out_fold():
    x = randn(100, 3)
    found = FromModel(*linear(iso.gl(3)))
    for block in x.split(37):
        found.partial_fit(square, block)
    assert torch.equal(found.points_, x[::8])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_model_on_a_gpu():
    scale = nn.Linear(3, 3, bias=False).double().cuda()
    nn.init.eye_(scale.weight)
    found = FromModel(*linear(iso.gl(3))).fit(lambda x: square(scale(x)), randn(200, 3).cuda())
    assert (found.status_, found.algebra_.dim) == ("certified", 3)


def test_arrays_are_points():
    x = randn(100, 3)
    found = FromModel(*linear(iso.gl(3))).fit(square, x.numpy())
    assert torch.equal(found.spectrum_, FromModel(*linear(iso.gl(3))).fit(square, x).spectrum_)


def test_memory_does_not_grow_with_the_data():
    found = FromModel(*linear(iso.gl(3)))
    for seed in range(10):
        found.partial_fit(square, randn(500, 3, seed=seed))
    assert found.evidence_.samples == 5000
    assert all(fold.broken.R.shape == (9, 9) for fold in found.evidence_.folds)
    assert len(found.points_) <= 256


# -- the contract ------------------------------------------------------------------------------------------------


def test_the_estimator_contract():
    assert_estimator(lambda: FromModel(*linear(iso.gl(3)), rank="gap", seed=3), [square, randn(100, 3)])


def test_results_feed_the_other_verbs():
    x = randn(100, 3)
    found = FromModel(*linear(iso.gl(3))).fit(square, x)
    assert_action(found.action_, x[:5])
    assert_equivariant(square, x, found.action_, found.algebra_.scalar())
    assert found.vector_fields() == ["x d/dy - y d/dx", "x d/dz - z d/dx", "y d/dz - z d/dy"]
    assert set(found.certificates_) == {"tolerance", "closure", "finite_flow"}
    assert all(c.passed for c in found.certificates_.values())


@pytest.mark.parametrize("rank", [3, 1e-6])
def test_given_ranks(rank):
    found = FromModel(*linear(iso.gl(3)), rank=rank).fit(square, randn(100, 3))
    assert (found.algebra_.dim, found.status_) == (3, "certified")


def test_too_many_generators_are_not_certified():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AmbiguousRankWarning)
        found = FromModel(*linear(iso.gl(3)), rank=4).fit(square, randn(100, 3))
    assert found.status_ == "undecided"


def test_a_slightly_broken_symmetry_is_seen_in_the_spectrum():
    found = FromModel(*linear(iso.gl(3)), rank=3).fit(lambda x: square(x) + 1e-4 * x[:, 0] ** 3, randn(200, 3))
    assert 1e-6 < float(found.spectrum_[-2]) < 1e-3
    assert float(found.spectrum_[-1]) < 1e-12  # rotations about x are kept


def test_one_sample_cannot_answer():
    with pytest.raises(DataError, match="at least 2 samples, received 1"):
        FromModel(*linear(iso.gl(3))).fit(square, randn(1, 3))


@pytest.mark.parametrize("samples", [2, 3, 8])
def test_a_handful_of_samples_is_undecided(samples):
    G = iso.gl(3)
    x = torch.randn(samples, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = iso.discover.FromModel(G.vector(), G.scalar()).fit(lambda p: p.square().sum(1), x)
    assert found.status_ == "undecided"
