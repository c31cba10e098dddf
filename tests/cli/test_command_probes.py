"""``isotropy probe`` in every way a person may call it."""

import json
import re

import pytest
import typer
from typer.testing import CliRunner

from isotropy.cli._probe import probe
from isotropy.cli.input._force_field import read_rule
from isotropy.errors import DataError

FORCE_FIELDS = """
from itertools import count

import numpy as np
from ase.calculators.calculator import Calculator
from isotropy import atoms, datasets

class Fields:
    def broken():
        return atoms.TorchCalculator(atoms.Together(atoms.SpringWater(), atoms.Banded([0, 0, 0.01])))

broken = Fields.broken
ready = Fields.broken()

def number():
    return 3

def failing():
    raise RuntimeError("no licence")

def of(function):
    class Given(Calculator):
        implemented_properties = ["energy", "forces"]

        def calculate(self, atoms=None, properties=(), system_changes=()):
            self.results = function(atoms)
    return Given()

def lost():
    return of(lambda atoms: {"energy": 0.0, "forces": np.full((len(atoms), 3), np.nan)})

def poor():
    return of(lambda atoms: {"energy": 0.0})

def trained():
    return atoms.ModuleCalculator(datasets.water_model(), 4.0)

def wordy():
    return of(lambda atoms: {"energy": "low", "forces": np.zeros((len(atoms), 3))})

def imaginary():
    return of(lambda atoms: {"energy": 1j, "forces": np.zeros((len(atoms), 3))})

def leaving():
    return of(lambda atoms: exit(5))

def talking():
    print("hello")
    return broken()

def tired():
    # gives up in the second frame
    inner, calls = Fields.broken(), count()

    def function(atoms):
        if next(calls) > 300:
            raise RuntimeError("out of licences")
        return {name: inner.get_property(name, atoms) for name in ("energy", "forces")}
    return of(function)
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
    done = call("water.xyz", *BROKEN, "--out", "answer", "--json", "--tolerance", "forces=1e-6")
    assert done.exit_code == 0
    assert json.loads((folder / "answer" / "probe.json").read_text()) == json.loads(done.output)
    page = (folder / "answer" / "report.html").read_text()
    assert page.count("<svg") == 3  # two properties and the map of atoms
    assert "Where: forces atom by atom" in page
    assert "<td>12</td>" in page
    assert "Cheapest rule within forces 1e-06: T, 12 evaluations." in page
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


def spoilt():
    """Structures that no probe can use."""
    from ase import Atoms
    from ase.build import bulk

    left = bulk("Cu", cubic=True)
    left.set_cell(left.cell.array[[1, 0, 2]])
    return {"none": Atoms(), "dummy": Atoms("X", [[0, 0, 0]]), "left": left, "ar": Atoms("Ar2", [[0, 0, 0], [0, 0, 3]])}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("none.extxyz", *BROKEN), "at least one atom"),
        (("dummy.extxyz", *BROKEN), "known elements, received X"),
        (("left.extxyz", *BROKEN), "right-handed cell"),
        (("ar.extxyz", "--calculator", "fields_of_test:trained"), r"elements among \[1, 8\], received \[18\]"),
        (("water.xyz", *BROKEN, "--properties", "stress"), "periodic along three axes"),
        (("water.xyz", *BROKEN, "--properties", "energy,energy"), "each once, received energy, energy"),
        (("water.xyz", *BROKEN, "--rule", "gauss:0"), "rule: expected elements to compare"),
        (("water.xyz", "--calculator", "fields_of_test:wordy"), "real numbers for energy, received str"),
        (("water.xyz", "--calculator", "fields_of_test:imaginary"), "real numbers for energy, received complex"),
        (("water.xyz", "--calculator", "fields_of_test:leaving"), r"received SystemExit \(5\)"),
        (("water.xyz", "--calculator", "fields_of_test:lost"), "finite forces, received NaN"),
        (("water.xyz", "--calculator", "fields_of_test:poor"), "expected forces, energy from Given"),
        (
            ("waters.extxyz", "--calculator", "fields_of_test:tired", "--no-candidates"),
            "frame 1: .*out of licences.*1 finished frames",
        ),
    ],
)
def test_what_cannot_be_probed_is_code_2(call, command, folder, words, text):
    from ase.io import write

    for name, frame in spoilt().items():
        write(folder / f"{name}.extxyz", frame)
    done = command("probe", *words)
    assert done.code == 2
    assert done.out == ""
    assert re.search(text, done.err.splitlines()[-1])


def test_what_a_calculator_prints_stays_out_of_the_answer(call, command):
    done = command("probe", "water.xyz", "--calculator", "fields_of_test:talking", "--no-candidates", "--json")
    assert json.loads(done.out)["frames"] == 1
    assert done.err == "hello\n"


def test_a_calculator_that_gives_up_leaves_what_it_finished(call, command):
    rest = ("--no-candidates", "--json")
    done = command("probe", "waters.extxyz", "--calculator", "fields_of_test:tired", "--resume", "k.jsonl", *rest)
    assert (done.code, done.out) == (2, "")
    assert "1 finished frames are kept in k.jsonl" in done.err
    resumed = command("probe", "waters.extxyz", *BROKEN, "--resume", "k.jsonl", *rest)
    whole = command("probe", "waters.extxyz", *BROKEN, *rest)
    assert resumed.code == 0
    assert json.loads(resumed.out)["records"] == json.loads(whole.out)["records"]


@pytest.mark.parametrize(
    ("text", "size"), [("I", 60), ("I+i", 120), ("lebedev:5", 84), ("gauss:2+i", 36), ("grid:2i", 36), ("D2", 4)]
)
def test_rules_by_name(text, size):
    assert len(read_rule(text)) == size
