"""Tables on the command line that were once answered falsely, and the numbers that every answer carries."""

import json
from pathlib import Path

import numpy as np
import pytest

from .command_files import write_csv


def answer():
    return json.loads(Path("o/symmetry.json").read_text())


def asked(command, columns, data, words):
    write_csv(Path("d.csv"), columns, data)
    done = command(*f"discover d.csv {words} --out o".split())
    assert done.code in (0, 1), done.err
    return answer()


@pytest.mark.parametrize("seed", [2, 4])
def test_a_noisy_table_depends_on_both_columns(command, folder, seed):
    draw = np.random.default_rng(seed)
    x = draw.uniform(-1, 1, (800, 2))
    y = x[:, 0] + 0.6 * x[:, 0] * x[:, 1] - 0.5 * x[:, 1] ** 2
    data = np.c_[x, y + 0.4 * y.std() * draw.standard_normal(800)]
    found = asked(command, ["x0", "x1", "y"], data, "--x x0,x1 --y y")
    assert found["status"] == "none"


def test_readings_far_from_the_origin_keep_no_matrix(command, folder):
    """Temperature, humidity and pressure, narrow beside their means, so that anything is nearly linear there."""
    draw = np.random.default_rng(3)
    warm, wet, press = 25 + 2 * draw.normal(size=400), 50 + 4 * draw.normal(size=400), 1013 + 6 * draw.normal(size=400)
    vapour = 6.1 * np.exp(17.3 * warm / (237 + warm)) * wet / 100 * (1 + 0.02 * np.sin((press - 1000) / 5))
    data = np.c_[warm, wet, press, vapour + 0.05 * draw.normal(size=400)]
    found = asked(command, ["t", "h", "p", "v"], data, "--x t,h,p --y v")
    assert found["status"] != "certified"


def test_a_small_break_is_told_with_its_interval(command, folder):
    draw = np.random.default_rng(0)
    x = draw.uniform(-1, 1, (400, 2))
    y = (x**2).sum(1) + 0.02 * x[:, 0] + 0.002 * draw.standard_normal(400)
    found = asked(command, ["x", "y", "f"], np.c_[x, y], "--x x,y --y f")
    (one,) = found["generators"]
    assert found["status"] == "certified" and one["grade"] == "approximate"
    assert 0 < one["lower"] < one["error"] < one["upper"] <= 0.05
