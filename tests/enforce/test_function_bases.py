"""Equivariant functions of a dictionary and regression on them: exact dimensions, exact fits."""

import pytest
import torch

import isotropy as iso
from isotropy.actions import Affine, Points, Trivial
from isotropy.enforce import BasisRegression, equivariant_functions
from isotropy.errors import DataError, RepresentationMismatchError
from isotropy.testing import assert_estimator

polynomials = iso.dictionary.polynomials


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize(("degree", "expected"), [(2, 2), (4, 3)])
def test_invariant_polynomials_of_rotations(n, degree, expected):
    G = iso.so(n)
    assert equivariant_functions(polynomials(n, degree), G.vector(), G.scalar()).dim == expected


@pytest.mark.parametrize(("group", "expected"), [(iso.so(2), 4), (iso.o(2), 2), (iso.so(3), 2), (iso.o(3), 2)])
def test_vector_polynomials(group, expected):
    components = getattr(group, "components", None)
    V = group.vector()
    assert equivariant_functions(polynomials(V.size, 3), V, V, components=components).dim == expected


@pytest.mark.parametrize(("n", "degree", "expected"), [(2, 2, 2), (3, 2, 2), (2, 4, 3)])
def test_rigid_motions_of_a_pair(n, degree, expected):
    move = Affine(iso.se(n))
    found = equivariant_functions(polynomials(2 * n, degree), Points(move, 2), Trivial(move.algebra, (1,)))
    assert found.dim == expected


def test_force_between_two_points():
    move = Affine(iso.se(3))
    found = equivariant_functions(polynomials(6, 3), Points(move, 2), move.tangent())
    assert found.dim == 2
    x = normal(20, 6)
    between = x[:, :3] - x[:, 3:]
    aligned = torch.linalg.cross(found.evaluate(x), between.expand(2, -1, -1))
    assert float(aligned.norm()) < 1e-9 * float(found.evaluate(x).norm())


def test_two_generators_of_three_give_all_conditions():
    part = iso.so(3).span(torch.eye(3)[:2])
    assert equivariant_functions(polynomials(3, 4), part.vector(), part.scalar()).dim == 3


def test_affine_components_are_homogeneous_matrices():
    move = Affine(iso.translation(1))
    mirror = torch.tensor([[[-1.0, 0.0], [0.0, 1.0]]])
    still, pair = Trivial(move.algebra, (1,)), Points(move, 2)
    assert equivariant_functions(polynomials(2, 3), pair, still).dim == 4  # 1, d, d^2, d^3
    assert equivariant_functions(polynomials(2, 3), pair, still, components=mirror).dim == 2
    with pytest.raises(RepresentationMismatchError, match="homogeneous"):
        equivariant_functions(polynomials(2, 3), pair, still, components=torch.ones(1, 1, 1))


def test_values_are_equivariant_under_finite_elements():
    G = iso.so(3)
    found = equivariant_functions(polynomials(3, 3), G.vector(), G.vector())
    g, x = G.exp(normal(3)), normal(10, 3)
    assert torch.allclose(found.evaluate(x @ g.T), found.evaluate(x) @ g.T, atol=1e-12)


def radial_data(samples=40, seed=1):
    x = normal(samples, 3, seed=seed)
    square = x.square().sum(1)
    return x, 1 + 2 * square - 0.3 * square**2 + 0.1 * normal(samples, seed=seed + 1)


def fitted(**options):
    G = iso.so(3)
    return BasisRegression(polynomials(3, 4), G.vector(), G.scalar(), **options).fit(*radial_data())


def test_hard_fit_is_least_squares_on_invariants():
    x, y = radial_data()
    square = x.square().sum(1)
    features = torch.stack([torch.ones_like(square), square, square**2], dim=1)
    best = torch.linalg.lstsq(features, y[:, None]).solution[:, 0]
    assert torch.allclose(fitted().predict(x), features @ best, atol=1e-10, rtol=1e-10)


