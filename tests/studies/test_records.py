"""The study of measured records: a question runs and is skipped when done, and forecasts know nothing of the future."""

import json

import pytest
import torch
from studies.governing_equations import forecasts, pole, records, records_table, table


@pytest.fixture(autouse=True)
def threads():
    """The study sets one thread; give the others back."""
    count = torch.get_num_threads()
    yield
    torch.set_num_threads(count)


def test_a_question_is_answered_once(tmp_path):
    arguments = ["--only", "shape", "--out", str(tmp_path), "--no-page"]
    assert records.main(arguments) == 0
    first = (tmp_path / "shape.json").read_text()
    assert records.main(arguments) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["shape.json"] and (tmp_path / "shape.json").read_text() == first
    answer = json.loads(first)["answer"]
    period, error = answer["period in days"]
    assert abs(period - 433.1) < 2 * (error**2 + 1.7**2) ** 0.5
    ratio, doubt = answer["ratio of the axes"]
    assert abs(ratio - 1) < 2 * doubt < 0.02


def test_what_is_fitted_to_the_past_does_not_see_the_future(monkeypatch):
    years, places = pole.raw()
    before = next(forecasts._pasts(4.0))
    noise = torch.randn(places.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    changed = torch.where((years >= forecasts.FIRST)[:, None], noise, places)
    monkeypatch.setattr(forecasts, "raw", lambda: (years, changed))
    after = next(forecasts._pasts(4.0))
    torch.testing.assert_close(before[:2], after[:2], rtol=0, atol=1e-13)
    assert before[0].max() < forecasts.FIRST <= before[2][1] and not torch.allclose(before[3], after[3])
    assert before[2][0] == before[0][-1] and torch.equal(before[3][0], before[1][-1])


def test_summary_counts_what_runs_away_as_farthest():
    assert forecasts._summary([1.0, None, 3.0]) == {"forecasts": 3, "median": 3.0, "decile": 3.0, "gone": 1}
    assert forecasts._summary([None, None, 3.0])["median"] is None


@pytest.mark.parametrize("drift", pole.DRIFTS)
def test_every_preparation_keeps_the_record_in_step(drift):
    years, places = pole.prepared(drift)
    assert places.shape == (len(years), 2) and bool(torch.isfinite(places).all())
    assert (places.mean(0).norm() < 0.01) == (drift != "nothing removed")


def test_page_is_what_the_files_say(tmp_path):
    page = tmp_path / "page.md"
    table.write_page(page=page)
    assert page.read_text() == table.PAGE.read_text()
    assert records_table.section(tmp_path) == ""
