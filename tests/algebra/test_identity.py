"""Structure theory and names of Lie algebras, in random bases, conjugated and with noise."""

import math

import pytest
import torch

from isotropy.algebra._identity import identify
from isotropy.algebra._simple import dual_coxeter, forms
from isotropy.algebra._structure import (
    Ruler,
    centre,
    collect_facts,
    cut,
    derived,
    derived_series,
    eigen,
    is_abelian,
    is_nilpotent,
    is_semisimple,
    is_solvable,
    killing_form,
    lower_central_series,
    quotient,
    radical,
    rank,
    signature,
    simple_ideals,
    subalgebra,
)
from isotropy.errors import NotAnAlgebraError, RepresentationMismatchError, SymmetryError


def unit(n, i, j):
    matrix = torch.zeros(n, n, dtype=torch.float64)
    matrix[i, j] = 1.0
    return matrix


def kernel(n, condition):
    """Matrices A (n, n) with condition(A) = 0, for a linear condition."""
    images = torch.stack([condition(unit(n, i, j)).reshape(-1) for i in range(n) for j in range(n)])
    left, values, _ = torch.linalg.svd(images)
    return left[:, int((values > 1e-9).sum()) :].T.reshape(-1, n, n)


def sl(n):
    return kernel(n, lambda a: a.trace())


def gl(n):
    return torch.stack([unit(n, i, j) for i in range(n) for j in range(n)])


def so(p, q=0):
    metric = torch.diag(torch.tensor([1.0] * p + [-1.0] * q, dtype=torch.float64))
    return kernel(p + q, lambda a: a.T @ metric + metric @ a)


def complex_unit(n):
    zero, one = torch.zeros(n, n, dtype=torch.float64), torch.eye(n, dtype=torch.float64)
    return torch.cat([torch.cat([zero, -one], 1), torch.cat([one, zero], 1)])


def sp(n):
    form = complex_unit(n // 2)
    return kernel(n, lambda a: a.T @ form + form @ a)


def u(p, q=0):
    """Real form (2n, 2n) of u(p, q)."""
    unit_i = complex_unit(p + q)
    metric = torch.diag(torch.tensor(([1.0] * p + [-1.0] * q) * 2, dtype=torch.float64))
    return kernel(2 * (p + q), lambda a: torch.stack([a.T @ metric + metric @ a, a @ unit_i - unit_i @ a]))


def su(p, q=0):
    basis = u(p, q)
    traces = (basis @ complex_unit(p + q)).diagonal(dim1=1, dim2=2).sum(1, keepdim=True)
    left, _, _ = torch.linalg.svd(traces)
    return torch.einsum("ij,iab->jab", left[:, 1:], basis)


def slc(n):
    unit_i = complex_unit(n)
    return kernel(
        2 * n,
        lambda a: torch.cat([(a @ unit_i - unit_i @ a).reshape(-1), torch.stack([a.trace(), (a @ unit_i).trace()])]),
    )


def usp(n):
    """Compact sp on H^(n/2) = R^2n: commutes with two anticommuting complex structures."""
    i, h = complex_unit(n), complex_unit(n // 2)
    j = torch.block_diag(h, -h)
    return kernel(2 * n, lambda a: torch.stack([a + a.T, a @ i - i @ a, a @ j - j @ a]))


def affine(linear, shifts=True):
    """Homogeneous form of linear matrices with all translations."""
    n = linear.shape[1]
    lifted = torch.nn.functional.pad(linear, (0, 1, 0, 1))
    return torch.cat([lifted, torch.stack([unit(n + 1, i, n) for i in range(n)])]) if shifts else lifted


def scaling(n):
    return torch.eye(n, dtype=torch.float64)[None]


def galilei(n):
    """Acts on (x, t, 1)."""
    rotations = torch.nn.functional.pad(so(n), (0, 2, 0, 2)) if n > 1 else torch.zeros(0, n + 2, n + 2)
    boosts = [unit(n + 2, i, n) for i in range(n)]
    shifts = [unit(n + 2, i, n + 1) for i in range(n + 1)]
    return torch.cat([rotations, torch.stack(boosts + shifts)])


def heisenberg(k):
    n = k + 2
    rows = [unit(n, 0, i) for i in range(1, n - 1)]
    columns = [unit(n, i, n - 1) for i in range(1, n - 1)]
    return torch.stack([*rows, *columns, unit(n, 0, n - 1)])


def both(first, second):
    """Direct sum acting on the direct sum of the spaces."""
    a, b = first.shape[1], second.shape[1]
    pad = torch.nn.functional.pad
    return torch.cat([pad(first, (0, b, 0, b)), pad(second, (a, 0, a, 0))])


def copies(matrices, k):
    return torch.stack([torch.block_diag(*[m] * k) for m in matrices])


def beside(matrices, k):
    """The same matrices with k more dimensions that do not move."""
    return torch.nn.functional.pad(matrices, (0, k, 0, k))


def spread(n, generator, condition):
    """Random element of GL(n) with the given condition number."""
    q1, _ = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))
    q2, _ = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))
    values = torch.logspace(0, math.log10(condition), n, dtype=torch.float64) if n > 1 else torch.ones(1).double()
    return q1 @ torch.diag(values) @ q2


