"""The calibration study: few runs here, the whole of it marked slow."""

import json

import pytest
import torch
from studies.calibration import run, table

import isotropy as iso
from isotropy.discover import FromData


@pytest.fixture(autouse=True)
def threads():
    """The study sets one thread; give the others back."""
    count = torch.get_num_threads()
    yield
    torch.set_num_threads(count)


def lines(folder):
    return run.read(folder / "runs.jsonl")


def test_study_writes_one_line_for_each_run_and_skips_finished_ones(tmp_path):
    arguments = ["--out", str(tmp_path), "--seeds", "0.02", "--only", "nothing|model|cubic in R^3"]
    assert run.main(arguments) == 0
    first = (tmp_path / "runs.jsonl").read_text()
    assert run.main(arguments) == 0
    assert (tmp_path / "runs.jsonl").read_text() == first
    assert {line["status"] for line in lines(tmp_path).values()} == {"none"}


def test_interrupted_study_goes_on(tmp_path):
    wanted = [r for r in run.runs(0.2) if r.part == "planted" and r.road == "model"]
    run.run_all(wanted[:3], tmp_path / "runs.jsonl", jobs=1)
    run.run_all(wanted, tmp_path / "runs.jsonl", jobs=1)
    found = lines(tmp_path)
    assert set(found) == {r.key for r in wanted}
    assert all(line["detected"] and line["named"] for line in found.values())


def test_page_holds_the_counts_of_the_lines(tmp_path):
    run.main(["--out", str(tmp_path), "--seeds", "0.01", "--only", "model|cubic"])
    run.main(["--out", str(tmp_path), "--seeds", "0.2", "--only", "data|so(2)|0.03|100"])
    paths = [tmp_path / "results.json", tmp_path / "page.md"]
    table.main(["--out", str(tmp_path), "--results", str(paths[0]), "--page", str(paths[1])])
    summary = json.loads(paths[0].read_text())
    assert sum(row["runs"] for part in summary.values() for row in part) == len(lines(tmp_path))
    assert "From a map that can be evaluated, 0 of 5 answers" in paths[1].read_text()


def test_wilson_interval_covers_the_rate():
    low, high = table.wilson(3, 10)
    assert low < 0.3 < high
    assert table.wilson(10, 10)[1] == 1.0
    assert table.wilson(0, 100)[1] == pytest.approx(0.037, abs=5e-4)


def draw(samples, n, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(samples, n, dtype=torch.float64, generator=generator), generator


def test_noise_that_lets_a_linear_fit_win_certifies_nothing():
    for seed in range(6):
        x, generator = draw(80, 2, seed)
        y = torch.sin(2 * x[:, 0]) * x[:, 1] + x[:, 0]
        y = y + y.std() * torch.randn(80, dtype=torch.float64, generator=generator)
        gl = iso.gl(2)
        found = FromData(gl.vector(), gl.scalar(), kinds=["polynomial", "kernel"]).fit(x, y)
        assert found.status_ != "certified"


def test_targets_of_noise_alone_leave_the_question_open():
    x, generator = draw(200, 3, 0)
    y = torch.randn(200, dtype=torch.float64, generator=generator)
    gl = iso.gl(3)
    found = FromData(gl.vector(), gl.scalar(), kinds=["polynomial", "kernel"]).fit(x, y)
    assert found.status_ == "undecided"
    assert not found.certificates_["tolerance"].passed


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_closure_does_not_depend_on_units(unit):
    x, generator = draw(300, 4, 0)
    y = torch.sqrt(1 + (x[:, :2] - x[:, 2:]).square().sum(1))
    y = y + 0.02 * y.std() * torch.randn(300, dtype=torch.float64, generator=generator)
    action = iso.actions.Points(iso.actions.Affine(iso.aff(2)), 2)
    found = FromData(action, action.algebra.scalar(), kinds=["polynomial", "kernel"]).fit(unit * x, y)
    # Turns are kept. To common shifts the map does not respond at all, which noise bounds but does not show.
    assert (found.status_, found.algebra_.dim, found.ignored_) == ("certified", 1, 2)
    assert found.certificates_["closure"].value < 0.1


@pytest.mark.slow
def test_whole_study_is_rarely_wrong(tmp_path):
    run.main(["--out", str(tmp_path), "--only", "nothing", "--jobs", "2"])
    found = list(lines(tmp_path).values())
    for sampled in (False, True):
        chosen = [line["status"] for line in found if (line["road"] != "model") == sampled]
        assert len(chosen) >= 100
        assert chosen.count("certified") <= 0.01 * len(chosen)
