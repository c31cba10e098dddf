import math
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isotropy.discover.surrogate._contest import _disagreement, fit_surrogates
from isotropy.discover.surrogate._kinds import Monomials, fitters
from isotropy.errors import DataError


def _normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _network(n, m, seed):
    a, b, c = _normal(seed, n, 16), _normal(seed + 1, 16) / 2, _normal(seed + 2, 16, m)
    return lambda x: torch.tanh(x @ a + b) @ c


def _quadratic(x):
    return (x * x @ torch.tensor([[1.0], [2.0], [-1.0]], dtype=x.dtype)) + x[..., :1] * x[..., 1:2]


def _cross(x):
    return torch.linalg.cross(x[..., :3], x[..., 3:])


def _wave(x):
    return torch.sin(2 * x.norm(dim=-1, keepdim=True))


def _bump(x):
    return torch.exp(-x.square().sum(-1, keepdim=True) / 2)


def _attraction(x):
    return -x / (x.norm(dim=-1, keepdim=True) ** 2 + 0.3) ** 1.5


# map, dimension, samples, noise, bound on the true relative gradient error of the winner
PROBLEMS = {
    "quadratic": (_quadratic, 3, 200, 0.0, 1e-6),
    "noisy quadratic": (_quadratic, 3, 200, 0.1, 0.02),
    "cross product": (_cross, 6, 240, 0.05, 0.05),
    "wave": (_wave, 3, 500, 0.05, 0.35),
    "network": (_network(4, 2, 7), 4, 300, 0.05, 0.3),
    "bump": (_bump, 2, 200, 0.05, 0.2),
    "attraction": (_attraction, 3, 200, 0.05, 0.8),
}


def _samples(name, shift=0.0):
    f, n, count, noise, _ = PROBLEMS[name]
    x = _normal(1, count, n) + shift
    clean = f(x)
    return x, clean + noise * _normal(2, *clean.shape)


def _jacobian(f, x):
    return torch.func.vmap(torch.func.jacrev(f))(x)


def _gradient_error(name, models):
    f, n, *_ = PROBLEMS[name]
    x = _normal(3, 200, n)
    true = _jacobian(f, x)
    return math.sqrt(sum(float((_jacobian(g, x) - true).square().sum()) for g in models) / len(models)) / float(
        true.norm()
    )


@cache
def _winner(name):
    return fit_surrogates(*_samples(name))


@cache
def _true_errors(name):
    """True gradient error of every kind, on the folds that the contest used."""
    fit = _winner(name)
    rest = {k: fit_surrogates(*_samples(name), kinds=[k]).models for k in fit.scores if k != fit.kind}
    return {k: _gradient_error(name, models) for k, models in (rest | {fit.kind: fit.models}).items()}


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_winner_has_a_small_true_gradient_error(name):
    assert _gradient_error(name, _winner(name).models) < PROBLEMS[name][-1]


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_claimed_gradient_error_is_close_to_the_true_one(name):
    true, claimed = _gradient_error(name, _winner(name).models), _winner(name).gradient_error
    assert claimed < 1e-10 if true < 1e-10 else true / 2 < claimed < true * 2


@pytest.mark.parametrize("name", ["quadratic", "noisy quadratic", "cross product"])
def test_polynomials_of_degree_two_win_where_they_are_right(name):
    assert _winner(name).kind == "polynomial-2"


def test_networks_win_on_networks_and_kernels_on_waves():
    assert _winner("network").kind == "network-tanh"
    assert _winner("wave").kind.split("-")[0] in ("kernel", "network")


def test_the_choice_is_near_the_best_kind():
    ratios = []
    for name in ("noisy quadratic", "bump", "attraction"):
        errors = _true_errors(name)
        ratios.append(errors[_winner(name).kind] / min(errors.values()))
    assert sum(ratio <= 1.5 for ratio in ratios) >= 2
    assert max(ratios) < 2.5


def test_noise_is_found_and_value_error_agrees_with_it():
    fit = _winner("noisy quadratic")
    _, y = _samples("noisy quadratic")
    spread = float((y - y.mean(0)).square().mean().sqrt())
    assert fit.noise == pytest.approx(0.1, rel=0.25)
    assert fit.value_error * spread == pytest.approx(0.1, rel=0.25)
    assert _winner("quadratic").noise < 1e-10