def constants(matrices):
    """Structure constants by least squares."""
    commutators = torch.einsum("iab,jbc->ijac", matrices, matrices)
    commutators = commutators - commutators.transpose(0, 1)
    flat = matrices.flatten(1).T
    d = len(matrices)
    return torch.linalg.lstsq(flat, commutators.reshape(d * d, -1).T).solution.T.reshape(d, d, d)


def disguise(matrices, seed=0, noise=0.0, condition=2.0, mix=3.0):
    """Random basis, random conjugation, relative noise."""
    generator = torch.Generator().manual_seed(seed)
    matrices = matrices.double()
    d, n, _ = matrices.shape
    p = spread(n, generator, condition)
    matrices = p @ matrices @ torch.linalg.inv(p)
    q, _ = torch.linalg.qr(matrices.flatten(1).T)
    matrices = torch.einsum("ij,jab->iab", spread(d, generator, mix), q.T.reshape(d, n, n))
    dirt = torch.randn(d, n, n, generator=generator, dtype=torch.float64)
    sizes = torch.linalg.matrix_norm(matrices, keepdim=True) / torch.linalg.matrix_norm(dirt, keepdim=True)
    return matrices + noise * sizes * dirt


def name_of(matrices, defect=0.0):
    return identify(constants(matrices), matrices, defect).name


