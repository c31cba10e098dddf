"""Algebras: the catalogue closes with exact dimensions, spans keep their geometry, files keep everything."""

import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import isotropy as iso
from isotropy.errors import DataError, NotAnAlgebraError, RepresentationMismatchError
from isotropy.testing import assert_algebra

quick = settings(deadline=None, max_examples=20, derandomize=True)

DIMENSIONS = {
    "gl": lambda n: n * n,
    "sl": lambda n: n * n - 1,
    "so": lambda n: n * (n - 1) // 2,
    "u": lambda n: n * n,
    "su": lambda n: n * n - 1,
    "translation": lambda n: n,
    "se": lambda n: n * (n + 1) // 2,
    "similarity": lambda n: n * (n + 1) // 2 + 1,
    "aff": lambda n: n * (n + 1),
    "galilei": lambda n: n * (n - 1) // 2 + 2 * n + 1,
    "scaling": lambda n: 1,
    "diagonal": lambda n: n,
}
SIZES = {"u": lambda n: 2 * n, "su": lambda n: 2 * n, "galilei": lambda n: n + 2} | {
    family: lambda n: n + 1 for family in ("translation", "se", "similarity", "aff")
}
LEAST = {"sl": 2, "so": 2, "su": 2}
CATALOGUE = [(family, n) for family in DIMENSIONS for n in range(LEAST.get(family, 1), 7)]


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def signs(algebra):
    """Numbers of negative and positive eigenvalues of the Killing form."""
    values = torch.linalg.eigvalsh(algebra.killing_form())
    return int((values < -1e-9).sum()), int((values > 1e-9).sum())


# -- the catalogue -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("family", "n"), CATALOGUE)
def test_the_catalogue_closes_with_exact_dimensions(family, n):
    algebra = getattr(iso, family)(n)
    assert algebra.dim == DIMENSIONS[family](n)
    assert algebra.n == SIZES.get(family, lambda n: n)(n)
    assert algebra.name == f"{family}({n})"
    assert_algebra(algebra)


@pytest.mark.parametrize("n", [2, 4, 6])
def test_symplectic_matrices(n):
    algebra, half = iso.sp(n), n // 2
    form = torch.zeros(n, n, dtype=torch.float64)
    form[:half, half:], form[half:, :half] = torch.eye(half), -torch.eye(half)
    assert algebra.dim == n * (n + 1) // 2
    assert torch.equal(algebra.basis.transpose(1, 2) @ form + form @ algebra.basis, torch.zeros(algebra.dim, n, n))
    assert_algebra(algebra)


@pytest.mark.parametrize(("p", "q"), [(1, 1), (1, 2), (2, 1), (1, 3), (2, 2), (3, 3)])
def test_indefinite_rotations_keep_their_metric(p, q):
    algebra = iso.so(p, q)
    metric = torch.diag(torch.tensor([1.0] * p + [-1.0] * q, dtype=torch.float64))
    assert algebra.dim == (p + q) * (p + q - 1) // 2
    assert float((algebra.basis.transpose(1, 2) @ metric + metric @ algebra.basis).abs().max()) == 0
    assert_algebra(algebra)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_unitary_matrices_are_orthogonal_and_commute_with_i(n):
    basis = iso.u(n).basis
    eye, zero = torch.eye(n, dtype=torch.float64), torch.zeros(n, n, dtype=torch.float64)
    unit = torch.cat([torch.cat([zero, -eye], 1), torch.cat([eye, zero], 1)])
    assert float((basis + basis.transpose(1, 2)).abs().max()) == 0
    assert float((basis @ unit - unit @ basis).abs().max()) == 0
    inside = iso.u(n).span(torch.eye(n * n, dtype=torch.float64)).distance(iso.su(n))
    assert inside == pytest.approx(math.pi / 2)  # su(n) lies inside u(n) and lacks one dimension


def test_direction_of_rotations_and_boosts():
    turned = torch.linalg.matrix_exp(0.5 * math.pi * iso.so(3).basis[0]) @ torch.eye(3, dtype=torch.float64)[0]
    assert torch.allclose(turned, torch.eye(3, dtype=torch.float64)[1], atol=1e-14)  # x towards y
    assert torch.equal(iso.lorentz().basis[0], iso.lorentz().basis[0].T)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("so(3)", (3, 0)),
        ("so(4)", (6, 0)),
        ("so(1,3)", (3, 3)),
        ("sl(2)", (1, 2)),
        ("su(2)", (3, 0)),
        ("su(3)", (8, 0)),
        ("sp(4)", (4, 6)),
        ("se(3)", (3, 0)),
        ("translation(3)", (0, 0)),
    ],
)
def test_signature_of_the_killing_form(name, expected):
    algebra = iso.named(name)
    assert signs(algebra) == expected
    assert signs(algebra.span(randn(algebra.dim, algebra.dim))) == expected


