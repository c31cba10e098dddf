"""The front of the library: the root page loads names when asked, and the command helps without torch."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import isotropy as iso

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
    found = getattr(iso, name)
    where = sys.modules["isotropy" if place == "." else f"isotropy{place}"]
    assert found is (sys.modules[f"isotropy.{name}"] if place == "." else getattr(where, name))


def test_names_can_be_imported_from_the_page():
    from isotropy import LieAlgebra, discover, so

    assert isinstance(so(3), LieAlgebra)
    assert discover.FromModel is importlib.import_module("isotropy.discover.direct._from_model").FromModel
    with pytest.raises(AttributeError, match="module 'isotropy' has no attribute 'so3'"):
        _ = iso.so3


def test_the_page_waits_with_torch():
    code = "import sys, isotropy; dir(isotropy); isotropy.__version__; isotropy.errors; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "False\n"