FAMILIES = {
    **{f"so({n})": so(n) for n in (3, 4, 5, 6, 7)},
    **{f"sl({n})": sl(n) for n in (2, 3, 4, 5)},
    **{f"gl({n})": gl(n) for n in (2, 3, 4)},
    **{f"sp({n})": sp(n) for n in (4, 6)},
    **{f"su({n})": su(n) for n in (2, 3, 4)},
    **{f"u({n})": u(n) for n in (2, 3)},
    **{f"so({p},{q})": so(p, q) for p, q in ((1, 2), (1, 3), (2, 2), (1, 4), (2, 3), (2, 4), (3, 3), (3, 4))},
    "su(1,2)": su(1, 2),
    "su(2,2)": su(2, 2),
    "u(1,2)": u(1, 2),
    "sl(2,C)": slc(2),
    "sl(3,C)": slc(3),
    "usp(4)": usp(4),
    "usp(6)": usp(6),
    **{f"se({n})": affine(so(n)) for n in (2, 3, 4)},
    **{f"aff({n})": affine(gl(n)) for n in (1, 2, 3)},
    **{f"saff({n})": affine(sl(n)) for n in (2, 3)},
    **{f"sim({n})": affine(torch.cat([so(n), scaling(n)])) for n in (2, 3)},
    **{f"iso(1,{n})": affine(so(1, n)) for n in (1, 2, 3)},
    **{f"galilei({n})": galilei(n) for n in (2, 3)},
    **{f"heisenberg({2 * k + 1})": heisenberg(k) for k in (1, 2)},
    "so(2)": so(2),
    "so(1,1)": so(1, 1),
    "scaling": scaling(3),
    **{f"translation({n})": affine(torch.zeros(0, n, n).double()) for n in (1, 2, 3)},
    "so(2)+so(2)": both(so(2), so(2)),
    "so(2)+scaling": torch.cat([so(2), scaling(2)]),
    "so(3)+so(2)": both(so(3), so(2)),
    "so(3)+so(3)": both(so(3), so(3)),
    "so(3)+scaling": torch.cat([so(3), scaling(3)]),
    "so(1,3)+scaling": torch.cat([so(1, 3), scaling(4)]),
    "sl(3)+so(3)": both(sl(3), so(3)),
    "gl(2)+gl(2)": both(gl(2), gl(2)),
    "u(2)+so(2)": both(u(2), so(2)),
    "sl(2)+scaling": both(sl(2), scaling(1)),
    "su(2)+su(2)": both(su(2), su(2)),
    "so(1,3)+so(3)": both(so(1, 3), so(3)),
}
CASES = pytest.mark.parametrize("name", list(FAMILIES))


@CASES
def test_exact_families_are_named_in_random_bases(name):
    for seed in (0, 1):
        matrices = disguise(FAMILIES[name], seed)
        found = identify(constants(matrices), matrices)
        assert found.name == name, found
        assert found.confidence > 0.95


@CASES
def test_small_noise_does_not_change_a_name(name):
    matrices = disguise(FAMILIES[name], 5, 1e-3)
    found = identify(constants(matrices), matrices, 1e-3)
    assert found.name == name, found
    assert found.confidence < 0.98


def test_noise_of_a_percent_never_gives_a_wrong_name():
    names = {name: name_of(disguise(m, 3, 1e-2), 1e-2) for name, m in FAMILIES.items()}
    assert all(found == name or found.startswith("unidentified") for name, found in names.items())
    assert sum(found == name for name, found in names.items()) > 0.95 * len(names)


@pytest.mark.parametrize("name", ["so(3)", "sl(2)", "so(1,3)", "se(3)", "aff(2)", "u(2)", "heisenberg(3)"])
def test_confidence_falls_with_noise(name):
    sure = []
    for noise in (0.0, 1e-4, 1e-3, 1e-2):
        matrices = disguise(FAMILIES[name], 1, noise, condition=1.2, mix=1.5)
        found = identify(constants(matrices), matrices, noise)
        assert found.name == name
        sure.append(found.confidence)
    assert sure == sorted(sure, reverse=True)
    assert 1.0 >= sure[0] > 0.999
    assert sure[-1] < 0.95


@pytest.mark.parametrize("name", ["so(3)", "so(1,3)", "sl(3)", "se(3)", "gl(2)"])
def test_stated_noise_hides_the_name_before_it_is_wrong(name):
    matrices = disguise(FAMILIES[name])
    for defect in (0.02, 0.05, 0.1, 0.5, 3.0):
        found = identify(constants(matrices), matrices, defect)
        assert found.name in (name, f"unidentified({len(matrices)})")
    assert found.name == f"unidentified({len(matrices)})"
    assert found.confidence == 0.0
    assert found.aliases == ()


@pytest.mark.parametrize("name", ["so(8)", "sl(7)", "sp(8)", "gl(6)", "so(4,4)", "su(5)", "se(6)", "aff(5)"])
def test_large_families(name):
    large = {
        "so(8)": so(8),
        "sl(7)": sl(7),
        "sp(8)": sp(8),
        "gl(6)": gl(6),
        "so(4,4)": so(4, 4),
        "su(5)": su(5),
        "se(6)": affine(so(6)),
        "aff(5)": affine(gl(5)),
    }
    assert name_of(disguise(large[name])) == name


