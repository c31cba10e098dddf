"""The study of the unified framework: the page follows from its runs, and small runs come out as they stand there."""

import importlib
import json
import sys
from pathlib import Path

import pytest
import torch

STUDY = Path(__file__).parents[2] / "studies" / "unified_framework"
PARTS = ("networks", "page", "recovery", "run")


@pytest.fixture
def study(monkeypatch):
    """The script of the study, which finds its parts beside it."""
    for name in PARTS:  # other scripts have parts of the same name
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(STUDY))
    with torch.random.fork_rng():
        yield importlib.import_module("run")
    for name in PARTS:
        sys.modules.pop(name, None)


def is_later(run, recovery):
    """Whether a seed was added after the results were written."""
    parts = recovery.get(run["label"], {})
    method = "reweighted" if run.get("rounds") else run["measure"]
    return method not in parts or run["seed"] >= parts[method]["runs"]


def test_results_and_page_are_those_of_the_runs(study):
    results = json.loads(study.RESULTS.read_text())
    runs = [run for run in study.read_runs() if run["kind"] == "network" or not is_later(run, results["recovery"])]
    assert study.summarize(runs, study.published(None)) == results
    assert study.PAGE.read_text(encoding="utf-8") == study.write_page(results)


def test_a_recovery_comes_out_as_it_stands_in_the_runs(study):
    kept = next(run for run in study.read_runs() if run["name"] == "recovery T(5) ortho d2 r1 cube seed 0")
    found = study.recover(study.Case("T", 5, "ortho", 2, 1, "cube"), 0)
    assert (found["samples"], found["library"]) == (kept["samples"], kept["library"]) == (7, 21)
    assert found["worst_gap"] < 1e-5


def test_runs_are_written_once(study, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "RUNS", tmp_path / "runs.jsonl")
    monkeypatch.setattr(study, "train", lambda case, seed: {"seed": seed, "weight": case.weight})
    task = ("network", study.Training(0.0, 0.1), 3)
    study.run([task])
    study.run([task])
    assert study.read_runs() == [
        {"name": study.name_of(task), "kind": "network", "label": task[1].label, "seed": 3, "weight": 0.1}
    ]


def test_a_few_steps_train_the_network_and_read_its_penalty(study):
    networks = importlib.import_module("networks")
    found = networks.train(study.Training(0.5, 0.1), 0, steps=3)
    assert found["dimension"] in range(4)
    assert len(found["relative"]) == 3
    assert 0 < found["test_error"] < 10
