"""The boundary: files that lie, point elsewhere or hide zeros, and faults that are ours, each in one line."""

import json
import struct
import zipfile

import numpy as np
import pytest

from isotropy import cli
from isotropy.datasets import read_table
from isotropy.errors import DataError

h5py = pytest.importorskip("h5py", reason="HDF5 files: isotropy[files]")


def on_a_circle(count=80):
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, count)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def refused(done, *words):
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1 and all(word in done.err for word in words), done.err


# -- numbers that stand elsewhere, or nowhere --------------------------------------------------------------------------


@pytest.fixture
def virtual(folder):
    """A file one of whose columns stands in another file."""
    x = on_a_circle()
    with h5py.File(folder / "raw.h5", "w") as raw:
        raw["v"] = x[:, 1]
    layout = h5py.VirtualLayout((len(x),), "f8")
    layout[:] = h5py.VirtualSource("raw.h5", "v", shape=(len(x),))
    with h5py.File(folder / "master.h5", "w") as master:
        master["u"] = x[:, 0]
        master.create_virtual_dataset("v", layout, fillvalue=0)
    return folder


def test_a_virtual_column_is_read_while_its_source_is_there(virtual):
    assert np.array_equal(read_table(virtual / "master.h5").column("v"), on_a_circle()[:, 1])


def test_a_virtual_column_without_its_source_is_not_read_as_zeros(command, virtual):
    (virtual / "raw.h5").rename(virtual / "moved.h5")
    refused(command("discover", "master.h5"), "raw.h5", "zeros would be read")
    with pytest.raises(DataError, match=r"raw\.h5"):
        read_table(virtual / "master.h5", "v")


def test_links_into_other_files_and_raw_bytes_are_refused(command, virtual):
    np.arange(10.0).tofile(virtual / "bytes")
    with h5py.File(virtual / "links.h5", "w") as links:
        links["away"] = h5py.ExternalLink("raw.h5", "/v")
        links.create_dataset("raw", (10,), "f8", external=[("bytes", 0, 80)])
    refused(command("discover", "links.h5", "--key", "away"), "away", "raw.h5")
    refused(command("discover", "links.h5", "--key", "raw"), "raw bytes")


def test_a_file_that_is_still_written_is_called_so(monkeypatch, command, folder):
    def locked(*args, **kwargs):
        raise BlockingIOError(11, "Unable to synchronously open file (unable to lock file, errno = 11)")

    with h5py.File(folder / "a.h5", "w") as file:
        file["x"] = on_a_circle()
    monkeypatch.setattr(h5py, "File", locked)
    refused(command("discover", "a.h5"), "still writes")


# -- headers and names that ask for too much ---------------------------------------------------------------------------


def _lying_header():
    header = b"{'descr':'<f8','fortran_order':False,'shape':(100000000000000,2)}"
    header += b" " * (64 - (len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"x" * 100


def test_arrays_that_are_none_or_promise_too_much(command, folder):
    np.save("scalar.npy", np.array(3.0))
    (folder / "lies.npy").write_bytes(_lying_header())
    with zipfile.ZipFile("notes.npz", "w") as archive:
        archive.writestr("readme.txt", "hi")
    refused(command("discover", "scalar.npy"), "single number")
    refused(command("discover", "lies.npy"), "promises")
    refused(command("discover", "notes.npz"), "readme.txt")


@pytest.mark.parametrize(
    "name", ["gl(" + "9" * 5000 + ")", "image(100000,100000,se(2))", "poly(9999999,degree=9999999)"]
)
def test_names_of_algebras_are_bounded_before_anything_is_made(command, folder, name):
    np.save("ok.npy", on_a_circle())
    refused(command("discover", "ok.npy", "--candidates", name), "expected")


@pytest.mark.parametrize(
    "content",
    [
        {"format": 1, "basis": [], "shape": None, "blocks": None, "polynomials": None},
        {"format": 1, "basis": [[[0, -1], [1, 0]]], "shape": [2, 2], "blocks": None, "polynomials": "x"},
        None,
    ],
)
def test_symmetry_files_of_odd_shape(command, folder, content):
    t = np.linspace(0, 6, 50)
    np.savetxt("run.csv", np.c_[t, np.cos(t), -np.sin(t)], delimiter=",", header="t,x,y", comments="")
    text = "[" * 10**6 + "]" * 10**6 if content is None else json.dumps(content)
    (folder / "odd.json").write_text(text)
    words = ("equations", "run.csv", "--time", "t", "--state", "x,y", "--symmetry", "odd.json")
    refused(command(*words), "expected")


# -- the last resort ---------------------------------------------------------------------------------------------------


def test_a_fault_of_ours_asks_to_be_reported(monkeypatch, command, folder):
    def broken(*args, **kwargs):
        raise KeyError("nobody expected this")

    monkeypatch.setattr(cli, "app", broken)
    done = command("discover", "any.csv")
    assert done.code == cli.FAULT == 70 and done.out == ""
    assert done.err.count("\n") == 1 and "please report" in done.err and "nobody expected this" in done.err


def test_what_does_not_fit_into_memory_is_input(monkeypatch, command, folder):
    def huge(*args, **kwargs):
        raise MemoryError("Unable to allocate 37.3 GiB")

    monkeypatch.setattr(cli, "app", huge)
    refused(command("discover", "any.csv"), "fits into memory")


def test_debug_shows_where_a_fault_came_from(monkeypatch, folder):
    def broken(*args, **kwargs):
        raise KeyError("here")

    monkeypatch.setattr(cli, "app", broken)
    monkeypatch.setattr("sys.argv", ["isotropy", "--debug", "discover", "any.csv"])
    with pytest.raises(KeyError, match="here"):
        cli.main()
