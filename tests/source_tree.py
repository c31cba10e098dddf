"""Reading a package by its syntax: its modules, who imports whom, and how long things are.

Nothing is imported, so the tests that use this file also see what a missing extra or a rare branch hides.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Import:
    """One name that one module imports."""

    target: str  # absolute dotted name, as far as the statement spells it
    line: int
    lazy: bool  # inside a function, so paid for only when that function runs
    typed: bool = False  # under `if TYPE_CHECKING:`, so never run


@dataclass(frozen=True)
class Module:
    """A parsed file; `name` is dotted and starts with the package."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def package(self) -> str:
        """The name that a single leading dot stands for."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]


def read_modules(root: Path) -> dict[str, Module]:
    """Parse every file under `root`, a package folder; keys are dotted names."""
    modules = {}
    for path in sorted(root.rglob("*.py")):
        parts = [root.name, *path.relative_to(root).with_suffix("").parts]
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        modules[name] = Module(name, path, ast.parse(path.read_text(encoding="utf-8"), str(path)))
    return modules


def read_imports(module: Module) -> list[Import]:
    """Every import in order, those that only type checkers read included."""
    return [
        Import(target, node.lineno, lazy, typed)
        for node, lazy, typed in _nodes(module.tree, lazy=False, typed=False)
        for target in _targets(node, module.package)
    ]


def read_moved(module: Module) -> dict[str, str]:
    """Names that the module's page hands over to another one: the literal table in `_moved(__name__, {...})`."""
    calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call) and _is_table(node)]
    return {old: new for call in calls for old, new in ast.literal_eval(call.args[1]).items()}


def read_blind(module: Module) -> list[int]:
    """Lines that import a module whose name is put together at run time, so that no reader can follow."""
    calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    return [
        call.lineno
        for call in calls
        if _called(call) in ("import_module", "__import__") and not all(_is_text(name) for name in call.args[:1])
    ]


def find_edges(modules: dict[str, Module]) -> dict[str, dict[str, int]]:
    """Modules that each module imports from the same package, with the line of the first import."""
    edges: dict[str, dict[str, int]] = {name: {} for name in modules}
    for name, module in modules.items():
        for found in read_imports(module):
            target = _nearest_module(found.target, modules)
            if target is not None:
                edges[name].setdefault(target, found.line)
    return edges


def read_functions(module: Module) -> Iterator[tuple[str, int]]:
    """Name and body lines (docstring left out) of every function, nested ones too."""
    for node in ast.walk(module.tree):
        if isinstance(node, FUNCTIONS):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield f"{module.name}:{node.name}", node.end_lineno - body[0].lineno + 1 if body else 0


def _nodes(node: ast.AST, lazy: bool, typed: bool) -> Iterator[tuple[ast.AST, bool, bool]]:
    """Walk the tree with whether a node waits inside a function, and whether only type checkers read it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            for branch, hidden in ((child.body, True), (child.orelse, typed)):
                for statement in branch:
                    yield statement, lazy, hidden
                    yield from _nodes(statement, lazy, hidden)
            continue
        yield child, lazy, typed
        yield from _nodes(child, lazy or isinstance(child, (*FUNCTIONS, ast.Lambda)), typed)


def _is_type_checking(test: ast.expr) -> bool:
    """Recognise `TYPE_CHECKING` and `typing.TYPE_CHECKING`."""
    return ast.unparse(test).rpartition(".")[2] == "TYPE_CHECKING"


def _targets(node: ast.AST, package: str) -> list[str]:
    """Absolute names that one statement (or one `import_module("...")` call) asks for."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = _absolute("." * node.level + (node.module or ""), package)
        return [base if alias.name == "*" else f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and _called(node) == "import_module":
        texts = [argument.value for argument in node.args if _is_text(argument)]
        return [_absolute(texts[0], texts[1] if len(texts) > 1 else package)] if texts else []
    return []


def _called(call: ast.Call) -> str:
    """Last name of what is called."""
    return ast.unparse(call.func).rpartition(".")[2]


def _is_table(call: ast.Call) -> bool:
    """Recognise `_moved(__name__, {...})`, the name under which a page imports `moved` to keep it off the page."""
    return _called(call) == "_moved" and bool(call.args) and ast.unparse(call.args[0]) == "__name__"


def _is_text(node: ast.expr) -> bool:
    """Whether a string stands there literally."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _absolute(name: str, package: str) -> str:
    """Resolve leading dots against the package that holds the statement."""
    stripped = name.lstrip(".")
    parts = package.split(".")
    level = len(name) - len(stripped)
    base = parts[: len(parts) - level + 1] if level else []
    return ".".join([*base, *([stripped] if stripped else [])])


def _nearest_module(target: str, modules: dict[str, Module]) -> str | None:
    """The longest leading part of `target` that is a module here."""
    while target and target not in modules:
        target = target.rpartition(".")[0]
    return target or None
