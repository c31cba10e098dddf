"""What `docs/conventions.md` states, statement by statement."""

import math

import pytest
import torch

import isotropy as iso
from isotropy.actions import Affine, Image, Points, Product, TimeScaled
from isotropy.dictionary import FieldBracket, Polynomials


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def bracket(a, b):
    return a @ b - b @ a


# -- signs -----------------------------------------------------------------------------------------------------------


def test_lie_derivative_is_change_minus_what_it_should_be():
    V = iso.gl(2).vector()
    a, x = randn(2, 2, seed=1), randn(5, 2)
    values = iso.lie_derivative(lambda x: x @ a.T, x, V, V)
    expected = torch.stack([x @ (a @ xi - xi @ a).T for xi in iso.gl(2).basis], 1)
    assert torch.allclose(values, expected)


def test_groups_act_from_the_left():
    V, xi, x = iso.gl(3).vector(), randn(9), randn(4, 3)
    matrix = iso.gl(3).element(xi)
    assert torch.allclose(V.field(xi, x), x @ matrix.T)
    assert torch.allclose(V.flow(xi, x), x @ torch.linalg.matrix_exp(matrix).T)


def test_bracket_of_lie_derivatives_has_the_other_sign():
    x, (a, b) = randn(6, 2), randn(2, 2, 2, seed=3)

    def along(matrix):
        one = iso.LieAlgebra(matrix[None])
        return lambda f: lambda x: iso.lie_derivative(f, x, one.vector(), one.scalar())[:, 0, 0]

    def f(x):
        return x[:, 0].sin() * x[:, 1] ** 2 + x[:, 0] ** 3

    left = along(a)(along(b)(f))(x) - along(b)(along(a)(f))(x)
    assert torch.allclose(left, -along(bracket(a, b))(f)(x))


def test_pseudo_orthogonal_form_has_plus_signs_first():
    eta = torch.diag(torch.tensor([1.0, -1.0, -1.0, -1.0], dtype=torch.float64))
    basis = iso.so(1, 3).basis
    assert float((basis.mT @ eta + eta @ basis).abs().max()) == 0
    assert float((basis[0] - basis[0].T).abs().max()) == 0  # time with x: a boost


def test_fields_differentiate_as_commutators():
    V, v, x = iso.gl(2).vector(), randn(2, 2), randn(5, 2)
    values = iso.lie_derivative(lambda s: s @ v.T, x, V, V.tangent())
    assert torch.allclose(values, torch.stack([x @ bracket(v, xi).T for xi in iso.gl(2).basis], 1))


def test_pace_subtracts_the_velocity():
    action, v, x = TimeScaled(iso.so(2).vector()), randn(2, 2), randn(5, 2)
    values = iso.lie_derivative(lambda s: s @ v.T, x, action, action.tangent())
    assert torch.allclose(values[:, -1], -x @ v.T)
    assert action.describe(torch.tensor([0.0, 1.0])) == "-t d/dt"


def test_brackets_of_linear_fields_are_those_of_matrices():
    library = Polynomials(2, 1)
    fields = torch.zeros(2, 2, 3, dtype=torch.float64)
    fields[:, :, 1:] = randn(2, 2, 2)
    rule = FieldBracket(library)
    expected = torch.zeros(1, 2, 3, dtype=torch.float64)
    expected[:, :, 1:] = bracket(fields[0, :, 1:], fields[1, :, 1:])
    assert torch.allclose(rule(fields[:1], fields[1:])[0], rule.embed(expected))


def test_rotations_turn_i_towards_j():
    e = torch.eye(3, dtype=torch.float64)
    velocities = iso.so(3).vector().fields(e)
    for k, (i, j) in enumerate([(0, 1), (0, 2), (1, 2)]):
        assert torch.equal(velocities[i, k], e[j])


