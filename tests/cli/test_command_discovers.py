"""What the command finds, prints and writes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import isotropy as iso

from .command_files import write_csv

KEYS = (
    "format status dimension name candidates basis vector_fields spectrum cut certificates trivial tangent "
    "transversal method seed isotropy_version"
)
SUFFIXES = (".csv", ".tsv", ".parquet", ".npz", ".npy", ".h5")


def save(path, values):
    """The same three columns u, v, f (in NPY: x0, x1, x2) in any format."""
    columns = dict(zip("uvf", values.T, strict=True))
    if path.suffix == ".csv":
        write_csv(path, columns, values)
    elif path.suffix == ".tsv":
        rows = ["\t".join(map(repr, row)) for row in values.tolist()]
        path.write_text("\n".join(["u\tv\tf", *rows]) + "\n")
    elif path.suffix == ".npy":
        np.save(path, values)
    elif path.suffix == ".npz":
        np.savez(path, **columns)
    elif path.suffix == ".parquet":
        pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.table(columns), path)
    else:
        with pytest.importorskip("h5py").File(path, "w") as root:
            for name, column in columns.items():
                root[name] = column
    return path


def test_every_format_gives_the_same_certified_so2(command, folder, circles):
    """One road of evidence, polynomials alone, would do; the command takes the long one, so once per format."""
    answers = []
    for suffix in SUFFIXES:
        file = save(folder / f"d{suffix}", circles[:40])
        x, y = ("x0:x1", "x2") if suffix == ".npy" else ("u,v", "f")
        done = command("discover", file.name, "--x", x, "--y", y, "--json", "--seed", 3)
        assert done.code == 0
        assert done.err == ""
        answers.append(done.out)
    first = json.loads(answers[0])
    assert (first["status"], first["name"], first["seed"], first["outputs"]) == ("certified", "so(2)", 3, "scalar")
    assert first["vector_fields"] == ["u d/dv - v d/du"]
    renamed = {"u d/dv - v d/du": "x0 d/dx1 - x1 d/dx0", '"u"': '"x0"', '"v"': '"x1"'}
    expected = answers[0]
    for old, new in renamed.items():
        expected = expected.replace(old, new)
    assert answers[SUFFIXES.index(".npy")] == expected
    assert {answer for suffix, answer in zip(SUFFIXES, answers, strict=True) if suffix != ".npy"} == {answers[0]}


@pytest.mark.parametrize("name", ["planets", "moon", "stars"])
def test_examples_are_certified_by_the_right_name(command, folder, name):
    done = command("discover", f"example:{name}", "--out", name)
    expected = iso.datasets.load(name).expected
    found = expected.symmetry.rsplit(", ", 1)[1]
    assert done.code == 0
    assert done.err == ""
    assert done.out.startswith(f"Certified. There is a {expected.dimension}-dimensional continuous symmetry: {found}")
    assert sorted(path.name for path in folder.rglob("*")) == sorted([name, "report.html", "symmetry.json"])
    answer = json.loads(Path(name, "symmetry.json").read_text())
    assert [key for key in KEYS.split() if key not in answer] == []
    algebra = iso.Symmetry.load(Path(name, "symmetry.json")).algebra
    assert torch.equal(algebra.basis, torch.tensor(answer["basis"], dtype=torch.float64))
    standard = iso.so(3) if name != "stars" else iso.LieAlgebra(iso.so(3).basis[:1])
    turning = iso.LieAlgebra(algebra.basis[:, :3, :3])  # of the Moon without the shift, which is small
    assert turning.distance(standard) < {"planets": 0.02, "stars": 1e-3, "moon": 2e-3}[name]
    assert algebra.basis[:, :3, 3:].norm() < 1e-4


def test_json_is_one_document_equal_to_the_file(command, folder):
    done = command("discover", "example:planets", "--out", "p", "--json")
    printed = json.loads(done.out)
    assert done.out.count("\n") == 1
    assert printed == json.loads(Path("p/symmetry.json").read_text())
    assert [key for key in KEYS.split() if key not in printed] == []
    assert {"tolerance", "closure", "finite_flow"} <= set(printed["certificates"])
    assert command("discover", "example:planets", "--json").out == done.out


def test_an_existing_folder_keeps_its_other_files(command, folder):
    Path("p").mkdir()
    Path("p/notes.txt").write_text("mine")
    Path("p/symmetry.json").write_text("old")
    assert command("discover", "example:planets", "--out", "p").code == 0
    assert Path("p/notes.txt").read_text() == "mine"
    assert json.loads(Path("p/symmetry.json").read_text())["status"] == "certified"
    assert sorted(path.name for path in folder.rglob("*")) == ["notes.txt", "p", "report.html", "symmetry.json"]


def test_undecided_is_code_1(command, folder):
    write_csv(folder / "cloud.csv", ["a", "b"], np.random.default_rng(0).normal(size=(60, 2)))
    done = command("discover", "cloud.csv", "--json")
    assert done.code == 1
    assert json.loads(done.out)["status"] == "undecided"


def test_none_is_an_answer_with_code_0(command, folder):
    u, v = np.random.default_rng(0).normal(size=(2, 300))
    write_csv(folder / "d.csv", "uvf", np.column_stack([u, v, u**3 + u * v + 0.3 * v]))
    done = command("discover", "d.csv", "--x", "u,v", "--y", "f", "--candidates", "so(2)")
    assert done.code == 0
    assert done.out.startswith("No continuous symmetry was found among the candidates so(2). Every candidate is broken")
    assert "What to try:" in done.out


def test_ranges_of_columns_and_conserved_quantities(command, folder):
    clock = np.linspace(0, 6, 60)
    runs = [
        np.column_stack([clock, a * np.cos(clock), b * np.sin(clock), -a * np.sin(clock), b * np.cos(clock)])
        for a, b in ((1, 2), (2, 1), (1, 1))
    ]
    values = np.column_stack([np.concatenate(runs), np.repeat([0, 1, 2], 60)])
    write_csv(folder / "d.csv", ["t", "s0", "s1", "s2", "s3", "k"], values)
    words = ["d.csv", "--time", "t", "--state", "s0:s3", "--trajectory", "k", "--noether", "--conserved", "2"]
    done = command("discover", *words, "--candidates", "so(2)")
    assert done.code == 0
    assert "s0 d/ds1 - s1 d/ds0" in done.out
    assert "Conserved along every trajectory:\n" in done.out


def test_examples_lists_what_discover_takes(command):
    done = command("examples")
    assert [line.split()[0] for line in done.out.splitlines()] == [f"example:{name}" for name in iso.datasets.names()]


def test_report_of_a_real_run_moves_the_samples(command, folder, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "report"))
    from test_browser import BROWSER, opened, state

    if BROWSER is None:
        pytest.skip("no chromium, chromium-browser or google-chrome on PATH")
    command("discover", "example:planets", "--out", "p")
    page = folder / "p" / "report.html"
    still, moved = (state(opened(page, folder, address)) for address in ("#t=0&g=1", "#t=0.5&g=1"))
    assert (still[0], moved[0]) == (1, 1)
    assert np.abs(moved[2] - still[2]).max() > 0.1
    radii = [np.sort(np.linalg.norm(points, axis=1)) for points in (still[2], moved[2])]
    np.testing.assert_allclose(*radii, rtol=0.02, atol=1e-3)
    assert "isotropy discover example:planets" in page.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interrupted_run_leaves_nothing(folder, number):
    words = ["discover", "example:moon", "--out", "m"]
    process = subprocess.Popen(
        [sys.executable, "-m", "isotropy", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(iso.__file__).parents[1]), "OMP_NUM_THREADS": "1"},
    )
    _wait_for(lambda: Path(f"/proc/{process.pid}/maps").read_text().count("/scipy/") > 0, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    # Python ends by the signal itself if it arrived inside an import; a shell shows the same number for both.
    assert process.returncode in (128 + number, -number)
    assert out == ""
    assert err.count("\n") == 1
    assert err.endswith("nothing written\n")
    assert list(folder.iterdir()) == []


def _wait_for(ready, process):
    """Until the run has loaded what only its computation loads."""
    if not Path("/proc/self/maps").exists():
        pytest.skip("needs /proc to see how far a run is")
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end and not ready():
        time.sleep(0.05)
    time.sleep(0.2)
    assert process.poll() is None, "the run was over before it could be interrupted"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interruption_while_writing_leaves_nothing(command, folder, monkeypatch, error):
    def stop(*_, **__):
        assert any(path.name.endswith(".part") for path in folder.iterdir())
        raise error(143)

    monkeypatch.setattr("isotropy.report.write_report", stop)
    done = command("discover", "example:planets", "--out", "p")
    assert done.code in (130, 143)
    assert done.out == ""
    assert list(folder.iterdir()) == []


KINDS = ["float64", "float32", "float16", "int64", "int8", "uint8", "bool", "complex64", "U3", "S2", "datetime64[s]"]


@st.composite
def arrays(draw):
    kind = draw(st.sampled_from(KINDS))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=25))
    return draw(hnp.arrays(kind, shape, fill=st.nothing() if np.prod(shape) < 20 else None))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables=st.dictionaries(st.sampled_from(["x", "y", "z9"]), arrays(), max_size=3))
def test_no_archive_gives_a_traceback(command, folder, tables):
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        file = Path(inside) / "d.npz"
        np.savez(file, **tables)
        done = command("discover", file, "--out", Path(inside) / "o", "--candidates", "so(2)")
        assert done.code in (0, 1, 2)
        assert (done.code == 2) == (done.out == "") == (done.err.count("\n") == 1) == (not (file.parent / "o").exists())
        shutil.rmtree(file.parent / "o", ignore_errors=True)
