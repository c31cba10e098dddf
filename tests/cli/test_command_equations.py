"""``isotropy equations`` as a person runs it."""

import json
import sys

import numpy as np
import pytest

from .command_files import write_csv

CLOCK = np.linspace(0, 20, 100)


def spiral(noise=0.0, seed=0):
    """Time, position, label of one damped oscillation."""
    x = np.exp(-CLOCK / 10)[:, None] * np.stack([np.cos(CLOCK), np.sin(CLOCK)], axis=1)
    x = x + noise * np.random.default_rng(seed).normal(size=x.shape)
    return np.column_stack([CLOCK, x, 0 * CLOCK])


@pytest.fixture
def spiral_file(folder):
    return write_csv(folder / "d.csv", ["t", "p", "q", "k"], spiral(0.05))


WORDS = ("d.csv", "--time", "t", "--state", "p,q")


def test_hares_and_lynx_are_predator_and_prey_without_symmetry(command):
    done = command("equations", "example:hare", "--json")
    answer = json.loads(done.out)
    assert done.code == 0 and answer["status"] == "done"
    kept = {
        (name, term)
        for name, row in zip(answer["coordinates"], answer["coefficients"], strict=True)
        for term, value in zip(answer["terms"], row, strict=True)
        if value
    }
    assert kept == {("hare", "hare"), ("hare", "hare lynx"), ("lynx", "lynx"), ("lynx", "hare lynx")}
    assert answer["symmetry"]["chosen"] == "none"


def test_planets_tell_keplers_law_and_its_rotations(command):
    done = command("equations", "example:planets")
    assert done.code == 0
    assert "x'' = -39.5 x/r^3" in done.out
    assert "Imposing so(3) saves" in done.out


def test_the_sky_turns_once_in_a_sidereal_day(command):
    done = command("equations", "example:stars", "--degree", "1", "--symmetry", "none", "--json")
    rates = np.array(json.loads(done.out)["coefficients"])[:, 1:]
    turn = 2 * np.pi * 1.00273781  # turns of the Earth in a day of the clock
    np.testing.assert_allclose(rates, [[0, turn, 0], [-turn, 0, 0], [0, 0, 0]], atol=1e-3)


def test_one_circle_does_not_determine_a_law(command, folder):
    ring = np.column_stack([CLOCK, np.cos(CLOCK), np.sin(CLOCK), -np.sin(CLOCK), np.cos(CLOCK)])
    write_csv(folder / "d.csv", ["t", "x", "y", "u", "v"], ring)
    done = command("equations", "d.csv", "--time", "t", "--state", "x,y,u,v", "--motion")
    assert done.code == 2
    assert "expected data that determine 24 free coefficients, received data that determine" in done.err


def test_a_known_symmetry_is_imposed_and_priced(command, spiral_file, folder):
    pytest.importorskip("matplotlib", reason="pictures of the report")
    done = command("equations", *WORDS, "--symmetry", "so(2)", "--out", "o", "--weak")
    assert done.code == 0, done.err
    assert "Without symmetry:" in done.out or "removes 0 of" in done.out
    answer = json.loads((folder / "o" / "equations.json").read_text())
    first, second = np.array(answer["coefficients"])[:, 1:3]
    assert first[0] == pytest.approx(second[1], abs=1e-12) and first[1] == pytest.approx(-second[0], abs=1e-12)
    page = (folder / "o" / "report.html").read_text()
    assert page.count("<svg") == 2
    assert "Symmetries compared" in page and "http" not in page.split("</style>")[1].replace("http://www.w3.org", "")


def test_a_wrong_symmetry_is_imposed_but_doubted(command, spiral_file):
    done = command("equations", *WORDS, "--symmetry", "diagonal(2)")
    assert done.code == 1
    assert "the data speak against diagonal(2)" in done.out


def test_the_file_of_a_discovery_is_taken(command, spiral_file, folder):
    stored = {"format": 1, "basis": [[[0.0, 1.0], [-1.0, 0.0]]], "name": "so(2)", "shape": [2, 2], "blocks": [2]}
    (folder / "s.json").write_text(json.dumps({**stored, "dimension": 1, "polynomials": None}))
    done = command("equations", *WORDS, "--symmetry", "s.json", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["free_parameters"] == 2


def test_velocities_and_thresholds_can_be_asked_for(command, spiral_file):
    done = command("equations", *WORDS, "--derivative", "--threshold", "0.05", "--degree", "1", "--json")
    answer = json.loads(done.out)
    assert answer["method"] == "SINDy" and answer["terms"] == ["1", "p", "q"]
    assert np.abs(answer["coefficients"])[np.array(answer["coefficients"]) != 0].min() >= 0.05


def test_equations_that_run_away_are_doubted(command, folder):
    clock = np.linspace(0, 0.95, 40)
    blown = 1 / (1 - clock)  # x' = x^2 reaches infinity at 1
    rng = np.random.default_rng(0)
    values = np.column_stack(
        [clock, blown * (1 + 0.02 * rng.normal(size=40)), blown * 0.5 + 0.05 * rng.normal(size=40)]
    )
    write_csv(folder / "d.csv", ["t", "p", "q"], values)
    done = command("equations", *WORDS, "--symmetry", "none")
    assert done.code == 1
    assert "Doubts" in done.out


REFUSED = {
    "no columns": (spiral(), ("d.csv",), "expected trajectories, received points"),
    "no state": (spiral(), ("d.csv", "--time", "t"), "expected both for trajectories"),
    "motion of one": (spiral(), (*WORDS[:4], "p", "--motion"), "positions then velocities"),
    "unknown name": (spiral(), (*WORDS, "--symmetry", "zo(2)"), "--symmetry zo(2)"),
    "wrong size": (spiral(), (*WORDS, "--symmetry", "so(3)"), "expected 3 columns"),
    "no file": (spiral(), (*WORDS, "--symmetry", "gone.json"), "expected a file written by isotropy discover"),
    "weak motion": (spiral(), (*WORDS, "--motion", "--weak"), "--weak: expected --derivative"),
    "times fall": (spiral()[::-1], WORDS, "expected times that increase"),
    "times repeat": (np.repeat(spiral(), 2, axis=0), WORDS, "expected times that increase"),
    "too many terms": (spiral(), (*WORDS, "--degree", "7"), "degree"),
    "too few samples": (spiral()[:6], WORDS, "expected"),
    "still": (np.column_stack([CLOCK, CLOCK * 0, CLOCK, CLOCK]), WORDS, "expected"),
    "out is a file": (spiral(), (*WORDS, "--out", "d.csv"), "expected a folder"),
}


@pytest.mark.parametrize(("values", "words", "fragment"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_one_line(command, folder, values, words, fragment):
    write_csv(folder / "d.csv", ["t", "p", "q", "k"], values)
    done = command("equations", *words)
    assert done.code == 2 and not done.out
    assert done.err.count("\n") == 1 and fragment in done.err
    assert sorted(p.name for p in folder.iterdir()) == ["d.csv"]


def test_a_report_without_matplotlib_names_the_extra(command, spiral_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = command("equations", *WORDS, "--out", "o")
    assert done.code == 2 and "isotropy[report]" in done.err
