"""Claims: what is certified, what is not, and with which numbers."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import isotropy as iso
from isotropy.actions import Affine
from isotropy.errors import DataError
from isotropy.symmetry.claims import Members, bars, claim, judge, surely_ignored
from isotropy.symmetry.claims._forms import forms_of
from isotropy.symmetry.claims._rows import rows_of
from isotropy.symmetry.claims._span import factors_of, nested_defects

quick = settings(deadline=None, max_examples=20, derandomize=True)
G = iso.gl(3)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def waves(x, seed=1):
    n = x.shape[1]
    return torch.sin(x @ randn(n, 8, seed=seed) + 1) @ randn(8, seed=seed + 1) / 2


def radius(x):
    return (1 + x.square().sum(1)).sqrt()


def ask(f, x, group=G, **rules):
    return claim(rows_of(f, x, group.vector(), group.scalar()), **rules)


def algebra(found, group=G):
    return group.span(found.directions)


# -- planted -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("group", "planted"), [(G, iso.so(3)), (iso.gl(4), iso.so(4)), (iso.gl(2), iso.so(2))])
def test_an_exact_symmetry_is_called_exact(group, planted):
    found = ask(radius, randn(300, group.n), group)
    assert found.status == "certified" and set(found.grades) == {"exact"}
    assert algebra(found, group).distance(planted) < 1e-12
    assert found.span.upper == found.floor < 1e-13 and found.span.lower == 0.0
    assert set(found.ladder.values()) == {planted.dim}
    assert "exact" in found.why


@pytest.mark.parametrize("eps", [1e-12, 1e-6, 1e-3, 0.01])
def test_a_broken_one_never_is_and_says_by_how_much(eps):
    found = ask(lambda x: radius(x) + eps * waves(x), randn(400, 3))
    assert found.status == "certified" and found.grades == ("approximate",) * 3
    fresh = rows_of(lambda x: radius(x) + eps * waves(x), randn(20000, 3, seed=9), G.vector(), G.scalar())
    factors = factors_of(forms_of(fresh))
    assert found.span.lower <= float(nested_defects(factors, found.directions)[2]) <= found.span.upper
    assert 0.2 * eps < found.span.value < 5 * eps and found.span.lower > found.floor
    assert found.ladder[0.0] == 0 and found.ladder[0.1] == 3
    assert "exclude an exact symmetry" in found.why
    for error, effect, direction in zip(found.errors, found.effects, found.directions, strict=True):
        alone = float(nested_defects(factors, direction[None])[0])
        assert error.lower <= alone <= error.upper <= 1.2 * found.span.upper
        assert effect.lower <= effect.value <= effect.upper
        assert 0.2 < effect.value / error.value < 5  # a turn of the cloud is about one deviation


def test_broken_beyond_the_tolerance_is_none():
    found = ask(lambda x: radius(x) + waves(x), randn(400, 3))
    assert found.status == "none" and found.directions.shape == (0, 9) and found.grades == ()
    assert found.span.lower > 0.05 and "Every candidate is broken" in found.why
    assert ask(lambda x: radius(x) + waves(x), randn(400, 3), tolerance=0.9).status != "none"


def test_what_is_exact_stands_on_its_own_beside_what_is_nearly_kept():
    """A sphere with one axis a little longer: one rotation is exact, two are broken alike."""

    def f(x, eps):
        return (1 + x.square().sum(1) + eps * x[:, 2] ** 2).sqrt() + 0.01 * eps * x[:, 2]

    found = ask(lambda x: f(x, 0.02), randn(400, 3))
    assert found.status == "certified" and sorted(found.grades) == ["approximate", "approximate", "exact"]
    assert found.grades[0] == "exact" and found.errors[0].upper < 1e-12 < found.errors[1].lower
    assert found.ladder[0.0] == 1 and found.ladder[0.1] == 3


def test_a_tolerance_through_a_multiplet_certifies_nothing():
    f = lambda x: radius(x) + 0.02 * waves(x)  # noqa: E731
    x = randn(150, 3, seed=1)
    assert len(ask(f, x, tolerance=0.2).directions) == 3
    cut = ask(f, x)
    assert cut.status == "undecided" and len(cut.directions) == 2
    assert cut.closure > bars.MOST_CLOSURE and "multiplet" in cut.why


def test_a_break_by_an_exact_subalgebra_does_not_hide_it():
    f = lambda x: radius(x) + 0.03 * x[:, 2] + 0.03 * x[:, 2] ** 2  # noqa: E731
    found = ask(f, randn(400, 3), tolerance=0.02)
    assert found.status == "certified" and found.grades == ("exact",)
    assert algebra(found).distance(G.span(torch.tensor([[0, 1, 0, -1, 0, 0, 0, 0, 0]], dtype=torch.float64))) < 1e-9


def test_equivariance_and_several_outputs():
    x = randn(300, 3)
    field = claim(rows_of(lambda x: x * radius(x)[:, None], x, G.vector(), G.vector()))
    # The scaling is broken by the radius, rotations are not.
    assert field.status == "certified" and algebra(field).distance(iso.so(3)) < 1e-12
    both = claim(rows_of(lambda x: torch.stack([radius(x), x[:, 2]], 1), x, G.vector(), 2 * G.scalar()))
    assert both.status == "certified" and len(both.directions) == 1


# -- nothing there -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 4])
def test_generic_maps_have_none(n):
    found = ask(waves, randn(400, n), iso.gl(n))
    assert found.status == "none" and found.span.lower > 0.05


@pytest.mark.parametrize("width", [1, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4])
def test_a_map_that_is_nearly_linear_is_not_certified(width):
    """Eight plane waves in a narrow window, about whose centre candidates turn."""
    z = randn(300, 3, seed=3)
    found = ask(lambda z: waves(0.5 + width * z), z)
    assert found.status != "certified"
    if width <= 0.03:
        assert found.span.upper < 0.05 and "hardly responds" in found.why


def test_readings_far_from_the_origin_are_not_certified():
    """Vapour pressure over temperature, humidity and pressure, in their usual units."""
    x = torch.tensor([25.0, 50.0, 1013.0]) + torch.tensor([2.0, 4.0, 6.0]) * randn(400, 3, seed=3)

    def f(z):
        warm, humid, pressure = z.unbind(1)
        return 6.1 * torch.exp(17.3 * warm / (237 + warm)) * humid / 100 * (1 + 0.02 * torch.sin((pressure - 1000) / 5))

    assert ask(f, x).status != "certified"


def test_a_linear_trend_is_none_and_ignores_the_rest():
    found = ask(lambda x: x @ torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64), 10 + randn(300, 3))
    assert found.status == "none" and len(found.ignored) == 6
    assert found.span.value == pytest.approx(1) and "6 further directions" in found.why
    assert found.ignored_effect < 1e-6


def test_only_what_can_be_evaluated_is_exact():
    found = ask(radius, randn(200, 3))
    assert set(found.grades) == {"exact"} and found.floor > 0
    with pytest.raises(ValueError, match="expected an arithmetic floor above 0"):
        replace(found, floor=0.0)
    with pytest.raises(ValueError, match="call what cannot be evaluated approximate"):
        Members(found.errors, found.effects, found.grades, found.span)


@pytest.mark.parametrize(("slope", "ignored", "sure"), [(0.0, 1, 1), (1e-7, 1, 1), (1e-4, 1, 0), (0.01, 0, 0)])
def test_what_is_nearly_ignored_is_no_exact_invariance(slope, ignored, sure):
    """A shift that arithmetic as coarse as single precision hardly shows is counted, but stands in no span."""
    x, shifts = randn(200, 2), iso.translation(2)
    rows = rows_of(lambda z: torch.sin(z[:, 0]) + slope * z[:, 1], x, Affine(shifts), shifts.scalar())
    judged = judge(rows, floor=4e-6)
    assert (len(judged.claim.ignored), len(surely_ignored(judged))) == (ignored, sure)
    if ignored:
        # Of slopes (cos x, s) the part of s that no multiple of the other shift takes away.
        left = 1 - torch.cos(x[:, 0]).mean() ** 2 / torch.cos(x[:, 0]).square().mean()
        expected = slope * float(x[:, 1].std() * left.sqrt() / torch.sin(x[:, 0]).std())
        assert judged.claim.ignored_effect == pytest.approx(expected, rel=0.05, abs=1e-12)


def test_a_constant_map_claims_nothing():
    found = ask(lambda x: 0 * x.sum(1) + 1, randn(100, 2), iso.gl(2))
    assert found.status == "undecided" and len(found.ignored) == 4 and "responds to no candidate" in found.why


def test_an_interval_that_holds_the_tolerance_is_undecided():
    f = lambda x: radius(x) + 0.05 * waves(x)  # noqa: E731
    wide = ask(f, randn(200, 3), tolerance=0.3)
    found = ask(f, randn(200, 3), tolerance=wide.errors[0].value)
    assert found.status == "undecided" and "holds the tolerance" in found.why
    assert found.span.lower <= found.tolerance <= found.span.upper


# -- units, seeds, levels ----------------------------------------------------------------------------------------


@quick
@given(
    powers=st.lists(st.floats(-6, 6), min_size=3, max_size=3),
    height=st.floats(-6, 6),
    eps=st.sampled_from([0.0, 1e-3, 0.03, 1.0]),
)
def test_units_change_nothing(powers, height, eps):
    units = 10 ** torch.tensor(powers, dtype=torch.float64)
    x = randn(200, 3)
    plain = ask(lambda x: radius(x) + eps * waves(x), x)
    seen = ask(lambda z: 10**height * (radius(z / units) + eps * waves(z / units)), x * units)
    assert (seen.status, seen.grades, seen.ladder) == (plain.status, plain.grades, plain.ladder)
    assert len(seen.ignored) == len(plain.ignored)
    for name in ("value", "lower", "upper"):
        assert getattr(seen.span, name) == pytest.approx(getattr(plain.span, name), rel=1e-5, abs=1e-12)
    assert [e.value for e in seen.effects] == pytest.approx([e.value for e in plain.effects], rel=1e-4, abs=1e-12)


def test_a_seed_gives_one_answer_and_inputs_are_left_alone():
    case = rows_of(lambda x: radius(x) + 0.01 * waves(x), randn(200, 3), G.vector(), G.scalar())
    kept = case.lie.clone()
    first, again, other = claim(case, seed=1), claim(case, seed=1), claim(case, seed=2)
    assert first.span == again.span != other.span
    assert torch.equal(case.lie, kept)


def test_a_stricter_level_widens_the_interval():
    case = rows_of(lambda x: radius(x) + 0.01 * waves(x), randn(200, 3), G.vector(), G.scalar())
    wide, narrow = claim(case, level=0.01), claim(case, level=0.3)
    assert wide.span.lower < narrow.span.lower < narrow.span.upper < wide.span.upper


def test_differences_are_not_called_exact_beyond_their_accuracy():
    found = claim(rows_of(radius, randn(200, 3), G.vector(), G.scalar(), "difference"))
    assert found.status == "certified" and set(found.grades) == {"exact"} and found.floor > 1e-8
    case = rows_of(lambda x: radius(x) + 1e-5 * waves(x), randn(200, 3), G.vector(), G.scalar())
    assert set(claim(case, floor=1e-3).grades) == {"approximate"}  # too coarse a floor to call anything exact


def test_float32_is_exact_up_to_its_own_rounding():
    found = ask(radius, randn(300, 3).float())
    assert found.status == "certified" and set(found.grades) == {"exact"} and 1e-7 < found.floor < 1e-5


def test_stated_intervals_cover_what_fresh_samples_show():
    """In 40 draws, at a level of 0.05; four misses or more have a probability below 0.15 at the very level."""
    f = lambda x: radius(x) + 0.01 * waves(x)  # noqa: E731
    fresh = factors_of(forms_of(rows_of(f, randn(20000, 3, seed=999), G.vector(), G.scalar())))
    missed = 0
    for seed in range(40):
        found = ask(f, randn(150, 3, seed=seed))
        assert found.status == "certified"
        missed += not found.span.lower <= float(nested_defects(fresh, found.directions)[-1]) <= found.span.upper
    assert missed <= 3


# -- bars --------------------------------------------------------------------------------------------------------


def test_few_effective_samples_are_undecided(monkeypatch):
    x = randn(400, 3)
    f = lambda x: radius(x) + 0.01 * waves(x)  # noqa: E731
    assert ask(f, x).status == "certified" and ask(f, x).effective > 200
    assert ask(f, x[:20]).status == "undecided" and "samples carry the answer" in ask(f, x[:20]).why
    monkeypatch.setattr(bars, "LEAST_EFFECTIVE", 1000.0)
    assert ask(f, x).status == "undecided"
    assert ask(radius, x[:20]).grades == ("exact",) * 3  # at every sample, however few


def test_outliers_that_break_it_are_not_hidden_by_the_cap():
    """Three samples in 400 hold most of a fourth power squared, and only there is it broken."""
    x = randn(400, 3)
    x[:3] = 20 * torch.nn.functional.normalize(randn(3, 3, seed=5), dim=1)

    def f(x, eps):
        far = torch.relu(x.norm(dim=1) - 8) / 20
        return x.square().sum(1) ** 2 * (1 + eps * far * torch.relu(torch.nn.functional.normalize(x, dim=1)[:, 0]))

    found = ask(lambda x: f(x, 0.1), x)
    assert found.span.value < 0.05 < found.span.upper  # the interval holds what these samples say as they are
    assert found.status == "undecided" and "largest gradients or motions" in found.why
    assert ask(lambda x: f(x, 0.03), x).status == "certified"


def test_an_interval_holds_the_defect_of_all_samples_as_they_are():
    """Of a cloud with a long tail most samples, which the cap lets count, are broken by more than all of them are."""
    x = randn(400, 3) * torch.exp(0.5 * randn(400, 1, seed=3))
    far = randn(40000, 3, seed=7) * torch.exp(0.5 * randn(40000, 1, seed=8))

    def f(x):
        return radius(x) ** 3 + 0.03 * waves(x)

    found = ask(f, x)
    fresh = factors_of(forms_of(rows_of(f, far, G.vector(), G.scalar()).along(found.directions), 0.0))
    assert forms_of(rows_of(f, x, G.vector(), G.scalar())).capped
    for one, value in zip(found.errors, (fresh.lie.norm(dim=0) / fresh.chance.norm(dim=0)).tolist(), strict=True):
        assert one.lower <= value <= one.upper


def test_outliers_do_not_hide_a_symmetry():
    x = randn(400, 3)
    x[:4] *= 100
    found = ask(lambda x: x.square().sum(1) + 0.001 * waves(x), x)
    assert found.status == "certified" and len(found.directions) == 3


def test_samples_at_one_point_neither_confirm_one_another_nor_narrow_an_interval():
    f = lambda x: radius(x) + 0.01 * waves(x)  # noqa: E731
    x = randn(60, 3)
    once, often = ask(f, x), ask(f, x.repeat(5, 1))
    assert often.samples == 300 and often.effective == pytest.approx(once.effective)
    assert (often.status, often.span.value) == (once.status, pytest.approx(once.span.value, rel=0.3))
    assert often.span.upper / often.span.lower > 1.3
    few = ask(waves, randn(6, 3).repeat(50, 1))
    assert few.status != "certified"


def test_the_bar_of_the_response_is_what_leaves_windows_undecided(monkeypatch):
    z = randn(300, 3, seed=3)
    f = lambda z: waves(0.5 + 0.01 * z)  # noqa: E731
    assert ask(f, z).status == "undecided"
    monkeypatch.setattr(bars, "LEAST_RESPONSE", 0.0)
    assert ask(f, z).status == "certified"


def test_mistakes_are_explained():
    case = rows_of(radius, randn(3, 3), G.vector(), G.scalar())
    many = rows_of(radius, randn(3, 3).repeat(9, 1), G.vector(), G.scalar())
    for call, text in [
        (lambda: claim(case), "at least 4 samples at different points, received 3"),
        (lambda: claim(many), "at different points, received 3"),
        (lambda: claim(case, tolerance=0.0), "tolerance: expected a number between 0 and 1"),
        (lambda: claim(case, level=1.0), "level: expected a number between 0 and 1"),
    ]:
        with pytest.raises(DataError, match=text):
            call()
