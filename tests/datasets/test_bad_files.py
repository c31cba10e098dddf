"""Every bad file and every bad choice of columns gives one clear line."""

import gzip
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from isotropy.datasets import Table, points, read_table, require_varying, supervised, trajectories
from isotropy.errors import DataError, MissingExtraError

GOOD = "t,u,v,force,label\n0,1,2,3.5,a\n1,2,5,4.5,b\n2,4,1,0.5,c\n3,0,7,1.5,a\n4,9,8,2.5,b\n"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def refused(action, *fragments: str) -> None:
    with pytest.raises(DataError) as caught:
        action()
    message = str(caught.value)
    assert "\n" not in message
    for fragment in fragments:
        assert fragment in message, message


TEXT_FILES = {
    "unknown suffix": ("runs.xlsx", "abc", ["one of the suffixes .csv, .tsv", "received '.xlsx'"]),
    "no suffix": ("runs", "abc", ["one of the suffixes", "received ''"]),
    "zero bytes": ("runs.csv", "", ["received an empty file (0 bytes)"]),
    "zero bytes npy": ("runs.npy", "", ["received an empty file (0 bytes)"]),
    "blank lines only": ("runs.csv", "\n\n", ["expected a header and rows, received none"]),
    "comments only": ("runs.csv", "# a\n# b\n", ["expected a header and rows, received none"]),
    "header only": ("runs.csv", "a,b,c\n", ["expected rows of data, received none"]),
    "header only tsv": ("runs.tsv", "a\tb\n", ["expected rows of data, received none"]),
    "duplicated names": ("runs.csv", "a,b,a\n1,2,3\n", ["received 'a' twice; rename one"]),
    "names equal but for blanks": ("runs.csv", "a, a\n1,2\n", ["received 'a' twice"]),
    "short row": ("runs.csv", "a,b\n1,2\n3\n", ["expected 2 cells", "received 1 in data row 2 (line 3)"]),
    "long row": ("runs.csv", "a,b\n1,2,3\n", ["expected 2 cells", "received 3 in data row 1 (line 2)"]),
    "long row below a comment": ("runs.csv", "# n\na,b\n1,2,3\n", ["data row 1 (line 3)"]),
    "ragged without header": ("runs.csv", "1,2\n3,4\n5\n", ["received 1 in data row 3 (line 3)"]),
    "semicolons": ("runs.csv", "a;b\n1;2\n", ["separated by ','", "a header separated by ';'"]),
    "tabs in csv": ("runs.csv", "a\tb\n1\t2\n", ["separated by ','", r"a header separated by '\t'"]),
    "commas in tsv": ("runs.tsv", "a,b\n1,2\n", ["a header separated by ','"]),
    "open quote": ("runs.csv", 'a,b\n"1,2\n', ["malformed line", "repair it"]),
    "not utf-8": ("runs.csv", b"a,b\n\xff\xfe,2\n", ["damaged or of another kind ('utf-8' codec"]),
    "not gzip": ("runs.csv.gz", "a,b\n1,2\n", ["readable .csv.gz file", "Not a gzipped file"]),
    "truncated gzip": ("runs.csv.gz", gzip.compress(GOOD.encode())[:-12], ["readable .csv.gz file"]),
    "not npy": ("runs.npy", "hello there", ["readable .npy file", "magic string"]),
    "bare pickle as npy": ("runs.npy", pickle.dumps([1, 2]), ["readable .npy file", "magic string"]),
    "not npz": ("runs.npz", "hello", ["readable .npz file", "not a zip archive"]),
    "not hdf5": ("runs.h5", "hello", ["readable .h5 file", "file signature not found"]),
    "not parquet": ("runs.parquet", "hello world, no table", ["readable .parquet file"]),
}


@pytest.mark.parametrize(("name", "content", "fragments"), TEXT_FILES.values(), ids=TEXT_FILES)
def test_bad_file_is_one_line(tmp_path, name, content, fragments):
    file = write(tmp_path, name, content)
    refused(lambda: read_table(file), str(file), *fragments)


def test_missing_file(tmp_path):
    refused(lambda: read_table(tmp_path / "none.csv"), "none.csv: expected an existing file, received none")


def test_directory(tmp_path):
    refused(lambda: read_table(tmp_path), "expected a file, received a directory")


def test_key_for_a_text_file(tmp_path):
    file = write(tmp_path, "a.csv", GOOD)
    refused(lambda: read_table(file, key="x"), "expected no key for a .csv file, received 'x'", ".npz, .h5")


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.h5", "a.hdf5", "a.parquet"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_truncated_binary(tmp_path, name, share):
    whole = tmp_path / name
    save(whole, {"x": np.arange(30.0)})
    raw = whole.read_bytes()
    file = write(tmp_path, "cut" + name, raw[: int(share * len(raw))])
    refused(lambda: read_table(file), f"{file}: expected a readable {file.suffix} file", "write it again")


