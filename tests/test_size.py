"""The size of the house: short files and short functions, so that each is read in one sitting."""

import math
import statistics
from collections import Counter
from pathlib import Path

import pytest

from source_tree import Module, read_functions, read_modules

SOURCE = Path(__file__).parents[1] / "src" / "isotropy"

FILE_LINES = (180, 450)  # median, 95 % quantile
BODY_LINES = (10, 45)
LONGEST_BODY = 80
MOST_FILES = 16  # side by side in one folder


def file_sizes(modules: dict[str, Module]) -> dict[str, int]:
    """Lines of each file; files of one line are left out, as they say nothing."""
    sizes = {name: len(module.path.read_text(encoding="utf-8").splitlines()) for name, module in modules.items()}
    return {name: size for name, size in sizes.items() if size > 1}


def body_sizes(modules: dict[str, Module]) -> dict[str, int]:
    """Body lines of each function; of functions that share a name in one file, the longest."""
    sizes: dict[str, int] = {}
    for module in modules.values():
        for name, size in read_functions(module):
            sizes[name] = max(size, sizes.get(name, 0))
    return sizes


def folder_sizes(modules: dict[str, Module]) -> dict[str, int]:
    """Files that stand side by side, by folder."""
    return dict(Counter(str(module.path.parent) for module in modules.values()))


def over_budget(sizes: dict[str, int], budget: tuple[int, int]) -> list[str]:
    """What is too long, the longest first; empty while median and 95 % quantile keep the budget."""
    if not sizes:
        return []
    ordered = sorted(sizes.values())
    quantile = ordered[math.ceil(0.95 * len(ordered)) - 1]
    if statistics.median(ordered) <= budget[0] and quantile <= budget[1]:
        return []
    longest = sorted(sizes.items(), key=lambda item: -item[1])[:10]
    summary = f"median {statistics.median(ordered)}, 95 % {quantile}, allowed {budget[0]} and {budget[1]}; longest:"
    return [summary, *(f"{size:5d} {name}" for name, size in longest)]


@pytest.fixture(scope="module")
def modules() -> dict[str, Module]:
    return read_modules(SOURCE)


@pytest.mark.parametrize(("measure", "budget"), [(file_sizes, FILE_LINES), (body_sizes, BODY_LINES)])
def test_isotropy_keeps_the_budget(modules, measure, budget):
    complaints = over_budget(measure(modules), budget)
    assert not complaints, "\n" + "\n".join(complaints)


def test_no_function_of_isotropy_is_longer_than_the_hard_stop(modules):
    assert {name: size for name, size in body_sizes(modules).items() if size > LONGEST_BODY} == {}


def test_no_folder_of_isotropy_is_a_hall(modules):
    assert {name: size for name, size in folder_sizes(modules).items() if size > MOST_FILES} == {}


def test_over_budget_sees_the_median_and_the_tail():
    even = {f"file{i}": 10 for i in range(100)}
    assert over_budget(even, (10, 10)) == []
    assert over_budget({**even, "long": 99}, (10, 45)) == []  # one in a hundred is allowed
    assert over_budget({**even, **{f"long{i}": 99 for i in range(9)}}, (10, 45))[1].endswith("long0")
    assert over_budget(dict.fromkeys(even, 11), (10, 45)) != []


def test_bodies_are_counted_without_docstrings(tmp_path):
    text = 'def f(x):\n    """One.\n\n    Two."""\n    y = x\n\n    return y\n\ndef g():\n    """Empty."""\n'
    (tmp_path / "__init__.py").write_text(text)
    sizes = body_sizes(read_modules(tmp_path))
    assert list(sizes.values()) == [3, 0]


def test_files_are_counted_folder_by_folder(tmp_path):
    (tmp_path / "room").mkdir()
    for name in ("__init__.py", "a.py", "room/__init__.py", "room/b.py", "room/c.py"):
        (tmp_path / name).write_text("")
    assert folder_sizes(read_modules(tmp_path)) == {str(tmp_path): 2, str(tmp_path / "room"): 3}
