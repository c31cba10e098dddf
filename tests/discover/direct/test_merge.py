"""Evidence that was gathered apart: in blocks, in estimators and in real processes."""

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

import isotropy as iso
from isotropy.core._linalg import StreamedQR
from isotropy.errors import DataError

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
import merge_processes


def estimator(size: int = 3) -> iso.discover.FromModel:
    algebra = iso.gl(size)
    return iso.discover.FromModel(algebra.vector(), algebra.scalar())


def square(x: Tensor) -> Tensor:
    return x.square().sum(1)


def points(samples: int, size: int = 3) -> Tensor:
    return torch.randn(samples, size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_two_processes_find_what_one_finds() -> None:
    answer = merge_processes.compare(processes=2, samples=2000)
    assert answer["found"] == "certified so(1,3)"
    assert answer["spectrum_difference"] < 1e-10
    assert answer["algebra_distance"] < 1e-10


@pytest.mark.parametrize("rows", [7, 64, 1000])
def test_height_of_chunks_does_not_matter(rows: int) -> None:
    whole = estimator().fit(square, points(1000))
    parts = estimator().fit(square, points(1000).split(rows))
    torch.testing.assert_close(parts.spectrum_, whole.spectrum_, rtol=0, atol=1e-12)
    assert parts.algebra_.distance(whole.algebra_) < 1e-10


def test_state_survives_a_file(tmp_path: Path) -> None:
    seen = estimator().partial_fit(square, points(300))
    torch.save(seen.state_dict(), tmp_path / "evidence.pt")
    read = estimator().merge(torch.load(tmp_path / "evidence.pt", weights_only=True))
    assert read.evidence_.samples == 300
    torch.testing.assert_close(read.conclude(square).spectrum_, seen.conclude(square).spectrum_, rtol=0, atol=1e-12)


def test_state_of_other_candidates_is_refused_whole() -> None:
    whole = estimator(3).partial_fit(square, points(300))
    with pytest.raises(DataError, match="same candidates"):
        whole.merge(estimator(4).partial_fit(square, points(300, 4)))
    assert whole.evidence_.samples == 300


def test_state_before_any_sample_asks_for_a_fit() -> None:
    with pytest.raises(iso.errors.NotFittedError):
        estimator().state_dict()


@pytest.mark.parametrize("columns", [1, 5, 300])
def test_factor_is_the_same_for_all_blocks(columns: int) -> None:
    tall = torch.randn(3000, columns, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    whole = StreamedQR(columns).update(tall).R
    assert torch.equal(whole, _streamed(tall, 17).R)
    torch.testing.assert_close(whole.T @ whole, tall.T @ tall)
    assert whole.shape == (columns, columns)


def test_reading_the_factor_midway_changes_nothing() -> None:
    tall = torch.randn(500, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    streamed = StreamedQR(4)
    for block in tall.split(50):
        streamed.update(block)
        assert len(streamed.R) == 4
    assert streamed.rows == 500
    torch.testing.assert_close(streamed.R.T @ streamed.R, tall.T @ tall)


def test_rows_that_wait_are_copies() -> None:
    block = torch.ones(3, 2, dtype=torch.float64)
    streamed = StreamedQR(2).update(block)
    block.zero_()
    assert float(streamed.R.square().sum()) == pytest.approx(6.0)


def _streamed(tall: Tensor, rows: int) -> StreamedQR:
    streamed = StreamedQR(tall.shape[1])
    for block in tall.split(rows):
        streamed.update(block)
    return streamed
