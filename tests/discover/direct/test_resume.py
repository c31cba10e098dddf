"""A run that was cut short goes on to the very same answer, and processes end with one answer."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

import isotropy as iso
from isotropy.discover.evidence._evidence_file import decode, encode
from isotropy.errors import DataError

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "distributed_discovery.py"


def estimator(algebra: iso.LieAlgebra | None = None) -> iso.discover.FromModel:
    candidates = iso.gl(3) if algebra is None else algebra
    return iso.discover.FromModel(candidates.vector(), candidates.scalar())


def square(x: Tensor) -> Tensor:
    return x.square().sum(1)


def chunks(rows: int = 37) -> list[Tensor]:
    x = torch.randn(500, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return list(x.split(rows))


def cut_short(parts: list[Tensor], after: int) -> Iterator[Tensor]:
    yield from parts[:after]
    raise KeyboardInterrupt


@pytest.mark.parametrize(("stop", "every"), [(1, 1), (6, 1), (7, 3), (2, 3), (13, 5)])
def test_interrupted_run_gives_the_identical_answer(tmp_path, stop, every):
    whole = estimator().fit(square, chunks(), resume=tmp_path / "whole.safetensors", every=every)
    file = tmp_path / "cut.safetensors"
    with pytest.raises(KeyboardInterrupt):
        estimator().fit(square, cut_short(chunks(), stop), resume=file, every=every)
    resumed = estimator().fit(square, chunks(), resume=file, every=every)
    assert resumed.evidence_.samples == 500
    assert torch.equal(resumed.spectrum_, whole.spectrum_)
    assert torch.equal(resumed.coefficients_, whole.coefficients_)
    assert resumed.to_dict() == whole.to_dict()
    assert file.read_bytes() == (tmp_path / "whole.safetensors").read_bytes()


def test_only_what_is_missing_is_evaluated(tmp_path, monkeypatch):
    file = tmp_path / "run.safetensors"
    with pytest.raises(KeyboardInterrupt):
        estimator().fit(square, cut_short(chunks(90), 4), resume=file)
    heights = []
    add = iso.discover.FromModel.partial_fit
    monkeypatch.setattr(
        iso.discover.FromModel, "partial_fit", lambda self, f, x: heights.append(len(x)) or add(self, f, x)
    )
    again = estimator().fit(square, chunks(90), resume=file)
    assert heights == [90, 50]
    whole = estimator().fit(square, chunks(90))
    torch.testing.assert_close(again.spectrum_, whole.spectrum_, rtol=0, atol=1e-12)


def test_chunks_that_can_skip_are_not_read(tmp_path):
    class Skipping:
        def __init__(self, parts: list[Tensor]) -> None:
            self.parts = parts

        def __iter__(self) -> Iterator[Tensor]:
            raise AssertionError("read from the start")

        def after(self, count: int) -> list[Tensor]:
            return self.parts[count:]

    file = tmp_path / "run.safetensors"
    whole = estimator().fit(square, Skipping(chunks()), resume=file)
    again = estimator().fit(square, Skipping(chunks()), resume=file)
    assert torch.equal(again.spectrum_, whole.spectrum_)


@pytest.mark.parametrize(
    ("other", "message"),
    [(iso.so(3), "fields of shape"), (iso.gl(4), "fields of shape"), (None, "other generators of the same size")],
)
def test_other_candidates_are_refused(tmp_path, other, message):
    file = tmp_path / "run.safetensors"
    estimator().fit(square, chunks(), resume=file)
    before = file.read_bytes()
    algebra = iso.LieAlgebra(iso.gl(3).basis.flip(0)) if other is None else other
    with pytest.raises(DataError, match=message):
        estimator(algebra).fit(square, chunks(), resume=file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_other_files_are_refused(tmp_path, content):
    file = tmp_path / "run.safetensors"
    file.write_bytes(content)
    with pytest.raises(DataError, match="evidence saved by this library"):
        estimator().fit(square, chunks(), resume=file)


def test_settings_are_checked(tmp_path):
    with pytest.raises(DataError, match=r"ending in \.safetensors"):
        estimator().fit(square, chunks(), resume=tmp_path / "run.pt")
    with pytest.raises(DataError, match="received 0"):
        estimator().fit(square, chunks(), resume=tmp_path / "run.safetensors", every=0)
    estimator().fit(square, chunks(), resume=tmp_path / "run.safetensors")
    with pytest.raises(DataError, match="at most 2 chunks"):
        estimator().fit(square, chunks()[:2], resume=tmp_path / "run.safetensors")


def test_bytes_keep_every_number():
    found = estimator().partial_fit(square, chunks()[0])
    state, header = decode(encode(found.state_dict(), found.rho_in, found.rho_out, chunks=3), "", *actions(found))
    assert header["chunks"] == 3
    expected = found.state_dict()
    assert state.keys() == expected.keys()
    for name, part in expected.items():
        assert torch.equal(state[name], part) if isinstance(part, Tensor) else state[name] == part


def actions(found: iso.discover.FromModel) -> tuple[iso.Action, iso.Action]:
    return found.rho_in, found.rho_out


def test_gather_needs_a_process_group():
    with pytest.raises(DataError, match="init_process_group"):
        iso.discover.gather(estimator())


@pytest.mark.parametrize("samples", [20000, 5000])  # of 5000, one process has none
def test_two_processes_end_with_one_answer(tmp_path, samples):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    source = str(Path(iso.__file__).parents[1])
    finished = subprocess.run(
        [*command, str(BENCHMARK), "--samples", str(samples), "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": source},
    )
    assert finished.returncode == 0, finished.stderr
    answer = json.loads(finished.stdout)
    assert answer["processes"] == 2
    assert answer["samples"] == samples
    assert answer["found"] == "certified so(1,3)"
    assert answer["difference_between_processes"] == 0
    assert answer["spectrum_difference"] < 1e-10
    assert answer["algebra_distance"] < 1e-10
    assert list(tmp_path.iterdir()) == []