def test_each_model_is_trained_without_its_fold():
    x, y = _samples("noisy quadratic")
    fit = _winner("noisy quadratic")
    assert torch.equal(torch.bincount(fit.fold), torch.full((4,), 50))
    spoiled = y.clone()
    spoiled[fit.fold == 2] += 0.3 * _normal(5, 50, 1)
    again = fit_surrogates(x, spoiled, kinds=["polynomial-2"])
    same = [torch.allclose(f(x), g(x), rtol=1e-6) for f, g in zip(fit.models, again.models, strict=True)]
    assert same == [False, False, True, False]


@pytest.mark.parametrize("kind", sorted(fitters(200, 3)))
def test_every_kind_is_smooth_under_torch_func(kind):
    x, y = _samples("noisy quadratic")
    f = fit_surrogates(x, torch.cat([y, x + 0.1 * _normal(7, 200, 3)], dim=1), kinds=[kind]).models[0]
    points = x[:6]  # training points, where a kernel could have a kink
    v, h = _normal(8, 6, 3), 1e-4
    value, slope = torch.func.jvp(f, (points,), (v,))
    assert value.shape == (6, 4)
    assert value.dtype == torch.float64
    scale = float(slope.norm())
    assert torch.allclose(slope, (f(points + h * v) - f(points - h * v)) / (2 * h), atol=1e-5 * scale)

    def along(p):
        return torch.func.jvp(f, (p,), (v,))[1]

    _, second = torch.func.jvp(along, (points,), (v,))
    difference = (along(points + h * v) - along(points - h * v)) / (2 * h)
    assert torch.allclose(second, difference, atol=1e-3 * float(second.norm()))
    one = torch.func.vmap(lambda p, q: torch.func.jvp(f, (p,), (q,))[1])(points, v)
    assert torch.allclose(one, slope)
    leaf = points.clone().requires_grad_()
    (first,) = torch.autograd.grad((f(leaf) ** 2).sum(), leaf, create_graph=True)
    (twice,) = torch.autograd.grad(first.sum(), leaf)
    assert bool(torch.isfinite(twice).all())


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 1000))
def test_monomials_span_all_polynomials(n, degree, seed):
    x = _normal(seed, 3 * math.comb(n + degree, degree), n)
    terms = Monomials.up_to(degree, n, x.device)(x)
    power = (x @ _normal(seed + 1, n) + 0.5) ** degree
    assert terms.shape[1] == math.comb(n + degree, degree)
    solution = torch.linalg.lstsq(terms, power[:, None]).solution
    assert torch.allclose(terms @ solution, power[:, None], rtol=1e-6, atol=1e-6)


def test_original_coordinates_are_kept_far_from_the_origin():
    x, y = _samples("noisy quadratic", shift=100.0)
    fit = fit_surrogates(x, 1e4 * y, kinds=["polynomial"])
    assert fit.kind == "polynomial-2"
    assert float((fit.models[0](x) - 1e4 * y).square().mean().sqrt()) < 1.5e3


def test_disagreement_is_the_distance_between_fold_gradients():
    fit = _winner("bump")
    x = _normal(9, 40, 2)
    jacobians = [_jacobian(f, x) @ f.inputs.scale.T for f in fit.models]  # in standard inputs
    pairs = [(jacobians[a] - jacobians[b]).square().sum() for a in range(4) for b in range(a)]
    size = torch.stack([j.square().sum() for j in jacobians]).mean()
    assert _disagreement(fit.models, x) == pytest.approx(float((torch.stack(pairs).mean() / size).sqrt()))
    assert 0 < _disagreement(fit.models, x) < 0.3
    assert _disagreement(_winner("quadratic").models, _normal(9, 40, 3)) < 1e-10


