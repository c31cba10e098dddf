"""The adversarial study: what stands there is not asked again, and the page holds the numbers of the files."""

import json

import pytest
import torch
from studies.adversarial_discovery import run, table, tasks

import isotropy as iso


@pytest.fixture(autouse=True)
def threads():
    """The study sets one thread; give the others back."""
    count = torch.get_num_threads()
    yield
    torch.set_num_threads(count)


@pytest.fixture
def quick(monkeypatch):
    """One task whose road answers from an exact map."""
    asked = []

    def road(seed):
        asked.append(seed)
        x = torch.randn(100, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        G = iso.gl(4)
        form = torch.diag(torch.tensor([1.0, -1, -1, -1], dtype=torch.float64))
        return iso.discover.FromModel(2 * G.vector(), G.scalar()).fit(
            lambda z: torch.einsum("bi,ij,bj->b", z[:, :4] + z[:, 4:], form.to(z), z[:, :4] + z[:, 4:]), x
        )

    monkeypatch.setattr(run, "TASKS", {"lorentz, regression": tasks.Task({"direct": road}, tasks.grassmann)})
    return asked


def test_finished_answers_are_kept_and_tabled(tmp_path, quick):
    for _ in range(2):
        run.main(["--out", str(tmp_path), "--seeds", "2", "--first", "0"])
    assert quick == [0, 1]
    lines = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("*.json"))]
    assert [line["seed"] for line in lines] == [0, 1]
    assert all(line["name"] == "so(1,3)" and line["distance"] < 1e-6 for line in lines)
    assert all(line["metric"] == pytest.approx(1.0) for line in lines)
    table.main(["--out", str(tmp_path), "--page", str(tmp_path / "page.md")])
    text = (tmp_path / "page.md").read_text()
    assert "| direct | 2 |" in text
    assert "certified 2; six-dimensional 2, named so(1,3) 2, metric cosine at least 1.0000" in text


def test_metric_cosine_knows_the_minkowski_form():
    assert tasks.metric_cosine(iso.so(1, 3).basis) == pytest.approx(1.0)
    assert tasks.metric_cosine(iso.so(4).basis) == pytest.approx(0.5)
