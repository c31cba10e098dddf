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
        assert all(one["rate"] < max(map(float, one["tuned"])) for one in results)
        assert all([run["seed"] for run in one["runs"]] == list(range(20)) for one in results)


def test_moves_are_not_shown_without_their_controls(table):
    with pytest.raises(ValueError, match=r"digits: expected the arms 'none' and 'reset'.*missing \['reset'\]"):
        table.controlled("digits", [{"arm": "none"}, {"arm": "grad_norm"}])


def test_a_move_that_fails_more_often_beats_nothing(table):
    good = {"runs": [{"loss": value} for value in (0.1, 0.2, 0.1, 0.2)]}
    worse = {"runs": [{"loss": 2 * one["loss"]} for one in good["runs"]]}
    arms = [{"arm": "none", **worse}, {"arm": "reset", **worse}, {"arm": "grad_norm", **good}]
    assert table.beating(arms, "loss") == ["grad_norm"]
    arms[2]["runs"] = [*good["runs"][:3], {"loss": None}]
    assert table.beating(arms, "loss") == []


def test_data_dependent_members_are_as_good_as_the_inverse_and_far_better_when_moved_far(table):
    found = json.loads((STUDY / "results" / "ensembles.json").read_text())
    ends = table.ahead(found["rows"])
    assert ends["1"][1] >= 0
    assert ends["3"][0] > 0.5
    assert min(found["rows"]["data-dependent 3"]["clean"]) > found["chance"]
    assert any(key.startswith("white") for key in found["rows"]["base"])
    assert f"Chance is {found['chance']:g}" in table.page()


def test_intervals_are_those_of_student(table):
    ours = [{"loss": value} for value in (1.0, 2.0, 4.0, None)]
    others = [{"loss": 1.0}] * 4
    low, middle, high = table.interval(ours, others, "loss")
    assert middle == pytest.approx(2.0)
    assert high / middle == pytest.approx(middle / low) == pytest.approx(math.exp(4.302653 * math.log(2) / 3**0.5))
