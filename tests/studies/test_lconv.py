"""The study on L-conv: quick tasks run, finished ones stay, and the page holds their figures."""

import pytest
import torch
from studies.lconv_gcn_pca import digits, lconv, run, table


@pytest.fixture(autouse=True)
def threads():
    """The study sets one thread; give the others back."""
    count = torch.get_num_threads()
    yield
    torch.set_num_threads(count)


def test_quick_tasks_run_once_and_fill_the_page(tmp_path):
    arguments = ["--part", "lconv", "--out", str(tmp_path), "--only", "stack|20|"]
    assert run.main(arguments) == 0
    found = run.read("lconv", tmp_path)
    found["stack|20|8"]["kept"] = True
    run.write("lconv", found, tmp_path)
    assert run.main(arguments) == 0
    assert run.read("lconv", tmp_path)["stack|20|8"]["kept"]
    assert set(run.read("lconv", tmp_path)) == {"stack|20|8", "stack|20|16"}
    page = tmp_path / "page.md"
    table.main(["--out", str(tmp_path), "--page", str(page)])
    assert "| 20 | 8 | 0.77 | 0.772 |" in page.read_text()


def test_committed_results_make_the_committed_page():
    assert table.PAGE.read_text() == table.page()


def test_published_artefact():
    found = lconv.artefact(7)
    assert found["forward"] == pytest.approx(0.27, abs=0.01)
    assert round(found["central"], 2) >= 0.68


def test_networks_are_of_equal_size():
    sizes = [digits.count_numbers(m, digits.build(m, torch.eye(64)[None])) for m in ("discovered", "cnn", "fc")]
    assert max(sizes) < 1.01 * min(sizes)
    x = torch.zeros(3, 64)
    assert all(digits.build(m, torch.eye(64)[None])(x).shape == (3, 10) for m in digits.MODELS)
