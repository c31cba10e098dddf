"""Dimensions and exactness of equivariant bases."""

import itertools
import math

import pytest
import torch

import isotropy as iso
from isotropy.enforce import (
    equivariant_basis,
    equivariant_blocks,
    equivariant_projector,
    equivariant_spectrum,
    summands,
)
from isotropy.errors import AmbiguousRankWarning, DataError, NotClosedWarning, RepresentationMismatchError

COMBINATORS = {
    "V": lambda V, one: V,
    "V*V": lambda V, one: V * V,
    "V >> V": lambda V, one: V >> V,
    "2*V + 1 >> V.T + 1": lambda V, one: (2 * V + one) >> (V.T + one),
    "(V + 1)**2": lambda V, one: (V + one) ** 2,
    "V*(V + V.T)": lambda V, one: V * (V + V.T),
}
ALGEBRAS = ["gl(2)", "sl(2)", "so(2)", "so(3)", "so(1,2)", "sp(2)", "u(2)", "su(2)", "se(2)", "aff(1)", "galilei(1)"]
ALGEBRAS += ["translation(2)", "scaling(2)", "diagonal(2)", "so(2)+scaling(1)", "similarity(2)"]


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def brute_force(rep, components=()):
    """Dimension of the kernel of all dense conditions by numpy's rank rule."""
    one = torch.eye(rep.size, dtype=torch.float64)
    rows = torch.cat([*rep.drho(), *(rep.rho(h) - one for h in components), torch.zeros_like(one)])
    return rep.size - int(torch.linalg.matrix_rank(rows, rtol=1e-10))


def assert_invariant(basis, rep, components=()):
    flat = basis.flatten(1)
    assert torch.allclose(flat @ flat.T, torch.eye(len(flat), dtype=torch.float64), atol=1e-10)
    for matrix in rep.drho():
        assert float((flat @ matrix.T).abs().max() if len(flat) else 0.0) < 1e-10
    for h in components:
        assert torch.allclose(flat @ rep.rho(h).T, flat, atol=1e-10)


@pytest.mark.parametrize(("n", "dims"), [(2, (2, 6, 0)), (3, (1, 3, 1)), (4, (1, 4, 0))])
def test_rotations(n, dims):
    V = iso.so(n).vector()
    assert tuple(len(equivariant_basis(r)) for r in (V >> V, V**2 >> V**2, V**2 >> V)) == dims


@pytest.mark.parametrize("n", [2, 3, 4])
def test_reflections_leave_three_maps_of_tensors(n):
    V = iso.o(n).vector()
    assert len(equivariant_basis(V >> V)) == 1
    basis = equivariant_basis(V**2 >> V**2)
    assert len(basis) == 3
    assert_invariant(basis, V**2 >> V**2, iso.o(n).components)


def test_lorentz():
    G = iso.so(1, 3)
    V = G.vector()
    assert [len(equivariant_basis(r)) for r in (V >> V, V**2 >> V**2, V**2 >> G.scalar())] == [1, 4, 1]
    (metric,) = equivariant_basis(V**2 >> G.scalar())
    eta = torch.diag(torch.tensor([1.0, -1.0, -1.0, -1.0], dtype=torch.float64))
    assert torch.allclose(metric.reshape(4, 4) / metric.flatten()[0], eta, atol=1e-12)


@pytest.mark.parametrize(("n", "power", "dim"), [(3, 1, 2), (3, 2, 14), (4, 2, 15), (5, 2, 15)])
def test_permutations_are_counted_by_set_partitions(n, power, dim):
    V = iso.symmetric(n).vector()
    assert len(equivariant_basis(V**power >> V**power)) == dim


@pytest.mark.parametrize(("name", "power", "dim"), [("sp(4)", 2, 3), ("sp(2)", 2, 2), ("sl(3)", 2, 2), ("gl(2)", 2, 2)])
def test_classical_groups(name, power, dim):
    V = iso.named(name).vector()
    assert len(equivariant_basis(V**power >> V**power)) == dim


def test_tensor_powers_of_so3_are_riordan_numbers():
    V = iso.so(3).vector()
    assert [len(equivariant_basis(V**k)) for k in range(2, 9)] == [1, 1, 3, 6, 15, 36, 91]


@pytest.mark.parametrize("name", ALGEBRAS)
def test_every_algebra_under_every_combinator(name):
    G = iso.named(name)
    for build in COMBINATORS.values():
        rep = build(G.vector(), G.scalar())
        basis = equivariant_basis(rep)
        assert basis.shape == (brute_force(rep), *rep.shape)
        assert_invariant(basis, rep)


@pytest.mark.parametrize("group", [iso.o(2), iso.o(3), iso.symmetric(3)], ids=repr)
def test_components_under_every_combinator(group):
    for build in COMBINATORS.values():
        rep = build(group.vector(), group.scalar() + group.pseudoscalar())
        basis = equivariant_basis(rep)
        assert len(basis) == brute_force(rep, group.components)
        assert_invariant(basis, rep, group.components)


