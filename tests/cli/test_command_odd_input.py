"""Files and words that a person may bring by mistake to any verb: an answer, or one line and no file."""

import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import isotropy
from isotropy.cli import Terminated

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2))
SUPERVISED = np.column_stack([X, (X**2).sum(1)])
XY = ["--x", "u,v", "--y", "f"]
RUN = ["--time", "t", "--state", "p,q", "--trajectory", "k"]
EQUATIONS = ["equations", "r.csv", *RUN]
DYNAMICS = ["discover", "r.csv", *RUN]
LONG = "a" * 300
MODELS = """
    import sys

    import torch
    from torch import nn

    print("hello from the import")
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
    lost = nn.Linear(2, 1)
    nn.init.constant_(lost.weight, float("nan"))

    def loud(x):
        print("hello from the call")
        return x.sum(1)

    def leaving(x):
        sys.exit(3)

    def huge(x):
        return 1e300 * x.square().sum(1)
"""


def rows(values=SUPERVISED, names="u,v,f", separator=",", end="\n", cell=repr):
    """A table as text."""
    return end.join([names, *(separator.join(map(cell, row)) for row in np.asarray(values).tolist()), ""])


def circles(count=3, samples=40):
    """Time, position, velocity and label of circles."""
    t = np.linspace(0, 6, samples)
    parts = [np.column_stack([t, k * np.cos(t), -k * np.sin(t), 0 * t + k]) for k in range(1, count + 1)]
    return np.concatenate(parts)


@pytest.fixture
def desk(folder, monkeypatch):
    """A folder with a good file of each kind, and models."""
    (folder / "d.csv").write_text(rows())
    (folder / "r.csv").write_text(rows(circles(), "t,p,q,k"))
    (folder / "i.csv").write_text(rows(RNG.normal(size=(40, 4)), "a,b,c,d"))
    (folder / "odd_models_of_test.py").write_text(textwrap.dedent(MODELS))
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield folder
    sys.modules.pop("odd_models_of_test", None)


def listing(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if "__pycache__" not in path.parts)


def model(name, *words):
    return ["measure", f"odd_models_of_test:{name}", "d.csv", "--x", "u,v", "--algebra", "so(2)", *words]


def network(*words, name="net"):
    return ["parameters", f"odd_models_of_test:{name}", "d.csv", "--x", "u,v", *words]


def probe(*words):
    return ["probe", "w.xyz", "--calculator", "odd_models_of_test:net", *words]


REFUSED = {
    "a name that is too long": (["discover", f"{LONG}.csv"], ["File name too long"]),
    "a model of that kind": (["measure", f"{LONG}.pt2", "d.csv", "--algebra", "so(3)"], ["File name too long"]),
    "trajectories of that kind": (["equations", f"{LONG}.csv"], ["File name too long"]),
    "an answer of that kind": (["discover", "d.csv", *XY, "--out", LONG], ["File name too long"]),
    "an unset variable": (["discover", "d.csv", *XY, "--out", ""], ["--out", "''", ". for this one"]),
    "a zero in the name": (["discover", "d.csv", *XY, "--out", "o\0"], ["--out", "folder"]),
    "an infinite seed": (["discover", "d.csv", *XY, "--seed", "9" * 30], ["--seed"]),
    "a model that leaves": (model("leaving"), ["SystemExit (3)"]),
    "a model that overflows": (model("huge"), ["rescale the map"]),
    "weights that are not numbers": (network(name="lost"), ["NaN or infinity in 'weight'"]),
    "no shape": (network("--shape", ""), ["--shape", "product is 2", "''"]),
    "a free axis": (network("--shape=-1,2"), ["--shape", "'-1,2'"]),
    "an endless axis": (network("--shape", "9" * 20), ["--shape", "'999"]),
    "half a motion": ([*EQUATIONS, "--state", "p", "--motion"], ["--motion", "as many"]),
    "a motion of nothing": (["equations", "r.csv", "--motion"], ["--motion: expected --time and --state"]),
    "a motion of an example": (["equations", "example:planets", "--motion"], ["no --motion"]),
    "pictures without a map": (["discover", "d.csv", "--x", "u,v", "--candidates", "image(1,2,se(2))"], ["2 pixels"]),
    "points for pictures": (["discover", "i.csv", "--candidates", "image(2,2,se(2))"], ["a map of pictures", "--y"]),
    "curved paces": ([*DYNAMICS, "--candidates", "poly(2,degree=2)", "--time-scaling"], ["--time-scaling", "linear"]),
    "no tolerance": (probe("--tolerance", ""), ["--tolerance", "''"]),
    "a tolerance twice": (probe("--tolerance", "forces=1,forces=2"), ["each once"]),
    "a tolerance that is none": (probe("--tolerance", "forces=nan"), ["'forces=nan'"]),
    "a tolerance below zero": (probe("--tolerance", "forces=-1"), ["'forces=-1'"]),
    "a study above": (["study", "../calibration"], ["study", "'../calibration'"]),
    "a word too many": (["examples", "planets"], ["planets"]),
}


