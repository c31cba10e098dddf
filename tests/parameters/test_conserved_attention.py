"""Conserved quantities of a transformer: rotary positions, grouped queries, gated units and normalisation."""

import pytest
import torch
from benchmarks.networks import Transformer
from torch import nn

from isotropy.errors import SymmetryError
from isotropy.parameters import conserved_quantities, symmetries


def build():
    torch.manual_seed(0)
    return Transformer(layers=2).double(), torch.randint(0, 11, (4, 7))


def train(model, tokens, optimizer, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(tokens).flatten(0, 1), tokens.roll(1, 1).flatten()).backward()
        optimizer.step()


def test_every_law_of_a_transformer_holds_step_by_step():
    model, tokens = build()
    laws = conserved_quantities(model, symmetries(model, tokens))
    width, head, groups, hidden, layers = 16, 4, 2, 24, 2
    per_layer = groups * (head // 2 + head * (head + 1) // 2) + hidden + 2 * width
    assert laws.dim == layers * per_layer + width
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
    with laws.track(optimizer) as tracker:
        train(model, tokens, optimizer, 10)
    assert tracker.worst.violation < 1e-13


def test_a_detached_head_rings():
    model, tokens = build()
    laws = conserved_quantities(model, symmetries(model, tokens))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    name = next(name for law in laws.laws if law.block.kind == "rotary" for name in law.names)
    model.get_parameter(name).register_hook(lambda slope: 0.9 * slope)
    with laws.track(optimizer), pytest.raises(SymmetryError, match="exact law of SGD"):
        train(model, tokens, optimizer, 1)
