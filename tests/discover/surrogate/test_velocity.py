import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isotropy.discover.surrogate._velocity import velocities
from isotropy.errors import DataError


def _circle(count, *, noise=0.0, jitter=0.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    t = torch.linspace(0, 2 * math.pi, count, dtype=torch.float64)
    t = t + jitter * (t[1] - t[0]) * (2 * torch.rand(count, generator=generator, dtype=torch.float64) - 1)
    clean = torch.stack([t.sin(), (2 * t).cos()], dim=1)
    return clean + noise * torch.randn(count, 2, generator=generator, dtype=torch.float64), t


def _error(truth, v):
    return float((v - truth).norm() / truth.norm())


def _truth(t):
    edge = min(max(2, len(t) // 20), (len(t) - 1) // 2)
    t = t[edge : len(t) - edge]
    return torch.stack([t.cos(), -2 * (2 * t).sin()], dim=1)


@pytest.mark.parametrize(("method", "jitter"), [("spline", 0.0), ("spline", 0.4), ("local", 0.0)])
def test_clean_waves_are_differentiated_to_four_digits(method, jitter):
    x, t = _circle(200, jitter=jitter)
    states, v, noise = velocities([x], [t], method=method)
    assert states.shape == v.shape == (180, 2)
    assert noise.shape == (2,)
    assert _error(_truth(t), v) < 1e-4
    assert torch.allclose(states, x[10:-10], atol=1e-5)


@pytest.mark.parametrize("method", ["spline", "local"])
@pytest.mark.parametrize("seed", range(4))
def test_noisy_waves_stay_sensible_and_the_error_is_known(method, seed):
    x, t = _circle(300, noise=0.05, seed=seed)
    _, v, noise = velocities([x], [t], method=method)
    true = (v - _truth(t)).square().mean(0).sqrt()
    assert _error(_truth(t), v) < 0.1
    assert bool((noise > true / 4).all())
    assert bool((noise < true * 8).all())


def test_smoothing_beats_differences():
    x, t = _circle(300, noise=0.05)
    _, v, _ = velocities([x], [t])
    rough = torch.gradient(x, spacing=(t,), dim=0)[0][15:-15]
    assert _error(_truth(t), v) < _error(_truth(t), rough) / 5


def test_more_samples_help_on_long_trajectories():
    errors = []
    for count in (300, 6000):
        x, t = _circle(count, noise=0.05, jitter=0.3)
        errors.append(_error(_truth(t), velocities([x], [t])[1]))
    assert errors[1] < errors[0] / 2


@settings(max_examples=12, deadline=None)
@given(st.floats(-6, 6), st.floats(-6, 6))
def test_units_of_time_and_state_do_not_matter(time_exponent, state_exponent):
    x, t = _circle(60, noise=0.02, jitter=0.3)
    a, b = 10.0**time_exponent, 10.0**state_exponent
    plain, scaled = velocities([x], [t]), velocities([b * x], [a * t])
    assert torch.allclose(scaled[1] * a / b, plain[1], rtol=1e-5, atol=1e-6)
    assert torch.allclose(scaled[2] * a / b, plain[2], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", ["spline", "local"])
@pytest.mark.parametrize("count", [5, 6, 9, 10, 401])
def test_straight_lines_are_exact(method, count):
    t = torch.linspace(0, 3, count, dtype=torch.float64)
    _, v, noise = velocities([torch.stack([2 * t - 1, 0 * t + 4], dim=1)], [t], method=method)
    assert torch.allclose(v, v.new_tensor([2.0, 0.0]).expand_as(v), atol=1e-9)
    assert float(noise.max()) < 1e-9


def test_trajectories_are_joined_in_order():
    (x1, t1), (x2, t2) = _circle(100), _circle(60, jitter=0.2)
    _, v, _ = velocities([x1, x2], [t1, t2])
    assert len(v) == 90 + 54
    assert torch.equal(v[:90], velocities([x1], [t1])[1])
    assert torch.equal(v[90:], velocities([x2], [t2])[1])


def test_inputs_are_left_alone_and_float32_is_welcome():
    x, t = _circle(50)
    before = x.clone(), t.clone()
    velocities([x], [t])
    assert torch.equal(x, before[0])
    assert torch.equal(t, before[1])
    assert velocities([x.float()], [t.float()])[1].dtype == torch.float64


def _swap(t):
    t = t.clone()
    t[4] = t[3]
    return t


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, t: ([x], []), "1 trajectories and 0 times"),
        (lambda x, t: ([], []), "0 trajectories and 0 times"),
        (lambda x, t: ([x, x], [t, _swap(t)]), r"trajectory 1: expected strictly increasing times.*sample 4"),
        (lambda x, t: ([x, x[:4]], [t, t[:4]]), r"trajectory 1: expected at least 5 samples, got 4"),
        (lambda x, t: ([x], [t[:-1]]), r"trajectory 0: expected times of shape \(20,\), got \(19,\)"),
        (lambda x, t: ([x * torch.nan], [t]), "trajectory 0: expected finite numbers"),
        (lambda x, t: ([x, x[:, :1]], [t, t]), r"one n, got \[\(1,\), \(2,\)\]"),
        (lambda x, t: ([x[:, 0]], [t]), r"shape \(T, n\)"),
    ],
)
def test_bad_input_names_the_trajectory(change, message):
    with pytest.raises(DataError, match=message):
        velocities(*change(*_circle(20)))


def test_methods_are_checked():
    x, t = _circle(20, jitter=0.3)
    with pytest.raises(DataError, match="method must be one of"):
        velocities([x], [t], method="finite")
    with pytest.raises(DataError, match="trajectory 0: expected even spacing for method 'local'"):
        velocities([x], [t], method="local")
