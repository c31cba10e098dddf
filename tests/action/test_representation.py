"""Representations: the bracket, the exponential, and the conventions of the arithmetic."""

import pytest
import torch

import isotropy as iso
from isotropy.errors import RepresentationMismatchError
from isotropy.testing import assert_action, assert_representation

ALGEBRAS = ["gl(2)", "sl(2)", "so(3)", "so(1,2)", "sp(2)", "u(2)", "su(2)", "translation(2)", "se(2)"]
ALGEBRAS += ["similarity(2)", "aff(2)", "galilei(1)", "scaling(2)", "diagonal(2)", "so(2)+scaling(1)"]
COMBINATORS = {
    "V": (lambda V, one: V, lambda n: n),
    "1": (lambda V, one: one, lambda n: 1),
    "2*V": (lambda V, one: 2 * V, lambda n: 2 * n),
    "V*2": (lambda V, one: V * 2, lambda n: 2 * n),
    "V*V": (lambda V, one: V * V, lambda n: n**2),
    "V**2": (lambda V, one: V**2, lambda n: n**2),
    "V.T": (lambda V, one: V.T, lambda n: n),
    "V + 1": (lambda V, one: V + one, lambda n: n + 1),
    "V >> V": (lambda V, one: V >> V, lambda n: n**2),
    "(V + 1) >> V.T": (lambda V, one: (V + one) >> V.T, lambda n: n * (n + 1)),
    "2*V.T + V*1": (lambda V, one: 2 * V.T + V * one, lambda n: 3 * n),
}


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", ALGEBRAS)
@pytest.mark.parametrize("expression", COMBINATORS)
def test_the_catalogue_under_every_combinator(name, expression):
    algebra = iso.named(name)
    build, size = COMBINATORS[expression]
    rho = build(algebra.vector(), algebra.scalar())
    assert rho.size == size(algebra.n)
    assert_representation(rho)


@pytest.mark.parametrize("name", ["so(3)", "so(1,3)", "su(2)", "se(2)"])
def test_cubes_and_larger_algebras(name):
    V = iso.named(name).vector()
    assert_representation(V**3)
    assert_representation((V >> V) * V.T)


@pytest.mark.parametrize("factor", [0, 1])
def test_factors_of_direct_sums(factor):
    V = (iso.so(3) + iso.sl(2)).vector(factor)
    assert V.size == [3, 2][factor]
    assert_representation(V)
    assert_representation(V >> V)


def test_the_sum_stacks_blocks_in_order():
    V, one = iso.gl(2).vector(), iso.gl(2).scalar()
    xi = randn(4)
    a = V.drho(xi)
    assert torch.equal((V + one + V.T).drho(xi), torch.block_diag(a, torch.zeros(1, 1), -a.T))
    assert torch.equal((3 * V).drho(xi), torch.block_diag(a, a, a))


def test_the_product_is_flattened_row_by_row():
    G = iso.gl(2)
    V, W = G.vector(), G.vector() + G.scalar()
    xi, v, w = randn(4), randn(2, seed=1), randn(3, seed=2)
    moved = torch.outer(V.drho(xi) @ v, w) + torch.outer(v, W.drho(xi) @ w)
    assert torch.allclose((V * W).drho(xi) @ torch.outer(v, w).flatten(), moved.flatten())
    g = G.exp(xi)
    both = torch.outer(V.rho(g) @ v, W.rho(g) @ w)
    assert torch.allclose((V * W).rho(g) @ torch.outer(v, w).flatten(), both.flatten())


def test_linear_maps_are_conjugated():
    G = iso.gl(3)
    V = G.vector()
    xi, matrix = randn(9), randn(3, 3, seed=1)
    a, g = V.drho(xi), G.exp(0.3 * xi)
    assert torch.allclose((V >> V).drho(xi) @ matrix.flatten(), (a @ matrix - matrix @ a).flatten())
    conjugated = V.rho(g) @ matrix @ torch.linalg.inv(V.rho(g))
    assert torch.allclose((V >> V).rho(g) @ matrix.flatten(), conjugated.flatten())


def test_linear_maps_are_flattened_from_out_by_in():
    G = iso.so(3)
    V, W = G.vector(), G.vector() + G.scalar()
    xi, matrix = randn(3), randn(4, 3, seed=1)  # from V to W
    expected = W.drho(xi) @ matrix - matrix @ V.drho(xi)
    assert torch.allclose((V >> W).drho(xi) @ matrix.flatten(), expected.flatten())


def test_the_dual_keeps_the_pairing():
    G = iso.gl(3)
    V, g = G.vector(), G.exp(randn(9))
    v, p = randn(3, seed=1), randn(3, seed=2)
    assert float((V.T.rho(g) @ p) @ (V.rho(g) @ v)) == pytest.approx(float(p @ v))
    assert torch.equal(V.T.T.drho(), V.drho())


def test_drho_of_one_element_and_of_all():
    V = iso.so(3).vector()
    assert V.drho().shape == (3, 3, 3)
    assert torch.equal(V.drho(torch.tensor([0.0, 1.0, 0.0])), V.drho()[1])


def test_large_products_are_computed_when_first_needed():
    assert ((iso.gl(10).vector() ** 4) >> iso.gl(10).scalar()).size == 10_000


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda V, one: 2 * V + one, "2*V + 1"),
        (lambda V, one: V >> V, "V >> V"),
        (lambda V, one: (V + one) ** 2, "(V + 1)**2"),
        (lambda V, one: V * V.T, "V*V.T"),
        (lambda V, one: (V + one).T, "(V + 1).T"),
        (lambda V, one: 1 * V, "V"),
    ],
)
def test_names(build, text):
    G = iso.so(3)
    assert repr(build(G.vector(), G.scalar())) == text


def test_representations_are_actions():
    V = iso.so(1, 2).vector()
    for rho in (V, V * V, V >> V, V.T + iso.so(1, 2).scalar()):
        assert_action(rho, randn(4, rho.size))


def test_restriction_keeps_finite_elements():
    V = iso.gl(3).vector()
    so3 = iso.so(3)
    combos = so3.basis.flatten(1)  # gl(3) has the unit matrices as generators, row by row
    rho = V.restrict(combos, so3)
    assert torch.equal(rho.drho(), so3.basis)
    assert_representation(rho)


def test_errors():
    V, W = iso.so(3).vector(), iso.so(4).vector()
    for call, text in [
        (lambda: V + W, "one algebra"),
        (lambda: V * W, "one algebra"),
        (lambda: V >> W, "one algebra"),
        (lambda: 0 * V, "at least one copy"),
        (lambda: V**0, "at least one copy"),
        (lambda: iso.Representation(iso.so(3), torch.zeros(2, 3, 3)), "expected 3 matrices, received 2"),
        (lambda: iso.Representation(iso.so(3), lambda: torch.zeros(3, 2, 2)), "size"),
        (lambda: iso.Representation(iso.so(3), iso.so(3).basis).rho(torch.eye(3)), "pass rho="),
        (lambda: V.drho(torch.ones(2)), "expected 3 coordinates"),
    ]:
        with pytest.raises(RepresentationMismatchError, match=text):
            call()
