"""The network benchmark compares networks of equal size that are both equivariant."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "equivariant_network.py"


def test_quick_run() -> None:
    pytest.importorskip("e3nn", reason="the peer of this benchmark (extra `peers`)")
    numbers = ["--hidden", "4", "--layers", "2", "--batch", "16", "--repeats", "4"]
    finished = subprocess.run([sys.executable, str(FILE), *numbers], capture_output=True, text=True, check=True)
    (row,) = json.loads(finished.stdout)["rows"]
    assert row["peer"] == "e3nn"
    assert row["parameters"]["isotropy"] == row["parameters"]["e3nn"]
    assert max(row["equivariance_error"].values()) < 1e-4
    assert row["forward_and_backward"]["peer_takes_times"] > 0
