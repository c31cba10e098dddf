"""The rows and rooms of the house: who may import whom, without cycles, and nothing heavy at import time."""

import graphlib
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from source_tree import Module, find_edges, read_blind, read_imports, read_modules, read_moved

SOURCE = Path(__file__).parents[1] / "src" / "isotropy"

# Names on one side of `<` never import each other; those behind it may import those before it.
# A module belongs to the row of its first name below the package: `actions._image` to that of `actions`.
ROWS = {
    0: "errors < core",
    1: "action < dictionary < algebra < actions",
    2: "derivative quadrature",
    3: "symmetry",
    4: "measure discover enforce promote stats",
    5: "nn dynamics parameters atoms graphs",
    6: "testing datasets viz interop < report < cli < __main__",
}

# The same inside packages. A package's `bars` come first, its own page and the files beside the rooms last.
ROOMS = {
    "core": "about",
    "symmetry": "claims < learnt < smooth",
    "discover": "limits < evidence < surrogate discrete shape < weak < direct pairs < games < latent",
    "parameters": "moves trace < find < laws flatness < orbit",
    "atoms": "structure < probing models < cure dynamics",
    "dynamics": "constraint < fit < choice formulas",
    "datasets": "files < problems < bundled",
    "cli": "input output < roads",
    "nn": "lconv equivariant graph init",
}

# Imports of a name that is put together at run time, which no test can follow: each is listed with what it may import.
BLIND = {
    "isotropy": "the names of the root page",
    "isotropy.core.about._moved": "new places of names that moved; find_bad_moves reads the tables",
    "isotropy.cli.input._models": "the user's model",
    "isotropy.atoms.structure._environment": "parts of ase",
    "isotropy.datasets.files._reading": "readers of files",
}


def _places(levels: str) -> dict[str, int]:
    """Level of each name, 0 first."""
    return {name: level for level, names in enumerate(levels.split("<")) for name in names.split()}


PLACES = _places(" < ".join(ROWS.values()))
ROOM_PLACES = {package: {"bars": -1, **_places(levels)} for package, levels in ROOMS.items()}
LAST = 1000  # of the root page, and in a package of its page and of the files beside the rooms

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
        if _house(name) and _house(name) not in PLACES
    ]


def find_roomless(modules: dict[str, Module]) -> list[str]:
    """Folders of a package with rooms that have no place among them."""
    pages = [name.split(".")[1:] for name, module in modules.items() if module.path.name == "__init__.py"]
    return [
        f"{parts[0]}.{parts[1]} has no room: add '{parts[1]}' to ROOMS in tests/test_layers.py (see CONTRIBUTING.md)"
        for parts in pages
        if len(parts) == 2 and parts[1] not in ROOM_PLACES.get(parts[0], {})
    ]


def find_wrong_ways(modules: dict[str, Module]) -> list[str]:
    """Imports of what stands later, or side by side, among rows or among the rooms of one package."""
    return [
        f"{source}, line {line}, imports {target}: {reason}"
        for source, targets in find_edges(modules).items()
        for target, line in targets.items()
        if _house(source) and (reason := _objection(source, target))
    ]


def find_bad_moves(modules: dict[str, Module]) -> list[str]:
    """Tables of moved names that point anywhere but to a public page: the only late imports that rows allow."""
    return [
        f"{name} hands {old!r} over to {new}: expected a name on a public page, such as isotropy.datasets.Booth"
        for name, module in modules.items()
        for old, new in read_moved(module).items()
        if "._" in new or new.rpartition(".")[0] not in modules
    ]


def find_blind(modules: dict[str, Module]) -> list[str]:
    """Imports whose target only the running program knows."""
    return [
        f"{name}, line {line}, imports a name made at run time: write it out, or add the module to BLIND"
        for name, module in modules.items()
        for line in read_blind(module)
        if name not in BLIND
    ]


def find_cycle(modules: dict[str, Module]) -> list[str]:
    """Modules of one import cycle, imports of functions and type checkers counted; empty when there is none."""
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
        if not (found.lazy or found.typed)
        and found.target.split(".")[0] not in LIGHT | ALSO_LIGHT.get(_house(name), set())
    ]


def _house(name: str) -> str:
    """First name below the package; empty for the root page."""
    return name.partition(".")[2].partition(".")[0]


def _room(name: str) -> str:
    """Second name below the package; empty for the page of a package."""
    return ".".join(name.split(".")[2:3])


