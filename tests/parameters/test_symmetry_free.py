"""Teleportation along level sets and in null spaces."""

import math

import pytest
import torch
from torch import nn

from isotropy.errors import DataError, TrivialResultWarning
from isotropy.parameters import level_set_teleport, null_space_teleport


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def point_of(net):
    return {name: value.detach() for name, value in net.named_parameters()}


def test_quadratic_ends_where_the_hessian_pushes_along_the_gradient():
    mix = randn(6, 6)
    form = mix.T @ mix / 6 + torch.eye(6)
    moved = level_set_teleport(lambda p: p["w"] @ form @ p["w"] / 2, {"w": randn(6, seed=1)}, steps=400, cap=math.inf)
    slope = form @ moved.parameters["w"]
    assert 1 - float(torch.cosine_similarity(form @ slope, slope, dim=0)) < 1e-3
    assert moved.loss_after <= moved.loss_before * (1 + 1e-6)
    assert moved.ratio > 1


def test_gradients_never_shrink_on_the_way():
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).double(), randn(20, 5)

    def loss(p):
        return (torch.func.functional_call(net, p, (x,)) - 1).square().mean()

    moves = [level_set_teleport(loss, point_of(net), steps=steps, cap=100.0) for steps in range(1, 9)]
    ratios = [1.0, *(move.ratio for move in moves)]
    assert ratios == sorted(ratios)
    assert all(move.loss_after <= move.loss_before * (1 + 1e-6) for move in moves)


@pytest.mark.parametrize("seed", range(5))
def test_networks_keep_their_loss_and_gain_gradient_up_to_the_cap(seed):
    torch.manual_seed(seed)
    net, x = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).double(), randn(20, 5)

    def loss(p):
        return (torch.func.functional_call(net, p, (x,)) - 1).square().mean()

    moved = level_set_teleport(loss, point_of(net), cap=3.0)
    assert 1.0 <= moved.ratio <= 3.0
    assert moved.steps >= 1
    assert moved.cost >= 3 * moved.steps
    assert float(loss(moved.parameters)) == moved.loss_after <= moved.loss_before * (1 + 1e-6)


def test_null_space_keeps_every_output_on_the_batch():
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(12, 9), nn.ReLU(), nn.Linear(9, 3)).double(), randn(4, 12)

    def loss(p):
        return (torch.func.functional_call(net, p, (x,)) - 1).square().mean()

    moved = null_space_teleport(net, x, loss, cap=4.0)
    assert moved.dims["0.weight"] == 8
    assert moved.dims["2.weight"] >= 5
    assert moved.steps >= 1
    assert float((moved.parameters["2.weight"] - point_of(net)["2.weight"]).norm()) > 1e-3
    assert float((torch.func.functional_call(net, moved.parameters, (x,)) - net(x).detach()).abs().max()) < 1e-10
    assert torch.equal(moved.parameters["0.bias"], point_of(net)["0.bias"])


def test_null_space_of_convolutions():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(8, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16, 2)).double()
    x = randn(2, 8, 4, 4)
    x = torch.nn.functional.pad(x, (1, 1, 1, 1))

    def loss(p):
        return (torch.func.functional_call(net, p, (x,)) - 1).square().mean()

    moved = null_space_teleport(net, x, loss)
    assert moved.dims["0.weight"] == 72 - 32
    assert float((torch.func.functional_call(net, moved.parameters, (x,)) - net(x).detach()).abs().max()) < 1e-10


def test_a_full_batch_leaves_nothing_to_move():
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)).double(), randn(10, 3)
    with pytest.warns(TrivialResultWarning, match="nothing moves"):
        moved = null_space_teleport(net, x, lambda p: torch.func.functional_call(net, p, (x,)).square().mean())
    assert moved.dims == {"0.weight": 0, "1.weight": 0}
    assert all(torch.equal(moved.parameters[name], value) for name, value in point_of(net).items())


def test_energy_opens_the_null_space_at_a_price():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 2)).double()
    x = randn(20, 6) * torch.tensor([5.0, 3.0, 1.0, 0.1, 0.1, 0.01])

    def loss(p):
        return (torch.func.functional_call(net, p, (x,)) - 1).square().mean()

    moved = null_space_teleport(net, x, loss, energy=0.99)
    assert moved.dims["0.weight"] >= 3
    with pytest.raises(DataError, match="share in"):
        null_space_teleport(net, x, loss, energy=0.0)


def test_nan_is_refused():
    with pytest.raises(DataError, match="finite loss and gradient"):
        level_set_teleport(lambda p: p["w"].sum() * float("nan"), {"w": torch.ones(2)})
