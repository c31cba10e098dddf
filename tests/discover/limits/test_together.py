"""Limits of quotients of sums: coverage, several at once, few samples, copies."""

import math

import pytest
import torch

from isotropy.discover.limits._metric import whitening
from isotropy.discover.limits._together import distinct, quotients, within
from isotropy.symmetry.claims import Interval


def rng(seed):
    return torch.Generator().manual_seed(seed)


def exponential(*shape, seed=0):
    return -torch.rand(*shape, generator=rng(seed), dtype=torch.float64).log()


def test_limits_hold_for_all_candidates_together():
    """Means are known, so that it can be counted how often one of twenty limits fails: 5 % of the time."""
    missed = 0
    for seed in range(100):
        broken, chance = 0.01 * exponential(200, 20, seed=seed), exponential(200, 20, seed=1000 + seed)
        found = quotients(broken, chance, 0.05, seed)
        assert bool((found.lower <= found.value).all() and (found.value <= found.upper).all())
        missed += not bool(((found.lower <= 0.1) & (found.upper >= 0.1)).all())
    assert missed <= 12  # four standard errors above five


def test_more_candidates_mean_wider_limits():
    broken, chance = 0.01 * exponential(200, 20), exponential(200, 20, seed=1)
    one, all_ = quotients(broken[:, :1], chance[:, :1], 0.05, 0), quotients(broken, chance, 0.05, 0)
    assert float(one.value[0]) == pytest.approx(float(all_.value[0]))
    assert one.upper[0] < all_.upper[0]
    assert one.lower[0] > all_.lower[0]


def test_units_do_not_enter():
    broken, chance = 0.01 * exponential(100, 3), exponential(100, 3, seed=1)
    first, second = quotients(broken, chance, 0.05, 0), quotients(1e-9 * broken, 1e-9 * chance, 0.05, 0)
    torch.testing.assert_close(second.upper, first.upper)


def test_a_break_that_few_samples_show_is_not_known_well():
    broken, chance = torch.zeros(400, 1, dtype=torch.float64), torch.ones(400, 1, dtype=torch.float64)
    broken[:2] = 2.0
    found = quotients(broken, chance, 0.05, 0)
    assert float(found.value) == pytest.approx(0.1)
    assert float(found.lower) == 0.0
    # mean 0.01, variance 0.02, largest 2, log(40) = 3.689
    expected = 0.01 + math.sqrt(2 * float(broken.var()) * math.log(40) / 400) + 7 * 2 * math.log(40) / (3 * 399)
    assert float(found.upper) == pytest.approx(math.sqrt(expected))


def test_few_samples_that_carry_chance_are_counted():
    chance = torch.full((400, 1), 1e-6, dtype=torch.float64)
    chance[:5] = 1.0
    assert not bool(quotients(1e-6 * chance, chance, 0.05, 0).known)
    assert not within(Interval(0.0, 0.0, 0.0), 0.05, 0.05, "broken by", 5.0).passed
    assert within(Interval(0.0, 0.0, 0.05), 0.05, 0.05, "broken by", 15.0).passed
    assert "broken by 0.02 of what chance would give (90%: 0.01 to 0.03)" in (
        within(Interval(0.02, 0.01, 0.03), 0.05, 0.1, "broken by").words
    )


def test_far_samples_are_capped_but_not_hidden():
    """Three samples a thousand times as large carry nothing alone, and the upper limit reaches to what they show."""
    size = torch.ones(400, 1, dtype=torch.float64)
    size[:3] = 1e6
    broken = 1e-4 * size
    found = quotients(broken, size, 0.05, 0, sizes=size)
    assert bool(found.known)
    assert float(found.value) == pytest.approx(0.01)
    broken[:3] *= 100
    assert float(quotients(broken, size, 0.05, 0, sizes=size).upper) >= 0.0999


def test_copies_are_one_sample():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [1.0, 2.0]])
    first, counts = distinct(x)
    assert sorted(zip(first.tolist(), counts.tolist(), strict=True)) == [(0, 3.0), (1, 1.0)]


def test_summands_have_unit_covariance():
    values = torch.randn(500, 3, generator=rng(0), dtype=torch.float64) @ torch.tensor(
        [[1e6, 0.0, 0.0], [3e5, 1.0, 0.0], [5.0, 2.0, 1e-3]], dtype=torch.float64
    )
    seen = (values - values.mean(0)) @ whitening(values, (1, 2)).T
    covariance = seen.T @ seen / 500
    assert float(covariance[0, 0]) == pytest.approx(1.0)
    torch.testing.assert_close(covariance[1:, 1:], torch.eye(2, dtype=torch.float64))


def test_constant_columns_have_the_length_they_have():
    values = torch.tensor([[2.0, 0.0]], dtype=torch.float64).expand(50, 2)
    torch.testing.assert_close(whitening(values, (1, 1)), torch.diag(torch.tensor([0.5, 1.0], dtype=torch.float64)))
