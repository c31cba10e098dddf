"""Conserved quantities behind elementwise activations: where they exist, where not, and at initialisation."""

import math

import pytest
import torch

from isotropy.errors import DataError, FlowError, RepresentationMismatchError, SymmetryError
from isotropy.parameters import NeuronLaw, curl, gradient_flow, potential
from isotropy.parameters.laws._primitives import ACTIVATIONS, primitive


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def orthonormal_rows(k, n, seed=0):
    return torch.linalg.qr(randn(n, k, seed=seed)).Q.T


def two_layers(m=3, h=4, n=5, scale=0.5):
    return {"V": scale * randn(h, n, seed=1), "U": scale * randn(m, h, seed=2)}


def fit(activation, x, y):
    sigma = ACTIVATIONS[activation][0]
    return lambda p: 0.5 * (sigma(x @ p["V"].T) @ p["U"].T - y).square().sum()


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_primitive_has_the_right_slope(name):
    sigma, potential_of = ACTIVATIONS[name]
    z = torch.linspace(0.2, 1.4, 25, dtype=torch.float64)
    slope = torch.func.grad(lambda s: potential_of(s).sum())(z)
    assert torch.allclose(slope, sigma(z) / torch.func.grad(lambda s: sigma(s).sum())(z), atol=1e-10)


@pytest.mark.parametrize("name", ["identity", "tanh", "sigmoid", "sin", "cube", "arctan", "softplus"])
@pytest.mark.parametrize("samples", [3, 5])
def test_law_holds_along_the_flow_on_orthonormal_data(name, samples):
    x, start = orthonormal_rows(samples, 5), two_layers()
    law = NeuronLaw("V", "U", name, x)
    end = gradient_flow(fit(name, x, randn(samples, 3, seed=3)), start, [0.0, 2.0], tolerance=1e-9)[-1]
    assert float((end["U"] - start["U"]).norm()) > 0.1
    assert float((law.values(end) - law.values(start)).abs().max()) < 1e-8


def test_samples_may_have_any_lengths():
    x, start = orthonormal_rows(3, 5) * torch.tensor([[0.5], [1.0], [3.0]]), two_layers()
    law = NeuronLaw("V", "U", "tanh", x)
    end = gradient_flow(fit("tanh", x, randn(3, 3, seed=3)), start, [0.0, 1.0], tolerance=1e-9)[-1]
    assert float((law.values(end) - law.values(start)).abs().max()) < 1e-8


def test_a_bias_is_one_more_input():
    simplex = 3 * torch.eye(3, dtype=torch.float64) - 1  # inner products -3; after scaling -1
    x, y, start = simplex / 3**0.5, randn(3, 3, seed=3), {**two_layers(n=3), "b": 0.3 * randn(4, seed=5)}
    law = NeuronLaw("V", "U", "tanh", x, bias="b")

    def loss(p):
        return 0.5 * (torch.tanh(x @ p["V"].T + p["b"]) @ p["U"].T - y).square().sum()

    end = gradient_flow(loss, start, [0.0, 1.0], tolerance=1e-9)[-1]
    assert float((law.values(end) - law.values(start)).abs().max()) < 1e-8
    with pytest.raises(SymmetryError, match="one more input"):
        NeuronLaw("V", "U", "tanh", torch.eye(3), bias="b")


def test_generic_data_have_no_law_for_tanh_and_it_does_drift():
    x, start = randn(7, 5), two_layers()
    with pytest.raises(SymmetryError, match="orthogonal samples"):
        NeuronLaw("V", "U", "tanh", x)
    end = gradient_flow(fit("tanh", x, randn(7, 3, seed=3)), start, [0.0, 2.0], tolerance=1e-6)[-1]

    def candidate(p):
        return 0.5 * p["U"].square().sum(0) - primitive("tanh")(x @ p["V"].T).sum(0)

    assert float((candidate(end) - candidate(start)).abs().max()) > 1e-2


@pytest.mark.parametrize("name", ["gelu", "silu", "relu6", "sinc"])
def test_activations_without_a_potential_are_refused(name):
    with pytest.raises(SymmetryError, match="no law"):
        NeuronLaw("V", "U", name, torch.eye(3))


