"""The page of a probe of broken symmetry."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..atoms import ProbeReport
from ..core._files import write_atomic
from ._page import open_template
from ._pictures import inline_svg


def write_probe(
    path: str | os.PathLike[str], report: ProbeReport, title: str = "Probe of broken symmetry", choice: str = ""
) -> Path:
    """Write a probe as one HTML file that needs no network: the answer, pictures, and what each rule leaves.

    Parameters
    ----------
    path : path
        The file.
    report : ProbeReport
        What is shown.
    title : str
        Above it.
    choice : str
        A sentence on the rule that was chosen, with the answer.

    Raises
    ------
    MissingExtraError
        Without jinja2 or matplotlib.
    """
    return write_atomic(path, open_template("probe.html").render(_content(report, title) | {"choice": choice}))


def _content(report: ProbeReport, title: str) -> dict[str, Any]:
    """Everything the template reads."""
    first, *lines = report.sentences
    return {
        "title": title,
        "headline": first,
        "lines": lines,
        "pictures": {
            name: inline_svg(lambda name=name: report.plot(name), f"probe-{name}") for name in report.properties
        },
        "maps": {name: inline_svg(lambda name=name: report.map(name), f"map-{name}") for name in report.of_atoms},
        "properties": report.properties,
        "rules": report.rules(),
    }
