import copy
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

import isotropy as iso
from isotropy.errors import DataError, DerivativeUnavailableError, RepresentationMismatchError
from isotropy.measure import equivariance
from isotropy.symmetry.claims import measured, rows_of


def swirl(x):
    """Equivariant under so(3)."""
    return x * torch.exp(-x.square().sum(1, keepdim=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("method", ["auto", "forward", "jacobian", "double_backward", "difference"])
def test_exact_symmetry_is_at_the_floor(points, so3, dtype, method):
    report = equivariance(swirl, points(dtype=dtype), so3.vector(), so3.vector(), method=method)
    assert report.at_floor
    assert report.floor < (1e-5 if dtype == torch.float32 else 1e-8)
    assert report.dtype == str(dtype).removeprefix("torch.")
    assert report.samples == 60
    assert method in ("auto", report.method)
    assert "rounding" in str(report)


def test_defect_and_effect_are_the_formulas(points):
    """A cubic map under gl(2), against the definitions written out; the outputs have one covariance."""
    G, x = iso.gl(2), points(n=2)
    f = lambda x: torch.stack([x[:, 0] ** 3 + x[:, 1], 5 * x[:, 0] * x[:, 1]], dim=1)  # noqa: E731
    report = equivariance(f, x, G.vector(), G.vector())
    a, b = x.unbind(1)
    slope = torch.stack([torch.stack([3 * a**2, 0 * a + 1], 1), torch.stack([5 * b, 5 * a], 1)], dim=1)

    def white(rows, of):
        return rows @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(of.T, correction=0))).T

    for k, e in enumerate(G.basis):
        broken = white(torch.einsum("sij,sj->si", slope, x @ e.T) - f(x) @ e.T, f(x)).square().sum(1).mean()
        apart = white(torch.einsum("sij,tj->sti", slope, x @ e.T).flatten(0, 1), f(x)).square().sum(1).mean()
        turned = white(f(x) @ e.T, f(x)).square().sum(1).mean()
        motion = white(x @ e.T, x).square().sum(1).mean()
        assert float(report.per_generator[k]) == pytest.approx(float((broken / (apart + turned)).sqrt()))
        assert float(report.per_generator_effect[k]) == pytest.approx(float((broken / motion / 2).sqrt()))


def test_numbers_are_those_of_a_claim(points):
    G, x = iso.gl(3), points(200)
    f = lambda x: x[:, 0] ** 2 + x[:, 1] ** 3  # noqa: E731
    report, told = equivariance(f, x, G.vector(), G.scalar()), measured(rows_of(f, x, G.vector(), G.scalar()))
    assert report.per_generator.tolist() == pytest.approx([e.value for e in told.errors], nan_ok=True)
    assert report.per_generator_effect.tolist() == pytest.approx([e.value for e in told.effects])
    assert (report.defect, *report.interval) == pytest.approx((told.span.value, told.span.lower, told.span.upper))
    assert report.effective == pytest.approx(told.effective)


def test_worst_combination_bounds_every_generator(points):
    G, x = iso.gl(3), points(100)
    f = lambda x: torch.sin(x.sum(1)) + x[:, 0] * x[:, 1]  # noqa: E731
    report = equivariance(f, x, G.vector(), G.scalar())
    assert report.defect >= float(report.per_generator.max())
    assert report.effect >= float(report.per_generator_effect.max())
    generator = torch.Generator().manual_seed(1)
    for combination in torch.randn(20, 1, 9, dtype=torch.float64, generator=generator):
        part = G.span(combination)
        one = equivariance(f, x, part.vector(), part.scalar())
        assert one.defect <= report.defect * (1 + 1e-9)
        assert one.effect <= report.effect * (1 + 1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_units_basis_and_order_do_not_matter(seed):
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=generator)  # noqa: E731
    G, x, weights = iso.gl(3), draw(80, 3), draw(3, 2)
    units, outer = (10 ** (12 * torch.rand(k, dtype=torch.float64, generator=generator) - 6) for k in (3, 2))
    f = lambda x: torch.tanh(x @ weights)  # noqa: E731
    one = equivariance(f, x, G.vector(), 2 * G.scalar())
    mixed = G.span(draw(9, 9))
    turned = equivariance(f, x.flip(0), mixed.vector(), 2 * mixed.scalar())
    scaled = iso.LieAlgebra(units[:, None] * G.basis / units)
    other = equivariance(lambda z: outer * f(z / units), x * units, scaled.vector(), 2 * scaled.scalar())
    for same in (turned, other):
        assert same.defect == pytest.approx(one.defect, rel=1e-6)
        assert same.effect == pytest.approx(one.effect, rel=1e-6)
    torch.testing.assert_close(other.per_generator, one.per_generator, rtol=1e-6, atol=0)
    torch.testing.assert_close(other.per_generator_interval, one.per_generator_interval, rtol=1e-6, atol=0)


