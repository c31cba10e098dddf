"""The streaming benchmark runs, agrees with the library and says what it should."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "stream_discovery.py"
KEYS = {"samples", "fit_seconds", "bare_seconds", "ratio", "samples_per_second", "peak_kib_tenth", "peak_kib"}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux")
def test_quick_run() -> None:
    finished = subprocess.run(
        [sys.executable, str(FILE), "--samples", "100000"], capture_output=True, text=True, check=True
    )
    answer = json.loads(finished.stdout)
    assert answer.keys() >= KEYS
    assert answer["found"] == "certified so(8)"
    assert math.isfinite(answer["ratio"])
    assert answer["ratio"] > 0
    assert 0.5 < answer["memory_ratio"] < 1.5
