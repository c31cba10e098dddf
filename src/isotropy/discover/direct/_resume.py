"""Evidence that is written down as it grows, so that a long run can stop and go on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from ...action._action import Action
from ...core._autodiff import Map
from ...core._files import write_atomic
from ...errors import DataError
from ..evidence._evidence_file import decode, encode


class Growing(Protocol):
    """An estimator that gathers evidence chunk by chunk, such as ``FromModel``."""

    rho_in: Action
    rho_out: Action

    def partial_fit(self, f: Map, x: Any) -> Any:
        """Add evidence at points `(batch, *event)`."""
        ...

    def merge(self, other: dict[str, Any]) -> Any:
        """Absorb the evidence of a state."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """The evidence so far."""
        ...


@runtime_checkable
class Skippable(Protocol):
    """Chunks that can leave out the first ones without reading them."""

    def after(self, chunks: int) -> Iterable[Tensor]:
        """The chunks after the first so many."""
        ...


def add_chunks(found: Growing, f: Map, chunks: Iterable[Tensor], path: str | os.PathLike[str], every: int = 1) -> None:
    """Add evidence chunk by chunk and write it to ``path`` after ``every`` so many chunks and at the end.

    If the file is there, its evidence is taken first and as many chunks are left out as it has seen. A file cut short
    cannot occur: each is written whole or not at all.

    Raises
    ------
    DataError
        The file holds the evidence of other candidates, or of more chunks than there are, or is not one of ours.
    """
    file = Path(path)
    _require_settings(file, every)
    done = _restore(found, file)
    written = done
    for chunk in _rest(chunks, done, file):
        found.partial_fit(f, chunk)
        done += 1
        if done % every == 0:
            written = _write(found, file, done)
    if written < done:
        _write(found, file, done)


def _restore(found: Growing, file: Path) -> int:
    """Take the evidence in the file, if there is one; the number of chunks that it has seen."""
    if not file.exists():
        return 0
    state, header = decode(file.read_bytes(), str(file), found.rho_in, found.rho_out)
    found.merge(state)
    return int(header["chunks"])


def _write(found: Growing, file: Path, done: int) -> int:
    write_atomic(file, encode(found.state_dict(), found.rho_in, found.rho_out, chunks=done))
    return done


def _rest(chunks: Iterable[Tensor], done: int, file: Path) -> Iterable[Tensor]:
    """The chunks that the file has not seen."""
    if isinstance(chunks, Skippable):
        return chunks.after(done)
    rest = iter(chunks)
    left_out = sum(1 for _ in islice(rest, done))
    if left_out < done:
        raise DataError(
            f"{file}: expected evidence of at most {left_out} chunks, received that of {done}; pass the same chunks, "
            "or another file"
        )
    return rest


def _require_settings(file: Path, every: int) -> None:
    if file.suffix != ".safetensors":
        raise DataError(f"resume: expected a name ending in .safetensors, received {file.name!r}; rename it")
    if every < 1:
        raise DataError(f"every: expected at least 1 chunk, received {every}; 1 writes after each")