def test_whitened_inputs_are_not_orthogonal_samples():
    whitened = orthonormal_rows(5, 9).T  # x^T x = 1 with more samples than inputs
    with pytest.raises(SymmetryError, match="9 samples of 5 inputs"):
        NeuronLaw("V", "U", "tanh", whitened)


def elementwise_field(m, x, name):
    sigma = ACTIVATIONS[name][0]

    def field(p):
        z = p["V"] @ x.T
        slope = torch.func.grad(lambda s: sigma(s).sum())(z)
        return {"V": -(m @ sigma(z) / slope) @ torch.linalg.pinv(x.T), "U": p["U"] @ m}

    return field


def test_integrability():
    at, x = two_layers(), orthonormal_rows(3, 5)
    m = randn(4, 4)
    linear = {
        "symmetric": lambda p: {"V": -(m + m.T) @ p["V"], "U": p["U"] @ (m + m.T)},
        "antisymmetric": lambda p: {"V": -(m - m.T) @ p["V"], "U": p["U"] @ (m - m.T).T},
    }
    assert curl(linear["symmetric"], at) < 1e-14
    assert curl(linear["antisymmetric"], at) > 0.99
    assert curl(elementwise_field(torch.diag(m[0]), x, "tanh"), at) < 1e-14
    assert curl(elementwise_field(m + m.T, x, "tanh"), at) > 1e-2
    assert curl(elementwise_field(torch.diag(m[0]), randn(3, 5), "tanh"), at) > 1e-2


def test_potential_is_the_law():
    at, x = two_layers(), orthonormal_rows(3, 5)
    weights = randn(4)
    law = NeuronLaw("V", "U", "tanh", x)
    base = {name: torch.zeros_like(value) for name, value in at.items()}
    value = potential(elementwise_field(torch.diag(weights), x, "tanh"), at, nodes=24)
    assert float(value) == pytest.approx(float(weights @ (law.values(at) - law.values(base))), abs=1e-12)
    with pytest.raises(SymmetryError, match="only <d theta/dt, xi> = 0"):
        potential(elementwise_field(randn(4, 4), x, "tanh"), at)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relu", lambda m, h, n: 0.5 * (m - h / 2)),
        ("identity", lambda m, h, n: 0.5 * (m - h)),
        ("tanh", lambda m, h, n: 0.5 * (m - n * h * (math.exp(2 / n) - 1) / 2)),
        ("sigmoid", lambda m, h, n: 0.5 * m - n * h * math.exp(1 / (2 * n))),
    ],
)
def test_values_at_initialisation(name, expected):
    m, h, n = 20, 10, 12
    deviations = {"U": h**-0.5, "V": n**-0.5}
    law = NeuronLaw("V", "U", name, torch.eye(n, dtype=torch.float64))
    draws = [
        law.values({"U": randn(m, h, seed=s) * h**-0.5, "V": randn(h, n, seed=1000 + s) * n**-0.5}).sum()
        for s in range(300)
    ]
    drawn = torch.stack(draws)
    mean, deviation = law.at_start({"U": torch.zeros(m, h), "V": torch.zeros(h, n)}, deviations)
    total, spread = float(mean.sum()), float(deviation.square().sum().sqrt())
    assert total == pytest.approx(expected(m, h, n), rel=1e-10)
    assert abs(float(drawn.mean()) - total) < 3 * spread / 300**0.5
    assert abs(float(drawn.std()) - spread) < 3 * spread / 600**0.5 * (3 if name == "tanh" else 1.5)


def test_flow_wants_ascending_times_and_finite_paths():
    with pytest.raises(DataError, match="ascending times"):
        gradient_flow(lambda p: p["w"].sum(), {"w": torch.ones(2)}, [1.0, 0.0])
    with pytest.raises(FlowError, match="up to time"):
        gradient_flow(lambda p: -(p["w"] ** 4), {"w": torch.tensor(1.0)}, [0.0, 10.0])


def test_shapes_and_names_are_checked():
    law = NeuronLaw("V", "U", "tanh", torch.eye(3, dtype=torch.float64))
    with pytest.raises(DataError, match=r"none named \['U'\]"):
        law.values({"V": torch.zeros(2, 3)})
    with pytest.raises(RepresentationMismatchError, match=r"weights \(h, 3\)"):
        law.values({"V": torch.zeros(2, 4), "U": torch.zeros(1, 2)})
