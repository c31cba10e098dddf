"""Algebras on disk: safetensors with a JSON header, or the basis inside ``symmetry.json``; never pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..core._files import write_atomic
from ..errors import DataError

FORMAT = 1
SYMMETRY_FORMAT = 2  # of a symmetry.json that keeps its action


def write_algebra(path: Path, basis: Tensor, header: dict[str, Any]) -> None:
    """Write generators `(dim, n, n)` and a header as one safetensors file."""
    from safetensors.torch import save

    if path.suffix != ".safetensors":
        raise DataError(f"path: expected a name ending in .safetensors, received {path.name!r}; rename it")
    text = json.dumps({"format": FORMAT, **header})
    write_atomic(path, save({"basis": basis.contiguous()}, metadata={"isotropy": text}))


def read_algebra(path: Path) -> tuple[Tensor, dict[str, Any]]:
    """Generators `(dim, n, n)` and header from a safetensors file or a ``symmetry.json``."""
    if not path.is_file():
        raise DataError(f"path: expected an existing file, received {str(path)!r}; check the name")
    return _read_json(path) if path.suffix == ".json" else _read_safetensors(path)


def _read_safetensors(path: Path) -> tuple[Tensor, dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stream:
            header = json.loads((stream.metadata() or {})["isotropy"])
            basis = stream.get_tensor("basis")
    except (SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise DataError(
            f"{path.name}: expected an algebra saved by this library, received a file without one ({error})"
        ) from error
    _require_format(header, path)
    return basis, header


def _read_json(path: Path) -> tuple[Tensor, dict[str, Any]]:
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
        basis = torch.tensor(answer["basis"], dtype=torch.float64)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path.name}: expected a symmetry.json, received something else ({error})") from error
    _require_own_matrices(answer, path)
    if not basis.numel():
        basis = torch.zeros(0, *answer.get("shape", (0, 0)), dtype=torch.float64)
    return basis, {**answer, "blocks": answer.get("blocks")}


def _require_own_matrices(answer: dict[str, Any], path: Path) -> None:
    """Refuse a symmetry whose matrices do not act on its columns; of format 1 that cannot be told."""
    if answer.get("format") != SYMMETRY_FORMAT:
        return _require_format(answer, path)
    try:
        action, n = answer["action"]["action"], answer["shape"][-1]
        own = action["kind"] == "linear" and action["shape"] == [n]
    except (KeyError, TypeError, IndexError) as error:
        raise DataError(f"{path.name}: expected a symmetry.json, received a damaged one ({error!r})") from error
    if not own:
        raise DataError(
            f"{path.name}: expected matrices that act on the columns, received a symmetry of the kind "
            f"{action['kind']!r}, whose matrices do not; read it with iso.Symmetry.load, which keeps the action"
        )
    return None


def _require_format(header: dict[str, Any], path: Path) -> None:
    if header.get("format") != FORMAT:
        raise DataError(
            f"{path.name}: expected format {FORMAT}, received {header.get('format')!r}; "
            "update the library or write the file again"
        )
