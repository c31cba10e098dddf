"""States of training on disk: safetensors with a JSON header, never pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from ...core._files import write_atomic
from ...errors import DataError

FORMAT = 1


def write_checkpoint(path: Path, tensors: dict[str, Tensor], words: dict[str, Any], settings: str) -> None:
    """Write tensors, plain values and the settings that they belong to, whole or not at all."""
    from safetensors.torch import save

    text = json.dumps({"format": FORMAT, "words": words, "settings": settings})
    whole = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    write_atomic(path, save(whole, metadata={"isotropy": text}))


def read_checkpoint(path: Path, like: dict[str, Tensor], settings: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and plain values of such a file.

    Raises
    ------
    DataError
        If the file is damaged or is none of ours, belongs to other settings, or lacks a tensor of ``like`` or holds it
        in another shape.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stream:
            header = json.loads((stream.metadata() or {})["isotropy"])
            tensors: dict[str, Tensor] = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
        words, found = dict(header["words"]), header["settings"]
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path.name}: expected a state of training written by this library, received something else ({error}); "
            "remove the file to start anew"
        ) from error
    if header.get("format") != FORMAT:
        raise DataError(f"{path.name}: expected format {FORMAT}, received {header.get('format')!r}; start anew")
    if found != settings:
        raise DataError(
            f"{path.name}: expected the state of a run with settings {settings}, received {found}; use the same "
            "settings and data, or another file"
        )
    for name, value in like.items():
        if name not in tensors or tensors[name].shape != value.shape:
            raise DataError(f"{path.name}: expected a tensor {name} of shape {tuple(value.shape)}; start anew")
    return tensors, words


def require_safetensors(path: Path) -> Path:
    """Refuse a name that does not say what the file will be."""
    if path.suffix != ".safetensors":
        raise DataError(f"resume: expected a name ending in .safetensors, received {path.name!r}; rename it")
    if not path.parent.is_dir():
        raise DataError(f"resume: expected an existing folder, received {path.parent}; create it first")
    return path
