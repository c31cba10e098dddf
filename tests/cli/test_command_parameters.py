"""``isotropy parameters`` in every way a person may call it."""

import json
import sys
import textwrap

import numpy as np
import pytest
import torch

from .command_files import write_csv

NETWORKS = """
    import torch
    from torch import nn

    torch.manual_seed(0)
    mlp = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 4), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    conv = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)
    )
    words = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 4), nn.Flatten(), nn.Linear(12, 2))
    gelu = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 1))
    plain = nn.ReLU()
    Layer = nn.Linear

    def function(x):
        return x.sum(1)

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.head = nn.LSTM(3, 4), nn.Linear(4, 1)

        def forward(self, x):
            return self.head(self.cell(x)[0])

    recurrent = Recurrent()
    frozen = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 2))
    frozen[0].weight.requires_grad_(False)
    aliased = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))
    aliased[2].weight = nn.Parameter(aliased[0].weight.data)
"""


@pytest.fixture
def networks(folder, monkeypatch):
    """A folder with networks and inputs."""
    (folder / "networks_of_test.py").write_text(textwrap.dedent(NETWORKS))
    rng = np.random.default_rng(0)
    write_csv(folder / "points.csv", "xyz", rng.normal(size=(20, 3)))
    write_csv(folder / "tokens.csv", "abc", rng.integers(0, 9, size=(20, 3)))
    np.save(folder / "images.npy", rng.normal(size=(12, 36)))
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield folder
    sys.modules.pop("networks_of_test", None)


def answered(command, *words):
    done = command("parameters", *words, "--json")
    assert done.err == ""
    return done.code, json.loads(done.out)


def test_blocks_and_laws_of_a_network(command, networks):
    code, answer = answered(command, "networks_of_test:mlp", "points.csv")
    assert code == 0
    rows = [(row["kind"], row["group"], row["dimension"], row["exactness"]["kind"]) for row in answer["blocks"]]
    assert rows == [("scaling", "(R+)^6", 6, "exact"), ("linear", "GL(4)", 16, "exact")]
    assert (answer["dimension"], answer["size"], answer["samples"]) == (22, 75, 20)
    assert [row["size"] for row in answer["signs"]] == [3]
    net = sys.modules["networks_of_test"].mlp
    into = net[0].weight.double().square().sum(1) + net[0].bias.double().square()
    law = 0.5 * (into - net[2].weight.double().square().sum(0))
    assert answer["conserved"][0]["values"] == pytest.approx(law.tolist(), rel=1e-6)
    assert np.shape(answer["conserved"][1]["values"]) == (1, 4, 4)


def test_the_orbit_curve_keeps_the_loss_and_moves_the_sharpness(command, networks):
    _, answer = answered(command, "networks_of_test:mlp", "points.csv")
    points = answer["orbit"]["points"]
    assert len(points) == 9
    assert max(point["loss"] for point in points) < 1e-25
    sharp = [point["eigenvalue"] for point in points]
    assert max(sharp) > 1.1 * min(sharp) > 0
    assert points[4]["quantity"] == pytest.approx(sum(answer["conserved"][0]["values"]), rel=1e-6)
    _, answer = answered(command, "networks_of_test:mlp", "points.csv", "--no-orbit")
    assert answer["orbit"] == {"why": "not asked for, see --orbit"}


@pytest.mark.parametrize(("name", "data", "event"), [("mlp", "points.csv", (3,)), ("conv", "images.npy", (1, 6, 6))])
def test_a_saved_program_answers_as_its_network(command, networks, name, data, event):
    words = () if name == "mlp" else ("--shape", "1,6,6")
    code, answer = answered(command, f"networks_of_test:{name}", data, *words)
    network = getattr(sys.modules["networks_of_test"], name).eval()
    dims = ({0: torch.export.Dim.DYNAMIC},)
    torch.export.save(torch.export.export(network, (torch.zeros(4, *event),), dynamic_shapes=dims), "net.pt2")
    saved_code, saved = answered(command, "net.pt2", data, *words)
    assert saved_code == code == 0
    assert {**saved, "model": "", "orbit": ""} == {**answer, "model": "", "orbit": ""}
    assert saved["orbit"]["points"][0]["eigenvalue"] == pytest.approx(
        answer["orbit"]["points"][0]["eigenvalue"], rel=1e-3
    )


