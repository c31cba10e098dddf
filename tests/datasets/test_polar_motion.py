"""The record of the pole is the published one, and its wobble is Chandler's: a circle of about 433 days."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from studies.bundled_data.make_polar_motion import FIRST, LAST, STEP, main, make_file

import isotropy as iso
from isotropy.datasets import load, path, read_table
from isotropy.datasets.bundled._polar_motion import about_mean_pole, positions, stretches, without_year
from isotropy.dynamics import SINDy, WeakSINDy, choose_symmetry
from isotropy.errors import DataError, MissingExtraError

PERIOD, ERROR = 433.1, 1.7  # days, Vicente and Wilson (1997)


@pytest.fixture(scope="module")
def record():
    return read_table(path("polar_motion"))


@pytest.fixture(scope="module")
def runs():
    return load("polar_motion").data


def model(degree=2, symmetry=None):
    return SINDy(iso.dictionary.polynomials(2, degree), symmetry, threshold=0.0, select="evidence")


def days(fitted):
    return 2 * np.pi * 365.25 / float(fitted.coef_[0, 2])


def test_record_holds_every_tenth_day_as_published(record):
    assert path("polar_motion").stat().st_size < 100_000
    np.testing.assert_array_equal(record.columns["mjd"], np.arange(FIRST, LAST, STEP))
    published = {37665: (-0.012700, 0.213000), 61035: (0.108371, 0.323202)}
    for day, place in published.items():
        row = np.flatnonzero(record.columns["mjd"] == day)
        np.testing.assert_array_equal(record.select("x,y")[row], [place])


def test_untreated_record_turns_with_the_year_and_with_chandler(record):
    years, places = positions(record)
    slow = torch.stack([torch.ones_like(years), years - 2000], dim=1)
    places = places - slow @ torch.linalg.lstsq(slow, places).solution
    signal = torch.complex(places[:, 0], -places[:, 1]) * torch.hann_window(len(years), dtype=torch.float64)
    rates = torch.linspace(0.7, 1.1, 1601, dtype=torch.float64)
    size = (torch.exp(-2j * torch.pi * rates[:, None] * years) @ signal).abs()
    peaks = 1 + ((size[1:-1] > size[:-2]) & (size[1:-1] > size[2:])).nonzero().flatten()
    largest = peaks[size[peaks].argsort(descending=True)[:2]]
    assert 430 < 365.25 / float(rates[largest[0]]) < 436
    assert float(rates[largest[1]]) == pytest.approx(1.0, abs=0.002)


def test_removals_are_exact_on_what_they_remove():
    years = 1962 + torch.arange(2338, dtype=torch.float64) * 10 / 365.25
    angle = 2 * torch.pi * years
    ellipse = torch.stack([0.1 * angle.cos() + 0.02, 0.08 * angle.sin() - 0.3], dim=1)
    assert without_year(years, ellipse).abs().max() < 1e-12
    line = torch.stack([0.003 * years, -0.01 * years + 20], dim=1)
    kept, left = about_mean_pole(years, line)
    assert left.abs().max() < 1e-10 and len(kept) == len(years) - 218
    turn = torch.stack([(angle * 0.843).cos(), -(angle * 0.843).sin()], dim=1)
    around = about_mean_pole(years, turn)[1]
    assert (around - turn[109:-109]).norm() < 0.02 * turn[109:-109].norm()


def test_stretches_are_whole_and_cover_the_record_once():
    years = torch.linspace(1965.0, 1978.9, 1391, dtype=torch.float64)
    found = stretches(years, torch.stack([years, -years], dim=1))
    assert found.labels == ("1965", "1969", "1973")
    together = torch.cat(found.times)
    torch.testing.assert_close(together, years[years < 1977 - 1e-9], rtol=0, atol=0)
    torch.testing.assert_close(torch.cat(found.states)[:, 1], -together, rtol=0, atol=0)


def test_wobble_is_a_circle_about_the_mean_pole(runs):
    assert len(runs.states) == 14 and {len(x) for x in runs.states} == {48, 49}
    assert all(torch.allclose(t.diff(), torch.tensor(30 / 365.25, dtype=torch.float64)) for t in runs.times)
    x = torch.cat(runs.states)
    assert x.mean(0).norm() < 0.02 * x.norm(dim=1).mean()
    axes = torch.linalg.svd(x - x.mean(0)).S
    assert 1 < axes[0] / axes[1] < 1.05


def test_equation_turns_with_chandlers_period(runs):
    found = model(1, iso.so(2)).fit(list(runs.states), list(runs.times))
    assert 430 < days(found) < 436
    assert abs(days(found) - PERIOD) < 2 * ERROR
    assert found.free_parameters_ == 1 and found.equations()[0].startswith("x' = 5.2")


def test_rotation_is_chosen_and_removes_a_parameter(runs):
    found = choose_symmetry(model(), list(runs.states), list(runs.times))
    assert found.chosen.name == "so(2)" and found.chosen.branch == "known, linear, hard"
    assert abs(found.chosen.cost) < 0.01
    assert (found.model.free_parameters_, found.free.free_parameters_) == (1, 2)
    accepted = {t.name for t in found.trials[1:] if t.accepted}
    assert accepted <= {"so(2)", "scaling x:1 y:1"}


@pytest.mark.parametrize("make", [model, lambda: WeakSINDy(iso.dictionary.polynomials(2, 2))])
def test_rotation_is_refused_when_one_axis_is_stretched_by_a_twentieth(runs, make):
    bent = [x * torch.tensor([1.0, 1.05], dtype=torch.float64) for x in runs.states]
    found = choose_symmetry(make(), bent, list(runs.times), {"so(2)": iso.so(2)})
    assert found.chosen.name != "so(2)" and not found.trials[1].accepted


def test_untreated_record_bears_no_rotation(record):
    years, places = positions(record)
    pieces = stretches(years[::3], places[::3])
    found = choose_symmetry(model(), list(pieces.states), list(pieces.times), {"so(2)": iso.so(2)})
    assert not found.trials[1].accepted


def table_of(folder, days):
    lines = ["# header", *(f"1962 1 1 0 {day:.2f} {day * 1e-6:.6f} {-day * 1e-6:.6f} 0.0 0.0" for day in days)]
    (folder / "table").write_text("\n".join(lines))
    return SimpleNamespace(IERS_B_FILE=str(folder / "table"), __version__="0.1")


def test_script_keeps_every_tenth_day(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "astropy_iers_data", table_of(tmp_path, range(FIRST, LAST + 5)))
    monkeypatch.setattr(sys, "argv", ["make_polar_motion", "--out", str(tmp_path)])
    main()
    made = read_table(tmp_path / "polar_motion.csv.gz")
    assert made.names == ("mjd", "x", "y")
    np.testing.assert_array_equal(made.columns["mjd"], np.arange(FIRST, LAST, STEP))
    np.testing.assert_allclose(made.columns["x"], made.columns["mjd"] * 1e-6, atol=1e-6)


def test_script_refuses_a_table_with_a_gap(tmp_path, monkeypatch):
    days = [day for day in range(FIRST, LAST) if day != FIRST + 20]
    monkeypatch.setitem(sys.modules, "astropy_iers_data", table_of(tmp_path, days))
    with pytest.raises(DataError, match="expected the 2338 days"):
        make_file()


def test_script_wants_an_existing_folder_and_its_package(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["make_polar_motion", "--out", str(tmp_path / "none")])
    with pytest.raises(DataError, match="an existing folder for --out"):
        main()
    monkeypatch.setitem(sys.modules, "astropy_iers_data", None)
    with pytest.raises(MissingExtraError, match="pip install astropy-iers-data"):
        make_file()


def test_package_still_tells_the_same(tmp_path, monkeypatch, record):
    pytest.importorskip("astropy_iers_data", reason="tables of the IERS")
    monkeypatch.setattr(sys, "argv", ["make_polar_motion", "--out", str(tmp_path)])
    main()
    made = read_table(tmp_path / "polar_motion.csv.gz")
    np.testing.assert_allclose(made.select("mjd,x,y"), record.select("mjd,x,y"), atol=0.002)
