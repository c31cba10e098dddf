"""Fenced code blocks of a page, read and run in the order in which a reader meets them."""

import re
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^(<!-- shown, not run: [^\n]+ -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read_blocks(text: str, language: str) -> list[tuple[int, str]]:
    """First line and text of each fenced block of one language, but for those marked as shown and not run."""
    return [
        (text[: match.start(3)].count("\n") + 1, match.group(3))
        for match in FENCE.finditer(text)
        if match.group(2) == language and match.group(1) is None
    ]


def run_blocks(page: Path) -> None:
    """Run the Python blocks of a page one after another in one namespace."""
    namespace: dict[str, Any] = {"__name__": page.stem}
    for line, block in read_blocks(page.read_text(encoding="utf-8"), "python"):
        # Blank lines in front make a traceback point at the line of the page.
        exec(compile("\n" * (line - 1) + block, str(page), "exec"), namespace)