def test_pictures_turn_clockwise_and_move_with_the_plane():
    dot = torch.zeros(1, 1, 9, 9, dtype=torch.float64)
    dot[0, 0, 4, 7] = 1.0  # to the right of the centre
    turned = Image(["rotation"], 9, 9).flow(torch.tensor([math.pi / 2]), dot)
    assert turned[0, 0].argmax() == 7 * 9 + 4  # below it
    pixel = 2 / 8
    right = Image(["shift_x"], 9, 9).flow(torch.tensor([-2 * pixel]), dot)
    assert right[0, 0].argmax() == 4 * 9 + 5


# -- index order -----------------------------------------------------------------------------------------------------


def test_shapes():
    G = iso.so(3)
    V, x = G.vector(), randn(5, 3)
    assert G.basis.shape == V.drho().shape == (3, 3, 3)
    assert V.fields(x).shape == (5, 3, 3)
    assert iso.lie_derivative(lambda x: x[:, 0], x, V, G.scalar()).shape == (5, 3, 1)
    assert iso.lie_derivative(lambda x: x[:, :2], x, V, 2 * G.scalar()).shape == (5, 3, 2)
    assert Image(["rotation", "shift_x"], 6, 7, 2).fields(randn(3, 2, 6, 7)).shape == (3, 2, 2, 6, 7)


# -- order of components ---------------------------------------------------------------------------------------------


def test_sums_list_one_after_the_other():
    V = iso.gl(2).vector()
    xi = randn(4)
    block = torch.block_diag(V.drho(xi), V.drho(xi))
    assert torch.equal((V + V).drho(xi), block)
    assert torch.equal((2 * V).drho(xi), block)


def test_products_and_maps_are_flattened_by_rows():
    V = iso.gl(2).vector()
    W = 2 * V
    g, xi = torch.linalg.matrix_exp(randn(2, 2)), randn(4)
    assert torch.allclose((V * W).rho(g), torch.kron(V.rho(g), W.rho(g)))
    m = randn(4, 2, seed=7)  # from V to W
    moved = ((V >> W).drho(xi) @ m.flatten()).reshape(4, 2)
    assert torch.allclose(moved, W.drho(xi) @ m - m @ V.drho(xi))


def test_affine_matrices_have_a_last_row_of_zeros():
    G, x, xi = iso.aff(2), randn(5, 2), randn(6)
    assert float(G.basis[:, -1].abs().max()) == 0
    matrix = G.element(xi)
    assert torch.allclose(Affine(G).field(xi, x), x @ matrix[:2, :2].T + matrix[:2, 2])


def test_symplectic_form():
    form = torch.zeros(4, 4, dtype=torch.float64)
    form[:2, 2:], form[2:, :2] = torch.eye(2), -torch.eye(2)
    basis = iso.sp(4).basis
    assert float((basis.mT @ form + form @ basis).abs().max()) == 0


def test_unitary_algebras_are_in_real_form():
    for matrix in [*iso.u(2).basis, *iso.su(2).basis]:
        a, b = matrix[:2, :2], matrix[2:, :2]
        assert torch.equal(matrix, torch.cat([torch.cat([a, -b], 1), torch.cat([b, a], 1)]))
        complex_form = torch.complex(a, b)
        assert torch.equal(complex_form, -complex_form.mH)


def test_points_and_products_are_ordered_by_part():
    V, xi, x = iso.gl(2).vector(), randn(4), randn(5, 4)
    sides = torch.cat([V.field(xi, x[:, :2]), V.field(xi, x[:, 2:])], 1)
    assert torch.allclose(Points(V, 2).field(xi, x), sides)
    assert torch.allclose(Product(V, V).field(xi, x), sides)


def test_monomials_come_by_degree():
    assert iso.dictionary.polynomials(2, 2).names() == ["1", "x", "y", "x^2", "x y", "y^2"]


# -- norms and the error ---------------------------------------------------------------------------------------------


def test_inner_product_is_that_of_frobenius():
    basis = iso.so(3).orthonormal().basis.flatten(1)
    assert torch.allclose(basis @ basis.T, torch.eye(3, dtype=torch.float64))
    assert float(iso.so(3).basis[0].norm()) == pytest.approx(math.sqrt(2))