def test_the_group_may_be_given_apart():
    group = iso.o(3)
    V = group.vector()
    assert len(equivariant_basis(V**3)) == 0
    assert len(equivariant_basis(V**3, group=iso.so(3))) == 1
    assert len(equivariant_basis(iso.so(3).vector() ** 3, group=group)) == 0


def test_maps_come_as_matrices_that_intertwine():
    G = iso.so(1, 2)
    V, W = G.vector(), G.vector() ** 2
    g = G.exp(torch.tensor([0.3, -0.4, 0.2]))
    for matrix in equivariant_basis(V >> W):
        assert matrix.shape == (9, 3)
        assert torch.allclose(matrix @ V.rho(g), W.rho(g) @ matrix, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "power"),
    [("so(3)", 5), ("so(1,2)", 5), ("su(2)", 4), ("u(2)", 4), ("sp(4)", 4), ("sl(3)", 4), ("so(4)", 4)],
)
def test_schur_agrees_with_the_full_decomposition(name, power):
    from isotropy.enforce._invariants import InvariantSolver
    from isotropy.enforce._schur import schur_invariants

    G = iso.named(name)
    half = power // 2
    rep = G.vector() ** half >> G.vector() ** (power - half)
    solver = InvariantSolver(rep, None, "gap", 0)
    leaves = solver.expand(rep)[0].leaves
    found = schur_invariants(solver._product(leaves), 0)
    assert found is not None
    spectrum = solver.spectrum(leaves)
    dense = spectrum.vectors[spectrum.values < 1e-12]
    assert found.shape == dense.shape
    assert torch.allclose(found.T @ found, dense.T @ dense, atol=1e-9)


@pytest.mark.parametrize("build", [lambda: iso.se(2).vector() ** 5, lambda: iso.so(3).vector() ** 5])
def test_the_filtered_iteration_agrees_with_the_full_decomposition(build):
    from isotropy.enforce._filtered import filtered_kernel
    from isotropy.enforce._invariants import InvariantSolver

    rep = build()
    solver = InvariantSolver(rep, None, "gap", 0)
    leaves = solver.expand(rep)[0].leaves
    spectrum = solver.spectrum(leaves)
    dense = spectrum.vectors[spectrum.values < 1e-12]
    found = filtered_kernel(solver._product(leaves), "gap", 0.0, 0)
    assert found.shape == dense.shape
    assert torch.allclose(found.T @ found, dense.T @ dense, atol=1e-7)


def test_large_products():
    V = iso.so(3).vector()
    rep = V**4 >> V**4
    basis = equivariant_basis(rep)
    assert basis.shape == (91, 81, 81)
    flat = basis.flatten(1)
    assert torch.allclose(flat @ flat.T, torch.eye(91, dtype=torch.float64), atol=1e-10)
    assert float(rep.field(torch.tensor([0.6, 0.0, 0.8]), flat).abs().max()) < 1e-12


def test_equal_summands_are_solved_once():
    V, one = iso.so(3).vector(), iso.so(3).scalar()
    assert len(equivariant_basis((5 * V + 2 * one) >> (3 * V + one))) == 5 * 3 + 2
    (vectors, scalars) = equivariant_blocks(5 * V + 2 * one, 3 * V + one)
    assert (vectors.basis.shape, vectors.rows.shape, vectors.columns.shape) == ((1, 3, 3), (3, 3), (5, 3))
    assert (scalars.basis.shape, scalars.rows.tolist(), scalars.columns.tolist()) == ((1, 1, 1), [[9]], [[15], [16]])


def test_products_of_sums_keep_their_coordinates():
    V, one = iso.so(3).vector(), iso.so(3).scalar()
    kinds = {(tuple(s.positions.shape), s.still) for s in summands((V + one) ** 2)}
    assert kinds == {((1, 9), False), ((2, 3), False), ((1, 1), True)}
    places = torch.cat([s.positions.flatten() for s in summands((V + one) ** 2)])
    assert sorted(places.tolist()) == list(range(16))


# -- generating sets, noise, ranks ------------------------------------------------------------------------------------


def test_two_generators_of_three_are_enough():
    V = iso.LieAlgebra(iso.so(3).basis[:2]).vector()
    with pytest.warns(NotClosedWarning, match="closure defect"):
        assert len(equivariant_basis(V**2 >> V**2)) == 3


@pytest.mark.parametrize("name", ["so(3)", "so(1,3)", "su(2)", "sl(2)"])
def test_a_noisy_algebra_goes_where_the_known_one_goes(name):
    known = iso.named(name)
    noisy = iso.LieAlgebra(known.basis + 1e-4 * randn(*known.basis.shape))
    for build in (COMBINATORS["V >> V"], COMBINATORS["V*V"], COMBINATORS["2*V + 1 >> V.T + 1"]):
        exact = equivariant_basis(build(known.vector(), known.scalar()))
        near = equivariant_basis(build(noisy.vector(), noisy.scalar()))
        assert near.shape == exact.shape
        cosines = torch.linalg.svdvals(near.flatten(1) @ exact.flatten(1).T)
        assert cosines.numel() == 0 or float(cosines.min()) > 1 - 1e-5


