"""Evidence as bytes, with the candidates that it speaks of; safetensors with a JSON header, never pickle."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...errors import DataError

FORMAT = 3
_PROBES = 3
_PREFIX = "candidates."


def encode(state: dict[str, Any], rho_in: Action, rho_out: Action, **header: int) -> bytes:
    """A ``state_dict`` of these candidates and whole numbers that go with it."""
    from safetensors.torch import save

    tensors = {name: part.contiguous() for name, part in state.items() if isinstance(part, Tensor)}
    tensors |= {_PREFIX + name: part for name, part in _probes(rho_in, rho_out).items()}
    words = {name: part for name, part in state.items() if not isinstance(part, Tensor)}
    text = json.dumps({"format": FORMAT, "words": words, **header})
    return save(tensors, metadata={"isotropy": text})


def decode(data: bytes, source: str, rho_in: Action, rho_out: Action) -> tuple[dict[str, Any], dict[str, Any]]:
    """The ``state_dict`` and the header in such bytes.

    Raises
    ------
    DataError
        The bytes are damaged, of another format, or speak of other candidates; the message begins with ``source``.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(data)
        header = json.loads(_metadata(data)["isotropy"])
        words = dict(header["words"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{source}: expected evidence saved by this library, received something else ({error}); remove the file"
        ) from error
    if header.get("format") != FORMAT:
        raise DataError(
            f"{source}: expected format {FORMAT}, received {header.get('format')!r}; gather the evidence again"
        )
    seen = {name[len(_PREFIX) :]: part for name, part in tensors.items() if name.startswith(_PREFIX)}
    _require_same(_probes(rho_in, rho_out), seen, source)
    state = {name: part for name, part in tensors.items() if not name.startswith(_PREFIX)}
    return {**state, **words}, header


def _metadata(data: bytes) -> dict[str, str]:
    """The header of safetensors bytes, whose first 8 bytes count its length."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length])["__metadata__"]


def _probes(rho_in: Action, rho_out: Action) -> dict[str, Tensor]:
    """What every candidate does to a few fixed points, which tells candidates apart."""
    generator = torch.Generator().manual_seed(0)
    x, y = (
        torch.randn(_PROBES, *action.event, dtype=torch.float64, generator=generator) for action in (rho_in, rho_out)
    )
    return {"in": rho_in.fields(x).contiguous(), "out": rho_out.fields(y, x).contiguous()}


def _require_same(expected: dict[str, Tensor], received: dict[str, Tensor], source: str) -> None:
    """Refuse evidence about other candidates."""
    for name, part in expected.items():
        other = received.get(name)
        shape = None if other is None else tuple(other.shape)
        if other is None or shape != tuple(part.shape):
            raise DataError(
                f"{source}: expected evidence about rho_{name} with fields of shape {tuple(part.shape)}, received "
                f"{shape}; use the same candidates, or another file"
            )
        if not torch.allclose(part, other.to(part), rtol=1e-9, atol=1e-9, equal_nan=True):
            raise DataError(
                f"{source}: expected evidence about this rho_{name}, received other generators of the same size, "
                f"{float((part - other.to(part)).abs().max()):.3g} apart; use the same candidates, or another file"
            )
