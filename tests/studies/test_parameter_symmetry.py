"""The page of the study follows from its results, and these say what the page says."""

import importlib.util
import json
import math
from pathlib import Path

import pytest

STUDY = Path(__file__).parents[2] / "studies" / "parameter_symmetry"


@pytest.fixture(scope="module")
def table():
    spec = importlib.util.spec_from_file_location("parameter_symmetry_table", STUDY / "table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_the_one_of_the_results(table):
    assert table.PAGE.read_text(encoding="utf-8") == table.page()


def test_teleports_keep_the_loss_and_their_cap():
    caps = json.loads((STUDY / "results" / "safety.json").read_text())["caps"]
    for cap, found in caps.items():
        assert found["largest change"] <= 1e-12
        assert found["largest ratio"] <= float(cap) * (1 + 1e-9)
        assert (found["not finite"], found["accepted"]) == (0, 100)


def test_plain_descent_is_the_published_one(table):
    rows = json.loads((STUDY / "results" / "regression.json").read_text())["rows"]
    published = [746, 609.3, 507.7, 280.7, 22.44, 6.345, 1.932]
    assert rows["GD 0.0001 none"] == pytest.approx(published, rel=1e-3)


def test_every_arm_has_its_controls_and_seeds(table):
    for results in table.by_task().values():
        assert sorted(one["arm"] for one in results) == sorted(table.ORDER)
        assert all([run["seed"] for run in one["runs"]] == list(range(20)) for one in results)


def test_intervals_are_those_of_student(table):
    ours = [{"loss": value} for value in (1.0, 2.0, 4.0, None)]
    others = [{"loss": 1.0}] * 4
    low, middle, high = table.interval(ours, others, "loss")
    assert middle == pytest.approx(2.0)
    assert high / middle == pytest.approx(middle / low) == pytest.approx(math.exp(4.302653 * math.log(2) / 3**0.5))
