"""The nuclear norm as a count of broken dimensions: rank, convexity, basis, and its variational form."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import isotropy as iso
from isotropy.actions import Affine
from isotropy.derivative._family import FamilyDerivative
from isotropy.dictionary import polynomials
from isotropy.errors import DataError, RepresentationMismatchError
from isotropy.promote import LiePenalty, nuclear_norm

quick = settings(deadline=None, max_examples=15, derandomize=True)
GL = iso.gl(3)
V, ONE = GL.vector(), GL.scalar()


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


X = randn(40, 3)


def cubic(seed):
    library, weights = polynomials(3, 3), randn(20, seed=seed)
    return lambda x: library.evaluate(x) @ weights


def ridge(m, r, seed=0):
    """A quadratic in r orthonormal features of m coordinates, as coefficients."""
    frame = torch.linalg.qr(randn(m, r, seed=seed)).Q
    outer, library, x = polynomials(r, 2), polynomials(m, 2), randn(3 * (m + 1) * (m + 2) // 2, m, seed=seed + 1)
    y = outer.evaluate(x @ frame) @ (0.2 + randn(len(outer), seed=seed).abs())
    return library, torch.linalg.lstsq(library.evaluate(x), y[:, None]).solution[:, 0]


# -- P1: what the rank means -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("algebra", "r", "rank"),
    [(iso.translation, 1, 1), (iso.translation, 2, 2), (iso.se, 1, 10), (iso.se, 2, 19)],
)
def test_the_rank_counts_broken_dimensions(algebra, r, rank):
    library, weights = ridge(10, r)
    action = Affine(algebra(10))
    values = torch.linalg.svdvals(
        FamilyDerivative(library, action, action.algebra.scalar(), "cube").derivative(weights)
    )
    assert int((values > 1e-9 * values[0]).sum()) == rank


def test_the_rank_of_a_distance():
    """Rotations about the centre are kept: m of the m (m + 1) / 2 rigid motions break."""
    action = Affine(iso.se(5))
    y = (randn(200, 5) - 0.3).square().sum(1)
    library = polynomials(5, 2)
    weights = torch.linalg.lstsq(library.evaluate(randn(200, 5)), y[:, None]).solution[:, 0]
    values = torch.linalg.svdvals(FamilyDerivative(library, action, action.algebra.scalar()).derivative(weights))
    assert int((values > 1e-9 * values[0]).sum()) == 5


# -- P2, P3: a norm, and what it depends on ----------------------------------------------------------------------


@quick
@given(seed=st.integers(0, 1000), factor=st.floats(-3, 3))
def test_convex_and_homogeneous(seed, factor):
    f, g = cubic(seed), cubic(seed + 1)
    first, second = nuclear_norm(f, X, V, ONE), nuclear_norm(g, X, V, ONE)
    mean = nuclear_norm(lambda x: (f(x) + g(x)) / 2, X, V, ONE)
    assert mean <= (first + second) / 2 + 1e-9
    scaled = nuclear_norm(lambda x: factor * f(x), X, V, ONE)
    assert torch.allclose(scaled, abs(factor) * first, atol=1e-9)


def test_zero_exactly_for_symmetric_maps():
    G = iso.so(3)
    assert nuclear_norm(lambda x: x.square().sum(1) ** 2, X, G.vector(), G.scalar()) < 1e-10
    assert nuclear_norm(lambda x: x * x.norm(dim=1, keepdim=True), X, G.vector(), G.vector()) < 1e-10
    assert nuclear_norm(lambda x: x[:, 0], X, G.vector(), G.scalar()) > 0.5


@quick
@given(seed=st.integers(0, 1000))
def test_basis_of_the_candidates(seed):
    """Rotating the basis never matters; rescaling it does only if the basis is declared orthonormal."""
    f, turn = cubic(seed), torch.linalg.qr(randn(9, 9, seed=seed)).Q
    stretch = torch.diag(torch.linspace(0.5, 3.0, 9, dtype=torch.float64))
    for metric in ("trace", "basis"):
        norm = nuclear_norm(f, X, V, ONE, metric)
        turned = nuclear_norm(f, X, V.restrict(turn), ONE.restrict(turn), metric)
        assert torch.allclose(norm, turned)
        stretched = nuclear_norm(f, X, V.restrict(stretch), ONE.restrict(stretch), metric)
        assert torch.allclose(norm, stretched) == (metric == "trace")


def test_the_norm_is_the_sum_of_the_singular_values_of_the_derivative():
    values = iso.LieDerivative(cubic(0), V, ONE).singular_values(X)
    assert torch.allclose(nuclear_norm(cubic(0), X, V, ONE), values.sum())


@pytest.mark.parametrize("outputs", [1, 6])
def test_gradients_reach_the_parameters(outputs):
    """By central differences, on both routes: few outputs and many."""
    G = iso.so(3)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, outputs)).double()
    rho_out = outputs * G.scalar()
    weight = net[0].weight
    nuclear_norm(net, X, G.vector(), rho_out).backward()
    slope, step = float(weight.grad[1, 2]), 1e-6
    with torch.no_grad():
        weight[1, 2] += step
        above = nuclear_norm(net, X, G.vector(), rho_out).item()
        weight[1, 2] -= 2 * step
        below = nuclear_norm(net, X, G.vector(), rho_out).item()
    assert slope == pytest.approx((above - below) / (2 * step), rel=1e-5)


# -- P12 and the penalty -----------------------------------------------------------------------------------------


@quick
@given(seed=st.integers(0, 1000))
def test_variational_identity(seed):
    """With P of the same points, the penalty is the nuclear norm up to eps."""
    f = cubic(seed)
    penalty = LiePenalty(V, ONE, eps=1e-3)
    found, norm = penalty(f, X), nuclear_norm(f, X, V, ONE)
    assert torch.allclose(found, norm, rtol=4e-5, atol=9e-3)
    values = torch.linalg.svdvals(penalty.P)
    assert torch.allclose(values[: len(penalty.spectrum_)], (penalty.spectrum_**2 + 1e-6).sqrt(), atol=1e-8)


def test_the_penalty_is_unbiased_where_small_batches_of_the_norm_are_not():
    f, x = cubic(3), randn(512, 3, seed=9)
    penalty = LiePenalty(V, ONE, eps=1e-6)
    whole = float(penalty(f, x).detach())
    penalty.eval()
    batches = torch.stack([penalty(f, part).detach() for part in x.split(4)])
    norms = torch.stack([nuclear_norm(f, part, V, ONE).detach() for part in x.split(4)])
    assert float(batches.mean()) == pytest.approx(whole, rel=1e-6)
    assert float(norms.mean()) < 0.95 * whole


def test_the_running_mean_forgets_and_is_corrected_for_its_start():
    penalty = LiePenalty(V, ONE, decay=0.5)
    penalty(cubic(0), X)
    first = penalty.spectrum_
    assert torch.allclose(first, iso.LieDerivative(cubic(0), V, ONE).singular_values(X), atol=1e-6)
    for _ in range(40):
        penalty(cubic(1), X)
    assert torch.allclose(penalty.spectrum_, iso.LieDerivative(cubic(1), V, ONE).singular_values(X), atol=1e-5)


def test_the_algebra_is_read_from_p():
    penalty = LiePenalty(V, ONE)
    penalty(lambda x: x.square().sum(1), X)
    assert penalty.status_ == "certified"
    assert penalty.algebra_.distance(iso.so(3)) < 1e-6
    rho_in, rho_out = penalty.enforced()
    assert rho_in.algebra.dim == rho_out.algebra.dim == 3
    assert float(iso.lie_derivative(lambda x: x.norm(dim=1), X, rho_in, rho_out).abs().amax()) < 1e-8


def test_constant_maps_and_generic_maps():
    penalty = LiePenalty(V, ONE)
    penalty(lambda x: 0 * x[:, 0], X)
    assert penalty.status_ == "undecided"
    other = LiePenalty(V, ONE)
    other(cubic(0), randn(400, 3, seed=5))
    assert (other.status_, other.algebra_.dim) == ("none", 0)
    few = LiePenalty(V, ONE)
    few(cubic(0), X[:3])
    assert few.status_ == "undecided"


@pytest.mark.parametrize(
    ("broken", "status", "grade"),
    [(0.0, "certified", "exact"), (0.003, "certified", "approximate"), (0.3, "none", "")],
)
def test_the_readout_is_a_claim_about_the_function(broken, status, grade):
    G, x = iso.so(3), randn(400, 3, seed=7)

    def f(x):
        return x.square().sum(1) + broken * (x[:, 0] + 2 * x[:, 1] ** 3 - x[:, 2] ** 3)

    penalty = LiePenalty(G.vector(), G.scalar())
    penalty(f, x)
    read = penalty.readout()
    assert read.status == status
    assert set(read.claim.grades) == ({grade} - {""})
    assert all(error.lower <= error.value <= error.upper <= 0.05 for error in read.claim.errors)
    assert read.algebra.dim == (3 if status == "certified" else 0)


def test_the_readout_is_about_the_function_as_it_is_now():
    G, net = iso.so(3), nn.Linear(3, 1, bias=False).double()
    penalty = LiePenalty(G.vector(), G.scalar())
    penalty(net, randn(200, 3))
    (before,) = penalty.readout().coefficients  # turns about its slope
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[1.0, 0.0, 0.0]]))
    (after,) = penalty.readout().coefficients
    assert not torch.allclose(before / before.norm(), after / after.norm(), atol=0.01)
    assert float((iso.lie_derivative(net, X, G.vector(), G.scalar())[..., 0] @ after).abs().max()) < 1e-12
    assert list(penalty.children()) == []  # the network is no part of the penalty
    assert penalty.readout(lambda x: x.square().sum(1), X).status == "certified"
    copied = copy.deepcopy(penalty)  # the network is not copied along
    assert torch.equal(copied.spectrum_, penalty.spectrum_)
    assert copied.readout().claim is None


def test_a_restored_state_certifies_nothing():
    first, second = LiePenalty(V, ONE), LiePenalty(V, ONE)
    first(lambda x: x.square().sum(1), X)
    second.load_state_dict(first.state_dict())
    assert (first.status_, second.status_) == ("certified", "undecided")
    assert second.algebra_.dim == 3


def test_the_last_points_are_kept():
    penalty = LiePenalty(V, ONE)
    for _ in range(30):
        penalty(cubic(0), randn(50, 3))
    assert len(penalty._seen[1]) == 1024
    with pytest.raises(DataError, match="both or none"):
        penalty.readout(cubic(0))
    with pytest.raises(DataError, match="level"):
        LiePenalty(V, ONE, level=1.0)
    with pytest.raises(DataError, match="tolerance"):
        LiePenalty(V, ONE, tolerance=0.0)


def test_state_and_mode_are_kept():
    first, second = LiePenalty(V, ONE), LiePenalty(V, ONE)
    first(cubic(0), X)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first.P, second.P)
    first.eval()
    first(cubic(1), X)
    assert torch.equal(first.P, second.P)
    net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1)).double()
    first(net, X)
    assert net.training


def test_penalty_errors():
    with pytest.raises(DataError, match="decay"):
        LiePenalty(V, ONE, decay=1.0)
    with pytest.raises(DataError, match="metric"):
        LiePenalty(V, ONE, metric="killing")
    with pytest.raises(DataError, match="one batch"):
        LiePenalty(V, ONE).readout()
    with pytest.raises(RepresentationMismatchError, match="2 outputs"):
        nuclear_norm(lambda x: x[:, :2], X, V, ONE)
    with pytest.raises(RepresentationMismatchError, match="one algebra"):
        nuclear_norm(cubic(0), X, V, iso.so(3).scalar())


def train(weight, breaking, seed, steps):
    """Test error of a small network on ``sin 2|x| + breaking x_1``, and the penalty."""
    torch.manual_seed(seed)
    G, x, fresh = iso.so(3), torch.randn(60, 3), torch.randn(1000, 3)

    def target(x):
        return torch.sin(2 * x.norm(dim=1)) + breaking * x[:, 0]

    y = target(x) + 0.05 * torch.randn(60)
    layers = [nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1), nn.Flatten(0)]
    net, penalty = nn.Sequential(*layers), LiePenalty(G.vector(), G.scalar())
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(steps):
        loss = (net(x) - y).square().mean()
        if weight:
            loss = loss + weight * penalty(net, torch.randn(60, 3))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return float((net(fresh) - target(fresh)).square().mean())


def test_a_network_keeps_a_symmetry_of_its_target():
    """P10 in small: less than two thirds of the error, in a third of the steps."""
    assert train(0.1, 0.0, seed=0, steps=350) < 0.67 * train(0.0, 0.0, seed=0, steps=350)


@pytest.mark.slow
@pytest.mark.parametrize(("breaking", "weight", "most"), [(0.0, 0.1, 0.5), (0.5, 0.01, 0.67), (0.5, 0.1, 0.8)])
def test_promotion_pays_and_broken_directions_may_stay_broken(breaking, weight, most):
    """P10 and P11."""
    for seed in (0, 1):
        assert train(weight, breaking, seed, 1000) < most * train(0.0, breaking, seed, 1000)
