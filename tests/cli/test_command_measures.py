"""How symmetric a model is, from the command line; and a model file that may not run code."""

import json
import math
import pickle
import sys
import textwrap
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

import isotropy as iso

from .command_files import write_csv

MODELS = """
    import torch

    def radius(x):
        return x.square().sum(1)

    def turned(x):
        return x * x.norm(dim=1, keepdim=True)

    def first(x):
        return x[:, 0] + 0.5 * x[:, 1] ** 2

    def constant(x):
        return 0 * x[:, :1] + 3.0

    def sums(x):
        return x.sum()

    def fails(x):
        raise KeyError("two\\nlines")

    number = 3
    Layer = torch.nn.Linear
    single = torch.nn.Linear(3, 1)
"""


@pytest.fixture
def models(folder, monkeypatch):
    """A folder with models and points, as a user has it."""
    (folder / "nets_of_test.py").write_text(textwrap.dedent(MODELS))
    (folder / "broken_of_test.py").write_text("1 / 0\n")
    write_csv(folder / "points.csv", "xyz", np.random.default_rng(0).normal(size=(50, 3)))
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield folder
    for name in ("nets_of_test", "broken_of_test"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A network in float32, and the file that torch.export writes of it."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    path = tmp_path_factory.mktemp("saved") / "net.pt2"
    program = torch.export.export(network, (torch.zeros(4, 3),), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program, path)
    return network, path


def measured(command, *words):
    done = command("measure", *words, "--json")
    assert done.err == ""
    return done.code, json.loads(done.out)


def test_a_function_and_its_tolerance(command, models):
    code, answer = measured(command, "nets_of_test:radius", "points.csv", "--algebra", "so(3)", "--tolerance", "0")
    assert (code, answer["at_floor"], answer["within"], answer["outputs"]) == (0, True, True, "scalar")
    code, answer = measured(command, "nets_of_test:turned", "points.csv", "--algebra", "so(3)", "--finite")
    assert (code, answer["at_floor"], answer["outputs"]) == (0, True, "vector")
    assert answer["finite"]["defect"] < 1e-12
    code, answer = measured(command, "nets_of_test:first", "points.csv", "--algebra", "so(3)", "--tolerance", "0.05")
    assert (code, answer["within"]) == (1, False)
    between = (answer["defect"] + answer["interval"][1]) / 2
    words = ("nets_of_test:first", "points.csv", "--algebra", "so(3)", "--tolerance")
    assert measured(command, *words, str(between))[1]["within"] is False  # the interval holds the tolerance
    code, answer = measured(command, *words, str(2 * between), "--level", "0.2")
    assert (code, answer["within"], answer["level"]) == (0, True, 0.2)
    assert [row["name"] for row in answer["generators"]] == ["x d/dy - y d/dx", "x d/dz - z d/dx", "y d/dz - z d/dy"]


def test_nothing_to_measure_is_code_1(command, models):
    code, answer = measured(command, "nets_of_test:constant", "points.csv", "--algebra", "so(3)")
    assert (code, answer["defect"], answer["within"]) == (1, None, False)
    assert command("measure", "nets_of_test:constant", "points.csv", "--algebra", "so(3)").out.startswith("Undefined")


def test_a_saved_program_measures_as_its_network(command, models, saved):
    network, path = saved
    done = command("measure", path, "points.csv", "--algebra", "so(3)", "--out", "m")
    answer = json.loads(Path("m/measure.json").read_text())
    x = iso.datasets.read_table("points.csv").select("x,y,z")
    group = iso.so(3)
    report = iso.measure.equivariance(network, torch.from_numpy(x).float(), group.vector(), group.scalar())
    assert done.code == 0
    assert answer["dtype"] == "float32"
    assert math.isclose(answer["defect"], report.defect, rel_tol=1e-4)
    assert math.isclose(answer["effect"], report.effect, rel_tol=1e-4)
    row = answer["generators"][0]
    (low, high), (least, most) = row["interval"], row["effect_interval"]
    numbers = f"defect {row['defect']:.3g} [{low:.3g} to {high:.3g}], effect {row['effect']:.3g} "
    assert numbers + f"[{least:.3g} to {most:.3g}]" in done.out
    assert done.out.startswith(f"The model breaks so(3) by {answer['defect']:.3g} [")
    assert "of what chance would give" in done.out and "95 % intervals" in done.out
    assert f"defects up to {answer['floor']:.1g} are rounding" in done.out
    assert sorted(path.name for path in Path("m").iterdir()) == ["measure.json"]


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def rewritten(path, target, change):
    """A copy of an archive with some records changed."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        records = {name.partition("/")[2]: old.read(name) for name in old.namelist()}
        for name, content in change(records).items():
            new.writestr(f"net/{name}", content)
    return target


def edited(name, old, new):
    return lambda records: {**records, name: records[name].replace(old.encode(), new.encode())}


GRAPH, WEIGHTS = "models/model.json", "data/weights/model_weights_config.json"
BOMB = pickle.dumps(Bomb())
HOSTILE = {
    "pickled weight": (edited(WEIGHTS, '"use_pickle": false', '"use_pickle": true'), ["pickle"]),
    "legacy weights": (lambda r: {**r, "data/weights/model.pt": BOMB}, ["data/weights/model.pt"]),
    "legacy constants": (lambda r: {**r, "data/constants/model.pt": BOMB}, ["data/constants/model.pt"]),
    "opaque object": (lambda r: {**r, "data/constants/opaque_obj_0": BOMB}, ["opaque_obj_0"]),
    "custom object": (lambda r: {**r, "data/constants/custom_obj_0": BOMB}, ["custom_obj_0"]),
    "compiled library": (lambda r: {**r, "data/aotinductor/model/a.so": b""}, ["a.so"]),
    "foreign operator": (edited(GRAPH, "torch.ops.aten.tanh.default", "torch.os.system"), ["torch.os.system"]),
    "size that is code": (edited(GRAPH, "Symbol('s", "__import__('os').getcwd()+Symbol('s"), ["__import__"]),
    "imported enumeration": (edited(GRAPH, '\\"context\\": \\"null\\"', '\\"context\\": \\"__enum__\\"'), ["imports"]),
    "no graph": (lambda r: {k: v for k, v in r.items() if k != GRAPH}, ["without models/model.json"]),
    "graph that is no JSON": (lambda r: {**r, GRAPH: b"{"}, ["JSON"]),
    "graph of another kind": (lambda r: {**r, GRAPH: b"{}"}, ["cannot load"]),
    "two of one name": (lambda r: {**r, "Models/model.json": r[GRAPH]}, ["two records"]),
}


@pytest.mark.parametrize(("change", "essential"), HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_would_run_code_is_refused(command, models, saved, change, essential):
    path = rewritten(saved[1], models / "evil.pt2", change)
    _refused(command("measure", path, "points.csv", "--algebra", "so(3)", "--out", "m"), essential, models)


def test_pickled_samples_and_guards_are_dropped_unread(command, models, saved):
    def change(records):
        graph = json.loads(records[GRAPH])
        graph["guards_code"] = ["__import__('pytest').fail('a guard was run')"]
        samples = {"data/sample_inputs/model.pt": BOMB, "extra/notes": b"any"}
        return {**records, **samples, GRAPH: json.dumps(graph).encode()}

    path = rewritten(saved[1], models / "odd.pt2", change)
    code, answer = measured(command, path, "points.csv", "--algebra", "so(3)")
    assert (code, answer["at_floor"]) == (0, False)


def test_a_program_of_one_batch_size_says_how_to_export(command, models):
    torch.export.save(torch.export.export(torch.nn.Linear(3, 1), (torch.zeros(4, 3),)), models / "four.pt2")
    done = command("measure", "four.pt2", "points.csv", "--algebra", "so(3)")
    _refused(done, ["for 4 samples", "dynamic_shapes"], models)


BAD = {
    "no file": ("none.pt2 points.csv --algebra so(3)", ["none.pt2", "existing"]),
    "not an archive": ("points.pt2 points.csv --algebra so(3)", ["points.pt2", "another kind"]),
    "pickled module": ("net.pt points.csv --algebra so(3)", ["net.pt", "never loaded", "torch.export.save"]),
    "no colon": ("nets_of_test points.csv --algebra so(3)", ["module:callable"]),
    "no module": ("nets_of_none:f points.csv --algebra so(3)", ["'nets_of_none'", "ModuleNotFoundError"]),
    "module that fails": ("broken_of_test:f points.csv --algebra so(3)", ["ZeroDivisionError"]),
    "no such name": ("nets_of_test:third points.csv --algebra so(3)", ["'third'", "'nets_of_test'"]),
    "a number": ("nets_of_test:number points.csv --algebra so(3)", ["ready to call", "int"]),
    "a class": ("nets_of_test:Layer points.csv --algebra so(3)", ["ready to call", "class"]),
    "not a batch": ("nets_of_test:sums points.csv --algebra so(3)", ["one per sample"]),
    "raises": ("nets_of_test:fails points.csv --algebra so(3)", ["KeyError", "--x"]),
    "wrong inputs": ("nets_of_test:single points.csv --x x,y --algebra so(2)", ["nets_of_test:single", "--x"]),
    "wrong algebra": ("nets_of_test:first points.csv --algebra so(2)", ["--algebra so(2)", "received 3"]),
    "unknown algebra": ("nets_of_test:first points.csv --algebra e8", ["--algebra e8"]),
    "no algebra": ("nets_of_test:first points.csv", ["--algebra"]),
    "wrong outputs": ("nets_of_test:first points.csv --algebra so(3) --outputs vector", ["--outputs vector"]),
    "odd outputs": ("nets_of_test:first points.csv --algebra so(3) --outputs spinor", ["'spinor'"]),
    "no data": ("nets_of_test:first none.csv --algebra so(3)", ["none.csv"]),
    "no column": ("nets_of_test:first points.csv --x x,y,w --algebra so(3)", ["'w'"]),
    "columns of an example": ("nets_of_test:first example:moon --x x --algebra so(3)", ["example:moon"]),
    "bad level": ("nets_of_test:first points.csv --algebra so(3) --level 2", ["level"]),
    "bad tolerance": ("nets_of_test:first points.csv --algebra so(3) --tolerance=-1", ["--tolerance"]),
    "folder is a file": ("nets_of_test:first points.csv --algebra so(3) --out points.csv", ["--out"]),
}


@pytest.mark.parametrize(("words", "essential"), BAD.values(), ids=BAD)
def test_bad_input_is_one_line(command, models, words, essential):
    (models / "points.pt2").write_text("x")
    words = words.split() if "--out" in words.split() else [*words.split(), "--out", "m"]
    _refused(command("measure", *words), essential, models)


def _refused(done, essential, folder):
    assert done.code == 2, done
    assert done.out == ""
    assert done.err.startswith("isotropy: ")
    assert done.err.count("\n") == 1
    assert [word for word in essential if word not in done.err] == [], done.err
    assert not (folder / "m").exists()
    assert [path for path in folder.iterdir() if path.name.endswith(".part")] == []
