"""Blocks that are exact on a batch only: which there are, their rank condition, and bad batches."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import isotropy as iso
from isotropy.parameters import symmetries

F64 = torch.float64


def build(*layers):
    torch.manual_seed(0)
    return nn.Sequential(*layers).double()


def answers(model, moved, x):
    with torch.no_grad():
        return torch.func.functional_call(model, moved, (x,))


def change(model, moved, x):
    """Relative change of the outputs."""
    before, after = answers(model, {}, x), answers(model, moved, x)
    return float((after - before).norm() / before.norm())


def near_identity(block, size, seed=0):
    direction = torch.randn(block.dim, generator=torch.Generator().manual_seed(seed), dtype=F64)
    return block.exp(size * direction / block.size**0.5)


@pytest.mark.parametrize("activation", [nn.GELU(), nn.SiLU(), nn.Tanh(), nn.ReLU(inplace=True), nn.LeakyReLU(0.3)])
def test_every_activation_has_its_block_and_rank(activation):
    model = build(nn.Linear(5, 6), activation, nn.Dropout(0.5), nn.Linear(6, 3))
    assert not symmetries(model, torch.randn(2, 5, dtype=F64)).on_batch  # what dropout does depends on more
    model.eval()
    (block,) = symmetries(model, torch.randn(2, 5, dtype=F64)).on_batch
    assert (block.name, block.dim, block.parameters) == ("GL(6)", 36, ("0.weight", "3.weight", "0.bias"))
    assert (block.exactness.kind, block.exactness.rank) == ("exact-on-batch", 6)
    x, new = torch.randn(4, 5, dtype=F64), torch.randn(20, 5, dtype=F64)
    moved = block.act(near_identity(block, 0.5), model, x)
    assert set(moved) == set(block.parameters)
    assert change(model, moved, x) <= 1e-10
    assert change(model, moved, new) > 1e-3
    still = block.act(torch.eye(6, dtype=F64), model, x)
    assert all(torch.equal(value, model.get_parameter(name)) for name, value in still.items())


def test_batches_beyond_the_rank_are_refused_or_cost_the_first_order():
    model = build(nn.Linear(5, 6), nn.GELU(), nn.Linear(6, 3))
    (block,) = symmetries(model, torch.randn(2, 5, dtype=F64)).on_batch
    x, errors = torch.randn(30, 5, dtype=F64), []
    with pytest.raises(iso.errors.SymmetryError, match="at most 6 independent moved hidden states, received 30"):
        block.act(near_identity(block, 0.1), model, x)
    for size in (1e-4, 1e-3):
        with pytest.warns(iso.errors.SymmetryWarning, match="pass a smaller batch"):
            moved = block.act(near_identity(block, size), model, x, strict=False)
        errors.append(change(model, moved, x))
    assert errors[1] / errors[0] == pytest.approx(10, rel=0.2)
    with pytest.raises(iso.errors.RepresentationMismatchError, match="expected 36 coordinates"):
        block.exp(torch.ones(5))


class Stream(nn.Module):
    """A gelu branch on positions, a layer used twice, and one whose hidden state is also an output."""

    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(4, 12), nn.Linear(12, 4)
        self.twice, self.last = nn.Linear(4, 4), nn.Linear(4, 2)
        self.seen, self.head = nn.Linear(4, 5), nn.Linear(5, 2)

    def forward(self, x):
        x = x + self.down(functional.gelu(self.up(x), approximate="tanh"))
        x = torch.tanh(self.twice(torch.tanh(self.twice(x))))
        hidden = torch.sin(self.seen(x))
        return self.last(x) + self.head(hidden), hidden


def test_only_layers_of_their_own_are_listed_and_others_stay():
    torch.manual_seed(0)
    model = Stream().double()
    found = symmetries(model, torch.randn(2, 3, 4, dtype=F64))
    assert [(b.label, b.size) for b in found.on_batch] == [("up.weight, down.weight (gelu)", 12)]
    assert [row["exactness"]["rank"] for row in found.to_dict()["on_batch"]] == [12]
    assert "GL(12) on at most 12 samples: up.weight" in str(found)
    x = torch.randn(2, 5, 4, dtype=F64)  # ten positions
    moved = found.on_batch[0].act(near_identity(found.on_batch[0], 0.3), model, x)
    assert torch.allclose(answers(model, moved, x)[0], answers(model, {}, x)[0], atol=1e-10)
    model.up.bias.requires_grad_(False)
    assert not symmetries(model, x).on_batch


def test_one_after_the_other_in_a_deep_network():
    model = build(nn.Linear(3, 8), nn.Sigmoid(), nn.Linear(8, 7), nn.Softplus(), nn.Linear(7, 2))
    x = torch.randn(5, 3, dtype=F64)
    before = answers(model, {}, x)
    for block in symmetries(model, x).on_batch:
        moved = block.act(near_identity(block, 0.3), model, x)
        with torch.no_grad():
            for name, value in moved.items():
                model.get_parameter(name).copy_(value)
    assert len(symmetries(model, x).on_batch) == 2
    assert torch.allclose(answers(model, {}, x), before, rtol=1e-10, atol=1e-10)
