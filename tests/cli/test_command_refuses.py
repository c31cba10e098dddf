"""Whatever is wrong with the input: one line, exit code 2, nothing written."""

import os
import sys

import numpy as np
import pytest

from .command_files import write_csv

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2))
GOOD = np.column_stack([X, (X**2).sum(1)])
XY = "--x u,v --y f"
RUN = "--time t --state p,q --trajectory k"


def orbits(count=2, samples=30):
    """Time, position, velocity and label of circles of several radii."""
    time = np.linspace(0, 3, samples)
    parts = [np.column_stack([time, k * np.cos(time), -k * np.sin(time), 0 * time + k]) for k in range(1, count + 1)]
    return np.concatenate(parts)


def table(values=GOOD, names="u,v,f"):
    return lambda folder: write_csv(folder / "d.csv", names.split(","), values)


def text(content, name="d.csv"):
    return lambda folder: (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def changed(row, column, value, base=GOOD):
    values = base.copy()
    values[row, column] = value
    return values


def npz(**arrays):
    return lambda folder: np.savez(folder / "d.npz", **arrays)


def cut(name):
    """A file of which the second half is missing."""

    def write(folder):
        if name.endswith(".h5"):
            with pytest.importorskip("h5py").File(folder / name, "w") as root:
                root["x"] = np.arange(900.0).reshape(300, 3)
        elif name.endswith(".parquet"):
            pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
            parquet.write_table(pyarrow.table({"x": np.arange(300.0)}), folder / name)
        else:
            np.savez(folder / name, x=np.arange(900.0).reshape(300, 3))
        raw = (folder / name).read_bytes()
        (folder / name).write_bytes(raw[: len(raw) // 2])

    return write


def file_named(name):
    def write(folder):
        table()(folder)
        (folder / name).write_text("")

    return write


RUNS = table(orbits(), "t,p,q,k")
OBJECTS = np.array([{}, 1], dtype=object)

CASES = {
    "missing file": (lambda f: None, "none.csv", ["none.csv", "existing file"]),
    "directory": (lambda f: (f / "sub").mkdir(), "sub", ["received a directory"]),
    "zero bytes": (text(""), "d.csv", ["0 bytes"]),
    "header only": (text("u,v\n"), "d.csv", ["rows of data"]),
    "duplicate header": (text("u,u\n1,2\n"), "d.csv", ["'u' twice"]),
    "ragged rows": (text("u,v\n1,2\n3\n"), "d.csv", ["2 cells", "received 1 in data row 2"]),
    "unknown suffix": (text("u", "d.xlsx"), "d.xlsx", ["'.xlsx'", ".csv"]),
    "truncated npz": (cut("d.npz"), "d.npz", ["readable .npz"]),
    "truncated hdf5": (cut("d.h5"), "d.h5", ["readable .h5"]),
    "corrupt parquet": (cut("d.parquet"), "d.parquet", ["readable .parquet"]),
    "pickled npz": (npz(x=OBJECTS), "d.npz", ["pickled objects", "never loaded"]),
    "pickled npy": (lambda f: np.save(f / "d.npy", OBJECTS), "d.npy", ["pickled objects", "never loaded"]),
    "complex": (npz(x=X.astype(complex)), "d.npz", ["real numbers", "complex128"]),
    "scalar array": (npz(x=np.float64(1)), "d.npz", ["shape ()"]),
    "lengths": (npz(x=X, z=X[:9]), "d.npz --x x --y z", ["40 rows", "9"]),
    "missing column": (table(names="alpha,beta,f"), "d.csv --x alpa,beta --y f", ["'alpa'", "did you mean 'alpha'"]),
    "column twice": (table(), "d.csv --x u,u --y f", ["'u' twice"]),
    "bad range": (table(), "d.csv --x u:v --y f", ["x0:x5"]),
    "empty --x": (table(), ["d.csv", "--x", "", "--y", "f"], ["--x", "empty"]),
    "NaN": (table(changed(3, 0, np.nan)), f"d.csv {XY}", ["'u'", "nan", "data row 4"]),
    "infinity": (table(changed(5, 1, np.inf)), f"d.csv {XY}", ["'v'", "inf", "data row 6"]),
    "text cell": (text("u,v,f\n1,2,3\n2,x,4\n"), f"d.csv {XY}", ["'v'", "'x'", "data row 2"]),
    "text column": (text("u,v\n1,a\n2,b\n"), "d.csv", ["'v'", "'a'"]),
    "constant input": (table(changed(slice(None), 0, 2.0)), f"d.csv {XY}", ["varying column 'u'", "constant 2"]),
    "constant output": (table(changed(slice(None), 2, 2.0)), f"d.csv {XY}", ["varying column 'f'"]),
    "huge numbers": (table(GOOD * 1e200), f"d.csv {XY}", ["other units"]),
    "tiny numbers": (table(GOOD * 1e-200), f"d.csv {XY}", ["other units"]),
    "too few samples": (table(GOOD[:7]), f"d.csv {XY}", ["at least 20 samples", "4 candidate", "received 7"]),
    "too few points": (table(GOOD[:7]), "d.csv --x u,v", ["at least 20", "received 7"]),
    "--y among --x": (table(), "d.csv --x u,v --y v", ["'v' in both"]),
    "all columns are --y": (table(), "d.csv --y u,v,f", ["--y", "left over as inputs"]),
    "short trajectories": (table(orbits(2, 4), "t,p,q,k"), f"d.csv {RUN}", ["at least 5 samples", "received 4"]),
    "time falls": (table(changed(7, 0, 0.0, orbits()), "t,p,q,k"), f"d.csv {RUN}", ["times that increase", "row 8"]),
    "time repeats": (
        table(changed(7, 0, orbits()[6, 0], orbits()), "t,p,q,k"),
        f"d.csv {RUN}",
        ["times that increase", "row 8"],
    ),
    "no --trajectory": (RUNS, "d.csv --time t --state p,q", ["name the trajectory column"]),
    "--time alone": (RUNS, "d.csv --time t", ["--time and --state"]),
    "--state alone": (RUNS, "d.csv --state p,q", ["--time and --state"]),
    "--trajectory alone": (RUNS, "d.csv --trajectory k", ["--time and --state"]),
    "--x beside --time": (RUNS, f"d.csv {RUN} --x p", ["--x/--y"]),
    "--noether on points": (table(), "d.csv --noether", ["--noether", "trajectories"]),
    "--noether, odd state": (table(orbits(), "t,p,q,k"), "d.csv --time t --state p --noether --trajectory k", ["both"]),
    "one trajectory": (
        table(orbits(1), "t,p,q,k"),
        "d.csv --time t --state p,q --noether",
        ["at least 2", "received 1"],
    ),
    "--conserved on points": (table(), "d.csv --conserved 2", ["--conserved", "trajectories"]),
    "--conserved 0": (RUNS, f"d.csv {RUN} --conserved 0", ["--conserved"]),
    "--conserved, one run": (table(orbits(1), "t,p,q,k"), f"d.csv {RUN} --conserved 2", ["at least 2"]),
    "--time-scaling on points": (table(), "d.csv --time-scaling", ["--time-scaling", "trajectories"]),
    "--rank word": (table(), f"d.csv {XY} --rank many", ["--rank", "'many'"]),
    "--rank nan": (table(), f"d.csv {XY} --rank nan", ["--rank", "'nan'"]),
    "--rank above 1": (table(), f"d.csv {XY} --rank 1.5", ["--rank", "'1.5'"]),
    "--rank negative": (table(), f"d.csv {XY} --rank=-2", ["--rank", "'-2'"]),
    "--rank too large": (table(orbits(), "t,p,q,k"), f"d.csv {RUN} --noether --rank 9", ["at most", "received 9"]),
    "--outputs nonsense": (table(), f"d.csv {XY} --outputs tensor", ["--outputs", "'tensor'"]),
    "--outputs of points": (table(), "d.csv --outputs vector", ["--outputs", "--y"]),
    "--outputs vector of one": (table(), f"d.csv {XY} --outputs vector", ["--outputs vector", "2", "received 1"]),
    "unknown candidates": (table(), f"d.csv {XY} --candidates e8(2)", ["--candidates", "'e8(2)'", "gl(n)"]),
    "malformed candidates": (table(), f"d.csv {XY} --candidates gl[2]", ["--candidates", "'gl[2]'"]),
    "malformed poly": (table(), f"d.csv {XY} --candidates poly(2", ["poly(2,degree=2)"]),
    "empty candidates": (table(), ["d.csv", "--x", "u,v", "--y", "f", "--candidates", ""], ["--candidates"]),
    "size zero": (table(), f"d.csv {XY} --candidates gl(0)", ["at least 1", "received 0"]),
    "wrong dimension": (table(), f"d.csv {XY} --candidates so(3)", ["--candidates so(3)", "3 columns", "received 2"]),
    "poly of wrong dimension": (table(), f"d.csv {XY} --candidates poly(3,degree=2)", ["3 columns", "received 2"]),
    "poly of high degree": (table(), f"d.csv {XY} --candidates poly(2,degree=99)", ["at most 1024", "10100"]),
    "image of wrong size": (table(), f"d.csv {XY} --candidates image(4,4,se(2))", ["16 columns", "received 2"]),
    "too large to search": (table(), f"d.csv {XY} --candidates gl(9999)", ["size 32 at most", "9999"]),
    "--out onto a file": (file_named("o"), f"d.csv {XY} --out o", ["--out", "received the file o"]),
    "--out without parent": (table(), f"d.csv {XY} --out no/o", ["--out", "parent folder", "no"]),
    "unknown example": (lambda f: None, "example:pluto", ["planets, moon, stars", "'pluto'"]),
    "columns of an example": (lambda f: None, "example:moon --x x,y", ["example:moon", "--x"]),
    "unknown --key": (npz(x=X), "d.npz --key q", ["'q'", "keys x"]),
    "--key of a CSV": (table(), "d.csv --key q", ["no key", "'q'"]),
    "--seed word": (table(), f"d.csv {XY} --seed one", ["--seed"]),
    "--seed negative": (table(), f"d.csv {XY} --seed=-1", ["--seed"]),
    "unknown option": (table(), "d.csv --nonsense", ["--nonsense"]),
    "no DATA": (lambda f: None, "", ["data"]),
}


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def refused(done, folder, before, words):
    assert done.code == 2, done
    assert done.out == ""
    assert done.err.startswith("isotropy: ")
    assert done.err.count("\n") == 1
    assert done.err.endswith("\n")
    assert [word for word in words if word not in done.err] == [], done.err
    assert tree(folder) == before


@pytest.mark.parametrize(("make", "words", "essential"), CASES.values(), ids=CASES)
def test_discover_says_one_line(command, folder, make, words, essential):
    make(folder)
    words = words.split() if isinstance(words, str) else words
    if "--out" not in words:
        words = [*words, "--out", "answer"]
    before = tree(folder)
    refused(command("discover", *words), folder, before, essential)


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_a_report_that_cannot_be_drawn_is_refused_before_anything_is_read(command, folder, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    done = command("discover", "none.csv", "--out", "answer")
    refused(done, folder, [], [f"no {package}", "pip install 'isotropy[report]'"])


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs permissions of POSIX")
def test_a_folder_that_cannot_be_written_is_one_line(command, folder, monkeypatch):
    def deny(self, *_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", deny)
    done = command("discover", "example:planets", "--out", "answer")
    refused(done, folder, [], ["--out", "can be written", "Permission denied"])


def test_unknown_verb_and_no_verb(command, folder):
    refused(command("divine"), folder, [], ["divine", "isotropy --help"])
    done = command()
    assert done.code == 0
    assert all(verb in done.out for verb in ("discover", "measure", "examples"))
