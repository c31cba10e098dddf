"""The study of jets: answers are kept, the page holds their numbers, and a metric makes a tagger."""

import json

import numpy as np
import pytest
import torch
from studies.adversarial_discovery import jets, jets_page

from isotropy import datasets


@pytest.fixture(autouse=True)
def threads():
    """The study sets one thread; give the others back."""
    count = torch.get_num_threads()
    yield
    torch.set_num_threads(count)


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The bundled jets, each cut into two equal pieces, as a file of constituents."""
    h5py = pytest.importorskip("h5py", reason="jets are HDF5: isotropy[files]")
    data = datasets.load("jets").data
    piece = 0.5 * data.x.numpy()
    with h5py.File(tmp_path / "jets.h5", "w") as stream:
        stream["constituents"], stream["labels"] = np.stack([piece, piece, 0 * piece], 1), data.y[:, 0].numpy()
    monkeypatch.setattr(jets, "MOST", 3)
    return tmp_path / "jets.h5"


def test_answers_are_kept_and_tabled(file, tmp_path, monkeypatch):
    monkeypatch.setattr(jets, "ROADS", {"direct": jets.ROADS["direct"]})
    names = ["discovered metric", "Minkowski metric"]
    monkeypatch.setattr(jets, "TAGGERS", {name: jets.TAGGERS[name] for name in names})
    monkeypatch.setattr(jets, "EPOCHS", 1)
    question = jets.Jets(file, train=2500, part=2000)
    folder = tmp_path / "results"
    jets.run_all(question, folder, 1)
    written = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    jets.run_all(question, folder, 1)
    assert {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")} == written
    found = json.loads((folder / "direct-0.json").read_text())
    assert (found["name"], found["dimension"]) == ("so(1,3)", 6)
    assert found["angles"] < 0.05
    assert found["cosine"] > 0.999
    text = jets_page.jets_section(folder)
    assert f"| direct | 1 | 2000 | {found['angles']:.3f} ({found['angles']:.3f}) | {found['cosine']:.5f} |" in text
    assert "| Minkowski metric | 3653 |" in text


def test_without_answers_there_is_no_section(tmp_path):
    assert jets_page.jets_section(tmp_path) == ""


def test_intervals_are_those_of_student():
    assert jets_page.interval([1.0, 2.0, 3.0]) == "2.0000 ± 2.4841"
    assert jets_page.interval([0.5]) == "0.5000"


def test_networks_have_about_one_size():
    sizes = [sum(p.numel() for p in make(torch.eye(4), 0).parameters()) for make in jets.TAGGERS.values()]
    assert max(sizes) < 1.2 * min(sizes)


def test_training_tells_masses_apart():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(600, 3, 4, generator=generator)
    total = x.sum(1)
    mass = torch.einsum("si,ij,sj->s", total, jets.MINKOWSKI.float(), total)
    y = (mass > mass.median()).float()
    network = jets.tagger(jets.MINKOWSKI, 0)
    jets.train(network, x, y, 0, epochs=20)
    assert jets.judge(network, x, y) > 0.95


def test_sums_over_constituents_ignore_order_and_padding():
    network = jets.SetNetwork(8, 0)
    x = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0))
    padded = torch.cat([torch.zeros(5, 2, 4), x.flip(1)], 1)
    assert torch.allclose(network(padded), network(x), atol=1e-6)
