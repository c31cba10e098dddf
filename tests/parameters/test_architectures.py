"""Dimensions and exactness on new inputs for convolutional networks and transformers."""

import pytest
import torch
from benchmarks.networks import ResNet18, Transformer
from torch import nn
from torch.nn import functional

import isotropy as iso
from isotropy.parameters import symmetries


def change(model, found, x, size=0.2):
    """Relative change of the outputs on new data when all blocks move at once."""
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    step = size * torch.randn(found.dim, generator=torch.Generator().manual_seed(1))
    moved = found.move(step.to(next(model.parameters()).dtype), parameters)
    with torch.no_grad():
        before, after = model(x), torch.func.functional_call(model, moved, (x,))
    return float((after - before).norm() / before.norm())


def test_resnet_18():
    torch.manual_seed(0)
    model = ResNet18(width=16).train()
    model(torch.randn(16, 3, 32, 32))  # statistics other than the initial ones
    model.eval()
    found = symmetries(model, torch.randn(2, 3, 32, 32))
    # one stream and two inner layers for each of the four stages
    assert found.dim == sum(3 * width for width in (16, 32, 64, 128))
    assert len(found.blocks) == 12
    assert not found.skipped
    assert {block.kind for block in found.blocks} == {"scaling"}
    assert change(model, found, torch.randn(8, 3, 32, 32)) <= 1e-5


def test_transformer_with_rotary_positions():
    torch.manual_seed(0)
    width, heads, groups, hidden, layers = 32, 4, 2, 48, 4
    model = Transformer(width=width, heads=heads, groups=groups, hidden=hidden, layers=layers)
    found = symmetries(model, torch.randint(0, 11, (1, 6)))
    d = width // heads
    # (C^x)^(d/2) and GL(d) for each key head, one scale per gated unit, two norms in front of linear maps
    per_layer = groups * (d + d * d) + hidden + 2 * width
    assert found.dim == layers * per_layer + width
    assert not found.skipped
    kinds = {kind: sum(b.dim for b in found.blocks if b.kind == kind) for kind in ("rotary", "linear", "scaling")}
    assert kinds == {"rotary": layers * groups * d, "linear": layers * groups * d * d, "scaling": 4 * (48 + 64) + 32}
    assert change(model, found, torch.randint(0, 11, (3, 12))) <= 1e-5
    assert change(model.double(), found, torch.randint(0, 11, (3, 12))) <= 1e-10


def test_gradients_are_orthogonal_to_every_generator():
    torch.manual_seed(0)
    decoder, tokens = Transformer(layers=2, bias=True, rotary=False), torch.randint(0, 11, (3, 7))
    rotary, image = Transformer(layers=2), torch.randn(3, 3, 32, 32, dtype=torch.float64)
    for model, x in ((decoder, tokens), (rotary, tokens), (ResNet18(width=4).eval(), image)):
        model = model.double()
        found = symmetries(model, x)
        loss = model(x).tanh().square().mean()
        gradients = dict(zip(found.shapes, torch.autograd.grad(loss, model.parameters()), strict=True))
        parameters = {name: p.detach() for name, p in model.named_parameters()}
        assert all(float(block.moment(gradients, parameters).abs().max()) < 1e-10 for block in found.blocks)
        assert {block.kind for block in found.blocks} >= {"scaling"}


def test_a_generic_matrix_is_no_symmetry_under_rotary_positions():
    torch.manual_seed(0)
    model = Transformer(layers=1).double()
    found = symmetries(model, torch.randint(0, 11, (1, 6)))
    (block,) = (b for b in found.blocks if b.kind == "rotary")
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    g = torch.randn(2, 4, 4, dtype=torch.float64)
    with pytest.raises(iso.errors.NotAnAlgebraError, match="outside"):
        block.act(g, parameters)


def test_attention_without_positions_has_the_whole_group():
    torch.manual_seed(0)
    model = Transformer(layers=1, bias=True, rotary=False).double()
    found = symmetries(model, torch.randint(0, 11, (1, 6)))
    linear = [b for b in found.blocks if b.kind == "linear"]
    assert [(b.copies, b.dim) for b in linear] == [(2, 32), (2, 32)]
    assert change(model, found, torch.randint(0, 11, (3, 9))) <= 1e-10


def test_multihead_attention_of_torch():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.1, batch_first=True).double().eval()
    found = symmetries(layer, torch.randn(2, 5, 8, dtype=torch.float64))
    assert sorted((b.kind, b.dim) for b in found.blocks) == [("linear", 32), ("linear", 32), ("scaling", 12)]
    assert sorted(one.size for one in found.permutations) == [2, 12]
    assert change(layer, found, torch.randn(3, 7, 8, dtype=torch.float64)) <= 1e-10


