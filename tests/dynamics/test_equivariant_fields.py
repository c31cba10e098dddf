"""Which fields a symmetry allows: exact counts, several generators, non-linear and learned symmetries."""

import pytest
import torch

import isotropy as iso
from isotropy.dictionary import custom, polynomials
from isotropy.dynamics import VectorFields, equivariant_fields, missing_terms
from isotropy.errors import DataError, RepresentationMismatchError

GENERATORS = {
    "so(2)": [[0, -1], [1, 0]],
    "diag(2, 1)": [[2, 0], [0, 1]],
    "diag(1, 1)": [[1, 0], [0, 1]],
    "spiral": [[-0.2, 1], [-1, 0]],
}
FREE = {
    "so(2)": [2, 2, 4, 4, 6],
    "diag(2, 1)": [2, 3, 3, 3, 3],
    "diag(1, 1)": [4, 4, 4, 4, 4],
    "spiral": [2, 2, 2, 2, 2],
}


def algebra(name):
    return iso.LieAlgebra(torch.tensor([GENERATORS[name]], dtype=torch.float64))


def warped_turn(x):
    """The rotation in coordinates (x, y + x^2 / 2)."""
    p, q = x[:, 0], x[:, 1] - x[:, 0] ** 2 / 2
    return torch.stack([-q, p - p * q], dim=1)


def bracket(basis, action, x):
    """[v, h] of every field of a basis at points."""
    phi, slopes = basis.dictionary.evaluate(x), basis.dictionary.jacobian(x)
    moved = torch.einsum("kip,bpn,bgn->kbgi", basis.coefficients, slopes, action.fields(x))
    fields = torch.einsum("kip,bp->kbi", basis.coefficients, phi)
    turned = torch.stack([action.tangent().fields(f, at=x) for f in fields])
    return moved - turned


@pytest.mark.parametrize("name", GENERATORS)
def test_free_parameters_up_to_degree_five(name):
    found = [equivariant_fields(polynomials(2, degree), algebra(name)) for degree in range(1, 6)]
    assert [basis.dim for basis in found] == FREE[name]
    assert [basis.coefficients[0].numel() for basis in found] == [6, 12, 20, 30, 42]


def test_rotations_of_space_and_of_pairs_of_vectors():
    so3 = iso.so(3)
    assert [equivariant_fields(polynomials(3, degree), so3).dim for degree in range(1, 6)] == [1, 1, 2, 2, 3]
    # Vectors a, b, a x b per output vector, times invariants a.a, a.b, b.b: 2 * 2, then + 2, + 2 * 2 * 3, + 2 * 3.
    pairs = [equivariant_fields(polynomials(6, degree), 2 * so3.vector()).dim for degree in range(1, 5)]
    assert pairs == [4, 6, 18, 24]


def test_constant_and_linear_terms_obey_the_symmetry():
    basis = equivariant_fields(polynomials(2, 3), iso.so(2))
    assert float(basis.coefficients[:, :, 0].abs().max()) < 1e-14
    x = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert float(bracket(basis, iso.so(2).vector(), x).abs().max()) < 1e-10


def test_scaling_in_four_dimensions():
    """Compartments that scale together, with one more that scales twice as fast."""
    scale = iso.LieAlgebra(torch.diag(torch.tensor([1.0, 1.0, 1.0, 2.0]))[None])
    basis = equivariant_fields(polynomials(4, 2), scale)
    # First three: the linear terms in them (3 each); last: itself and the 6 products of the first three.
    assert basis.dim == 3 * 3 + 1 + 6


def test_symmetry_in_other_coordinates_is_linear_in_the_coefficients():
    basis = equivariant_fields(polynomials(2, 3), warped_turn)
    assert basis.dim == 2
    assert float(basis.spectrum[-2:].max()) < 1e-12 < 1e-3 < float(basis.spectrum[-3])
    # The oscillator u' = -0.1 u - w, w' = u - 0.1 w with u = x, w = y - x^2 / 2.
    index, truth = polynomials(2, 3).index, torch.zeros(2, 10, dtype=torch.float64)
    for row, exponent, value in [
        (0, (1, 0), -0.1),
        (0, (0, 1), -1.0),
        (0, (2, 0), 0.5),
        (1, (1, 0), 1.0),
        (1, (0, 1), -0.1),
        (1, (2, 0), 0.05 - 0.1),
        (1, (1, 1), -1.0),
        (1, (3, 0), 0.5),
    ]:
        truth[row, index[exponent]] = value
    flat = basis.coefficients.flatten(1)
    assert float((truth.flatten() - flat.T @ (flat @ truth.flatten())).norm()) < 1e-12


