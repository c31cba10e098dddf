"""Chunks of large files are the rows of the whole file, and bad files give one clear line."""

import importlib.util
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isotropy.datasets import read_table, stream
from isotropy.datasets.files import _stored
from isotropy.errors import DataError, MissingExtraError

ROWS = 103
ZARR = pytest.param(
    "zarr", marks=pytest.mark.skipif(importlib.util.find_spec("zarr") is None, reason="zarr is not installed")
)
KINDS = pytest.mark.parametrize("kind", ["h5", "parquet", ZARR])


def columns(dtype: str = "f8") -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {
        "x": generator.normal(size=(ROWS, 4)).astype(dtype),
        "u": generator.normal(size=ROWS).astype(dtype),
        "count": np.arange(ROWS),
    }


def write(folder: Path, kind: str, arrays: dict[str, np.ndarray], group: int = 30) -> Path:
    path = folder / f"points.{kind}"
    if kind == "h5":
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array.astype(h5py.string_dtype()) if array.dtype.kind == "U" else array
    elif kind == "parquet":
        lists = {name: pa.array(list(array) if array.ndim > 1 else array) for name, array in arrays.items()}
        pq.write_table(pa.table(lists), path, row_group_size=group)
    else:
        import zarr

        root = zarr.open_group(str(path), mode="w")
        for name, array in arrays.items():
            root[name] = array
    return path


def refused(action, *fragments: str) -> None:
    with pytest.raises(DataError) as caught:
        action()
    message = str(caught.value)
    assert "\n" not in message
    for fragment in fragments:
        assert fragment in message, message


@KINDS
@pytest.mark.parametrize("rows", [1, 17, 30, 64, 1000])
def test_chunks_are_the_rows_of_the_file(tmp_path, kind, rows):
    arrays = columns()
    chunks = stream(write(tmp_path, kind, arrays), "x0:x3,u", rows=rows)
    expected = torch.from_numpy(np.hstack([arrays["x"], arrays["u"][:, None]]))
    for _ in range(2):  # can be iterated again
        read = list(chunks)
        assert len(read) == len(chunks) == -(-ROWS // rows)
        assert all(len(chunk) == rows for chunk in read[:-1])
        assert torch.equal(torch.cat(read), expected)


@KINDS
def test_two_sides_and_order_of_columns(tmp_path, kind):
    arrays = columns()
    pairs = list(stream(write(tmp_path, kind, arrays), "x2,u", y="count", rows=50))
    assert torch.equal(torch.cat([x for x, _ in pairs])[:, 0], torch.from_numpy(arrays["x"][:, 2].copy()))
    assert torch.equal(torch.cat([y for _, y in pairs])[:, 0], torch.arange(ROWS, dtype=torch.float64))


@KINDS
def test_single_precision_is_kept_unless_mixed(tmp_path, kind):
    path = write(tmp_path, kind, columns("f4"))
    assert next(iter(stream(path, "x"))).dtype == torch.float32
    assert next(iter(stream(path, "x,count"))).dtype == torch.float64


@KINDS
def test_parts_share_the_chunks_round_robin(tmp_path, kind):
    path = write(tmp_path, kind, columns())
    whole = list(stream(path, "x", rows=10))
    for part in range(3):
        share = stream(path, "x", rows=10, part=part, parts=3)
        assert len(share) == len(whole[part::3])
        assert all(torch.equal(a, b) for a, b in zip(share, whole[part::3], strict=True))
        late = stream(path, "x", rows=10, part=part, parts=3, skip=2)
        assert all(torch.equal(a, b) for a, b in zip(late, whole[part::3][2:], strict=True))
        assert torch.equal(torch.cat(list(share.after(2))), torch.cat(list(late)))
    assert list(stream(path, "x", rows=10, part=2, parts=20, skip=5)) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(1, 20), st.integers(1, 4), st.data())
def test_only_needed_row_groups_are_walked(sizes, rows, parts, data):
    total = sum(sizes)
    part = data.draw(st.integers(0, parts - 1))
    ranges = [(start, min(start + rows, total)) for start in range(part * rows, total, parts * rows)]
    groups, shifted = _stored._needed_groups(sizes, ranges)
    ends = np.cumsum(sizes)
    wanted = {row for start, stop in ranges for row in range(start, stop)}
    for group, (size, end) in enumerate(zip(sizes, ends, strict=True)):
        assert not wanted.intersection(range(end - size, end)) or group in groups
    flow = [row for group in groups for row in range(ends[group] - sizes[group], ends[group])]
    assert [flow[start:stop] for start, stop in shifted] == [list(range(*pair)) for pair in ranges]


