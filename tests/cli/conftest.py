"""The command as a person runs it, inside this process."""

import sys
from typing import NamedTuple

import numpy as np
import pytest

from isotropy.cli import main


class Done(NamedTuple):
    """What a run left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch, capsys):
    """Run ``isotropy`` with these words."""

    def run(*words) -> Done:
        monkeypatch.setattr(sys, "argv", ["isotropy", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
        return Done(stop.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def circles():
    """Points of the plane with their squared radius, `(80, 3)`: so(2) and nothing else."""
    x = np.random.default_rng(0).normal(size=(80, 2))
    return np.column_stack([x, (x**2).sum(1)])
