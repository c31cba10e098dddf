"""The rows of the house: who may import whom, without cycles, and nothing heavy at import time."""

import graphlib
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from source_tree import Module, find_edges, read_imports, read_modules

SOURCE = Path(__file__).parents[1] / "src" / "isotropy"

# A module belongs to the row of its first name below the package: `actions._image` to that of `actions`.
ROWS = {
    0: "errors _checks _linalg _autodiff _references _files _storage _flow _estimator _version",
    1: "_structure _simple _reductive _identity _action _spanned _representation _graph _rules",
    2: "_algebra _group _catalogue dictionary actions quadrature",
    3: "_derivative _finite _family _polynomial_maps _elements _recording",
    4: "measure discover enforce promote",
    5: "nn dynamics parameters atoms graphs",
    6: "testing datasets viz report interop cli __main__",
}
ROW_OF = {name: row for row, names in ROWS.items() for name in names.split()}
ROOT_ROW = 6  # the root page may import everything, and only row 6 may import the root page
SIBLING_FREE = {4, 5}

LIGHT = {"torch", "isotropy", *sys.stdlib_module_names}
COMMAND_LINE = {"typer", "rich"}
ALSO_LIGHT = {  # of row 6; what else these need is imported inside functions
    "cli": COMMAND_LINE,
    "__main__": COMMAND_LINE,
    **{name: {"numpy"} for name in ("testing", "datasets", "viz", "report", "interop")},
}


def find_strangers(modules: dict[str, Module]) -> list[str]:
    """Modules without a row."""
    return [
        f"{name} has no row: add '{_house(name)}' to ROWS in tests/test_layers.py (see CONTRIBUTING.md)"
        for name in modules
        if _house(name) and _house(name) not in ROW_OF
    ]


def find_wrong_ways(modules: dict[str, Module]) -> list[str]:
    """Imports of a larger row, and imports between siblings of rows 4 and 5."""
    return [
        f"{source} (row {_row(source)}), line {line}, imports {target} (row {_row(target)}): {reason}"
        for source, targets in find_edges(modules).items()
        for target, line in targets.items()
        if _house(source) and (reason := _objection(source, target))
    ]


def find_cycle(modules: dict[str, Module]) -> list[str]:
    """Modules of one import cycle, functions' imports counted; empty when there is none."""
    sorter = graphlib.TopologicalSorter({name: set(targets) for name, targets in find_edges(modules).items()})
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def find_heavy(modules: dict[str, Module]) -> list[str]:
    """Module-level imports of anything but torch and the standard library (and ALSO_LIGHT)."""
    return [
        f"{name}, line {found.line}, imports {found.target} at module level: move it into a function"
        for name, module in modules.items()
        for found in read_imports(module)
        if not found.lazy and found.target.split(".")[0] not in LIGHT | ALSO_LIGHT.get(_house(name), set())
    ]


def _house(name: str) -> str:
    """First name below the package; empty for the root page."""
    return name.partition(".")[2].partition(".")[0]


def _row(name: str) -> int:
    """Row of a module; strangers are reported on their own, so they count as the last row here."""
    return ROW_OF.get(_house(name), ROOT_ROW)


def _objection(source: str, target: str) -> str:
    """Why this edge is wrong; empty when it is fine."""
    if _row(target) > _row(source):
        return "a file imports from its own row and smaller rows only"
    if _row(source) in SIBLING_FREE and _row(source) == _row(target) and _house(source) != _house(target):
        return "packages of this row do not import one another; what they share belongs in a smaller row"
    return ""


@pytest.fixture(scope="module")
def modules() -> dict[str, Module]:
    return read_modules(SOURCE)


@pytest.mark.parametrize("check", [find_strangers, find_wrong_ways, find_heavy])
def test_isotropy_keeps_the_rows(modules, check):
    complaints = check(modules)
    assert not complaints, "\n" + "\n".join(complaints)


def test_isotropy_has_no_cycle(modules):
    cycle = find_cycle(modules)
    assert not cycle, "import cycle (imports inside functions count): " + " -> ".join(reversed(cycle))


def test_importing_isotropy_loads_nothing_heavy():
    """The syntax cannot see what helpers import by name, so this one runs the import."""
    code = """
        import sys, torch
        import torch.func, torch.autograd.forward_ad, torch.nn.utils.parametrize
        before = set(sys.modules)
        import isotropy
        names = {name.split(".")[0] for name in set(sys.modules) - before}
        print(*sorted(names - set(sys.stdlib_module_names) - {"isotropy", "torch"}))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == []


@pytest.fixture
def plant(tmp_path):
    """Write a small package and read it back; keys are paths, values are the files' text."""

    def write(files: dict[str, str]) -> dict[str, Module]:
        for name, text in {"__init__.py": "", **files}.items():
            path = tmp_path / "isotropy" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return read_modules(tmp_path / "isotropy")

    return write


