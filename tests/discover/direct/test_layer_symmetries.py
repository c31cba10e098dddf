"""Which generators pass each layer of a network, and which pass all."""

import pytest
import torch
from torch import nn

import isotropy as iso
from isotropy.discover import layers
from isotropy.errors import DataError, RepresentationMismatchError


class Formula(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


def gate(x):
    return x * torch.sigmoid(x.norm(dim=1, keepdim=True))


X = 2 * torch.randn(300, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def linear(*shape, bias=False, seed=0):
    layer = nn.Linear(*shape, bias=bias).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed)))
    return layer


@pytest.mark.parametrize(
    ("layer", "dim"),
    [
        (linear(3, 3), 9),
        (nn.ReLU(), 3),
        (nn.LeakyReLU(), 3),
        (Formula(lambda x: x * x.abs()), 3),
        (nn.Tanh(), 0),
        (nn.Softplus(), 0),
        (Formula(gate), 3),
    ],
    ids=["linear", "relu", "leaky", "x|x|", "tanh", "softplus", "gate"],
)
def test_independent_linear_candidates(layer, dim):
    found = layers(layer, X)
    (only,) = found.layers.values()
    assert only.algebra_.dim == dim
    assert only.status_ == ("certified" if dim else "none")
    assert (found.through is None) == (dim == 0)


def test_a_norm_gate_passes_rotations_on_both_sides():
    (only,) = layers(Formula(gate), X).layers.values()
    first, second = only.algebra_.basis[:, :3, :3], only.algebra_.basis[:, 3:, 3:]
    assert torch.allclose(first, second, atol=1e-8)
    assert iso.LieAlgebra(first).distance(iso.so(3)) < 1e-8


def test_softmax_forgets_a_common_shift():
    (only,) = layers(nn.Softmax(1), X, algebra=iso.translation).layers.values()
    assert only.algebra_.dim == 1
    assert only.vector_fields() == ["d/dx + d/dy + d/dz"]


def test_rotations_pass_a_gate_and_end_in_an_invariant():
    net = nn.Sequential(Formula(gate), Formula(lambda x: x.square().sum(1, keepdim=True)), nn.Tanh())
    found = layers(net, X)
    first, second, last = found.layers.values()
    assert (first.algebra_.dim, second.algebra_.dim) == (3, 4)
    assert last.status_ != "certified" and float(last.spectrum_[-1]) > 0.05  # scaling stops at tanh
    assert (found.through.status_, found.through.algebra_.dim) == ("certified", 3)
    assert iso.LieAlgebra(found.through.algebra_.basis[:, :3, :3]).distance(iso.so(3)) < 1e-6


def test_only_scaling_passes_a_generic_relu_network():
    """Hidden activations lie on a plane before the ReLU; generators that differ off it still match."""
    net = nn.Sequential(linear(3, 5), nn.ReLU(), linear(5, 2, seed=1))
    found = layers(net, X)
    assert found.through.algebra_.dim == 1
    basis = found.through.algebra_.basis[0]
    assert torch.allclose(basis, basis[0, 0] * torch.eye(5, dtype=torch.float64), atol=1e-8)


def test_linear_layers_chain():
    found = layers(nn.Sequential(linear(3, 3), linear(3, 3, seed=1)), X)
    assert found.through.algebra_.dim == 9
    assert float(found.spectrum[-9:].max()) < 1e-10 < 0.1 < float(found.spectrum[-10])


def test_bias_needs_affine_candidates():
    layer = linear(3, 3, bias=True)
    (linear_only,) = layers(layer, X).layers.values()
    (affine,) = layers(layer, X, algebra=iso.aff).layers.values()
    assert (linear_only.algebra_.dim, affine.algebra_.dim) == (6, 12)  # A with W A W^-1 b = 0, and all


def test_tolerance_and_level_reach_every_layer():
    bent = Formula(lambda x: x + 0.02 * x.pow(3))
    (loose,) = layers(bent, X, tolerance=0.4, level=0.1).layers.values()
    (strict,) = layers(bent, X, tolerance=1e-3).layers.values()
    assert (loose.symmetry_.tolerance, loose.symmetry_.level) == (0.4, 0.1)
    assert loose.algebra_.dim > strict.algebra_.dim
    with pytest.raises(DataError, match="level: expected a number between 0 and 1"):
        layers(bent, X, level=0.0)


def test_the_model_is_left_as_it_was():
    net = nn.Sequential(linear(3, 3), nn.Dropout(0.5)).train()
    layers(net, X)
    assert net.training
    assert not net[0]._forward_hooks


def test_what_cannot_be_chained_is_refused():
    class Skip(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = linear(3, 3), linear(3, 3)

        def forward(self, x):
            return self.b(x + self.a(x))

    with pytest.raises(DataError, match="unbranched"):
        layers(Skip(), X)
    with pytest.raises(DataError, match="flat activations"):
        layers(nn.Sequential(nn.Unflatten(1, (1, 3)), nn.Conv1d(1, 1, 1).double()), X)
    with pytest.raises(DataError, match="at most"):
        layers(linear(3, 25), X)
    with pytest.raises(RepresentationMismatchError, match="function of the width"):
        layers(linear(3, 3), X, algebra=lambda width: iso.gl(width + 2))
