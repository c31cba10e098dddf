"""Answers that fit on a screen."""

from __future__ import annotations

from collections.abc import Sequence

MOST_LINES = 11  # of a printed result, so that it stays in sight under the line that asked for it
_WIDEST = 160  # letters of a row; longer ones wrap into a wall


def shortened(rows: Sequence[str], most: int, where: str) -> list[str]:
    """At most ``most`` rows, the last of which says how many more there are, and where they stand."""
    if len(rows) <= most:
        return list(rows)
    return [*rows[: most - 1], f"... and {len(rows) - most + 1} more in {where}"]


def cut(row: str, where: str) -> str:
    """A row that is too long ends in where the whole of it stands."""
    return row if len(row) <= _WIDEST else f"{row[:_WIDEST].rsplit(' ', 1)[0]} ... (whole in {where})"