# -- structure ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["so(3)", "gl(3)", "se(3)", "so(1,3)", "su(3)", "aff(2)", "galilei(2)"])
def test_structure_constants_reproduce_brackets_in_any_basis(name):
    known = iso.named(name)
    algebra = known.span(randn(known.dim, known.dim))
    e = algebra.basis
    brackets = torch.einsum("iab,jbc->ijac", e, e)
    expected = brackets - brackets.transpose(0, 1)
    rebuilt = torch.einsum("ijk,kab->ijab", algebra.structure_constants, e)
    assert float((rebuilt - expected).norm() / expected.norm()) < 1e-10
    xi, eta = randn(2, known.dim, seed=1)
    matrix = algebra.element(xi) @ algebra.element(eta) - algebra.element(eta) @ algebra.element(xi)
    assert torch.allclose(algebra.element(algebra.bracket(xi, eta)), matrix, atol=1e-9)


def test_exp_is_a_one_parameter_group():
    algebra, xi = iso.so(3), torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64)
    g = algebra.exp(xi)
    assert torch.allclose(g @ g.T, torch.eye(3, dtype=torch.float64), atol=1e-14)
    assert torch.allclose(algebra.exp(2 * xi), g @ g, atol=1e-14)


def test_closure_defect_of_spans_that_do_not_close():
    so3 = iso.so(3)
    assert so3.span(torch.eye(3)[:2]).closure_defect() == pytest.approx(1.0)
    assert so3.span(torch.eye(3)[:1]).closure_defect() == 0.0
    broken = so3.basis
    broken[0, 0, 0] = 0.1
    assert 0 < iso.LieAlgebra(broken).closure_defect() < 0.3


def test_closure_defect_does_not_depend_on_the_basis():
    span = iso.gl(3).span(randn(4, 9))
    assert span.span(randn(4, 4, seed=5)).closure_defect() == pytest.approx(span.closure_defect(), rel=1e-9)


def test_identify_names_the_algebra():
    assert iso.so(3).conjugate(randn(3, 3)).identify().name == "so(3)"
    assert "so(1,3)" in (iso.lorentz().identify().name, *iso.lorentz().identify().aliases)


# -- subspaces ---------------------------------------------------------------------------------------------------


@quick
@given(seed=st.integers(0, 10_000), dims=st.tuples(*[st.integers(0, 9)] * 3))
def test_distance_is_a_metric(seed, dims):
    gl = iso.gl(3)
    a, b, c = (gl.span(randn(dim, 9, seed=seed + i)) for i, dim in enumerate(dims))
    assert a.distance(a) < 1e-12
    assert a.distance(b) == pytest.approx(b.distance(a), abs=1e-12)
    assert a.distance(c) <= a.distance(b) + b.distance(c) + 1e-12


@quick
@given(seed=st.integers(0, 10_000), dim=st.integers(1, 9))
def test_distance_is_invariant_under_change_of_basis(seed, dim):
    gl = iso.gl(3)
    first, second = gl.span(randn(dim, 9, seed=seed)), gl.span(randn(dim, 9, seed=seed + 1))
    mixed = first.span(randn(dim, dim, seed=seed + 2))
    assert first.distance(mixed) < 1e-7
    assert mixed.distance(second) == pytest.approx(first.distance(second), abs=1e-7)
    turn = torch.linalg.qr(randn(3, 3, seed=seed + 3)).Q
    assert first.conjugate(turn).distance(second.conjugate(turn)) == pytest.approx(first.distance(second), abs=1e-9)


@pytest.mark.parametrize("name", ["so(4)", "gl(3)", "se(3)", "su(2)", "sp(4)"])
def test_orthonormal_and_sparsified_keep_the_span(name):
    known = iso.named(name)
    mixed = known.span(randn(known.dim, known.dim))
    assert mixed.distance(known) < 1e-9
    assert mixed.orthonormal().distance(known) < 1e-9
    assert mixed.sparsified().distance(known) < 1e-9
    flat = mixed.orthonormal().basis.flatten(1)
    assert torch.allclose(flat @ flat.T, torch.eye(known.dim, dtype=torch.float64), atol=1e-12)
    sparse = mixed.sparsified().basis
    assert torch.allclose(sparse.abs().amax(dim=(1, 2)), torch.ones(known.dim, dtype=torch.float64))
    assert int((sparse != 0).sum()) <= int((known.basis != 0).sum())


def test_conjugation_is_a_homomorphism():
    p, q = randn(3, 3), randn(3, 3, seed=1)
    assert iso.so(3).conjugate(q).conjugate(p).distance(iso.so(3).conjugate(p @ q)) < 1e-9
    assert_algebra(iso.so(3).conjugate(p))


def test_direct_sums_commute_between_blocks():
    total = iso.so(3) + iso.sl(2)
    assert (total.dim, total.n, total.blocks, total.name) == (6, 5, (3, 2), "so(3)+sl(2)")
    assert float(total.structure_constants[:3, 3:].abs().max()) < 1e-14
    assert torch.equal(total.vector(1).drho()[3:], iso.sl(2).basis)
    assert float(total.vector(1).drho()[:3].abs().max()) == 0


# -- immutability ------------------------------------------------------------------------------------------------