@pytest.mark.parametrize(("p", "q"), [(1, 2), (3, 0), (1, 3), (2, 2)])
def test_strong_boosts_do_not_change_the_signature(p, q):
    rapidity = math.acosh(30.0) / 2
    n = p + q
    boost = torch.eye(n, dtype=torch.float64)
    boost[0, 0] = boost[-1, -1] = math.cosh(rapidity)
    boost[0, -1] = boost[-1, 0] = math.sinh(rapidity)
    assert float(torch.linalg.cond(boost)) > 29
    matrices = disguise(boost @ so(p, q) @ torch.linalg.inv(boost), condition=1.0, mix=30.0)
    assert name_of(matrices) == (f"so({p},{q})" if q else f"so({p})")


@pytest.mark.parametrize(("p", "q"), [(1, 2), (3, 0)])
def test_conjugation_of_condition_thirty(p, q):
    matrices = disguise(so(p, q), condition=30.0, mix=30.0)
    assert name_of(matrices) == (f"so({p},{q})" if q else f"so({p})")


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("name", ["so(3)", "so(4)", "sl(2)", "sl(3)", "gl(2)", "so(1,2)", "sp(4)", "so(2,3)", "su(3)"])
def test_copies_and_still_dimensions_do_not_change_the_name(name, k):
    assert name_of(disguise(beside(copies(FAMILIES[name], k), 1))) == name


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        (so(4), so(4), "so(4)+so(4)"),
        (so(2, 2), so(2, 2), "so(2,2)+so(2,2)"),
        (so(2, 2), so(4), "so(2,2)+so(4)"),
        (both(so(4), so(4)), so(3), "so(4)+so(4)+so(3)"),
    ],
)
def test_several_pairs_of_halves_find_their_partners(first, second, name):
    assert name_of(disguise(both(first, second))) == name


def adjoint_matrices(matrices):
    return constants(matrices).transpose(1, 2)


@pytest.mark.parametrize(
    ("matrices", "name", "alias"),
    [
        (adjoint_matrices(sl(2)), "so(1,2)", "sl(2)"),
        (adjoint_matrices(su(2)), "so(3)", "su(2)"),
        (adjoint_matrices(so(4)), "so(3)+so(3)", None),
        (adjoint_matrices(so(2, 2)), "so(1,2)+so(1,2)", None),
        (adjoint_matrices(sp(4)), "sp(4)", "so(2,3)"),
        (so(3), "so(3)", "sp(1)"),
        (so(1, 3), "so(1,3)", "sl(2,C)"),
        (slc(2), "sl(2,C)", "so(1,3)"),
        (so(4), "so(4)", "so(3)+so(3)"),
        (so(2, 2), "so(2,2)", "sl(2)+sl(2)"),
        (so(5), "so(5)", "usp(4)"),
        (so(6), "so(6)", "su(4)"),
        (so(3, 3), "so(3,3)", "sl(4)"),
        (so(2, 4), "so(2,4)", "su(2,2)"),
        (so(1, 5), "so(1,5)", "sl(2,H)"),
        (sp(2), "sl(2)", "sp(2)"),
        (su(1, 1), "sl(2)", "su(1,1)"),
        (galilei(1), "heisenberg(3)", "galilei(1)"),
        (gl(3), "gl(3)", "sl(3)+scaling"),
        (u(3), "u(3)", "su(3)+so(2)"),
    ],
)
def test_matrices_choose_among_isomorphic_names(matrices, name, alias):
    found = identify(constants(matrices), matrices)
    assert found.name == name
    assert alias is None or alias in found.aliases
    assert found.name not in found.aliases