def save(file: Path, columns: dict[str, np.ndarray]) -> None:
    if file.suffix == ".npy":
        np.save(file, next(iter(columns.values())))
    elif file.suffix == ".npz":
        np.savez(file, **columns)
    elif file.suffix == ".parquet":
        pyarrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        cells = {name: a if a.ndim == 1 else list(a) for name, a in columns.items()}
        parquet.write_table(pyarrow.table(cells), file)
    else:
        with pytest.importorskip("h5py").File(file, "w") as root:
            for name, array in columns.items():
                root[name] = array


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_pickled_objects_are_refused_and_never_run(tmp_path, name):
    file = tmp_path / name
    save(file, {"x": np.array([Bomb(), 1], dtype=object)})
    refused(lambda: read_table(file), "received pickled objects, which are never loaded; save plain arrays")


@pytest.mark.parametrize("name", ["a.npz", "a.h5"])
def test_unknown_key(tmp_path, name):
    file = tmp_path / name
    save(file, {"x": np.ones(2), "y": np.ones(2)})
    refused(lambda: read_table(file, key="z"), "expected one of the keys x, y, received 'z'")


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.h5", "a.parquet"])
def test_no_rows(tmp_path, name):
    file = tmp_path / name
    save(file, {"x": np.empty(0)})
    refused(lambda: read_table(file), "expected rows of data, received none")


def test_archive_without_arrays(tmp_path):
    np.savez(tmp_path / "a.npz")
    refused(lambda: read_table(tmp_path / "a.npz"), "expected rows of data, received none")


def test_parquet_with_ragged_lists(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"x": [[1.0, 2.0], [3.0]]}), tmp_path / "a.parquet")
    refused(
        lambda: read_table(tmp_path / "a.parquet"),
        "lists of one length in 'x'",
        "received 1 values in data row 2",
    )


