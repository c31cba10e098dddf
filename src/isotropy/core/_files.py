"""Writing files whole or not at all."""

from __future__ import annotations

import math
import os
import secrets
from pathlib import Path
from typing import Any

from ..errors import DataError


def write_atomic(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write a file so that readers see the old content or the new, never a part.

    The content goes to a temporary file in the same folder, is flushed to the disk and then renamed.
    Whatever interrupts this, Ctrl-C included, removes the temporary file and leaves the old content as it
    was. A symbolic link is followed, so the link stays a link.

    Parameters
    ----------
    path : str or PathLike
        Where to write; the folder must exist.
    content : str or bytes
        Text is encoded as UTF-8, with its line ends untouched.

    Returns
    -------
    Path
        The path as given.

    Raises
    ------
    DataError
        If the folder is missing, or `path` is itself a folder.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise DataError(f"expected a file to write, got the folder {target}; add a file name")
    if not target.parent.is_dir():
        raise DataError(f"expected an existing folder for {target.name}, got {target.parent}; create it first")
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = target.with_name(f".{secrets.token_hex(6)}.part")
    try:
        # Exclusive creation rather than tempfile: the file gets the permissions of any new file of this user.
        with temporary.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return Path(path)


def plain(value: Any) -> Any:
    """The same value with numbers that JSON does not know replaced by null."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
