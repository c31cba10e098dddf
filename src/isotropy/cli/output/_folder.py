"""The folder that a verb writes: all of it or nothing."""

from __future__ import annotations

import errno
import importlib.util
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import DataError, MissingExtraError


def require_folder(out: Path) -> None:
    """Refuse ``--out`` before anything is computed.

    Raises
    ------
    DataError
        If it is a file, or its parent folder is missing.
    """
    if out.exists() and not out.is_dir():
        raise DataError(f"--out: expected a folder, received the file {out}; choose another name")
    if not out.parent.is_dir():
        raise DataError(f"--out: expected an existing parent folder, received {out.parent}; create it first")


def require_report() -> None:
    """Refuse to promise a report that cannot be drawn.

    Raises
    ------
    MissingExtraError
        Without matplotlib or jinja2.
    """
    missing = [name for name in ("matplotlib", "jinja2") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"--out: expected matplotlib and jinja2 for the report, found no {' and no '.join(missing)}; "
            "run pip install 'isotropy[report]' or use --json"
        )


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Yield a hidden folder whose files move into ``out`` at the end; an interruption leaves no part of them.

    Raises
    ------
    DataError
        If the folder cannot be written.
    """
    staging = out.parent / f".{out.name}.{secrets.token_hex(4)}.part"
    try:
        staging.mkdir()
        yield staging
        _publish(staging, out)
    except OSError as error:
        raise DataError(
            f"--out: expected a folder that can be written, received {out} ({error.strerror or error}); choose another"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _publish(staging: Path, out: Path) -> None:
    """Move the finished files into place, all of them or none."""
    if not out.exists():
        staging.rename(out)
        return
    folders = [file.name for file in staging.iterdir() if (out / file.name).is_dir()]
    if folders:
        raise IsADirectoryError(errno.EISDIR, f"{folders[0]} is a folder there")
    for file in staging.iterdir():
        file.replace(out / file.name)
