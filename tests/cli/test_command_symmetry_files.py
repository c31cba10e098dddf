"""A symmetry goes from any verb to any other as one file, and is refused where it does not fit."""

import json
import math
import sys

import numpy as np
import pytest
import torch

import isotropy as iso
from found import ROADS, circles, points_of, symmetry

from .command_files import write_csv

# Every road is measured with, in its own order; in another order one of every kind of action.
KINDS = (
    *("model, linear", "model, two vectors", "model, affine", "model, polynomial", "model, points", "model, product"),
    *("dynamics, time-scaled", "equations, prolonged", "game, latent"),
)
MOVING = [name for name in ROADS if "discrete" not in name]  # single elements are for a probe, below


@pytest.fixture
def wave(folder, monkeypatch):
    """A map in a module of the user's."""
    (folder / "my_wave.py").write_text(
        "def wave(x):\n    x = x.flatten(1)\n    return (x * x.new_tensor(range(1, 1 + x.shape[1]))).sin().sum(1)\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    for name in ("my_wave", "my_turned"):  # another test has had a module of that name
        monkeypatch.delitem(sys.modules, name, raising=False)
    return "my_wave:wave"


def tabled(found, folder):
    """Points that a symmetry moves, as a table in the order of its columns; and the points."""
    x = points_of(found)
    write_csv(folder / "points.csv", found.columns, x.flatten(1).numpy())
    return x


@pytest.mark.parametrize("name", MOVING)
def test_measure_takes_the_action_of_a_file(command, folder, wave, name):
    found = symmetry(name)
    x = tabled(found, folder)
    found.save(folder / "symmetry.json")
    done = command("measure", wave, "points.csv", "--symmetry", "symmetry.json", "--outputs", "scalar", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    from my_wave import wave as f

    still = iso.actions.Trivial(found.action.algebra, (1,))
    report = iso.measure.equivariance(f, x, found.action, still, seed=0)
    assert answer["defect"] == pytest.approx(report.defect, rel=1e-12)
    errors = [row["defect"] for row in answer["generators"]]
    expected = [None if math.isnan(float(e)) else float(e) for e in report.per_generator]
    assert errors == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", KINDS)
def test_columns_in_another_order_give_the_same_error(command, folder, wave, name):
    found = symmetry(name)
    x = tabled(found, folder)
    found.save(folder / "symmetry.json")
    order = list(range(x.shape[1]))[::-1]
    (folder / "my_turned.py").write_text(f"from my_wave import wave\ndef turned(x):\n    return wave(x[:, {order}])\n")
    words = ("points.csv", "--symmetry", "symmetry.json", "--outputs", "scalar", "--json")
    there = json.loads(command("measure", wave, *words).out)
    names = ",".join(found.columns[place] for place in order)
    back = json.loads(command("measure", "my_turned:turned", *words, "--x", names).out)
    assert back["defect"] == pytest.approx(there["defect"], rel=1e-9)


def test_discover_searches_inside_a_file(command, folder):
    found = symmetry("model, linear").named(["x", "y", "z"])
    found.save(folder / "symmetry.json")
    x = np.random.default_rng(0).normal(size=(150, 3))
    write_csv(folder / "d.csv", ["z", "x", "y", "f"], np.column_stack([x[:, 2], x[:, :2], (x[:, :2] ** 2).sum(1)]))
    words = ("d.csv", "--y", "f", "--candidates", "symmetry.json", "--json")
    one, other = (json.loads(command("discover", *words, "--x", names).out) for names in ("x,y,z", "z,x,y"))
    assert one["name"] == other["name"]
    assert one["status"] == other["status"] == "certified"
    assert one["dimension"] == other["dimension"]


@pytest.fixture
def run(folder):
    """A damped turn about z, which sinks."""
    t = np.linspace(0, 12, 200)
    x, y, z = 2 * np.cos(t) * np.exp(-0.1 * t), 2 * np.sin(t) * np.exp(-0.1 * t), 1.5 * np.exp(-0.3 * t)
    write_csv(folder / "run.csv", ["t", "x", "y", "z"], np.column_stack([t, x, y, z]))
    return ("run.csv", "--time", "t", "--degree", "1", "--derivative")


@pytest.fixture
def about_z(folder):
    """Rotations about z, as found in a table."""
    x = torch.randn(200, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    V = iso.so(3).vector()
    found = iso.discover.FromModel(V, iso.so(3).scalar()).fit(lambda p: p[:, :2].square().sum(1) + p[:, 2].sin(), x)
    found.symmetry_.named(["x", "y", "z"]).save(folder / "about_z.json")
    return "about_z.json"


def test_equations_match_the_columns_of_a_file_by_name(command, run, about_z):
    answers = {
        names: json.loads(command("equations", *run, "--state", names, "--symmetry", about_z, "--json").out)
        for names in ("x,y,z", "z,x,y")
    }
    assert answers["x,y,z"]["free_parameters"] == answers["z,x,y"]["free_parameters"] == 3
    rows = {names: np.array(answer["coefficients"]) for names, answer in answers.items()}
    order = [2, 0, 1]
    shuffled = rows["x,y,z"][order][:, [0, *(1 + place for place in order)]]
    np.testing.assert_allclose(rows["z,x,y"], shuffled, atol=1e-8)


@pytest.mark.parametrize(
    ("state", "line"),
    [("x,y", "without z"), ("x,y,z,w", "it says nothing about w"), ("x,y,w", "without z")],
)
def test_columns_that_a_file_does_not_know_are_refused(command, folder, about_z, state, line):
    t = np.linspace(0, 3, 80)
    columns = [np.cos((k + 1) * t) for k in range(4)]
    write_csv(folder / "more.csv", ["t", "x", "y", "z", "w"], np.column_stack([t, *columns]))
    done = command("equations", "more.csv", "--time", "t", "--state", state, "--symmetry", about_z, "--degree", "1")
    assert (done.code, done.out) == (2, "")
    assert line in done.err and done.err.count("\n") == 1


def test_an_affine_symmetry_of_the_plane_is_no_matrix_on_three_columns(command, folder, run):
    found = iso.discover.FromPoints(iso.actions.Affine(iso.aff(2))).fit(circles())
    found.save(folder / "circle.json")
    done = command("equations", *run, "--state", "x,y,z", "--symmetry", "circle.json")
    assert done.code == 2
    assert "expected generators that act on 3 columns, received those of 2" in done.err
    with pytest.raises(iso.errors.DataError, match="received a symmetry of the kind 'affine'"):
        iso.LieAlgebra.load(folder / "circle.json")


def test_a_latent_symmetry_is_no_matrix_on_the_data(command, folder):
    found = symmetry("game, latent")
    found.save(folder / "latent.json")
    with pytest.raises(iso.errors.DataError, match="received a symmetry of the kind 'latent'"):
        iso.LieAlgebra.load(folder / "latent.json")
    back = iso.Symmetry.load(folder / "latent.json")
    assert type(back.action).__name__ == "LatentAction"


def test_a_file_is_as_good_as_the_object(folder):
    """What a file forgot made so(2) up to noise leave one field in four."""
    x = torch.randn(600, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    noise = torch.randn(600, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    road = iso.discover.FromData(iso.gl(2).vector(), iso.gl(2).scalar(), kinds=["polynomial"])
    found = road.fit(x, x.square().sum(1) + 0.05 * noise)
    found.save(folder / "s.json")
    terms = iso.dictionary.polynomials(2, degree=3)
    counts = [
        iso.dynamics.equivariant_fields(terms, symmetry).dim
        for symmetry in (found, found.symmetry_, iso.Symmetry.load(folder / "s.json"))
    ]
    assert counts == [4, 4, 4]


def test_bad_files_are_one_line(command, folder, run):
    for name, content in {"a.json": "{", "b.json": "{}", "c.safetensors": "x"}.items():
        (folder / name).write_text(content)
        done = command("equations", *run, "--state", "x,y,z", "--symmetry", name)
        assert done.code == 2
        assert done.err.count("\n") == 1
    done = command("equations", *run, "--state", "x,y,z", "--symmetry", "gone.json")
    assert "which is not there" in done.err


def test_a_probe_takes_the_elements_of_a_file_as_its_rule(folder):
    from isotropy.cli.input._force_field import read_rule

    quarter = torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]], dtype=torch.float64)
    V = iso.so(3).vector()
    x = torch.randn(60, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    road = iso.discover.DiscreteSymmetries(V, iso.so(3).scalar())
    found = road.fit(lambda p: (p[:, 0] * p[:, 1]) ** 2 + p[:, 2], x, quarter)
    found.save(folder / "turns.json")
    assert len(read_rule("turns.json")) == 4
    symmetry("model, linear").save(folder / "all.json")
    with pytest.raises(iso.errors.DataError, match=r"without any; for all rotations use lebedev:N"):
        read_rule("all.json")
