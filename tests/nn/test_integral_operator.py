"""Integral operators on sampled fields commute with the action, for any coefficients."""

from dataclasses import replace

import pytest
import torch

import isotropy as iso
from isotropy.actions import Affine
from isotropy.enforce import equivariant_functions, equivariant_kernels
from isotropy.errors import DataError, RepresentationMismatchError
from isotropy.nn import IntegralOperator


def homogeneous(degree):
    """Kernels ``y^a x^b / (x^2 + y^2)`` with ``a + b = degree``, as a dictionary on the half-line."""
    terms = {
        f"y^{a} x^{degree - a}": lambda p, a=a: p[:, 0] ** a * p[:, 1] ** (degree - a) / p.square().sum(1)
        for a in range(degree + 1)
    }
    return iso.dictionary.custom(2, terms)


def half_line():
    s = torch.linspace(-12, 12, 1201, dtype=torch.float64)
    return s.exp()[:, None], (s[1] - s[0]) * s.exp()


def bump(x):
    return torch.exp(-x.log().square()) * (1 + x)


@torch.no_grad()
def dilation_error(operator, factor=1.7):
    """Relative difference of ``T(u o g)`` and ``(T u) o g`` for a dilation g."""
    x, w = half_line()
    y = torch.linspace(-1, 1, 20, dtype=torch.float64).exp()[:, None]
    left = operator.on(x, w, y)(bump(factor * x)[None])
    right = operator.on(x, w, factor * y)(bump(x)[None])
    return float((left - right).abs().max() / right.abs().max())


def test_dilation_commutes():
    G, (x, w) = iso.scaling(1), half_line()
    pairs = torch.rand(200, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.3
    kernels = equivariant_kernels(homogeneous(1), G.vector(), G.scalar(), G.scalar(), points=pairs)
    assert kernels.dim == 2
    assert dilation_error(IntegralOperator(kernels, x, w)) < 1e-9


def test_a_kernel_of_degree_zero_does_not_commute():
    """Invariant as a function of both points, but the volume element is not."""
    G, (x, w) = iso.scaling(1), half_line()
    pairs = torch.rand(200, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.3
    functions = equivariant_functions(
        homogeneous(2), iso.actions.Product(G.vector(), G.vector()), G.scalar(), points=pairs
    )
    assert functions.dim == 3
    assert dilation_error(IntegralOperator(replace(functions, event=(1, 1)), x, w)) > 0.1


def plane(size=40, reach=5.0):
    """Points and weights of a square grid."""
    line = torch.linspace(-reach, reach, size, dtype=torch.float64)
    points = torch.cartesian_prod(line, line)
    return points, torch.full((len(points),), float(line[1] - line[0]) ** 2, dtype=torch.float64)


@pytest.fixture(scope="module")
def gradient_like():
    """Scalar fields to vector fields under motions of the plane, with Gaussian kernels ``d_i exp(-|d|^2)``."""
    terms = {
        f"{'xy'[i]}{k}": lambda p, i=i, k=k: (
            (p[:, i] - p[:, i + 2]) * torch.exp(-k * (p[:, :2] - p[:, 2:]).square().sum(1))
        )
        for i in range(2)
        for k in (1, 2)
    }
    move = Affine(iso.se(2))
    return equivariant_kernels(iso.dictionary.custom(4, terms), move, iso.se(2).scalar(), move.tangent())


@torch.no_grad()
def test_rotation_of_the_plane_turns_vectors(gradient_like):
    assert gradient_like.dim == 4  # d and J d, two widths
    points, weights = plane()
    operator = IntegralOperator(gradient_like, points, weights, generator=torch.Generator().manual_seed(0))

    def blob(p):
        return torch.exp(-2 * (p - torch.tensor([0.8, 0.3], dtype=p.dtype)).square().sum(-1))[..., None]

    g = iso.so(2).exp(torch.tensor([0.6]))
    y = torch.randn(15, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    left = operator.on(points, weights, y)(blob(points @ g.T)[None])  # T(K_g u) at y
    right = operator.on(points, weights, y @ g.T)(blob(points)[None]) @ g  # rho(g)^-1 (T u)(g y)
    assert float((left - right).norm()) < 1e-8 * float(right.norm())


def test_large_operators_compute_kernels_on_the_fly(gradient_like, monkeypatch):
    points, weights = plane(8)
    kept = IntegralOperator(gradient_like, points, weights, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr("isotropy.nn.equivariant._operator._MOST_KEPT", 1000)
    fly = IntegralOperator(gradient_like, points, weights, generator=torch.Generator().manual_seed(0))
    assert kept.kept_values is not None
    assert fly.kept_values is None
    u = torch.randn(3, 64, 1, dtype=torch.float64)
    assert torch.allclose(kept(u), fly(u), atol=1e-12)


def test_only_coefficients_are_parameters_and_they_train(gradient_like):
    points, weights = plane(8)
    operator = IntegralOperator(gradient_like, points, weights)
    assert {name: tuple(p.shape) for name, p in operator.named_parameters()} == {"coefficients": (4,), "shifts": (0,)}
    operator(torch.randn(2, 64, 1, dtype=torch.float64)).square().sum().backward()
    assert float(operator.coefficients.grad.norm()) > 0
    other = operator.on(points, weights)
    assert other.coefficients is operator.coefficients


@torch.no_grad()
def test_bias_is_an_invariant_field():
    G = iso.so(2)
    V, one = G.vector(), G.scalar()
    kernels = equivariant_kernels(iso.dictionary.polynomials(4, 2), V, one, V)
    bias = equivariant_functions(iso.dictionary.polynomials(2, 1), V, V)
    assert bias.dim == 2
    points, weights = plane(6)
    operator = IntegralOperator(kernels, points, weights, bias=bias)
    torch.nn.init.normal_(operator.shifts, generator=torch.Generator().manual_seed(0))
    value = operator(torch.zeros(1, 36, 1, dtype=torch.float64))[0]
    g = G.exp(torch.tensor([0.6]))
    turned = operator.on(points, weights, points @ g.T)(torch.zeros(1, 36, 1, dtype=torch.float64))[0]
    assert float(value.norm()) > 0
    assert torch.allclose(turned, value @ g.T, atol=1e-12)


def test_what_does_not_fit_is_refused(gradient_like):
    points, weights = plane(4)
    functions = equivariant_functions(iso.dictionary.polynomials(2, 2), iso.so(2).vector(), iso.so(2).scalar())
    with pytest.raises(RepresentationMismatchError, match="matrix values"):
        IntegralOperator(functions, points, weights)
    with pytest.raises(DataError, match="one per point"):
        IntegralOperator(gradient_like, points, weights[:-1])
    with pytest.raises(RepresentationMismatchError, match="expected fields of shape"):
        IntegralOperator(gradient_like, points, weights)(torch.zeros(2, 16, 3))
    with pytest.raises(RepresentationMismatchError, match="channels"):
        IntegralOperator(gradient_like, points, weights, bias=functions)
