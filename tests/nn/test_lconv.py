"""L-conv: its formula, its special cases, its generators, and what it commutes with."""

import pytest
import torch
from torch.nn import functional

import isotropy as iso
from isotropy.errors import DataError, NotAnAlgebraError, RepresentationMismatchError
from isotropy.nn import (
    DenseGenerators,
    LConv,
    LiftedLConv,
    LowRankGenerators,
    SparseGenerators,
    equivariance_audit,
    grid_neighbours,
    matrices_of,
)

F64 = {"dtype": torch.float64}


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), **F64)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def kinds(points=6, count=2, **options):
    places = grid_neighbours((2, points // 2), 1)
    return [
        DenseGenerators(points, count, generator=rng(), **F64, **options),
        LowRankGenerators(points, count, rank=2, generator=rng(), **F64, **options),
        SparseGenerators(points, count, places=places, generator=rng(), **F64, **options),
    ]


# -- L1 to L5: the formula and its special cases ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", range(3))
def test_layer_is_its_kronecker_matrix(kind):
    layer = LConv(3, 4, kinds()[kind], generator=rng(1), **F64)
    L, W = layer.generators.matrices(), layer.weight
    whole = torch.kron(layer.identity.contiguous(), torch.eye(6, **F64))
    whole = whole + sum(torch.kron(w.contiguous(), m.contiguous()) for w, m in zip(W, L, strict=True))
    x = draw(5, 3, 6)
    layer.bias.data.fill_(0.5)
    assert (layer(x) - (x.flatten(1) @ whole.T).reshape(5, 4, 6) - 0.5).abs().max() < 1e-12
    assert layer(x[0]).shape == (4, 6)


@pytest.mark.parametrize("points", [6, 7])
def test_circular_convolution(points):
    taps, x = draw(2, 3, 3), draw(4, 3, points)
    shifts = torch.stack([torch.eye(points, **F64).roll(s, 0) - torch.eye(points, **F64) for s in (1, -1)])
    layer = LConv(3, 2, shifts, bias=False, **F64)
    layer.weight.data.copy_(taps.permute(2, 0, 1)[[0, 2]])
    layer.identity.data.copy_(taps.sum(2))
    expected = functional.conv1d(functional.pad(x, (1, 1), mode="circular"), taps)
    assert (layer(x) - expected).abs().max() < 1e-12


@pytest.mark.parametrize("shape", [(4, 6), (5, 3)])
def test_circular_convolution_of_images(shape):
    taps, x = draw(2, 3, 3, 3), draw(4, 3, *shape)
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    size = shape[0] * shape[1]
    shifts = torch.zeros(9, size, size, **F64)
    for shift, step in zip(shifts, steps, strict=True):
        shift[grid_neighbours(shape, [step], circular=True)] = 1.0
    layer = LConv(3, 2, SparseGenerators(shifts, frozen=True, **F64), bias=False, identity=False, **F64)
    layer.weight.data.copy_(taps.flatten(2).permute(2, 0, 1))
    expected = functional.conv2d(functional.pad(x, (1,) * 4, mode="circular"), taps)
    assert (layer(x.flatten(2)) - expected.flatten(2)).abs().max() < 1e-12


def test_graph_convolution():
    A = (draw(1, 5, 5) > 0).double()
    layer = LConv(3, 2, A, bias=False, identity=False, **F64)
    x = draw(3, 5)
    assert torch.equal(layer(x), layer.weight[0] @ (x @ A[0].T))


def test_low_rank_is_the_dense_product_and_counts_parameters():
    low = LowRankGenerators(8, 3, rank=2, generator=rng(), **F64)
    x = draw(4, 2, 8)
    assert (low(x) - DenseGenerators(low.matrices(), **F64)(x)).abs().max() < 1e-12
    for points, count, rank, c_in, c_out, published in [(1024, 8, 8, 3, 32, 132224), (784, 5, 6, 1, 24, 47328)]:
        layer = LConv(c_in, c_out, LowRankGenerators(points, count, rank=rank))
        redundant = count * c_out  # published code adds one bias vector for each generator
        assert sum(p.numel() for p in layer.parameters()) + redundant == published


def test_sparse_is_dense_with_few_entries():
    rows, columns = grid_neighbours((3, 4), 1)
    sparse = SparseGenerators(12, 3, places=(rows, columns), generator=rng(), **F64)
    x = draw(2, 3, 12)
    assert (sparse(x) - DenseGenerators(sparse.matrices(), **F64)(x)).abs().max() < 1e-12
    assert int(sparse.matrices().count_nonzero()) == 3 * len(rows)
    again = SparseGenerators(sparse.matrices(), **F64)
    assert (again(x) - sparse(x)).abs().max() < 1e-12


# -- L6: constraints -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", range(3))
@pytest.mark.parametrize("constraint", ["antisymmetric", "zero_row_sum"])
def test_constraints_hold_through_training(kind, constraint):
    layer = LConv(1, 2, kinds(constraint=constraint)[kind], **F64)
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.1)
    before = layer.generators.matrices().detach().clone()
    for _ in range(5):
        optimiser.zero_grad()
        layer(draw(8, 1, 6)).square().mean().backward()
        optimiser.step()
    after = layer.generators.matrices().detach()
    assert (after - before).abs().max() > 0.1
    if constraint == "antisymmetric":
        assert torch.equal(after, -after.transpose(1, 2))
    else:
        assert after.sum(2).abs().max() < 1e-13


@pytest.mark.parametrize("constraint", [None, "antisymmetric", "zero_row_sum"])
def test_random_starts_keep_the_size_of_fields(constraint):
    for generators in kinds(12, 20, constraint=constraint):
        assert float(generators.matrices().detach().square().sum((1, 2)).mean() / 12) == pytest.approx(1.0, abs=0.3)


def test_given_generators_start_and_come_back():
    turn = iso.so(3)
    for generators in (
        DenseGenerators(turn, **F64),
        LowRankGenerators(turn, rank=2, **F64),
        LowRankGenerators(turn, rank=2, constraint="antisymmetric", **F64),
        SparseGenerators(turn, constraint="antisymmetric", **F64),
    ):
        assert generators.algebra("turns").distance(turn) < 1e-7
    frozen = LConv(1, 1, turn)
    assert not list(frozen.generators.parameters())
    assert frozen.algebra().identify().name == "so(3)"
    image = iso.actions.Image(["rotation"], 8, 8)
    x = draw(4, 1, 8, 8)
    assert (DenseGenerators(image, **F64)(x.flatten(1))[0] - image.fields(x).flatten(1)).abs().max() < 1e-12


# -- L9: points in any order -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", range(3))
def test_scrambled_points_change_nothing_but_the_generators(kind):
    order = torch.randperm(6, generator=rng(3))
    layer = LConv(2, 3, kinds()[kind], generator=rng(), **F64)
    scrambled = LConv(2, 3, layer.generators.matrices().detach()[:, order][:, :, order], generator=rng(), **F64)
    x, head = draw(4, 2, 6), draw(18, 5, seed=9).reshape(3, 6, 5)
    logits = torch.einsum("bcp,cpk->bk", layer(x).relu(), head)
    other = torch.einsum("bcp,cpk->bk", scrambled(x[..., order]).relu(), head[:, order])
    assert (logits - other).abs().max() < 1e-12


# -- L10: what commutes ----------------------------------------------------------------------------------------------


def test_audit_tells_the_lifted_from_the_unlifted():
    turns = iso.so(3)
    lifted = LiftedLConv(turns.vector(), 2, 3, generator=rng(), **F64)
    audit = equivariance_audit(lifted, lifted.action)
    assert audit.equivariant
    assert audit.relative_error < 1e-14
    unlifted = equivariance_audit(LConv(2, 3, turns, generator=rng(), **F64), turns)
    assert not unlifted.equivariant
    assert unlifted.relative_error > 0.1
    shift = iso.nn.circular_shift(7)
    assert equivariance_audit(LConv(2, 3, shift, generator=rng(), **F64), shift).relative_error < 1e-14


def test_lifted_layer_commutes_with_finite_translations_of_functions():
    rho = iso.so(3).vector()
    layer = LiftedLConv(rho, 2, 3, generator=rng(), **F64)
    g, w = (torch.linalg.matrix_exp(iso.so(3).element(draw(3, seed=s))) for s in (1, 2))
    c = layer.lift(draw(5, 2, 3), draw(3, seed=4))
    moved = layer.action.flow(torch.tensor([0.3, -1.0, 0.5]), c.reshape(10, 9)).reshape(c.shape)
    w = torch.linalg.matrix_exp(iso.so(3).element(torch.tensor([0.3, -1.0, 0.5])))
    assert (layer.evaluate(moved, g[None]) - layer.evaluate(c, (w.T @ g)[None])).abs().max() < 1e-12
    assert (layer.evaluate(layer(moved), g[None]) - layer.evaluate(layer(c), (w.T @ g)[None])).abs().max() < 1e-12


def test_audit_agrees_with_the_measured_error():
    turns = iso.so(3)
    layer = LConv(1, 1, turns, bias=False, generator=rng(), **F64)
    report = iso.measure.equivariance(lambda x: layer(x[:, None])[:, 0], draw(4000, 3), turns.vector(), turns.vector())
    assert report.relative_error == pytest.approx(equivariance_audit(layer, turns).relative_error, abs=0.03)


def test_audit_sees_a_bias_that_moves():
    layer = LConv(1, 1, torch.zeros(1, 3, 3), **F64)
    audit = equivariance_audit(layer, iso.so(3))
    assert audit.per_generator.abs().max() < 1e-14
    assert not audit.equivariant
    assert equivariance_audit(layer, iso.nn.circular_shift(3)).equivariant  # constants do not shift


def test_adjoint_weights_commute_without_a_lift():
    """Three scalar channels that turn among themselves: W_k = (ad e_k) makes cross products."""
    turns = iso.so(3)
    layer = LConv(3, 3, turns, identity=False, bias=False, **F64)
    layer.weight.data.copy_(turns.basis)
    both = turns.vector() * turns.vector()
    x = draw(50, 9)
    flat = iso.measure.equivariance(lambda x: layer(x.reshape(-1, 3, 3)).flatten(1), x, both, both)
    assert flat.relative_error < 1e-12


# -- gauge -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", range(3))
def test_canonical_gauge_keeps_the_map(kind):
    layer = LConv(3, 4, kinds()[kind], generator=rng(1), **F64)
    x = draw(5, 3, 6)
    before = layer(x).detach().clone()
    assert layer.canonicalise() is layer
    assert (layer(x) - before).abs().max() < 1e-10
    L = layer.generators.matrices().flatten(1)
    assert (L.norm(dim=1) - 1).abs().max() < 1e-10


def test_canonical_gauge_forgets_how_generators_were_mixed():
    first = LConv(3, 4, DenseGenerators(6, 3, generator=rng(), **F64), generator=rng(1), **F64)
    mix, traces = draw(3, 3, seed=5), draw(3, seed=6)
    mixed = torch.tensordot(mix, first.generators.matrices(), dims=1) + traces[:, None, None] * torch.eye(6, **F64)
    second = LConv(3, 4, mixed, **F64)
    weight = torch.linalg.solve(mix.T, first.weight.flatten(1)).reshape(first.weight.shape)
    second.weight.data.copy_(weight)
    second.identity.data.copy_(first.identity - torch.einsum("k,koi->oi", traces, weight))
    assert (first(draw(2, 3, 6)) - second(draw(2, 3, 6))).abs().max() < 1e-10
    first.canonicalise()
    second.canonicalise()
    assert (first.generators.matrices() - second.generators.matrices()).abs().max() < 1e-9
    assert (first.weight - second.weight).abs().max() < 1e-9


def test_dependent_generators_have_no_gauge():
    with pytest.raises(NotAnAlgebraError, match="independent"):
        LConv(1, 1, torch.eye(3).roll(1, 0).expand(2, 3, 3)).canonicalise()


# -- torch -----------------------------------------------------------------------------------------------------------


def test_state_compile_and_autocast():
    for generators in kinds():
        layer = LConv(2, 3, generators, **F64)
        x = draw(4, 2, 6)
        compiled = torch.compile(layer, backend="eager", fullgraph=True)
        assert torch.equal(compiled(x), layer(x))
        other = LConv(2, 3, type(generators)(generators.matrices(), **_rank(generators), **F64), **F64)
        other.load_state_dict(layer.state_dict())
        assert torch.allclose(other(x), layer(x))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.isfinite(layer.float()(x.float())).all()


def _rank(generators):
    return {"rank": 2} if isinstance(generators, LowRankGenerators) else {}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_layers_run_on_cuda():
    places = grid_neighbours((2, 3), 1)
    for generators in (
        DenseGenerators(6, 2, device="cuda"),
        LowRankGenerators(6, 2, rank=2, constraint="antisymmetric", device="cuda"),
        SparseGenerators(6, 2, places=places, constraint="zero_row_sum", device="cuda"),
        SparseGenerators(6, 2, places=places, constraint="antisymmetric", device="cuda"),
    ):
        layer = LConv(2, 3, generators, device="cuda")
        x = torch.randn(4, 2, 6, device="cuda")
        expected = layer(x)
        expected.sum().backward()
        layer.canonicalise()
        assert torch.allclose(layer(x), expected, atol=1e-4)
        equivariance_audit(layer, iso.nn.circular_shift(6))
    lifted = LiftedLConv(iso.so(3).vector(), 2, 3, device="cuda")
    assert lifted(lifted.lift(torch.randn(4, 2, 3, device="cuda"), torch.ones(3))).is_cuda


# -- bad input -------------------------------------------------------------------------------------------------------


def test_bad_input_is_refused():
    with pytest.raises(RepresentationMismatchError, match="flatten images"):
        LConv(1, 2, DenseGenerators(9))(torch.ones(2, 1, 3, 3))
    with pytest.raises(RepresentationMismatchError, match="identity=False"):
        LConv(1, 2, torch.ones(1, 2, 3))
    with pytest.raises(RepresentationMismatchError, match=r"\(K, out, in\)"):
        DenseGenerators(torch.ones(3, 3))
    with pytest.raises(DataError, match="finite"):
        DenseGenerators(torch.full((1, 2, 2), torch.nan))
    with pytest.raises(DataError, match="constraint"):
        DenseGenerators(3, constraint="symmetric")
    with pytest.raises(DataError, match="at least one"):
        DenseGenerators(3, 0)
    with pytest.raises(DataError, match="rank"):
        LowRankGenerators(3, rank=0)
    with pytest.raises(DataError, match="places"):
        SparseGenerators(3)
    with pytest.raises(DataError, match="mirror"):
        SparseGenerators(3, places=([0], [1]), constraint="antisymmetric")
    with pytest.raises(DataError, match="once"):
        SparseGenerators(3, places=([0, 0], [1, 1]))
    with pytest.raises(DataError, match="each of the"):
        SparseGenerators(torch.ones(1, 2, 2), places=([0], [1]))
    with pytest.raises(RepresentationMismatchError, match="linear"):
        matrices_of(iso.actions.Affine(iso.translation(2)))
    with pytest.raises(RepresentationMismatchError, match="points of this layer"):
        equivariance_audit(LConv(1, 1, DenseGenerators(4)), iso.so(3))
    with pytest.raises(RepresentationMismatchError, match="lift points"):
        LiftedLConv(iso.so(3).vector(), 1, 1)(torch.ones(2, 1, 9))
