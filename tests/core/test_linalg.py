"""Streamed QR, cuts of spectra, angles between subspaces and readable bases."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isotropy.core import bars
from isotropy.core._linalg import (
    StreamedQR,
    cut_spectrum,
    numerical_rank,
    orthonormal_rows,
    principal_angles,
    sparse_rows,
)
from isotropy.errors import DataError

quick = settings(deadline=None, max_examples=30, derandomize=True)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# -- streamed QR -------------------------------------------------------------------------------------------------


@quick
@given(
    columns=st.integers(1, 6),
    chunks=st.lists(st.integers(0, 15), min_size=1, max_size=8),
    seed=st.integers(0, 10_000),
    data=st.data(),
)
def test_any_chunking_and_any_order_of_merging_equal_one_qr(columns, chunks, seed, data):
    tall = randn(sum(chunks), columns, seed=seed)
    parts = [StreamedQR(columns).update(block) for block in tall.split(chunks)]
    while len(parts) > 1:
        first, second = data.draw(st.permutations(range(len(parts))))[:2]
        parts[first].merge(parts[second])
        del parts[second]
    streamed, whole = parts[0], StreamedQR(columns).update(tall)
    assert streamed.rows == whole.rows == len(tall)
    assert torch.allclose(streamed.R.T @ streamed.R, tall.T @ tall, atol=1e-11)
    if len(tall) >= columns:
        assert torch.allclose(streamed.R.abs(), torch.linalg.qr(tall, mode="r").R.abs(), atol=1e-8)


def test_memory_stays_columns_by_columns():
    streamed = StreamedQR(4)
    for seed in range(50):
        streamed.update(randn(100, 4, seed=seed))
        assert streamed.R.shape == (4, 4)
    assert streamed.rows == 5000


def test_merged_leaves_its_parts_alone():
    parts = [StreamedQR(3).update(randn(5, 3, seed=s)) for s in range(3)]
    before = [part.R.clone() for part in parts]
    total = StreamedQR.merged(parts)
    assert total.rows == 15
    assert all(torch.equal(part.R, old) for part, old in zip(parts, before, strict=True))


def test_the_condition_number_is_not_squared():
    scales = torch.tensor([1.0, 1.0, 1e-10], dtype=torch.float64)
    tall = randn(200, 3) * scales @ torch.linalg.qr(randn(3, 3, seed=1)).Q
    streamed = StreamedQR(3)
    for block in tall.split(17):
        streamed.update(block)
    exact = torch.linalg.svdvals(tall)[-1]
    assert abs(torch.linalg.svdvals(streamed.R)[-1] - exact) < 1e-3 * exact
    gram = torch.linalg.eigvalsh(tall.T @ tall)[0].abs().sqrt()
    assert abs(gram - exact) > exact


def test_float32_rows_keep_their_null_space_where_a_gram_matrix_loses_it():
    x = randn(200, 5).float()
    rows = (2 * x[:, :, None] * x[:, None, :]).flatten(1)  # of |x|^2 in gl(5): 10 null directions of so(5)
    streamed = torch.linalg.svdvals(StreamedQR(25).update(rows).R)
    squared = torch.linalg.eigvalsh(rows.T @ rows).abs().sqrt()
    assert streamed[15] / streamed[0] < 1e-6 < 1e-5 < squared[:10].max() / squared.max()


@pytest.mark.parametrize("block", [torch.zeros(3), torch.zeros(2, 4), torch.zeros(2, 3, 1)])
def test_a_block_of_another_width_is_refused(block):
    with pytest.raises(DataError, match=r"expected shape \(rows, 3\)"):
        StreamedQR(3).update(block)


# -- cuts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "dim", "residual"),
    [
        ([0.8, 0.5, 0.0, 0.0], 2, 0.0),  # exact zeros
        ([0.8, 0.5, 0.01, 0.008], 2, 0.01),  # noise
        ([0.8, 0.011, 1e-15, 1e-16], 2, 1e-15),  # a small broken value is not zero
        ([0.6, 0.4, 0.25, 0.15, 0.1], 0, 0.0),  # nothing stands out
        ([0.9, 0.8, 0.7], 0, 0.0),  # all broken
        ([0.0, 0.0, 0.0], 3, 0.0),  # all kernel
        ([1e-16, 1e-17], 2, 1e-16),
    ],
)
def test_largest_gap(values, dim, residual):
    cut = cut_spectrum(torch.tensor(values, dtype=torch.float64))
    assert (cut.dim, cut.residual) == (dim, residual)
    assert cut.clear == (cut.gap >= bars.MIN_GAP)


def test_an_empty_spectrum_has_no_kernel():
    assert cut_spectrum(torch.zeros(0)).dim == 0


def test_gap_is_the_ratio_across_the_cut():
    assert cut_spectrum(torch.tensor([0.8, 0.5, 0.01, 0.008], dtype=torch.float64)).gap == pytest.approx(50.0)


def test_gap_is_taken_above_the_floor():
    cut = cut_spectrum(torch.tensor([0.5, 0.0], dtype=torch.float64), floor=1e-3)
    assert (cut.gap, cut.floor) == (pytest.approx(500.0), 1e-3)


def test_the_floor_hides_gaps_among_rounding():
    values = torch.tensor([0.5, 1e-7, 0.0], dtype=torch.float64)
    assert cut_spectrum(values).dim == 1
    assert cut_spectrum(values, floor=1e-6).dim == 2


def test_the_tolerance_bounds_what_counts_as_zero():
    values = torch.tensor([0.95, 0.3, 0.29], dtype=torch.float64)
    assert cut_spectrum(values).dim == 0
    assert cut_spectrum(values, tolerance=0.4).dim == 2


@pytest.mark.parametrize("dim", range(5))
def test_a_given_dimension_is_kept(dim):
    cut = cut_spectrum(torch.tensor([0.8, 0.5, 0.3, 0.0], dtype=torch.float64), rank=dim)
    assert cut.dim == dim
    assert cut.residual == ([0.0, 0.0, 0.3, 0.5, 0.8][dim])


@pytest.mark.parametrize(("threshold", "dim"), [(0.1, 1), (0.3, 2), (0.6, 3), (1.0, 4), (0.0, 1)])
def test_a_given_threshold_counts(threshold, dim):
    assert cut_spectrum(torch.tensor([0.8, 0.5, 0.3, 0.0], dtype=torch.float64), rank=threshold).dim == dim


@pytest.mark.parametrize("rank", ["elbow", -1, -0.1, True, 5])
def test_ranks_that_make_no_sense_are_refused(rank):
    with pytest.raises(DataError, match="rank: expected"):
        cut_spectrum(torch.ones(3), rank=rank)


@quick
@given(
    broken=st.lists(st.floats(0.1, 1.0), max_size=6),
    kernel=st.lists(st.floats(0.0, 1e-9), min_size=1, max_size=6),
)
def test_a_clean_gap_is_always_found(broken, kernel):
    values = torch.tensor(sorted(broken + kernel, reverse=True), dtype=torch.float64)
    cut = cut_spectrum(values, floor=1e-8)
    assert cut.dim == len(kernel)
    assert cut.clear


# -- angles ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-8, 1e-3, 0.5, 1.0, math.pi / 2 - 1e-9, math.pi / 2])
def test_principal_angles_are_accurate_at_both_ends(angle):
    frame = torch.linalg.qr(randn(6, 6)).Q
    turned = math.cos(angle) * frame[1] + math.sin(angle) * frame[2]
    first = randn(2, 2, seed=1) @ frame[:2]
    second = randn(2, 2, seed=2) @ torch.stack([frame[0], turned])
    angles = principal_angles(first, second)
    assert torch.allclose(angles, torch.tensor([0.0, angle], dtype=torch.float64), rtol=0, atol=2e-15 * 10)


def test_principal_angles_between_different_dimensions():
    line, plane = torch.tensor([[1.0, 0.0, 1.0]]), torch.eye(3)[:2]
    assert float(principal_angles(line, plane)) == pytest.approx(math.pi / 4, abs=1e-14)
    assert torch.equal(principal_angles(line, plane), principal_angles(plane, line))


# -- bases -------------------------------------------------------------------------------------------------------


@quick
@given(seed=st.integers(0, 10_000), count=st.integers(1, 5))
def test_sparse_rows_recover_a_planted_basis(seed, count):
    generator = torch.Generator().manual_seed(seed)
    owner = torch.cat([torch.arange(count), torch.randint(count, (7,), generator=generator)])
    planted = torch.zeros(count, len(owner), dtype=torch.float64)
    planted[owner, torch.arange(len(owner))] = 0.2 + 0.8 * randn(len(owner), seed=seed).sign() * 0.5
    planted = planted / planted.abs().amax(1, keepdim=True)
    mixed = orthonormal_rows(randn(count, count, seed=seed + 1)) @ planted
    found = sparse_rows(mixed)
    for row in planted:
        errors = torch.minimum((found - row).norm(dim=1), (found + row).norm(dim=1))
        assert errors.min() < 1e-9


def test_sparse_rows_write_a_rotation_with_its_first_coordinate_positive():
    so2 = torch.tensor([[0.0, -1.0, 1.0, 0.0]], dtype=torch.float64) / math.sqrt(2)
    assert torch.equal(sparse_rows(-so2), torch.tensor([[0.0, -1.0, 1.0, 0.0]], dtype=torch.float64))


def test_orthonormal_rows_span_the_same_space():
    rows = randn(3, 7)
    basis = orthonormal_rows(rows)
    assert torch.allclose(basis @ basis.T, torch.eye(3, dtype=torch.float64), atol=1e-14)
    assert float(principal_angles(rows, basis).max()) < 1e-13


@pytest.mark.parametrize("rank", range(4))
def test_numerical_rank(rank):
    assert numerical_rank(randn(5, rank) @ randn(rank, 4, seed=1)) == rank


@pytest.mark.parametrize(("sizes", "rank"), [([2.0, 1e-3, 1.0], 3), ([1.0, 1e-11, 0.0], 1), ([0.0, 0.0, 0.0], 0)])
def test_the_rank_of_rows_that_share_no_column(sizes, rank):
    rows = torch.diag(torch.tensor(sizes)).double().repeat_interleave(2, dim=1)
    assert numerical_rank(rows) == rank
    mixed = torch.linalg.qr(randn(3, 3))[0] @ rows  # the same singular values
    assert numerical_rank(mixed) == rank
