"""The benchmark of teleports runs at small widths and says what it should."""

import json
import subprocess
import sys
from pathlib import Path

FILE = Path(__file__).parents[2] / "benchmarks" / "teleport_cost.py"


def test_quick_run() -> None:
    sizes = ["--width", "32", "--decoder-width", "32", "--batch", "32", "--rounds", "1"]
    finished = subprocess.run([sys.executable, str(FILE), *sizes], capture_output=True, text=True, check=True)
    answer = json.loads(finished.stdout)
    perceptron, decoder = answer["results"]
    assert perceptron["dimension"] == perceptron["scales"] == 96
    assert decoder["dimension"] == 4 * (2 * (4 + 16) + 96 + 64) + 32
    for result in answer["results"]:
        assert result["teleport_accepted"]
        assert result["loss_change"] < 1e-5
        assert set(result["in_gradients"]) == set(answer["targets"])