def test_a_discovered_algebra_can_be_enforced():
    G = iso.gl(3)
    x = randn(200, 3)
    found = iso.discover.FromModel(G.vector(), G.scalar()).fit(lambda x: x.square().sum(1), x)
    V = found.algebra_.vector()
    assert len(equivariant_basis(V**2 >> V**2)) == 3


def test_a_skewed_copy_is_solved_without_schur():
    skewed = iso.so(3).conjugate(torch.eye(3) + 0.3 * randn(3, 3))
    V = skewed.vector()
    basis = equivariant_basis(V**2 >> V**2)
    assert len(basis) == 3
    assert_invariant(basis, V**2 >> V**2)


def test_ranks():
    V, one = iso.so(3).vector(), iso.so(3).scalar()
    rep = (V + one) >> (V + one)
    assert len(equivariant_basis(rep, rank=2)) == len(equivariant_basis(rep, rank=1e-6)) == 2
    assert len(equivariant_basis(rep, rank=1)) == 1
    assert len(equivariant_basis(rep, rank=1.0)) == rep.size
    spectrum = equivariant_spectrum(rep)
    assert spectrum.shape == (16,)
    assert (int((spectrum < 1e-12).sum()), float(spectrum.max()) <= 1.0) == (2, True)


def test_a_spectrum_without_a_step_is_doubtful():
    generator = torch.diag(10.0 ** torch.linspace(0, -4, 9, dtype=torch.float64))[None]
    V = iso.LieAlgebra(generator).vector()
    with pytest.warns(AmbiguousRankWarning, match="expected a step"):
        assert len(equivariant_basis(V)) == 0
    assert len(equivariant_basis(V, rank=2e-3)) == 3


def test_the_projector_is_the_group_average():
    group = iso.symmetric(3)
    V = group.vector()
    project = equivariant_projector(V >> V)
    matrix = randn(2, 3, 3)
    eye = torch.eye(3, dtype=torch.float64)
    elements = [eye[list(order)] for order in itertools.permutations(range(3))]
    mean = torch.stack([g @ matrix @ g.T for g in elements]).mean(0)
    assert torch.allclose(project(matrix), mean)
    assert torch.allclose(project(project(matrix)), project(matrix))
    with pytest.raises(RepresentationMismatchError, match="received"):
        project(randn(4))


# -- polynomials as representations ---------------------------------------------------------------------------------


def symmetric_dim(V, source, degree):
    """Dimension of equivariant polynomials of exactly this degree, from symmetric tensors on the inputs."""
    basis = equivariant_basis(source * V**degree if degree else source).reshape(-1, source.size, *[V.size] * degree)
    orders = itertools.permutations(range(2, 2 + degree))
    mean = sum(basis.permute(0, 1, *order) for order in orders) / math.factorial(degree)
    return int(torch.linalg.matrix_rank(mean.flatten(1), atol=1e-8)) if len(basis) else 0


@pytest.mark.parametrize("n", [2, 3])
def test_invariant_polynomials_of_rotations(n):
    G = iso.so(n)
    dims = [symmetric_dim(G.vector(), G.scalar(), degree) for degree in range(5)]
    assert (sum(dims[:3]), sum(dims)) == (2, 3)


@pytest.mark.parametrize(("group", "dim"), [(iso.so(2), 4), (iso.o(2), 2), (iso.so(3), 2)], ids=repr)
def test_equivariant_polynomials(group, dim):
    V = group.vector()
    assert sum(symmetric_dim(V, V, degree) for degree in range(4)) == dim


@pytest.mark.parametrize(("group", "dim"), [(iso.so(2), 5), (iso.o(2), 4), (iso.so(3), 4)], ids=repr)
def test_kernels_of_pairs_of_points(group, dim):
    V = group.vector()
    assert sum(symmetric_dim(V + V, group.scalar(), degree) for degree in range(3)) == dim


# -- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", ["large", -1, -0.5, float("nan"), True, 10])
def test_bad_ranks(rank):
    V = iso.so(3).vector()
    with pytest.raises(DataError, match="rank: expected"):
        equivariant_basis(V >> V, rank=rank)


def test_errors():
    V = iso.so(3).vector()
    with pytest.raises(RepresentationMismatchError, match="group: expected the group"):
        equivariant_basis(V, group=iso.o(4))
    with pytest.raises(RepresentationMismatchError, match="one algebra"):
        equivariant_blocks(V, iso.so(4).vector())
    with pytest.raises(RepresentationMismatchError, match="components that differ"):
        iso.o(3).vector() + iso.MatrixGroup(iso.so(3), -torch.eye(3)[None]).vector()
    with pytest.raises(RepresentationMismatchError, match="pass rho="):
        equivariant_basis(iso.Representation(iso.so(3), iso.so(3).basis), group=iso.o(3))
    with pytest.raises(DataError, match="dimensions are not split"):
        equivariant_blocks(V, V, rank=2)
    with pytest.raises(DataError, match="full spectrum"):
        equivariant_basis(V**8, rank=3)
