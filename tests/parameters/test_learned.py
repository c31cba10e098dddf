"""Learned teleports keep the function and can be trained."""

import pytest
import torch
from torch import nn

from isotropy.errors import DataError, SymmetryError
from isotropy.parameters import LearnedTeleport, symmetries

NET = nn.Sequential(nn.Linear(3, 6, bias=False), nn.LeakyReLU(0.1), nn.Linear(6, 2, bias=False))
X = torch.randn(10, 3, generator=torch.Generator().manual_seed(0))


def problem(seed):
    generator = torch.Generator().manual_seed(seed)
    start = {name: 0.5 * torch.randn(p.shape, generator=generator) for name, p in NET.named_parameters()}
    y = torch.randn(10, 2, generator=generator)
    return lambda p: (torch.func.functional_call(NET, p, (X,)) - y).square().mean(), start


@pytest.mark.parametrize("size", [0.01, 0.5])
def test_proposals_keep_the_function(size):
    loss, start = problem(0)
    learned = LearnedTeleport(symmetries(NET, X), size=size)
    with torch.no_grad():
        moved, memory = learned(start, torch.func.grad(loss)(start))
        again, _ = learned(moved, torch.func.grad(loss)(moved), memory)
    new = torch.randn(20, 3, generator=torch.Generator().manual_seed(5))
    for point in (moved, again):
        assert float(abs(loss(point) / loss(start) - 1)) < 1e-5
        outputs = [torch.func.functional_call(NET, p, (new,)).detach() for p in (start, point)]
        assert torch.allclose(*outputs, rtol=1e-5, atol=1e-6)
    step = torch.cat([(moved[name].abs() / start[name].abs()).log().flatten() for name in start])
    assert float(step.abs().max()) > size / 10


def test_training_lowers_the_losses_of_its_problems():
    learned = LearnedTeleport(symmetries(NET, X), size=0.5)

    def score():
        with torch.no_grad():
            return sum(float(learned.descend(*problem(seed), 0.1, 5).log().mean()) for seed in range(4)) / 4

    before = score()
    history = learned.fit(lambda number: problem(number % 4), lr=0.1, steps=5, rounds=80, rate=1e-2)
    assert len(history) == 80
    assert score() < before - 0.05


def test_divergence_and_missing_orbits_are_named():
    learned = LearnedTeleport(symmetries(NET, X))
    with pytest.raises(DataError, match="lower lr=1000000"):
        learned.fit(problem, lr=1e6, steps=10, rounds=1)
    plain = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 2))
    with pytest.raises(SymmetryError, match="no orbit"):
        LearnedTeleport(symmetries(plain, X))
