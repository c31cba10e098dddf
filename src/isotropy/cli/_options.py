"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

LARGEST_SEED = 2**32 - 1  # of scikit-learn


def _folder(text: str) -> Path:
    """A path; an empty text, as a shell makes of an unset variable, would be the current folder."""
    if not text.strip() or "\0" in text:
        raise typer.BadParameter(f"expected the name of a folder, received {text!r}; name one, or . for this one")
    return Path(text)


X = Annotated[str | None, typer.Option(help="input columns, such as u,v,w or x0:x5; all others if left out")]
Outputs = Annotated[str, typer.Option(help="how outputs move: scalar (not at all), vector (as inputs do), or auto")]
Key = Annotated[str | None, typer.Option(help="group or array inside an HDF5 or NPZ file")]
Out = Annotated[
    Path | None, typer.Option(parser=_folder, metavar="DIR", help="folder for the answer; created if it is not there")
]
AsJson = Annotated[bool, typer.Option("--json", help="print the answer as JSON")]
Seed = Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="seed of everything random")]