def test_overall_error_does_not_depend_on_the_generators(points):
    G = iso.so(3)
    mixed = iso.LieAlgebra(
        torch.tensordot(torch.tensor([[1.0, 0, 0], [3.0, 1, 0], [0.2, 0.1, 5.0]]).double(), G.basis, 1)
    )
    one, other = (equivariance(torch.sin, points(), A.vector(), A.vector(), method="jacobian") for A in (G, mixed))
    assert one.relative_error == pytest.approx(other.relative_error, rel=1e-12)
    assert one.absolute_error == pytest.approx(other.absolute_error, rel=1e-12)
    assert one.defect == pytest.approx(other.defect, rel=1e-9)
    assert one.effect == pytest.approx(other.effect, rel=1e-9)
    assert not torch.allclose(one.per_generator, other.per_generator)


def test_size_of_a_generator_does_not_matter(points):
    G = iso.so(3)
    double = iso.LieAlgebra(2 * G.basis)
    one, other = (equivariance(torch.sin, points(), A.vector(), A.vector()) for A in (G, double))
    torch.testing.assert_close(one.per_generator, other.per_generator)
    torch.testing.assert_close(one.per_generator_effect, other.per_generator_effect)
    torch.testing.assert_close(one.per_generator_absolute, other.per_generator_absolute)


def test_error_grows_linearly_with_planted_breaking(points, so3):
    def broken(size):
        f = lambda x: x.square().sum(1) + size * x[:, 0]  # noqa: E731
        return equivariance(f, points(), so3.vector(), so3.scalar())

    small, large = broken(1e-6), broken(1e-4)
    assert large.defect == pytest.approx(100 * small.defect, rel=1e-3)
    assert large.effect == pytest.approx(100 * small.effect, rel=1e-3)
    assert large.relative_error == pytest.approx(100 * small.relative_error, rel=1e-3)
    assert large.absolute_error == pytest.approx(100 * small.absolute_error, rel=1e-9)
    unbroken = [name for name, e in zip(large.names, large.per_generator, strict=True) if e < large.floor]
    assert unbroken == ["y d/dz - z d/dy"]
    assert large.worst != "y d/dz - z d/dy"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.sampled_from(["gl(2)", "so(2)", "sl(2)"]), st.booleans())
@example(11, 11, "sl(2)", False)  # one sample outweighs all others
def test_numbers_lie_within_their_intervals(seed, count, name, invariant):
    torch.manual_seed(seed)
    G, weights = iso.named(name), torch.randn(2, 2, dtype=torch.float64)
    x = torch.randn(count, 2, dtype=torch.float64) * 10 ** torch.empty(1).uniform_(-3, 3).double()
    f = (lambda x: torch.sin(x @ weights).sum(1)) if invariant else (lambda x: torch.tanh(x @ weights))
    report = equivariance(f, x, G.vector(), G.scalar() if invariant else G.vector(), seed=seed)
    assert math.isnan(report.relative_error) or 0.0 <= report.relative_error <= 1.0
    pairs = [(report.defect, report.interval), (report.effect, report.effect_interval)]
    pairs += zip(report.per_generator.tolist(), report.per_generator_interval.tolist(), strict=True)
    pairs += zip(report.per_generator_effect.tolist(), report.per_generator_effect_interval.tolist(), strict=True)
    for value, (low, high) in pairs:
        assert math.isnan(value) or value >= 0.0
        if count > 1 and not math.isnan(value):
            assert 0.0 <= low <= value <= high


