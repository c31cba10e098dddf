"""``isotropy examples``: the data sets that come with the library."""

from __future__ import annotations

import typer

from ..core.about._examples import bundled_examples


def examples() -> None:
    """List the bundled data sets; use one as DATA by the name example:NAME."""
    for name, example in bundled_examples().items():
        typer.echo(f"example:{name:<12} {example.description}; {example.symmetry}")
