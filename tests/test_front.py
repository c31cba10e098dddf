"""The front of the library: the root page loads names when asked, and the command helps without torch."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import isotropy as iso
from isotropy.cli import app

ROOT = Path(iso.__file__)


def shown_to_type_checkers():
    """Public names under `if TYPE_CHECKING:`, with the module that each comes from."""
    (guard,) = (node for node in ast.parse(ROOT.read_text()).body if isinstance(node, ast.If))
    return {alias.name: "." * node.level + (node.module or "") for node in guard.body for alias in node.names}


def test_the_page_gives_what_type_checkers_see():
    assert shown_to_type_checkers() == {**dict.fromkeys(iso._PAGES, "."), **iso._PLACE_OF}
    assert set(shown_to_type_checkers()) < set(dir(iso))


@pytest.mark.parametrize("name", sorted(shown_to_type_checkers()))
def test_every_name_is_there(name):
    place = shown_to_type_checkers()[name]
    page = importlib.import_module(f".{name}" if place == "." else place, "isotropy")
    assert getattr(iso, name) is (page if place == "." else getattr(page, name))


def test_names_can_be_imported_from_the_page():
    from isotropy import LieAlgebra, discover, so

    assert isinstance(so(3), LieAlgebra)
    assert discover.FromModel is importlib.import_module("isotropy.discover.direct._from_model").FromModel
    with pytest.raises(AttributeError, match="module 'isotropy' has no attribute 'so3'"):
        _ = iso.so3


def run_alone(code):
    """Standard output of some code in a Python of its own."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


def test_the_page_waits_with_torch():
    code = "import sys, isotropy; dir(isotropy); isotropy.__version__; isotropy.errors; print('torch' in sys.modules)"
    assert run_alone(code) == "False\n"


VERBS = ["discover", "measure", "equations", "parameters", "examples", "probe", "study"]
ALONE = """
import sys, time
sys.argv = ["isotropy", *{words}]
from isotropy.cli import main
try:
    main()
except SystemExit as stop:
    print(stop.code, "torch" in sys.modules, time.process_time())
"""


@pytest.mark.parametrize(
    ("words", "code", "seconds"),
    [
        (["examples"], 0, 0.5),
        ([], 0, 0.3),
        (["--help"], 0, 0.3),
        (["--version"], 0, 0.3),
        (["discvoer"], 2, 0.3),
        (["discover"], 2, 0.3),
        *(([verb, "--help"], 0, 0.3) for verb in VERBS),
    ],
    ids=repr,
)
def test_help_does_without_torch(words, code, seconds):
    times = []
    while len(times) < 3 and min(times, default=seconds) >= seconds:  # the first may have to compile
        found, heavy, spent = run_alone(ALONE.format(words=words)).split()[-3:]
        assert (int(found), heavy) == (code, "False")
        times.append(float(spent))
    assert min(times) < seconds


def test_every_verb_is_asked_for_help():
    assert sorted(VERBS) == sorted(command.callback.__name__ for command in app.registered_commands)
