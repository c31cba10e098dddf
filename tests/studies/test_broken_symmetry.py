"""The study of broken symmetry: tables from small files, and the published digits where the archive is at hand."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from studies.broken_symmetry import bulk, run, table

from isotropy.errors import DataError

ARCHIVE = Path(os.environ.get("ISOTROPY_DATA", "data"))


def write_archive(folder, offset):
    """Energies with known differences between grids, and two-line relaxations."""
    (folder / "ice").mkdir(parents=True)
    steps = np.arange(6.0)[:, None]
    for stem, _ in run.SYSTEMS.values():
        energies = np.sin(steps) + offset * np.array([5.0, -4, 3, -2, 1, 0]) / run.HARTREE / 1000
        np.savetxt(folder / f"{stem}_errors.delta", np.hstack([steps, energies]), header="step, energies")
    for cell in run.ICE:
        (folder / "ice" / f"final-{cell:02d}.xyz").write_text("9\n")
        for kind, shift in (("", 0.003), ("_aug", 0.0)):
            rows = np.zeros((2, 7))
            rows[1, 5] = -cell + shift
            np.savetxt(folder / "ice" / f"ice-geop-{cell:02d}{kind}.out", rows)


def test_differences_between_grids_are_read(tmp_path):
    write_archive(tmp_path / "langer_water", 2.0)
    results, page = tmp_path / run.RESULTS.name, tmp_path / "page.md"
    assert run.main(["--data", str(tmp_path), "--results", str(results)]) == 0
    found = json.loads(results.read_text())
    assert list(found["grids"]["bulk"]["error"].values()) == pytest.approx([10, 8, 6, 4, 2])
    assert found["grids"]["test"]["frames"] == 5
    assert found["grids"]["monomer"]["deviation"] == pytest.approx(0, abs=1e-9)
    assert found["ice"]["offset"] == pytest.approx(run.HARTREE)
    assert found["ice"]["relative"] == pytest.approx(0, abs=1e-9)
    table.main(["--results", str(tmp_path), "--page", str(page)])
    assert "| 0 | 10.00 (5.09) |" in page.read_text()
    assert "Not met: test, grid 0: 10.00 for 5.09" in page.read_text()


def test_the_field_is_averaged_by_every_rule():
    rows = {row["rule"]: row for row in run.lab_field_errors()}
    assert rows["none"]["error"] == pytest.approx(1077, rel=0.01)
    assert rows["T"]["error"] == pytest.approx(26.6, rel=0.01)
    assert rows["I"]["error"] == pytest.approx(0.22, rel=0.02)
    assert rows["Lebedev 15 x 16"]["error"] <= 1e-11


def test_missing_data_are_named(tmp_path):
    with pytest.raises(DataError, match="expected the energies of the archive"):
        run.errors_by_grid(tmp_path)


@pytest.mark.skipif(not (ARCHIVE / "langer_water").is_dir(), reason="set ISOTROPY_DATA to the folder of langer_water")
def test_every_printed_digit_is_met():
    folder = ARCHIVE / "langer_water"
    found = {"grids": run.errors_by_grid(folder), "ice": run.ice_energies(folder)}
    assert table.mismatches(found) == []


def test_the_page_is_that_of_the_results():
    """What is committed belongs together, and meets every published digit."""
    found = table.read_results(run.RESULTS.parent)
    assert table.page(found) == table.PAGE.read_text()
    assert table.mismatches(found) == []


@pytest.fixture(scope="module")
def trained():
    return table.read_results(run.RESULTS.parent)["trained"]


def test_averages_cure_the_trained_force_field(trained):
    rules = trained["errors"]["monomer"]["rules"]
    assert rules["none"]["forces"] >= 50 * rules["T"]["forces"]
    assert rules["none"]["forces"] >= 1e4 * rules["I"]["forces"]


def test_multiple_time_steps_are_as_good_as_averages(trained):
    plain, averaged, sparse = (trained[f"run, {kind}"] for kind in ("plain", "T", "T every 4"))
    assert averaged["picoseconds"] == 1.5
    assert plain["angular"] >= 100 * averaged["angular"]
    assert sparse["evaluations"] <= 5
    for what in ("angular", "deviation"):
        assert sparse[what] <= 1.1 * averaged[what]


def test_relative_energies_suffer_less_than_they_differ(trained):
    assert trained["relaxed"]["relative"] < trained["relaxed"]["spread"] / 20


def test_a_field_of_the_published_strength_leaves_the_structure_of_a_liquid():
    found = table.read_results(run.RESULTS.parent)["bulk"]
    assert found["deviation"] == pytest.approx(0.37, abs=0.1)
    assert found["curves"]["density"]["equal"]
    assert found["curves"]["along"]["equal"]


def test_a_box_at_rest_keeps_its_energy():
    """Forces of the classical liquid are those of its energy, fields included."""
    pytest.importorskip("ase", reason="structures need isotropy[atoms]")
    fields = torch.tensor([0.05, 0.05, 0.0, 0.0], dtype=torch.float64)
    liquid = bulk.Liquid(fields, seed=1)
    x, h = liquid.positions.clone(), 1e-5
    assert torch.equal(x[:2], x[2:])
    for atom, axis in ((0, 2), (4, 0), (20, 1)):
        ends = []
        for sign in (1, -1):
            moved = x.clone()
            moved[:, atom, axis] += sign * h
            ends.append(liquid.energies(moved))
        assert torch.allclose(liquid.forces[:, atom, axis], -(ends[0] - ends[1]) / (2 * h), atol=1e-5)
    whole = x + bulk.SIDE * torch.arange(bulk.MOLECULES).repeat_interleave(3)[:, None]
    assert torch.allclose(liquid.energies(whole), liquid.energies(x), atol=1e-9)


def test_fewer_evaluations_than_peers_for_each_band_limit():
    for row in run.peers():
        others = [count for name, count in row.items() if name not in ("limit", "ours")]
        assert row["ours"] < min(others)
