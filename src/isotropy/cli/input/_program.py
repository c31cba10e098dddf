"""A saved ``torch.export`` program, read as data.

``torch.export.load`` unpickles what a file asks it to, evaluates its symbolic sizes and executes its guards. So the
archive is written again in memory first, from the parts that are plain tensors and a graph of ATen operators that are
pure functions of tensors; the loader never sees anything else, and a file that needs more is refused.
"""

from __future__ import annotations

import io
import json
import logging
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import DataError
from ._operators import faults

GRAPH = "models/model.json"
CONFIGS = ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json")
SAMPLES = "data/sample_inputs/model.pt"  # a pickle; the loader takes an empty one for none
_KEPT = re.compile(
    r"archive_format|archive_version|byteorder|\.data/(version|serialization_id)|models/model\.json"
    r"|data/weights/weight_\d+|data/constants/tensor_\d+|data/(weights|constants)/model_(weights|constants)_config\.json"
)
_DROPPED = re.compile(r"extra/.*|data/sample_inputs/model\.pt")
_OPERATOR = re.compile(
    r"torch\.ops\.(aten|prims|higher_order)\.\w+(\.\w+)?|torch\.sym_\w+|math\.(floor|ceil|trunc|sqrt)"
    r"|_operator\.(getitem|add|sub|mul|truediv|floordiv|mod|pow|neg|pos|eq|ne|lt|le|gt|ge|and_|or_)"
)
_SYMBOL = re.compile(r"Symbol\('[a-z]+\d+'(, \w+=(True|False))*\)")
_SIZE = re.compile(r"([A-Z]\w*|[a-z]+\d+|\d+|[\s+\-*/(),<>=])*")
_IMPORTING = ("__enum__", "default_factory_module")  # containers for which torch imports a module by name


def read_program(path: Path) -> tuple[nn.Module, Tensor]:
    """Module of a saved program, and a stand-in for its input `(batch, *event)` that has shape and dtype only.

    Raises
    ------
    DataError
        If the file is not such a program, holds anything but tensors and ATen operators, or takes no batches.
    """
    archive = _rewritten(_members(path), path)
    try:
        with _silent():
            program = torch.export.load(archive)
            module = program.module()
    except Exception as error:  # whatever a damaged graph makes of the loader
        raise DataError(
            f"{path}: expected a program written by torch.export.save, received one that torch {torch.__version__} "
            f"cannot load ({type(error).__name__}: {error}); export it again with this version"
        ) from error
    return module, _input(program, path)


def _members(path: Path) -> dict[str, bytes]:
    """Content of each record, named without the root folder."""
    if not path.is_file():
        raise DataError(f"{path}: expected an existing .pt2 file, received none; check the path")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
            short = [name.partition("/")[2] for name in names]
            if len({name.lower() for name in short}) < len(short):
                raise zipfile.BadZipFile("two records of one name")
            return {last: archive.read(name) for last, name in zip(short, names, strict=True)}
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise DataError(
            f"{path}: expected a program written by torch.export.save, received a damaged file or one of another "
            f"kind ({error}); export it again"
        ) from error


def _rewritten(members: dict[str, bytes], path: Path) -> io.BytesIO:
    """The same program in a new archive, without what could run code."""
    strange = next((name for name in members if not _KEPT.fullmatch(name) and not _DROPPED.fullmatch(name)), None)
    if strange is not None:
        raise _refusal(path, f"the record {strange!r}")
    if GRAPH not in members or any(name not in members for name in CONFIGS):
        raise DataError(
            f"{path}: expected a program written by torch.export.save, received an archive without {GRAPH}; "
            "export it again with this version of torch"
        )
    plain = {name: content for name, content in members.items() if _KEPT.fullmatch(name)}
    for name in CONFIGS:
        _require_tensors(_parsed(plain[name], path), plain, path)
    graph = _parsed(plain[GRAPH], path)
    graph["guards_code"] = []  # executed as text; the shapes are checked here instead
    plain[GRAPH] = json.dumps(_plain_graph(graph, path)).encode()
    for fault in faults(graph):
        raise _refusal(path, fault)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in {**plain, SAMPLES: b""}.items():
            archive.writestr(f"model/{name}", content)
    stream.seek(0)
    return stream


def _parsed(content: bytes, path: Path) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise DataError(f"{path}: expected JSON inside the program, received {error}; export it again") from error
    if not isinstance(parsed, dict):
        raise DataError(f"{path}: expected a JSON object inside the program, received a list; export it again")
    return parsed


def _require_tensors(config: dict[str, Any], members: dict[str, bytes], path: Path) -> None:
    """Refuse a list of weights or constants that are not stored as plain numbers."""
    for name, entry in config.get("config", {}).items():
        file = str(entry.get("path_name"))
        stored = any(f"data/{kind}/{file}" in members for kind in ("weights", "constants"))
        if entry.get("use_pickle") is not False or not stored:
            raise _refusal(path, f"{name!r} as the pickle {file!r}")


def _plain_graph(node: Any, path: Path) -> Any:
    """The graph without notes about where it came from; refuses operators and sizes that could run code."""
    if isinstance(node, list):
        return [_plain_graph(inner, path) for inner in node]
    if isinstance(node, str) and any(word in node for word in _IMPORTING):
        raise _refusal(path, "a container that imports a module")
    if not isinstance(node, dict):
        return node
    for key in ("target", "as_operator"):
        if isinstance(node.get(key), str) and not _OPERATOR.fullmatch(node[key]):
            raise _refusal(path, f"the operator {node[key]!r}")
    size = node.get("expr_str", "")
    if not isinstance(size, str) or not _SIZE.fullmatch(_SYMBOL.sub("s0", size)):
        raise _refusal(path, f"the size {size!r}")
    return {key: {} if key == "metadata" else _plain_graph(inner, path) for key, inner in node.items()}


def _refusal(path: Path, what: str) -> DataError:
    return DataError(
        f"{path}: expected tensors and pure ATen operators only, received {what}; what could run code or reach "
        "beyond its tensors is refused: export in eval mode, or name an importable module:callable that you trust"
    )


def _input(program: torch.export.ExportedProgram, path: Path) -> Tensor:
    """Stand-in for the one input of the program."""
    names = program.graph_signature.user_inputs
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    inputs = [nodes[name].meta["val"] for name in names if isinstance(name, str) and name in nodes]
    if len(names) != 1 or len(inputs) != 1 or not isinstance(inputs[0], Tensor) or inputs[0].ndim < 1:
        raise DataError(f"{path}: expected a program of one input tensor, received {len(names)} inputs; wrap the model")
    if isinstance(inputs[0].shape[0], int):
        raise DataError(
            f"{path}: expected a program for batches of any size, received one for {inputs[0].shape[0]} samples; "
            "export it with dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)"
        )
    return inputs[0]


@contextmanager
def _silent() -> Iterator[None]:
    """Keep torch from logging tracebacks of what becomes one line here."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