@pytest.mark.parametrize(("words", "essential"), REFUSED.values(), ids=REFUSED)
def test_odd_words_are_one_line(command, desk, words, essential):
    before = listing(desk)
    refused(command(*words), essential)
    assert listing(desk) == before


def refused(done, essential):
    """Code 2 and one line; what a module prints stands before it."""
    assert (done.code, done.out) == (2, "")
    line = done.err.removeprefix("hello from the import\n")
    assert line.startswith("isotropy: ")
    assert line.count("\n") == 1
    assert [word for word in essential if word not in line] == [], line


DISCOVER = ["discover", "d.csv", *XY]
UNREADABLE = {
    "UTF-16": (rows().encode("utf-16"), ["damaged or of another kind"]),
    "Latin-1": (rows(names="u,v,fé").encode("latin-1"), ["damaged or of another kind"]),
    "a lone byte order mark": (b"\xef\xbb\xbf", ["header and rows"]),
    "a marked header only": (b"\xef\xbb\xbfu,v,f\r\n", ["rows of data"]),
    "semicolons": (rows(names="u;v;f", separator=";"), ["separated by ';'"]),
    "decimal commas": ("u,v,f\n" + '"1,5","2,5","3,5"\n' * 30, ["'1,5'", "data row 1"]),
    "thousands": (rows() + '1,"1,000",3\n', ["'1,000'", "data row 41"]),
    "underscores": (rows() + "1,1_0,3\n", ["'1_0'", "data row 41"]),
    "a comment below": (rows() + "# the end\n", ["1 in data row 41 (line 42)"]),
    "a zero": (rows() + "\0,1,2\n", ["'u'", "data row 41"]),
    "an open quote": (rows() + '"1,2,3\n', ["malformed line"]),
    "blank names": (rows(names="u,,f"), ["no column 'v'", "unnamed1"]),
    "spaces": (rows(names="u v f", separator=" "), ["no column 'u'", "u v f"]),
}


@pytest.mark.parametrize(("content", "essential"), UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("words", [DISCOVER, model("net"), network()], ids=["discover", "measure", "parameters"])
def test_unreadable_tables_are_one_line_for_every_verb(command, desk, content, essential, words):
    (desk / "d.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    before = listing(desk)
    refused(command(*words, "--out", "o"), essential)
    assert listing(desk) == before


def turned(change):
    """Trajectories after a change."""
    values = circles()
    return rows(change(values), "t,p,q,k")


def scaled(column, factor):
    return lambda values: values * np.where(np.arange(4) == column, factor, 1.0)


ASTRAY = {
    "times beyond reach": (turned(scaled(0, 1e300)), ["other units", "6e+300"]),
    "times of nothing": (turned(scaled(0, 1e-300)), ["other units", "6e-300"]),
    "states beyond reach": (turned(scaled(1, 1e200)), ["other units"]),
    "backwards": (turned(lambda values: values[::-1]), ["times that increase"]),
    "one state twice": (rows(circles(), "t,p,p,k"), ["'p' twice"]),
    "a fraction for a label": (turned(lambda values: values + np.array([0, 0, 0, 0.5])), ["labels in 'k'"]),
    "dates": (rows(circles(), "t,p,q,k").replace("\n0.0,", "\n2020-01-01,"), ["'2020-01-01'"]),
    "a hole": (turned(lambda values: np.where(np.arange(4) == 1, np.nan, values)), ["'p'", "nan"]),
    "header only": ("t,p,q,k\r\n", ["rows of data"]),
    "semicolons": (rows(circles(), "t;p;q;k", ";"), ["separated by ';'"]),
}


@pytest.mark.parametrize(("content", "essential"), ASTRAY.values(), ids=ASTRAY)
@pytest.mark.parametrize("verb", ["discover", "equations"])
def test_trajectories_astray_are_one_line(command, desk, content, essential, verb):
    (desk / "r.csv").write_text(content)
    before = listing(desk)
    refused(command(verb, "r.csv", *RUN, "--out", "o"), essential)
    assert listing(desk) == before


NOT_SYMMETRIES = ["", "{", "[]", "3", "null", '{"format": 1}', '{"format": 99}', '{"format": 1, "basis": "x"}']


@pytest.mark.parametrize("content", NOT_SYMMETRIES)
def test_a_file_that_is_no_symmetry_is_one_line(command, desk, content):
    (desk / "s.json").write_text(content)
    refused(command(*EQUATIONS, "--symmetry", "s.json", "--out", "o"), ["s.json"])
    assert not (desk / "o").exists()


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["discover", "example:planets"], "symmetry.json"),
        (model("net"), "measure.json"),
        (EQUATIONS, "equations.json"),
        (network(), "parameters.json"),
    ],
)
def test_a_folder_where_a_file_should_be_leaves_all_as_it_was(command, desk, words, file):
    (desk / "o" / file).mkdir(parents=True)
    before = listing(desk)
    refused(command(*words, "--out", "o"), ["--out", f"{file} is a folder"])
    assert listing(desk) == before