def test_defect_and_effect_are_as_written():
    G = iso.so(2)
    V, x, m = G.vector(), randn(50, 2), randn(2, 2, seed=2)

    def f(x):
        return x @ m.T + x**2

    report, xi, values = iso.measure.equivariance(f, x, V, V), G.basis[0], f(x)
    slopes = m + torch.diag_embed(2 * x)
    out, into = (torch.linalg.inv(torch.linalg.cholesky(torch.cov(part.T, correction=0))) for part in (values, x))

    def size(rows):
        return rows.square().sum(-1).mean().sqrt()

    broken = size((torch.einsum("sij,sj->si", slopes, x @ xi.T) - values @ xi.T) @ out.T)
    apart = size(torch.einsum("sij,tj->sti", slopes, x @ xi.T) @ out.T)
    turned, motion = size(values @ xi.T @ out.T), size(x @ xi.T @ into.T)
    assert report.defect == pytest.approx(float(broken / (apart**2 + turned**2).sqrt()))
    assert report.effect == pytest.approx(float(broken / motion / 2**0.5))
    slope = slopes.square().sum((1, 2)).sqrt()[:, None]
    bare = size(torch.einsum("sij,sj->si", slopes, x @ xi.T) - values @ xi.T)
    assert report.relative_error == pytest.approx(float(bare / (size(slope * (x @ xi.T)) + size(values @ xi.T))))


def test_spectrum_descends_and_knows_no_basis_and_no_units():
    x, change = randn(100, 3), randn(9, 9, seed=4)
    G = iso.gl(3)
    other = G.span(change)

    def f(x):
        return x[:, 0] ** 2 + x[:, 1] ** 3

    first = iso.discover.FromModel(G.vector(), G.scalar()).fit(f, x).spectrum_
    second = iso.discover.FromModel(other.vector(), other.scalar()).fit(lambda x: 1e3 * f(x / 1e4), 1e4 * x).spectrum_
    assert torch.allclose(first, second, atol=1e-8)
    assert bool((first.diff() <= 0).all())
    assert 0 <= float(first[-1]) <= 1 < float(first[0])  # the least broken is no more than chance, the most is


def test_finite_error_is_as_written():
    G = iso.so(2)
    V, x, g = G.vector(), randn(50, 2), torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    report = iso.measure.finite(torch.abs, x, V, V, n_samples=0, elements=g[None])
    a, b = (x @ g.T).abs(), x.abs() @ g.T
    white = torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.abs().T, correction=0)))
    broken, apart = (a - b) @ white.T, (a[:, None] - b[None]) @ white.T
    defect, effect = broken.square().sum(1).mean() / apart.square().sum(2).mean(), broken.square().sum(1).mean() / 2
    assert float(report.per_generator[0]) == pytest.approx(float(defect.sqrt()))
    assert float(report.per_generator_effect[0]) == pytest.approx(float(effect.sqrt()))


def test_nothing_over_nothing_is_undefined():
    report = iso.measure.equivariance(lambda x: 0 * x[:, 0] + 1, randn(9, 2), iso.so(2).vector(), iso.so(2).scalar())
    assert math.isnan(report.defect) and math.isnan(report.relative_error)


# -- numbers and seeds -----------------------------------------------------------------------------------------------


def test_generators_are_double_and_results_come_back_as_the_input():
    V = iso.so(3).vector()
    assert iso.so(3).basis.dtype == torch.float64
    x = randn(4, 3).float()
    assert iso.lie_derivative(lambda x: x, x, V, V).dtype == V.flow(torch.ones(3), x).dtype == torch.float32


def test_inputs_and_random_state_are_left_alone():
    x = randn(60, 2)
    before, state = x.clone(), torch.random.get_rng_state()
    road = iso.discover.FromModel(iso.gl(2).vector(), iso.gl(2).scalar(), seed=3)
    first = road.fit(lambda x: x.square().sum(1), x).certificates_["finite_flow"].value
    assert torch.equal(x, before)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(99)
    assert road.fit(lambda x: x.square().sum(1), x).certificates_["finite_flow"].value == first