def _objection(source: str, target: str) -> str:
    """Why this edge is wrong; empty when it is fine."""
    house = _house(source)
    if house != _house(target):
        return _compared(house, _house(target) or "the root page", PLACES, "rows")
    if house in ROOM_PLACES and _room(source) != _room(target):
        return _compared(_room(source), _room(target) or "the page", ROOM_PLACES[house], f"rooms of {house}")
    return ""


def _compared(source: str, target: str, places: dict[str, int], what: str) -> str:
    own, other = places.get(source, LAST), places.get(target, LAST)
    if other > own:
        return f"{target} stands after {source} among the {what}; a file imports from its own place and those before"
    if other == own < LAST:
        return f"{target} stands beside {source} among the {what}; what they share belongs before both"
    return ""


CHECKS = [find_strangers, find_roomless, find_wrong_ways, find_bad_moves, find_blind, find_cycle, find_heavy]


@pytest.fixture(scope="module")
def modules() -> dict[str, Module]:
    return read_modules(SOURCE)


@pytest.mark.parametrize("check", CHECKS)
def test_isotropy_keeps_the_rows(modules, check):
    complaints = check(modules)
    assert not complaints, "\n" + "\n".join(complaints)


def test_the_tables_of_moved_names_are_seen(modules):
    assert read_moved(modules["isotropy.parameters"])["Booth"] == "isotropy.datasets.Booth"


