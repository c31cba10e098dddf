"""What the pages of `docs/` show is run: the Python blocks of each page in order in one namespace."""

import socket
from pathlib import Path

import pytest
import torch

from code_blocks import read_blocks, run_blocks

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {page.stem: page for page in sorted(DOCS.glob("*.md")) if read_blocks(page.read_text("utf-8"), "python")}
SLOW = ("laligan", "liegan")
NEEDS = {
    "atoms": ["ase", "matplotlib"],
    "choose": ["h5py"],
    "dynamics": ["pysindy"],
    "graphs": ["torch_geometric"],
    "laligan": ["lightning_fabric"],
    "liegan": ["lightning_fabric"],
}


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """An empty folder, a seed, and what `torchrun` tells the only process of a run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in {"RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(tmp_path)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in PAGES]
)
def test_blocks_run_in_order(name, reader):
    for package in NEEDS.get(name, []):
        pytest.importorskip(package, reason=f"docs/{name}.md uses it")
    run_blocks(PAGES[name])


def test_the_lists_name_pages_with_blocks():
    assert {*SLOW, *NEEDS} <= {*PAGES}


def test_a_failing_block_points_at_its_line(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n```python\nx = 1\n```\n\n```python\nx += 1\nassert x == 3\n```\n")
    with pytest.raises(AssertionError) as failed:
        run_blocks(page)
    assert (failed.traceback[-1].path, failed.traceback[-1].lineno) == (page, 8)


def test_only_blocks_marked_by_a_reason_are_left_out(tmp_path):
    text = "<!-- shown, not run: a reason -->\n```python\n1\n```\n\n<!-- a note -->\n```python\n2\n```\n"
    assert read_blocks(text, "python") == [(8, "2\n")]
