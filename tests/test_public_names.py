"""Names that users import stay where they are, whatever becomes of the files behind them."""

import importlib
import inspect
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


MEMBERS = dict(
    line.split(": ", 1)
    for line in (Path(__file__).parent / "public_members.txt").read_text(encoding="utf-8").splitlines()
    if ": " in line
)


def members_of(path: str) -> set[str]:
    """Attributes of a class, those that are only annotated too, or parameters of a function (``page.name()``)."""
    page, _, name = path.removesuffix("()").rpartition(".")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found = getattr(importlib.import_module("isotropy" if page == "isotropy" else f"isotropy.{page}"), name)
    if path.endswith("()"):
        return set(inspect.signature(found).parameters)
    return set(dir(found)).union(*(getattr(c, "__annotations__", {}) for c in found.__mro__))


def test_classes_and_functions_keep_their_members():
    missing = {path: set(names.split()) - members_of(path) for path, names in MEMBERS.items()}
    assert {path: names for path, names in missing.items() if names} == {}
