"""Operators on space times matrices on channels."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isotropy.errors import DataError, RepresentationMismatchError
from isotropy.nn.lconv._propagate import (
    grid_neighbours,
    mix_channels,
    propagate_dense,
    propagate_low_rank,
    propagate_sparse,
)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=20, deadline=None)
@given(axis=st.integers(-3, 2), count=st.integers(1, 3), size=st.integers(2, 5))
def test_every_kind_agrees_with_dense_along_any_axis(axis, count, size):
    shape = [2, 3, 4]
    shape[axis] = size
    x, left, right = draw(*shape), draw(count, 6, 2, seed=1), draw(count, 2, size, seed=2)
    matrices = left @ right
    expected = torch.stack([torch.tensordot(x, m, dims=([axis], [1])).movedim(-1, axis) for m in matrices])
    rows, columns = torch.cartesian_prod(torch.arange(6), torch.arange(size)).T
    for moved in (
        propagate_dense(matrices, x, axis),
        propagate_low_rank(left, right, x, axis),
        propagate_sparse(rows, columns, matrices.flatten(1), x, 6, axis),
    ):
        assert moved.shape == expected.shape
        assert (moved - expected).abs().max() < 1e-12


def test_equal_places_add_up_and_lonely_points_get_zero():
    moved = propagate_sparse(torch.tensor([0, 0]), torch.tensor([1, 1]), torch.ones(1, 2), torch.ones(3, 2), axis=0)
    assert moved[0].tolist() == [[2.0, 2.0], [0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("axis", [-1, -2, 1])
def test_channels_mix_along_any_axis(axis):
    moved, weight = draw(2, 3, 3), draw(2, 5, 3, seed=1)
    expected = sum(torch.tensordot(m, w, dims=([axis - (axis > 0)], [1])) for m, w in zip(moved, weight, strict=True))
    assert (mix_channels(moved, weight, axis) - expected.movedim(-1, axis - (axis > 0))).abs().max() < 1e-12


def test_neighbours_of_a_grid_are_convolutions():
    x, kernel = draw(1, 1, 4, 5), draw(3, 3, seed=1)
    rows, columns = grid_neighbours((4, 5), 1)
    steps = (columns // 5 - rows // 5 + 1) * 3 + columns % 5 - rows % 5 + 1
    moved = propagate_sparse(rows, columns, kernel.flatten()[steps][None], x.flatten(2))
    expected = torch.nn.functional.conv2d(x, kernel[None, None], padding=1)
    assert (moved[0].reshape(4, 5) - expected[0, 0]).abs().max() < 1e-12


def test_closed_grids_wrap():
    rows, columns = grid_neighbours((3, 2), [(1, 0)], circular=True)
    assert columns.tolist() == [2, 3, 4, 5, 0, 1]
    assert rows.tolist() == [0, 1, 2, 3, 4, 5]


def test_wrong_sizes_are_refused():
    with pytest.raises(RepresentationMismatchError, match="expected 3 points"):
        propagate_dense(torch.ones(1, 2, 3), torch.ones(4))
    with pytest.raises(RepresentationMismatchError, match="expected 3 points"):
        propagate_low_rank(torch.ones(1, 2, 1), torch.ones(1, 1, 3), torch.ones(4))
    with pytest.raises(DataError, match="one per axis"):
        grid_neighbours((3, 3), [(1,)])