def test_seeds_decide_everything_and_inputs_stay():
    x, y = _samples("bump")
    before = x.clone(), y.clone()
    torch.manual_seed(0)
    first = fit_surrogates(x, y, kinds=["network-tanh"], folds=2, seed=3)
    torch.manual_seed(1)
    second = fit_surrogates(x, y, kinds=["network-tanh"], folds=2, seed=3)
    other = fit_surrogates(x, y, kinds=["network-tanh"], folds=2, seed=4)
    assert torch.equal(first.models[0](x), second.models[0](x))
    assert first.scores == second.scores
    assert not torch.equal(first.fold, other.fold)
    assert torch.equal(x, before[0])
    assert torch.equal(y, before[1])


def test_pure_noise_is_owned_up_to():
    fit = fit_surrogates(_normal(1, 200, 3), _normal(2, 200), kinds=["polynomial", "kernel"])
    assert fit.gradient_error > 0.7


def test_progress_counts_kinds():
    seen = []
    fit_surrogates(*_samples("bump"), kinds=["polynomial", "kernel"], progress=lambda *a: seen.append(a))
    assert [done for done, _, _ in seen] == list(range(1, 8))
    assert {total for _, total, _ in seen} == {7}
    assert seen[-1][2] == "kernel-matern"


def test_terms_stay_below_half_of_the_samples():
    assert "polynomial-4" in fitters(421, 6)
    assert "polynomial-4" not in fitters(420, 6)
    assert "polynomial-5" not in fitters(10**6, 20)


def test_large_samples_stay_cheap():
    x = _normal(1, 20000, 3)
    fit = fit_surrogates(x, _quadratic(x) + 0.1 * _normal(2, 20000, 1), kinds=["polynomial-2", "kernel-gaussian"])
    assert fit.kind == "polynomial-2"
    assert fit.gradient_error < 2e-3


@pytest.mark.parametrize("text", [False, True])
def test_classes_become_smooth_logits(text):
    x = _normal(1, 240, 2)
    label = (x[:, 0] > 0).long() + (x.norm(dim=1) > 1.5).long()
    names = ["in", "mid", "out"]
    fit = fit_surrogates(x, [names[k] for k in label] if text else label)
    assert fit.kind.startswith("classifier")
    assert fit.classes == (("in", "mid", "out") if text else (0, 1, 2))
    assert fit.value_error < 0.15
    assert fit.models[0](x).shape == (240, 3)
    assert 0 < fit.gradient_error < 1
    assert math.isnan(fit.noise)
    largest = torch.softmax(fit.models[0](x), dim=1).max()
    assert float(_jacobian(fit.models[0], x).flatten(1).norm(dim=1).min()) > 1e-2
    assert float(largest) < 0.9995


def test_named_kinds_keep_whole_numbers_numbers():
    x = _normal(1, 100, 2)
    fit = fit_surrogates(x, (x[:, 0] > 0).long(), kinds=["polynomial"])
    assert fit.classes == ()
    assert fit.kind.startswith("polynomial")


X, Y = _normal(1, 40, 2), _normal(2, 40, 1)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((X[:, 0], Y), {}, r"x: expected samples of shape \(S, n\), got \(40,\)"),
        ((X[:8], Y[:8]), {}, "expected at least 2 folds and 12 samples for 4 folds, got 8"),
        ((X, Y), {"folds": 1}, "at least 2 folds"),
        ((X, Y[:30]), {}, r"y: expected targets of shape \(40, m\), got \(30, 1\)"),
        ((X, Y / 0), {}, "y: expected finite numbers, got 40 nan or inf"),
        ((X * torch.nan, Y), {}, "x: expected finite numbers"),
        ((X, 0 * Y + 2.5), {}, "y: expected values that vary"),
        ((0 * X, Y), {}, "x: expected values that vary"),
        ((X, Y), {"kinds": ["spline"]}, "got 'spline'"),
        ((X, Y), {"kinds": ["polynomial-5"]}, "for 30 training samples"),
        ((X, Y), {"kinds": ["classifier"]}, "y: expected 40 labels"),
        ((X, ["a"] * 35 + ["b"] * 5), {}, "got 40 labels of 2 classes"),
        ((X, ["a", "b"] * 15), {}, "got 30 labels of 2 classes"),
    ],
)
def test_bad_input_is_explained(arguments, options, message):
    with pytest.raises(DataError, match=message):
        fit_surrogates(*arguments, **options)
