"""Layers and networks that are equivariant whatever their parameters."""

import pytest
import torch

import isotropy as iso
from isotropy.errors import RepresentationMismatchError
from isotropy.nn import EMLP, Bilinear, EquivariantLinear, Gate, GatedLayer, NormGate
from isotropy.testing import assert_equivariant

GROUPS = {
    "so(3)": iso.so(3),
    "so(1,3)": iso.so(1, 3),
    "o(3)": iso.o(3),
    "sp(2)": iso.sp(2),
    "su(2)": iso.su(2),
    "sl(2)": iso.sl(2),
}


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def shaken(module, seed=0):
    """The module with every parameter drawn anew, biases too."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return module


def relative_error(f, x, rho_in, rho_out):
    """Largest ``|L_xi f| / max(|xi f|, |f|)`` over generators."""
    broken, value = iso.lie_derivative(f, x, rho_in, rho_out), f(x).detach()
    scale = rho_out.fields(value).norm(dim=(0, 2)).clamp(min=float(value.norm()))
    return float((broken.norm(dim=(0, 2)) / scale).max())


@pytest.mark.parametrize("name", GROUPS)
def test_networks_are_equivariant_end_to_end(name):
    group = GROUPS[name]
    V, one = group.vector(), group.scalar()
    x = 0.3 * randn(6, 2 * V.size + 1)
    rho_in = 2 * V + one
    for rho_out in (V, one, V * V):
        f = shaken(EMLP(rho_in, rho_out, hidden=3, layers=2, dtype=torch.float64))
        assert float(f(x).detach().std()) > 1e-4
        assert relative_error(f, x, rho_in, rho_out) < 1e-12
        if rho_out is not one:
            assert_equivariant(f, x, rho_in, rho_out, 1e-10)
        elements = [V.algebra.exp(0.3 * randn(V.algebra.dim, seed=4)), *(group.components if name == "o(3)" else [])]
        for g in elements:
            moved, value = f(x @ rho_in.rho(g).T).detach(), f(x).detach()
            assert float((moved - value @ rho_out.rho(g).T).norm() / moved.norm()) < 1e-10


def test_the_network_of_permutations():
    group = iso.symmetric(4)
    V = group.vector()
    f, x = shaken(EMLP(V, V, hidden=3, layers=2, dtype=torch.float64)), randn(5, 4)
    for g in group.components:
        assert torch.allclose(f(x @ g.T), f(x) @ g.T, atol=1e-10)


def test_the_parity_of_a_network_is_that_of_its_group():
    rotations, reflections = iso.so(3), iso.o(3)
    wide = EMLP(2 * rotations.vector(), rotations.vector(), hidden=4, layers=2)
    narrow = EMLP(2 * reflections.vector(), reflections.vector(), hidden=4, layers=2)
    assert sum(p.numel() for p in wide.parameters()) > sum(p.numel() for p in narrow.parameters())


@pytest.mark.parametrize("name", GROUPS)
def test_linear_maps_intertwine(name):
    group = GROUPS[name]
    V, one = group.vector(), group.scalar()
    rho_in, rho_out = V * V + 2 * V + one, V + 3 * one + V * V
    layer = shaken(EquivariantLinear(rho_in, rho_out, dtype=torch.float64))
    weight, bias = layer.weight(), layer.bias()[:, 0]
    for a, b in zip(rho_in.drho(), rho_out.drho(), strict=True):
        assert torch.allclose(weight @ a, b @ weight, atol=1e-11)
        assert float((b @ bias).detach().norm()) < 1e-11
    assert sum(p.numel() for p in layer.parameters()) == len(iso.enforce.equivariant_basis(rho_in >> rho_out)) + len(
        iso.enforce.equivariant_basis(rho_out)
    )


def test_coefficients_are_the_only_parameters_and_the_state_does_not_change():
    V = iso.so(3).vector()
    layer = EquivariantLinear(2 * V, V * V + V)
    before = {k: v.clone() for k, v in layer.train().state_dict().items()}
    assert all("coefficients" in name for name, _ in layer.named_parameters())
    assert any("basis" in name for name in before)
    after = layer.eval().state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) for k in before)
    other = EquivariantLinear(2 * V, V * V + V, seed=1)
    other.load_state_dict(layer.state_dict())
    x = torch.randn(4, 6)
    assert torch.equal(layer(x), other(x))


@pytest.mark.parametrize("name", ["so(3)", "o(3)", "so(1,3)"])
def test_initial_layers_keep_the_variance(name):
    group = GROUPS[name]
    V, one = group.vector(), group.scalar()
    rho = 30 * V + 30 * one
    torch.manual_seed(0)
    y = EquivariantLinear(rho, 2 * rho)(torch.randn(400, rho.size))
    assert float(y.detach().square().mean()) == pytest.approx(1.0, abs=0.1)


def test_dtype_and_compilation():
    V, one = iso.so(3).vector(), iso.so(3).scalar()
    net = EMLP(2 * V, V + one, hidden=2, layers=1)
    x = torch.randn(5, 6)
    assert net(x).dtype == torch.float32
    assert torch.allclose(torch.compile(net, fullgraph=True, backend="eager")(x), net(x), atol=1e-6)
    assert {b.dtype for b in net.double().buffers()} == {torch.float64, torch.int64}
    assert net(x.double()).dtype == torch.float64
    assert net(torch.zeros(2, 3, 6, dtype=torch.float64)).shape == (2, 3, 4)


def test_gates_move_whole_summands():
    G = iso.so(3)
    V, one = G.vector(), G.scalar()
    gate = Gate(V + one + V * V)
    assert gate.rho_in.size == 13 + 2
    x = randn(4, 15)
    y = gate(x)
    assert torch.allclose(y[:, :3], x[:, :3] * torch.sigmoid(x[:, 13:14]))
    assert torch.allclose(y[:, 3], torch.nn.functional.silu(x[:, 3]))
    assert torch.allclose(y[:, 4:], x[:, 4:13] * torch.sigmoid(x[:, 14:15]))
    assert Gate(3 * one).rho_in.size == 3


def test_pseudoscalars_are_gated_as_vectors_are():
    group = iso.o(3)
    gate = Gate(group.scalar() + group.pseudoscalar())
    x = randn(4, 3)
    flip = torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64)
    assert torch.equal(gate(x * flip), gate(x) * flip[:2])


@pytest.mark.parametrize("name", ["so(3)", "so(1,3)", "o(3)", "sl(2)", "su(2)"])
def test_norm_gates(name):
    group = GROUPS[name]
    V = group.vector() if name != "sl(2)" else group.vector() ** 2
    rho = 2 * V + group.scalar() + V * V
    assert_equivariant(shaken(NormGate(rho, dtype=torch.float64)), 0.5 * randn(5, rho.size), rho, rho, 1e-11)


def test_norm_gates_use_the_norm():
    V = iso.so(3).vector()
    v = randn(4, 3)
    gate = torch.sigmoid(v.square().sum(1, keepdim=True) / 3)
    form = NormGate(V, dtype=torch.float64)
    sign = float(form.form0[0, 0, 0].sign())
    assert torch.allclose(form(v), v * (gate if sign > 0 else 1 - gate))


@pytest.mark.parametrize("group", [iso.gl(2), iso.sp(2)], ids=repr)
def test_vectors_without_a_norm_ask_for_gates(group):
    with pytest.raises(RepresentationMismatchError, match="use Gate"):
        NormGate(group.vector())


def test_the_bilinear_layer_is_the_cross_product():
    V = iso.so(3).vector()
    u, v = randn(5, 3), randn(5, 3, seed=1)
    product = Bilinear(V, V, V, dtype=torch.float64)(u, v).detach()
    cross = torch.linalg.cross(u, v)
    ratio = product[0, 0].detach() / cross[0, 0]
    assert torch.allclose(product, ratio * cross)


def test_a_noisy_algebra_makes_the_same_layer():
    known = iso.so(3)
    noisy = iso.LieAlgebra(known.basis + 1e-4 * randn(3, 3, 3)).vector()
    count = [sum(p.numel() for p in EquivariantLinear(V**2, V**2).parameters()) for V in (known.vector(), noisy)]
    assert count == [3 + 1, 3 + 1]


def test_a_small_network_learns_the_cross_product():
    V = iso.so(3).vector()
    torch.manual_seed(0)
    x = torch.randn(64, 6)
    y = torch.linalg.cross(x[:, :3], x[:, 3:])
    net = GatedLayer(2 * V, 4 * V)
    last = EquivariantLinear(4 * V, V)
    parameters = [*net.parameters(), *last.parameters()]
    optimizer = torch.optim.LBFGS(parameters, max_iter=60, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = (last(net(x)) - y).square().mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert float(closure().detach()) < 1e-4 * float(y.square().mean())


def test_errors():
    V, one = iso.so(3).vector(), iso.so(3).scalar()
    with pytest.raises(RepresentationMismatchError, match="none but zero"):
        EquivariantLinear(V, one)
    with pytest.raises(RepresentationMismatchError, match="one algebra"):
        EquivariantLinear(V, iso.so(2).vector())
    with pytest.raises(RepresentationMismatchError, match="at least one layer"):
        EMLP(V, one, layers=0)
