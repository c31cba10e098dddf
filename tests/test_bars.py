"""The bars of all verdicts: each is documented, used and pinned, so that none drifts unnoticed."""

import ast
import importlib
import math
import re
from pathlib import Path

import pytest

from bar_pins import PINS
from isotropy.core import bars as cuts
from isotropy.symmetry import bars as verdicts
from isotropy.symmetry.claims import bars as claims

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "isotropy"
FILES = sorted(SOURCE.rglob("bars.py"))


def assignments(path: Path) -> dict[str, int]:
    """Names that a file binds at module level, with their lines; imports and the docstring are left out."""
    found: dict[str, int] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Expr):
            continue
        assert isinstance(node, ast.Assign), f"{path}, line {node.lineno}: a file of bars holds plain constants alone"
        found |= {ast.unparse(target): node.lineno for target in node.targets}
    return found


def package_of(path: Path) -> str:
    return ".".join(path.parent.relative_to(SOURCE).parts)


BARS = {f"{package_of(path)}.{name}": (path, line) for path in FILES for name, line in assignments(path).items()}


def moved(bar: float, factor: float) -> float:
    """A bar a fifth off; whole numbers move by one at least."""
    if not isinstance(bar, int):
        return factor * bar
    return math.ceil(factor * bar) if factor > 1 else math.floor(factor * bar)


def test_every_bar_has_a_pin_and_every_pin_a_bar():
    assert set(PINS) == set(BARS)


@pytest.mark.parametrize("name", sorted(BARS))
def test_a_bar_that_moves_by_a_fifth_is_noticed(name, monkeypatch):
    package, _, constant = name.rpartition(".")
    module = importlib.import_module(f"isotropy.{package}.bars")
    bar, pin = getattr(module, constant), PINS[name]
    pin()
    for factor in (0.8, 1.2):
        monkeypatch.setattr(module, constant, moved(bar, factor))
        with pytest.raises(AssertionError):
            pin()


@pytest.mark.parametrize("name", sorted(BARS))
def test_a_bar_is_a_number_in_capitals_below_a_comment(name):
    path, line = BARS[name]
    constant = name.rpartition(".")[2]
    bar = getattr(importlib.import_module(f"isotropy.{package_of(path)}.bars"), constant)
    assert type(bar) in (int, float)
    assert re.fullmatch(r"[A-Z][A-Z_]*", constant)
    above = path.read_text(encoding="utf-8").splitlines()[line - 2]
    assert above.startswith("# ")
    assert not above.startswith("# --")


def source_of(node: ast.ImportFrom, path: Path) -> str:
    """Dotted name, below the package, of the module that an import names."""
    here = list(path.relative_to(SOURCE).parts[: -node.level]) if node.level else []
    return ".".join([*here, *(node.module or "").removeprefix("isotropy").strip(".").split(".")]).strip(".")


def uses(path: Path, tree: ast.Module) -> set[str]:
    """Bars ``package.NAME`` that a file reads, whatever it calls the module."""
    names = {
        alias.asname or alias.name: source_of(node, path)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == "bars"
    }
    return {
        f"{names[node.value.id]}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names
    }


def test_every_bar_is_used_and_as_an_attribute():
    texts = {path: path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")}
    trees = {path: ast.parse(text) for path, text in texts.items() if re.search(r"\bbars\b", text)}
    copied = [
        f"{path}, line {node.lineno}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2] == "bars"
    ]
    assert not copied, f"import the module and use its attribute, so that a change is seen everywhere: {copied}"
    used = set[str]().union(*(uses(path, tree) for path, tree in trees.items()))
    assert set(BARS) - used == set()
    assert used - set(BARS) == set()


def test_the_page_of_certificates_names_the_bars():
    rows = {
        line.split("|")[1].strip(" `"): line.split("|")[3]
        for line in (ROOT / "docs" / "certificates.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    }
    expected = {
        "gap": (cuts.MIN_GAP, verdicts.MIN_GAP_OF_BROKEN),
        "closure": (claims.MOST_CLOSURE, verdicts.MOST_CLOSURE_DEFECT),
        "finite_flow": (verdicts.MOST_FLOW_ERROR,),
        "stability": (verdicts.MOST_SINE,),
        "identifiability": (verdicts.MOST_SINE,),
    }
    found = {name: tuple(float(n) for n in re.findall(r"[\d.]+", rows[name])) for name in expected}
    assert found == expected
    assert "1/3" in rows["held_out"]
    assert "1/3" in rows["gradient"]
    assert pytest.approx(1 / 3) == 1 / cuts.MIN_GAP == verdicts.MOST_GRADIENT_ERROR