def test_terms_that_are_no_polynomials():
    radius = custom(2, {"x/r": lambda z: z[:, 0] / z.norm(dim=1), "y/r": lambda z: z[:, 1] / z.norm(dim=1)})
    basis = equivariant_fields(polynomials(2, 1) + radius, iso.so(2))
    assert basis.dim == 4  # r and its turn, with and without 1/r
    x = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert float(bracket(basis, iso.so(2).vector(), x).abs().max()) < 1e-10


def test_several_symmetries_are_intersected():
    both = equivariant_fields(polynomials(2, 3), [iso.so(2), iso.scaling(2)])
    assert both.dim == 2
    assert equivariant_fields(polynomials(2, 3), both) is both
    reflected = equivariant_fields(polynomials(2, 3), iso.o(2).vector())
    assert reflected.dim == 2  # reflections forbid the turn, but not x and r^2 x


@pytest.mark.parametrize("seed", range(5))
def test_a_learned_generator_keeps_what_is_true(seed):
    error = torch.randn(2, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    turn = torch.tensor(GENERATORS["so(2)"], dtype=torch.float64)
    learned = iso.LieAlgebra((turn + 0.01 * error / error.norm() * turn.norm())[None])
    assert equivariant_fields(polynomials(2, 3), learned, uncertainty=0.01).dim == 4
    assert equivariant_fields(polynomials(2, 3), learned).dim == 2  # taken at its word it allows less


def test_a_discovery_is_a_symmetry():
    matrix = torch.tensor([[-0.1, -1.0], [1.0, -0.1]], dtype=torch.float64)
    x = torch.randn(100, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = iso.discover.FromDynamics(iso.so(2).vector()).fit_field(lambda z: z @ matrix.T, x)
    assert equivariant_fields(polynomials(2, 3), found).dim == 4


def test_contradictory_symmetries_are_refused():
    shift = iso.actions.Affine(iso.translation(2))
    with pytest.raises(DataError, match="none in common"):
        equivariant_fields(polynomials(2, 2), [shift, iso.so(2)])


def test_a_dictionary_that_does_not_close_is_told_what_it_lacks():
    poor = custom(2, {"x": lambda z: z[:, 0], "x^2": lambda z: z[:, 0] ** 2})
    assert missing_terms(poor, iso.so(2).vector()) == ["y", "x y"]
    assert missing_terms(polynomials(2, 3), iso.so(2).vector()) == []
    with pytest.raises(DataError, match="add the terms that close it: y, x y"):
        equivariant_fields(poor, iso.so(2))
    waves = custom(2, {"sin(x)": lambda z: z[:, 0].sin()})
    assert missing_terms(waves, iso.so(2).vector()) == ["D(sin(x))"]


@pytest.mark.parametrize("symmetry", [3.0, "so(2)"])
def test_what_is_no_symmetry_is_refused(symmetry):
    with pytest.raises(RepresentationMismatchError, match="symmetry: expected"):
        equivariant_fields(polynomials(2, 2), [symmetry])


def test_an_empty_list_is_refused():
    with pytest.raises(DataError, match="empty list"):
        equivariant_fields(polynomials(2, 2), [])


def test_a_basis_of_another_dictionary_is_refused():
    with pytest.raises(RepresentationMismatchError, match="same dictionary"):
        equivariant_fields(polynomials(2, 3), equivariant_fields(polynomials(2, 2), iso.so(2)))


def test_vector_fields_is_an_action():
    action = VectorFields(2, warped_turn)
    x = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert action.algebra.dim == 1
    torch.testing.assert_close(action.fields(x)[:, 0], warped_turn(x))
    turned = action.flow(torch.ones(1), x, torch.pi / 2)
    expected = x[:, 1] - x[:, 0].square() / 2  # a quarter turn takes (u, w) to (-w, u)
    torch.testing.assert_close(turned[:, 0], -expected, atol=1e-6, rtol=0)


@pytest.mark.slow
def test_two_vectors_at_degree_five():
    assert equivariant_fields(polynomials(6, 5), 2 * iso.so(3).vector()).dim == 48
