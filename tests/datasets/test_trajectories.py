"""Tables become points, pairs and trajectories without losing a row."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isotropy.datasets import Table, points, supervised, trajectories


def test_supervised_keeps_rows_and_names():
    table = Table({"x": np.arange(8.0).reshape(4, 2), "f": np.arange(4)}, "here")
    data = supervised(table, "x", "f")
    assert (data.x_names, data.y_names) == (("x0", "x1"), ("f",))
    assert data.x.dtype == data.y.dtype == torch.float64
    assert torch.equal(data.y, torch.arange(4.0, dtype=torch.float64)[:, None])


def test_points_have_no_values_and_may_be_constant():
    data = points(Table({"x": np.ones((3, 2))}, "here"), "x")
    assert data.y is None and data.y_names == ()
    assert data.x.shape == (3, 2)


@settings(max_examples=40, deadline=None)
@given(lengths=st.lists(st.integers(5, 9), min_size=1, max_size=4), seed=st.integers(0, 99), words=st.booleans())
def test_interleaved_trajectories_are_put_together(lengths, seed, words):
    draw = np.random.default_rng(seed)
    labels = draw.permutation(np.repeat(np.arange(len(lengths)), lengths))
    clock = np.zeros(len(labels))
    for label, length in enumerate(lengths):
        clock[labels == label] = np.sort(draw.choice(1000, length, replace=False))
    state = draw.normal(size=(len(labels), 2))
    column = np.array([f"run {label}" for label in labels], dtype=object) if words else labels
    data = trajectories(Table({"t": clock, "s": state, "run": column}, "here"), "t", "s", "run")
    assert sorted(data.labels) == sorted({str(label) for label in column})
    for label, block, times in zip(data.labels, data.states, data.times, strict=True):
        chosen = np.array([str(value) == label for value in column])
        np.testing.assert_array_equal(block, state[chosen])
        np.testing.assert_array_equal(times, clock[chosen])


@pytest.mark.parametrize("shared", [True, False])
def test_stack_equals_long_table(shared):
    draw = np.random.default_rng(3)
    cube, ticks = draw.normal(size=(3, 7, 2)), np.cumsum(draw.uniform(0.1, 1, size=(3, 7)), axis=1)
    ticks = np.tile(ticks[0], (3, 1)) if shared else ticks
    stack = Table({"t": ticks[0] if shared else ticks, "s": cube, "run": np.array([4, 2, 9])}, "here")
    long = Table({"t": ticks.ravel(), "s": cube.reshape(21, 2), "run": np.repeat([4, 2, 9], 7)}, "here")
    first, second = trajectories(stack, "t", "s", "run"), trajectories(long, "t", "s", "run")
    assert first.labels == second.labels == ("4", "2", "9")
    assert first.names == second.names == ("s0", "s1")
    for a, b in zip(first.states + first.times, second.states + second.times, strict=True):
        assert torch.equal(a, b)


def test_row_of_a_repeated_time_is_that_of_the_file():
    clock = np.array([0.0, 0, 1, 1, 2, 2, 3, 3, 4, 3])
    table = Table({"t": clock, "s": clock**2, "run": np.tile(["a", "b"], 5)}, "here")
    with pytest.raises(ValueError, match="received 3 after 3 in data row 10 of trajectory 'b'; sort or repair"):
        trajectories(table, "t", "s", "run")
