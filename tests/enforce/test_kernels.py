"""Kernels of integral operators: the divergence term, translations, isometries."""

import pytest
import torch

import isotropy as iso
from isotropy.actions import Affine, Product
from isotropy.enforce import equivariant_functions, equivariant_kernels
from isotropy.errors import RepresentationMismatchError


def powers(low, high):
    terms = {
        f"y^{a} x^{b}": lambda p, a=a, b=b: p[:, 0] ** a * p[:, 1] ** b
        for a in range(low, high)
        for b in range(low, high)
    }
    return iso.dictionary.custom(2, terms)


def positive_pairs(count=400):
    draw = torch.rand(count, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return torch.exp(1.6 * draw - 0.8)


def degrees(basis):
    """Sums ``a + b`` of the monomials that appear, one set per kernel."""
    names = basis.dictionary.names()
    rows = basis.coefficients.flatten(1)
    used = (rows.abs() > 1e-6 * rows.abs().amax(1, keepdim=True)).any(0)
    return [sum(int(part.split("^")[1]) for part in names[i].split()) for i in torch.nonzero(used).flatten().tolist()]


def test_dilation_gives_kernels_of_degree_minus_one():
    G = iso.scaling(1)
    found = equivariant_kernels(powers(-4, 3), G.vector(), G.scalar(), G.scalar(), points=positive_pairs())
    assert found.dim == 6
    assert degrees(found) == [-1] * 6


def test_without_the_divergence_the_degree_is_zero():
    G = iso.scaling(1)
    pairs = Product(G.vector(), G.vector())
    found = equivariant_functions(powers(-4, 3), pairs, G.scalar(), points=positive_pairs())
    assert found.dim == 5
    assert degrees(found) == [0] * 5


@pytest.mark.parametrize("frequencies", [1, 2, 3])
def test_translations_of_the_circle(frequencies):
    waves = [(0, torch.cos)] + [(k, f) for k in range(1, frequencies + 1) for f in (torch.cos, torch.sin)]
    terms = {
        f"{a}{f.__name__} {b}{g.__name__}": lambda p, a=a, b=b, f=f, g=g: f(a * p[:, 0]) * g(b * p[:, 1])
        for a, f in waves
        for b, g in waves
    }
    G = iso.translation(1)
    found = equivariant_kernels(iso.dictionary.custom(2, terms), Affine(G), G.scalar(), G.scalar())
    assert found.dim == 2 * frequencies + 1
    x = torch.linspace(0, 3, 7, dtype=torch.float64)[:, None]
    pairs = torch.cat([x, x**2], dim=1)
    assert torch.allclose(found.evaluate(pairs + 0.7), found.evaluate(pairs), atol=1e-10)


@pytest.mark.parametrize(("n", "proper", "full"), [(2, 5, 4), (3, 4, 4)])
def test_scalar_kernels_of_rotations(n, proper, full):
    G, dictionary = iso.so(n), iso.dictionary.polynomials(2 * n, 2)
    one = G.scalar()
    assert equivariant_kernels(dictionary, G.vector(), one, one).dim == proper
    assert equivariant_kernels(dictionary, G.vector(), one, one, components=iso.o(n).components).dim == full


def test_rigid_motions_give_functions_of_the_difference():
    move = Affine(iso.se(2))
    vector, one = move.tangent(), iso.se(2).scalar()
    found = equivariant_kernels(iso.dictionary.polynomials(4, 3), move, one, vector)
    assert found.event == (2, 1)
    assert found.dim == 4  # d, J d, |d|^2 d, |d|^2 J d
    pairs = torch.randn(9, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    shift = torch.tensor([0.3, -0.8, 0.3, -0.8], dtype=torch.float64)
    assert torch.allclose(found.evaluate(pairs + shift), found.evaluate(pairs), atol=1e-10)


def test_volume_counts_for_finite_elements_too():
    """``x -> 2 x`` alone: kernels of degree -1, whatever else."""
    still = iso.LieAlgebra(torch.zeros(0, 1, 1))
    V, one = still.vector(), still.scalar()
    rules = {"points": positive_pairs(), "components": torch.full((1, 1, 1), 2.0)}
    found = equivariant_kernels(powers(-2, 2), V, one, one, **rules)
    assert degrees(found) == [-1] * 4


def test_a_dictionary_of_single_points_is_refused():
    G = iso.so(2)
    with pytest.raises(RepresentationMismatchError, match="4 coordinates"):
        equivariant_kernels(iso.dictionary.polynomials(2, 2), G.vector(), G.scalar(), G.scalar())