@pytest.mark.parametrize(
    ("matrices", "name"),
    [
        (so(3), "so(3)"),
        (sl(2), "sl(2)"),
        (so(1, 3), "so(1,3)"),
        (sl(3), "sl(3)"),
        (so(4), "so(3)+so(3)"),
        (so(7), "so(7)"),
        (so(3, 4), "so(3,4)"),
        (sp(6), "sp(6)"),
        (usp(6), "usp(6)"),
        (gl(2), "sl(2)+abelian(1)"),
        (affine(so(3)), "se(3)"),
        (affine(so(2)), "se(2)"),
        (affine(gl(2)), "aff(2)"),
        (galilei(3), "galilei(3)"),
        (heisenberg(2), "heisenberg(5)"),
        (both(so(2), so(2)), "abelian(2)"),
    ],
)
def test_brackets_alone_name_the_isomorphism_class(matrices, name):
    assert identify(constants(disguise(matrices))).name == name


@pytest.mark.parametrize(("matrices", "value"), [(so(7), 5), (sp(6), 4), (so(3, 4), 5), (sl(3), 3), (slc(2), 2)])
def test_dual_coxeter_number(matrices, value):
    assert dual_coxeter(constants(disguise(matrices))) == pytest.approx(value, rel=1e-2)


def derivations_of_octonions():
    """G2: the antisymmetric matrices (7, 7) that preserve the octonion product."""
    form = torch.zeros(7, 7, 7, dtype=torch.float64)
    for i in range(7):
        a, b, c = i, (i + 1) % 7, (i + 3) % 7
        for x, y, z in ((a, b, c), (b, c, a), (c, a, b)):
            form[x, y, z], form[y, x, z] = 1.0, -1.0
    return kernel(
        7,
        lambda m: (
            torch.einsum("ax,ayz->xyz", m, form)
            + torch.einsum("ay,xaz->xyz", m, form)
            + torch.einsum("az,xya->xyz", m, form)
        ),
    )


def test_simple_algebra_outside_the_table_is_described():
    matrices = derivations_of_octonions()
    found = identify(constants(matrices), matrices)
    assert found.name == "simple(14)"
    assert found.facts.killing == (0, 14, 0)
    assert rank(constants(matrices)) == 2


