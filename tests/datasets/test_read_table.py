"""What was written is what is read, whatever the format."""

import gzip
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from isotropy.datasets import Table, read_table
from isotropy.errors import DataError

KINDS = ["float64", "float32", "float16", "int64", "int32", "int8", "uint8", "uint32", "bool"]


@st.composite
def tables(draw) -> dict[str, np.ndarray]:
    rows = draw(st.integers(1, 6))
    columns = {}
    for number in range(draw(st.integers(1, 4))):
        kind = np.dtype(draw(st.sampled_from(KINDS)))
        shape = (rows,) if draw(st.booleans()) else (rows, draw(st.integers(1, 3)))
        finite = {"allow_nan": False, "allow_infinity": False} if kind.kind == "f" else {}
        columns[f"c{'abcd'[number]}"] = draw(hnp.arrays(kind, shape, elements=hnp.from_dtype(kind, **finite)))
    return columns


def flat(columns: dict[str, np.ndarray]) -> np.ndarray:
    return np.hstack([array.reshape(len(array), -1).astype(np.float64) for array in columns.values()])


def write(file: Path, columns: dict[str, np.ndarray]) -> None:
    if file.name.endswith((".csv", ".tsv", ".csv.gz", ".tsv.gz")):
        mark = "\t" if ".tsv" in file.name else ","
        values = flat(columns)
        lines = [mark.join(f"h{i}" for i in range(values.shape[1]))]
        lines += [mark.join(repr(float(value)) for value in row) for row in values]
        text = ("\n".join(lines) + "\n").encode()
        file.write_bytes(gzip.compress(text) if file.name.endswith(".gz") else text)
    elif file.suffix == ".npy":
        np.save(file, flat(columns))
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


@pytest.mark.parametrize(
    "suffix", [".csv", ".tsv", ".csv.gz", ".tsv.gz", ".npy", ".npz", ".h5", ".hdf5", ".parquet", ".CSV"]
)
@settings(max_examples=15, deadline=None)
@given(columns=tables())
def test_round_trip_keeps_every_number(suffix, columns):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"table{suffix}"
        write(file.with_suffix(".csv") if suffix == ".CSV" else file, columns)
        if suffix == ".CSV":
            file.with_suffix(".csv").rename(file)
        table = read_table(file)
    values = table.select(list(table.names))
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, flat(columns))


@pytest.mark.parametrize("suffix", [".csv.gz", ".npy", ".npz", ".h5", ".parquet"])
@settings(max_examples=15, deadline=None)
@given(places=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=5))
def test_damaged_bytes_give_a_table_or_a_refusal(suffix, places):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"table{suffix}"
        write(file, {"ca": np.arange(12.0).reshape(4, 3), "cb": np.arange(4)})
        raw = bytearray(file.read_bytes())
        for share, value in places:
            raw[int(share * len(raw))] = value
        file.write_bytes(bytes(raw))
        try:
            assert read_table(file).names
        except DataError as error:
            assert "\n" not in str(error)


@settings(max_examples=40, deadline=None)
@given(columns=tables(), data=st.data())
def test_selection_is_column_by_column(columns, data):
    table = Table(columns, "here")
    order = data.draw(st.permutations(table.expand(list(table.names))))
    whole = dict(zip(table.expand(list(table.names)), flat(columns).T, strict=True))
    np.testing.assert_array_equal(table.select(",".join(order)), np.stack([whole[name] for name in order], 1))


def test_ranges_include_both_ends():
    table = Table({"x": np.arange(12.0).reshape(2, 6), "y1": np.ones(2), "y2": np.zeros(2)}, "here")
    assert table.expand("x1:x4,y1:y2") == ("x1", "x2", "x3", "x4", "y1", "y2")
    np.testing.assert_array_equal(table.select("x1:x4")[0], [1, 2, 3, 4])


def test_exact_name_wins_over_the_column_of_an_array():
    table = Table({"x": np.zeros((2, 3)), "x0": np.ones(2), "a:b": np.full(2, 7)}, "here")
    np.testing.assert_array_equal(table.select(["x0", "a:b"]), [[1, 7], [1, 7]])


def test_selecting_does_not_touch_the_table():
    values = np.arange(3.0)
    table = Table({"a": values}, "here")
    table.select("a")[:] = 9
    np.testing.assert_array_equal(values, [0, 1, 2])


def test_header_is_optional_when_all_cells_are_numbers(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("# made by hand\n1,2.5\n\n3,-1e3\n")
    table = read_table(file)
    assert table.names == ("x0", "x1")
    np.testing.assert_array_equal(table.select("x0:x1"), [[1, 2.5], [3, -1000]])


def test_quotes_blanks_and_byte_order_mark(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes('﻿,"a, first", b \r\n0, 1.5 ,"x ""y"""\r\n1,2,z\r\n'.encode())
    table = read_table(file)
    assert table.names == ("unnamed0", "a, first", "b")
    np.testing.assert_array_equal(table.select(["a, first"])[:, 0], [1.5, 2.0])
    assert table.group("b").tolist() == ['x "y"', "z"]


def test_a_label_that_begins_with_a_hash_is_data(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("run,x\n#1,2\n#2,3\n")
    assert read_table(file).group("run").tolist() == ["#1", "#2"]


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["9007199254740993", "9007199254740992"], [9007199254740993, 9007199254740992]),
        (["1.0", "2.0"], [1, 2]),
        (["1_0", "10"], ["1_0", "10"]),
        (["a", "7"], ["a", "7"]),
    ],
)
def test_labels_stay_apart(tmp_path, cells, labels):
    file = tmp_path / "a.csv"
    file.write_text("run\n" + "\n".join(cells) + "\n")
    assert read_table(file).group("run").tolist() == labels


def test_unnamed_arrays(tmp_path):
    np.save(tmp_path / "one.npy", np.arange(3))
    np.save(tmp_path / "two.npy", np.arange(6).reshape(3, 2))
    np.save(tmp_path / "three.npy", np.arange(12).reshape(3, 2, 2))
    np.save(tmp_path / "fields.npy", np.array([(1, 2.5)], dtype=[("a", int), ("b", float)]))
    assert read_table(tmp_path / "one.npy").names == ("x0",)
    assert read_table(tmp_path / "two.npy").names == ("x0", "x1")
    assert read_table(tmp_path / "three.npy").select("x").shape == (3, 4)
    np.testing.assert_array_equal(read_table(tmp_path / "fields.npy").select("a,b"), [[1, 2.5]])


def test_hdf5_groups_text_and_keys(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as root:
        root["run/x"] = np.eye(2)
        root["run/label"] = ["a", "b"]
        root["other"] = np.ones(5)
        root["gap"] = h5py.Empty("f8")
    assert set(read_table(tmp_path / "a.h5").names) == {"run/x", "run/label", "other", "gap"}
    inner = read_table(tmp_path / "a.h5", key="run")
    np.testing.assert_array_equal(inner.select("x1"), [[0], [1]])
    assert inner.group("label").tolist() == ["a", "b"]
    assert read_table(tmp_path / "a.h5", key="run/x").names == ("x",)


def test_npz_key_reads_one_array(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.ones(2), y=np.zeros(3))
    assert read_table(tmp_path / "a.npz", key="y").names == ("y",)


def test_parquet_null_is_named_as_a_row(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    words = pyarrow.array(["a", "b"]).dictionary_encode()
    parquet.write_table(pyarrow.table({"n": [1, None], "w": words}), tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table.group("w").tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="'n', received nan in data row 2"):
        table.select("n")
