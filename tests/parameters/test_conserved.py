"""Conserved quantities of networks: along flows, in exact discrete steps, and as an alarm."""

import pytest
import torch
from torch import nn

from isotropy.errors import DataError, SymmetryError, SymmetryWarning
from isotropy.parameters import NeuronLaw, ShiftLaw, conserved_quantities, gradient_flow, learning_rates, symmetries

X = torch.randn(9, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
Y = torch.randn(9, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def chain(*layers, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(*layers).double()


def linear_net(seed=0):
    return chain(nn.Linear(4, 5, bias=False), nn.Linear(5, 3, bias=False), seed=seed)


def mixed_net():
    return chain(nn.Linear(4, 6), nn.LeakyReLU(0.1), nn.Linear(6, 5), nn.Linear(5, 3))


def laws_of(net, **options):
    return conserved_quantities(net, symmetries(net, X), **options)


def loss_of(net):
    return lambda p: (torch.func.functional_call(net, p, (X,)) - Y).square().mean()


def start_of(net):
    return {name: value.detach() for name, value in net.named_parameters()}


def train(net, optimizer, steps, loss=None):
    for _ in range(steps):
        optimizer.zero_grad()
        (loss or (lambda: (net(X) - Y).square().mean()))().backward()
        optimizer.step()


# -- flows -----------------------------------------------------------------------------------------------------------


def test_values_are_the_matrices_of_the_textbook():
    net = linear_net()
    (value,) = laws_of(net).values().values()
    v, u = net[0].weight.detach(), net[1].weight.detach()
    assert torch.allclose(value[0], 0.5 * (v @ v.T - u.T @ u), atol=1e-14)
    assert laws_of(net).dim == 15


@pytest.mark.parametrize(
    ("m", "h", "n", "independent"), [(3, 2, 4, 3), (4, 3, 3, 6), (3, 5, 4, 15), (3, 8, 4, 35), (2, 6, 3, 20)]
)
def test_independent_values_of_the_textbook(m, h, n, independent):
    net = chain(nn.Linear(n, h, bias=False), nn.Linear(h, m, bias=False))
    symmetry = symmetries(net, torch.randn(2, n, dtype=torch.float64))
    laws, point = conserved_quantities(net, symmetry), symmetry.flatten(start_of(net))

    def value(place):
        return torch.cat([one.flatten() for one in laws.values(symmetry.unflatten(place)).values()])

    units = torch.eye(len(point), dtype=torch.float64)
    slopes = torch.stack([(value(point + unit) - value(point - unit)) / 2 for unit in units])  # exact: they are squares
    assert int(torch.linalg.matrix_rank(slopes)) == independent
    assert laws.dim == h * (h + 1) // 2  # each counted once, whether or not they depend on one another


def test_scalings_count_the_bias():
    net = chain(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    (value,) = laws_of(net).values().values()
    inward = net[0].weight.square().sum(1) + net[0].bias.square()
    assert torch.allclose(value, 0.5 * (inward - net[2].weight.square().sum(0)).detach(), atol=1e-14)


def test_gradient_flow_keeps_all_values():
    net = linear_net()
    laws = laws_of(net)
    end = gradient_flow(loss_of(net), start_of(net), [0.0, 2.0], tolerance=1e-9)[-1]
    assert max(laws.drift(start_of(net), end).values()) < 1e-8
    assert float((end["0.weight"] - start_of(net)["0.weight"]).norm()) > 0.1


def test_weight_decay_shrinks_values_exponentially():
    net, decay, time = linear_net(), 0.3, 2.0
    laws = laws_of(net)
    end = gradient_flow(loss_of(net), start_of(net), [0.0, time], weight_decay=decay)[-1]
    shrunk = torch.exp(torch.tensor(-2 * decay * time))
    for name, value in laws.values().items():
        assert torch.allclose(laws.values(end)[name], value * shrunk, rtol=0, atol=1e-6)


def test_learning_rates_enter_the_law():
    net, rates = linear_net(), {"0.weight": 1.0, "1.weight": 0.3}
    end = gradient_flow(loss_of(net), start_of(net), [0.0, 2.0], rates=rates, tolerance=1e-9)[-1]
    assert max(laws_of(net, rates=rates).drift(start_of(net), end).values()) < 1e-8
    assert max(laws_of(net).drift(start_of(net), end).values()) > 1e-3


def test_momentum_keeps_the_decaying_angular_momentum_instead():
    net, friction, times = linear_net(), 0.5, [0.0, 1.0, 4.0]
    law = laws_of(net).laws[0]
    states = gradient_flow(loss_of(net), start_of(net), times, friction=friction)[1:]
    assert float((law.values(states[1]) - law.values(start_of(net))).abs().max()) > 1e-3

    def spin(state):
        return law.angular_momentum(state, {name: state[f"velocity:{name}"] for name in law.names})

    assert max(float(spin(state).abs().max()) for state in states) < 1e-6  # from rest it is zero and stays so

    def pushed(p):  # a push that breaks the symmetry first, so that there is something to decay
        return loss_of(net)(p) + (p["0.weight"] * torch.arange(20.0).reshape(5, 4)).sum()

    moving = gradient_flow(pushed, start_of(net), [0.0, 0.5], friction=friction)[-1]
    velocity = {name: moving[f"velocity:{name}"] for name in law.names}
    place = {name: moving[name] for name in law.names}
    first = law.angular_momentum(place, velocity)
    assert float(first.abs().max()) > 0.1
    later = gradient_flow(loss_of(net), place, [0.0, 2.0], friction=friction, velocity=velocity)[-1]
    decayed = first * torch.exp(torch.tensor(-friction * 2.0, dtype=torch.float64))
    assert torch.allclose(spin(later), decayed, rtol=0, atol=1e-6)


# -- discrete steps --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"lr": 0.1},
        {"lr": 0.1, "weight_decay": 0.01},
        {"lr": 0.05, "momentum": 0.9},
        {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.02},
        {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.02},
        {"lr": 0.01, "maximize": True, "weight_decay": 0.02},
    ],
)
def test_the_law_of_a_step_is_exact(settings):
    net = mixed_net()
    laws = laws_of(net)
    before = laws.values()
    with laws.track(torch.optim.SGD(net.parameters(), **settings)) as tracker:
        train(net, torch.optim.SGD(net.parameters(), lr=0.0), 1)
        train(net, tracker.optimizer, 50)
    assert tracker.worst.violation <= 1e-14
    assert max(float((laws.values()[name] - value).abs().max()) for name, value in before.items()) > 1e-6


def test_groups_of_learning_rates_have_their_law():
    net = mixed_net()
    groups = [{"params": net[0].parameters(), "lr": 0.1}, {"params": net[2:].parameters(), "lr": 0.02}]
    optimizer = torch.optim.SGD(groups, momentum=0.9, weight_decay=0.01)
    assert learning_rates(net, optimizer)["3.bias"] == pytest.approx(0.2)
    with laws_of(net).track(optimizer) as tracker:
        train(net, optimizer, 30)
        assert tracker.worst.violation <= 1e-13
        groups = optimizer.param_groups
        groups[0]["lr"], groups[1]["lr"] = 0.05, 0.01  # a common schedule keeps the law
        train(net, optimizer, 2)
        groups[1]["lr"] = 0.04
        with pytest.raises(SymmetryError, match="up to one factor"):
            train(net, optimizer, 1)


def test_total_drift_is_linear_in_the_learning_rate():
    drifts = []
    for lr, steps in [(0.008, 100), (0.004, 200), (0.002, 400)]:
        net = linear_net()
        laws, start = laws_of(net), start_of(net)
        start = {name: value.clone() for name, value in start.items()}
        train(net, torch.optim.SGD(net.parameters(), lr=lr), steps)
        drifts.append(max(laws.drift(start, start_of(net)).values()))
    slopes = torch.log2(torch.tensor(drifts[:-1]) / torch.tensor(drifts[1:]))
    assert bool(((slopes - 1).abs() < 0.05).all())


def test_softmax_keeps_the_sums_over_classes():
    net, labels = mixed_net(), torch.arange(9) % 3
    laws = laws_of(net, others=[ShiftLaw("3.weight"), ShiftLaw("3.bias")])
    optimizer = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.9, weight_decay=0.01)
    with laws.track(optimizer) as tracker:
        train(net, optimizer, 20, lambda: nn.functional.cross_entropy(net(X), labels))
    assert tracker.worst.violation < 1e-14
    with laws.track(optimizer), pytest.raises(SymmetryError, match="softmax shift"):
        train(net, optimizer, 1)


def test_float32_rounding_does_not_ring():
    net = mixed_net().float()
    laws = conserved_quantities(net, symmetries(net, X.float()))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    with laws.track(optimizer) as tracker:
        train(net, optimizer, 50, lambda: (net(X.float()) - Y.float()).square().mean())
    assert tracker.worst.violation < tracker.worst.allowed < 1e-3


# -- alarms ----------------------------------------------------------------------------------------------------------


class Autoencoder(nn.Module):
    """With a decoder that is meant to be free, or tied to the encoder by hand, once and for all steps."""

    def __init__(self, tied):
        super().__init__()
        self.encoder, self.decoder, self.tied = nn.Linear(4, 3, bias=False), nn.Linear(3, 4, bias=False), tied

    def forward(self, x):
        weight = self.encoder.weight.T.detach() if self.tied else self.decoder.weight
        return self.encoder(x) @ weight.T


def test_a_wrong_weight_tying_rings():
    torch.manual_seed(0)
    net = Autoencoder(tied=False).double()
    laws = laws_of(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)

    def loss():
        return (net(X) - X).square().mean()

    with laws.track(optimizer) as tracker:
        train(net, optimizer, 20, loss)
        net.tied = True  # the decoder is now a detached copy of the encoder: half of the gradient is lost
        with pytest.raises(SymmetryError, match="tied or overwritten weights"):
            train(net, optimizer, 1, loss)
    assert tracker.worst.rings


def test_weights_overwritten_by_a_hook_ring():
    net = mixed_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    optimizer.register_step_post_hook(lambda *_: net[2].weight.data.clamp_(-0.2, 0.2))
    with laws_of(net).track(optimizer, alarm="warn"), pytest.warns(SymmetryWarning, match="exact law of SGD"):
        train(net, optimizer, 1)


def test_a_wrong_gradient_rings_and_is_recorded():
    net = mixed_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    net[0].weight.register_hook(lambda g: 1.01 * g)
    with laws_of(net).track(optimizer, alarm="record") as tracker:
        train(net, optimizer, 3)
    assert [departure.rings for departure in tracker.last] == [True, False]


def test_a_closed_tracker_is_silent():
    net = mixed_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    with laws_of(net).track(optimizer):
        pass
    net[0].weight.register_hook(lambda g: 2 * g)
    train(net, optimizer, 1)


# -- refusals --------------------------------------------------------------------------------------------------------


def test_optimizers_without_a_law_are_refused():
    net = mixed_net()
    with pytest.raises(SymmetryError, match="received Adam"):
        laws_of(net).track(torch.optim.Adam(net.parameters()))


def test_a_gradient_that_is_not_finite_is_named():
    net = mixed_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    with laws_of(net).track(optimizer), pytest.raises(DataError, match=r"0\.weight: expected a finite gradient"):
        train(net, optimizer, 1, lambda: net(X).sum() * float("nan"))


def test_closures_and_unknown_alarms_are_refused():
    net = mixed_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    with laws_of(net).track(optimizer), pytest.raises(DataError, match="received a closure"):
        optimizer.step(lambda: torch.zeros(()))
    with pytest.raises(DataError, match="alarm: expected one of"):
        laws_of(net).track(optimizer, alarm="siren")


def test_another_network_is_refused():
    with pytest.raises(DataError, match="a block on"):
        conserved_quantities(nn.Linear(2, 2), symmetries(mixed_net(), X))


def test_a_parameter_frozen_afterwards_has_no_law():
    net = mixed_net()
    symmetry = symmetries(net, X)
    net[3].weight.requires_grad_(False)
    laws = conserved_quantities(net, symmetry)
    assert [none.why.split(",")[0] for none in laws.lawless] == ["3.weight is frozen"]
    assert len(laws.laws) == 1


def test_laws_of_the_data_stand_beside_the_others():
    net = chain(nn.Linear(4, 5, bias=False), nn.Tanh(), nn.Linear(5, 3))
    law = NeuronLaw("0.weight", "2.weight", "tanh", torch.linalg.qr(X.T[:, :3]).Q.T)
    laws = laws_of(net, others=[law])
    assert laws.dim == 5
    assert "0.weight -> tanh -> 2.weight: 5 values" in str(laws)
