"""Sparse regression inside the space that a symmetry allows."""

import numpy as np
import pytest
import torch

import isotropy as iso
from dynamics.systems import growth, oscillator, selkov
from isotropy.dictionary import polynomials
from isotropy.dynamics import SINDy, WeakSINDy, equivariant_fields
from isotropy.errors import DataError, FlowError, NotFittedError

SPIRAL = torch.tensor([[-0.1, -1.0], [1.0, -0.1]], dtype=torch.float64)
SCALES = iso.LieAlgebra(torch.diag(torch.tensor([2.0, 1.0]))[None])


def clean(count=200):
    t = np.linspace(0, 10, count)
    return np.exp(-t / 10)[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1), t


def states(count=100, seed=0):
    return torch.randn(count, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def warped_turn(x):
    p, q = x[:, 0], x[:, 1] - x[:, 0] ** 2 / 2
    return torch.stack([-q, p - p * q], dim=1)


def support(model, rows):
    """Whether each equation has exactly these terms."""
    names = model.dictionary.names()
    return [{names[p] for p in row.nonzero().flatten().tolist()} for row in model.coef_] == rows


def defect(model, algebra):
    """Largest entry of the bracket with linear fields, at random points."""
    x = states(50, 7)
    phi, slopes = model.dictionary.evaluate(x), model.dictionary.jacobian(x)
    h, matrix = phi @ model.coef_.T, algebra.basis[0]
    moved = torch.einsum("ip,bpn,bn->bi", model.coef_, slopes, x @ matrix.T)
    return float((moved - h @ matrix.T).abs().max())


@pytest.mark.parametrize("kind", [SINDy, WeakSINDy])
def test_contract(kind):
    x, t = clean()
    iso.testing.assert_estimator(lambda: kind(polynomials(2, 2), iso.so(2), threshold=0.05), [[x], [t]])


@pytest.mark.parametrize("select", ["threshold", "evidence"])
@pytest.mark.parametrize("threshold", [0.01, 0.3, 0.8])
def test_symmetry_survives_selection(select, threshold):
    x = states()
    v = x @ SPIRAL.T + 0.5 * x * x.square().sum(1, keepdim=True) + 0.1 * states(100, 1)
    model = SINDy(polynomials(2, 3), iso.so(2), threshold=threshold, select=select).fit_velocities(x, v)
    assert defect(model, iso.so(2)) < 1e-10
    alive = model.coef_[model.coef_ != 0].abs()
    assert model.free_parameters_ > 0
    assert float(alive.min()) >= threshold or select == "evidence"


def test_exact_data_give_exact_equations():
    x = states()
    for symmetry in (None, iso.so(2)):
        model = SINDy(polynomials(2, 3), symmetry, threshold=0.05).fit_velocities(x, x @ SPIRAL.T)
        torch.testing.assert_close(model.predict(x), x @ SPIRAL.T)
        assert model.equations() == ["x' = -0.1 x - y", "y' = x - 0.1 y"]
    assert model.score([clean()[0]], [clean()[1]]) > 0.999


def test_one_noisy_trajectory_of_the_oscillator():
    """Twenty draws at 20 % noise: the symmetry gives all of them."""
    rows = [{"x", "y"}, {"x", "y"}]
    free = [WeakSINDy(polynomials(2, 2)).fit(*oscillator(seed)) for seed in range(20)]
    held = [WeakSINDy(polynomials(2, 2), iso.so(2)).fit(*oscillator(seed)) for seed in range(20)]
    assert sum(support(model, rows) for model in held) == 20
    assert sum(support(model, rows) for model in free) <= 15


def test_three_noisy_trajectories_of_growth():
    rows = [{"x", "y^2"}, {"y"}]
    held = [WeakSINDy(polynomials(2, 2), SCALES).fit(*growth(seed)) for seed in range(20)]
    assert sum(support(model, rows) for model in held) == 20
    assert all(defect(model, SCALES) < 1e-10 for model in held)


def test_selkov_from_raw_states():
    rows = [{"1", "x", "x y^2"}, {"x", "y", "x y^2"}]
    models = [WeakSINDy(polynomials(2, 3)).fit(*selkov(seed)) for seed in range(4)]
    assert sum(support(model, rows) for model in models) >= 3


def test_oscillator_in_other_coordinates_from_one_trajectory():
    hits = 0
    for seed in range(10):
        (u,), times = oscillator(seed, noise=0.05)
        x = np.stack([u[:, 0], u[:, 1] + u[:, 0] ** 2 / 2], axis=1)
        model = WeakSINDy(polynomials(2, 3), warped_turn).fit([x], times)
        hits += support(model, [{"x", "y", "x^2"}, {"x", "y", "x^2", "x y", "x^3"}])
    assert hits >= 9


def test_noise_is_estimated():
    trajectories, times = oscillator(0, trajectories=5)
    model = WeakSINDy(polynomials(2, 2), iso.so(2)).fit(trajectories, times)
    spread = np.std(np.concatenate(list(oscillator(0, 5, noise=0.0)[0])), axis=0)
    np.testing.assert_allclose(model.noise_.numpy(), 0.2 * spread, rtol=0.1)
    assert bool(((model.errors_ > 0) == (model.coef_ != 0)).all())


def test_terms_lose_the_bias_of_noise():
    """The mean of unbiased terms over much noise is the term at the clean state."""
    from isotropy.dynamics.fit._noise import unbiased_terms

    library = polynomials(2, 3)
    point, noise = torch.tensor([[0.7, -0.4]], dtype=torch.float64), 0.3 * states(200000)
    variance = torch.full_like(noise, 0.09)
    exact = library.evaluate(point)[0]
    torch.testing.assert_close(unbiased_terms(library, point + noise, variance).mean(0), exact, atol=4e-3, rtol=0)
    waves = iso.dictionary.fourier(2, 1)
    found = unbiased_terms(waves, point + noise, variance).mean(0)
    torch.testing.assert_close(found, waves.evaluate(point)[0], atol=4e-3, rtol=0)


def test_uneven_times_are_welcome():
    draw = np.random.default_rng(0)
    t = np.sort(draw.uniform(0, 20, 300))
    x = np.exp(-t / 10)[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1) + 0.02 * draw.normal(size=(300, 2))
    for model in (SINDy(polynomials(2, 2), iso.so(2), threshold=0.05), WeakSINDy(polynomials(2, 2), iso.so(2))):
        assert support(model.fit([x], [t]), [{"x", "y"}, {"x", "y"}])


def test_a_derivative_of_the_users_choice():
    x, t = clean()
    model = SINDy(polynomials(2, 2), iso.so(2), threshold=0.05, derivative=lambda x, t: np.gradient(x, t, axis=0))
    assert model.fit([x], [t]).equations()[0] == "x' = -0.1 x - y"
    with pytest.raises(DataError, match="derivative: expected finite velocities"):
        SINDy(polynomials(2, 2), derivative=lambda x, t: x[1:]).fit([x], [t])


def test_soft_constraint_lies_between_free_and_hard():
    x = states()
    v = x @ SPIRAL.T + 0.2 * states(100, 1)

    def fitted(**options):
        return SINDy(polynomials(2, 2), iso.so(2), threshold=0.0, **options).fit_velocities(x, v).coef_

    free = SINDy(polynomials(2, 2), threshold=0.0).fit_velocities(x, v).coef_
    hard = fitted()
    weak, strong = fitted(constraint="soft", weight=1e-9), fitted(constraint="soft", weight=1e6)
    torch.testing.assert_close(weak, free, atol=1e-6, rtol=0)
    torch.testing.assert_close(strong, hard, atol=1e-5, rtol=0)
    certain, vague = (fitted(constraint="soft", uncertainty=u) for u in (1e-4, 0.1))
    assert float((certain - hard).norm()) < 0.1 * float((vague - hard).norm())


def test_a_learned_generator_keeps_the_true_terms():
    x = states(200)
    truth = x @ SPIRAL.T - 0.5 * x * x.square().sum(1, keepdim=True)
    rows = [{"x", "y", "x^3", "x y^2"}, {"x", "y", "x^2 y", "y^3"}]
    for seed in range(20):
        error = torch.randn(2, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        basis = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64) + 0.01 * error
        v = truth + 0.02 * states(200, seed + 1)
        for constraint in ("hard", "soft"):
            model = SINDy(
                polynomials(2, 3), iso.LieAlgebra(basis[None]), threshold=0.05, uncertainty=0.02, constraint=constraint
            ).fit_velocities(x, v)
            assert support(model, rows), (seed, constraint)


def test_simulation_equations_sympy_and_latex():
    import sympy

    x = states()
    model = SINDy(polynomials(2, 2), iso.so(2), threshold=0.05).fit_velocities(x, x @ SPIRAL.T)
    t = np.linspace(0, 5, 20)
    expected = np.exp(-t / 10)[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1)
    np.testing.assert_allclose(model.simulate([1.0, 0.0], t).numpy(), expected, atol=1e-6)
    u, w = sympy.symbols("u w")
    assert [round(float(e.subs({u: 1, w: 2})), 9) for e in model.sympy(["u", "w"])] == [-2.1, 0.8]
    assert (
        model.latex() == "\\begin{aligned}\n\\dot{x} &= - 0.1 x - 1.0 y \\\\\n\\dot{y} &= 1.0 x - 0.1 y\n\\end{aligned}"
    )
    waves = SINDy(polynomials(1, 2) + iso.dictionary.fourier(1, 2), threshold=0.05)
    waves.fit_velocities(x[:, :1], (2 * x[:, :1]).sin() - x[:, :1] ** 2)
    assert float(waves.sympy()[0].subs("x", 0.3)) == pytest.approx(np.sin(0.6) - 0.09)


@pytest.mark.parametrize("name", ["lambda", "a b", "u-v", "$", "S.One", "__import__('sys').exit()"])
def test_names_of_coordinates_are_never_read_as_code(name):
    import sympy

    x = states()
    model = SINDy(polynomials(2, 2), iso.so(2), threshold=0.05).fit_velocities(x, x @ SPIRAL.T)
    first, second = model.sympy([name, "w"])
    assert first.free_symbols == second.free_symbols == {sympy.Symbol(name), sympy.Symbol("w")}
    assert float(second.subs({sympy.Symbol(name): 1, sympy.Symbol("w"): 2})) == pytest.approx(0.8)
    assert model.equations([name, "w"])[1] == f"w' = {name} - 0.1 w"


def test_a_diverging_simulation_is_an_error():
    x = states()
    model = SINDy(polynomials(2, 2), threshold=0.05).fit_velocities(x, x**2)
    with pytest.raises(FlowError, match="runs away at about 1"):
        model.simulate([1.0, 0.0], [0.0, 2.0])
    with pytest.raises(DataError, match="increasing times"):
        model.simulate([1.0, 0.0], [0.0, 0.0])


@pytest.mark.parametrize("kind", [SINDy, WeakSINDy])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, t: ([x[:3]], [t[:3]]), "at least"),
        (lambda x, t: ([x], [np.where(t == t[5], t[4], t)]), "increasing times"),
        (lambda x, t: ([x], [t[::-1]]), "increasing times"),
        (lambda x, t: ([np.where(x == x[3], np.nan, x)], [t]), "finite"),
        (lambda x, t: ([x], []), "one per trajectory"),
        (lambda x, t: ([x[:, :1]], [t]), r"states \(T, 2\)"),
        (lambda x, t: ([], []), "one per trajectory"),
    ],
)
def test_bad_trajectories_are_refused(kind, change, message):
    with pytest.raises(DataError, match=message):
        kind(polynomials(2, 2)).fit(*change(*clean()))