class Packed(nn.Module):
    """Queries, keys and values by one layer, fewer of the latter."""

    def __init__(self):
        super().__init__()
        self.qkv, self.o = nn.Linear(8, 16), nn.Linear(8, 3)

    def forward(self, x):
        parts = self.qkv(x).split([8, 4, 4], -1)
        q, k, v = (part.unflatten(-1, (-1, 2)).transpose(1, 2) for part in parts)
        y = functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)
        return self.o(y.transpose(1, 2).flatten(2))


class Complex(nn.Module):
    """Rotary positions by complex numbers, and scores written out."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(8, 8) for _ in range(4))

    def turn(self, x):
        angles = torch.arange(x.shape[1], dtype=x.dtype)[:, None] * torch.tensor([1.0, 0.1], dtype=x.dtype)
        pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2))
        return torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)[None, :, None]).flatten(3)

    def forward(self, x):
        q, k, v = (layer(x).view(*x.shape[:2], 2, 4) for layer in (self.q, self.k, self.v))
        q, k = self.turn(q), self.turn(k)
        weights = (q.transpose(1, 2) @ k.permute(0, 2, 3, 1) / 2).softmax(-1)
        return self.o((weights @ v.transpose(1, 2)).transpose(1, 2).reshape(x.shape))


@pytest.mark.parametrize(("model", "dim"), [(Packed(), 2 * 4 + 2 * 4), (Complex(), 2 * 4 + 2 * 16)])
def test_other_ways_to_write_attention(model, dim):
    model = model.double()
    found = symmetries(model, torch.randn(2, 5, 8, dtype=torch.float64))
    assert found.dim == dim
    assert change(model, found, torch.randn(3, 9, 8, dtype=torch.float64)) <= 1e-10


class Normed(nn.Module):
    """Attention with normalised queries and keys, with weights or without."""

    def __init__(self, weights):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(8, 8) for _ in range(4))
        self.q_norm, self.k_norm = (nn.RMSNorm(4, elementwise_affine=weights) for _ in range(2))

    def forward(self, x):
        q, k, v = (layer(x).view(*x.shape[:2], 2, 4).transpose(1, 2) for layer in (self.q, self.k, self.v))
        y = functional.scaled_dot_product_attention(self.q_norm(q), self.k_norm(k), v)
        return self.o(y.transpose(1, 2).flatten(2))


@pytest.mark.parametrize(("weights", "kind", "dim"), [(False, "orthogonal", 2 * 6), (True, "scaling", 4)])
def test_normalised_queries_and_keys_leave_what_commutes_with_the_norm(weights, kind, dim):
    torch.manual_seed(0)
    model = Normed(weights).double()
    found = symmetries(model, torch.randn(2, 5, 8, dtype=torch.float64))
    assert sorted((b.kind, b.dim) for b in found.blocks) == sorted([(kind, dim), ("linear", 2 * 16)])
    assert not found.skipped
    assert change(model, found, torch.randn(3, 9, 8, dtype=torch.float64)) <= 1e-10


def test_convolutions_with_groups_pooling_and_slopes():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.LeakyReLU(0.2), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, groups=8), nn.PReLU(8)]
    layers += [nn.AvgPool2d(2), nn.Conv2d(8, 6, 1, groups=2), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 5)]
    model = nn.Sequential(*layers).double()
    found = symmetries(model, torch.randn(2, 3, 20, 20, dtype=torch.float64))
    assert [(b.kind, b.copies, b.dim) for b in found.blocks] == [
        ("scaling", 8, 8),
        ("scaling", 8, 8),
        ("linear", 2, 18),
    ]
    assert change(model, found, torch.randn(4, 3, 20, 20, dtype=torch.float64)) <= 1e-12


class Images(nn.Module):
    """Convolutions with biases, pooling, a residual stream and a linear head."""

    def __init__(self):
        super().__init__()
        self.stem, self.a, self.b = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 8, 3, padding=1), nn.Conv2d(8, 6, 3, padding=1)
        self.head = nn.Linear(6 * 4, 5)

    def forward(self, x):
        x = functional.max_pool2d(torch.relu(self.stem(x)), 2)
        x = torch.relu(x + self.b(torch.relu(self.a(x))))
        return self.head(functional.adaptive_avg_pool2d(x, 2).flatten(1))


def test_biases_pooling_and_residuals_in_single_precision():
    torch.manual_seed(0)
    model = Images()
    found = symmetries(model, torch.randn(2, 3, 14, 14))
    assert sorted(block.dim for block in found.blocks) == [6, 8]
    assert {"stem.bias", "a.bias", "b.bias"} <= {name for block in found.blocks for name in block.parameters}
    assert change(model, found, torch.randn(16, 3, 14, 14)) <= 1e-5


def test_shift_before_a_softmax_and_scales_before_normalisation():
    torch.manual_seed(0)
    layers = [nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 5), nn.LayerNorm(5), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(5, 3)).double()
    x, y = torch.randn(30, 4, dtype=torch.float64), torch.randint(0, 3, (30,))
    assert symmetries(model, x).dim == 5
    found = symmetries(model, x, logits=True, approximate=True)
    assert [(b.kind, b.dim) for b in found.blocks] == [
        ("scaling", 5), ("shift", 6), ("normalised", 6), ("normalised", 1),
    ]  # fmt: skip
    assert all(0 < b.exactness.bound < 1.0 for b in found.blocks if b.exactness.kind == "approximate")
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    loss = functional.cross_entropy(model(x), y)
    gradients = dict(zip(parameters, torch.autograd.grad(loss, model.parameters()), strict=True))
    assert float(found.select("scaling", "shift").moment(gradients, parameters).abs().max()) < 1e-10
    assert float(found.moment(gradients, parameters).abs().max()) < 1e-4
    model[1].eps = model[4].eps = 1e-300  # torch refuses zero
    loss = functional.cross_entropy(model(x), y)
    gradients = dict(zip(parameters, torch.autograd.grad(loss, model.parameters()), strict=True))
    assert float(found.moment(gradients, parameters).abs().max()) < 1e-10


class Tied(nn.Module):
    """Learned positions, layer normalisation, packed projections, and a head that is the embedding."""

    def __init__(self):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(11, 8), nn.Parameter(torch.randn(1, 16, 8))
        self.norm1, self.qkv, self.o = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 8)
        self.norm2, self.up, self.down = nn.LayerNorm(8), nn.Linear(8, 20), nn.Linear(20, 8)
        self.head = nn.Linear(8, 11, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens):
        x = self.embedding(tokens) + self.positions[:, : tokens.shape[1]]
        b, t, n = x.shape
        q, k, v = (z.view(b, t, 2, n // 2).transpose(1, 2) for z in self.qkv(self.norm1(x)).chunk(3, -1))
        scores = (q @ k.transpose(-2, -1)) * (n // 2) ** -0.5
        scores = scores.masked_fill(torch.ones(t, t).tril() == 0, -torch.inf)
        x = x + self.o((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, n))
        return self.head(x + self.down(functional.gelu(self.up(self.norm2(x)))))


def test_a_tied_decoder_with_learned_positions():
    torch.manual_seed(0)
    model = Tied().double()
    found = symmetries(model, torch.randint(0, 11, (2, 5)))
    assert sorted((b.kind, b.dim) for b in found.blocks) == [
        ("linear", 32), ("linear", 32), ("scaling", 8), ("scaling", 8),
    ]  # fmt: skip
    assert sorted(one.size for one in found.permutations) == [2, 8, 20]
    assert not found.skipped
    assert change(model, found, torch.randint(0, 11, (3, 9))) <= 1e-10


def test_what_has_no_rule_is_named_and_stays():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 3), nn.ConvTranspose2d(4, 4, 2)
            self.lstm, self.c, self.d = nn.LSTM(8, 5, batch_first=True), nn.Linear(5, 6), nn.Linear(6, 2)

        def forward(self, x):
            x = torch.relu(self.b(torch.relu(self.a(x))))
            x = torch.cat([x, x], 1)
            return self.d(torch.relu(self.c(self.lstm(x.flatten(2).mT)[0][:, -1])))

    found = symmetries(Mixed(), torch.randn(2, 3, 6, 6))
    assert [(b.kind, b.dim) for b in found.blocks] == [("scaling", 6)]
    reasons = {one.where: one.why for one in found.skipped}
    assert "no rule for conv_transpose2d" in reasons["b (ConvTranspose2d): conv_transpose2d"]
    assert "no rule for lstm" in reasons["lstm (LSTM): lstm"]


@pytest.mark.parametrize("rotary", [True, False])
def test_generators_move_parameters_in_independent_directions(rotary):
    torch.manual_seed(0)
    model = Transformer(layers=1, width=8, heads=4, groups=2, hidden=6, bias=not rotary, rotary=rotary).double()
    found = symmetries(model, torch.randint(0, 11, (1, 6)))
    point = found.flatten({name: torch.randn_like(p) for name, p in model.named_parameters()})
    assert int(torch.linalg.matrix_rank(found.fields(point[None])[0])) == found.dim
