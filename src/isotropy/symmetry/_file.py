"""``symmetry.json``, format 2: a symmetry as plain data, written whole and read back as the same thing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..action._action import Action
from ..actions._record import read_action, record_action
from ..algebra._lie_algebra import LieAlgebra
from ..core._files import plain, write_atomic
from ..errors import DataError, SymmetryError
from ._certificate import Certificate
from ._domain import Domain
from ._first_format import first_format
from ._generator import Generator

FORMAT = 2
STATUSES = ("certified", "undecided", "none")


def write_content(path: Path, content: dict[str, Any], tensors: dict[str, Tensor]) -> Path:
    """Write what ``as_content`` made; tensors go to a ``.safetensors`` file beside it.

    Raises
    ------
    DataError
        If the folder is missing.
    """
    if tensors:
        from safetensors.torch import save

        weights = path.with_suffix(".safetensors")
        content = {**content, "weights": weights.name}
        write_atomic(weights, save(tensors))  # first, so that the JSON never points at nothing
    return write_atomic(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def as_content(
    answer: dict[str, Any], candidates: Action, spans: dict[str, LieAlgebra]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What the file holds of an answer, its candidates and further spans, and the tensors beside it.

    Raises
    ------
    DataError
        If the candidates cannot be written as data.
    """
    record = record_action(candidates)
    others = {f"{name}_basis": span.basis.tolist() for name, span in spans.items()}
    return plain({"format": FORMAT, **answer, **others, "action": record.words}), dict(record.tensors)


def read_symmetry(path: Path) -> dict[str, Any]:
    """The arguments of the symmetry that a file holds.

    Raises
    ------
    DataError
        If the file is missing, damaged, of another format, or does not say how the generators act.
    """
    content = _parsed(path)
    if content.get("format") not in (1, FORMAT):
        raise DataError(
            f"{path.name}: expected format 1 or {FORMAT}, received {content.get('format')!r}; update the library or "
            "write the file again"
        )
    try:
        if content["format"] == 1:
            return first_format(content, path.name)
        return _arguments(content, _weights(path, content))
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        if isinstance(error, SymmetryError):
            raise
        raise DataError(
            f"{path.name}: expected a symmetry saved by this library, received a damaged one "
            f"({type(error).__name__}: {error}); write it again"
        ) from error


def _parsed(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(f"path: expected an existing file, received {str(path)!r}; check the name")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path.name}: expected a symmetry.json, received something else ({error})") from error
    if not isinstance(content, dict):
        raise DataError(f"{path.name}: expected a symmetry.json, received a {type(content).__name__}; check the name")
    return content


def _weights(path: Path, content: Mapping[str, Any]) -> dict[str, Tensor]:
    """Tensors beside the file; only a plain name in the same folder is looked up."""
    name = content.get("weights")
    if name is None:
        return {}
    beside = path.parent / str(name)
    if Path(str(name)).name != name or not beside.is_file():
        raise DataError(
            f"{path.name}: expected its weights {str(name)!r} in the same folder, found none; move both files together"
        )
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(beside.read_bytes())
    except (SafetensorError, ValueError) as error:
        raise DataError(f"{beside.name}: expected weights saved by this library, received {error}") from error


def _arguments(content: Mapping[str, Any], tensors: dict[str, Tensor]) -> dict[str, Any]:
    candidates = read_action(content["action"], tensors)
    spans = {name: _span(candidates, content, f"{name}_basis") for name in ("trivial", "transversal")}
    algebra = _span(candidates, content, "basis")
    shape = (algebra.dim, candidates.algebra.dim)
    return {
        "candidates": candidates,
        "coefficients": _tensor(content["coefficients"]).reshape(shape),
        "algebra": algebra,
        "uncertainty": _tensor(content["uncertainty"]).reshape(shape),
        "status": _status(content["status"]),
        **spans,
        "generators": tuple(Generator.from_dict(one) for one in content["generators"]),
        "certificates": {name: Certificate.from_dict(one) for name, one in content["certificates"].items()},
        "spectrum": _tensor(content["spectrum"]),
        "cut": int(content["cut"]),
        "gap": _number(content["gap"]),
        "floor": _number(content["floor"]),
        "tolerance": _number(content["tolerance"]),
        "level": _number(content["level"]),
        "ladder": {float(tolerance): int(dim) for tolerance, dim in content["ladder"]},
        "ignored": int(content["ignored"]),
        "ignored_effect": _number(content.get("ignored_effect")),
        "elements": _elements(content),
        "orders": tuple(int(order) for order in content.get("orders") or ()),
        "domain": Domain.from_dict(content["domain"]),
        "road": str(content["method"] or ""),
        "derivative": str(content["derivative"] or ""),
        "seed": None if content["seed"] is None else int(content["seed"]),
        "limits": tuple(str(limit) for limit in content["limits"]),
        "digits": int(content.get("digits") or 1),
        "every_term": bool(content.get("every_term")),
        "version": str(content["isotropy_version"]),
    }


def _span(candidates: Action, content: Mapping[str, Any], key: str) -> LieAlgebra:
    """A span of generators with the bracket and the blocks of the candidates."""
    whole = candidates.algebra
    if not isinstance(whole, LieAlgebra):
        raise TypeError(f"candidates of {type(whole).__name__}")
    return whole.rewritten(_tensor(content[key]).reshape(-1, *whole.basis.shape[1:]))


def _elements(content: Mapping[str, Any]) -> Tensor:
    found = _tensor(content.get("elements") or [])
    return found if len(found) else found.reshape(0, 0, 0)


def _status(text: Any) -> str:
    if text not in STATUSES:
        raise ValueError(f"status {text!r} instead of one of {', '.join(STATUSES)}")
    return str(text)


def _tensor(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _number(value: Any) -> float:
    """A number; those that JSON does not know were written as null."""
    return math.nan if value is None else float(value)