def test_parquet_with_duplicated_names(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.Table.from_arrays([pyarrow.array([1]), pyarrow.array([2])], names=["x", "x"])
    parquet.write_table(table, tmp_path / "a.parquet")
    refused(lambda: read_table(tmp_path / "a.parquet"), "received 'x' twice; rename one")


@pytest.mark.parametrize(("module", "name"), [("h5py", "a.h5"), ("pyarrow", "a.parquet")])
def test_missing_package_names_the_extra(tmp_path, monkeypatch, module, name):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    file = write(tmp_path, name, "x")
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'isotropy[files]'")):
        read_table(file)


COLUMNS = {
    "t": np.arange(6.0),
    "u": np.array([1.0, 2.0, np.nan, 4.0, 5.0, 6.0]),
    "w": np.array([1.0, -np.inf, 3.0, 4.0, 5.0, 6.0]),
    "velocity": np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0]),
    "label": np.array(["1", "b", "c", "a", "b", "c"], dtype=object),
    "date": np.arange(6).astype("datetime64[D]"),
    "z": np.arange(6) + 1j,
    "x": np.arange(18.0).reshape(6, 3) ** 2,
    "same": np.full(6, 2.5),
    "short": np.arange(4.0),
    "stray": np.array(3.0),
    "none": np.empty((0, 3)),
    "half": np.array([0.5, 1, 1, 1, 1, 1]),
    "hole": np.array(["a", "", "a", "a", "a", "a"], dtype=object),
    "null": np.array([1.0, None, 1.0, 1.0, 1.0, 1.0], dtype=object),
    "back": np.array([0.0, 1.0, 1.0, 2.0, 3.0, 4.0]),
    "run": np.array([0, 1, 0, 1, 1, 1]),
    "cube": np.arange(36.0).reshape(2, 6, 3) ** 2,
    "twins": np.array([7, 7]),
}
TABLE = Table(COLUMNS, "runs.npz")
CHOICES = {
    "nothing": (lambda t: t.select(""), ["expected column names, received ''"]),
    "empty list": (lambda t: t.select([]), ["expected column names, received []"]),
    "trailing comma": (lambda t: t.select("t,"), ["expected column names, received 't,'"]),
    "missing": (lambda t: t.select("velocty"), ["no column 'velocty'", "did you mean 'velocity'?"]),
    "missing without a neighbour": (lambda t: t.select("qqq"), ["t, u, w,", "choose one of these"]),
    "missing lists shapes": (lambda t: t.select("qqq"), ["x (6, 3)", "and 7 more"]),
    "element out of range": (lambda t: t.select("x3"), ["no column 'x3'"]),
    "element with a leading zero": (lambda t: t.select("x01"), ["no column 'x01'"]),
    "range out of range": (lambda t: t.select("x0:x4"), ["no column 'x3'"]),
    "falling range": (lambda t: t.select("x2:x0"), ["a range such as x0:x5, received 'x2:x0'"]),
    "range of two names": (lambda t: t.select("x0:y2"), ["a range such as x0:x5, received 'x0:y2'"]),
    "range without numbers": (lambda t: t.select("t:u"), ["a range such as x0:x5, received 't:u'"]),
    "twice": (lambda t: t.select("t,x,t"), ["expected each column once, received 't' twice"]),
    "text as numbers": (lambda t: t.select("label"), ["numbers in 'label', received 'b' in data row 2"]),
    "dates as numbers": (lambda t: t.select("date"), ["numbers in 'date', received datetime64[D]"]),
    "complex": (lambda t: t.select("z"), ["real numbers in 'z', received complex128"]),
    "null": (lambda t: t.select("null"), ["numbers in 'null', received None in data row 2"]),
    "nan": (lambda t: t.select("t,u"), ["finite numbers in 'u', received nan in data row 3"]),
    "inf": (lambda t: t.select("w"), ["finite numbers in 'w', received -inf in data row 2"]),
    "lengths": (lambda t: t.select("t,short"), ["'t' with 6 rows and 'short' with 4"]),
    "no axis": (lambda t: t.select("stray"), ["expected rows in 'stray', received shape ()"]),
    "no rows": (lambda t: t.select("none"), ["expected rows in 'none', received shape (0, 3)"]),
    "fraction as label": (lambda t: t.group("half"), ["as labels in 'half', received 0.5 in data row 1"]),
    "nan as label": (lambda t: t.group("u"), ["as labels in 'u', received nan in data row 3"]),
    "empty label": (lambda t: t.group("hole"), ["every row of 'hole'", "an empty cell in data row 2"]),
    "array as label": (lambda t: t.group("x"), ["one label a row in 'x', received shape (6, 3)"]),
    "constant output": (lambda t: supervised(t, "t", "same"), ["'same', received the constant 2.5 in all 6"]),
    "constant input": (lambda t: supervised(t, "same,t", "x"), ["varying column 'same'"]),
    "same on both sides": (lambda t: supervised(t, "t,x", "x1"), ["received 'x1' in both"]),
    "outputs too short": (lambda t: supervised(t, "t", "short"), ["received 6 rows of x and 4 of y"]),
    "points missing": (lambda t: points(t, "xx"), ["no column 'xx'", "did you mean 'x'?"]),
    "repeated time": (
        lambda t: trajectories(t, "back", "x"),
        ["received 1 after 1 in data row 3 of trajectory '0'; name the trajectory column"],
    ),
    "falling time": (
        lambda t: trajectories(t, "velocity", "x"),
        ["times that increase, received 1 after 3 in data row 2"],
    ),
    "short trajectory": (
        lambda t: trajectories(t, "t", "x", "run"),
        ["at least 5 samples in every trajectory, received 2 in trajectory '0'"],
    ),
    "several clocks": (lambda t: trajectories(t, "x", "t"), ["one column of times, received 3 from 'x'"]),
    "clock too short": (
        lambda t: trajectories(t, "short", "x"),
        ["one 'short' for each of the 6 states, received 4"],
    ),
    "labels too short": (
        lambda t: trajectories(t, "t", "x", "twins"),
        ["one 'twins' for each of the 6 states, received 2"],
    ),
    "constant state": (lambda t: trajectories(t, "t", "x,same"), ["varying column 'same'"]),
    "states of unequal length": (lambda t: trajectories(t, "t", "x,short"), ["'x' with 6 rows and 'short'"]),
    "clock of a stack": (
        lambda t: trajectories(t, "short", "cube"),
        ["times of shape (6,) or (2, 6) for states of shape (2, 6, 3), received (4,)"],
    ),
    "falling clock of a stack": (
        lambda t: trajectories(t, "back", "cube"),
        ["received 1 after 1 in data row 3 of trajectory '0'; sort or repair"],
    ),
    "labels of a stack": (
        lambda t: trajectories(t, "t", "cube", "twins"),
        ["expected 2 different labels, one for each trajectory, received 1 in 'twins'"],
    ),
    "constant": (lambda t: require_varying(np.ones((4, 1)), ["a"], "here"), ["here:", "constant 1 in all 4"]),
}


@pytest.mark.parametrize(("action", "fragments"), CHOICES.values(), ids=CHOICES)
def test_bad_choice_is_one_line(action, fragments):
    refused(lambda: action(TABLE), *fragments)


def test_bad_text_is_named_with_its_row(tmp_path):
    table = read_table(write(tmp_path, "a.csv", "u,v\n1,2\n2,\n3,x\n"))
    refused(lambda: table.select("v"), "numbers in 'v', received '' in data row 2")
    np.testing.assert_array_equal(table.select("u"), [[1.0], [2.0], [3.0]])
