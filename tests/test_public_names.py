"""Names that users import stay where they are, whatever becomes of the files behind them."""

import importlib
import warnings
from pathlib import Path

import pytest

LINES = (Path(__file__).parent / "public_names.txt").read_text(encoding="utf-8").splitlines()
PAGES = dict(line.split(": ", 1) for line in LINES if ": " in line)


@pytest.mark.parametrize("page", PAGES)
def test_public_names_are_where_they_were(page):
    module = importlib.import_module("isotropy" if page == "isotropy" else f"isotropy.{page}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a name that has moved still answers
        missing = [name for name in PAGES[page].split() if not hasattr(module, name)]
    assert missing == []


def test_there_are_as_many_as_there_were():
    assert sum(len(names.split()) for names in PAGES.values()) >= 400
