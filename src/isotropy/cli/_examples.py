"""``isotropy examples``: the data sets that come with the library."""

from __future__ import annotations

import typer

from .. import datasets


def examples() -> None:
    """List the bundled data sets; use one as DATA by the name example:NAME."""
    for name in datasets.names():
        problem = datasets.load(name)
        typer.echo(f"example:{name:<12} {problem.description}; {problem.expected.symmetry}")