@pytest.mark.parametrize("n", [2, 3, 4])
def test_killing_signature_of_sl(n):
    form = killing_form(constants(disguise(sl(n))))
    assert signature(form) == (n * (n + 1) // 2 - 1, n * (n - 1) // 2, 0)


@pytest.mark.parametrize(
    ("matrices", "expected"),
    [
        (so(1, 3), (6, (6,), 0, 0, (3, 3, 0), False, False, True)),
        (so(4), (6, (6,), 0, 0, (0, 6, 0), False, False, True)),
        (gl(3), (9, (9, 8), 1, 1, (5, 3, 1), False, False, False)),
        (affine(so(3)), (6, (6,), 0, 3, (0, 3, 3), False, False, False)),
        (affine(so(2)), (3, (3, 2, 0), 0, 3, (0, 1, 2), True, False, False)),
        (affine(gl(1)), (2, (2, 1, 0), 0, 2, (1, 0, 1), True, False, False)),
        (heisenberg(1), (3, (3, 1, 0), 1, 3, (0, 0, 3), True, True, False)),
        (galilei(3), (10, (10, 9), 0, 7, (0, 3, 7), False, False, False)),
        (both(so(2), so(2)), (2, (2, 0), 2, 2, (0, 0, 2), True, True, False)),
    ],
)
def test_facts_are_exact(matrices, expected):
    for seed in range(3):
        facts = collect_facts(constants(disguise(matrices, seed)))
        assert tuple(getattr(facts, field) for field in facts.__dataclass_fields__) == expected


@pytest.mark.parametrize(
    ("matrices", "value"),
    [
        (so(5), 2),
        (so(6), 3),
        (sl(4), 3),
        (gl(3), 3),
        (su(3), 2),
        (so(1, 3), 2),
        (heisenberg(1), 3),
        (affine(so(2)), 1),
    ],
)
def test_rank(matrices, value):
    assert rank(constants(disguise(matrices))) == value


def test_radical_centre_and_quotient():
    structure = constants(disguise(affine(gl(2))))
    ideal = radical(structure)
    assert ideal.shape == (3, 6)
    assert is_solvable(subalgebra(structure, ideal))
    assert is_semisimple(quotient(structure, ideal))
    assert centre(structure).shape == (0, 6)
    assert centre(constants(disguise(gl(2)))).shape == (1, 4)
    assert derived_series(constants(disguise(heisenberg(2)))) == (5, 1, 0)
    assert lower_central_series(constants(disguise(affine(so(2))))) == (3, 2)
    assert is_nilpotent(constants(disguise(heisenberg(2))))
    translations = derived(subalgebra(structure, ideal)) @ ideal
    assert translations.shape == (2, 6)
    assert is_abelian(subalgebra(structure, translations))
    assert not is_abelian(structure)


def test_simple_ideals_commute_and_know_their_type():
    structure = constants(disguise(both(both(so(1, 3), so(3)), sl(2))))
    ideals = simple_ideals(structure)
    assert sorted((len(i.basis), i.complex) for i in ideals) == [(3, False), (3, False), (6, True)]
    for a in ideals:
        for b in ideals:
            product = torch.einsum("ai,bj,ijk->abk", a.basis, b.basis, structure)
            assert (float(product.abs().max()) < 1e-9) == (a is not b)


def upper_triangular(n):
    return torch.stack([unit(n, i, j) for i in range(n) for j in range(i, n)])


def acted(matrix):
    """R acting on R^n by one matrix."""
    return affine(matrix.double()[None])


@pytest.mark.parametrize(
    ("matrices", "name"),
    [
        (upper_triangular(2), "solvable(3)"),
        (upper_triangular(3), "solvable(6)"),
        (torch.stack([unit(4, i, j) for i in range(4) for j in range(i + 1, 4)]), "nilpotent(6)"),
        (acted(torch.diag(torch.tensor([1.0, 2.0]))), "solvable(3)"),
        (acted(torch.diag(torch.tensor([1.0, -1.0]))), "iso(1,1)"),
        (acted(torch.tensor([[0.4, -1.0], [1.0, 0.4]])), "solvable(3)"),
        (acted(torch.tensor([[1.0, 1.0], [0.0, 1.0]])), "solvable(3)"),
        (acted(torch.eye(3)), "solvable(4)"),
        (both(affine(so(2)), so(2)), "solvable(4)"),
        (affine(copies(so(3), 2)), "so(3) acting on a radical of dimension 6"),
        (affine(sp(4)), "sp(4) acting on a radical of dimension 4"),
    ],
)
def test_unnamed_algebras_are_described(matrices, name):
    for seed in range(3):
        assert name_of(disguise(matrices, seed)) == name


@pytest.mark.parametrize(
    ("matrix", "name"),
    [
        (so(2)[0], "so(2)"),
        (torch.block_diag(so(2)[0], 2 * so(2)[0], torch.zeros(1, 1).double()), "so(2)"),
        (torch.diag(torch.tensor([1.0, 2.0, 0.0])), "scaling"),
        (torch.diag(torch.tensor([1.0, -1.0])), "so(1,1)"),
        (torch.tensor([[1.0, -2.0], [2.0, 1.0]]), "abelian(1)"),
        (torch.tensor([[1.0, -1.0], [1.0, 1.0]]), "abelian(1)"),
        (torch.block_diag(torch.ones(1, 1), so(2)[0].float()), "abelian(1)"),
        (torch.diag(torch.ones(2), 1), "translation(1)"),
    ],
)
def test_one_generator_is_named_by_its_spectrum(matrix, name):
    for seed in range(3):
        assert name_of(disguise(matrix[None], seed)) == name
        assert name_of(disguise(matrix[None], seed, 1e-3), 1e-3) == name


@pytest.mark.parametrize("seed", range(6))
def test_spans_that_do_not_close_are_not_named(seed):
    generator = torch.Generator().manual_seed(seed)
    for d, n in ((2, 3), (3, 3), (3, 4), (5, 4), (6, 5)):
        matrices = torch.randn(d, n, n, generator=generator, dtype=torch.float64)
        found = identify(constants(matrices), matrices)
        assert (found.name, found.confidence) == (f"unidentified({d})", 0.0)
        if d > 2:
            assert identify(constants(matrices)).name == f"unidentified({d})"


def test_part_of_an_algebra_is_not_named():
    matrices = so(4)[:4]
    assert name_of(matrices) == "unidentified(4)"


def test_trivial_algebra():
    found = identify(torch.zeros(0, 0, 0), torch.zeros(0, 3, 3))
    assert (found.name, found.confidence, found.facts.dimension) == ("trivial", 1.0, 0)


def test_inputs_keep_their_values_and_float32_is_accepted():
    matrices = so(3).float()
    structure = constants(matrices.double()).float()
    before = structure.clone(), matrices.clone()
    assert identify(structure, matrices).name == "so(3)"
    assert torch.equal(structure, before[0])
    assert torch.equal(matrices, before[1])


def test_bad_input_is_refused():
    structure, matrices = constants(so(3)), so(3)
    with pytest.raises(RepresentationMismatchError, match=r"expected structure constants \(d, d, d\)"):
        identify(structure[:2])
    with pytest.raises(RepresentationMismatchError, match=r"expected matrices \(3, n, n\)"):
        identify(structure, matrices[:2])
    with pytest.raises(SymmetryError, match="finite"):
        identify(structure * math.nan, matrices)
    with pytest.raises(SymmetryError, match="defect"):
        identify(structure, matrices, -1.0)
    with pytest.raises(NotAnAlgebraError, match="independent"):
        identify(torch.zeros(2, 2, 2), torch.stack([matrices[0], matrices[0]]))
    with pytest.raises(NotAnAlgebraError, match="semisimple"):
        simple_ideals(constants(heisenberg(1)))


def test_table_fixes_every_class_by_its_key():
    for dimension in (3, 6, 8, 10, 15, 16, 20, 21, 24, 28, 35, 36, 45, 48, 55, 63):
        table = forms(dimension)
        assert len({form.name for form in table}) == len(table)
        assert all(0 <= form.noncompact < dimension for form in table)
        assert all(2 * form.noncompact == dimension for form in table if form.complex)
    names = [f.name for f in forms(15) if f.noncompact == 8]
    assert names == ["so(2,4)", "su(2,2)"]
    assert [f.name for f in forms(21) if f.noncompact == 12] == ["sp(6)", "so(3,4)"]


def test_cut_prefers_the_clearest_gap_and_reports_doubt():
    assert cut(torch.tensor([1.0, 0.9, 1e-12]), 1e-9)[0] == 2
    assert cut(torch.tensor([1e-12, 1e-13]), 1e-9)[0] == 0
    ruler = Ruler(0.01)
    assert ruler.count(torch.tensor([1.0, 0.03])) == 1
    assert ruler.confidence < 0.75


def test_dust_beside_large_entries_does_not_stop_eigenvalues():
    """Entries of 1e-33 beside 1, left by a search: the iteration behind ``torch.linalg.eig`` gave up on them."""
    half, dust = 0.5, 6.13317366673349e-18
    matrix = torch.tensor(
        [
            [-8.71576399210524884e-33, 0.0, -0.499999999999999944, dust],
            [4.62223186652936742e-33, 0.0, dust, -half],
            [0.499999999999999833, -dust, 0.0, -4.62223186652936742e-33],
            [-dust, 0.500000000000000111, 5.58519683872298466e-33, 0.0],
        ],
        dtype=torch.float64,
    )
    values, _ = eigen(matrix)
    torch.testing.assert_close(values.imag.sort().values, torch.tensor([-half, -half, half, half]).double())
    torch.testing.assert_close(values.real, torch.zeros(4, dtype=torch.float64))