GOOD = {
    "__init__.py": "from isotropy import measure as measure\nfrom isotropy.errors import A as A\n",
    "errors.py": "import math\n",
    "_linalg.py": "import torch.linalg\nfrom .errors import A\n\ndef rank():\n    import scipy.linalg\n",
    "measure/__init__.py": "from isotropy.measure._size import size as size\n",
    "measure/_size.py": "from .. import _linalg\nfrom ..errors import A\n",
    "cli/__init__.py": "import typer\nfrom isotropy import measure\nimport isotropy\n",
}


def test_a_good_tree_passes(plant):
    modules = plant(GOOD)
    assert [find_strangers(modules), find_wrong_ways(modules), find_cycle(modules), find_heavy(modules)] == [[]] * 4
    assert set(find_edges(modules)["isotropy.measure._size"]) == {"isotropy._linalg", "isotropy.errors"}


@pytest.mark.parametrize(
    "text",
    [
        "from isotropy.measure import size",
        "from isotropy import measure",
        "import isotropy.measure._size",
        "from . import measure",
        "from .measure import *",
        "def f():\n    from isotropy.measure._size import size",
        "class A:\n    import isotropy.measure",
        "import importlib\nimportlib.import_module('isotropy.measure')",
        "import importlib\nimportlib.import_module('.measure', 'isotropy')",
        "import isotropy",
    ],
)
def test_a_wrong_way_edge_is_found(plant, text):
    complaints = find_wrong_ways(plant({**GOOD, "_linalg.py": text}))
    assert len(complaints) == 1
    assert complaints[0].startswith("isotropy._linalg (row 0), line ")


@pytest.mark.parametrize(("source", "target"), [("discover", "measure"), ("nn", "dynamics")])
def test_a_sibling_edge_is_found(plant, source, target):
    files = {
        f"{target}.py": "",
        f"{source}/__init__.py": "",
        f"{source}/_a.py": f"from isotropy import {target}",
    }
    (complaint,) = find_wrong_ways(plant(files))
    assert complaint.startswith(f"isotropy.{source}._a ")
    assert "do not import one another" in complaint


def test_files_of_one_package_and_of_one_shared_row_may_meet(plant):
    files = {
        "nn/__init__.py": "from isotropy.nn import _a",
        "nn/_a.py": "",
        "_group.py": "import isotropy._algebra",
        "_algebra.py": "",
    }
    assert find_wrong_ways(plant(files)) == []


@pytest.mark.parametrize("indent", ["", "def f():\n    "])
def test_a_cycle_is_found_at_both_levels(plant, indent):
    modules = plant({"_group.py": "import isotropy._algebra", "_algebra.py": indent + "from . import _group"})
    assert set(find_cycle(modules)) == {"isotropy._group", "isotropy._algebra"}


def test_a_cycle_through_a_package_page_is_found(plant):
    modules = plant({"nn/__init__.py": "from isotropy.nn._a import A", "nn/_a.py": "from isotropy.nn import A"})
    assert set(find_cycle(modules)) == {"isotropy.nn", "isotropy.nn._a"}


@pytest.mark.parametrize("guard", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_imports_for_type_checkers_do_not_count(plant, guard):
    text = f"if {guard}:\n    import scipy\n    from isotropy import _group\nelse:\n    import numpy\n"
    modules = plant({"_algebra.py": text, "_group.py": "import isotropy._algebra"})
    assert find_cycle(modules) == []
    assert [complaint.split(" imports ")[1].split()[0] for complaint in find_heavy(modules)] == ["numpy"]


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("_linalg.py", "import numpy as np", 1),
        ("_linalg.py", "try:\n    import scipy.linalg\nexcept ImportError:\n    raise", 1),
        ("_linalg.py", "class A:\n    from sklearn import base", 1),
        ("_linalg.py", "import typer", 1),
        ("_linalg.py", "def f():\n    import sympy", 0),
        ("cli/__init__.py", "import typer\nfrom rich.table import Table", 0),
        ("cli/__init__.py", "import matplotlib", 1),
        ("datasets.py", "import numpy as np\nimport scipy", 1),
    ],
)
def test_a_heavy_import_is_found(plant, name, text, count):
    assert len(find_heavy(plant({name: text}))) == count


def test_a_stranger_is_told_where_to_go(plant):
    (complaint,) = find_strangers(plant({"errors.py": "", "magic/__init__.py": ""}))
    assert "add 'magic' to ROWS in tests/test_layers.py" in complaint
