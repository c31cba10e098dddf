"""The version, kept in one place: the installed metadata."""

from __future__ import annotations


def version() -> str:
    """Version of the installed library."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("isotropy")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "unknown"
