"""Several roads on the command line: which is taken, how answers are compared, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from isotropy.discover import Plan

from .command_files import write_csv

CIRCLES = "d.csv --x u,v --y f"
SHORT = Plan(epochs=2, steps=20)


@pytest.fixture
def short(monkeypatch):
    """Games of seconds: what is tested here is the way to them."""
    pytest.importorskip("lightning_fabric", reason="games are trained on lightning-fabric")
    monkeypatch.setattr("isotropy.discover.games._liegan.Plan", lambda: SHORT)
    monkeypatch.setattr("isotropy.discover.latent._laligan._PLAN", SHORT)
    monkeypatch.setattr("isotropy.discover.latent._laligan.polish", lambda coder, *_: coder)


@pytest.fixture
def table(folder, circles):
    write_csv(folder / "d.csv", ["u", "v", "f"], circles)


@pytest.fixture
def runs(folder):
    """Damped turns of several radii."""
    t = np.linspace(0, 6, 60)
    parts = []
    for k in range(4):
        size, angle = (0.5 + 0.3 * k) * np.exp(-0.1 * t), t + k
        parts.append(np.column_stack([t, size * np.cos(angle), size * np.sin(angle), 0 * t + k]))
    write_csv(folder / "r.csv", ["t", "p", "q", "k"], np.concatenate(parts))


def test_roads_are_compared_in_words_json_and_page(command, table, short):
    words = f"discover {CIRCLES} --method direct --method liegan --out o".split()
    done = command(*words)
    assert done.code == 0, done.err
    assert "Roads compared:\n  direct: certified, dimension 1, so(2)" in done.out
    answer = json.loads(Path("o/symmetry.json").read_text())
    assert [(road["road"], road["method"]) for road in answer["roads"]] == [
        ("direct", "FromData"),
        ("liegan", "LieGAN"),
    ]
    first, second = answer["roads"]
    assert first["angles"][0] == [pytest.approx(0.0, abs=1e-4)]
    if second["dimension"]:
        assert second["angles"][0] == first["angles"][1]
    assert (answer["status"], answer["method"]) == ("certified", "FromData")
    page = Path("o/report.html").read_text()
    assert "Roads compared" in page
    assert 'aria-label="Matrix of generator 1 of direct"' in page


def test_one_road_compares_nothing(command, table):
    done = command("discover", *CIRCLES.split(), "--method", "direct", "--json")
    assert "roads" not in json.loads(done.out)
    assert command("discover", *CIRCLES.split(), "--json").out == done.out


def test_auto_asks_the_direct_road_first(command, table):
    answer = json.loads(command("discover", *CIRCLES.split(), "--method", "auto", "--json").out)
    assert answer["method"] == "FromData"


def test_trajectories_go_down_every_road(command, runs, short):
    words = "discover r.csv --time t --state p,q --trajectory k --method direct --method liegan --method laligan --json"
    roads = json.loads(command(*words.split()).out)["roads"]
    assert [road["method"] for road in roads] == ["FromDynamics", "LieGAN", "LaLiGAN"]
    assert roads[0]["name"] == "so(2)+scaling"
    assert all(0 <= angle <= 90 for road in roads for angles in road["angles"] for angle in angles)


def test_latent_answers_name_latent_coordinates(command, runs, short):
    words = "discover r.csv --time t --state p,q --trajectory k --method laligan --out o --json"
    answer = json.loads(command(*words.split()).out)
    assert answer["coordinates"] == ["z1", "z2"]
    assert Path("o/report.html").exists()


def test_whole_steps_give_elements_with_their_orders(command, folder, short):
    x = torch.randn(400, 2, generator=torch.Generator().manual_seed(0)).double().numpy()
    write_csv(folder / "d.csv", ["u", "v", "f"], np.column_stack([x, np.cos(3 * np.arctan2(x[:, 1], x[:, 0]))]))
    done = command("discover", *CIRCLES.split(), "--method", "liegan", "--law", "integer", "--out", "o", "--json")
    answer = json.loads(done.out)
    assert np.shape(answer["elements"]) == (1, 2, 2)
    assert len(answer["orders"]) == 1
    assert "Single motions" in Path("o/report.html").read_text()


def test_a_run_goes_on_from_its_state(command, table, short):
    words = f"discover {CIRCLES} --method liegan --resume run.safetensors --json".split()
    first = command(*words).out
    assert sorted(path.name for path in Path().glob("*.safetensors")) == ["run.0.safetensors", "run.1.safetensors"]
    assert command(*words).out == first


def labels(value):
    """Two columns and a label."""

    def write(folder):
        x = np.random.default_rng(0).normal(size=(60, 2))
        write_csv(folder / "d.csv", ["u", "v", "f"], np.column_stack([x, np.full(60, value)]))

    return write


def good(folder):
    x = np.random.default_rng(0).normal(size=(60, 2))
    write_csv(folder / "d.csv", ["u", "v", "f"], np.column_stack([x, (x**2).sum(1)]))


def damaged(folder):
    good(folder)
    (folder / "run.0.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00not a state")


def uneven(folder):
    t = np.array([0.0, 1, 2, 4, 5, 6, 7, 8, 10])
    write_csv(folder / "d.csv", ["t", "p", "q"], np.column_stack([t, np.cos(t), np.sin(t)]))


RUN = "d.csv --time t --state p,q"
REFUSED = {
    "one class": (labels(1), f"{CIRCLES} --method liegan", ["varying column 'f'", "constant 1"]),
    "constant target": (labels(0.37), f"{CIRCLES} --method auto", ["varying column 'f'"]),
    "unknown law": (good, f"{CIRCLES} --method liegan --law cauchy", ["law", "'cauchy'", "normal, uniform, integer"]),
    "unknown law, not needed": (good, f"{CIRCLES} --law cauchy", ["law", "'cauchy'"]),
    "damaged state": (damaged, f"{CIRCLES} --method liegan --resume run.safetensors", ["run.0.safetensors"]),
    "state of another kind": (good, f"{CIRCLES} --method liegan --resume run.pt", [".safetensors", "run.pt"]),
    "state of no game": (good, f"{CIRCLES} --resume run.safetensors", ["--resume", "one game"]),
    "unknown method": (good, f"{CIRCLES} --method best", ["--method", "'best'", "direct, liegan, laligan, auto"]),
    "method twice": (good, f"{CIRCLES} --method direct --method direct", ["--method", "every road once"]),
    "too many channels": (good, f"{CIRCLES} --method liegan --channels 9", ["n_generators", "at most 4"]),
    "latent of a map": (good, f"{CIRCLES} --method laligan", ["--method laligan", "leave --y out"]),
    "uneven steps": (uneven, f"{RUN} --method liegan", ["--time", "equal steps"]),
    "game of charges": (uneven, f"{RUN} --noether --method liegan", ["--method liegan", "--noether"]),
    "game of another pace": (uneven, f"{RUN} --time-scaling --method liegan", ["--method", "--time-scaling"]),
}


@pytest.mark.parametrize(("make", "words", "essential"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_one_line(command, folder, short, make, words, essential):
    make(folder)
    before = sorted(path.name for path in folder.iterdir())
    done = command("discover", *words.split(), "--out", "o")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("isotropy: ")
    assert done.err.count("\n") == 1
    assert [word for word in essential if word not in done.err] == [], done.err
    assert sorted(path.name for path in folder.iterdir()) == before
