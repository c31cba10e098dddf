"""Averages of maps over groups."""

import itertools

import pytest
import torch
from torch import nn

import isotropy as iso
from isotropy.enforce import symmetrize
from isotropy.errors import DataError, RepresentationMismatchError
from isotropy.testing import assert_equivariant

G = iso.so(3)
V, one = G.vector(), G.scalar()


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(outputs=3):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, outputs)).double()


def test_a_polynomial_of_the_degree_of_the_rule_becomes_equivariant():
    a, b = randn(3, 3), randn(3, 3, 3, seed=1)

    def field(x):
        return x @ a.T + torch.einsum("ijk,bj,bk->bi", b, x, x)

    mean = symmetrize(field, V, V, iso.quadrature.polyhedral("O"))  # degree 2, and 1 more for the vector
    assert_equivariant(mean, randn(9, 3), V, V, 1e-12)
    assert torch.allclose(mean(randn(9, 3)), a.trace() / 3 * randn(9, 3), atol=1e-12)


def test_a_group_gives_exact_equivariance_under_itself():
    group = iso.symmetric(3)
    P = group.vector()
    eye = torch.eye(3, dtype=torch.float64)
    elements = torch.stack([eye[list(order)] for order in itertools.permutations(range(3))])
    mean, x = symmetrize(network(), P, P, elements), randn(5, 3)
    for g in elements:
        assert torch.allclose(mean(x @ g.T), mean(x) @ g.T, atol=1e-12)


def test_non_orthogonal_outputs_come_back_by_the_inverse():
    boost = iso.so(1, 1).exp(torch.tensor([0.7]))
    W = iso.so(1, 1).vector()
    g = boost[None]
    f = lambda x: x.square()  # noqa: E731
    x = randn(4, 2)
    assert torch.allclose(symmetrize(f, W, W, g)(x), f(x @ boost.T) @ torch.linalg.inv(boost).T)


def test_modules_stay_modules():
    f = network(1)
    mean = symmetrize(f, V, one, iso.quadrature.polyhedral("T"))
    assert isinstance(mean, nn.Module)
    assert {name.removeprefix("f.") for name in mean.state_dict()} == set(f.state_dict())
    assert not mean.eval().f.training
    mean(randn(5, 3)).sum().backward()
    assert all(p.grad is not None for p in f.parameters())
    assert mean.float()(randn(5, 3).float()).dtype == torch.float32


def test_chunks_change_nothing():
    rule = iso.quadrature.lebedev(5)
    x = randn(7, 3)
    one_by_one = symmetrize(network(), V, V, rule, chunk=1)(x)
    assert torch.allclose(symmetrize(network(), V, V, rule)(x), one_by_one, atol=1e-14)


def test_second_derivatives_exist():
    mean = symmetrize(lambda x: (x[:, 0] ** 3).unsqueeze(1), V, one, iso.quadrature.polyhedral("T"))
    assert torch.autograd.gradgradcheck(mean, randn(2, 3).requires_grad_())


def test_values_without_a_last_axis():
    mean = symmetrize(lambda x: x[:, 0] ** 2, V, one, iso.quadrature.polyhedral("T"))
    x = randn(6, 3)
    assert torch.allclose(mean(x), x.square().sum(1) / 3)


def test_errors():
    rule = iso.quadrature.polyhedral("T")
    with pytest.raises(RepresentationMismatchError, match="expected 3 outputs per sample, received 1"):
        symmetrize(network(1), V, V, rule)(randn(5, 3))
    with pytest.raises(RepresentationMismatchError, match="x: expected shape"):
        symmetrize(network(), V, V, rule)(randn(5, 4))
    with pytest.raises(RepresentationMismatchError, match="rule: expected elements of size 2"):
        symmetrize(network(), iso.so(2).vector(), V, rule)
    with pytest.raises(DataError, match="positive chunk"):
        symmetrize(network(), V, V, torch.zeros(0, 3, 3))
    with pytest.raises(RepresentationMismatchError, match="pass rho="):
        symmetrize(network(), iso.Representation(G, G.basis), V, rule)
