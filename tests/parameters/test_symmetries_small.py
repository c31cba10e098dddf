"""Symmetries of small networks: dimensions, exactness, what is refused."""

import pytest
import torch
from torch import nn

import isotropy as iso
from isotropy.parameters import symmetries

F64 = torch.float64


def outputs(model, tensors, x):
    with torch.no_grad():
        return torch.func.functional_call(model, tensors, (x,))


def largest_change(model, found, x, seed=0):
    """Relative change of the outputs on new data when every block moves at once."""
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    xi = 0.2 * torch.randn(found.dim, generator=torch.Generator().manual_seed(seed), dtype=x.dtype)
    moved = found.move(xi, parameters)
    before, after = outputs(model, {}, x), outputs(model, moved, x)
    assert all(not torch.equal(moved[name], parameters[name]) for name in moved)
    return float((after - before).norm() / before.norm())


def chain(*layers):
    torch.manual_seed(0)
    return nn.Sequential(*layers).double()


def test_groups_of_small_chains():
    x = torch.randn(7, 3, dtype=F64)
    linear = chain(nn.Linear(3, 5), nn.Linear(5, 4), nn.Linear(4, 2))
    assert [(b.kind, b.dim) for b in symmetries(linear, x).blocks] == [("linear", 25), ("linear", 16)]
    relu = chain(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 1), nn.LeakyReLU(0.1), nn.Linear(1, 2))
    assert [(b.kind, b.dim) for b in symmetries(relu, x).blocks] == [("scaling", 5), ("scaling", 1)]
    tanh = symmetries(chain(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)), x)
    assert tanh.dim == 0
    assert [one.size for one in tanh.signs] == [5]
    assert [one.size for one in tanh.permutations] == [5]
    gelu = symmetries(chain(nn.Linear(3, 5), nn.GELU(), nn.Linear(5, 2)), x)
    assert (gelu.dim, len(gelu.signs), [one.size for one in gelu.permutations]) == (0, 0, [5])


@pytest.mark.parametrize("depth", [2, 5])
def test_moves_are_exact_on_new_data(depth):
    x = torch.randn(9, 4, dtype=F64)
    layers = [nn.Linear(4, 6), *(nn.Linear(6, 6) for _ in range(depth)), nn.ReLU(), nn.Linear(6, 3)]
    model = chain(*layers)
    found = symmetries(model, x[:2])
    assert found.dim == 36 * depth + 6
    assert largest_change(model, found, x) < 1e-10


def test_discrete_moves_are_exact():
    x = torch.randn(9, 4, dtype=F64)
    model = chain(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3)).eval()
    model[1].running_mean.normal_()
    found = symmetries(model, x)
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    moved = found.permutations[0].act(torch.randperm(6), tensors)
    assert "1.running_mean" in moved
    assert torch.allclose(outputs(model, moved, x), outputs(model, {}, x), atol=1e-12)
    flipped = found.signs[0].act([1, -1, 1, -1, -1, 1], tensors)
    assert torch.allclose(outputs(model, flipped, x), outputs(model, {}, x), atol=1e-12)
    with pytest.raises(iso.errors.RepresentationMismatchError, match="each of"):
        found.permutations[0].act([0, 0, 1, 2, 3, 4], tensors)