def test_changing_what_goes_in_or_comes_out_changes_nothing():
    given_basis = iso.so(3).basis
    algebra = iso.LieAlgebra(given_basis)
    given_basis.zero_()
    algebra.basis.zero_()
    assert torch.equal(algebra.basis, iso.so(3).basis)


def test_generators_are_float64():
    assert iso.LieAlgebra(iso.so(3).basis.float()).basis.dtype == torch.float64


# -- files -------------------------------------------------------------------------------------------------------

FILED = [
    iso.so(3),
    iso.gl(2) + iso.scaling(1),
    iso.LieAlgebra(torch.zeros(0, 3, 3), "nothing"),
    iso.actions.PolynomialFields(2, 2).algebra,
    iso.actions.PolynomialFields(2, 3).algebra.span(randn(3, 20)),
    iso.gl(4).span(randn(5, 16)),
]


@pytest.mark.parametrize("algebra", FILED, ids=repr)
def test_save_and_load_return_the_same_algebra(algebra, tmp_path):
    algebra.save(tmp_path / "a.safetensors")
    back = iso.LieAlgebra.load(tmp_path / "a.safetensors")
    assert torch.equal(back.basis, algebra.basis)
    assert (back.name, back.blocks, back.polynomials) == (algebra.name, algebra.blocks, algebra.polynomials)
    assert back.closure_defect() == pytest.approx(algebra.closure_defect(), abs=1e-14)
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_load_reads_a_symmetry_file(tmp_path):
    path = tmp_path / "symmetry.json"
    answer = {"format": 1, "name": "so(3)", "basis": iso.so(3).basis.tolist()}
    path.write_text(json.dumps(answer))
    assert torch.equal(iso.LieAlgebra.load(path).basis, iso.so(3).basis)
    path.write_text(json.dumps({**answer, "basis": [], "shape": [3, 3]}))
    assert iso.LieAlgebra.load(path).basis.shape == (0, 3, 3)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match="expected an existing file"):
        iso.LieAlgebra.load(tmp_path / "missing.safetensors")
    for name in ("junk.safetensors", "junk.json"):
        (tmp_path / name).write_text("not an algebra")
        with pytest.raises(DataError, match=name):
            iso.LieAlgebra.load(tmp_path / name)
    (tmp_path / "new.json").write_text(json.dumps({"format": 99, "basis": iso.so(3).basis.tolist()}))
    with pytest.raises(DataError, match="received 99"):
        iso.LieAlgebra.load(tmp_path / "new.json")
    with pytest.raises(DataError, match="safetensors"):
        iso.so(3).save(tmp_path / "a.pickle")
    assert not (tmp_path / "a.pickle").exists()


# -- errors ------------------------------------------------------------------------------------------------------


def test_dependent_generators_are_refused():
    with pytest.raises(NotAnAlgebraError, match="received 4 that span 3"):
        iso.LieAlgebra(torch.cat([iso.so(3).basis, iso.so(3).basis[:1]]))
    with pytest.raises(NotAnAlgebraError, match="span 0"):
        iso.LieAlgebra(torch.zeros(1, 2, 2))


@pytest.mark.parametrize("shape", [(3,), (3, 3), (2, 3, 2), (1, 2, 2, 2)])
def test_generators_have_to_be_square(shape):
    with pytest.raises(RepresentationMismatchError, match=r"expected generators of shape \(dim, n, n\)"):
        iso.LieAlgebra(torch.ones(shape))


def test_nan_generators_are_refused():
    basis = iso.so(3).basis
    basis[1, 0, 0] = float("nan")
    with pytest.raises(DataError, match="sample 1"):
        iso.LieAlgebra(basis)


def test_mismatched_arguments_are_refused():
    fields = iso.actions.PolynomialFields(2, 2).algebra
    for call, text in [
        (lambda: iso.so(3).span(torch.ones(2, 4)), r"\(k, 3\)"),
        (lambda: iso.so(3).span(torch.ones(3)), r"\(k, 3\)"),
        (lambda: iso.so(3).distance(iso.so(4)), "same space"),
        (lambda: (iso.so(3) + iso.so(2)).vector(2), r"0\.\.1"),
        (lambda: fields.vector(), "vector fields"),
        (lambda: fields.exp(torch.ones(12)), "vector fields"),
        (lambda: fields + iso.so(2), "vector fields"),
        (lambda: iso.so(2) + fields, "vector fields"),
    ]:
        with pytest.raises(RepresentationMismatchError, match=text):
            call()


def test_nothing_is_an_algebra_too():
    nothing = iso.LieAlgebra(torch.zeros(0, 3, 3))
    assert_algebra(nothing)
    assert (nothing.dim, nothing.n, nothing.closure_defect()) == (0, 3, 0.0)
    assert nothing.killing_form().shape == (0, 0)
    assert nothing.identify().facts.dimension == 0
    assert nothing.sparsified().orthonormal().vector().size == 3
    assert nothing.distance(iso.so(3)) == pytest.approx(3**0.5 * math.pi / 2)
