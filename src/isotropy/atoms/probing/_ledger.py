"""Finished frames of a probe on disk, one JSON line each, so that a long run can stop and go on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ...core._files import write_atomic
from ...errors import DataError
from ..structure._structure import digest

FORMAT = 2


class Ledger:
    """Records of finished frames; a line that was cut short counts as not written.

    Parameters
    ----------
    path : str, PathLike or None
        The file; without one nothing is kept.
    settings : dict
        What the records depend on.

    Raises
    ------
    DataError
        If the file belongs to another probe.
    """

    def __init__(self, path: str | os.PathLike[str] | None, settings: dict[str, Any]) -> None:
        self.path = None if path is None else Path(path)
        self.records: dict[int, dict[str, Any]] = {}
        if self.path is None:
            return
        lines = _lines(self.path)
        head = {"format": FORMAT, "settings": settings}
        if not lines:
            self._rewrite([head])
        elif lines[0] != head:
            raise DataError(
                f"{self.path}: expected the records of {settings}, received those of {lines[0].get('settings')}; "
                "choose another file or the same settings"
            )
        self.records = {line["frame"]: line for line in lines[1:]}
        self._rewrite([head, *self.records.values()])

    def find(self, index: int, atoms: Any) -> dict[str, Any] | None:
        """The record of a frame if it is finished."""
        record = self.records.get(index)
        if record is not None and record["digest"] != digest(atoms):
            raise DataError(
                f"{self.path}: expected the record of frame {index}, received that of another structure; "
                "pass the same frames or choose another file"
            )
        return record

    def add(self, record: dict[str, Any]) -> None:
        """Keep a finished frame, by one write at the end of the file."""
        self.records[record["frame"]] = record
        if self.path is None:
            return
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(handle, _line(record))
        finally:
            os.close(handle)

    def _rewrite(self, lines: list[dict[str, Any]]) -> None:
        if self.path is not None:
            write_atomic(self.path, b"".join(_line(line) for line in lines))


def _lines(path: Path) -> list[dict[str, Any]]:
    """Whole lines of a file; none if it is not there."""
    if not path.exists():
        return []
    texts = path.read_text(encoding="utf-8").split("\n")[:-1]
    try:
        return [json.loads(text) for text in texts]
    except ValueError as error:
        raise DataError(f"{path}: expected the records of a probe, received {error}; choose another file") from error


def _line(record: dict[str, Any]) -> bytes:
    return (json.dumps(record, allow_nan=False) + "\n").encode()