GOOD = {
    "a mark": b"\xef\xbb\xbf" + rows().encode(),
    "Windows": rows(end="\r\n").encode(),
    "quotes": rows(names='"u","v","f"', cell=lambda value: f'"{value!r}"').encode(),
    "notes": ("# made by hand\n# 2020\n" + rows()).encode(),
}


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD)
def test_tables_of_other_programs_give_the_same_answer(command, desk, content):
    plain = command(*model("net", "--json"))
    (desk / "d.csv").write_bytes(content)
    again = command(*model("net", "--json"))
    assert (again.code, again.out) == (plain.code, plain.out)
    assert plain.code == 0


@pytest.mark.parametrize("name", ["$a_{$", "__import__('pathlib').Path('pwned').touch()"])
def test_a_column_may_have_any_name(command, desk, name):
    (desk / "r.csv").write_text(rows(circles(), f't,"{name}",q,k'))
    done = command("equations", "r.csv", "--time", "t", "--state", f"{name},q", "--trajectory", "k", "--out", "o")
    assert done.code == 0, done
    assert f"  q' = -{name}\n" in done.out
    assert json.loads(Path("o/equations.json").read_text())["coordinates"] == [name, "q"]
    assert not Path("pwned").exists()


@pytest.mark.parametrize("names", [("a,b",), ("a:b",), ("x1", "x")])
def test_arrays_of_any_name_are_taken_when_none_is_named(command, desk, names):
    np.savez(desk / "d.npz", **{name: RNG.normal(size=(40, 3)) for name in names})
    answer = json.loads(command("discover", "d.npz", "--candidates", "so(3)", "--json").out)
    assert answer["coordinates"] == [f"{name}{column}" for name in names for column in range(3)]


def test_the_motion_of_one_coordinate_has_a_page(command, desk):
    done = command("equations", "r.csv", *RUN, "--motion", "--out", "o")
    assert (done.code, done.out.splitlines()[1]) == (0, "  p'' = -p")
    assert "dp/dt" in Path("o/report.html").read_text()


@pytest.mark.parametrize("name", ["loud", "net"])
def test_what_a_model_prints_stays_out_of_the_answer(command, desk, name):
    done = command(*model(name, "--json"))
    assert json.loads(done.out)["samples"] == 40
    assert "hello from the import\n" in done.err
    assert ("hello from the call" in done.err) == (name == "loud")


@pytest.mark.parametrize("words", [[], ["discover"], ["probe"]])
def test_help_has_two_names(command, words):
    assert command(*words, "-h") == command(*words, "--help")
    assert "Usage:" in command(*words, "-h").out


def test_the_version_is_said(command):
    done = command("--version")
    assert (done.code, done.out, done.err) == (0, f"isotropy {isotropy.__version__}\n", "")


def test_a_full_disk_is_one_line(command, folder, monkeypatch):
    def full(text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("typer.echo", full)
    refused(command("examples"), ["No space left on device"])


def test_a_signal_is_no_word_of_the_model(command, desk, monkeypatch):
    def stopped(*_):
        raise Terminated

    monkeypatch.setattr("isotropy.cli.input._models.importlib.import_module", stopped)
    done = command(*model("net"))
    assert (done.code, done.err) == (128 + signal.SIGTERM, "isotropy: terminated, nothing written\n")


def test_a_pipe_that_closes_early_gives_no_traceback(folder):
    words = [sys.executable, "-m", "isotropy", "examples"]
    environment = {"PYTHONPATH": str(Path(isotropy.__file__).parents[1]), "PATH": ""}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as running:
        running.stdout.close()
        assert b"Traceback" not in running.stderr.read()


def far(points):
    """Squared distance of two points of the plane."""
    return (points[:, :2] - points[:, 2:]) ** 2 @ np.ones(2)


@pytest.mark.parametrize("candidates", ["so(2)", "se(2)", "poly(2,degree=1)", "image(2,2,se(2))"])
def test_every_kind_of_candidates_has_a_page(command, desk, candidates):
    points = RNG.normal(size=(40, 4))
    (desk / "g.csv").write_text(rows(np.column_stack([points, far(points)]), "a,b,c,d,f"))
    file = "d.csv" if candidates.startswith("poly") else "g.csv"
    done = command("discover", file, "--y", "f", "--candidates", candidates, "--rank", "1", "--out", "o")
    assert done.code in (0, 1), done
    assert sorted(path.name for path in Path("o").iterdir()) == ["report.html", "symmetry.json"]
