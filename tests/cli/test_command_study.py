"""``isotropy study`` from a checkout, and away from one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from isotropy.cli import _study

ROOT = Path(__file__).parents[2]


def test_studies_are_listed(command, monkeypatch):
    monkeypatch.chdir(ROOT / "docs")
    done = command("study")
    assert done.code == 0
    assert done.out.split() == sorted(path.parent.name for path in (ROOT / "studies").glob("*/run.py"))


@pytest.mark.parametrize(("word", "code", "shown"), [("--help", 0, "--seeds"), ("--seeds=x", 2, "invalid float")])
def test_what_follows_the_name_goes_to_the_study(folder, word, code, shown):
    words = [sys.executable, "-m", "isotropy", "study", "calibration", word]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == code
    assert shown in done.stdout + done.stderr


@pytest.mark.parametrize("checkout", [True, False])
def test_a_study_that_is_not_there_is_refused(command, folder, monkeypatch, checkout):
    if not checkout:
        monkeypatch.setattr(_study, "__file__", str(folder / "a" / "b" / "c" / "d.py"))
    done = command("study", "pluto")
    assert done.code == 2
    assert ("calibration" if checkout else "checkout") in done.err
