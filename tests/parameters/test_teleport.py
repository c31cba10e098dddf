"""Teleports: closed forms, caps, refusals, and the state of optimizers."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

import isotropy as iso
from isotropy.parameters import OrbitProfile, Teleport, lie_gradient, orbit_curvature, symmetries, teleport

F64 = torch.float64
FOUND = {}
OBJECTIVES = ["grad_norm", "decrement", "fixed_lr", "balance_grad", "balance_weight", "sharpness", "curvature"]


def problem(*widths, seed=0, activation=nn.LeakyReLU, linear=False):
    torch.manual_seed(seed)
    layers = []
    for k, (a, b) in enumerate(pairwise(widths)):
        layers += [nn.Linear(a, b)] + ([] if k == len(widths) - 2 or (linear and k == 0) else [activation(0.1)])
    model = nn.Sequential(*layers).double()
    x, y = torch.randn(30, widths[0], dtype=F64), torch.randn(30, widths[-1], dtype=F64)
    key = (widths, activation, linear)
    if key not in FOUND:  # the same for all values of the parameters
        FOUND[key] = symmetries(model, x[:2])
    return model, FOUND[key], lambda: (model(x) - y).square().mean()


def gradients(model, loss):
    return dict(zip(dict(model.named_parameters()), torch.autograd.grad(loss(), model.parameters()), strict=True))


def square(values):
    return float(sum(v.square().sum() for v in values.values()))


def named(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def test_orbit_profile_of_a_deep_network():
    model, found, loss = problem(5, 7, 6, 8, 3)
    profile = OrbitProfile(found, gradients(model, loss))
    weights = OrbitProfile(found, named(model), gradients=False)
    for seed in range(3):
        s = 0.7 * torch.randn(found.dim, generator=torch.Generator().manual_seed(seed), dtype=F64)
        moved = {**named(model), **found.move(s, named(model))}
        assert weights.value(s) == pytest.approx(square(moved), rel=1e-12)
        kept = named(model)
        with torch.no_grad():
            for name, p in model.named_parameters():
                p.copy_(moved[name])
        assert profile.value(s) == pytest.approx(square(gradients(model, loss)), rel=1e-10)
        with torch.no_grad():
            for name, p in model.named_parameters():
                p.copy_(kept[name])
    step = torch.zeros(found.dim, dtype=F64)
    step[3] = 1e-5
    numeric = (profile.value(step) - profile.value(-step)) / 2e-5
    assert float(profile.gradient(0 * step)[3]) == pytest.approx(numeric, rel=1e-6)


def test_two_layer_minimum_in_closed_form():
    model, found, loss = problem(4, 9, 3)
    g = gradients(model, loss)
    a = g["2.weight"].square().sum(0)
    b = g["0.weight"].square().sum(1) + g["0.bias"].square()
    wanted = 2 * float((a * b).sqrt().sum()) + float(g["2.bias"].square().sum())
    report = teleport(model, loss, found, "balance_grad")
    assert square(gradients(model, loss)) == pytest.approx(wanted, rel=1e-8)
    assert report.ratio == pytest.approx(wanted / square(g), rel=1e-8)


def test_balanced_weights():
    model, found, loss = problem(4, 9, 7, 3)
    before, start = loss().item(), square(named(model))
    assert teleport(model, loss, found, "balance_weight").accepted
    weights = named(model)
    for first, second in (("0", "2"), ("2", "4")):
        into = weights[f"{first}.weight"].square().sum(1) + weights[f"{first}.bias"].square()
        assert torch.allclose(into, weights[f"{second}.weight"].square().sum(0), rtol=0, atol=1e-8)
    assert square(weights) < start
    assert loss().item() == pytest.approx(before, rel=1e-12)
    for seed in range(5):  # no point of the orbit is smaller
        s = 0.1 * torch.randn(found.dim, generator=torch.Generator().manual_seed(seed), dtype=F64)
        assert square({**weights, **found.move(s, weights)}) > square(weights)


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_gains_and_keeps_the_loss(objective, linear):
    model, found, loss = problem(4, 6, 5, 3, linear=linear)
    owners = list(model.parameters())
    before = square(gradients(model, loss))
    report = teleport(model, loss, found, objective, learning_rate=0.05, steps=3, directions=2)
    assert report.accepted
    assert report.loss_change < 1e-12
    assert next(model.parameters()) is owners[0]
    after = square(gradients(model, loss))
    if objective == "grad_norm":
        assert 1.2 < after / before <= 2.0 * (1 + 1e-9)
    if objective == "balance_grad":
        assert after < before
    if not math.isnan(report.ratio):
        assert after / before == pytest.approx(report.ratio, rel=1e-6)


def test_a_hundred_teleports_never_break():
    worst = 0.0
    for seed in range(100):
        model, found, loss = problem(4, 8, 6, 3, seed=seed)
        before = square(gradients(model, loss))
        report = teleport(model, loss, found, ["grad_norm", "balance_grad", "balance_weight"][seed % 3])
        assert report.accepted
        worst = max(worst, report.loss_change)
        assert all(bool(torch.isfinite(p).all()) for p in model.parameters())
        assert square(gradients(model, loss)) / before <= 2.0 * (1 + 1e-10) or seed % 3 == 2
    assert worst <= 1e-12


def test_lie_gradient_by_one_product_with_the_hessian():
    model, found, loss = problem(4, 6, 5, 3, linear=True)
    lie = lie_gradient(model, loss, found)
    kept, step = named(model), 1e-5
    for k in (0, 7, 35, 38):
        values = []
        for sign in (1, -1):
            unit = torch.zeros(found.dim, dtype=F64)
            unit[k] = sign * step
            with torch.no_grad():
                for name, value in found.move(unit, kept).items():
                    dict(model.named_parameters())[name].copy_(value)
            values.append(0.5 * square(gradients(model, loss)))
            with torch.no_grad():
                for name, p in model.named_parameters():
                    p.copy_(kept[name])
        assert float(lie[k]) == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-5, abs=1e-8)


def test_orthogonal_groups_keep_the_gradient_norm():
    class Radial(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 6), nn.Linear(6, 2)

        def forward(self, x):
            return self.b(nn.functional.rms_norm(self.a(x), (6,)))

    torch.manual_seed(0)
    model, x = Radial().double(), torch.randn(9, 4, dtype=F64)
    found = symmetries(model, x)
    assert [(b.kind, b.dim) for b in found.blocks] == [("orthogonal", 15)]
    loss = lambda: model(x).square().mean()  # noqa: E731
    before = square(gradients(model, loss))
    xi = torch.randn(15, dtype=F64)
    with torch.no_grad():
        for name, value in found.move(xi, named(model)).items():
            dict(model.named_parameters())[name].copy_(value)
    assert square(gradients(model, loss)) == pytest.approx(before, rel=1e-10)
    report = teleport(model, loss, found, "grad_norm")
    assert not report.accepted
    assert report.why == "nothing to move"


def test_reordering_keeps_the_gradient_norm():
    model, found, loss = problem(4, 6, 5, 3, activation=nn.LeakyReLU)
    before = square(gradients(model, loss))
    for permutation in found.permutations:
        moved = permutation.act(torch.randperm(permutation.size), named(model))
        with torch.no_grad():
            for name, value in moved.items():
                model.get_parameter(name).copy_(value)
    assert [one.size for one in found.permutations] == [6, 5]
    assert square(gradients(model, loss)) == pytest.approx(before, rel=1e-10)


def test_curvature_of_a_circle():
    weight = {"w": torch.tensor([[3.0], [4.0]], dtype=F64)}
    block = iso.parameters.Block(
        "orthogonal", "w", iso.parameters.Orthogonal(2), 1, (iso.parameters.Place("w", None, (2, 1), (), (0,), 1.0),)
    )
    circle = iso.parameters.ParameterSymmetry([block], {"w": (2, 1)})
    assert float(orbit_curvature(circle, weight)) == pytest.approx(1 / 5, rel=1e-8)


def test_momentum_is_that_of_a_history_at_the_teleported_points():
    model, found, loss = problem(4, 6, 5, 3, linear=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    history = [named(model)]
    for _ in range(4):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        history.append(named(model))
    report = teleport(model, loss, found, "grad_norm", optimizer=optimizer, steps=3)
    assert report.accepted
    end = named(model)
    wanted = {name: torch.zeros_like(p) for name, p in end.items()}
    for past in history[:-1]:
        for block, g in report.moves:
            past = {**past, **block.act(g, past)}
        with torch.no_grad():
            for name, p in model.named_parameters():
                p.copy_(past[name])
        slopes = gradients(model, loss)
        wanted = {name: 0.9 * wanted[name] + slopes[name] for name in wanted}
    for name, p in model.named_parameters():
        error = (optimizer.state[p]["momentum_buffer"] - wanted[name]).norm() / wanted[name].norm()
        assert float(error) <= 1e-12


@pytest.mark.parametrize("state", ["transport", "reset", "keep"])
def test_adam_through_a_rescaling(state):
    model, found, loss = problem(4, 6, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(3):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    weight = model[0].weight
    before, old = named(model)["0.weight"], {k: v.clone() for k, v in optimizer.state[weight].items()}
    assert teleport(model, loss, found, "balance_weight", optimizer=optimizer, state=state).accepted
    c = (weight.detach() / before)[:, :1]
    if state == "reset":
        assert weight not in optimizer.state
        return
    power = 1 if state == "transport" else 0
    assert torch.allclose(optimizer.state[weight]["exp_avg"], old["exp_avg"] / c**power, rtol=1e-10)
    assert torch.allclose(optimizer.state[weight]["exp_avg_sq"], old["exp_avg_sq"] / c ** (2 * power), rtol=1e-10)
    assert int(optimizer.state[weight]["step"]) == 3


def test_what_is_refused_leaves_everything_as_it_was():
    model, found, loss = problem(4, 6, 3)
    kept = named(model)
    report = teleport(model, lambda: loss() * (1 + 0.1 * torch.rand(())), found, "balance_grad")
    assert not report.accepted
    assert "fixed batch" in report.why
    with pytest.raises(iso.errors.DataError, match="finite"):
        teleport(model, lambda: loss() * math.nan, found)
    with pytest.raises(iso.errors.DataError, match="one number"):
        teleport(model, lambda: loss() * torch.ones(2), found)
    with pytest.raises(iso.errors.SymmetryError, match="objective: expected one of"):
        teleport(model, loss, found, "speed")
    with pytest.raises(iso.errors.SymmetryError, match="unbounded"):
        teleport(model, loss, found, cap=1.0)
    with pytest.raises(iso.errors.SymmetryError, match="learning_rate"):
        teleport(model, loss, found, "fixed_lr")
    with pytest.raises(iso.errors.SymmetryError, match="without calling backward"):
        teleport(model, lambda: loss().detach(), found)
    with pytest.raises(iso.errors.SymmetryError, match="other names or shapes"):
        teleport(nn.Linear(2, 2), loss, found)
    assert all(torch.equal(p, kept[name]) for name, p in model.named_parameters())
    model[0].weight.requires_grad_(False)
    with pytest.raises(iso.errors.SymmetryError, match=r"frozen '0.weight'"):
        teleport(model, loss, found)


def test_a_loss_that_becomes_nan_on_the_way_is_undone():
    model, found, loss = problem(4, 6, 3)
    kept, calls = named(model), []

    def fragile():
        calls.append(1)
        return loss() if len(calls) < 2 else loss() * math.nan

    report = teleport(model, fragile, found, "balance_grad")
    assert not report.accepted
    assert all(torch.equal(p, kept[name]) for name, p in model.named_parameters())


def test_wrapper_teleports_on_schedule():
    for schedule, wanted in ((3, [0, 3, 6]), ([1, 4], [1, 4])):
        model, found, loss = problem(4, 6, 3)
        training = Teleport(torch.optim.Adam(model.parameters(), lr=1e-2), found, model, schedule=schedule)
        losses = [training.step(loss) for _ in range(8)]
        assert [step for step, _ in training.reports] == wanted
        assert losses[-1] < losses[0]
        assert training.cost == pytest.approx(4 / 3 * len(wanted))
    with pytest.raises(iso.errors.SymmetryError, match="schedule"):
        Teleport(torch.optim.SGD(model.parameters()), found, model, schedule="often")
    for objective in ("balance_grad", "balance_weight", "sharpness", "curvature"):
        with pytest.raises(iso.errors.SymmetryError, match=f"'auto', received '{objective}'"):
            Teleport(torch.optim.SGD(model.parameters()), found, model, objective, schedule="auto")


def test_auto_waits_where_the_best_step_has_no_length():
    model, found, loss = problem(4, 6, 3)
    training = Teleport(torch.optim.SGD(model.parameters(), lr=1e-6), found, model, "decrement", schedule="auto")
    training.step(lambda: -loss())  # a loss of negative curvature along its gradient
    assert training.cost == 3.0
    assert not training.reports
    with pytest.raises(iso.errors.DataError, match="finite"):
        training.every = 1
        training.step(lambda: loss() * math.nan)


@pytest.mark.parametrize("objective", ["decrement", "fixed_lr"])
def test_auto_serves_the_objectives_of_a_faster_decrease(objective):
    model, found, loss = problem(4, 6, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    options = {"horizon": 1000, "learning_rate": 1e-2, "steps": 2}
    training = Teleport(optimizer, found, model, objective, schedule="auto", **options)
    training.step(loss)
    assert [report.accepted for _, report in training.reports] == [True]


def test_auto_weighs_gain_against_cost():
    for horizon, some in ((50, True), (1, False)):
        model, found, loss = problem(4, 6, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
        training = Teleport(optimizer, found, model, "grad_norm", schedule="auto", horizon=horizon, every=5)
        for _ in range(10):
            training.step(loss)
        assert bool(training.reports) is some
        assert training.cost == 2 * 3.0 + sum(report.cost for _, report in training.reports)


def test_lbfgs_inside_the_wrapper():
    model, found, loss = problem(4, 6, 3)
    training = Teleport(torch.optim.LBFGS(model.parameters(), max_iter=5), found, model)
    first = training.step(loss)
    assert training.step(loss) < first
