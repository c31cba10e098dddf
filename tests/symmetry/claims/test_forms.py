"""The two numbers of a generator: what 1 means, that no unit enters, and that few samples do not carry them."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import isotropy as iso
from isotropy.symmetry.claims._forms import effective, forms_of
from isotropy.symmetry.claims._resamples import effective_samples, resample
from isotropy.symmetry.claims._rows import output_blocks, rows_of
from isotropy.symmetry.claims._span import factors_of, least_broken_first, nested_defects, split_candidates

quick = settings(deadline=None, max_examples=15, derandomize=True)
G = iso.gl(3)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


PACE, WEIGHTS = randn(3, 8, seed=1), randn(8, seed=2)


def waves(x):
    return torch.sin(x @ PACE + 1) @ WEIGHTS


def rows(f, x, rho_in=None, rho_out=None):
    return rows_of(f, x, rho_in or G.vector(), rho_out or G.scalar())


def defects(case, share=0.0):
    """Defects of every candidate on its own."""
    factors = factors_of(forms_of(case, share))
    return factors.lie.norm(dim=0) / factors.chance.norm(dim=0)


def least(case):
    """The whole sequence of nested defects, chosen and judged on the same samples."""
    factors = factors_of(forms_of(case))
    directions = least_broken_first(factors, split_candidates(factors, case.values.shape[1], 0.0).active)
    return nested_defects(factors, directions)


def test_rows_are_what_they_are_called():
    x = randn(50, 3)
    case = rows(waves, x)
    gradient = torch.func.vmap(torch.func.grad(lambda p: waves(p[None])[0]))(x)
    assert torch.allclose(case.jacobian[:, 0], gradient)
    assert torch.allclose(case.lie[:, 0], torch.einsum("sn,skn->sk", gradient, G.vector().fields(x)))
    assert torch.equal(case.moved, G.vector().fields(x)) and not case.turned.any()
    assert torch.allclose(case.brackets, G.structure_constants)
    turning = rows(lambda x: x**3, x, G.vector(), G.vector())
    assert torch.allclose(turning.lie, iso.lie_derivative(lambda x: x**3, x, G.vector(), G.vector()).transpose(1, 2))
    assert torch.equal(turning.turned, G.vector().fields(x**3))


def test_rows_of_some_samples_and_of_some_directions():
    case, combos = rows(waves, randn(20, 3)), randn(2, 9, seed=4)
    part = case.taken(torch.arange(5)).along(combos)
    assert part.samples == 5 and part.lie.shape == (5, 1, 2)
    assert torch.allclose(part.lie, case.lie[:5] @ combos.T)
    assert torch.allclose((part.jacobian @ part.moved.transpose(1, 2)), part.lie)


def test_chance_is_what_shuffled_gradients_give():
    """In closed form, against all pairs of samples."""
    case = rows(waves, randn(60, 3))
    pairs = torch.einsum("tn,skn->tsk", case.jacobian[:, 0], case.moved).square().mean((0, 1)).sqrt()
    own = case.lie[:, 0].square().mean(0).sqrt()
    assert torch.allclose(defects(case), own / pairs)


def test_a_linear_map_is_no_better_than_chance():
    case = rows(lambda x: x @ torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64), randn(300, 3))
    split = split_candidates(factors_of(forms_of(case)), 1, 0.0)
    assert (len(split.active), len(split.ignored), len(split.trivial)) == (3, 6, 0)
    assert torch.allclose(least(case), torch.ones(3, dtype=torch.float64))


def test_both_terms_count_where_outputs_turn():
    """A constant vector does not follow a rotation: all of the second term is broken."""
    so3 = iso.so(3)
    x = randn(100, 3)
    still = rows_of(lambda x: x * 0 + x.new_tensor([1.0, 2.0, 3.0]), x, so3.vector(), so3.vector())
    assert torch.allclose(defects(still), torch.ones(3, dtype=torch.float64))
    radial = rows_of(lambda x: x * x.square().sum(1, keepdim=True), x, so3.vector(), so3.vector())
    assert float(defects(radial).max()) < 1e-14


@quick
@given(
    seed=st.integers(0, 1000),
    powers=st.lists(st.floats(-9, 9), min_size=3, max_size=3),
    height=st.floats(-9, 9),
)
def test_no_linear_change_of_coordinates_enters(seed, powers, height):
    x = randn(200, 3, seed=seed)
    mixed = torch.eye(3, dtype=torch.float64) + 0.5 * randn(3, 3, seed=seed + 1)
    change = torch.diag(10 ** torch.tensor(powers, dtype=torch.float64)) @ (mixed @ mixed.T)
    back = torch.linalg.inv(change)
    seen = rows(lambda z: 10**height * (waves(z @ back.T) - 3), x @ change.T)
    assert torch.allclose(least(seen), least(rows(waves, x)), rtol=1e-6)


@quick
@given(powers=st.lists(st.floats(-6, 6), min_size=3, max_size=3))
def test_no_unit_of_an_output_enters(powers):
    x, units = randn(200, 3), 10 ** torch.tensor(powers, dtype=torch.float64)
    outputs = torch.nn.functional.silu

    def f(x):
        return outputs(x @ randn(3, 3, seed=5))

    still = 3 * G.scalar()
    assert torch.allclose(least(rows(lambda x: units * f(x), x, G.vector(), still)), least(rows(f, x, None, still)))
    # A vector is measured as a whole: its columns may change units together with the inputs.
    back = torch.diag(1 / units)
    seen = rows(lambda z: units * f(z @ back), x * units, G.vector(), G.vector())
    assert torch.allclose(least(seen), least(rows(f, x, None, G.vector())), rtol=1e-6)


def test_summands_of_outputs_are_told_apart():
    V, one = G.vector(), G.scalar()
    assert output_blocks(V + 2 * one + V) == (3, 1, 1, 3)
    assert output_blocks(V * V) == (9,)
    assert output_blocks(iso.actions.Trivial(G, (2, 2))) == (1, 1, 1, 1)
    assert output_blocks(iso.actions.Affine(iso.aff(2)).tangent()) == (2,)


def test_the_effect_is_the_change_by_one_standard_deviation():
    """Rotating a round cloud by the angle 1 moves it by one deviation a coordinate; ``x`` then changes by ``y``."""
    so2 = iso.so(2)
    x = randn(4000, 2)
    case = rows_of(lambda x: 5 + 3 * x[:, 0], x, so2.vector(), so2.scalar())
    factors = factors_of(forms_of(case))
    effect = float(factors.lie.norm() / factors.motion.norm())
    assert effect == pytest.approx(math.sqrt(0.5), rel=0.05)  # of two coordinates one counts
    far = rows_of(lambda x: x[:, 0], x + 100, so2.vector(), so2.scalar())
    factors = factors_of(forms_of(far))
    assert float(factors.lie.norm() / factors.motion.norm()) == pytest.approx(math.sqrt(0.5), rel=0.05)


def test_columns_that_are_ignored_and_motions_that_are_none_are_set_apart():
    x = randn(200, 3)
    x[:, 2] = x[:, 0]
    split = split_candidates(factors_of(forms_of(rows(lambda x: x[:, 0].sin(), x))), 1, 0.0)
    assert len(split.trivial) == 3 and float((split.trivial @ G.vector().fields(x).flatten(2)).abs().max()) < 1e-12
    assert (len(split.active), len(split.ignored)) == (2, 4)
    moved = torch.einsum("jd,sdn->sjn", split.ignored, G.vector().fields(x))
    assert float(moved[:, :, 0].abs().max()) < 1e-12 and float(moved.abs().max()) > 0.1


def test_a_span_counts_by_its_worst_member():
    case = rows(lambda x: x.square().sum(1).sqrt() + 0.2 * x[:, 0], randn(300, 3))
    so3 = torch.linalg.lstsq(G.basis.flatten(1).T, iso.so(3).basis.flatten(1).T).solution.T
    factors = factors_of(forms_of(case, 0.0))
    nested = nested_defects(factors, so3)
    grid = torch.nn.functional.normalize(randn(4000, 3, seed=3), dim=1) @ so3
    sizes = (grid @ factors.lie.T).norm(dim=1) / (grid @ factors.chance.T).norm(dim=1)
    assert float(nested[2]) == pytest.approx(float(sizes.max()), rel=1e-3)
    assert (nested.diff() >= -1e-12).all()


def test_breaks_far_below_the_root_of_the_precision_are_seen():
    for eps in (1e-13, 1e-11, 1e-9):
        case = rows(lambda x, e=eps: x.square().sum(1).sqrt() + e * x[:, 0], randn(300, 3))
        assert float(least(case)[2]) == pytest.approx(eps, rel=0.5)
    assert float(least(rows(lambda x: x.square().sum(1).sqrt(), randn(300, 3)))[2]) < 1e-14


def test_few_samples_do_not_carry_the_sums():
    x = randn(400, 3)
    x[:4] *= 100
    case = rows(lambda x: x.square().sum(1) + x[:, 0] ** 3, x)
    free, capped = (forms_of(case, share) for share in (0.0, 0.2))
    directions = torch.eye(9, dtype=torch.float64)
    assert effective_samples(free, directions) < 5 and not free.capped
    assert effective_samples(capped, directions) > 40 and capped.capped
    ordinary = forms_of(rows(waves, randn(400, 3)))
    assert not ordinary.capped  # so that its defect is the plain one


def test_samples_at_one_point_count_as_often_as_they_come():
    """As samples that are not quite at one point do."""
    x = randn(80, 3)
    heavy = torch.cat([x, x[:20], x[:20]])
    apart = heavy + 1e-9 * randn(120, 3, seed=8)

    def f(x):
        return torch.stack([waves(x), x[:, 0] ** 3, x[:, 1]], 1)

    once = rows(f, heavy, G.vector(), G.vector())
    assert len(forms_of(once).lie) == 80
    assert torch.allclose(defects(once), defects(rows(f, apart, G.vector(), G.vector())), rtol=1e-5)


def test_effective_samples_count_equal_parts():
    assert effective(torch.ones(7)) == pytest.approx(7)
    assert effective(torch.tensor([1.0, 0.0, 0.0])) == pytest.approx(1)
    assert effective(torch.zeros(3)) == 0


def test_resamples_vary_as_fresh_samples_do():
    """Standard deviation of the defect over the bootstrap, against that over draws of the samples."""
    so3 = iso.so(3)
    single = torch.eye(1, 3, dtype=torch.float64)

    def case(seed):
        return forms_of(rows_of(waves, randn(300, 3, seed=seed), so3.vector(), so3.scalar()), 0.0)

    fresh = torch.stack([nested_defects(factors_of(case(seed)), single)[0] for seed in range(60)])
    drawn = resample(case(0), single, torch.Generator().manual_seed(0)).spans(torch.eye(1, dtype=torch.float64))
    assert float(drawn[0]) == pytest.approx(float(fresh[0]))
    assert float(drawn[1:].std()) == pytest.approx(float(fresh.std()), rel=0.3)
