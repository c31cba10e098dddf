"""Settings of the documentation: `python -m sphinx -W -b html docs docs/_build`."""

import pkgutil
import re
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
SOURCE = ROOT / "src" / "isotropy"
sys.path.insert(0, str(SOURCE.parent))

project = "isotropy"
author = "The isotropy developers"
copyright = author
release = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE).group(1)

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_templates", "gallery/**/*.ipynb"]
templates_path = ["_templates"]
html_theme = "furo"
html_title = f"isotropy {release}"

# Rooms below the verbs hand nothing on: what is public in them stands on the root page.
INNER = ("core", "action", "algebra", "derivative", "symmetry")
PAGES = [m.name for m in pkgutil.iter_modules([str(SOURCE)]) if m.ispkg and m.name not in INNER]
autosummary_context = {"packages": ["isotropy", *(f"isotropy.{name}" for name in PAGES)]}
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_ivar = True

# A name that the root page and its own package both show has two targets; either is right.
suppress_warnings = ["ref.python"]

if any((ROOT / "examples").glob("plot_*.py")):
    extensions.append("sphinx_gallery.gen_gallery")
    sphinx_gallery_conf = {
        "examples_dirs": str(ROOT / "examples"),
        "gallery_dirs": "gallery",
        "filename_pattern": r"plot_",
        "abort_on_example_error": True,
        "show_memory": False,
        "download_all_examples": False,
    }
    # The gallery keeps functions in the settings' cache, which Sphinx can only remark upon.
    suppress_warnings.append("config.cache")
    warnings.filterwarnings("ignore", message=".*FigureCanvasAgg is non-interactive.*")


def skip_foreign(app, what, name, value, skip, options):
    """Leave out what a page imports from torch or the standard library."""
    module = getattr(value, "__module__", None)
    return skip or (isinstance(module, str) and module.split(".")[0] != "isotropy")


def setup(app):
    app.connect("autodoc-skip-member", skip_foreign)
