"""``isotropy probe`` in every way a person may call it."""

import json

import pytest
import typer
from typer.testing import CliRunner

from isotropy.cli._probe import probe, read_rule
from isotropy.errors import DataError

FORCE_FIELDS = """
import torch
from isotropy import atoms

class Fields:
    def broken():
        return atoms.TorchCalculator(atoms.Together(atoms.SpringWater(), atoms.Banded([0, 0, 0.01])))

broken = Fields.broken
ready = Fields.broken()

def number():
    return 3

def failing():
    raise RuntimeError("no licence")
"""


@pytest.fixture
def call(folder):
    """Run the verb on three waters and a module of force fields in the working folder."""
    ase = pytest.importorskip("ase", reason="structures need isotropy[atoms]")
    from ase.build import molecule
    from ase.io import write

    (folder / "fields_of_test.py").write_text(FORCE_FIELDS)
    waters = [molecule("H2O") for _ in range(3)]
    for seed, water in enumerate(waters):
        water.rattle(0.05, seed=seed)
    for name in ("waters.extxyz", "waters.traj", "waters.json"):
        write(folder / name, waters)
    write(folder / "water.xyz", waters[0])
    assert ase
    app = typer.Typer()
    app.command()(probe)

    def run(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    return run


BROKEN = ("--calculator", "fields_of_test:broken")


def test_words_name_the_amount_and_the_rules(call):
    done = call("waters.extxyz", *BROKEN, "--tolerance", "energy=1e-6,forces=1e-6", "--select", ":1")
    assert done.exit_code == 0
    assert "energy: error 0.00447 eV" in done.output
    assert "12 evaluations, T: energy" in done.output
    assert done.output.rstrip().endswith("Cheapest rule within energy 1e-06, forces 1e-06: T, 12 evaluations.")


@pytest.mark.parametrize("name", ["waters.extxyz", "waters.traj", "waters.json"])
def test_every_format_gives_the_same_answer(call, name):
    done = call(name, "--calculator", "fields_of_test:ready", "--json", "--no-candidates")
    assert done.exit_code == 0
    answer = json.loads(done.output)
    assert answer["frames"] == 3
    assert answer["properties"]["energy"]["error"] == pytest.approx(0.01 / 5**0.5, rel=1e-9)


def test_a_folder_with_json_and_a_page(call, folder):
    pytest.importorskip("matplotlib", reason="the page needs isotropy[report]")
    pytest.importorskip("jinja2", reason="the page needs isotropy[report]")
    done = call("water.xyz", *BROKEN, "--out", "answer", "--json")
    assert done.exit_code == 0
    assert json.loads((folder / "answer" / "probe.json").read_text()) == json.loads(done.output)
    page = (folder / "answer" / "report.html").read_text()
    assert page.count("<svg") == 2
    assert "<td>12</td>" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_tolerance_that_no_rule_meets_is_code_1(call):
    done = call("water.xyz", *BROKEN, "--tolerance", "energy=1e-30")
    assert done.exit_code == 1
    assert "none of the rules" in done.output


def test_a_run_goes_on_where_it_stopped(call, folder):
    words = ("waters.extxyz", *BROKEN, "--resume", "kept.jsonl", "--json", "--no-candidates")
    first = call(*words)
    kept = folder / "kept.jsonl"
    lines = kept.read_text().splitlines()
    assert len(lines) == 4
    kept.write_text("\n".join(lines[:2]) + "\n")
    assert call(*words).output == first.output


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("nothing.xyz", *BROKEN), "expected structures that ase can read"),
        (("water.xyz", "--calculator", "fields_of_test:number"), "expected a calculator of ase from"),
        (("water.xyz", "--calculator", "fields_of_test:failing"), "received RuntimeError .no licence"),
        (("water.xyz", "--calculator", "fields_of_test:nothing"), "--calculator: expected 'nothing' in the module"),
        (("water.xyz", "--calculator", "fields_of_test"), "--calculator: expected module:callable"),
        (("water.xyz", *BROKEN, "--rule", "Q"), "--rule: expected D2, T, O, I"),
        (("water.xyz", *BROKEN, "--rule", "T:2"), "--rule: expected D2, T, O, I"),
        (("water.xyz", *BROKEN, "--rule", "lebedev:x"), "expected a degree after the colon"),
        (("water.xyz", *BROKEN, "--properties", "entropy"), "properties: expected some of"),
        (("water.xyz", *BROKEN, "--properties", "stress"), "periodic along three axes"),
        (("water.xyz", *BROKEN, "--tolerance", "energy"), "--tolerance: expected e.g."),
        (("water.xyz", *BROKEN, "--tolerance", "stress=1"), "--tolerance: expected properties that are measured"),
        (("waters.extxyz", *BROKEN, "--select", "5:"), "--select: expected frames"),
        (("water.xyz", *BROKEN, "--out", "no/where"), "--out: expected an existing parent folder"),
    ],
)
def test_bad_input_is_one_clear_error(call, folder, words, text):
    before = sorted(path.name for path in folder.iterdir() if path.name != "__pycache__")
    done = call(*words)
    assert isinstance(done.exception, DataError)
    done.stdout.encode()
    with pytest.raises(DataError, match=text):
        raise done.exception
    assert sorted(path.name for path in folder.iterdir() if path.name != "__pycache__") == before


@pytest.mark.parametrize(
    ("text", "size"), [("I", 60), ("I+i", 120), ("lebedev:5", 84), ("gauss:2+i", 36), ("grid:2i", 36), ("D2", 4)]
)
def test_rules_by_name(text, size):
    assert len(read_rule(text)) == size