def test_tokens_logits_and_approximate_scales(command, networks):
    code, answer = answered(command, "networks_of_test:words", "tokens.csv", "--tokens", "--logits")
    assert code == 0
    assert [(row["kind"], row["dimension"]) for row in answer["blocks"]] == [
        ("linear", 16),
        ("linear", 16),
        ("shift", 13),
    ]
    assert any(row["label"].startswith("softmax shift") for row in answer["conserved"])


def test_words_and_exit_codes(command, networks):
    done = command("parameters", "networks_of_test:mlp", "points.csv")
    assert done.code == 0
    assert "may move along 22 dimensions, in 2 blocks" in done.out
    assert "linear GL(4), dimension 16: 2.weight, 3.weight, 2.bias (exact)" in done.out
    assert "GL(3) on 3.weight, 5.weight (tanh), on at most 3" in done.out
    assert "Along the scale e^t of 0.weight" in done.out
    done = command("parameters", "networks_of_test:gelu", "points.csv")
    assert done.code == 1
    assert "None of the 21 parameters" in done.out
    done = command("parameters", "networks_of_test:recurrent", "points.csv")
    assert done.code == 1
    assert "no rule for lstm" in done.out
    done = command("parameters", "networks_of_test:frozen", "points.csv")
    assert "0.weight: frozen" in done.out


def test_a_folder_with_json_and_pictures(command, networks):
    pytest.importorskip("matplotlib", reason="the page needs isotropy[report]")
    pytest.importorskip("jinja2", reason="the page needs isotropy[report]")
    code, answer = answered(command, "networks_of_test:mlp", "points.csv", "--out", "answer")
    assert code == 0
    assert json.loads((networks / "answer" / "parameters.json").read_text()) == answer
    page = (networks / "answer" / "report.html").read_text()
    assert page.count("<svg") == 3
    assert "22 of 75 dimensions" in page
    assert "GL(3) on 3.weight, 5.weight (tanh), on at most 3 samples" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert sorted(path.name for path in (networks / "answer").iterdir()) == ["parameters.json", "report.html"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ("networks_of_test:function", "points.csv"),
            "expected a torch.nn.Module with parameters, received a function",
        ),
        (("networks_of_test:plain", "points.csv"), "received a network without parameters"),
        (("networks_of_test:Layer", "points.csv"), "name an instance"),
        (("networks_of_test:nothing", "points.csv"), "check the name"),
        (("networks_of_test:aliased", "points.csv"), "'0.weight' and '2.weight' in one"),
        (("networks_of_test:mlp", "points.csv", "--x", "x,y"), "expected arguments the model can be called on"),
        (("networks_of_test:conv", "images.npy", "--shape", "1,8"), "--shape: expected whole numbers"),
        (("networks_of_test:conv", "images.npy", "--shape", "a"), "--shape: expected whole numbers"),
        (("networks_of_test:words", "points.csv", "--tokens"), "--tokens: expected integers"),
        (("net.pt", "points.csv"), "pickled objects"),
        (("none.pt2", "points.csv"), "expected an existing .pt2 file"),
        (("networks_of_test:mlp", "none.csv"), "expected an existing file"),
        (("networks_of_test:mlp", "points.csv", "--out", "no/where"), "--out: expected an existing parent folder"),
    ],
)
def test_bad_input_is_one_line_and_no_file(command, networks, words, text):
    before = sorted(path.name for path in networks.iterdir())
    done = command("parameters", *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert text in done.err
    assert sorted(path.name for path in networks.iterdir() if path.name != "__pycache__") == before
