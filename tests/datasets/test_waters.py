"""Bundled clusters of water."""

import gzip

import numpy as np
import pytest
from studies.bundled_data import make_waters

from isotropy import datasets
from isotropy.datasets.bundled._waters import CLUSTERS


def test_clusters_and_their_references():
    pytest.importorskip("ase", reason="structures need isotropy[atoms]")
    frames = datasets.waters()
    assert len(frames) == make_waters.COUNT * make_waters.FRAMES
    assert CLUSTERS.stat().st_size < 300_000
    read = pytest.importorskip("ase.io").read(CLUSTERS, "7", format="extxyz")
    assert np.array_equal(read.positions, frames[7].positions)
    assert np.array_equal(read.get_forces(), frames[7].get_forces())
    assert read.get_potential_energy() == frames[7].get_potential_energy()
    for one in frames[::97]:
        assert len(one) == 3 * make_waters.SIZES[one.info["run"] % 8]
        assert np.abs(one.get_forces().sum(0)).max() < 2e-4  # of rounding
        assert one.get_potential_energy() < -130
    assert {one.info["run"] for one in datasets.waters(range(3, 5))} == {3, 4}


def test_a_finished_run_is_kept(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(make_waters, "sample", lambda molecules, seed: asked.append((molecules, seed)) or f"{seed}\n")
    runs, out = tmp_path / "runs", tmp_path / "waters.xyz.gz"
    words = ["--runs", str(runs), "--out", str(out), "--count", "3"]
    assert make_waters.main(words) == 0
    (runs / "001.xyz").unlink()
    first = out.read_bytes()
    assert make_waters.main(words) == 0
    assert asked == [(1, 0), (2, 1), (2, 2), (2, 1)]
    assert out.read_bytes() == first
    assert gzip.decompress(first) == b"0\n1\n2\n"


def test_references_are_those_of_the_method():
    pytest.importorskip("tblite.ase", reason="needs isotropy[atoms]")
    frame = datasets.waters(range(1, 2))[7]
    copy = frame.copy()
    copy.calc = make_waters.load_method()
    assert copy.get_potential_energy() == pytest.approx(frame.get_potential_energy(), abs=1e-4)
    assert copy.get_forces() == pytest.approx(frame.get_forces(), abs=2e-3)