def test_projection_lands_in_the_kernel_and_fits_worse():
    x, y = radial_data()
    hard, projected = fitted(), fitted(constraint="projected")
    kernel = hard.basis_.coefficients.flatten(1)
    flat = projected.coef_.flatten()
    assert torch.allclose(kernel.T @ (kernel @ flat), flat, atol=1e-10)
    assert projected.score(x, y) < hard.score(x, y)


def test_projection_of_a_symmetric_sample_is_the_constrained_fit():
    """On a set that the group maps to itself, the free fit of an invariant function is invariant already."""
    x, y = radial_data()
    mirrors = torch.cat([x * sign for sign in (1.0, -1.0)])
    still = iso.MatrixGroup(iso.LieAlgebra(torch.zeros(0, 3, 3)), -torch.eye(3)[None])
    rules = {"components": still.components}
    fits = [
        BasisRegression(polynomials(3, 2), still.vector(), still.scalar(), constraint=kind, **rules).fit(
            mirrors, torch.cat([y, y])
        )
        for kind in ("hard", "projected")
    ]
    assert torch.allclose(fits[0].coef_, fits[1].coef_, atol=1e-9)


def test_soft_penalty_goes_from_the_free_to_the_hard_fit():
    x, y = radial_data()
    hard = fitted().predict(x)
    distances = [float((fitted(constraint="soft", weight=w).predict(x) - hard).norm()) for w in (0.0, 1e-2, 1e6)]
    assert distances[0] > distances[1] > distances[2]
    assert distances[2] < 1e-4 * float(hard.norm())


def test_known_coefficients_are_kept():
    x, y = radial_data()
    G = iso.so(3)
    model = BasisRegression(polynomials(3, 2), G.vector(), G.scalar())
    fact = torch.zeros(1, 10)
    fact[0, 0] = 1.0
    fitted = model.fit(x, y, equalities=(fact, [5.0]))
    assert float(fitted.coef_[0, 0]) == pytest.approx(5.0, abs=1e-12)
    squares = fitted.coef_[0, [4, 7, 9]]
    assert torch.allclose(squares, squares[0].expand(3))


def test_facts_against_the_symmetry_are_refused():
    x, y = radial_data()
    G = iso.so(3)
    fact = torch.zeros(1, 10)
    fact[0, 1] = 1.0  # the coefficient of x
    with pytest.raises(DataError, match="contradict the symmetry"):
        BasisRegression(polynomials(3, 2), G.vector(), G.scalar()).fit(x, y, equalities=(fact, [1.0]))


def test_a_dictionary_without_equivariant_functions_is_refused():
    G = iso.so(3)
    only = iso.dictionary.custom(3, {"x": lambda p: p[:, 0]})
    with pytest.raises(DataError, match="received none"):
        BasisRegression(only, G.vector(), G.scalar()).fit(*radial_data())


@pytest.mark.parametrize(
    ("options", "message"), [({"constraint": "firm"}, "expected one of"), ({"weight": -1.0}, "expected a number >= 0")]
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(DataError, match=message):
        fitted(**options)


def test_outputs_that_do_not_fit_are_refused():
    x, _ = radial_data()
    G = iso.so(3)
    with pytest.raises(DataError, match="one column per output"):
        BasisRegression(polynomials(3, 2), G.vector(), G.vector()).fit(x, x[:, :2])


def test_prediction_can_be_differentiated_and_read():
    model = fitted()
    x = normal(4, 3).requires_grad_()
    (slope,) = torch.autograd.grad(model.predict(x).sum(), x)
    assert torch.allclose(torch.linalg.cross(slope, x), torch.zeros(4, 3, dtype=torch.float64), atol=1e-9)
    assert "x^2" in model.equations()[0]


def test_regression_is_an_estimator():
    G = iso.so(3)
    assert_estimator(lambda: BasisRegression(polynomials(3, 2), G.vector(), G.scalar()), list(radial_data()))
