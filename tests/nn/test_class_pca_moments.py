"""Streamed moments of classes, and the filters that are read off them."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isotropy.errors import DataError
from isotropy.nn.init._filters import choose_filters
from isotropy.nn.init._moments import ClassMoments, Sketch, span_basis


def draw(rows, size, classes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, size, generator=generator, dtype=torch.float64) + 100.0
    y = torch.randint(classes, (rows,), generator=generator)
    return x + torch.randn(classes, size, generator=generator, dtype=torch.float64)[y], y


def filters(x, y, count, lam=1.0):
    summary = ClassMoments(x.shape[1]).update(x, y).summary()
    return choose_filters(summary, count, lam, 0.99, torch.Generator().manual_seed(0))


def assert_same(first, second, tolerance=1e-10):
    for name in ("weights", "mean", "means", "seconds"):
        assert float((getattr(first, name) - getattr(second, name)).abs().max()) < tolerance


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(1, 119), min_size=1, max_size=6, unique=True))
def test_moments_do_not_depend_on_batches_or_their_order(seed, cuts):
    x, y = draw(120, 4, 3, seed)
    bounds = [0, *sorted(cuts), 120]
    pieces = [slice(a, b) for a, b in itertools.pairwise(bounds)][::-1]
    streamed, left, right = ClassMoments(4), ClassMoments(4), ClassMoments(4)
    for index, piece in enumerate(pieces):
        streamed.update(x[piece], y[piece])
        (left if index % 2 else right).update(x[piece], y[piece])
    whole = ClassMoments(4).update(x, y).summary()
    assert_same(streamed.summary(), whole)
    assert_same(left.merge(right).summary(), whole)


def test_moments_are_those_of_the_formulas():
    x, y = draw(200, 3, 4)
    summary = ClassMoments(3).update(x, y).summary()
    centred = x - x.mean(0)
    assert torch.allclose(summary.covariance, centred.T @ centred / 200, atol=1e-10)
    for index, label in enumerate(summary.labels):
        mine = centred[y == label]
        assert torch.allclose(summary.seconds[index], mine.T @ mine / len(mine), atol=1e-10)


def test_balanced_classes_weigh_the_same():
    x, y = torch.tensor([[0.0], [0.0], [0.0], [4.0]]), torch.tensor([0, 0, 0, 1])
    moments = ClassMoments(1).update(x, y)
    assert [float(moments.summary(balanced).mean) for balanced in (False, True)] == [1.0, 2.0]


def test_variance_planted_on_an_axis_is_found():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(5).repeat_interleave(4000)
    x = torch.randn(20000, 5, generator=generator, dtype=torch.float64)
    x[torch.arange(20000), y] *= 3
    rows = torch.nn.functional.normalize(filters(x, y, 5).weight, dim=1)
    assert float(rows.diagonal().abs().min()) > 0.999


def test_means_planted_on_axes_are_found_less_their_average_and_point_to_their_class():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(5).repeat_interleave(4000)
    x = 0.1 * torch.randn(20000, 5, generator=generator, dtype=torch.float64)
    x[torch.arange(20000), y] += 3
    found = filters(x, y, 5, lam=0.0)
    rows = torch.nn.functional.normalize(found.weight, dim=1)
    assert torch.allclose(rows.diagonal(), torch.full((5,), math.sqrt(1 - 1 / 5), dtype=torch.float64), atol=5e-3)
    assert all(float((x[y == c] @ found.weight[c] + found.bias[c]).mean()) > 0 for c in range(5))


@pytest.mark.parametrize(("lam", "shared", "own"), [(0.0, 1.000, 0.0), (1.0, 0.0, 0.998)])
def test_taking_away_the_covariance_removes_what_classes_share(lam, shared, own):
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(4).repeat_interleave(5000)
    x = torch.randn(20000, 6, generator=generator, dtype=torch.float64)
    x[:, 5] *= 5
    x[torch.arange(20000), y] *= 3
    summary = ClassMoments(6).update(x, y).summary()
    found = choose_filters(summary, 4, lam, 1.1, torch.Generator())  # duplicates allowed
    rows = torch.nn.functional.normalize(found.weight, dim=1).abs()
    assert float(rows[:, 5].min()) >= shared - 5e-4
    assert float(rows[range(4), range(4)].min()) >= own


def test_duplicates_make_way_for_the_next_direction():
    x, y = draw(600, 8, 3)
    x[:, 0] *= 30  # shared by all classes
    found = filters(x, y, 9, lam=0.0)
    rows = torch.nn.functional.normalize(found.weight, dim=1)
    assert found.duplicates > 0
    assert float((rows @ rows.T - torch.eye(9, dtype=torch.float64)).abs().max()) < 0.99


@pytest.mark.parametrize("count", [2, 5, 12])
def test_preactivations_have_mean_zero_and_variance_one(count):
    x, y = draw(300, 6, 4)
    found = filters(x, y, count)
    z = x @ found.weight.T + found.bias
    assert float(z.mean(0).abs().max()) < 1e-10
    assert float((z.std(0, correction=0) - 1).abs().max()) < 1e-10


def test_classes_share_the_filters_and_random_ones_fill_up():
    x, y = draw(300, 6, 2)
    few = filters(torch.cat([x, x.new_zeros(300, 1)], 1), y, 4)  # one constant column
    assert float(few.weight[:, 6].abs().max()) == 0.0
    assert sorted(few.classes.tolist()) == [0, 0, 1, 1]
    x = x[:, :2]
    many = filters(x, y, 9)
    assert int((many.classes < 0).sum()) >= 5
    assert bool(torch.isnan(many.eigenvalues[many.classes < 0]).all())
    assert len(filters(x[:, :1], y, 3).weight) == 3  # one dimension: parallel filters cannot be avoided


def test_shuffled_labels_leave_nothing_to_find():
    x, y = draw(4000, 10, 5)
    shuffled = y[torch.randperm(4000, generator=torch.Generator().manual_seed(1))]
    true, chance = (float(filters(x, labels, 5).eigenvalues.max()) for labels in (y, shuffled))
    assert true / chance >= 5


def test_a_sketch_bounds_what_it_loses_and_merges():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(400, 50, generator=generator, dtype=torch.float64) * torch.linspace(3, 0.1, 50).square()
    whole, left, right = Sketch(50, 12), Sketch(50, 12), Sketch(50, 12)
    whole.absorb(rows)
    left.absorb(rows[:150])
    right.absorb(rows[150:])
    left.merge(right)
    for sketch in (whole, left):
        away = torch.linalg.eigvalsh(rows.T @ rows - sketch.rows.T @ sketch.rows)
        assert len(sketch.rows) == 12
        assert float(away.min()) > -1e-9
        assert float(away.max()) <= sketch.lost + 1e-9


def test_a_sketched_span_holds_the_class_directions():
    x, y = draw(900, 40, 3)
    x[torch.arange(900), y] *= 5
    moments = ClassMoments(40, lambda size: Sketch(size, 12)).update(x[:500], y[:500]).update(x[500:], y[500:])
    basis = span_basis(moments, 30)
    rows = torch.nn.functional.normalize(filters(x, y, 3).weight, dim=1)
    assert float((rows @ basis.T).norm(dim=1).min()) > 0.99


def test_bad_rows_are_refused():
    x, y = draw(20, 3, 2)
    with pytest.raises(DataError, match=r"rows: expected shape \(rows, 3\) with one label each"):
        ClassMoments(3).update(x, y[:5])
    with pytest.raises(DataError, match="expected at least two classes"):
        ClassMoments(3).update(x, torch.zeros(20, dtype=torch.long)).summary()
    with pytest.raises(DataError, match="expected values that vary"):
        filters(torch.ones(20, 3), y, 2)