def test_memory_is_that_of_a_chunk(tmp_path, monkeypatch):
    heights = []
    read = _stored.Column.__init__

    def watched(self, shape, dtype, slicer):
        def counted(start, stop):
            heights.append(stop - start)
            return slicer(start, stop)

        read(self, shape, dtype, counted)

    monkeypatch.setattr(_stored.Column, "__init__", watched)
    list(stream(write(tmp_path, "h5", columns()), "x", rows=10))
    assert max(heights) == 10
    assert sum(heights) == ROWS + 1  # and the first row, to see what is there


def test_memory_does_not_grow_with_row_groups(tmp_path):
    height, groups = 4000, 25
    arrays = {f"x{i}": np.random.default_rng(i).normal(size=height * groups) for i in range(4)}
    chunks = stream(write(tmp_path, "parquet", arrays, height), "x0:x3", rows=1500)
    del arrays
    before = pa.total_allocated_bytes()
    most = max(pa.total_allocated_bytes() - before for _ in chunks)
    assert most < height * groups * 4 * 8 / 4  # a group and its buffers, where all groups are four times as much


@KINDS
def test_bad_row_is_named_as_in_the_whole_file(tmp_path, kind):
    arrays = columns()
    arrays["u"][77] = np.nan
    path = write(tmp_path, kind, arrays)
    chunks = stream(path, "u", rows=10)
    refused(lambda: list(chunks), "'u', received nan in data row 78")
    if kind != "zarr":
        refused(lambda: read_table(path).select("u"), "'u', received nan in data row 78")
    assert len(list(stream(path, "x", rows=10))) == 11  # a bad column that is not selected does no harm


@KINDS
def test_missing_column(tmp_path, kind):
    path = write(tmp_path, kind, columns())
    refused(lambda: stream(path, "cont"), "no column 'cont'", f"x ({ROWS}, 4)", "did you mean 'count'?")
    refused(lambda: stream(path, "x4"), "no column 'x4'")
    refused(lambda: stream(path, "u,u"), "received 'u' twice")
    refused(lambda: stream(path, "u", y=""), "expected column names")


@pytest.mark.parametrize("kind", ["h5", "parquet"])
def test_column_of_words(tmp_path, kind):
    path = write(tmp_path, kind, {**columns(), "name": np.array(["a"] * ROWS)})
    refused(lambda: stream(path, "u,name"), "expected numbers in 'name', received 'a' in data row 1")


def test_columns_of_two_lengths(tmp_path):
    path = write(tmp_path, "h5", {**columns(), "short": np.zeros(5)})
    refused(lambda: stream(path, "u", y="short"), "'u' with 103 rows and 'short' with 5")


def test_lists_of_two_lengths(tmp_path):
    path = tmp_path / "lists.parquet"
    pq.write_table(pa.table({"x": [[1.0, 2.0]] * 5 + [[1.0]] * 5}), path)
    refused(lambda: list(stream(path, "x", rows=5)), "rows of shape (2,) in 'x', received (1,) from data row 6")
    refused(lambda: list(stream(path, "x", rows=3)), "received 1 values in data row 6 and 2 in data row 4")


def test_fields_of_compound_arrays(tmp_path):
    records = np.array([(i, 2.0 * i) for i in range(9)], dtype=[("a", "i4"), ("b", "f8")])
    path = write(tmp_path, "h5", {"runs": records})
    read = torch.cat(list(stream(path, "runs/b", rows=4)))
    assert read[:, 0].tolist() == [2.0 * i for i in range(9)]


@pytest.mark.parametrize("kind", ["h5", "parquet"])
def test_files_that_cannot_be_read(tmp_path, kind):
    path = tmp_path / f"bad.{kind}"
    refused(lambda: stream(path, "x"), "expected an existing file")
    path.write_bytes(b"")
    refused(lambda: stream(path, "x"), "an empty file (0 bytes)")
    path.write_text("hello world, no table")
    refused(lambda: stream(path, "x"), f"readable .{kind} file")
    refused(lambda: stream(write(tmp_path, kind, {"u": np.zeros(0)}), "u"), "expected rows in 'u'")


def test_other_kinds_and_missing_folder(tmp_path):
    refused(lambda: stream(tmp_path / "a.csv", "x"), "one of the suffixes .h5, .hdf5, .parquet, .zarr")
    refused(lambda: stream(tmp_path / "a.zarr", "x"), "expected an existing Zarr folder")


@pytest.mark.parametrize(
    ("bad", "message"),
    [({"rows": 0}, "rows:"), ({"part": 2, "parts": 2}, "part 2 of 2"), ({"skip": -1}, "received -1")],
)
def test_counts_that_make_no_sense(tmp_path, bad, message):
    refused(lambda: stream(write(tmp_path, "h5", columns()), "x", **bad), message)


def test_missing_package_names_the_extra(tmp_path, monkeypatch):
    path = tmp_path / "a.zarr"
    path.mkdir()
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    with pytest.raises(MissingExtraError, match=r"isotropy\[files\]"):
        stream(path, "x")
