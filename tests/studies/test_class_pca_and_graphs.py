"""Tasks of two parts of the study, and the tables of their results."""

import json
from pathlib import Path

import pytest
import torch
from studies.lconv_gcn_pca import class_pca, graphs

RESULTS = Path(graphs.__file__).with_name("results")


@pytest.fixture(autouse=True)
def random_state():
    """The networks of the study start from torch's own random state; leave it as it was."""
    with torch.random.fork_rng():
        yield


def test_a_task_does_again_what_stands_in_the_results():
    kept = json.loads((RESULTS / "class_pca.json").read_text())
    found = class_pca.tasks()["digits|few_samples|0"]()
    for count, scores in found.items():
        assert scores == pytest.approx(kept["digits|few_samples|0"][count], abs=0.02)


@pytest.mark.slow
def test_a_task_on_graphs_does_again_what_stands_in_the_results():
    kept = json.loads((RESULTS / "graphs.json").read_text())
    found = graphs.tasks()["least_squares|0"]()
    assert found["M2 A"]["1"] == pytest.approx(kept["least_squares|0"]["M2 A"]["1"], rel=1e-6)


@pytest.mark.parametrize("part", [class_pca, graphs])
def test_the_results_are_whole_and_make_a_table(part):
    kept = json.loads((RESULTS / f"{part.__name__.rpartition('.')[2]}.json").read_text())
    assert set(part.tasks()) <= set(kept)
    text = part.table(kept)
    assert "nan" not in text
    assert all(line.count("|") >= 3 for line in text.splitlines() if line.startswith("|"))


def test_the_targets_of_the_study_are_met():
    kept = json.loads((RESULTS / "class_pca.json").read_text())

    def mean(part, pick):
        return sum(pick(kept[f"digits|{part}|{seed}"]) for seed in range(10)) / 10

    assert mean("frozen_dense", lambda cell: cell["40 class, lam 1"]) >= 0.965
    assert mean("frozen_convolutions", lambda cell: cell["2 class, lam 1"]) >= 0.985
    assert mean("first_epochs", lambda cell: cell["class, lam 1"][0] - cell["default"][0]) >= 0.05
    kept = json.loads((RESULTS / "graphs.json").read_text())
    assert sum(kept[f"swapped|{seed}"]["depth 3"] for seed in range(10)) / 10 >= 0.88
    assert sum(kept[f"configuration|{seed}"]["depth 4"] for seed in range(10)) / 10 >= 0.83