def test_importing_isotropy_loads_nothing_heavy():
    """The syntax cannot see what helpers import by name, so this one runs the import."""
    code = f"""
        import sys, torch
        import torch.func, torch.autograd.forward_ad, torch.nn.utils.parametrize
        before = set(sys.modules)
        import isotropy
        for name in set(dir(isotropy)) - {set(ALSO_LIGHT)}:
            getattr(isotropy, name)
        names = {{name.split(".")[0] for name in set(sys.modules) - before}}
        print(*sorted(names - set(sys.stdlib_module_names) - {{"isotropy", "torch"}}))
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
    "core/__init__.py": "",
    "core/_linalg.py": "import torch.linalg\nfrom ..errors import A\n\ndef rank():\n    import scipy.linalg\n",
    "measure/__init__.py": "from isotropy.measure._size import size as size\n",
    "measure/_size.py": "from ..core import _linalg\nfrom ..errors import A\n",
    "discover/__init__.py": "from ._both import both\nfrom .direct._a import A\n",
    "discover/bars.py": "MOST = 1\n",
    "discover/_both.py": "from .direct._a import A\n",
    "discover/direct/__init__.py": "",
    "discover/direct/_a.py": "from ..evidence._b import B\nfrom ._c import C\n",
    "discover/direct/_c.py": "from ..bars import MOST\n",
    "discover/evidence/__init__.py": "",
    "discover/evidence/_b.py": "from ..bars import MOST\n",
    "cli/__init__.py": "import typer\nfrom isotropy import measure\n",
}


def test_a_good_tree_passes(plant):
    modules = plant(GOOD)
    assert [check(modules) for check in CHECKS] == [[]] * len(CHECKS)
    assert set(find_edges(modules)["isotropy.measure._size"]) == {"isotropy.core._linalg", "isotropy.errors"}


@pytest.mark.parametrize(
    "text",
    [
        "from isotropy.measure import size",
        "from isotropy import measure",
        "import isotropy.measure._size",
        "from .. import measure",
        "from ..measure import *",
        "def f():\n    from isotropy.measure._size import size",
        "class A:\n    import isotropy.measure",
        "import importlib\nimportlib.import_module('isotropy.measure')",
        "import importlib\nimportlib.import_module('.measure', 'isotropy')",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..measure import size",
        "import isotropy",
    ],
)
def test_a_wrong_way_edge_is_found(plant, text):
    complaints = find_wrong_ways(plant({**GOOD, "core/_linalg.py": text}))
    assert len(complaints) == 1
    assert complaints[0].startswith("isotropy.core._linalg, line ")


@pytest.mark.parametrize(
    ("source", "target", "how"),
    [
        ("discover", "measure", "stands beside"),
        ("nn", "dynamics", "stands beside"),
        ("algebra", "actions", "stands after"),
        ("errors", "core", "stands after"),
    ],
)
def test_an_edge_within_a_row_is_found(plant, source, target, how):
    files = {f"{target}.py": "", f"{source}/__init__.py": "", f"{source}/_a.py": f"from isotropy import {target}"}
    (complaint,) = find_wrong_ways(plant(files))
    assert complaint.startswith(f"isotropy.{source}._a, line 1, imports isotropy.{target}: {target} {how} {source} ")


@pytest.mark.parametrize(
    ("name", "text", "how"),
    [
        ("evidence/_b.py", "from ..direct._a import A", "direct stands after evidence"),
        ("evidence/_b.py", "from .._both import both", "_both stands after evidence"),
        ("evidence/_b.py", "from .. import other", "the page stands after evidence"),
        ("bars.py", "from .evidence._b import B", "evidence stands after bars"),
        ("pairs/_p.py", "def f():\n    from ..direct._a import A", "direct stands beside pairs"),
    ],
)
def test_a_wrong_way_between_rooms_is_found(plant, name, text, how):
    (complaint,) = find_wrong_ways(plant({**GOOD, f"discover/{name}": text}))
    assert f"{how} among the rooms of discover" in complaint


def test_files_of_one_package_may_meet(plant):
    assert find_wrong_ways(plant({"nn/__init__.py": "from isotropy.nn import _a", "nn/_a.py": ""})) == []


@pytest.mark.parametrize("indent", ["", "def f():\n    "])
def test_a_cycle_is_found_at_both_levels(plant, indent):
    modules = plant({"nn/_a.py": "import isotropy.nn._b", "nn/_b.py": indent + "from . import _a"})
    assert set(find_cycle(modules)) == {"isotropy.nn._a", "isotropy.nn._b"}


def test_a_cycle_through_a_package_page_is_found(plant):
    modules = plant({"nn/__init__.py": "from isotropy.nn._a import A", "nn/_a.py": "from isotropy.nn import A"})
    assert set(find_cycle(modules)) == {"isotropy.nn", "isotropy.nn._a"}


@pytest.mark.parametrize("guard", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_imports_for_type_checkers_close_a_cycle_and_weigh_nothing(plant, guard):
    text = f"if {guard}:\n    import scipy\n    from isotropy.nn import _a\nelse:\n    import numpy\n"
    modules = plant({"nn/_b.py": text, "nn/_a.py": "import isotropy.nn._b"})
    assert set(find_cycle(modules)) == {"isotropy.nn._a", "isotropy.nn._b"}
    assert [complaint.split(" imports ")[1].split()[0] for complaint in find_heavy(modules)] == ["numpy"]


@pytest.mark.parametrize(
    ("place", "count"),
    [("isotropy.datasets.Booth", 0), ("isotropy.datasets._toys.Booth", 1), ("isotropy.attic.Booth", 1)],
)
def test_moved_names_lead_to_public_pages_and_are_no_edge(plant, place, count):
    page = f"from ..core.about._moved import moved as _moved\n__getattr__ = _moved(__name__, {{'Booth': '{place}'}})\n"
    places = ("core/__init__.py", "core/about/_moved.py", "datasets/__init__.py", "datasets/_toys.py")
    modules = plant({"nn/__init__.py": page, **dict.fromkeys(places, "")})
    assert find_wrong_ways(modules) == []
    assert len(find_bad_moves(modules)) == count


@pytest.mark.parametrize("call", ["importlib.import_module(name)", "__import__(f'{name}.x')"])
def test_an_import_that_no_reader_can_follow_is_found(plant, call):
    (complaint,) = find_blind(plant({"nn/_a.py": f"import importlib\ndef f(name):\n    return {call}\n"}))
    assert complaint.startswith("isotropy.nn._a, line 3, ")


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("core/_linalg.py", "import numpy as np", 1),
        ("core/_linalg.py", "try:\n    import scipy.linalg\nexcept ImportError:\n    raise", 1),
        ("core/_linalg.py", "class A:\n    from sklearn import base", 1),
        ("core/_linalg.py", "import typer", 1),
        ("core/_linalg.py", "def f():\n    import sympy", 0),
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


def test_a_folder_without_a_room_is_told_where_to_go(plant):
    (complaint,) = find_roomless(plant({**GOOD, "discover/attic/__init__.py": ""}))
    assert "add 'attic' to ROOMS in tests/test_layers.py" in complaint


def test_contributing_shows_the_rows_and_the_rooms():
    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| `?(\w+)`? \| `([^`]+)`", text, re.MULTILINE)
    assert {key: levels for key, levels in shown if key.isdecimal()} == {str(row): ROWS[row] for row in ROWS}
    assert {key: levels for key, levels in shown if key in ROOMS} == ROOMS
