"""What is claimed of a map that can be evaluated: two numbers with intervals, a grade, a ladder."""

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import isotropy as iso
from isotropy.discover import FromModel
from isotropy.errors import AmbiguousRankWarning


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def square(x):
    return x.square().sum(1)


def linear(algebra):
    return algebra.vector(), algebra.scalar()


def waves(window):
    """Eight plane waves without any symmetry, seen through a window."""
    generator = torch.Generator().manual_seed(1)
    directions = torch.randn(8, 3, generator=generator, dtype=torch.float64)
    weights = torch.randn(8, generator=generator, dtype=torch.float64)
    return lambda z: torch.sin((0.5 + window * z) @ directions.T + 1) @ weights


@pytest.mark.filterwarnings("ignore::isotropy.errors.AmbiguousRankWarning")
@pytest.mark.parametrize("window", [1.0, 0.3, 0.1, 0.03, 0.003])
def test_a_nearly_linear_map_is_not_certified(window):
    """Every map is nearly linear through a narrow window, and linear functions have many stabilisers."""
    assert FromModel(*linear(iso.gl(3))).fit(waves(window), randn(300, 3)).status_ != "certified"


@pytest.mark.parametrize(("broken", "grade"), [(0.0, "exact"), (1e-6, "approximate"), (1e-3, "approximate")])
def test_a_break_is_told_with_its_interval(broken, grade):
    found = FromModel(*linear(iso.so(3))).fit(lambda p: square(p) + broken * waves(1.0)(p), randn(400, 3))
    if grade == "exact":
        assert (found.status_, found.grade_, found.algebra_.dim) == ("certified", "exact", 3)
        assert max(found.upper_) < 1e-13
    else:
        assert found.grade_ != "exact"
        assert found.ladder_[0.0] == 0 and found.ladder_[0.01] == 3


def test_no_break_above_the_tolerance_is_certified():
    def stretched(p):
        return p[:, 0] ** 2 + 1.3 * p[:, 1] ** 2

    wide, narrow = (FromModel(*linear(iso.so(2)), tolerance=t).fit(stretched, randn(400, 2)) for t in (0.5, 0.05))
    assert (wide.status_, wide.grade_) == ("certified", "approximate")
    assert 0.05 < wide.lower_[0] < wide.symmetry_.generators[0].error < wide.upper_[0] < 0.5
    assert narrow.status_ == "none"


def test_directions_that_the_map_ignores_are_told():
    found = FromModel(*linear(iso.gl(3))).fit(lambda p: p[:, :2].square().sum(1), randn(200, 3))
    assert (found.status_, found.algebra_.dim, found.ignored_) == ("certified", 4, 3)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(-1.5, 1.5), min_size=3, max_size=3), st.integers(0, 100))
def test_units_a_thousand_times_apart_change_nothing(exponents, seed):
    scale = 10.0 ** torch.tensor(exponents, dtype=torch.float64)
    x = randn(200, 3, seed=seed)
    one = FromModel(*linear(iso.gl(3))).fit(square, x)
    other = FromModel(*linear(iso.gl(3))).fit(lambda p: square(p / scale), x * scale)
    assert (one.status_, one.algebra_.dim) == (other.status_, other.algebra_.dim) == ("certified", 3)


def test_the_sample_of_a_claim_does_not_depend_on_how_data_were_shared_out():
    x = randn(3000, 3)
    f = lambda p: square(p) + 0.05 * waves(1.0)(p)  # noqa: E731
    roads = [FromModel(*linear(iso.so(3))) for _ in range(3)]
    roads[0].partial_fit(f, x)
    roads[1].partial_fit(f, x[1500:]).partial_fit(f, x[:1500])
    roads[2].partial_fit(f, x[:1200])
    roads[2].merge(FromModel(*linear(iso.so(3))).partial_fit(f, x[1200:]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AmbiguousRankWarning)
        ladders = [dict(road.conclude(f).ladder_) for road in roads]
    assert ladders[0] == ladders[1] == ladders[2]
