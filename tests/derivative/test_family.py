"""The Lie derivative of a linear family: what autodiff says, in the norm of the stated measure, without points."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import isotropy as iso
from isotropy.actions import Affine, Points, PolynomialFields, Trivial
from isotropy.derivative._family import FamilyDerivative
from isotropy.dictionary import custom, fourier, polynomials
from isotropy.errors import DataError, RepresentationMismatchError

quick = settings(deadline=None, max_examples=15, derandomize=True)
AFFINE, GL = iso.aff(2), iso.gl(2)
QUADRATIC = PolynomialFields(2, 2)
SE_PAIR = Points(Affine(iso.se(2)), 2)
PAIRS = {
    "linear, scalar": (GL.vector(), GL.scalar()),
    "linear, vector": (GL.vector(), GL.vector()),
    "linear, tensor": (GL.vector(), GL.vector() * GL.vector()),
    "affine, dynamics": (Affine(AFFINE), Affine(AFFINE).tangent()),
    "affine, several": (Affine(AFFINE), Trivial(AFFINE, (2,))),
    "quadratic, dynamics": (QUADRATIC, QUADRATIC.tangent()),
    "quadratic, part": tuple(a.restrict(torch.eye(12)[3:7]) for a in (QUADRATIC, QUADRATIC.tangent())),
    "two points": (SE_PAIR, SE_PAIR.algebra.scalar()),
}


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gram_by_autodiff(library, weights, rho_in, rho_out, points, shares):
    """``<L_i F, L_j F>`` by a quadrature rule."""
    found = iso.lie_derivative(lambda x: library.evaluate(x) @ weights.T, points, rho_in, rho_out)
    return torch.einsum("b,bko,blo->kl", shares, found, found)


def gauss(count, size):
    """Product Gauss rule of the uniform measure on the cube, exact to degree ``2 count - 1``."""
    from numpy.polynomial.legendre import leggauss

    nodes, shares = (torch.as_tensor(part) for part in leggauss(count))
    grids = torch.meshgrid([nodes] * size, indexing="ij"), torch.meshgrid([shares / 2] * size, indexing="ij")
    return torch.stack([g.flatten() for g in grids[0]], 1), torch.stack([g.flatten() for g in grids[1]], 1).prod(1)


@pytest.mark.parametrize("name", PAIRS)
@quick
@given(seed=st.integers(0, 1000), degree=st.integers(0, 3))
def test_exact_maps_are_what_autodiff_integrates(name, seed, degree):
    rho_in, rho_out = PAIRS[name]
    library = polynomials(rho_in.size, degree)
    weights = randn(rho_out.size, len(library), seed=seed)
    points, shares = gauss(5, rho_in.size)
    family = FamilyDerivative(library, rho_in, rho_out, "cube")
    d = family.derivative(weights)
    expected = gram_by_autodiff(library, weights, rho_in, rho_out, points, shares)
    assert family.exact
    assert torch.allclose(d.T @ d, expected, atol=1e-9 * float(expected.abs().amax().clamp_min(1.0)))


@pytest.mark.parametrize("name", ["linear, vector", "affine, dynamics", "quadratic, dynamics"])
def test_samples_are_the_measure_when_given(name):
    rho_in, rho_out = PAIRS[name]
    library, points = polynomials(2, 3), randn(7, 2)
    weights = randn(rho_out.size, len(library), seed=1)
    expected = gram_by_autodiff(library, weights, rho_in, rho_out, points, torch.full((7,), 1 / 7).double())
    d = FamilyDerivative(library, rho_in, rho_out, points=points).derivative(weights)
    assert torch.allclose(d.T @ d, expected, atol=1e-10)


def test_the_gaussian_norm_is_that_of_the_normal_distribution():
    """The population spectrum of ``|x|^2`` under gl(3): 20, five times 8, three times 0."""
    G, library = iso.gl(3), polynomials(3, 2)
    weights = torch.tensor([[float(name.endswith("^2")) for name in library.names()]])
    d = FamilyDerivative(library, G.vector(), G.scalar(), "gaussian").derivative(weights)
    values = torch.linalg.svdvals(d).square()
    assert torch.allclose(values, torch.tensor([20.0] + [8.0] * 5 + [0.0] * 3).double(), atol=1e-12)


def test_the_fischer_norm_is_invariant_under_rotations():
    G, library = iso.so(3), polynomials(3, 3)
    maps = FamilyDerivative(library, G.vector(), G.scalar(), "fischer").matrices
    scale = library.exponents.double().add(1).lgamma().exp().prod(1).sqrt()[1:]  # the constant is gone
    for generator in maps[:, :, 1:] / scale:
        assert torch.allclose(generator, -generator.T, atol=1e-12)


@pytest.mark.parametrize("measure", ["cube", "gaussian"])
def test_any_dictionary_has_the_kernel_of_its_exact_twin(measure):
    G = iso.so(2)
    twin = custom(2, {"1": lambda x: x[:, 0] * 0 + 1, "xx": lambda x: x[:, 0] ** 2, "yy": lambda x: x[:, 1] ** 2})
    family = FamilyDerivative(twin, G.vector(), G.scalar(), measure)
    assert not family.exact
    assert family.matrices.shape == (1, 1, 3)  # only x y appears
    radius, other = torch.tensor([[3.0, 1.0, 1.0]]), torch.tensor([[0.0, 1.0, -1.0]])
    assert float(family.derivative(radius).abs().amax()) < 1e-12
    assert float(family.derivative(other).norm()) > 0.1


def test_waves_on_a_circle_are_turned_into_one_another():
    shift = Affine(iso.translation(1))
    family = FamilyDerivative(fourier(1, 3), shift, shift.algebra.scalar(), "cube")
    sine, cosine = torch.eye(6, dtype=torch.float64)[2], torch.eye(6, dtype=torch.float64)[3]
    first = family.derivative(sine).T @ family.derivative(cosine)  # -4 <cos 2x, sin 2x> on [-1, 1]
    assert family.rows == 6
    assert abs(float(first)) < 0.5
    assert float(family.derivative(sine).square().sum()) == pytest.approx(4 * 0.405, abs=1.0)


@quick
@given(seed=st.integers(0, 1000))
def test_adjoint(seed):
    rho_in, rho_out = PAIRS["quadratic, dynamics"]
    family = FamilyDerivative(polynomials(2, 2), rho_in, rho_out)
    weights, image = randn(2, 6, seed=seed), randn(family.rows, family.dim, seed=seed + 1)
    left = (family.derivative(weights) * image).sum()
    assert torch.allclose(left, family.adjoint(image) @ weights.flatten())
    dense = torch.einsum("krc,c->rk", family.matrices, weights.flatten())
    assert torch.allclose(dense, family.derivative(weights))


def test_what_does_not_fit_is_said():
    G, library = iso.so(2), polynomials(2, 2)
    V, one = G.vector(), G.scalar()
    with pytest.raises(RepresentationMismatchError, match=r"rho_out: .* dimension 3"):
        FamilyDerivative(library, V, iso.so(3).scalar())
    with pytest.raises(RepresentationMismatchError, match="3 coordinates"):
        FamilyDerivative(polynomials(3, 2), V, one)
    with pytest.raises(RepresentationMismatchError, match="move linearly"):
        FamilyDerivative(library, Affine(iso.se(2)), Affine(iso.se(2)))
    with pytest.raises(DataError, match="'ball'"):
        FamilyDerivative(library, V, one, "ball")
    with pytest.raises(DataError, match="fischer"):
        FamilyDerivative(fourier(2, 1), V, one, "fischer")
    with pytest.raises(DataError, match="points"):
        FamilyDerivative(library, V, one, "samples")
    with pytest.raises(DataError, match="points"):
        FamilyDerivative(library, V, one, "cube", points=randn(4, 2))