def test_bad_options_are_refused():
    x, t = clean()
    for options, message in [
        ({"constraint": "firm"}, "constraint: expected"),
        ({"select": "best"}, "select: expected"),
        ({"threshold": -1.0}, "threshold: expected"),
        ({"constraint": "soft"}, "weight: expected"),
    ]:
        with pytest.raises(DataError, match=message):
            SINDy(polynomials(2, 2), iso.so(2), **options).fit([x], [t])
    with pytest.raises(DataError, match="window: expected at most"):
        WeakSINDy(polynomials(2, 2), window=150).fit([x], [t])
    with pytest.raises(DataError, match="one shape"):
        SINDy(polynomials(2, 2)).fit_velocities(x, x[:-1])
    with pytest.raises(NotFittedError):
        SINDy(polynomials(2, 2)).coef_  # noqa: B018


def test_too_few_data_are_refused_unless_the_symmetry_helps():
    x = states(4)
    with pytest.raises(DataError, match="determine 20 free coefficients"):
        SINDy(polynomials(2, 3)).fit_velocities(x, x @ SPIRAL.T)
    model = SINDy(polynomials(2, 3), equivariant_fields(polynomials(2, 3), iso.so(2)), threshold=0.05)
    assert model.fit_velocities(x, x @ SPIRAL.T).equations() == ["x' = -0.1 x - y", "y' = x - 0.1 y"]