class Residual(nn.Module):
    """Two blocks on one stream; the stream's scale is tied."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Linear(3, 6), nn.Linear(6, 2)
        self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 6)
        self.c = nn.Linear(6, 6)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        x = torch.relu(x + self.b(torch.relu(self.a(x))))
        return self.head(x + torch.relu(self.c(x)))


def test_residual_streams_share_one_scale():
    torch.manual_seed(0)
    model, x = Residual().double(), torch.randn(5, 3, dtype=F64)
    found = symmetries(model, x)
    assert sorted(block.dim for block in found.blocks) == [6, 8]
    assert largest_change(model, found, torch.randn(11, 3, dtype=F64)) < 1e-12


def test_tied_weights_intersect_groups():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(4, 4, bias=False)

        def forward(self, x):
            return self.a(self.a(x).T.T) @ self.a.weight

    torch.manual_seed(0)
    assert symmetries(Tied().double(), torch.randn(3, 4, dtype=F64)).dim == 0

    class Auto(nn.Module):  # x W^T W: only rotations are left
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(4, 3, bias=False)

        def forward(self, x):
            return self.a(x) @ self.a.weight

    found = symmetries(Auto().double(), torch.randn(3, 4, dtype=F64))
    assert [(b.kind, b.dim) for b in found.blocks] == [("orthogonal", 3)]


def test_group_law_and_identity():
    x = torch.randn(2, 3, dtype=F64)
    model = chain(nn.Linear(3, 5), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    for block in symmetries(model, x).blocks:
        g1, g2 = (block.exp(0.3 * torch.randn(block.dim, dtype=F64)) for _ in range(2))
        twice = block.act(g2, {**parameters, **block.act(g1, parameters)})
        once = block.act(g2 @ g1, parameters)
        back = block.act(torch.linalg.inv(g1), {**parameters, **block.act(g1, parameters)})
        still = block.act(block.identity(x), parameters)
        for name in block.parameters:
            assert torch.allclose(twice[name], once[name], rtol=1e-9, atol=1e-9)
            assert torch.allclose(back[name], parameters[name], rtol=1e-9, atol=1e-9)
            assert torch.equal(still[name], parameters[name])


def test_field_is_the_velocity_of_the_flow_and_moment_maps_vanish():
    x, y = torch.randn(9, 3, dtype=F64), torch.randn(9, 2, dtype=F64)
    model = chain(nn.Linear(3, 5), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))
    found = symmetries(model, x)
    xi = torch.randn(found.dim, dtype=F64)
    point = found.flatten({name: p.detach() for name, p in model.named_parameters()})[None]
    slope = torch.func.jvp(
        lambda t: found.flow(t * xi, point), (torch.zeros((), dtype=F64),), (torch.ones((), dtype=F64),)
    )
    numeric = (found.flow(xi, point, 1e-5) - found.flow(xi, point, -1e-5)) / 2e-5
    assert torch.allclose(numeric, found.field(xi, point), atol=1e-7)
    assert slope[1].shape == numeric.shape
    loss = (model(x) - y).square().mean()
    gradients = dict(zip(found.shapes, torch.autograd.grad(loss, model.parameters()), strict=True))
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    assert float(found.moment(gradients, parameters).abs().max()) < 1e-12
    q = {name: torch.randn_like(p) for name, p in parameters.items()}
    assert torch.allclose(found.moment(q, parameters), found.fields(point)[0] @ found.flatten(q))
    assert found.algebra.basis.shape == (29, 9, 9)


def test_what_is_refused():
    x = torch.randn(3, 5, 4)
    lstm = nn.LSTM(4, 6, batch_first=True)
    found = symmetries(lstm, x)
    assert found.dim == 0
    assert any("lstm" in one.where and "no rule" in one.why for one in found.skipped)
    frozen = chain(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))
    frozen[0].weight.requires_grad_(False)
    found = symmetries(frozen, torch.randn(2, 3, dtype=F64))
    assert [block.dim for block in found.blocks] == [4]
    assert any(one.where == "0.weight" and "frozen" in one.why for one in found.skipped)
    shared = chain(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))
    shared[2].weight = nn.Parameter(shared[0].weight.data)
    with pytest.raises(iso.errors.SymmetryError, match=r"'0.weight' and '2.weight'"):
        symmetries(shared, torch.randn(2, 3, dtype=F64))
    with pytest.raises(iso.errors.SymmetryError, match="example: expected"):
        symmetries(frozen, torch.randn(2, 7, dtype=F64))
    with pytest.raises(iso.errors.DataError, match="none"):
        symmetries(nn.ReLU(), x)
    with torch.no_grad():
        frozen[2].weight[0, 0] = torch.nan
    with pytest.raises(iso.errors.DataError, match=r"infinity in '2.weight'"):
        symmetries(frozen, torch.randn(2, 3, dtype=F64))
