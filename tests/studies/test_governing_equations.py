"""The study of governing equations: one run of the small settings here."""

import json

import pytest
import torch
from studies.governing_equations import choice, run, systems, table


@pytest.fixture(autouse=True)
def threads():
    """The study sets one thread; give the others back."""
    count = torch.get_num_threads()
    yield
    torch.set_num_threads(count)


def test_study_writes_one_file_for_each_setting_and_skips_finished_ones(tmp_path):
    arguments = ["--runs", "1", "--only", "growth", "--out", str(tmp_path), "--no-page"]
    assert run.main(arguments) == 0
    first = {path.name: path.read_text() for path in tmp_path.glob("*.json")}
    assert sorted(first) == ["growth_10.json", "growth_100.json", "growth_3.json", "growth_three_terms_3.json"]
    assert run.main(arguments) == 0
    assert {path.name: path.read_text() for path in tmp_path.glob("*.json")} == first
    found = json.loads(first["growth_3.json"])["methods"]
    assert found["weak, symmetric"][0]["exact"] == [True, True]
    assert found["weak, symmetric"][0]["rmse"] < 0.05


def test_page_comes_from_the_files(tmp_path):
    runs = [{"seconds": 0.1, "exact": [True, exact], "rmse": 0.25} for exact in (True, False)]
    methods = {"weak, free": runs, "derivative, free, 0.1": runs[:1], "derivative, free, 0.2": runs[1:]}
    content = {"name": "growth", "trajectories": 3, "first_seed": 0, "methods": methods}
    (tmp_path / "growth_3.json").write_text(json.dumps(content))
    (tmp_path / "choice").mkdir()
    answers = {"name": "growth, 3", "first_seed": 0, "seconds": 3.0, "runs": [{"right": True}, {"right": False}]}
    (tmp_path / "choice" / "growth_3.json").write_text(json.dumps(answers))
    table.write_page(tmp_path, tmp_path / "page.md")
    assert "| growth, 3 | right | 2, 0 | 1/2 | 1.5 |" in (tmp_path / "page.md").read_text()
    lines = [line for line in (tmp_path / "page.md").read_text().splitlines() if line.startswith("| growth |")]
    assert lines == [
        "| growth | 3 | 2, 0 | weak, free | 1/2 | 0.25 | 0.25 | 0.25 | 0.1 |",
        "| growth | 3 | 1, 0 | derivative, free, 0.1 | 1/1 | 0.25 | 0.25 | 0.25 | 0.1 |",
    ]


def test_an_inexact_generator_keeps_the_true_terms(tmp_path):
    arguments = ["--runs", "5", "--only", "growth, 3, inexact", "--out", str(tmp_path), "--no-page"]
    assert choice.main(arguments) == 0
    stored = json.loads((tmp_path / "growth_3_inexact.json").read_text())
    assert all(all(run.values()) for run in stored["runs"]) and len(stored["runs"]) == 5


def test_truth_obeys_the_symmetry():
    from isotropy.dynamics import equivariant_fields

    for setting in systems.settings():
        if setting.symmetry is not None:
            basis = equivariant_fields(setting.dictionary, setting.symmetry).coefficients.flatten(1)
            flat = setting.truth.flatten()
            torch.testing.assert_close(basis.T @ (basis @ flat), flat, atol=1e-10, rtol=0)
