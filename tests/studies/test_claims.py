"""The study of claims: few runs here."""

import json

import numpy as np
import pytest
import torch
from studies.claims import families, run, table


@pytest.fixture(autouse=True)
def threads():
    """The study sets one thread; give the others back."""
    count = torch.get_num_threads()
    yield
    torch.set_num_threads(count)


def lines(folder):
    return run.read(folder / "runs.jsonl")


def test_study_writes_one_line_for_each_run_and_skips_finished_ones(tmp_path):
    arguments = ["--out", str(tmp_path), "--only", "planted|so(2)|normal"]
    assert run.main(arguments) == 0
    first = (tmp_path / "runs.jsonl").read_text()
    assert run.main(arguments) == 0
    assert (tmp_path / "runs.jsonl").read_text() == first
    found = lines(tmp_path)
    assert len(found) == len(families.BREAKS)
    exact = next(line for line in found.values() if line["size"] == 0)
    assert table.kept(exact) and exact["planted"] < 1e-12
    assert all(line["exact"] == 0 for line in found.values() if line["size"])


def test_shards_share_the_runs(tmp_path):
    for part in ("0/2", "1/2"):
        run.main(["--out", str(tmp_path), "--only", "nothing|one direction|normal", "--shard", part])
    assert len(lines(tmp_path)) == len(run.DIMENSIONS)
    assert {line["status"] for line in lines(tmp_path).values()} == {"none"}


def test_page_holds_the_counts_of_the_lines(tmp_path):
    run.main(["--out", str(tmp_path), "--only", "waves|cube"])
    run.main(["--out", str(tmp_path), "--only", "axis|units"])
    paths = [tmp_path / "results.json", tmp_path / "page.md"]
    table.main(["--out", str(tmp_path), "--results", str(paths[0]), "--page", str(paths[1])])
    summary = json.loads(paths[0].read_text())
    assert summary["runs"] == len(lines(tmp_path)) == 10
    assert summary["whole"]["false certificates, maps without symmetry"] == [0, 3]
    assert summary["whole"]["planted exact: certified, exact, of the right dimension"] == [1, 1]
    assert "10 runs." in paths[1].read_text()


@pytest.mark.parametrize("name", families.LAWS)
def test_laws_are_seen_as_affine_coordinates(name):
    law = families.LAWS[name](np.random.default_rng(0), 3)
    x = law.sample(np.random.default_rng(1), 50)
    assert x.shape == (50, 3) and torch.isfinite(x).all()
    middle = law.seen((x[:1] + x[1:2]) / 2)
    assert torch.allclose(middle, (law.seen(x[:1]) + law.seen(x[1:2])) / 2)


@pytest.mark.parametrize("name", families.PLANTED)
def test_invariants_are_invariant(name):
    case = families.PLANTED[name]
    x = torch.randn(50, case.n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    turn = torch.linalg.matrix_exp(0.3 * case.algebra.basis.sum(0))
    assert torch.allclose(case.invariant(x @ turn.T), case.invariant(x))


@pytest.mark.parametrize("name", families.MAPS)
def test_maps_differ_from_draw_to_draw(name):
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    first, second = (families.MAPS[name](np.random.default_rng(seed), 3)(x) for seed in (1, 2))
    assert first.shape == (50,) and torch.isfinite(first).all() and not torch.allclose(first, second)
