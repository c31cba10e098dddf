"""The canonical gauge, aligning and merging."""

import pytest
import torch
from torch import nn

from isotropy.parameters import (
    align,
    balance,
    barrier,
    canonical,
    conserved_quantities,
    merge,
    symmetries,
    top_eigenvalue,
)

X = torch.randn(30, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def make(activation, seed=0):
    torch.manual_seed(seed)
    layers = [nn.Linear(4, 6), activation(), nn.Linear(6, 5), activation(), nn.Linear(5, 3)]
    return nn.Sequential(*layers).double()


def point_of(net):
    return {name: value.detach().clone() for name, value in net.named_parameters()}


def disguise(symmetry, point, seed=0):
    """The same function with other scales, signs and order."""
    generator = torch.Generator().manual_seed(seed)
    moved = {**point, **symmetry.move(torch.randn(symmetry.dim, generator=generator, dtype=torch.float64), point)}
    for flip in symmetry.signs:
        moved.update(flip.act(1 - 2 * torch.randint(2, (flip.size,), generator=generator), moved))
    for permutation in symmetry.permutations:
        moved.update(permutation.act(torch.randperm(permutation.size, generator=generator), moved))
    return moved


def distance(first, second):
    return max(float((first[name] - second[name]).abs().max()) for name in first)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.LeakyReLU])
def test_balancing_zeroes_the_quantities_and_keeps_the_function(activation):
    net = make(activation)
    symmetry, point = symmetries(net, X), point_of(net)
    balanced = balance(symmetry, point)
    out = torch.func.functional_call(net, balanced, (X,))
    assert torch.allclose(out, net(X), atol=1e-12)
    laws = conserved_quantities(net, symmetry)
    assert max(float(value.abs().max()) for value in laws.values(balanced).values()) < 1e-8
    norm = symmetry.flatten(balanced).norm()
    generator = torch.Generator().manual_seed(3)
    for _ in range(10):
        xi = 0.1 * torch.randn(symmetry.dim, generator=generator, dtype=torch.float64)
        assert float(symmetry.flatten({**balanced, **symmetry.move(xi, balanced)}).norm()) > float(norm)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
def test_disguised_networks_come_out_equal(activation):
    net = make(activation)
    symmetry, point = symmetries(net, X), point_of(net)
    other = disguise(symmetry, point)
    assert distance(point, other) > 0.3
    first, second = canonical(symmetry, point), canonical(symmetry, other)
    assert distance(first, second) < 1e-8
    assert torch.allclose(torch.func.functional_call(net, second, (X,)), net(X), atol=1e-10)


def test_sharpness_in_the_gauge_is_one_number():
    net = make(nn.ReLU)
    symmetry, point = symmetries(net, X), point_of(net)
    y = net(X).detach()

    def loss(p):
        return (torch.func.functional_call(net, p, (X,)) - y).square().mean()

    other = disguise(symmetry, point)
    assert abs(top_eigenvalue(loss, other) / top_eigenvalue(loss, point) - 1) > 0.2
    fixed = [top_eigenvalue(loss, canonical(symmetry, one)) for one in (point, other)]
    assert fixed[0] == pytest.approx(fixed[1], rel=1e-6)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
def test_a_disguised_twin_merges_without_loss(activation):
    net = make(activation)
    symmetry, point = symmetries(net, X), point_of(net)
    y = net(X).detach()

    def loss(p):
        return (torch.func.functional_call(net, p, (X,)) - y).square().mean()

    other = disguise(symmetry, point)
    assert barrier(loss, point, other) > 1e-3
    base = balance(symmetry, point)
    assert barrier(loss, base, align(symmetry, base, other)) < 1e-16
    assert float(loss(merge(symmetry, point, other))) < 1e-16


@pytest.mark.parametrize("sides", [["out"], ["in", "out"]])
def test_units_that_are_zero_on_a_side_stay(sides):
    net = make(nn.ReLU)
    with torch.no_grad():
        net[2].weight[:, 0] = 0
        if "in" in sides:
            net[0].weight[0], net[0].bias[0] = 0, 0
    balanced = balance(symmetries(net, X), point_of(net))
    assert torch.equal(balanced["0.weight"][0], net[0].weight[0].detach())
    assert all(torch.isfinite(value).all() for value in balanced.values())
