"""The grid of SymCert: few runs here."""

import json

import pytest
import torch
from studies.claims import hidden_terms, symcert, symcert_table


@pytest.fixture(autouse=True)
def threads():
    """The study sets one thread; give the others back."""
    count = torch.get_num_threads()
    yield
    torch.set_num_threads(count)


@pytest.mark.parametrize(
    ("name", "least"),
    [("Van der Pol", 0.2483), ("Lotka-Volterra", 0.2713), ("Duffing", 0.2861), ("asymmetric top", 0.2063)],
)
def test_least_true_defects_are_the_published_ones(name, least):
    lie, chance = symcert.true_forms(symcert.SYSTEMS[name])
    half = torch.linalg.inv(torch.linalg.cholesky(chance))
    assert float(torch.linalg.eigvalsh(half @ lie @ half.T)[0].sqrt()) == pytest.approx(least, abs=6e-5)


@pytest.mark.parametrize("name", symcert.SYMMETRIC)
def test_true_symmetries_have_the_stated_dimension(name):
    lie, chance = symcert.true_forms(symcert.SYSTEMS[name])
    half = torch.linalg.inv(torch.linalg.cholesky(chance))
    defects = torch.linalg.eigvalsh(half @ lie @ half.T).clamp_min(0).sqrt()
    assert int((defects < 1e-6).sum()) == symcert.SYSTEMS[name].symmetries
    assert float(defects[symcert.SYSTEMS[name].symmetries]) > 0.5


def test_defect_of_a_span_is_that_of_its_worst_member():
    eye = torch.eye(6, dtype=torch.float64)  # of the rotation: x d/dx alone does not commute with it
    turn, system = (eye[1] - eye[2])[None], symcert.SYSTEMS["rotation"]
    assert symcert.true_defect(system, turn) < 1e-6
    assert symcert.true_defect(system, eye[:1]) == pytest.approx(1.0)
    assert symcert.true_defect(system, torch.cat([turn, eye[:1]])) >= 1.0 - 1e-9
    assert symcert.true_defect(system, eye[:0]) == 0.0


def test_runs_are_shared_resumed_and_told(tmp_path):
    arguments = ["--out", str(tmp_path), "--runs", "1", "--first-seed", "10000", "--only", "|400|0.03|"]
    assert symcert.main([*arguments, "--shard", "0/2"]) == 0
    assert symcert.main([*arguments, "--shard", "1/2"]) == 0
    files = sorted(tmp_path.glob("*.jsonl"))
    lines = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    assert {line["system"] for line in lines} == set(symcert.SYSTEMS) and len(lines) == 10
    assert not any(line["false"] for line in lines)
    assert all(line["status"] == "none" for line in lines if line["system"] not in symcert.SYMMETRIC)
    before = [path.read_text() for path in files]
    assert symcert.main(arguments) == 0
    assert [path.read_text() for path in files] == before
    symcert_table.write_page(tmp_path, tmp_path / "page.md")
    page = (tmp_path / "page.md").read_text()
    assert "| false claims, worst of 10 cells | 0.000 | 0.000 (0 in all) |" in page
    assert "| Hopf | 0.03 | - | - | 1.00, 1.00 | - | - | - |" in page


def test_shards_outside_are_refused(tmp_path):
    with pytest.raises(SystemExit):
        symcert.main(["--out", str(tmp_path), "--shard", "2/2"])


def test_published_numbers_have_the_published_mean():
    cells = [value for table in symcert_table.PUBLISHED.values() for row in table for value in row]
    assert len(cells) == 96 and sum(cells) / 96 == pytest.approx(0.484, abs=1e-3)


def test_hidden_terms_break_symmetries_by_what_they_say_and_are_told(tmp_path):
    systems = hidden_terms.HIDDEN | hidden_terms.UNSEEN
    for system in systems.values():
        lie, chance = symcert.true_forms(system)
        half = torch.linalg.inv(torch.linalg.cholesky(chance))
        defects = torch.linalg.eigvalsh(half @ lie @ half.T).clamp_min(0).sqrt()
        assert 1.0 < float(defects[0]) / symcert.TOLERANCE < 1.4
    arguments = ["--out", str(tmp_path), "--runs", "1", "--first-seed", "10000", "--only", "|200|0.03|"]
    assert hidden_terms.main(arguments) == 0
    lines = [json.loads(line) for line in (tmp_path / "hidden_0_1.jsonl").read_text().splitlines()]
    assert {line["system"] for line in lines} == set(systems)
    assert hidden_terms.main(arguments) == 0
    assert len((tmp_path / "hidden_0_1.jsonl").read_text().splitlines()) == len(lines)
    rows = hidden_terms.section(tmp_path)
    assert len(rows) == 2 + 2 * len(hidden_terms.LEVELS) and rows[2].startswith("| a power | at 0.05 | 0.000")