def test_error_stays_below_one_when_the_slope_is_only_probed():
    """|Df| is an estimate for wide maps; a map that sees one direction only is the hard case."""
    G = iso.LieAlgebra(torch.eye(60, dtype=torch.float64)[None].roll(1, 1) * 1.0)
    u = torch.randn(60, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x = torch.randn(40, 60, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    report = equivariance(lambda x: (x @ u)[:, None] * u, x, G.vector(), G.vector(), method="forward")
    assert 0.0 < report.relative_error <= 1.0
    assert report.defect == pytest.approx(1.0, abs=0.1)


def test_interval_covers(so3):
    f = lambda x: x.square().sum(1) + x[:, 0] ** 3  # noqa: E731
    many = torch.randn(200_000, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(99))
    truth = equivariance(f, many[:100_000], so3.vector(), so3.scalar()).defect
    covered, widths = 0, []
    for k in range(60):
        low, high = equivariance(f, many[100_000 + 200 * k :][:200], so3.vector(), so3.scalar(), level=0.1).interval
        covered += low <= truth <= high
        widths.append(high - low)
    assert sorted(widths)[30] < 0.35
    assert 45 <= covered <= 60  # 54 expected


def test_interval_needs_two_samples(points, so3):
    report = equivariance(torch.sin, points(1), so3.vector(), so3.vector())
    assert math.isnan(report.interval[0]) and math.isnan(report.effect_interval[0])
    assert report.relative_error > 0.1


def test_former_word_for_the_level_still_answers(points, so3):
    V = so3.vector()
    with pytest.warns(DeprecationWarning, match=r"expected level=0\.1"):
        old = equivariance(torch.sin, points(), V, V, confidence=0.9)
    assert old.interval == equivariance(torch.sin, points(), V, V, level=0.1).interval
    assert old.confidence == pytest.approx(0.9)


def test_same_seed_same_interval(points, so3):
    reports = [equivariance(torch.sin, points(), so3.vector(), so3.vector(), seed=s) for s in (3, 3, 4)]
    assert reports[0].interval == reports[1].interval != reports[2].interval


@pytest.mark.parametrize(
    "constant",
    [
        lambda x: torch.ones(len(x), dtype=x.dtype) + 0 * x.sum(1),
        lambda x: torch.softmax(x, dim=1).sum(1),
        lambda x: torch.round(0.1 * torch.tanh(x)).sum(1),
    ],
)
@pytest.mark.parametrize("method", ["auto", "difference"])
def test_zero_over_zero_is_undefined(points, so3, constant, method):
    report = equivariance(constant, points(), so3.vector(), so3.scalar(), method=method)
    assert math.isnan(report.relative_error)
    assert report.per_generator.isnan().all()
    assert not report.at_floor
    assert report.worst == ""
    assert "undefined" in str(report)
    assert report.to_dict()["relative_error"] is None
    assert report.to_dict()["defect"] is None


def test_one_generator_may_be_undefined():
    G = iso.so(2) + iso.so(2)
    x = torch.randn(30, 2, dtype=torch.float64)
    report = equivariance(lambda x: x[:, 0], x, G.vector(0), G.scalar())
    assert report.per_generator[0] > 0.1
    assert report.per_generator[1].isnan()


def test_report_prints_short_and_saves_json(points, tmp_path):
    G = iso.gl(3)
    f = lambda x: x.square().sum(1)  # noqa: E731
    report = equivariance(f, points(), G.vector(), G.scalar())
    assert len(str(report).splitlines()) < 10
    assert max(map(len, str(report).splitlines())) < 120
    written = json.loads(report.save(tmp_path / "report.json").read_text())
    assert written == report.to_dict()
    assert [g["name"] for g in written["generators"]] == list(report.names)
    assert (written["defect"], written["effect"]) == (report.defect, report.effect)
    assert written["relative_error"] == report.relative_error


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTM(3, 5, batch_first=True)

    def forward(self, x):
        return self.cell(x.reshape(len(x), 2, 3))[0][:, -1]


class Distances(nn.Module):
    def forward(self, x):
        shaped = x.reshape(len(x), 2, 3)
        return torch.cdist(shaped, shaped)[:, 0, 1]


class Attention(nn.Module):
    def forward(self, x):
        shaped = x.reshape(len(x), 2, 3)
        return nn.functional.scaled_dot_product_attention(shaped, shaped, shaped).flatten(1)


@pytest.mark.parametrize(
    ("make", "exact"), [(Recurrent, False), (Distances, True), (Attention, True)], ids=["lstm", "cdist", "attention"]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_difficult_operators(points, so3, make, exact, dtype):
    torch.manual_seed(0)
    f, V = make().to(dtype), 2 * so3.vector()
    out = {Recurrent: 5 * so3.scalar(), Distances: so3.scalar(), Attention: V}[make]
    report = equivariance(f, points(n=6, dtype=dtype), V, out)
    assert report.method in ("forward", "jacobian", "double_backward")
    assert report.method in str(report)
    assert report.at_floor if exact else report.relative_error > 0.05


def test_map_that_only_takes_float32(points, so3):
    weights = torch.randn(3, 3)
    report = equivariance(lambda x: torch.tanh(x @ weights), points(dtype=torch.float32), so3.vector(), so3.vector())
    assert report.relative_error > 0.05
    assert report.floor >= 8 * torch.finfo(torch.float32).eps


def test_reasons_are_given_when_nothing_works(points, so3):
    """Infinite wherever it is asked beside the data."""
    known = points()

    def f(x):
        inside = (x.detach()[:, None] == known[None]).all(2).any(1)
        return torch.where(inside, x.detach().sum(1), torch.inf)

    with pytest.raises(DerivativeUnavailableError, match=r"jacobian: .*forward: .*difference: gave NaN"):
        equivariance(f, known, so3.vector(), so3.scalar())


@pytest.mark.parametrize("wrap", [lambda x: x.detach().numpy(), lambda x: np.asarray(x.detach().tolist())])
def test_numpy_inside_is_never_silently_zero(points, so3, wrap):
    f = lambda x: torch.as_tensor(np.sin(wrap(x)).sum(1))  # noqa: E731
    report = equivariance(f, points(), so3.vector(), so3.scalar())
    truth = equivariance(lambda x: torch.sin(x).sum(1), points(), so3.vector(), so3.scalar())
    assert report.method == "difference"
    assert report.relative_error == pytest.approx(truth.relative_error, rel=1e-6)


def test_detached_output_falls_to_differences(points, so3):
    report = equivariance(lambda x: torch.sin(x).sum(1).detach(), points(), so3.vector(), so3.scalar())
    assert report.method == "difference"
    assert report.relative_error > 0.1


def test_module_and_inputs_are_left_as_found(points, so3):
    f = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    f[1].eval()
    f[3].weight.requires_grad_(False)
    before, flags = copy.deepcopy(f.state_dict()), [m.training for m in f.modules()]
    x = points(dtype=torch.float32).requires_grad_()
    kept = x.detach().clone()
    equivariance(f, x, so3.vector(), so3.vector())
    assert [m.training for m in f.modules()] == flags
    assert [p.requires_grad for p in f.parameters()] == [True, True, True, True, False, True]
    assert all(p.grad is None for p in f.parameters())
    assert all(not m._forward_hooks for m in f.modules())
    assert all(torch.equal(a, b) for a, b in zip(before.values(), f.state_dict().values(), strict=True))
    assert x.requires_grad and x.grad is None and torch.equal(x, kept)


def test_attention_kernels_are_left_as_found(points, so3):
    backend = torch.backends.cuda
    before = backend.flash_sdp_enabled(), backend.mem_efficient_sdp_enabled(), backend.math_sdp_enabled()
    equivariance(nn.Linear(3, 3), points(dtype=torch.float32), so3.vector(), so3.vector())
    assert before == (backend.flash_sdp_enabled(), backend.mem_efficient_sdp_enabled(), backend.math_sdp_enabled())


def test_global_randomness_is_untouched(points, so3):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    equivariance(torch.sin, points(), so3.vector(), so3.vector())
    assert torch.equal(torch.get_rng_state(), state)


def test_bad_input_is_refused(points, so3):
    V, one = so3.vector(), so3.scalar()
    with pytest.raises(RepresentationMismatchError, match="events of shape"):
        equivariance(torch.sin, points(n=4), V, V)
    with pytest.raises(RepresentationMismatchError, match="outputs"):
        equivariance(torch.sin, points(), V, one)
    with pytest.raises(RepresentationMismatchError, match="algebra"):
        equivariance(torch.sin, points(), V, iso.gl(3).vector())
    with pytest.raises(DataError, match="NaN"):
        equivariance(torch.sin, points() * torch.nan, V, V)
    with pytest.raises(DataError, match="finite"):
        equivariance(torch.log, points(), V, V)
    with pytest.raises(DataError, match="rescale the map"):
        equivariance(lambda x: 1e300 * x, points(), V, V)
    with pytest.raises(DataError, match="method"):
        equivariance(torch.sin, points(), V, V, method="magic")
    with pytest.raises(DataError, match="level"):
        equivariance(torch.sin, points(), V, V, level=1.5)
    with pytest.raises(DataError, match="dimension 0"):
        nothing = iso.LieAlgebra(torch.zeros(0, 3, 3))
        equivariance(torch.sin, points(), nothing.vector(), nothing.vector())
